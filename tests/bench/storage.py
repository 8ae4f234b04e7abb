"""What a point costs on disk once everything is in its place, and in the write-ahead log on the way there."""

import loads
import machine
import stock
from report import say
from sizes import BATCH, KEYS

RUNS = 100
# About ten steps a second, as with a model of middling size.
STEP_MS = 100
KINDS = {
    "loss": "a float32 that decays with noise",
    "quantised": "a score rounded to four decimals",
    "counter": "an integer that grows",
    "random": "a random double",
}
# The same values for MLflow, whose tables are filled by SQL; the constants are those of value.c.
SQL_VALUES = {
    "loss": "(2.3 * exp(-s / 500.0) + 0.2 + 0.02 * (random() * 2 - 1))::float4::float8",
    "quantised": "round((0.92 - 0.8 * exp(-s / 500.0) + 0.01 * (random() * 2 - 1))::numeric, 4)",
    "counter": "(s + 1) * 512 + (random() * 63)::int",
    "random": "random()",
}


def names(kind):
    text = f"{kind} ({KINDS[kind]})"
    return f"bytes per point, {text}", f"write-ahead log per point, {text}"


def lsn(url):
    return machine.psql(url, "SELECT pg_current_wal_lsn()")


def since(url, start):
    return int(machine.psql(url, f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{start}')::bigint"))


def measure(bench):
    wanted = [kind for kind in KINDS if bench.wanted(*names(kind))]
    if not wanted:
        return
    for kind in wanted:
        disk, log = names(kind)
        with bench.attempt(disk):
            ours, note = of_tallyd(bench, kind)
            theirs = of_mlflow(bench, kind) if bench.mlflow else None
            for name, part in ((disk, "disk"), (log, "wal")):
                values = {"tallyd": [ours[part]]}
                if theirs:
                    values["mlflow"] = [theirs[part]]
                bench.add(name, "B", False, values, note, bench.again(f"point, {kind}"))
            bench.results[disk] = {"tallyd": ours, "mlflow": theirs}
    with bench.attempt("the settings after the sizes"):
        bench.tallyd.fold_soon(False)
    bench.remarks.append(
        f"bytes per point: {RUNS} runs of {KEYS} metrics of {bench.size.storage_steps:,} steps each, pg_total_relation_size "
        "(with indexes and TOAST) of metric_series and metric_chunk, after all is folded and a plain VACUUM; of MLflow its "
        f"table metrics alone, for {bench.size.mlflow_storage_steps:,} steps, filled by SQL. Write-ahead log: what "
        "pg_current_wal_lsn() grew by, from a checkpoint before the first point until all is folded")


def of_tallyd(bench, kind):
    server = bench.tallyd
    steps = bench.size.storage_steps
    server.renew()
    server.fold_soon(True)
    stock.new_runs(server, "stored", RUNS)
    points = RUNS * KEYS * steps
    server.sql("CHECKPOINT")
    start = lsn(server.database)
    loads.fill(server, "stored", steps, values=kind, step_ms=STEP_MS, connections=20)
    whole = server.fold_all()
    wal = since(server.database, start)
    tables = ["metric_series", "metric_chunk"] if server.folds() else ["metric_tail"]
    server.sql(*(f"VACUUM {table}" for table in {*tables, "metric_tail"}))
    sizes = {table: int(server.sql(f"SELECT pg_total_relation_size('{table}')")) for table in {*tables, "metric_tail"}}
    note = ""
    if not server.folds():
        note = "as they arrived: this program does not fold"
    elif not whole:
        note = "not all was folded within the limit"
    say(f"  {kind}: {sizes}, {points:,} points, {wal:,} B of log")
    return {"disk": sum(sizes[table] for table in tables) / points, "wal": wal / points, "points": points, "sizes": sizes,
            "wal_bytes": wal}, note


def of_mlflow(bench, kind):
    """A table like MLflow's own, so that nothing else is in it; steps arrive in batches, runs in turn."""
    server = bench.mlflow
    steps = bench.size.mlflow_storage_steps
    points = RUNS * KEYS * steps
    batch_steps = max(1, BATCH // KEYS)
    server.sql("DROP TABLE IF EXISTS bench_metrics", "CREATE TABLE bench_metrics (LIKE metrics INCLUDING ALL)", "CHECKPOINT")
    start = lsn(server.database)
    for first in range(0, steps, batch_steps):
        server.sql(
            "INSERT INTO bench_metrics (key, value, timestamp, step, is_nan, run_uuid) "
            f"SELECT 'm' || k, {SQL_VALUES[kind]}, 1700000000000 + s * {STEP_MS} + "
            f"(random() * {STEP_MS} * 0.4)::int - {STEP_MS} / 5, s, false, md5(r::text) "
            f"FROM generate_series(1, {RUNS}) r, generate_series({first}, {min(steps, first + batch_steps) - 1}) s, "
            f"generate_series(0, {KEYS - 1}) k")
    wal = since(server.database, start)
    server.sql("VACUUM bench_metrics")
    size = int(server.sql("SELECT pg_total_relation_size('bench_metrics')"))
    server.sql("DROP TABLE bench_metrics")
    return {"disk": size / points, "wal": wal / points, "points": points, "sizes": {"metrics": size}, "wal_bytes": wal}
