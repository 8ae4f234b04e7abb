"""More than one thing at a time: dashboards that poll while jobs log, and twice as many requests as can be served."""

import json
import subprocess
import sys
from pathlib import Path

import loads
import machine
import stock
from loads import log_batch, log_metric
from report import summary

DASHBOARDS = 10
# Nearly as many as the daemon takes with its settings as they ship (max-connections), so that requests wait in its queues
# and not before its door.
OVERLOAD_CONNECTIONS = 4000
# Answers of an overload are waited for so long; MLflow needs it.
OVERLOAD_DRAIN_S = 30
LABELS = ("chart p50", "chart p99", "runs/search p50", "runs/search p99", "ingest kept", "ingest p99")


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0


def greatest_rate(bench, name, server, load):
    """Requests a second of a closed loop: what is called the maximum here."""
    load.measure(server, bench.options.seconds / 3)
    server.rest()
    rates = []
    for _ in range(min(3, bench.options.rounds)):
        found = load.measure(server, bench.options.seconds)
        bench.check(f"{name} (its maximum)", server, found)
        rates.append(found["requests_per_second"])
        server.rest()
    return summary(rates)["median"]


def dashboards(bench):
    name = f"{DASHBOARDS} dashboards beside ingest at half its maximum"
    if not bench.wanted(name):
        return
    with bench.attempt(name):
        load = log_batch(100, 64, run="watched")
        found = {server.name: [] for server in bench.servers}
        halves, notes = {}, []
        for server in bench.servers:
            stock.need(server, "watched", bench.size)
            stock.need(server, "many", bench.size)
            server.rest(60)
            halves[server.name] = greatest_rate(bench, name, server, load) / 2
        for _ in range(min(3, bench.options.rounds)):
            for server in bench.servers:
                found[server.name].append(one_watch(bench, name, server, load, halves[server.name]))
                server.rest()
        for server in bench.servers:
            problems = [text for one in found[server.name] for text in one["problems"]]
            if problems:
                notes.append(f"{server.name}: {len(problems)} problems, the first: {problems[0]}")
                if server.name == "tallyd":
                    bench.fail(f"{name}: {problems[0]}")
        notes += sorted({one["note"] for rounds in found.values() for one in rounds if one["note"]})
        notes.append("maximum " + ", ".join(f"{key} {value * 2 * 100:,.0f} points/s" for key, value in halves.items()))
        rows = (
            (LABELS[0], "ms", lambda one: percentile(one["chart_ms"], 0.5)),
            (LABELS[1], "ms", lambda one: percentile(one["chart_ms"], 0.99)),
            (LABELS[2], "ms", lambda one: percentile(one["search_ms"], 0.5)),
            (LABELS[3], "ms", lambda one: percentile(one["search_ms"], 0.99)),
            (LABELS[4], "points/s", lambda one: one["ingest"]["requests_per_second"] * 100),
            (f"{LABELS[4]}, of half the maximum", "%/s", lambda one: 100 * one["kept"]),
            (LABELS[5], "ms", lambda one: one["ingest"]["latency_us"]["p99"] / 1000),
        )
        for label, unit, function in rows:
            values = {key: [function(one) for one in rounds] for key, rounds in found.items()}
            bench.add(f"{name}: {label}", "%" if unit == "%/s" else unit, unit.endswith("/s"), values, "; ".join(notes))
            notes = []
        bench.table.command(name, load.shown(bench.tallyd, bench.size.dashboard_seconds, ["--rate", "HALF"])
                            + f" & python3 tests/bench/dashboard.py tallyd ADDRESS WATCHED_IDS MANY {DASHBOARDS} "
                            f"{bench.size.dashboard_seconds:g}")
        bench.results[name] = {"rounds": found, "half": halves}


def one_watch(bench, name, server, load, rate):
    seconds = bench.size.dashboard_seconds
    ingest = load.start(server, seconds, ["--rate", f"{rate:.2f}"])
    words = [sys.executable, str(Path(__file__).with_name("dashboard.py")), server.name, server.address,
             str(loads.runs_file(server, "watched")), server.ids["many"], str(DASHBOARDS), f"{seconds:g}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=seconds + 200)
    wrote = load.finish(ingest)
    if done.returncode:
        raise RuntimeError(f"dashboard.py: {done.stderr[-500:]}")
    bench.check(name, server, wrote)
    found = json.loads(done.stdout)
    # With --rate the seconds of the answer end with the last answer: what was late makes them longer.
    return {**found, "ingest": wrote, "kept": wrote["requests_per_second"] / rate}


def overload(bench):
    for load, text, only_tallyd in ((log_metric(OVERLOAD_CONNECTIONS), "log-metric", False),
                                    (log_batch(1000, OVERLOAD_CONNECTIONS), "log-batch of 1000", True)):
        one_overload(bench, f"overload, {text} at twice its maximum, {OVERLOAD_CONNECTIONS:,} connections", load, only_tallyd)


def one_overload(bench, name, load, only_tallyd):
    if not bench.wanted(name):
        return
    load.slow = None
    seconds = bench.size.overload_seconds
    with bench.attempt(name):
        servers = bench.servers_of(only_tallyd)
        found = {server.name: [] for server in servers}
        peaks = {server.name: [] for server in servers}
        offered = {}
        usual = loads.Load(load.path, 256, load.body, batch=load.batch, expect=load.expect)
        for server in servers:
            stock.need(server, "runs", bench.size)
            offered[server.name] = 2 * greatest_rate(bench, name, server, usual)
        for _ in range(min(3, bench.options.rounds)):
            for server in servers:
                more = ["--rate", f"{offered[server.name]:.2f}", "--shed", "--drain", OVERLOAD_DRAIN_S]
                with machine.MemoryWatch(server.process.pid) as watch:
                    one = load.measure(server, seconds, more)
                bench.check(name, server, one, refusals=True)
                peaks[server.name].append(watch.peak_mb)
                found[server.name].append(one)
                server.rest()
        note = "offered " + ", ".join(f"{key} {rate:,.0f} req/s" for key, rate in offered.items())
        rows = (
            ("answered", "req/s", lambda one: one["requests_per_second"]),
            ("p50 of what was accepted", "ms", lambda one: one["latency_us"]["p50"] / 1000),
            ("p99 of what was accepted", "ms", lambda one: one["latency_us"]["p99"] / 1000),
            ("refused with 503", "%", lambda one: 100 * one["refused"] / max(1, one["sent"] + one["dropped"])),
            ("not sent, because every connection waited", "%",
             lambda one: 100 * one["dropped"] / max(1, one["sent"] + one["dropped"])),
            ("never answered", "%", lambda one: 100 * one["unanswered"] / max(1, one["sent"])),
        )
        for label, unit, function in rows:
            values = {key: [function(one) for one in rounds] for key, rounds in found.items()}
            bench.add(f"{name}: {label}", unit, unit.endswith("/s"), values, note)
            note = ""
        bench.add(f"{name}: greatest memory, RSS", "MB", False, peaks)
        bench.table.command(name, load.shown(bench.tallyd, seconds, ["--rate", "TWICE_THE_MAXIMUM", "--shed", "--drain",
                                                                    OVERLOAD_DRAIN_S]))
        bench.results[name] = {"rounds": found, "offered": offered, "peak_mb": peaks}
