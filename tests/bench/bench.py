"""Measure tallyd beside MLflow and write one table. Called by tests/bench/run, which prepares PostgreSQL."""

import argparse
import json
import os
import signal
import sys
import time

import access
import artifacts
import ceiling
import client_logging
import growth
import machine
import reading
import registry
import searching
import startup
import storage
import stress
import writing
from benchmark import Benchmark
from loads import OUT, SCRATCH
from report import Table, render, say, summary
from servers import Mlflow, Tallyd
from sizes import SIZES

# In this order, because what comes last is left out when the time is over, and the last three start databases anew.
GROUPS = (ceiling.measure, startup.measure, writing.metrics, writing.batches, writing.runs, reading.search, reading.history,
          reading.charts, stress.dashboards, stress.overload, writing.repeats, artifacts.measure, client_logging.measure,
          access.measure, registry.measure, searching.measure, storage.measure, growth.measure)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", dest="size", action="store_const", const="quick")
    parser.add_argument("--full", dest="size", action="store_const", const="full")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--only", default="")
    parser.add_argument("--without-mlflow", action="store_true")
    options = parser.parse_args()
    options.size = options.size or "short"
    size = SIZES[options.size]
    for name in ("rounds", "seconds", "minutes"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(size, name))
    return options, size


def describe(options):
    url = os.environ["BENCH_DATABASE_URL"]
    about = machine.describe(url)
    about["fdatasync_ms"] = summary([machine.fdatasync_ms(os.environ["BENCH_DATA"]) for _ in range(options.rounds)])
    machine.psql(url, "CREATE TABLE bench_commit (n int)")
    about["commits_per_second"] = {
        clients: summary([machine.pgbench(url, clients, options.seconds, SCRATCH) for _ in range(3)])
        for clients in (1, 64)
    }
    machine.psql(url, "DROP TABLE bench_commit")
    say(json.dumps(about, indent=1))
    return about


def write(bench, about, options):
    """Both files; after each group, so that nothing measured is lost when a later one goes wrong."""
    text = render(about, bench.table, bench.remarks, options)
    everything = {"machine": about, "size": vars(options), "figures": bench.results, "rows": bench.table.json,
                  "failures": bench.failures}
    (OUT / "result.md").write_text(text)
    (OUT / "result.json").write_text(json.dumps(everything, indent=1))
    return text


def main():
    options, size = parse()
    # So that the servers, which have sessions of their own, are stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    about = describe(options)
    servers = [Tallyd()] + ([] if options.without_mlflow else [Mlflow()])
    bench = Benchmark(options, size, servers, Table(len(servers) > 1))
    try:
        for server in servers:
            server.start()
        for group in GROUPS:
            try:
                group(bench)
            finally:
                about["minutes"] = (time.monotonic() - started) / 60
                about["fdatasync_after_ms"] = machine.fdatasync_ms(os.environ["BENCH_DATA"])
                text = write(bench, about, options)
    finally:
        for server in servers:
            server.stop()
    print(text)
    for failure in bench.failures:
        say(f"FAILED: {failure}")
    missing = bench.table.missing_names
    if missing:
        say(f"not measured: {len(missing)} figures, of which the first is: {missing[0]}")
    sys.exit(1 if bench.failures or missing else 0)


if __name__ == "__main__":
    main()
