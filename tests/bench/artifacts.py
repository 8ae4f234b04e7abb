"""Figures of files: up and down, small and large, with the memory it takes meanwhile."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import machine
from loads import OUT, SCRATCH, GRACE_S

KB, MB, GB = 1024, 1024**2, 1024**3
# A file, and how it is called.
FILES = ((KB, "1 KB"), (MB, "1 MB"), (100 * MB, "100 MB"), (GB, "1 GB"))
CLIENTS = (1, 8)
PROXY = "/api/2.0/mlflow-artifacts/artifacts/0/bench"
# Each client writes so many different names, which are then fetched: it bounds the disk that a figure takes.
NAMES = {KB: 1200, MB: 50, 100 * MB: 3, GB: 1}
# A server that needs longer for one round is not asked for more.
ROUND_LIMIT_S = 120
RATES = {True: ("files/s", lambda found: found["requests_per_s"]),
         False: ("MB/s", lambda found: found["bytes_per_s"] / MB)}


def words(direction, size, clients, seconds, files):
    return [direction, "--bytes", str(size), "--clients", str(clients), "--seconds", f"{seconds:g}", "--files", str(files)]


def transfer(server, direction, size, clients, seconds, first, folder, files):
    """One round; with it the greatest memory of the server."""
    command = [str(OUT / "transfer"), *words(direction, size, clients, seconds, files), "--first", str(first),
               server.address, f"{PROXY}/{folder}"]
    with machine.MemoryWatch(server.process.pid) as watch:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + ROUND_LIMIT_S + GRACE_S)
    found = json.loads(done.stdout)
    found["peak_mb"] = watch.peak_mb
    if found["requests"] == 0:
        raise RuntimeError(f"{server.name}: {direction} of {size} bytes: {found['first_error']}")
    return found


def stores():
    return [Path(SCRATCH, f"artifacts-{name}") for name in ("tallyd", "mlflow")]


def clear():
    """Make room: what was written for a figure is of no use to the next."""
    for store in stores():
        for entry in store.glob("*"):
            if entry.name != "sha256":
                shutil.rmtree(entry, ignore_errors=True)
        for entry in store.glob("sha256/*/*"):
            entry.unlink()


def measure_one(bench, size, label, clients):
    folder = f"{label.replace(' ', '')}-{clients}"
    name = f"artifact of {label}, {clients} client{'s' if clients > 1 else ''}"
    unit, rate = RATES[size == KB]
    if not bench.wanted(f"{name}, up", f"{name}, down"):
        return
    with bench.attempt(name):
        found = {direction: {server.name: [] for server in bench.servers} for direction in ("put", "get")}
        slow = set()
        first = 0
        for _ in range(bench.options.rounds):
            for server in bench.servers:
                if server.name in slow:
                    continue
                try:
                    files = NAMES[size]
                    for direction in ("put", "get"):
                        # What the other server has left to the system's write-back must not be paid for here.
                        os.sync()
                        one = transfer(server, direction, size, clients, bench.options.seconds, first, folder, files)
                        # Only what every client has put can be fetched.
                        files = max(1, min(files, one["least_of_a_client"]))
                        found[direction][server.name].append(one)
                        if one["errors"]:
                            (bench.fail if server is bench.tallyd else print)(f"{name}: {server.name}: {one['first_error']}")
                except (subprocess.TimeoutExpired, RuntimeError) as error:
                    if server is bench.tallyd:
                        raise
                    slow.add(server.name)
                    bench.remarks.append(f"{name}: MLflow was given up: {str(error)[:200]}")
                    server.stop()
                    server.start()
            first += 1_200  # a multiple of all NAMES
        for direction, way in (("put", "up"), ("get", "down")):
            rounds = {key: values for key, values in found[direction].items() if values}
            bench.add(f"{name}, {way}", unit, True, {key: [rate(one) for one in values] for key, values in rounds.items()},
                      command=" ".join(["build/bench/transfer", *words(direction, size, clients, bench.options.seconds, NAMES[size]),
                                        "ADDRESS", f"{PROXY}/FOLDER"]))
            bench.add(f"{name}, {way}, p50", "ms", False,
                      {key: [one["p50_ms"] for one in values] for key, values in rounds.items()})
            bench.add(f"{name}, {way}, greatest memory, RSS", "MB", False,
                      {key: [one["peak_mb"] for one in values] for key, values in rounds.items()})
            bench.results[f"{name}, {way}"] = rounds
    clear()


def measure(bench):
    for size, label in FILES:
        if size > bench.size.largest_file:
            continue
        for clients in CLIENTS:
            measure_one(bench, size, label, clients)
