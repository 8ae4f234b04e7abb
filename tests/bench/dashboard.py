"""People who watch: each dashboard asks for a chart of ten runs with three metrics every second and for the list of runs
every five. Prints how long each took as JSON.

Usage: dashboard.py tallyd|mlflow ADDRESS:PORT RUN_IDS EXPERIMENT_ID DASHBOARDS SECONDS"""

import http.client
import json
import re
import sys
import threading
import time

CHART = "/api/tally/v1/metrics/chart"
INTERVAL = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
SEARCH = "/api/2.0/mlflow/runs/search"
RUNS = 10
METRICS = ("m0", "m1", "m2")
CHART_S = 1.0
SEARCH_S = 5.0
# What MLflow's own pages ask for.
INTERVAL_RESULTS = 320
# The cursor is the last member of an answer, and short.
CURSOR_BYTES = 4096
CURSOR = re.compile(rb'"cursor": ?"((?:[^"\\]|\\.)*)"')


class Dashboard:
    def __init__(self, address, run_ids, experiment_id, native):
        self.address = address
        self.run_ids = run_ids
        self.experiment_id = experiment_id
        self.native = native
        self.cursor = None
        self.connection = None
        self.chart_ms, self.search_ms, self.problems = [], [], []
        self.chart_bytes = 0

    def ask(self, method, path, data=None):
        """The body of an answer, and the milliseconds until it was whole."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=120)
        body = None if data is None else json.dumps(data)
        started = time.perf_counter()
        try:
            self.connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection = None
            self.problems.append(f"{path}: {error}")
            return None, (time.perf_counter() - started) * 1000
        if answer.status != 200:
            self.problems.append(f"{path}: {answer.status} {content[:200].decode(errors='replace')}")
            return None, (time.perf_counter() - started) * 1000
        return content, (time.perf_counter() - started) * 1000

    def chart(self):
        if self.native:
            question = {"run_ids": self.run_ids, "metric_keys": METRICS}
            if self.cursor is not None:
                question["since"] = self.cursor
            content, took = self.ask("POST", CHART, question)
            if content is not None:
                found = CURSOR.findall(content[-CURSOR_BYTES:])
                if found:
                    self.cursor = json.loads(b'"' + found[-1] + b'"')
                else:
                    self.problems.append("a chart without a cursor")
                self.chart_bytes += len(content)
                self.chart_ms.append(took)
            return
        whole = 0
        for metric in METRICS:
            runs = "&".join(f"run_ids={one}" for one in self.run_ids)
            content, took = self.ask("GET", f"{INTERVAL}?{runs}&metric_key={metric}&max_results={INTERVAL_RESULTS}")
            if content is None:
                return
            self.chart_bytes += len(content)
            whole += took
        self.chart_ms.append(whole)

    def search(self):
        content, took = self.ask("POST", SEARCH, {"experiment_ids": [self.experiment_id], "max_results": 100,
                                                  "order_by": ["attributes.start_time DESC"]})
        if content is not None:
            self.search_ms.append(took)

    def watch(self, start, end):
        """One person; who is late does not ask twice to catch up."""
        next_chart, next_search = start, start
        while True:
            due = min(next_chart, next_search)
            if due >= end:
                return
            time.sleep(max(0, due - time.monotonic()))
            if next_chart <= next_search:
                self.chart()
                next_chart = max(next_chart + CHART_S, time.monotonic())
            else:
                self.search()
                next_search = max(next_search + SEARCH_S, time.monotonic())


def has_chart(address):
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("POST", CHART, "{}", {"Content-Type": "application/json"})
    return connection.getresponse().status not in (404, 405, 501)


def main():
    kind, address, runs_name, experiment_id, count, seconds = sys.argv[1:]
    with open(runs_name, encoding="ascii") as file:
        ids = file.read().split()
    native = kind == "tallyd" and has_chart(address)
    people = [Dashboard(address, [ids[(number * RUNS + one) % len(ids)] for one in range(RUNS)], experiment_id, native)
              for number in range(int(count))]
    # They came at different times of a second.
    now = time.monotonic()
    threads = [threading.Thread(target=one.watch, args=(now + number / len(people) * CHART_S, now + float(seconds)))
               for number, one in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({
        "chart_ms": [value for one in people for value in one.chart_ms],
        "search_ms": [value for one in people for value in one.search_ms],
        "problems": [text for one in people for text in one.problems],
        "chart_bytes": sum(one.chart_bytes for one in people),
        "note": "" if native or kind != "tallyd" else "there is no chart endpoint; asked as MLflow is",
    }))


if __name__ == "__main__":
    main()
