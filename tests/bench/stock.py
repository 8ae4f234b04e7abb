"""What has to be in a server before it is measured: made when a figure needs it, once for each database.

tallyd gets everything through its API. MLflow's long series come by SQL, into its own tables with their own indexes,
because its API takes some thousand points a second."""

import threading

import loads
from loads import runs_file
from report import say
from sizes import KEYS, RUNS

HISTORY_POINTS = 25_000
RETRY_RUNS = 64
WATCHED_RUNS = 100
# Rows of one INSERT into MLflow's table: enough to be fast, few enough to see that it goes on.
SQL_ROWS = 1_000_000


def in_parallel(count, work, threads=32):
    """Call work (number) for each number below count from many threads; the first problem is raised."""
    left = iter(range(count))
    lock = threading.Lock()
    problems = []
    found = [None] * count

    def loop():
        try:
            while not problems:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                found[number] = work(number)
        except Exception as error:  # pylint: disable=broad-except  # it is raised below
            problems.append(error)

    pool = [threading.Thread(target=loop) for _ in range(threads)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    if problems:
        raise problems[0]
    return found


def experiment(server, name):
    if name not in server.ids:
        server.ids[name] = server.new_experiment(f"bench {name}")
    return server.ids[name]


def new_runs(server, name, count):
    """Runs whose ids stand in a file for the load generator."""
    experiment_id = experiment(server, "logged")
    ids = in_parallel(count, lambda _: server.new_run(experiment_id))
    runs_file(server, name).write_text("\n".join(ids) + "\n")
    return ids


def fill_many(server, count):
    """Runs with three params and three metrics each."""
    experiment_id = experiment(server, "many")

    def one(number):
        run_id = server.new_run(experiment_id)
        server.call("POST", "runs/log-batch", {
            "run_id": run_id,
            "metrics": [{"key": f"score{n}", "value": number / (n + 1), "timestamp": 1, "step": 1} for n in range(3)],
            "params": [{"key": f"p{n}", "value": f"{number % 17}"} for n in range(3)],
        })

    in_parallel(count, one)


def sql_fill(server, ids, steps, keys):
    """The points of loads.fill for MLflow: the same numbers of runs, metrics and steps, other random values."""
    runs = ",".join(f"'{one}'" for one in ids)
    rows = len(ids) * keys
    piece = max(1, SQL_ROWS // rows)
    for start in range(0, steps, piece):
        last = min(steps, start + piece) - 1
        server.sql(
            "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) "
            "SELECT 'm' || k, round(random()::numeric, 6), 1700000000000 + s * 100 + (random() * 40)::int - 20, s, false, r "
            f"FROM generate_series({start}, {last}) s, unnest(ARRAY[{runs}]) r, generate_series(0, {keys - 1}) k")
        if steps * rows > SQL_ROWS:
            say(f"  mlflow: {(last + 1) * rows:,} of {steps * rows:,} rows")
    server.sql(
        "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) "
        f"SELECT 'm' || k, 0.5, 1700000000000 + {steps - 1} * 100, {steps - 1}, false, r "
        f"FROM unnest(ARRAY[{runs}]) r, generate_series(0, {keys - 1}) k "
        "ON CONFLICT (key, run_uuid) DO UPDATE SET step = excluded.step, timestamp = excluded.timestamp",
        "ANALYZE metrics", "ANALYZE latest_metrics")


def fill(server, name, ids, steps, keys=KEYS):
    if server.name == "mlflow":
        sql_fill(server, ids, steps, keys)
    else:
        loads.fill(server, name, steps, keys=keys)


def need(server, name, size):
    """Make what `name` stands for, unless it is there. A list of runs is in the file of that name."""
    if name in server.stock:
        return
    say(f"  preparing {name} of {server.name}")
    kind, _, count = name.partition("-")
    if kind == "runs":
        new_runs(server, name, RUNS)
    elif kind in ("hot", "wide"):
        new_runs(server, name, 1)
    elif kind == "retry":
        new_runs(server, name, RETRY_RUNS)
    elif kind == "created":
        experiment(server, "created")
    elif kind == "many":
        fill_many(server, size.many_runs)
    elif kind == "watched":
        fill(server, name, new_runs(server, name, WATCHED_RUNS), size.watched_steps)
    elif kind == "history":
        fill(server, name, new_runs(server, name, 1), HISTORY_POINTS, keys=1)
    elif kind == "series":  # series-1000000: one run with one series of so many points
        fill(server, name, new_runs(server, name, 1), int(count), keys=1)
        server.rest(120)
    else:
        raise ValueError(name)
    server.stock.add(name)
