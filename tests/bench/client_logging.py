"""What logging costs the job: libtally beside MLflow's own client, which log to the same servers."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from loads import OUT

HERE = Path(__file__).resolve().parent
LIBRARY = OUT.parent / "libtally.so"
PROGRAM = OUT / "client-log"
# Calls whose time is taken fit into the ring together, so that none of them finds it full.
CALLS = 200_000
# Points that are sent, by size; MLflow's client takes a thousandth of a second for each, so it gets fewer.
POINTS = {"quick": 200_000, "short": 1_000_000, "full": 4_000_000}
MLFLOW_POINTS = {"synchronous": 500, "asynchronous": 2000, "asynchronous, buffered": 20_000, "batches": 50_000}
# What the client's thread waits before it sends all that was logged meanwhile in one request; as it comes it sends each point.
BUFFERED = {"MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS": "1"}
# Kinds that have a request for each point, so that one wants to know what the client takes for it.
EACH = ("synchronous", "asynchronous")
THREADS = (1, 8)
LATENCIES = (("p50", "p50_ns"), ("p99", "p99_ns"), ("p99.9", "p999_ns"), ("max", "max_ns"))


def environment(server, spool, **more):
    made = {name: value for name, value in os.environ.items() if not name.startswith(("TALLY_", "MLFLOW_"))}
    return {**made, "TALLY_SERVER": "http://" + server.address, "TALLY_SPOOL": spool, "TALLY_CONFIG": "/dev/null",
            "MLFLOW_TRACKING_URI": "http://" + server.address, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true", "PYTHONWARNINGS": "ignore", **more}


def run(server, command, **more):
    """What a program tells of itself."""
    # On the disk that the database is on, as a job's spool is on a disk.
    with tempfile.TemporaryDirectory(dir=os.environ["BENCH_SCRATCH"]) as spool:
        done = subprocess.run([str(part) for part in command], env=environment(server, spool, **more), capture_output=True,
                              text=True, timeout=900, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.returncode}: {done.stderr[-1000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def stored(server, run_id, keys):
    """Points that the server shows of a run."""
    count = 0
    for key in keys:
        token = ""
        while True:
            page = server.call("GET", f"metrics/get-history?run_id={run_id}&metric_key={key.replace('/', '%2F')}"
                                      f"&max_results=25000{'&page_token=' + token if token else ''}")
            count += len(page.get("metrics", []))
            token = page.get("next_page_token")
            if not token:
                break
    return count


def rounds(bench, name, server, command, keys=(), **more):
    """The answers of all rounds; with keys all points must be there."""
    found = []
    for _ in range(bench.options.rounds):
        found.append(run(server, command, **more))
        server.rest()
        if keys:
            there = stored(server, found[-1]["run_id"], keys)
            if there != found[-1]["points"]:
                bench.fail(f"{name}: {there} of {found[-1]['points']} points are on {server.name}")
    bench.results.setdefault(name, {})[server.name] = found
    return found


def keys_of(threads):
    return [f"t{thread}/m{metric}" for thread in range(threads) for metric in range(10)]


def calls(bench):
    """Time of a call, while the threads beside it write and send."""
    for threads in THREADS:
        name = f"client: tally_log_metric, {threads} thread{'s' if threads > 1 else ''}"
        if not bench.wanted(*(f"{name}, {shown}" for shown, _ in LATENCIES)):
            continue
        with bench.attempt(name):
            found = rounds(bench, name, bench.tallyd, [PROGRAM, threads, CALLS // threads], keys_of(threads))
            full = sum(one["full"] for one in found)
            for shown, member in LATENCIES:
                bench.add(f"{name}, {shown}", "ns", False, {"tallyd": [one[member] for one in found]},
                          note=f"two looks at the clock in it: {found[0]['clock_ns']} ns; memory was full {full} times"
                          if shown == "p50" else "", command=bench.again(name), compare=False)


def sent(bench):
    """From the first call until the server has all of it."""
    for threads in THREADS:
        name = f"client: libtally, {threads} thread{'s' if threads > 1 else ''}, until flushed"
        if not bench.wanted(name):
            continue
        with bench.attempt(name):
            speed, memory = {}, {}
            for server in bench.servers:
                points = POINTS[bench.options.size] // (1 if server is bench.tallyd else 20)
                found = rounds(bench, name, server, [PROGRAM, threads, points // threads], keys_of(threads))
                speed[server.name] = [one["points"] / one["flushed_s"] for one in found]
                memory[server.name] = [(one["peak_kb"] - one["own_kb"]) / 1024 for one in found]
                bench.remarks.append(f"{name}: {points:,} points to {server.name} in {found[0]['requests']} requests, idle "
                                     f"{found[0]['idle_kb'] / 1024:.1f} MB")
            bench.add(name, "points/s", True, speed, command=bench.again(name), compare=False)
            bench.add(f"{name}, greatest memory of the job", "MB", False, memory, compare=False)


def spooled(bench):
    name = "client: spool, bytes per point"
    if not bench.wanted(name):
        return
    with bench.attempt(name):
        found = rounds(bench, name, bench.tallyd, [PROGRAM, 1, 500_000], TALLY_MODE="offline")
        bench.add(name, "bytes", False, {"tallyd": [one["spool_bytes"] / one["points"] for one in found]},
                  command=bench.again(name), compare=False)
        bench.add("client: points/s until persisted, offline", "points/s", True,
                  {"tallyd": [one["points"] / one["flushed_s"] for one in found]}, compare=False)


def from_python(bench):
    name = "client: a Python loop through ctypes"
    if not bench.wanted(f"{name}, calls", f"{name}, until flushed"):
        return
    with bench.attempt(name):
        found = rounds(bench, name, bench.tallyd, ["python3", HERE / "client/ctypes_log.py", LIBRARY, 300_000], ["loss"])
        for shown, member in (("calls", "logged_s"), ("until flushed", "flushed_s")):
            bench.add(f"{name}, {shown}", "points/s", True, {"tallyd": [one["points"] / one[member] for one in found]},
                      command=bench.again(name), compare=False)


def rows_of_mlflow(bench, name, found, **shown_with):
    """The rows of what mlflow_log.py told: {server's name: [one for each round]}."""
    for label, unit, higher_is_better, function in (
            ("until flushed", "points/s", True, lambda one: one["points"] / one["flushed_s"]),
            *((f"a call, {shown}", "µs", False, lambda one, member=member: one[member] / 1000)
              for shown, member in LATENCIES[:2]),
            ("processor time of the job", "µs a point", False, lambda one: one["cpu_s"] / one["points"] * 1e6),
            ("greatest memory of the job", "MB", False, lambda one: one["peak_kb"] / 1024)):
        bench.add(f"{name}, {label}", unit, higher_is_better,
                  {key: [function(one) for one in value] for key, value in found.items()}, compare=False, **shown_with)
        shown_with = {}


def of_mlflow(bench):
    """MLflow's client against both servers, and against none."""
    python = Path(os.environ["BENCH_MLFLOW"], "bin/python")
    for kind, points in MLFLOW_POINTS.items():
        name = f"client: MLflow's own, {kind}"
        if not bench.wanted(name):
            continue
        command = [python, HERE / "client/mlflow_log.py", kind.split(",")[0], points]
        more = BUFFERED if "buffered" in kind else {}
        with bench.attempt(name):
            found = {server.name: rounds(bench, name, server, command, ["loss"], **more) for server in bench.servers}
            rows_of_mlflow(bench, name, found, command=bench.again(name))
        if kind in EACH:
            alone = f"{name}, answered within the client"
            with bench.attempt(alone):
                # Its run is on tallyd; no point is.
                rows_of_mlflow(bench, alone, {"tallyd": rounds(bench, alone, bench.tallyd, [*command, "alone"])},
                               note="no server is measured here")


def measure(bench):
    if not PROGRAM.exists():
        return
    calls(bench)
    sent(bench)
    spooled(bench)
    from_python(bench)
    if os.environ["BENCH_MLFLOW"]:
        of_mlflow(bench)
