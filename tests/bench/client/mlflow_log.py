"""Log points with MLflow's own client; prints JSON.

Usage: mlflow_log.py synchronous|asynchronous|batches POINTS [alone]

With alone, the requests that log are answered in place of the client's HTTP: what it takes when all else takes nothing.
"""

import contextlib
import io
import json
import sys
import time
from unittest import mock

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric

BATCH = 1000


def log_batches(client, run_id, points, took):
    for first in range(0, points, BATCH):
        now = int(time.time() * 1000)
        began = time.perf_counter_ns()
        client.log_batch(run_id, [Metric("loss", step * 0.5, now, step) for step in range(first, min(first + BATCH, points))])
        took.append(time.perf_counter_ns() - began)


def log_each(points, took, synchronous):
    for step in range(points):
        began = time.perf_counter_ns()
        mlflow.log_metric("loss", step * 0.5, step=step, synchronous=synchronous)
        took.append(time.perf_counter_ns() - began)


def answer(_adapter, request, **_options):
    """What a server answers to a request that logs."""
    response = requests.Response()
    response.status_code = 200
    response.request = request
    response.url = request.url
    response.headers["Content-Type"] = "application/json"
    response.raw = io.BytesIO(b"{}")
    return response


def resident_kb():
    for line in open("/proc/self/status", encoding="ascii"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def main():
    kind, points = sys.argv[1], int(sys.argv[2])
    alone = sys.argv[3:] == ["alone"]
    mlflow.set_experiment("client-bench")
    took = []
    with mlflow.start_run() as run:
        # What a client does once, connections among it, does not count.
        mlflow.log_metric("first", 1)
        with mock.patch.object(requests.adapters.HTTPAdapter, "send", answer) if alone else contextlib.nullcontext():
            began, cpu_began = time.perf_counter(), time.process_time()
            if kind == "batches":
                log_batches(MlflowClient(), run.info.run_id, points, took)
            else:
                log_each(points, took, kind == "synchronous")
            logged = time.perf_counter() - began
            if kind == "asynchronous":
                mlflow.flush_async_logging()
            flushed, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    took.sort()
    print(json.dumps({"points": points, "logged_s": logged, "flushed_s": flushed, "cpu_s": cpu, "run_id": run.info.run_id,
                      "p50_ns": took[len(took) // 2], "p99_ns": took[len(took) * 99 // 100],
                      "p999_ns": took[len(took) * 999 // 1000], "max_ns": took[-1], "peak_kb": resident_kb()}))


if __name__ == "__main__":
    main()
