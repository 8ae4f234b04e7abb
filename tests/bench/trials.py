"""Experiments with very many runs, in both servers with the same content, for searching.

Both get them by SQL: through MLflow's API a hundred thousand runs take hours. tallyd's tables then hold what they would hold
after everything was logged and folded, MLflow's what its own API would have written, with all indexes of both in place.
What a run has follows from its number alone, so both have the same runs with the same ids."""

import json
import time
from dataclasses import dataclass

from report import say

# Numbers of runs of one experiment are below this, so that no two experiments share a run.
RUNS_MAX = 10_000_000
# Runs of one statement: some hundred thousand rows, few enough to see that it goes on.
PIECE_ROWS = 1_000_000
# From so many rows on indexes are made after the rows, as when a dump is restored: in place it takes several times longer.
BARE_ROWS = 500_000
FIRST_START_MS = 1_600_000_000_000
# A training now and then, each of up to two hours.
START_STEP_MS = 37_000
LENGTH_MS = 7_200_000
STEPS = 200
NOTES = 1000
COMMITS = 400
USERS = 25
TEAMS = ("vision", "speech", "ranking", "forecast", "robotics", "search", "fraud", "pricing", "health", "games", "maps", "ads")


def unit(seed):
    """SQL for a number from 0 to 1 that looks random and follows from n: one of its own for each seed."""
    return f"bench_unit(n, {seed})"


def bell(seed):
    """SQL for a bell around 0 with a variance of about 1: the sum of three, stretched."""
    return f"(2 * ({unit(seed)} + {unit(seed + 1)} + {unit(seed + 2)} - 1.5))"


def one_of(values, seed):
    return f"(ARRAY[{','.join(repr(value) for value in values)}])[1 + floor({unit(seed)} * {len(values)})::int]"


def whole(count, seed):
    return f"floor({unit(seed)} * {count})::int"


@dataclass
class Metric:
    """`value` is SQL. Of 100 runs `nan` have NaN and `missing` have none."""

    key: str
    value: str
    nan: float = 0
    missing: float = 0


# Seeds are far apart, because some values take several.
METRICS = (
    Metric("acc", f"0.05 + 0.9 * sqrt({unit(1000)})", 1, 5),
    Metric("loss", f"-ln(0.05 + 0.9 * sqrt({unit(1000)})) + 0.02 * {bell(1010)}", 2, 3),
    Metric("val_acc", f"0.04 + 0.88 * sqrt({unit(1000)}) + 0.01 * {bell(1020)}", 1, 8),
    Metric("val_loss", f"-ln(0.04 + 0.88 * sqrt({unit(1000)})) + 0.05 * {bell(1030)}", 3, 8),
    Metric("test_acc", f"0.03 + 0.86 * sqrt({unit(1000)}) + 0.01 * {bell(1040)}", 0, 30),
    Metric("precision", f"0.2 + 0.75 * sqrt({unit(1050)})", 1, 10),
    Metric("recall", f"0.1 + 0.85 * sqrt({unit(1060)})", 1, 10),
    Metric("f1", f"0.15 + 0.8 * sqrt({unit(1070)})", 1, 10),
    Metric("auc", f"0.5 + 0.49 * sqrt({unit(1080)})", 1, 10),
    Metric("top5_acc", f"0.4 + 0.59 * power({unit(1090)}, 0.3)"),
    Metric("grad_norm", f"exp(0.4 * {bell(1100)})", 4),
    Metric("weight_norm", f"40 * exp(0.3 * {bell(1110)})"),
    Metric("lr_last", f"power(10, -6 + 4 * {unit(1120)})"),
    Metric("best_epoch", f"{whole(100, 1130)}::float8"),
    Metric("epoch_seconds", f"30 + 600 * {unit(1140)}"),
    Metric("samples_per_second", f"round((900 * exp(0.5 * {bell(1150)}))::numeric, 1)::float8"),
    Metric("gpu_memory_mb", f"(4096 + {whole(36_000, 1160)})::float8"),
    Metric("gpu_utilization", f"round((100 * power({unit(1170)}, 0.2))::numeric, 2)::float8"),
    Metric("parameters", f"(1000000 * (1 + {whole(400, 1180)}))::float8"),
    Metric("perplexity", f"exp(3 * {unit(1190)})", 2, 20),
)
# For what has more metrics than those: something of each layer.
MORE_METRIC = ("'layer' || k || '/grad_norm'", "exp(bench_unit(n, 5000 + k) - 0.5)")

PARAMS = (
    ("optimizer", f"CASE WHEN {unit(1)} < 0.4 THEN 'adamw' WHEN {unit(1)} < 0.7 THEN 'adam' "
                  f"WHEN {unit(1)} < 0.9 THEN 'sgd' ELSE 'lion' END"),
    ("lr", f"round(power(10, -5 + floor({unit(2)} * 400) / 100)::numeric, 8)::text"),
    ("seed", "n::text"),
    ("batch_size", f"(8 << {whole(8, 4)})::text"),
    ("model", one_of(("resnet18", "resnet50", "vit-s", "vit-b", "convnext-t", "mlp-mixer", "efficientnet", "deit"), 5)),
    ("dropout", f"round(({whole(51, 6)} / 100.0)::numeric, 2)::text"),
    ("weight_decay", one_of(("0", "0.0001", "0.001", "0.01", "0.05", "0.1"), 7)),
    ("scheduler", one_of(("cosine", "linear", "constant", "step", "plateau"), 8)),
    ("epochs", one_of(("10", "20", "50", "100"), 9)),
    ("warmup_steps", f"({whole(21, 10)} * 100)::text"),
    ("layers", f"(2 + {whole(46, 11)})::text"),
    ("hidden_size", f"(64 * (1 + {whole(32, 12)}))::text"),
    ("heads", f"(1 << {whole(5, 13)})::text"),
    ("activation", one_of(("relu", "gelu", "silu", "tanh"), 14)),
    ("augmentation", one_of(("none", "flip", "randaugment", "mixup", "cutmix"), 15)),
    ("precision", one_of(("float32", "bfloat16", "float16"), 16)),
    ("gradient_clip", one_of(("0", "0.5", "1.0", "5.0"), 17)),
    ("label_smoothing", one_of(("0.0", "0.05", "0.1", "0.2"), 18)),
    ("dataset_version", f"'2025.' || (1 + {whole(24, 19)})"),
    ("config", f"'configs/' || {one_of(TEAMS, 20)} || '/sweep-' || {whole(300, 21)} || '.yaml'"),
)

NAME = f"'trial-' || n % {RUNS_MAX}"
ARTIFACTS = "'mlflow-artifacts:/' || experiment_id || '/' || run_id || '/artifacts'"
USER = f"'user' || {whole(USERS, 31)}"
TAGS = (
    ("team", one_of(TEAMS, 30)),
    ("mlflow.user", USER),
    ("mlflow.source.git.commit", f"encode(sha256(('commit ' || {whole(COMMITS, 32)})::bytea), 'hex')"),
    ("note", f"'study ' || ({NOTES} + {whole(NOTES, 33)}) || ': does it still hold when less is known?'"),
    ("mlflow.runName", NAME),
)

def runs(piece):
    """SQL for the runs of a piece, ([(number of the experiment, its id)], first, last): n, run_id, experiment_id, start_ms,
    end_ms, status. The id is that of no other run, whatever the experiment."""
    experiments, first, last = piece
    pairs_of = ", ".join(f"({number}::bigint, {experiment})" for number, experiment in experiments)
    start = f"{FIRST_START_MS} + (n % {RUNS_MAX}) * {START_STEP_MS}"
    return (f"SELECT n, md5('run ' || n) AS run_id, experiment_id, {start} AS start_ms, "
            f"{start} + 60000 + {whole(LENGTH_MS, 40)} AS end_ms, "
            f"CASE WHEN {unit(41)} < 0.9 THEN 'FINISHED' WHEN {unit(41)} < 0.97 THEN 'FAILED' ELSE 'KILLED' END AS status "
            f"FROM (VALUES {pairs_of}) e (number, experiment_id) CROSS JOIN generate_series({first}, {last}) i "
            f"CROSS JOIN LATERAL (SELECT number * {RUNS_MAX} + i AS n) m")


def pieces(experiments, count, size):
    """Pieces of about `size` runs: parts of one experiment, or several experiments."""
    if count >= size:
        for one in experiments:
            for first in range(0, count, size):
                yield [one], first, min(count, first + size) - 1
    else:
        together = max(1, size // count)
        for at in range(0, len(experiments), together):
            yield experiments[at:at + together], 0, count - 1


UNIT = ("CREATE OR REPLACE FUNCTION bench_unit(n bigint, seed bigint) RETURNS float8 IMMUTABLE PARALLEL SAFE LANGUAGE sql AS "
        "$$ SELECT (hashint8extended(n, seed) & 9007199254740991)::float8 / 9007199254740992 $$")


def points(piece, metrics):
    """SQL for one row for each metric of each run: n, run_id, time_ms, key, value."""
    rows = []
    for number, metric in enumerate(METRICS):
        value = metric.value
        # One number decides both, so that NaN and missing are different runs.
        chance = f"100 * {unit(900 + number)}"
        if metric.nan:
            value = f"CASE WHEN {chance} >= {100 - metric.nan} THEN 'NaN' ELSE {value} END"
        keep = f"{chance} >= {metric.missing}" if metric.missing else "true"
        rows.append(f"('{metric.key}', ({value})::float8, {keep})")
    more = ""
    if metrics > len(METRICS):
        key, value = MORE_METRIC
        more = f" UNION ALL SELECT {key}, {value}, true FROM generate_series({len(METRICS)}, {metrics - 1}) k"
    return (f"SELECT r.run_id, r.end_ms - 1000 AS time_ms, m.key, m.value FROM ({runs(piece)}) r "
            f"CROSS JOIN LATERAL (SELECT * FROM (VALUES {', '.join(rows)}) v{more}) AS m (key, value, kept) WHERE m.kept")


def pairs(piece, what):
    """SQL for one row for each param or tag of each run: run_id, key, value."""
    rows = ", ".join(f"('{key}', {value})" for key, value in what)
    return (f"SELECT r.run_id, p.key, p.value FROM ({runs(piece)}) r "
            f"CROSS JOIN LATERAL (VALUES {rows}) AS p (key, value)")


def document(what):
    return "jsonb_build_object(" + ", ".join(f"'{key}', {value}" for key, value in what) + ")"


def tallyd_tables(metrics):
    """(table, function that gives the SQL for a piece) for each table of tallyd."""
    return (
        ("run", lambda piece:
         "INSERT INTO run (run_id, experiment_id, name, user_id, status, started_at_ms, ended_at_ms, artifact_uri, params, "
         "tags) "
         f"SELECT run_id::uuid, experiment_id, {NAME}, {USER}, "
         "CASE status WHEN 'FINISHED' THEN 3 WHEN 'FAILED' THEN 4 ELSE 5 END, start_ms, end_ms, "
         f"{ARTIFACTS}, {document(PARAMS)}, {document(TAGS)} "
         f"FROM ({runs(piece)}) r"),
        # What the fold leaves of a series with one point: it is the latest, the first, the least and the greatest, and neither
        # in a chunk nor in recent.
        ("metric_series", lambda piece:
         "INSERT INTO metric_series (run_id, key_id, latest_step, latest_timestamp_ms, latest_value, first_step, "
         "first_timestamp_ms, first_value, min_timestamp_ms, max_timestamp_ms, point_count, nan_count, min_value, max_value, "
         f"chunk_points, stray_points) SELECT p.run_id::uuid, k.key_id, {STEPS}, time_ms, value, {STEPS}, time_ms, value, "
         "time_ms, time_ms, 1, CASE WHEN value = 'NaN' THEN 1 ELSE 0 END, nullif(value, 'NaN'), nullif(value, 'NaN'), 0, 0 "
         f"FROM ({points(piece, metrics)}) p JOIN metric_key k ON k.name = p.key"),
        ("metric_folded", lambda piece:
         "INSERT INTO metric_folded (run_id, experiment_id) "
         f"SELECT run_id::uuid, experiment_id FROM ({runs(piece)}) r"),
    )


def mlflow_tables(metrics):
    return (
        ("runs", lambda piece:
         "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, "
         f"source_version, lifecycle_stage, artifact_uri, experiment_id) SELECT run_id, {NAME}, 'UNKNOWN', '', '', {USER}, "
         f"status, start_ms, end_ms, '', 'active', {ARTIFACTS}, experiment_id "
         f"FROM ({runs(piece)}) r"),
        ("metrics", lambda piece: mlflow_points("metrics", piece, metrics)),
        ("latest_metrics", lambda piece: mlflow_points("latest_metrics", piece, metrics)),
        ("params", lambda piece:
         f"INSERT INTO params (run_uuid, key, value) {pairs(piece, PARAMS)}"),
        ("tags", lambda piece:
         f"INSERT INTO tags (run_uuid, key, value) {pairs(piece, TAGS)}"),
    )


def mlflow_points(table, piece, metrics):
    """MLflow writes NaN as 0 that is marked."""
    return (f"INSERT INTO {table} (key, value, timestamp, step, is_nan, run_uuid) "
            f"SELECT key, CASE WHEN value = 'NaN' THEN 0 ELSE value END, time_ms, {STEPS}, value = 'NaN', run_id "
            f"FROM ({points(piece, metrics)}) p")


class Late(Exception):
    """It is not done within its time."""


class Filling:
    """One session's worth of settings for each statement, within a time."""

    def __init__(self, server, limit_s):
        self.server = server
        self.end = time.monotonic() + limit_s

    def sql(self, *statements):
        left = self.end - time.monotonic()
        if left <= 0:
            raise Late()
        try:
            # The owners of all rows are made before them: nothing is gained by looking each of them up.
            return self.server.sql("SET session_replication_role = replica", "SET maintenance_work_mem = '512MB'",
                                   "SET jit = off", f"SET statement_timeout = {int(left * 1000)}", *statements)
        except RuntimeError as error:
            if "statement timeout" in str(error):
                raise Late() from error
            raise

    def has(self, table):
        return self.sql(f"SELECT to_regclass('{table}') IS NOT NULL") == "t"

    def indexes(self, table):
        """How to drop and how to make again each index of a table that nothing refers to."""
        return json.loads(self.sql(
            "SELECT coalesce(json_agg(json_build_array("
            "CASE WHEN c.oid IS NULL THEN format('DROP INDEX %s', i.indexrelid::regclass) "
            "ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', i.indrelid::regclass, c.conname) END, "
            "CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid) "
            "ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) "
            "END)), '[]') FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u') "
            f"WHERE i.indrelid = '{table}'::regclass AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' "
            "AND f.conindid = i.indexrelid)"))

    def table(self, table, statement, experiments, count, rows_each):
        """The rows of a table for all of `experiments`, [(number, id)], with `count` runs each."""
        bare = len(experiments) * count * rows_each >= BARE_ROWS
        indexes = self.indexes(table) if bare else []
        self.sql(*(drop for drop, _ in indexes))
        for piece in pieces(experiments, count, max(1, PIECE_ROWS // rows_each)):
            self.sql(statement(piece))
        self.sql(*(make for _, make in indexes))
        self.server.sql(f"VACUUM (ANALYZE) {table}")


def run_id(server, number, index):
    """The id of a run, as SQL makes it."""
    return server.sql(f"SELECT md5('run ' || {number * RUNS_MAX + index})")


def fill(server, experiments, count, metrics, limit_s):
    """Put `count` runs with so many metrics into each of `experiments`, [(number, id)], the number being what the runs follow
    from; gives the seconds. Raises Late when the time is over."""
    started = time.monotonic()
    filling = Filling(server, limit_s)
    filling.sql(UNIT)
    if server.name == "tallyd":
        tables = tallyd_tables(metrics)
        names = [f"('{metric.key}')" for metric in METRICS]
        names += [f"('layer{k}/grad_norm')" for k in range(len(METRICS), metrics)]
        filling.sql(f"INSERT INTO metric_key (name) VALUES {', '.join(names)} ON CONFLICT DO NOTHING", "ANALYZE metric_key")
    else:
        tables = mlflow_tables(metrics)
    rows = {"metric_series": metrics, "metrics": metrics, "latest_metrics": metrics, "params": len(PARAMS), "tags": len(TAGS)}
    for table, statement in tables:
        if not filling.has(table):
            continue  # it comes with a later migration
        filling.table(table, statement, experiments, count, rows.get(table, 1))
        say(f"  {server.name}: {table} is filled after {time.monotonic() - started:.0f} s")
    server.sql("CHECKPOINT")
    return time.monotonic() - started
