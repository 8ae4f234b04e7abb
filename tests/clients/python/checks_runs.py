"""Runs, params, tags, inputs and runs/search as the MLflow client sees them."""

import re
import tempfile
from pathlib import Path

import mlflow
import numpy
from mlflow.entities import Metric, Param, RunTag, ViewType

from harness import MAJOR, check, client, holds, new_experiment, new_run, now_ms, own_tags, refused, same, unique


@check("create a run and read it back", guarded=True)
def create_and_get():
    experiment_id = new_experiment()
    tags = {"plain": "x", "größe": "Ω", "mlflow.user": "someone", "mlflow.note.content": "first\nsecond"}
    created = client().create_run(experiment_id, start_time=1234567890123, tags=tags, run_name="名前 run")
    run_id = created.info.run_id
    holds(re.fullmatch("[0-9a-f]{32}", run_id), f"run id {run_id!r}")
    for run in (created, client().get_run(run_id)):
        same(run.info.run_id, run_id, "id")
        same(run.info.experiment_id, experiment_id, "experiment")
        same(run.info.run_name, "名前 run", "name")
        same(run.info.status, "RUNNING", "status")
        same(run.info.start_time, 1234567890123, "start time")
        same(run.info.end_time, None, "end time")
        same(run.info.lifecycle_stage, "active", "life cycle")
        same(run.info.user_id, "someone", "user")
        same(run.info.artifact_uri, f"mlflow-artifacts:/{experiment_id}/{run_id}/artifacts", "artifact URI")
        same(run.data.tags, {**tags, "mlflow.runName": "名前 run"}, "tags")
        same(run.data.params, {}, "params")
        same(run.data.metrics, {}, "metrics")
    if MAJOR == 2:
        same(created.info.run_uuid, run_id, "deprecated twin of the id")


@check("a run without a name gets one")
def random_name():
    names = set()
    for _ in range(5):
        run = client().get_run(new_run())
        holds(re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", run.info.run_name), f"name {run.info.run_name!r}")
        same(run.data.tags, {"mlflow.runName": run.info.run_name}, "tags")
        names.add(run.info.run_name)
    holds(len(names) > 1, "five random names are all the same")


@check("run name and tag mlflow.runName are one thing")
def name_and_tag():
    experiment_id = new_experiment()
    run_id = new_run(experiment_id, tags={"mlflow.runName": "by tag"})
    same(client().get_run(run_id).info.run_name, "by tag", "name from the tag")
    client().set_tag(run_id, "mlflow.runName", "by set_tag")
    same(client().get_run(run_id).info.run_name, "by set_tag", "name after set_tag")
    client().update_run(run_id, name="by update")
    run = client().get_run(run_id)
    same((run.info.run_name, run.data.tags["mlflow.runName"]), ("by update", "by update"), "name after update")
    same(run.info.status, "RUNNING", "status after a rename")
    client().log_batch(run_id, tags=[RunTag("mlflow.runName", "by batch")])
    same(client().get_run(run_id).info.run_name, "by batch", "name after log_batch")
    refused(
        "INVALID_PARAMETER_VALUE", None, client().create_run, experiment_id, tags={"mlflow.runName": "a"}, run_name="b"
    )


@check("status FINISHED, FAILED, KILLED, SCHEDULED")
def status():
    experiment_id = new_experiment()
    for wanted in ("FINISHED", "FAILED", "KILLED"):
        run_id = new_run(experiment_id)
        before = now_ms()
        client().set_terminated(run_id, wanted)
        info = client().get_run(run_id).info
        same(info.status, wanted, "status")
        holds(before <= info.end_time <= now_ms(), f"end time {info.end_time}")
    run_id = new_run(experiment_id)
    client().set_terminated(run_id, "FINISHED", 1500000000001)
    same(client().get_run(run_id).info.end_time, 1500000000001, "given end time")
    for wanted in ("SCHEDULED", "RUNNING"):
        client().update_run(run_id, status=wanted)
        same(client().get_run(run_id).info.status, wanted, "status")


@check("fluent runs: finished, failed by an exception, killed, resumed")
def fluent():
    mlflow.set_experiment(unique())
    with mlflow.start_run(run_name="fine", description="what it is", tags={"k": "v"}) as run:
        mlflow.log_param("p", 1)
        same(client().get_run(run.info.run_id).info.status, "RUNNING", "status inside")
    fine = run.info.run_id
    read = client().get_run(fine)
    same(read.info.status, "FINISHED", "status")
    same(read.data.tags["mlflow.note.content"], "what it is", "description")
    same(own_tags(read), {"k": "v"}, "tags")
    for key in ("mlflow.user", "mlflow.source.name", "mlflow.source.type"):
        holds(read.data.tags.get(key), f"no tag {key}")
    same(read.info.user_id, read.data.tags["mlflow.user"], "user")
    try:
        with mlflow.start_run() as run:
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    same(client().get_run(run.info.run_id).info.status, "FAILED", "status after an exception")
    run = mlflow.start_run()
    mlflow.end_run("KILLED")
    same(client().get_run(run.info.run_id).info.status, "KILLED", "status")
    first_end = read.info.end_time
    with mlflow.start_run(run_id=fine) as run:
        same(run.info.run_id, fine, "resumed id")
        same(client().get_run(fine).info.status, "RUNNING", "status while resumed")
        mlflow.log_metric("more", 2.0, step=7)
        mlflow.log_param("p", 1)
        mlflow.set_tag("k", "w")
    read = client().get_run(fine)
    same(read.info.status, "FINISHED", "status after the resumption")
    holds(read.info.end_time >= first_end, "end time went back")
    same(read.data.metrics, {"more": 2.0}, "metrics")
    same(own_tags(read), {"k": "w"}, "tags")
    same(mlflow.last_active_run().info.run_id, fine, "last active run")


@check("nested runs carry their parent")
def nested():
    experiment = mlflow.set_experiment(unique())
    wanted = {}
    with mlflow.start_run(run_name="parent") as parent:
        for child in range(3):
            with mlflow.start_run(run_name=f"child {child}", nested=True) as middle:
                wanted[middle.info.run_id] = parent.info.run_id
                with mlflow.start_run(nested=True) as grandchild:
                    wanted[grandchild.info.run_id] = middle.info.run_id
    with mlflow.start_run(parent_run_id=parent.info.run_id) as late:
        wanted[late.info.run_id] = parent.info.run_id
    runs = client().search_runs([experiment.experiment_id])
    got = {r.info.run_id: r.data.tags["mlflow.parentRunId"] for r in runs if "mlflow.parentRunId" in r.data.tags}
    same(got, wanted, "parents")
    same(len(runs), 8, "runs")
    for run_id, parent_id in wanted.items():
        same(client().get_parent_run(run_id).info.run_id, parent_id, "get_parent_run")
    same(client().get_parent_run(parent.info.run_id), None, "parent of the parent")


@check("params: types, unicode, empty, 250 at once, 6000 characters", guarded=True)
def params():
    mlflow.set_experiment(unique())
    wanted = {"int": 3, "float": 0.1, "none": None, "bool": True, "list": [1, "a"], "empty": "", "ключ ß/x.y-z": "värde 🎉"}
    wanted |= {f"many/{number:03}": number * 1.5 for number in range(250)}
    with mlflow.start_run() as run:
        mlflow.log_params(wanted)
        same(mlflow.log_param("single", 5), 5, "returned value")
        mlflow.log_param("k" * 250, "x" * 6000)
        mlflow.log_param("newline", "a\nb\t\"c\" \\d\u0001")
    strings = {key: str(value) for key, value in wanted.items()}
    strings |= {"single": "5", "k" * 250: "x" * 6000, "newline": "a\nb\t\"c\" \\d\u0001"}
    same(client().get_run(run.info.run_id).data.params, strings, "params")


@check("params longer than 6000 characters are cut, not refused")
def long_param():
    run_id = new_run()
    client().log_param(run_id, "long", "ä" * 7000)
    client().log_batch(run_id, params=[Param("long in a batch", "b" * 6001)])
    wanted = {"long": "ä" * 6000, "long in a batch": "b" * 6000}
    same(client().get_run(run_id).data.params, wanted, "params")


@check("a param is written once")
def immutable_param():
    run_id = new_run()
    client().log_param(run_id, "p", "1")
    client().log_param(run_id, "p", "1")
    client().log_batch(run_id, params=[Param("p", "1"), Param("q", "2")])
    refused("INVALID_PARAMETER_VALUE", "was already logged with value='1'", client().log_param, run_id, "p", "2")
    refused(
        "INVALID_PARAMETER_VALUE",
        None,
        client().log_batch,
        run_id,
        metrics=[Metric("m", 1.0, 1, 0)],
        params=[Param("new", "x"), Param("p", "3")],
        tags=[RunTag("t", "x")],
    )
    run = client().get_run(run_id)
    same(run.data.params, {"p": "1", "q": "2"}, "params")
    same(run.data.metrics, {}, "metrics of the refused batch")
    same(own_tags(run), {}, "tags of the refused batch")


@check("a batch beyond the limits of one request is split by the client and arrives whole", guarded=True)
def big_batch():
    run_id = new_run()
    metrics = [Metric(f"m{n}", float(n), n, n) for n in range(2300)]
    params_ = [Param(f"p{n}", str(n)) for n in range(310)]
    tags = [RunTag(f"t{n}", str(n)) for n in range(210)]
    client().log_batch(run_id, metrics=metrics, params=params_, tags=tags)
    run = client().get_run(run_id)
    same(run.data.metrics, {m.key: m.value for m in metrics}, "metrics")
    same(run.data.params, {p.key: p.value for p in params_}, "params")
    same(own_tags(run), {t.key: t.value for t in tags}, "tags")


@check("tags: set, overwrite, delete, unicode, cut at 8000")
def tags():
    mlflow.set_experiment(unique())
    with mlflow.start_run(tags={"start": "1"}) as run:
        mlflow.set_tags({"a": 1, "b": None, "ключ": "ü" * 300, "c d/e.f-g": "x"})
        mlflow.set_tag("a", "again")
        mlflow.set_tag("start", "2")
        mlflow.delete_tag("b")
        mlflow.set_tag("long", "z" * 8000)
        mlflow.set_tag("too long", "y" * 9000)
    wanted = {"start": "2", "a": "again", "ключ": "ü" * 300, "c d/e.f-g": "x", "long": "z" * 8000, "too long": "y" * 8000}
    same(own_tags(client().get_run(run.info.run_id)), wanted, "tags")
    refused("RESOURCE_DOES_NOT_EXIST", None, client().delete_tag, run.info.run_id, "b")


@check("delete and restore a run; a deleted run takes nothing", guarded=True)
def delete_restore():
    experiment_id = new_experiment()
    run_id = new_run(experiment_id)
    client().log_param(run_id, "p", "1")
    client().log_metric(run_id, "m", 0.5, timestamp=5, step=1)
    client().delete_run(run_id)
    same(client().get_run(run_id).info.lifecycle_stage, "deleted", "life cycle")
    active = "must be in the 'active' state"
    refused("INVALID_PARAMETER_VALUE", active, client().log_metric, run_id, "m", 1.0)
    refused("INVALID_PARAMETER_VALUE", active, client().log_param, run_id, "q", "1")
    refused("INVALID_PARAMETER_VALUE", active, client().set_tag, run_id, "t", "1")
    refused("INVALID_PARAMETER_VALUE", active, client().log_batch, run_id, metrics=[Metric("m", 2.0, 6, 2)])
    refused("INVALID_PARAMETER_VALUE", active, client().log_batch, run_id, tags=[RunTag("m", "2")])
    refused("INVALID_PARAMETER_VALUE", active, client().update_run, run_id, "FINISHED")
    same([(m.step, m.value) for m in client().get_metric_history(run_id, "m")], [(1, 0.5)], "history while deleted")
    views = {ViewType.ACTIVE_ONLY: [], ViewType.DELETED_ONLY: [run_id], ViewType.ALL: [run_id]}
    for view, wanted in views.items():
        same([r.info.run_id for r in client().search_runs([experiment_id], run_view_type=view)], wanted, f"view {view}")
    client().delete_run(run_id)
    client().restore_run(run_id)
    client().restore_run(run_id)
    client().log_metric(run_id, "m", 1.0, timestamp=6, step=2)
    run = client().get_run(run_id)
    same(run.info.lifecycle_stage, "active", "life cycle after restore")
    same((run.data.params, run.data.metrics), ({"p": "1"}, {"m": 1.0}), "data after restore")


@check("an unknown run is RESOURCE_DOES_NOT_EXIST everywhere")
def unknown():
    nobody = "0123456789abcdef0123456789abcdef"
    for function, arguments in (
        (client().get_run, ()),
        (client().log_metric, ("m", 1.0)),
        (client().log_param, ("p", "1")),
        (client().set_tag, ("t", "1")),
        (client().delete_tag, ("t",)),
        (client().delete_run, ()),
        (client().restore_run, ()),
        (client().update_run, ("FINISHED",)),
        (client().log_batch, ([Metric("m", 1.0, 1, 1)],)),
        (client().log_batch, ([], [Param("p", "1")])),
    ):
        refused("RESOURCE_DOES_NOT_EXIST", f"Run with id={nobody} not found", function, nobody, *arguments)
    same(list(client().get_metric_history(nobody, "m")), [], "history of an unknown run")


@check("log_input: a dataset and its context, linked once", guarded=True)
def log_input():
    from mlflow.data.http_dataset_source import HTTPDatasetSource

    mlflow.set_experiment(unique())
    features = numpy.arange(600, dtype=numpy.float64).reshape(100, 6)
    targets = numpy.arange(100) % 2
    source = "https://example.org/data.npz"
    train = mlflow.data.from_numpy(features, source=HTTPDatasetSource(source), targets=targets, name="train set")
    test = mlflow.data.from_numpy(features[:10], source=HTTPDatasetSource(source), name="test set")
    with mlflow.start_run() as run:
        mlflow.log_input(train, context="training", tags={"split": "80 %"})
        mlflow.log_input(test)
        mlflow.log_input(train, context="training")
    for read in (client().get_run(run.info.run_id), client().search_runs([run.info.experiment_id])[0]):
        inputs = {one.dataset.name: one for one in read.inputs.dataset_inputs}
        same(sorted(inputs), ["test set", "train set"], "data sets")
        same(len(read.inputs.dataset_inputs), 2, "number of inputs")
        for dataset in (train, test):
            wanted = dataset.to_dict()
            got = inputs[dataset.name].dataset
            same(got.digest, wanted["digest"], "digest")
            same(got.source_type, wanted["source_type"], "source type")
            same(got.source, wanted["source"], "source")
            same(got.schema, wanted["schema"], "schema")
            same(got.profile, wanted["profile"], "profile")
        got_tags = {tag.key: tag.value for tag in inputs["train set"].tags}
        same(got_tags, {"mlflow.data.context": "training", "split": "80 %"}, "input tags")
        same(inputs["test set"].tags, [], "input tags of the other")
    loaded = mlflow.data.get_source(client().get_run(run.info.run_id).inputs.dataset_inputs[0].dataset)
    same(loaded.url, source, "source that the client loads back")


@check("an experiment with a local artifact location: files land there")
def local_artifacts():
    with tempfile.TemporaryDirectory() as directory:
        mlflow.set_experiment(experiment_id=new_experiment(artifact_location=Path(directory).as_uri()))
        with mlflow.start_run() as run:
            mlflow.log_text("hello", "notes/hello.txt")
        written = Path(directory, run.info.run_id, "artifacts", "notes", "hello.txt")
        same(written.read_text(), "hello", "file")


def _ids(runs):
    return [run.info.run_id for run in runs]


def _search_all(experiment_ids, max_results, **arguments):
    found, token, pages = [], None, 0
    while True:
        page = client().search_runs(experiment_ids, max_results=max_results, page_token=token, **arguments)
        holds(len(page) <= max_results, f"a page of {len(page)} where {max_results} were asked for")
        found.extend(page)
        pages += 1
        token = page.token
        if not token:
            return found, pages


@check("search runs: every order by attribute, both directions")
def search_order():
    experiment_id = new_experiment()
    names = ["delta", "Alpha", "charlie", "bravo", "echo", "ärger", "alpha"]
    for number, name in enumerate(names):
        run_id = new_run(experiment_id, run_name=name, start_time=1000 + (number * 37) % 5, tags={"mlflow.user": name[::-1]})
        if number % 3 != 0:
            client().set_terminated(run_id, ("FINISHED", "FAILED")[number % 2], 5000 - number)
    runs = client().search_runs([experiment_id])
    same(len(runs), len(names), "number of runs")

    def ranked(key, descending):
        ranking = sorted(runs, key=lambda run: run.info.run_id)
        ranking.sort(key=lambda run: -run.info.start_time)
        missing = [run for run in ranking if key(run) is None]
        present = [run for run in ranking if key(run) is not None]
        # a stable sort keeps the tie-break in both directions
        values = sorted({key(run) for run in present}, reverse=descending)
        return [run for value in values for run in present if key(run) == value] + missing

    keys = {
        "start_time": lambda run: run.info.start_time,
        "end_time": lambda run: run.info.end_time,
        "run_name": lambda run: run.info.run_name.encode(),
        "user_id": lambda run: run.info.user_id.encode(),
        "status": lambda run: run.info.status.encode(),
        "run_id": lambda run: run.info.run_id.encode(),
    }
    same(_ids(runs), _ids(ranked(lambda run: run.info.start_time, True)), "default order")
    for name, key in keys.items():
        for prefix in ("attributes.", "attribute.", ""):
            same(_ids(client().search_runs([experiment_id], order_by=[prefix + name])), _ids(ranked(key, False)), name)
            for suffix, descending in ((" ASC", False), (" DESC", True)):
                got = client().search_runs([experiment_id], order_by=[prefix + name + suffix])
                same(_ids(got), _ids(ranked(key, descending)), prefix + name + suffix)
    two = client().search_runs([experiment_id], order_by=["attributes.status DESC", "attributes.run_name ASC"])
    wanted = sorted(runs, key=lambda run: run.info.run_name.encode())
    wanted.sort(key=lambda run: run.info.status, reverse=True)
    same(_ids(two), _ids(wanted), "two keys")


@check("search runs: filters, order by metrics, pages of both", guarded=True)
def search_filters():
    experiment_id = new_experiment()
    optimizers = ("adam", "sgd", "Adam")
    created = []
    for number in range(12):
        run_id = new_run(experiment_id, start_time=1000 + number, run_name=f"r{number}", tags={"team": f"t{number % 2}"})
        client().log_batch(
            run_id,
            metrics=[Metric("val/acc", 0.1 * number, 1, 1), Metric("val/acc", 0.5, 1, 0)],
            params=[Param("optimizer", optimizers[number % 3])] if number != 5 else [],
        )
        created.append(run_id)
    client().set_terminated(created[0])

    def numbers(filter_string, **arguments):
        found = client().search_runs([experiment_id], filter_string=filter_string, **arguments)
        return [created.index(run.info.run_id) for run in found]

    best_first = {"order_by": ["metrics.`val/acc` DESC"]}
    same(numbers("metrics.`val/acc` > 0.85"), [11, 10, 9], "a metric")
    same(numbers("params.optimizer = 'adam' and metrics.`val/acc` < 0.65", **best_first), [6, 3, 0], "a param and a metric")
    same(numbers("params.optimizer != 'adam' AND tags.team = 't1'"), [11, 7, 1], "a missing param is not unequal")
    same(numbers("params.optimizer ILIKE 'ADAM' and start_time < 1003"), [2, 0], "ILIKE, a time")
    same(numbers("attributes.status = 'FINISHED'"), [0], "a status")
    same(numbers(f"attributes.run_id IN ('{created[3]}', '{created[4]}')"), [4, 3], "identifiers")
    same(numbers("attributes.`run name` LIKE 'r1%'"), [11, 10, 1], "a name")
    found, pages = _search_all([experiment_id], 5, filter_string="tags.team LIKE 't_'", **best_first)
    same(_ids(found), created[::-1], "pages in the order of a metric")
    same(pages, 3, "number of pages")
    refused("INVALID_PARAMETER_VALUE", "Invalid comparator", client().search_runs, [experiment_id], "params.a > 'b'")


@check("search runs: pages over several experiments, complete objects", guarded=True)
def search_pages():
    first, second, third = new_experiment(), new_experiment(), new_experiment()
    created = []
    for number in range(23):
        run_id = new_run((first, second)[number % 2], start_time=10_000 + number // 2, run_name=f"r{number}")
        client().log_batch(
            run_id,
            metrics=[Metric("m", number / 7, 1, 1), Metric("n", -number, 1, 1)],
            params=[Param("p", f"v{number}")],
            tags=[RunTag("t", f"w{number}")],
        )
        created.append(run_id)
    new_run(third)
    for size in (1, 5, 22, 23, 24, 1000):
        found, pages = _search_all([first, second], size)
        same(sorted(_ids(found)), sorted(created), f"runs by pages of {size}")
        same(pages, -(-23 // size), f"number of pages of {size}")
        for order in (["attributes.start_time ASC"], ["attributes.end_time DESC"], ["attributes.run_name DESC"]):
            same(len(set(_ids(_search_all([first, second], size, order_by=order)[0]))), 23, f"{order}, pages of {size}")
    for run in found:
        number = created.index(run.info.run_id)
        same(run.data.metrics, {"m": number / 7, "n": float(-number)}, "metrics")
        same(run.data.params, {"p": f"v{number}"}, "params")
        same(run.data.tags, {"t": f"w{number}", "mlflow.runName": f"r{number}"}, "tags")
        same(run.to_dictionary(), client().get_run(run.info.run_id).to_dictionary(), "the same as get_run")
    same(list(client().search_runs([new_experiment()])), [], "empty experiment")
    same(list(client().search_runs([])), [], "no experiment")
    refused("INVALID_PARAMETER_VALUE", None, client().search_runs, [first], max_results=50001)
    refused("INVALID_PARAMETER_VALUE", None, client().search_runs, [first], page_token="rubbish!")


@check("search runs: a run created meanwhile does not shift the pages", upstream_bug="pages are offsets")
def search_stable():
    experiment_id = new_experiment()
    old = [new_run(experiment_id, start_time=1000 + number) for number in range(9)]
    page = client().search_runs([experiment_id], max_results=4)
    found = _ids(page)
    while page.token:
        new_run(experiment_id, start_time=5000)
        page = client().search_runs([experiment_id], max_results=4, page_token=page.token)
        found += _ids(page)
    same(found, old[::-1], "the runs that were there, each once")


@check("mlflow.search_runs as list and as data frame")
def fluent_search():
    experiment = mlflow.set_experiment(unique())
    for number in range(4):
        with mlflow.start_run(run_name=f"run {number}"):
            mlflow.log_param("p", number)
            mlflow.log_metric("m", number * 0.5)
    found = mlflow.search_runs([experiment.experiment_id], output_format="list", order_by=["attributes.run_name ASC"])
    same([run.data.params["p"] for run in found], ["0", "1", "2", "3"], "as list")
    frame = mlflow.search_runs(experiment_names=[experiment.name], order_by=["attributes.run_name DESC"])
    same(list(frame["params.p"]), ["3", "2", "1", "0"], "column of a param")
    same(list(frame["metrics.m"]), [1.5, 1.0, 0.5, 0.0], "column of a metric")
    same(set(frame["status"]), {"FINISHED"}, "column of the status")
    same(list(frame["tags.mlflow.runName"]), ["run 3", "run 2", "run 1", "run 0"], "column of a tag")
    mlflow.delete_run(found[0].info.run_id)
    same(len(mlflow.search_runs([experiment.experiment_id], output_format="list")), 3, "after a delete")
