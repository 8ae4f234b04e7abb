"""Figures of what is written: metrics one by one and in batches, again and again, and new runs."""

import loads
import stock
from loads import P50, P99, RATE, Load, log_batch, log_metric, points_per_second
from report import say

CREATE = ('{"experiment_id":"@experiment@","user_id":"bench","start_time":@time@,"run_name":"run @count@",'
          '"tags":[{"key":"mlflow.user","value":"bench"},{"key":"mlflow.source.name","value":"train.py"},'
          '{"key":"mlflow.source.type","value":"LOCAL"}]}')
# What one run of a large model may log: gradients and norms of every layer.
WIDE_KEYS = 10_000
# A batch of 100 points every step is a usual size; the same work each time, so that it can be sent again.
AGAIN_BATCH = 100
AGAIN_SEED = 20_000
# Requests for each of the runs, so that a round lasts about a second.
AGAIN_EACH = {"tallyd": 150, "mlflow": 2}


def metrics(bench):
    for connections in (1, 64, 256):
        plural = "s" if connections > 1 else ""
        bench.measure(f"log-metric, {connections} connection{plural}", log_metric(connections), [RATE, P50, P99])
    for connections in (64, 256) if bench.size.all_connections else (64,):
        bench.measure(f"log-metric into one run, {connections} connections", log_metric(connections, run="hot"),
                      [RATE, P50, P99])


def batches(bench):
    for batch in (10, 100, 1000):
        for connections in (64, 256):
            bench.measure(f"log-batch of {batch}, {connections} connections", log_batch(batch, connections),
                          [points_per_second(batch), RATE, P50, P99], memory=batch == 1000)
    for batch in (10, 100, 1000):
        for connections in (64, 256) if bench.size.all_connections else (64,):
            bench.measure(f"log-batch of {batch} into one run, {connections} connections",
                          log_batch(batch, connections, run="hot"), [points_per_second(batch), RATE, P50, P99])
    bench.measure(f"log-batch of 1000 into one run with {WIDE_KEYS:,} metrics, 64 connections",
                  log_batch(1000, 64, keys=WIDE_KEYS, run="wide"), [points_per_second(1000), RATE, P50, P99])


def repeats(bench):
    for percent in (1, 100):
        bench.measure(f"log-batch of 100, {percent} % the batch before once more, 64 connections",
                      log_batch(100, 64, more=["--repeat-percent", percent]), [points_per_second(100), RATE, P50, P99])
    again(bench)


def again(bench):
    """Every batch of a while ago once more, in the same order: what a client does that lost its answers. What was sent
    the first time is folded by then, as far as it will be."""
    name = f"log-batch of {AGAIN_BATCH}, all sent before, 64 connections"
    if not bench.wanted(name):
        return
    with bench.attempt(name):
        found = {server.name: [] for server in bench.servers}
        load = log_batch(AGAIN_BATCH, 64, run="retry")
        for server in bench.servers:
            stock.need(server, "retry", bench.size)
        for round_number in range(bench.options.rounds):
            for server in bench.servers:
                more = ["--requests-each", AGAIN_EACH[server.name], "--seed", AGAIN_SEED + round_number]
                first = AGAIN_SEED * (1 + round_number)
                bench.check(name, server, load.measure(server, 60, more, first=first))
                server.rest()
                one = load.measure(server, 60, more, first=first)
                bench.check(name, server, one)
                server.rest()
                found[server.name].append(one)
        for label, unit, function in (points_per_second(AGAIN_BATCH), RATE, P50, P99):
            bench.add(f"{name} {label}".strip(), unit, unit.endswith("/s"),
                      {key: [function(one) for one in rounds] for key, rounds in found.items()})
        bench.table.command(name, load.shown(bench.tallyd, 60, more) + "  # twice; the second time counts")
        bench.results[name] = found
        stored = count_of(bench.tallyd)
        expected = bench.options.rounds * AGAIN_EACH["tallyd"] * AGAIN_BATCH
        if stored != expected:
            bench.fail(f"{name}: a run holds {stored} points and not {expected}: repeats were counted twice, or lost")
        else:
            say(f"  a run that was sent twice holds its {expected:,} points once")


def count_of(server):
    """Points of the first run of those that were sent twice, counted through its history."""
    run_id = loads.runs_file(server, "retry").read_text().split()[0]
    total = 0
    for key in range(loads.KEYS):
        token = ""
        while True:
            page = server.call("GET", f"metrics/get-history?run_id={run_id}&metric_key=m{key}&max_results=25000{token}")
            total += len(page["metrics"])
            if not page.get("next_page_token"):
                break
            token = f"&page_token={page['next_page_token']}"
    return total


def runs(bench):
    for connections in (64, 256):
        bench.measure(f"create run, {connections} connections",
                      Load("/api/2.0/mlflow/runs/create", connections, CREATE, experiment="created"), [RATE, P50, P99])
