"""Requests for the load generator, and how it is started."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

from sizes import BATCH, KEYS

SCRATCH = Path(os.environ["BENCH_SCRATCH"])
OUT = Path(os.environ["BENCH_OUT"])
POINT = '{"key":"m@key@","value":@value@,"timestamp":@time@,"step":@step@}'
BATCH_BODY = '{"run_id":"@run@","metrics":[@elements@]}'
METRIC_BODY = '{"run_id":"@run@","key":"loss","value":@value@,"timestamp":@time@,"step":@step@}'
LOG_METRIC = "/api/2.0/mlflow/runs/log-metric"
LOG_BATCH = "/api/2.0/mlflow/runs/log-batch"
# What both servers answer to what is logged.
EMPTY = "{}"
# How much longer than its own limits a load generator may take before it is given up.
GRACE_S = 60
# How long answers are waited for after the last request.
DRAIN_S = 120


def runs_file(server, name):
    return SCRATCH / f"{server.name}-{name}"


class Load:
    """One kind of request. `slow`: connections for MLflow, where with more it answers later than a round lasts.
    `batch` points a request, `keys` metrics; `run` names the runs (stock.py); `more`: further words for the generator. In a body @NAME@ stands for what the server has
    below that name in `ids`."""

    def __init__(self, path, connections, body=None, *, batch=0, keys=KEYS, experiment="", least_bytes=0, expect=None,
                 run="runs", slow=None, more=()):
        self.path = path
        self.connections = connections
        self.body = body
        self.batch = batch
        self.keys = keys
        self.experiment = experiment
        self.least_bytes = least_bytes
        self.expect = expect
        self.run = run
        self.slow = slow
        self.more = [str(word) for word in more]

    def arguments(self, server, seconds, more=()):
        connections = self.connections
        if self.slow is not None and server.name == "mlflow":
            connections = self.slow
        words = ["--connections", str(connections), "--seconds", f"{seconds:g}"]
        words += ["--runs", str(runs_file(server, self.run))]
        if self.batch > 0:
            words += ["--keys", str(self.keys), "--repeat", str(self.batch), "--element", POINT]
        if self.body is not None:
            body = self.body.replace("@experiment@", server.ids.get(self.experiment, ""))
            for name, value in server.ids.items():
                body = body.replace(f"@{name}@", value)
            words += ["--body", body]
        if self.least_bytes > 0:
            words += ["--least-bytes", str(self.least_bytes)]
        if self.expect is not None:
            words += ["--expect", self.expect]
        for line in server.headers:
            words += ["--header", line]
        return [*words, *self.more, *(str(word) for word in more), server.address, self.path]

    def start(self, server, seconds, more=(), first=None):
        """Start the generator; `finish` gives what it found."""
        if first is None:
            server.first_step += 1_000_000
            first = server.first_step
        words = [str(OUT / "load"), "--first", str(first), *self.arguments(server, seconds, more)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True), seconds

    @staticmethod
    def finish(started):
        process, seconds = started
        try:
            out, err = process.communicate(timeout=seconds + DRAIN_S + GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise RuntimeError("the load generator did not end") from None
        if not out:
            raise RuntimeError(f"load generator: {err.strip()}")
        return json.loads(out)

    def measure(self, server, seconds, more=(), first=None):
        found = self.finish(self.start(server, seconds, more, first))
        if self.path in (LOG_METRIC, LOG_BATCH):
            server.points += found["requests"] * max(1, self.batch)
        return found

    def shown(self, server, seconds, more=()):
        """The command for the report, without what is true of this moment only."""
        words = self.arguments(server, seconds, more)
        text = " ".join(shlex.quote(word) for word in ["build/bench/load", *words])
        text = text.replace(server.address, "ADDRESS").replace(str(runs_file(server, self.run)), f"{self.run.upper()}_IDS")
        for name, value in server.ids.items():
            text = text.replace(f'"{value}"', f'"{name.upper()}"')
        text = text.replace(f"{SCRATCH}/", "")
        # Behind the colon stands what lets somebody in.
        return re.sub(r"--header '([A-Za-z-]+): [^']*'", lambda found: f"--header '{found[1]}: …'", text)


def log_metric(connections, **more):
    return Load(LOG_METRIC, connections, METRIC_BODY, expect=EMPTY, **more)


def log_batch(batch, connections, **more):
    """From 100 points on MLflow is measured with 16 connections."""
    return Load(LOG_BATCH, connections, BATCH_BODY, batch=batch, expect=EMPTY, slow=16 if batch >= 100 else None, **more)


def fill(server, run, steps, *, keys=KEYS, connections=16, values="plain", step_ms=100, first=0, seconds=3600):
    """Write `steps` steps of `keys` metrics to each run of a list, in batches of 1000, through the API; gives what the
    generator found. Everything must be answered with 200."""
    points = steps * keys
    batch = min(BATCH, points)
    # A run that two connections write would have each step twice.
    connections = min(connections, len(runs_file(server, run).read_text().split()))
    load = log_batch(batch, connections, keys=keys, run=run,
                     more=["--requests-each", max(1, points // batch), "--values", values, "--step-ms", step_ms])
    found = load.measure(server, seconds, first=first)
    if found["errors"] or found["unanswered"]:
        raise RuntimeError(f"filling {server.name}: {found['errors']} errors, {found['unanswered']} unanswered, "
                           f"the first: {found['first_error_status']} {found['first_error'][:200]}")
    return found


# Figures of an answer of the generator: (label, unit, function).

def latency(part):
    return (part, "ms", lambda result: result["latency_us"][part] / 1000)


def points_per_second(batch):
    return ("", "points/s", lambda result: result["requests_per_second"] * batch)


RATE = ("", "req/s", lambda result: result["requests_per_second"])
P50, P99 = latency("p50"), latency("p99")
