"""Experiments as the MLflow client sees them."""

import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow.entities import ViewType

from harness import check, client, holds, new_experiment, new_run, now_ms, refused, same, unique


@check("the default experiment is there")
def default_experiment():
    experiment = client().get_experiment("0")
    same(experiment.name, "Default", "name")
    same(experiment.lifecycle_stage, "active", "life cycle")
    same(client().get_experiment_by_name("Default").experiment_id, "0", "id by name")


@check("create an experiment and read it back", guarded=True)
def create_and_get():
    name = unique("größe 実験 🚀")
    tags = {"team": "vision", "ключ": "значение 🎯", "empty": "", "mlflow.note.content": "# Title\n\nwith *markdown*"}
    before = now_ms()
    experiment_id = client().create_experiment(name, tags=tags)
    after = now_ms()
    holds(experiment_id.isdigit() and int(experiment_id) > 0, f"id {experiment_id!r} is not a positive number")
    for experiment in (client().get_experiment(experiment_id), client().get_experiment_by_name(name)):
        same(experiment.experiment_id, experiment_id, "id")
        same(experiment.name, name, "name")
        same(experiment.lifecycle_stage, "active", "life cycle")
        same(experiment.artifact_location, f"mlflow-artifacts:/{experiment_id}", "artifact location")
        same(dict(experiment.tags), tags, "tags")
        holds(before - 1 <= experiment.creation_time <= after + 1, f"creation time {experiment.creation_time}")
        same(experiment.last_update_time, experiment.creation_time, "last update time of a fresh experiment")


@check("an experiment keeps the artifact location it was given")
def artifact_location():
    location = Path(tempfile.gettempdir(), "tally-clients-never-written").as_uri()
    experiment_id = new_experiment(artifact_location=location)
    same(client().get_experiment(experiment_id).artifact_location, location, "location")
    run = client().create_run(experiment_id)
    same(run.info.artifact_uri, f"{location}/{run.info.run_id}/artifacts", "artifact URI of a run")


@check("an unknown experiment: None by name, RESOURCE_DOES_NOT_EXIST by id")
def unknown():
    same(client().get_experiment_by_name(unique("nobody")), None, "unknown name")
    refused("RESOURCE_DOES_NOT_EXIST", "No Experiment with id=987654321 exists", client().get_experiment, "987654321")
    refused("INVALID_PARAMETER_VALUE", None, client().get_experiment, "abc")


@check("a name is taken once, also by a deleted experiment")
def duplicate_name():
    name = unique()
    experiment_id = client().create_experiment(name)
    refused("RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists", client().create_experiment, name)
    client().delete_experiment(experiment_id)
    refused("RESOURCE_ALREADY_EXISTS", None, client().create_experiment, name)
    same(client().get_experiment_by_name(name).lifecycle_stage, "deleted", "the deleted one is found by name")


@check("rename an experiment")
def rename():
    name, other = unique(), unique("renamed ünïcode")
    experiment_id = client().create_experiment(name)
    created = client().get_experiment(experiment_id)
    client().rename_experiment(experiment_id, other)
    renamed = client().get_experiment(experiment_id)
    same(renamed.name, other, "new name")
    same(renamed.creation_time, created.creation_time, "creation time")
    holds(renamed.last_update_time >= created.last_update_time, "last update time went back")
    same(client().get_experiment_by_name(name), None, "old name")


@check("rename to a taken name is refused as such", upstream_bug="answers BAD_REQUEST with the text of the database")
def rename_taken():
    name = unique()
    client().create_experiment(name)
    refused("RESOURCE_ALREADY_EXISTS", None, client().rename_experiment, new_experiment(), name)


@check("experiment tags: set, overwrite, unicode, empty", guarded=True)
def tags():
    experiment_id = new_experiment(tags={"first": "1"})
    client().set_experiment_tag(experiment_id, "second", "zwei €")
    client().set_experiment_tag(experiment_id, "first", "one")
    client().set_experiment_tag(experiment_id, "number", 0.25)
    client().set_experiment_tag(experiment_id, "empty", "")
    client().set_experiment_tag(experiment_id, "long", "x" * 20000)
    wanted = {"first": "one", "second": "zwei €", "number": "0.25", "empty": "", "long": "x" * 20000}
    same(dict(client().get_experiment(experiment_id).tags), wanted, "tags")
    refused("INVALID_PARAMETER_VALUE", None, client().set_experiment_tag, experiment_id, "long", "x" * 20001)
    refused("RESOURCE_DOES_NOT_EXIST", None, client().set_experiment_tag, "987654321", "a", "b")
    same(dict(client().get_experiment(experiment_id).tags), wanted, "tags after refusals")


@check("experiment tags: delete", since=3)
def delete_tag():
    experiment_id = new_experiment(tags={"keep": "1", "drop": "2"})
    client().delete_experiment_tag(experiment_id, "drop")
    same(dict(client().get_experiment(experiment_id).tags), {"keep": "1"}, "tags")
    refused("RESOURCE_DOES_NOT_EXIST", "No tag with name: drop", client().delete_experiment_tag, experiment_id, "drop")


@check("delete and restore an experiment takes its runs along", guarded=True)
def delete_restore():
    experiment_id = new_experiment()
    run_id = new_run(experiment_id)
    client().delete_experiment(experiment_id)
    same(client().get_experiment(experiment_id).lifecycle_stage, "deleted", "life cycle")
    same(client().get_run(run_id).info.lifecycle_stage, "deleted", "life cycle of its run")
    refused("RESOURCE_DOES_NOT_EXIST", None, client().delete_experiment, experiment_id)
    refused("INVALID_PARAMETER_VALUE", "must be in the 'active' state", client().create_run, experiment_id)
    refused("INVALID_PARAMETER_VALUE", None, client().set_experiment_tag, experiment_id, "a", "b")
    client().restore_experiment(experiment_id)
    same(client().get_experiment(experiment_id).lifecycle_stage, "active", "life cycle after restore")
    same(client().get_run(run_id).info.lifecycle_stage, "active", "life cycle of its run after restore")
    refused("RESOURCE_DOES_NOT_EXIST", None, client().restore_experiment, experiment_id)
    client().log_metric(run_id, "after", 1.0)


@check("rename of a deleted experiment is a client error", upstream_bug="answers INVALID_STATE with status 500")
def rename_deleted():
    experiment_id = new_experiment()
    client().delete_experiment(experiment_id)
    try:
        client().rename_experiment(experiment_id, unique())
    except mlflow.exceptions.MlflowException as error:
        holds(400 <= error.get_http_status_code() < 500, f"{error.error_code} is not a client error")
        return
    raise AssertionError("a deleted experiment was renamed")


def _search_all(max_results, **arguments):
    found, token = [], None
    while True:
        page = client().search_experiments(max_results=max_results, page_token=token, **arguments)
        holds(len(page) <= max_results, f"a page of {len(page)} where {max_results} were asked for")
        found.extend(page)
        token = page.token
        if not token:
            return found
        same(len(page), max_results, "size of a page that is not the last")


@check("search experiments: pages, orders and views")
def search():
    ids = [client().create_experiment(unique("page"), tags={"n": str(number)}) for number in range(7)]
    client().delete_experiment(ids[2])
    client().delete_experiment(ids[5])
    active = [one for number, one in enumerate(ids) if number not in (2, 5)]
    views = {ViewType.ACTIVE_ONLY: active, ViewType.DELETED_ONLY: [ids[2], ids[5]], ViewType.ALL: ids}
    for view, wanted in views.items():
        for size in (1, 3, 1000):
            if size == 1 and len(client().search_experiments(view_type=view)) > 60:
                continue
            found = [one.experiment_id for one in _search_all(size, view_type=view)]
            same(len(found), len(set(found)), "an experiment came twice")
            same([one for one in found if one in ids], wanted[::-1], f"newest first, view {view}, pages of {size}")
    for order, key in (("name ASC", lambda e: e.name), ("experiment_id DESC", lambda e: -int(e.experiment_id))):
        found = _search_all(4, view_type=ViewType.ALL, order_by=[order])
        mine = [one for one in found if one.experiment_id in ids]
        same([one.experiment_id for one in mine], [one.experiment_id for one in sorted(mine, key=key)], order)
        same(len(mine), 7, f"found by {order}")
    one = [e for e in _search_all(1000) if e.experiment_id == ids[0]][0]
    same(dict(one.tags), {"n": "0"}, "tags in a search answer")


@check("set_experiment creates once and refuses a deleted one")
def set_experiment():
    name = unique()
    first = mlflow.set_experiment(name)
    second = mlflow.set_experiment(name)
    same(second.experiment_id, first.experiment_id, "id")
    same(mlflow.set_experiment(experiment_id=first.experiment_id).name, name, "by id")
    with mlflow.start_run() as run:
        pass
    same(run.info.experiment_id, first.experiment_id, "experiment of a run")
    client().delete_experiment(first.experiment_id)
    refused("INVALID_PARAMETER_VALUE", "deleted", mlflow.set_experiment, name)


@check("two processes race to create one experiment")
def race():
    code = "import sys, mlflow; input(); print(mlflow.set_experiment(sys.argv[1]).experiment_id)"
    for _ in range(2):
        name = unique("race")
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", code, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        answers = [racer.communicate(timeout=300)[0].strip() for racer in racers]
        same([racer.returncode for racer in racers], [0, 0], "exit codes")
        same(answers[0], answers[1], "ids")
        same(client().get_experiment_by_name(name).experiment_id, answers[0], "id by name")


@check("experiment tags through the fluent API")
def fluent_tags():
    experiment = mlflow.set_experiment(unique())
    mlflow.set_experiment_tag("stage", "beta")
    mlflow.set_experiment_tags({"a": 1, "b": "two"})
    wanted = {"stage": "beta", "a": "1", "b": "two"}
    tags_read = mlflow.get_experiment(experiment.experiment_id).tags
    same({key: tags_read.get(key) for key in wanted}, wanted, "tags")
