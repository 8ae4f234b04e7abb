"""Measure tallyd beside MLflow and write one table. Called by tests/bench/run, which prepares PostgreSQL."""

import argparse
import json
import os
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

import machine
from servers import API, Mlflow, Tallyd

SCRATCH = Path(os.environ["BENCH_SCRATCH"])
OUT = Path(os.environ["BENCH_OUT"])
POINT = '{"key":"m@key@","value":@value@,"timestamp":@time@,"step":@step@}'
# Ten metrics a step is what a training loop with train and test scores logs.
KEYS = 10
# One run for each connection, as with as many training jobs.
RUNS = 256
HISTORY_POINTS = 25_000
CHART_POINTS = 100_000
# What MLflow's own pages ask for in a chart.
CHART_RESULTS = 320
SEARCH_RESULTS = 100


def say(text):
    print(text, file=sys.stderr, flush=True)


class Load:
    """One kind of request for the load generator."""

    def __init__(self, path, connections, body=None, batch=0, experiment="", least_bytes=0, run="runs", slow=None):
        self.path = path
        self.connections = connections
        self.body = body
        self.batch = batch
        self.experiment = experiment
        self.least_bytes = least_bytes
        self.run = run
        self.slow = slow  # fewer connections for MLflow, where a round would not see one answer

    def arguments(self, server, seconds):
        connections = self.connections
        if self.slow is not None and server.name == "mlflow":
            connections = self.slow
        words = ["--connections", str(connections), "--seconds", f"{seconds:g}"]
        words += ["--runs", str(SCRATCH / f"{server.name}-{self.run}")]
        if self.batch > 0:
            words += ["--keys", str(KEYS), "--repeat", str(self.batch), "--element", POINT]
        if self.body is not None:
            words += ["--body", self.body.replace("@experiment@", server.ids.get(self.experiment, ""))]
        if self.least_bytes > 0:
            words += ["--least-bytes", str(self.least_bytes)]
        return [*words, server.address, self.path]

    def measure(self, server, seconds):
        server.first_step += 1_000_000
        words = [str(OUT / "load"), "--first", str(server.first_step), *self.arguments(server, seconds)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if not done.stdout:
            raise SystemExit(f"bench: {done.stderr}")
        return json.loads(done.stdout)

    def shown(self, server, seconds):
        words = self.arguments(server, seconds)
        text = " ".join(shlex.quote(word) for word in ["build/bench/load", *words])
        text = text.replace(server.address, "ADDRESS").replace(str(SCRATCH / f"{server.name}-{self.run}"), "RUN_IDS")
        for name, value in server.ids.items():
            text = text.replace(f'"{value}"', f'"{name.upper()}"')
        return text


def figures():
    """Name, load, and which numbers of the load's answer are shown: (label, unit, function)."""

    def per_second(result):
        return result["requests_per_second"]

    def latency(part):
        return lambda result: result["latency_us"][part] / 1000

    rate = ("", "req/s", per_second)
    p50, p99 = ("p50", "ms", latency("p50")), ("p99", "ms", latency("p99"))
    metric = '{"run_id":"@run@","key":"loss","value":@value@,"timestamp":@time@,"step":@step@}'
    for connections in (1, 64, 256):
        plural = "s" if connections > 1 else ""
        yield (f"log-metric, {connections} connection{plural}",
               Load(API + "runs/log-metric", connections, metric), [rate, p50, p99])
    for batch in (10, 100, 1000):
        body = '{"run_id":"@run@","metrics":[@elements@]}'
        points = ("", "points/s", lambda result, batch=batch: result["requests_per_second"] * batch)
        for connections in (64, 256):
            load = Load(API + "runs/log-batch", connections, body, batch, slow=16 if batch >= 100 else None)
            yield f"log-batch of {batch}, {connections} connections", load, [points, rate, p50, p99]
    create = ('{"experiment_id":"@experiment@","user_id":"bench","start_time":@time@,"run_name":"run @count@",'
              '"tags":[{"key":"mlflow.user","value":"bench"},{"key":"mlflow.source.name","value":"train.py"},'
              '{"key":"mlflow.source.type","value":"LOCAL"}]}')
    for connections in (64, 256):
        yield (f"create run, {connections} connections",
               Load(API + "runs/create", connections, create, experiment="created"), [rate, p50, p99])
    search = (f'{{"experiment_ids":["@experiment@"],"max_results":{SEARCH_RESULTS},'
              '"order_by":["attributes.start_time DESC"]}')
    yield ("runs/search, newest 100 of {runs} runs, 1 connection",
           Load(API + "runs/search", 1, search, experiment="many", least_bytes=SEARCH_RESULTS * 300), [p50, p99])
    history = f"{API}metrics/get-history?run_id=@run@&metric_key=m0&max_results={HISTORY_POINTS}"
    yield (f"get-history, {HISTORY_POINTS:,} points, 1 connection",
           Load(history, 1, run="history", least_bytes=HISTORY_POINTS * 40), [p50, p99])
    chart = ("/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=@run@&metric_key=m0"
             f"&max_results={CHART_RESULTS}")
    yield (f"chart of a {CHART_POINTS:,}-point series, {CHART_RESULTS} steps, 1 connection",
           Load(chart, 1, run="chart", least_bytes=CHART_RESULTS * 40), [p50, p99])


def write_series(server, run_id, count):
    for start in range(0, count, 1000):
        metrics = [{"key": "m0", "value": step * 0.37 % 1, "timestamp": 1_700_000_000_000 + step * 100, "step": step}
                   for step in range(start, start + 1000)]
        server.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": metrics})


def fill_runs(server, count):
    """`count` runs with three params and three metrics each, through the API with 32 connections."""
    experiment_id = server.ids["many"]
    left = iter(range(count))
    lock = threading.Lock()
    problems = []

    def work():
        try:
            while True:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                run_id = server.new_run(experiment_id)
                server.call("POST", "runs/log-batch", {
                    "run_id": run_id,
                    "metrics": [{"key": f"score{n}", "value": number / (n + 1), "timestamp": 1, "step": 1} for n in range(3)],
                    "params": [{"key": f"p{n}", "value": f"{number % 17}"} for n in range(3)],
                })
        except SystemExit as error:
            problems.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise SystemExit(problems[0])


def prepare(server, runs):
    """Experiments, runs and series that the figures need; all through the API."""
    server.first_step = 0
    server.ids = {name: server.new_experiment(f"bench {name}") for name in ("logged", "created", "many")}
    ids = [server.new_run(server.ids["logged"]) for _ in range(RUNS)]
    (SCRATCH / f"{server.name}-runs").write_text("\n".join(ids) + "\n")
    for name, count in (("history", HISTORY_POINTS), ("chart", CHART_POINTS)):
        run_id = server.new_run(server.ids["logged"])
        write_series(server, run_id, count)
        (SCRATCH / f"{server.name}-{name}").write_text(run_id + "\n")
    fill_runs(server, runs)


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


class Table:
    def __init__(self, with_mlflow):
        self.with_mlflow = with_mlflow
        self.rows = []
        self.commands = []

    def add(self, name, unit, higher_is_better, tallyd, mlflow=None, note=""):
        cells = [name, unit, *(number(tallyd[key]) for key in ("min", "median", "max"))]
        if self.with_mlflow:
            cells += [number(mlflow[key]) for key in ("min", "median", "max")] if mlflow else ["", "", ""]
            if mlflow and mlflow["median"] > 0 and tallyd["median"] > 0:
                ratio = tallyd["median"] / mlflow["median"]
                cells.append(f"{number(ratio if higher_is_better else 1 / ratio)} ×")
            else:
                cells.append("")
        cells.append(note)
        self.rows.append(cells)
        say("  " + " | ".join(cells))

    def text(self):
        head = ["figure", "unit", "min", "**median**", "max"]
        if self.with_mlflow:
            head += ["MLflow min", "MLflow **median**", "MLflow max", "times better"]
        head.append("errors")
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines)


def measure_starts(servers, rounds, table):
    """Start to first answer on a migrated database, and memory once idle."""
    took = {server.name: [] for server in servers}
    resident = {server.name: [] for server in servers}
    proportional = {server.name: [] for server in servers}
    for round_number in range(rounds):
        for server in servers:
            # MLflow needs ten seconds to start; three times show how little that varies
            if server.name == "mlflow" and round_number >= 3:
                continue
            server.stop()
            took[server.name].append(server.start())
            time.sleep(1 if server.name == "tallyd" else 3)
            rss, pss = machine.memory_mb(server.process.pid)
            resident[server.name].append(rss)
            proportional[server.name].append(pss)
    for name, unit, values in (("start to first answer", "ms", took), ("idle memory, RSS", "MB", resident),
                               ("idle memory, PSS", "MB", proportional)):
        sums = {server.name: machine.summary(values[server.name]) for server in servers}
        table.add(name, unit, False, sums["tallyd"], sums.get("mlflow"))
    return {"start_ms": took, "rss_mb": resident, "pss_mb": proportional}


def measure_figure(name, load, shown, servers, options, table):
    results = {server.name: [] for server in servers}
    for server in servers:
        load.measure(server, options.seconds / 3)  # a round to warm up, not counted
    for _ in range(options.rounds):
        for server in servers:
            results[server.name].append(load.measure(server, options.seconds))
    errors = {key: sum(one["errors"] + one["unanswered"] for one in rounds) for key, rounds in results.items()}
    note = ", ".join(f"{key} {count}" for key, count in errors.items() if count)
    for key, rounds in results.items():
        for one in rounds:
            if one["errors"]:
                say(f"  {key}: {one['errors']} errors, the first: {one['first_error_status']} {one['first_error'][:200]}")
                break
    for label, unit, function in shown:
        sums = {key: machine.summary([function(one) for one in rounds]) for key, rounds in results.items()}
        higher = unit.endswith("/s")
        table.add(f"{name} {label}".strip(), unit, higher, sums["tallyd"], sums.get("mlflow"), note)
        note = ""
    for server in servers:
        table.commands.append((name, server.name, load.shown(server, options.seconds)))
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--only", default="")
    parser.add_argument("--without-mlflow", action="store_true")
    options = parser.parse_args()
    if options.seconds is None:
        options.seconds = 0.7 if options.quick else 3.0
    runs = 500 if options.quick else 2000

    url = os.environ["BENCH_DATABASE_URL"]
    about = machine.describe(url)
    about["fdatasync_ms"] = machine.summary([machine.fdatasync_ms(os.environ["BENCH_DATA"]) for _ in range(options.rounds)])
    machine.psql(url, "CREATE TABLE bench_commit (n int)")
    about["commits_per_second"] = {
        clients: machine.summary([machine.pgbench(url, clients, options.seconds, SCRATCH) for _ in range(3)])
        for clients in (1, 64)
    }
    machine.psql(url, "DROP TABLE bench_commit")
    say(json.dumps(about, indent=1))

    servers = [Tallyd()] + ([] if options.without_mlflow else [Mlflow()])
    table = Table(len(servers) > 1)
    everything = {"machine": about, "figures": {}}
    try:
        for server in servers:
            say(f"preparing {server.name}")
            server.start()
            prepare(server, runs)
        machine.psql(url, "CHECKPOINT")
        if options.only in "start to first answer, idle memory":
            everything["starts"] = measure_starts(servers, options.rounds, table)
        for name, load, shown in figures():
            name = name.format(runs=f"{runs:,}")
            if options.only in name:
                everything["figures"][name] = measure_figure(name, load, shown, servers, options, table)
        about["fdatasync_after_ms"] = machine.fdatasync_ms(os.environ["BENCH_DATA"])
    finally:
        for server in servers:
            server.stop()

    text = render(about, table, options)
    (OUT / "result.md").write_text(text)
    (OUT / "result.json").write_text(json.dumps(everything, indent=1))
    print(text)
    errors = sum(one["errors"] + one["unanswered"] for figure in everything["figures"].values() for one in figure["tallyd"])
    sys.exit(1 if errors else 0)


def render(about, table, options):
    flush = about["fdatasync_ms"]
    commits = about["commits_per_second"]
    lines = [
        f"{about['processors']} processors, {about['memory_gb']} GB of memory, Linux {about['kernel']}, "
        f"PostgreSQL {about['postgresql']} with fsync and synchronous_commit on, all on one machine.",
        "",
        f"- fdatasync of one 8 KB page (**F**): {number(flush['median'])} ms "
        f"({number(flush['min'])} to {number(flush['max'])}); after the measurements {number(about['fdatasync_after_ms'])} ms",
    ]
    lines += [
        f"- commits per second of PostgreSQL at {clients} client{'s' if clients > 1 else ''} (pgbench, one insert): "
        f"{number(rates['median'])} ({number(rates['min'])} to {number(rates['max'])})"
        for clients, rates in commits.items()
    ]
    lines += ["", f"{options.rounds} rounds of {options.seconds:g} s each, alternating.", "", table.text(), "", "Commands:", ""]
    shown = []
    for name, server, command in table.commands:
        other = [c for n, s, c in table.commands if n == name and s != server]
        if server == "tallyd":
            shown.append(f"- {name}: `{command}`")
        elif other and other[0] != command:
            connections = command.partition("--connections ")[2].partition(" ")[0]
            shown.append(f"  - the same for MLflow with `--connections {connections}`, because with more it answers later "
                         "than a round lasts")
    return "\n".join(lines + shown) + "\n"


if __name__ == "__main__":
    main()
