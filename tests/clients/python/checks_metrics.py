"""Metrics as the MLflow client sees them: exact values, histories, batches, parallel and asynchronous writers."""

import math
import subprocess
import sys
import time

import mlflow
import numpy
from mlflow.entities import Metric

from harness import check, client, environment, holds, new_experiment, new_run, now_ms, points, refused, same, unique

INF = float("inf")
NAN = float("nan")


@check("log_metric with step and timestamp, read back exactly")
def steps():
    mlflow.set_experiment(unique())
    with mlflow.start_run() as run:
        for step in range(40):
            mlflow.log_metric("loss", 1 / (step + 3), step=step, timestamp=1700000000000 + step * 10)
        before = now_ms()
        mlflow.log_metric("now", 3)
        after = now_ms()
        mlflow.log_metrics({"a/b": 1.5, "c d": -2, "größe": numpy.float32(0.1)}, step=4, timestamp=99)
    run_id = run.info.run_id
    wanted = [(1700000000000 + step * 10, step, 1 / (step + 3)) for step in range(40)]
    same(points(client().get_metric_history(run_id, "loss")), wanted, "history")
    [(timestamp, step, value)] = points(client().get_metric_history(run_id, "now"))
    holds(before <= timestamp <= after, f"timestamp {timestamp}")
    same((step, value), (0, 3.0), "step and value by default")
    latest = {"loss": 1 / 42, "now": 3.0, "a/b": 1.5, "c d": -2.0, "größe": float(numpy.float32(0.1))}
    same(client().get_run(run_id).data.metrics, latest, "latest values")
    same(points(client().get_metric_history(run_id, "größe")), [(99, 4, latest["größe"])], "unicode key")
    same(list(client().get_metric_history(run_id, "nobody")), [], "unknown metric")
    metric = client().get_metric_history(run_id, "a/b")[0]
    same((metric.key, metric.value, metric.timestamp, metric.step), ("a/b", 1.5, 99, 4), "the whole metric")


@check("doubles and steps at their limits come back bit by bit")
def limits():
    run_id = new_run()
    values = [0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308, 0.1 + 0.2]
    values += [1 / 3, math.pi, 1e16, 123456789012345678.0, 1e22, 1e23, 4.35, 9007199254740993.0, -1e-7, 100.0, 1e-5]
    generator = numpy.random.default_rng(1)
    values += [float(v) for v in generator.integers(0, 2**63, 300).view(numpy.float64) if math.isfinite(v)]
    client().log_batch(run_id, [Metric("v", value, n, n) for n, value in enumerate(values)])
    for n, value in enumerate(values[:20]):
        client().log_metric(run_id, "w", value, timestamp=n, step=n)
    same(points(client().get_metric_history(run_id, "v")), [(n, n, v) for n, v in enumerate(values)], "by log_batch")
    wanted = [(n, n, v) for n, v in enumerate(values[:20])]
    same(points(client().get_metric_history(run_id, "w")), wanted, "by log_metric")
    same(client().get_run(run_id).data.metrics, {"v": values[-1], "w": values[19]}, "latest")
    steps_ = [-(2**63), -5, -1, 0, 1, 2**31, 2**53 + 1, 2**63 - 1]
    client().log_batch(run_id, [Metric("s", 1.0, 0, step) for step in steps_])
    same(points(client().get_metric_history(run_id, "s")), [(0, step, 1.0) for step in steps_], "steps")


@check("minus zero keeps its sign", upstream_bug="SQLite stores it as an integer zero")
def minus_zero():
    run_id = new_run()
    client().log_metric(run_id, "z", -0.0, timestamp=1, step=1)
    same(points(client().get_metric_history(run_id, "z")), [(1, 1, -0.0)], "history")


@check("NaN is stored as NaN")
def not_a_number():
    run_id = new_run()
    client().log_metric(run_id, "loss", 0.5, timestamp=1, step=1)
    client().log_metric(run_id, "loss", NAN, timestamp=2, step=2)
    client().log_batch(run_id, [Metric("loss", NAN, 3, 3), Metric("other", NAN, 1, 1)])
    same(points(client().get_metric_history(run_id, "loss")), [(1, 1, 0.5), (2, 2, NAN), (3, 3, NAN)], "history")
    same(client().get_run(run_id).data.metrics, {"loss": NAN, "other": NAN}, "latest")
    client().log_metric(run_id, "loss", 0.25, timestamp=4, step=4)
    same(client().get_run(run_id).data.metrics["loss"], 0.25, "latest after a number")


@check("infinities are stored as they are", upstream_bug="clamps them to the largest double")
def infinities():
    run_id = new_run()
    client().log_metric(run_id, "m", INF, timestamp=1, step=1)
    client().log_batch(run_id, [Metric("m", -INF, 2, 2), Metric("n", INF, 1, 1)])
    same(points(client().get_metric_history(run_id, "m")), [(1, 1, INF), (2, 2, -INF)], "history")
    same(client().get_run(run_id).data.metrics, {"m": -INF, "n": INF}, "latest")


@check("the latest value is the greatest (step, timestamp, value), not the last to arrive")
def latest():
    run_id = new_run()
    arrivals = [((5, 100, 1.0), 1.0), ((4, 900, 7.0), 1.0), ((5, 99, 8.0), 1.0), ((5, 100, 0.5), 1.0)]
    arrivals += [((5, 100, 2.0), 2.0), ((5, 101, -3.0), -3.0), ((-6, 999, 4.0), -3.0), ((6, 1, 0.0), 0.0)]
    for number, ((step, timestamp, value), wanted) in enumerate(arrivals):
        if number % 2:
            client().log_metric(run_id, "m", value, timestamp=timestamp, step=step)
        else:
            client().log_batch(run_id, [Metric("m", value, timestamp, step)])
        same(client().get_run(run_id).data.metrics, {"m": wanted}, f"after arrival {number}")
    history = sorted((timestamp, step, value) for (step, timestamp, value), _ in arrivals)
    same(points(client().get_metric_history(run_id, "m")), history, "order of the history")
    other = new_run()
    client().log_batch(other, [Metric("m", value, timestamp, step) for (step, timestamp, value), _ in arrivals])
    same(client().get_run(other).data.metrics, {"m": 0.0}, "latest of one batch")
    found = client().search_runs([client().get_run(run_id).info.experiment_id])
    same(found[0].data.metrics, {"m": 0.0}, "latest in a search answer")


@check("an identical point logged again is one point")
def identical():
    run_id = new_run()
    for _ in range(3):
        client().log_metric(run_id, "m", 0.5, timestamp=10, step=1)
        client().log_batch(run_id, [Metric("m", 0.5, 10, 1), Metric("m", 0.75, 10, 1), Metric("m", NAN, 10, 1)])
    same(sorted(map(str, points(client().get_metric_history(run_id, "m")))),
         sorted(map(str, [(10, 1, 0.5), (10, 1, 0.75), (10, 1, NAN)])), "history")
    client().log_batch(run_id, [Metric("twice", 1.0, 1, 1)] * 2)
    same(points(client().get_metric_history(run_id, "twice")), [(1, 1, 1.0)], "twice in one batch")


@check("log_batch of 1,000 metrics", guarded=True)
def batch():
    run_id = new_run()
    by_step = [Metric("one key", math.sin(n), 1600000000000 + n, n) for n in range(1000)]
    by_key = [Metric(f"key {n:04}", math.cos(n), 1600000000000, 0) for n in range(1000)]
    client().log_batch(run_id, by_step)
    client().log_batch(run_id, by_key)
    same(points(client().get_metric_history(run_id, "one key")), [(m.timestamp, m.step, m.value) for m in by_step], "history")
    wanted = {m.key: m.value for m in by_key} | {"one key": math.sin(999)}
    same(client().get_run(run_id).data.metrics, wanted, "latest")
    same(points(client().get_metric_history(run_id, "key 0500")), [(1600000000000, 0, math.cos(500))], "one of many keys")


@check("a history of 26,000 points comes in pages and complete", guarded=True)
def long_history():
    run_id = new_run()
    wanted = []
    for start in range(0, 26000, 1000):
        block = [(1600000000000 + n, n, n * 0.001) for n in range(start, start + 1000)]
        client().log_batch(run_id, [Metric("long", value, timestamp, step) for timestamp, step, value in block])
        wanted += block
    same(points(client().get_metric_history(run_id, "long")), wanted, "history")
    store = client()._tracking_client.store
    seen, token = [], None
    while True:
        page = store.get_metric_history(run_id, "long", max_results=9999, page_token=token)
        seen += points(page)
        token = page.token
        if not token:
            break
        same(len(page), 9999, "size of a page")
    same(seen, wanted, "pages of 9,999")
    chosen = list(range(0, 26000, 1300))
    got = store.get_metric_history_bulk_interval_from_steps(run_id, "long", chosen, 25000)
    same([(m.timestamp, m.step, m.value) for m in got], [wanted[n] for n in chosen], "points at given steps")


@check("the sampled history of several runs", since=3, guarded=True)
def interval():
    experiment_id = new_experiment()
    first, second = new_run(experiment_id), new_run(experiment_id)
    client().log_batch(first, [Metric("m", n * 0.5, n + 10, n) for n in range(-3, 997)])
    client().log_batch(second, [Metric("m", n * 0.25, n, n) for n in range(1, 1000, 2)])
    store = client()._tracking_client.store

    def wanted(limit, start=None, end=None):
        steps_ = {first: list(range(-3, 997)), second: list(range(1, 1000, 2))}
        low, high = (0, 999) if start is None else (start, end)
        merged = sorted({s for one in steps_.values() for s in one if low <= s <= high})
        chosen = set(merged)
        if len(merged) > limit:
            chosen = {merged[int(i * len(merged) / limit)] for i in range(limit)} | {merged[-1]}
        for one in steps_.values():
            chosen |= {edge for edge in (one[0], one[-1]) if low <= edge <= high}
        scale = {first: 0.5, second: 0.25}
        return [(r, s, s * scale[r]) for r in (first, second) for s in steps_[r] if s in chosen]

    for limit, start, end in ((2500, None, None), (10, None, None), (100, None, None), (7, -3, 500), (3, 400, 403)):
        got = store.get_metric_history_bulk_interval([first, second], "m", limit, start, end)
        same([(m.run_id, m.step, m.value) for m in got], wanted(limit, start, end), f"limit {limit}, {start} to {end}")


@check("asynchronous logging arrives complete and in time", guarded=True)
def asynchronous():
    mlflow.set_experiment(unique())
    with mlflow.start_run() as run:
        operations = [mlflow.log_metric("a", n * 0.5, step=n, timestamp=n + 1, synchronous=False) for n in range(300)]
        operations.append(mlflow.log_params({"p": 1, "q": "zwei"}, synchronous=False))
        operations.append(mlflow.log_metrics({"b": 1.0, "c": 2.0}, step=1, timestamp=1, synchronous=False))
        operations.append(mlflow.set_tags({"t": "x"}, synchronous=False))
        for operation in operations:
            operation.wait()
        run_id = run.info.run_id
        same(points(client().get_metric_history(run_id, "a")), [(n + 1, n, n * 0.5) for n in range(300)], "history")
        read = client().get_run(run_id)
        same(read.data.params, {"p": "1", "q": "zwei"}, "params")
        same(read.data.metrics, {"a": 149.5, "b": 1.0, "c": 2.0}, "latest")
        same(read.data.tags.get("t"), "x", "tag")
        mlflow.config.enable_async_logging(True)
        try:
            for n in range(200):
                mlflow.log_metric("d", n, step=n, timestamp=n + 1)
            mlflow.flush_async_logging()
        finally:
            mlflow.config.enable_async_logging(False)
        same(points(client().get_metric_history(run_id, "d")), [(n + 1, n, float(n)) for n in range(200)], "as a default")


@check("asynchronous logging that is gathered for a second arrives complete", guarded=True)
def gathered():
    mlflow.set_experiment(unique())
    # More points than one request may hold.
    wanted = [(n + 1, n, n * 0.5) for n in range(2500)]
    with environment(MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS=1), mlflow.start_run() as run:
        for timestamp, step, value in wanted:
            mlflow.log_metric("a", value, step=step, timestamp=timestamp, synchronous=False)
        mlflow.log_params({"p": 1, "q": "zwei"}, synchronous=False)
        mlflow.flush_async_logging()
    run_id = run.info.run_id
    same(points(client().get_metric_history(run_id, "a")), wanted, "history")
    read = client().get_run(run_id)
    same(read.data.params, {"p": "1", "q": "zwei"}, "params")
    same(read.data.metrics, {"a": 1249.5}, "latest")


CHILD = """
import sys
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
run_id, number = sys.argv[1], int(sys.argv[2])
client = MlflowClient()
input()
for step in range(0, 150):
    client.log_metric(run_id, "shared", number + step / 1000, timestamp=step + 1, step=step)
client.log_batch(run_id, [Metric(f"own {number}", step * 0.5, step, step) for step in range(1000)])
client.log_batch(run_id, [Metric("same", step * 0.5, step, step) for step in range(500)])
client.log_param(run_id, f"p{number}", number)
client.log_param(run_id, "common", "equal")
client.set_tag(run_id, f"t{number}", "x")
"""


@check("four processes log into one run at once")
def parallel():
    run_id = new_run()
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD, run_id, str(number)], stdin=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=300)
    same([child.returncode for child in children], [0] * 4, "exit codes")
    wanted = sorted((step + 1, step, number + step / 1000) for number in range(4) for step in range(150))
    same(points(client().get_metric_history(run_id, "shared")), wanted, "shared series")
    halves = [(step, step, step * 0.5) for step in range(1000)]
    for number in range(4):
        same(points(client().get_metric_history(run_id, f"own {number}")), halves, f"series of child {number}")
    same(points(client().get_metric_history(run_id, "same")), halves[:500], "the series that all four wrote alike")
    run = client().get_run(run_id)
    latest_ = {"shared": 3 + 149 / 1000, "same": 249.5} | {f"own {number}": 499.5 for number in range(4)}
    same(run.data.metrics, latest_, "latest")
    same(run.data.params, {f"p{number}": str(number) for number in range(4)} | {"common": "equal"}, "params")


@check("system metrics of the client arrive")
def system_metrics():
    mlflow.set_experiment(unique())
    mlflow.set_system_metrics_sampling_interval(0.2)
    mlflow.set_system_metrics_samples_before_logging(2)
    try:
        with mlflow.start_run(log_system_metrics=True) as run:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline:
                history = client().get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")
                if len(history) >= 2:
                    break
                time.sleep(0.2)
    finally:
        mlflow.set_system_metrics_sampling_interval(None)
        mlflow.set_system_metrics_samples_before_logging(None)
    holds(len(history) >= 2, f"{len(history)} samples of the processor in 120 s")
    same([metric.step for metric in history], list(range(len(history))), "steps")
    names = client().get_run(run.info.run_id).data.metrics
    holds({"system/system_memory_usage_megabytes", "system/disk_usage_percentage"} <= names.keys(), f"{sorted(names)}")


@check("a metric of a data set", since=3)
def metric_of_dataset():
    mlflow.set_experiment(unique())
    dataset = mlflow.data.from_numpy(numpy.ones((5, 2)), name="ones")
    with mlflow.start_run() as run:
        mlflow.log_metric("accuracy", 0.75, step=2, timestamp=9, dataset=dataset)
    same(client().get_run(run.info.run_id).data.metrics, {"accuracy": 0.75}, "latest")
    same(points(client().get_metric_history(run.info.run_id, "accuracy")), [(9, 2, 0.75)], "history")


@check("a metric with a wrong time or name is refused")
def wrong_value():
    run_id = new_run()
    refused("INVALID_PARAMETER_VALUE", None, client().log_metric, run_id, "m", 1.0, -1)
    refused("INVALID_PARAMETER_VALUE", None, client().log_metric, run_id, "../m", 1.0)
    same(client().get_run(run_id).data.metrics, {}, "nothing was logged")
