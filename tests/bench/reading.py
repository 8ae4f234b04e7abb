"""Figures of what is read: lists of runs, histories, and charts alone and while their series grows."""

import http.client
import re
import time

import loads
import stock
from loads import P50, P99, Load, log_batch
from sizes import count_text

SEARCH_RESULTS = 100
SEARCH = (f'{{"experiment_ids":["@experiment@"],"max_results":{SEARCH_RESULTS},'
          '"order_by":["attributes.start_time DESC"]}')
CHART = "/api/tally/v1/metrics/chart"
CHART_WIDTH = 1000
CHART_BODY = f'{{"run_ids":["@run@"],"metric_keys":["m0"],"width":{CHART_WIDTH}'
# What MLflow's own pages ask for in a chart, and the most it gives.
INTERVAL_RESULTS = (320, 2500)
# A point as JSON has at least this.
POINT_BYTES = 40
# Every column shows at least two points of noise, its least and its greatest; a number has at least five digits.
CHART_JSON_BYTES = CHART_WIDTH * 2 * 2 * 5
CHART_BINARY_BYTES = CHART_WIDTH * 2 * 16


def interval(results, run):
    path = f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=@run@&metric_key=m0&max_results={results}"
    return Load(path, 1, run=run, least_bytes=results * POINT_BYTES)


def native(run, binary):
    body = CHART_BODY + (',"format":"binary"}' if binary else "}")
    return Load(CHART, 1, body, run=run, least_bytes=CHART_BINARY_BYTES if binary else CHART_JSON_BYTES)


def search(bench):
    bench.measure(f"runs/search, newest {SEARCH_RESULTS} of {bench.size.many_runs:,} runs, 1 connection",
                  Load("/api/2.0/mlflow/runs/search", 1, SEARCH, experiment="many", least_bytes=SEARCH_RESULTS * 300),
                  [P50, P99])


def history(bench):
    points = stock.HISTORY_POINTS
    path = f"/api/2.0/mlflow/metrics/get-history?run_id=@run@&metric_key=m0&max_results={points}"
    bench.measure(f"get-history, {points:,} points, 1 connection",
                  Load(path, 1, run="history", least_bytes=points * POINT_BYTES), [P50, P99])
    for count in bench.size.long_series:
        if count <= 1_000_000:
            whole_history(bench, count)


def whole_history(bench, count):
    name = f"get-history, a series of {count_text(count)} points through all its pages"
    if not bench.wanted(name):
        return
    with bench.attempt(name):
        run = f"series-{count}"
        stock.need(bench.tallyd, run, bench.size)
        run_id = loads.runs_file(bench.tallyd, run).read_text().strip()
        took = []
        for _ in range(bench.options.rounds):
            milliseconds, seen = read_pages(bench.tallyd, run_id)
            if seen != count:
                bench.fail(f"{name}: {seen} points came and not {count}")
            took.append(milliseconds)
        bench.add(name, "ms", False, {"tallyd": took}, command=bench.again(name))
        bench.results[name] = {"tallyd": took}


def read_pages(server, run_id):
    """Milliseconds that the server took for all pages, and the points in them."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    token, took, seen = "", 0, 0
    while True:
        path = f"/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=m0&max_results=25000{token}"
        started = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
        took += time.perf_counter() - started
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {content[:200]!r}")
        seen += content.count(b'"step"')
        found = re.search(rb'"next_page_token": ?"([^"]+)"', content)
        if not found:
            connection.close()
            return took * 1000, seen
        token = f"&page_token={found.group(1).decode()}"


def charts(bench):
    """Charts of series of each length: of tallyd all, of MLflow what it can do in the time."""
    shared = bench.size.chart_points
    for count in sorted({shared, *bench.size.long_series}):
        run = f"series-{count}"
        text = f"a series of {count_text(count)} points"
        # Ten batches a second, so that the series grows by a thousand points a second, which MLflow can do too.
        writing = log_batch(100, 1, keys=1, run=run, more=["--rate", 10])
        for results in INTERVAL_RESULTS:
            bench.measure(f"chart of {text}, {results} steps, 1 connection", interval(results, run), [P50, P99],
                          only_tallyd=count != shared)
        for kind, binary in (("JSON", False), ("binary", True)):
            bench.measure(f"chart of {text}, {CHART_WIDTH} columns, {kind}, 1 connection", native(run, binary), [P50, P99],
                          only_tallyd=True)
        bench.measure(f"chart of {text} while it grows, {INTERVAL_RESULTS[0]} steps, 1 connection",
                      interval(INTERVAL_RESULTS[0], run), [P50, P99], only_tallyd=count != shared, beside=writing)
        for kind, binary in (("JSON", False), ("binary", True)):
            bench.measure(f"chart of {text} while it grows, {CHART_WIDTH} columns, {kind}, 1 connection",
                          native(run, binary), [P50, P99], only_tallyd=True, beside=writing)
