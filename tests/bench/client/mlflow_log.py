"""Log points with MLflow's own client; prints JSON. Usage: mlflow_log.py synchronous|asynchronous|batches POINTS"""

import json
import sys
import time

import mlflow
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


def resident_kb():
    for line in open("/proc/self/status", encoding="ascii"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def main():
    kind, points = sys.argv[1], int(sys.argv[2])
    mlflow.set_experiment("client-bench")
    took = []
    with mlflow.start_run() as run:
        # What a client does once, connections among it, does not count.
        mlflow.log_metric("first", 1)
        began = time.perf_counter()
        if kind == "batches":
            log_batches(MlflowClient(), run.info.run_id, points, took)
        else:
            log_each(points, took, kind == "synchronous")
        logged = time.perf_counter() - began
        if kind == "asynchronous":
            mlflow.flush_async_logging()
        flushed = time.perf_counter() - began
    took.sort()
    print(json.dumps({"points": points, "logged_s": logged, "flushed_s": flushed, "run_id": run.info.run_id,
                      "p50_ns": took[len(took) // 2], "p99_ns": took[len(took) * 99 // 100],
                      "p999_ns": took[len(took) * 999 // 1000], "max_ns": took[-1], "peak_kb": resident_kb()}))


if __name__ == "__main__":
    main()
