"""Workspaces as the newest MLflow client sees them: life cycle, training in one, and what is not seen from another."""

import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import mlflow

from harness import check, client, holds, points, refused, same, unique

_session = uuid.uuid4().hex[:10]
_counter = itertools.count(1)


def workspace_name():
    """A name of a workspace that nobody else uses."""
    return f"w-{_session}-{next(_counter)}"


@contextlib.contextmanager
def inside(name):
    """Requests name this workspace."""
    mlflow.set_workspace(name)
    try:
        yield
    finally:
        mlflow.set_workspace(None)


def new_workspace(**arguments):
    return mlflow.create_workspace(workspace_name(), **arguments).name


def names(experiments):
    return [experiment.name for experiment in experiments]


@check("workspaces: make, read, list, change, delete", since=3)
def life_cycle():
    name = workspace_name()
    made = mlflow.create_workspace(name, description="für das Team", default_artifact_root="mlflow-artifacts:/somewhere")
    same((made.name, made.description, made.default_artifact_root), (name, "für das Team", "mlflow-artifacts:/somewhere"), "made")
    same(mlflow.get_workspace(name), made, "read")
    listed = [workspace.name for workspace in mlflow.list_workspaces()]
    holds(name in listed and "default" in listed, f"listed {listed}")
    same(listed, sorted(listed), "order of the list")
    changed = mlflow.update_workspace(name, description="")
    same((changed.description, changed.default_artifact_root), ("", "mlflow-artifacts:/somewhere"), "another description")
    same(mlflow.update_workspace(name, default_artifact_root="").default_artifact_root, None, "no root")
    mlflow.delete_workspace(name)
    refused("RESOURCE_DOES_NOT_EXIST", f"Workspace '{name}' not found", mlflow.get_workspace, name)
    refused("RESOURCE_DOES_NOT_EXIST", f"Workspace '{name}' not found", mlflow.delete_workspace, name)
    refused("RESOURCE_DOES_NOT_EXIST", f"Workspace '{name}' not found", mlflow.update_workspace, name, description="x")


@check("workspaces: what is refused", since=3)
def refusals():
    name = new_workspace()
    refused("RESOURCE_ALREADY_EXISTS", f"Workspace '{name}' already exists", mlflow.create_workspace, name)
    refused("INVALID_PARAMETER_VALUE", "cannot be created", mlflow.create_workspace, "default")
    refused("INVALID_PARAMETER_VALUE", "cannot be deleted", mlflow.delete_workspace, "default")
    refused("INVALID_PARAMETER_VALUE", "Expected a URI", mlflow.create_workspace, workspace_name(), default_artifact_root="x/y")
    refused("INVALID_PARAMETER_VALUE", "must have at least one key", mlflow.update_workspace, name)
    with inside(workspace_name()):
        refused("RESOURCE_DOES_NOT_EXIST", "not found", mlflow.search_experiments)


@check("workspaces: a training in one, with artifacts, and nothing of it outside", since=3)
def training():
    name, other = new_workspace(), new_workspace()
    experiment = unique("training")
    with inside(name), tempfile.TemporaryDirectory() as folder:
        mlflow.set_experiment(experiment)
        with mlflow.start_run() as run:
            mlflow.log_param("p", 1)
            mlflow.log_metrics({"loss": 0.5, "accuracy": 0.25}, step=3)
            mlflow.set_tag("secret", "yes")
            mlflow.log_text("hello", "deep/er/file.txt")
        run_id, experiment_id = run.info.run_id, run.info.experiment_id
        same(run.info.artifact_uri, f"mlflow-artifacts:/workspaces/{name}/{experiment_id}/{run_id}/artifacts", "artifact URI")
        got = client().get_run(run_id)
        same(got.data.params, {"p": "1"}, "params")
        same(got.data.metrics, {"loss": 0.5, "accuracy": 0.25}, "metrics")
        same([point[1:] for point in points(client().get_metric_history(run_id, "loss"))], [(3, 0.5)], "history")
        same([file.path for file in client().list_artifacts(run_id, "deep/er")], ["deep/er/file.txt"], "artifacts")
        same(Path(client().download_artifacts(run_id, "deep/er/file.txt", folder)).read_text(), "hello", "content")
        same([found.info.run_id for found in client().search_runs([experiment_id], "tags.secret = 'yes'")], [run_id], "search")
        same(names(mlflow.search_experiments()), [experiment], "experiments")
        same(client().get_experiment_by_name("Default"), None, "the default experiment")
    for elsewhere in (None, other):
        with inside(elsewhere), tempfile.TemporaryDirectory() as folder:
            refused("RESOURCE_DOES_NOT_EXIST", f"Run with id={run_id} not found", client().get_run, run_id)
            refused("RESOURCE_DOES_NOT_EXIST", None, client().log_metric, run_id, "loss", 1.0)
            refused("RESOURCE_DOES_NOT_EXIST", None, client().get_experiment, experiment_id)
            same(client().get_experiment_by_name(experiment), None, "by name")
            same(client().search_runs([experiment_id]), [], "search")
            holds(experiment not in names(mlflow.search_experiments()), "an experiment is listed elsewhere")
            uri = f"{run.info.artifact_uri}/deep/er/file.txt"
            with contextlib.suppress(Exception):  # which one depends on the release
                mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)
            same(list(Path(folder).rglob("file.txt")), [], "files that were downloaded from elsewhere")


@check("workspaces: the same names side by side", since=3)
def same_names():
    experiment = unique("both")
    ids = set()
    for name in (None, new_workspace(), new_workspace()):
        with inside(name):
            ids.add(client().create_experiment(experiment))
            refused("RESOURCE_ALREADY_EXISTS", None, client().create_experiment, experiment)
    same(len(ids), 3, "experiments")


@check("workspaces: roots of their own", since=3)
def roots():
    name = new_workspace(default_artifact_root="s3://bucket/team")
    with inside(name):
        experiment_id = client().create_experiment(unique())
        same(client().get_experiment(experiment_id).artifact_location, f"s3://bucket/team/{experiment_id}", "location")


@check("workspaces: models and their metrics", since=3)
def models():
    name = new_workspace()
    with inside(name):
        experiment_id = client().create_experiment(unique("models"))
        run_id = client().create_run(experiment_id).info.run_id
        model = client().create_logged_model(experiment_id, name="m", source_run_id=run_id)
        client().log_metric(run_id, "auc", 0.75, step=1, model_id=model.model_id, dataset_name="d", dataset_digest="1")
        got = client().get_logged_model(model.model_id)
        same([(metric.key, metric.value) for metric in got.metrics], [("auc", 0.75)], "metrics")
        same([found.model_id for found in client().search_logged_models([experiment_id])], [model.model_id], "search")
    refused("RESOURCE_DOES_NOT_EXIST", None, client().get_logged_model, model.model_id)
    same(list(client().search_logged_models([experiment_id])), [], "search elsewhere")


@check("workspaces: runs of another give a model no points", upstream_bug="it takes them", since=3)
def foreign_points():
    with inside(new_workspace()):
        experiment_id = client().create_experiment(unique("models"))
        model_id = client().create_logged_model(experiment_id, name="m").model_id
    run_id = client().create_run("0").info.run_id
    refused("RESOURCE_DOES_NOT_EXIST", None, client().log_metric, run_id, "auc", 1.0, model_id=model_id)


class Doubler(mlflow.pyfunc.PythonModel):
    """Gives back twice what it gets."""

    def predict(self, context, model_input, params=None):
        return [2 * one for one in model_input]


@check("workspaces: registered models of the same name side by side, and no copies from one to the other", since=3)
def registry():
    name, other = new_workspace(), new_workspace()
    model = unique("model")
    with inside(name):
        mlflow.set_experiment(unique())
        with mlflow.start_run() as run:
            mlflow.pyfunc.log_model(name="m", python_model=Doubler(), pip_requirements=[], registered_model_name=model)
        client().set_registered_model_alias(model, "live", "1")
        files = client().get_run(run.info.run_id).info.artifact_uri
    with inside(other):
        refused("RESOURCE_DOES_NOT_EXIST", None, client().get_registered_model, model)
        same(list(client().search_model_versions(f"name = '{model}'")), [], "versions seen from the other one")
        client().create_registered_model(model)
        refused("RESOURCE_DOES_NOT_EXIST", None, client().create_model_version, model, f"models:/{model}/1")
        refused("INVALID_PARAMETER_VALUE", None, client().get_model_version_by_alias, model, "live")
        for run_id in (None, run.info.run_id):
            got = None
            try:
                got = client().create_model_version(model, files, run_id=run_id)
            except mlflow.MlflowException as error:
                holds(error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"), error.error_code)
            same(got, None, "files of the other workspace as a source")
    with inside(name):
        same(mlflow.pyfunc.load_model(f"models:/{model}@live").predict([4]), [8], "loaded by its alias")


@check("workspaces: the environment names one", since=3)
def environment():
    name = new_workspace()
    experiment = unique("by environment")
    program = f"import mlflow; mlflow.set_experiment({experiment!r}); run = mlflow.start_run(); print(run.info.run_id)"
    run_id = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "MLFLOW_WORKSPACE": name}, capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    refused("RESOURCE_DOES_NOT_EXIST", None, client().get_run, run_id)
    with inside(name):
        same(client().get_run(run_id).info.run_id, run_id, "run")


@check("workspaces: one that holds something is not deleted", upstream_bug="500, which clients repeat", since=3)
def restrict():
    name = new_workspace()
    with inside(name):
        experiment_id = client().create_experiment(unique())
    refused("RESOURCE_CONFLICT", f"Cannot delete workspace '{name}'", mlflow.delete_workspace, name)
    with inside(name):
        client().delete_experiment(experiment_id)
    refused("RESOURCE_CONFLICT", None, mlflow.delete_workspace, name)


@check("workspaces: deleted with all that is in it", since=3)
def cascade():
    name = new_workspace()
    with inside(name):
        experiment_id = client().create_experiment(unique())
        run_id = client().create_run(experiment_id).info.run_id
    mlflow.delete_workspace(name, mode="CASCADE")
    with inside(name):
        refused("RESOURCE_DOES_NOT_EXIST", f"Workspace '{name}' not found", client().get_run, run_id)
    refused("RESOURCE_DOES_NOT_EXIST", None, client().get_run, run_id)
    mlflow.create_workspace(name)
    with inside(name):
        refused("RESOURCE_DOES_NOT_EXIST", None, client().get_run, run_id)
        same(names(mlflow.search_experiments()), [], "experiments of the new one")


@check(
    "workspaces: what moves to default stays whole",
    upstream_bug="artifacts below workspaces/<name> are refused in the workspace default",
    since=3,
)
def set_default():
    name = new_workspace()
    experiment = unique("moves")
    with inside(name), tempfile.TemporaryDirectory():
        mlflow.set_experiment(experiment)
        with mlflow.start_run() as run:
            mlflow.log_text("kept", "file.txt")
    mlflow.delete_workspace(name, mode="SET_DEFAULT")
    same(client().get_experiment_by_name(experiment).experiment_id, run.info.experiment_id, "experiment")
    with tempfile.TemporaryDirectory() as folder:
        same(Path(client().download_artifacts(run.info.run_id, "file.txt", folder)).read_text(), "kept", "content")
