"""Whether writing stays as fast when much is stored already: the same loads on an empty database and on full ones."""

import time

import loads
import stock
from loads import P50, P99, log_batch, log_metric, points_per_second
from report import say, summary
from sizes import BATCH, KEYS, RUNS, count_text

# Filled in pieces, so that the tail does not grow far ahead of the fold.
PIECE_POINTS = 10_000_000
# A fold that needs longer for a piece cannot keep up with anybody.
FOLD_LIMIT_S = 300
# A round writes as much whatever the level, so that levels are not blurred by the rounds themselves: two thousand batches.
ROUND_REQUESTS = {1000: 2000, 100: 10_000}


def figures(bench, level):
    """Name, load, points of a request. The first is the one that levels are compared by."""
    text = f"{count_text(level)} points stored"
    yield f"log-batch of 1000, 64 connections, {text}", log_batch(1000, 64), 1000
    yield f"log-metric, 64 connections, {text}", log_metric(64), 1
    if bench.size.all_connections:
        for batch in (10, 100):
            for connections in (64, 256):
                yield f"log-batch of {batch}, {connections} connections, {text}", log_batch(batch, connections), batch
        yield f"log-batch of 1000, 256 connections, {text}", log_batch(1000, 256), 1000


def flat_name(level):
    return f"log-batch of 1000 with {count_text(level)} points stored, of its speed with none"


def names_of(bench, level):
    """Every figure of a level; the filling goes by its start."""
    names = [name for name, _, _ in figures(bench, level)]
    return names + [fill_name(level), flat_name(level)] if level else names


def measure(bench):
    levels = bench.size.levels
    if not any(bench.options.only in name for level in levels for name in names_of(bench, level)):
        return
    speeds = {}
    if bench.mlflow:
        with bench.attempt("MLflow with an empty database"):
            bench.mlflow.renew()
    for level in levels:
        if not bench.wanted(*names_of(bench, level)):
            continue
        servers = bench.servers if level <= bench.size.mlflow_level else bench.servers[:1]
        before = len(bench.failures)
        with bench.attempt(fill_name(level)):
            fill(bench, servers, level)
        if len(bench.failures) > before:
            break
        for name, load, batch in figures(bench, level):
            if level == 0 and bench.tallyd.points > 0:
                bench.tallyd.renew()  # a round of tallyd writes millions of points
            more = ["--requests", ROUND_REQUESTS[batch]] if batch in ROUND_REQUESTS else []
            shown = [points_per_second(batch) if batch > 1 else loads.RATE, P50, P99]
            note = f"{bench.tallyd.points:,} points in tallyd at its start"
            found = bench.measure(name, load, shown, servers=servers, more=more, note=note)
            if found and load.batch == BATCH and load.connections == 64:
                speeds[level] = {key: [one["requests_per_second"] for one in rounds] for key, rounds in found.items() if rounds}
    for level in levels:
        if level and 0 in speeds and level in speeds:
            # Each of its rounds beside the middle of those on the empty database.
            ratios = {key: [value / summary(speeds[0][key])["median"] for value in values]
                      for key, values in speeds[level].items()}
            bench.add(flat_name(level), "times", True, ratios, "1 is flat",
                      bench.again("points stored"))


def fill_name(level):
    return f"filling up to {count_text(level)} points"


def fill(bench, servers, level):
    """tallyd anew with so many points, and MLflow, which wrote little so far, with as many more; over a thousand runs of
    ten metrics each."""
    bench.tallyd.renew()
    for server in servers:
        stock.need(server, "runs", bench.size)
    if level > 0 and len(servers) > 1:
        ids = loads.runs_file(servers[1], "runs").read_text().split()
        started = time.monotonic()
        stock.sql_fill(servers[1], ids, level // RUNS // KEYS, KEYS)
        took = time.monotonic() - started
        bench.remarks.append(f"{level:,} points of MLflow were put into its table by SQL, in {took:.0f} s")
    if level > 0:
        fill_tallyd(bench, level)
    # So that each level begins at the same distance from the last checkpoint.
    bench.tallyd.sql("CHECKPOINT")


def fill_tallyd(bench, level):
    server = bench.tallyd
    server.fold_soon(True)
    wrote, folded, done = [], [], 0
    while done < level:
        points = min(PIECE_POINTS, level - done)
        started = time.monotonic()
        loads.fill(server, "runs", points // RUNS // KEYS, first=done // RUNS // KEYS, connections=64)
        wrote.append(points / (time.monotonic() - started))
        whole = server.fold_all(FOLD_LIMIT_S)
        folded.append(points / (time.monotonic() - started))
        done += points
        say(f"  tallyd: {done:,} points, {wrote[-1]:,.0f} points/s written, {folded[-1]:,.0f} with folding"
            + ("" if whole else " (not all is folded)"))
        if server.folds() and not whole:
            raise RuntimeError(f"of {done:,} points {server.waiting():,} rows are not folded after {FOLD_LIMIT_S} s")
    command = bench.again(fill_name(level))
    bench.add(f"{fill_name(level)}, written", "points/s", True, {"tallyd": wrote}, "log-batch of 1000, 64 connections", command)
    if server.folds():
        bench.add(f"{fill_name(level)}, written and folded", "points/s", True, {"tallyd": folded},
                  "until nothing waits to be folded", command)
    else:
        bench.miss(f"{fill_name(level)}, written and folded", "this program does not fold")
    bench.results[fill_name(level)] = {"written": wrote, "folded": folded}
    server.fold_soon(False)
