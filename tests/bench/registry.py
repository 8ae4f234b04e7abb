"""Figures of the model registry: whether it stays as fast when a model has very many versions.

DESIGN
One model a level. Of tallyd every version was made through its API, so that the ledger and all indexes hold what they
would hold; MLflow's come by SQL into its table, because its API takes some ten a second, and only so many of them as it
can answer about within a round. What reads comes before what writes, so that a level is what it says."""

import urllib.parse


from loads import EMPTY, P50, P99, RATE, Load, runs_file
from report import say, summary
from sizes import count_text

MODELS = "/api/2.0/mlflow/registered-models"
VERSIONS = "/api/2.0/mlflow/model-versions"
SEARCH_RESULTS = 100
# A version as JSON has more.
VERSION_BYTES = 200
# Versions made by a round, so that the rounds themselves do not become the level.
ROUND_REQUESTS = 200
FILL_CONNECTIONS = 16
FILL_LIMIT_S = 1200
# Aliases go round these versions, which every level has: 10 to 99 of 1@key@ are 110 to 199.
MOVED_TO = 90
# The run of a version in the middle.
BY_RUN = "r777"
ALIAS = "production"


def model_name(count):
    return f"registry-{count}"


def need(server, count):
    """The model with so many versions, each of another run, and an alias."""
    name = model_name(count)
    if name in server.stock:
        return
    say(f"  preparing {count:,} versions of {server.name}")
    server.call("POST", "registered-models/create", {"name": name})
    if server.name == "mlflow":
        sql_fill(server, name, count)
    else:
        load = Load(f"{VERSIONS}/create", FILL_CONNECTIONS,
                    f'{{"name":"{name}","source":"s3://models/fraud/@count@","run_id":"r@count@"}}', run=name,
                    more=["--requests", count])
        runs_file(server, name).write_text(f"{name}\n")
        found = load.measure(server, FILL_LIMIT_S)
        if found["errors"] or found["unanswered"] or found["requests"] != count:
            raise RuntimeError(f"filling {server.name}: {found['requests']} of {count} versions, {found['errors']} errors, "
                               f"the first: {found['first_error_status']} {found['first_error'][:200]}")
        say(f"  tallyd: {count:,} versions, {found['requests_per_second']:,.0f} a second")
        server.sql("VACUUM (ANALYZE) model_version", "CHECKPOINT")
    runs_file(server, name).write_text(f"{name}\n")
    server.call("POST", "registered-models/alias", {"name": name, "alias": ALIAS, "version": "100"})
    server.stock.add(name)


def sql_fill(server, name, count):
    """The same versions for MLflow, as its API would write them."""
    server.sql(
        "INSERT INTO model_versions (name, version, creation_time, last_updated_time, current_stage, source, "
        "storage_location, run_id, run_link, description, status) "
        f"SELECT '{name}', n, 1700000000000 + n, 1700000000000 + n, 'None', 's3://models/fraud/' || n, "
        "'s3://models/fraud/' || n, 'r' || n, '', '', 'READY' "
        f"FROM generate_series(1, {count}) n", "ANALYZE model_versions")


def search(filter_, **arguments):
    return f"{VERSIONS}/search?" + urllib.parse.urlencode({"filter": filter_, **arguments})


def loads_of(count):
    """What is asked of the model: a name, a load, and how it is shown."""
    name = model_name(count)
    created = f'{{"name":"{name}","source":"s3://models/fraud/7","run_id":"r0"}}'
    moved = f'{{"name":"{name}","alias":"{ALIAS}","version":"1@key@"}}'
    one = ["--requests", ROUND_REQUESTS]
    yield "the newest version of each stage", Load(f"{MODELS}/get-latest-versions?name={name}", 1, run=name,
                                                  least_bytes=VERSION_BYTES)
    yield "the version of an alias", Load(f"{MODELS}/alias?name={name}&alias={ALIAS}", 1, run=name,
                                          least_bytes=VERSION_BYTES)
    yield "one version", Load(f"{VERSIONS}/get?name={name}&version=100", 1, run=name, least_bytes=VERSION_BYTES)
    yield f"search for the last changed {SEARCH_RESULTS}", Load(
        search(f"name = '{name}'", max_results=SEARCH_RESULTS), 1, run=name, least_bytes=SEARCH_RESULTS * VERSION_BYTES)
    yield "search for the versions of a run", Load(search(f"name = '{name}' AND run_id = '{BY_RUN}'"), 1, run=name,
                                                   least_bytes=VERSION_BYTES)
    yield "move an alias", Load(f"{MODELS}/alias", 1, moved, keys=MOVED_TO, run=name, expect=EMPTY,
                                more=["--keys", MOVED_TO])
    yield "create", Load(f"{VERSIONS}/create", 1, created, run=name, least_bytes=VERSION_BYTES, more=one)
    yield "create, 16 connections", Load(f"{VERSIONS}/create", 16, created, run=name, least_bytes=VERSION_BYTES, more=one)


def figure(what, count):
    return f"registry, {what}, {count_text(count)} versions"


def flat_name(what, first, last):
    return f"registry, {what}, with {count_text(last)} versions, of its speed with {count_text(first)}"


def measure(bench):
    """Each load at each number of versions. MLflow is asked where it can answer: see sizes.py."""
    counts = bench.size.registry_versions
    speeds = {}
    for count in counts:
        servers = bench.servers if count <= bench.size.mlflow_registry_versions else bench.servers[:1]
        if not bench.wanted(*(figure(what, count) for what, _ in loads_of(count))):
            continue
        with bench.attempt(figure("filling", count)):
            for server in servers:
                need(server, count)
        if any(model_name(count) not in server.stock for server in servers):
            break
        for what, load in loads_of(count):
            found = bench.measure(figure(what, count), load, [RATE, P50, P99], servers=servers)
            if found:
                speeds[what, count] = {key: [one["requests_per_second"] for one in rounds]
                                       for key, rounds in found.items() if rounds}
    first, last = counts[0], counts[-1]
    for what, _ in loads_of(first):
        flat(bench, what, first, last, speeds)


def flat(bench, what, first, last, speeds):
    """The speed with many versions, beside the middle of that with few."""
    few, many = speeds.get((what, first)), speeds.get((what, last))
    if not few or not many:
        return
    ratios = {key: [value / summary(few[key])["median"] for value in values] for key, values in many.items() if key in few}
    bench.add(flat_name(what, first, last), "times", True, ratios, "1 is flat", bench.again("registry, "), compare=False)
