"""Credentials in the MLflow client: whoever may needs nothing else, and who may not is told so at once, in words."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mlflow
import mlflow.artifacts
import requests
from mlflow.entities import Metric, Param, RunTag

from checks_models import fitted
from harness import BY, check, client, environment, holds, new_experiment, new_run, refused, same, unique

# The client repeats what it takes for a passing trouble for minutes, waiting twice as long each time. Far less than
# that, far more than a slow machine needs to say no.
AT_ONCE_S = 40
PASSWORD = os.environ["TALLY_CHECK_PASSWORD"]


def as_somebody(username=None, password=None, token=None):
    """Requests within it have these credentials, and are repeated as the client does by itself."""
    return environment(MLFLOW_TRACKING_USERNAME=username, MLFLOW_TRACKING_PASSWORD=password, MLFLOW_TRACKING_TOKEN=token,
                       MLFLOW_HTTP_REQUEST_MAX_RETRIES=None)


def as_role(role):
    """The writer or the reader, in the way of this run."""
    if BY == "token":
        return as_somebody(token=os.environ[f"TALLY_CHECK_{role}_TOKEN"])
    return as_somebody(os.environ[f"TALLY_CHECK_{role}"], PASSWORD)


def rest(verb, path, data):
    """What the client has no function for."""
    auth, headers = None, {}
    if BY == "token":
        headers["Authorization"] = "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]
    else:
        auth = os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]
    answer = requests.request(verb, os.environ["MLFLOW_TRACKING_URI"] + path, json=data, auth=auth, headers=headers, timeout=60)
    same(answer.status_code, 200, f"{verb} {path}: {answer.text[:300]}")
    return answer.json()


def share(experiment_id, permission):
    rest("PUT", "/api/tally/v1/grants",
         {"experiment_id": experiment_id, "username": os.environ["TALLY_CHECK_READER"], "permission": permission})


def at_once(function, *arguments, **keywords):
    started = time.monotonic()
    got = function(*arguments, **keywords)
    took = time.monotonic() - started
    holds(took < AT_ONCE_S, f"it took {took:.0f} s: the client has repeated it")
    return got


def refused_file(status, text, function, *arguments):
    """Bytes are sent and fetched by another part of the client, which raises what its HTTP library does."""
    try:
        function(*arguments)
    except requests.HTTPError as error:
        same(error.response.status_code, status, f"status of {error}")
        holds(text in str(error), f"{text!r} is not in {str(error)[:500]!r}")
        return
    raise AssertionError(f"wanted {status}, it went well")


@check("whoever asks is the user of what he makes", guarded=True)
def myself():
    with as_role("WRITER"):
        session = requests.get(os.environ["MLFLOW_TRACKING_URI"] + "/api/tally/v1/session", timeout=60).json()
        same(session.get("user"), None, "who asks without credentials")
        experiment = new_experiment()
        same(client().get_experiment(experiment).experiment_id, experiment, "an experiment of one's own")


@check("a wrong password fails at once and says why", guarded=True)
def wrong_password():
    for name in (os.environ["TALLY_CHECK_WRITER"], unique("nobody")):
        with as_somebody(name, "not the password"):
            at_once(refused, "UNAUTHENTICATED", "The user name or the password is wrong", client().get_experiment, "0")
    with as_somebody(os.environ["TALLY_CHECK_WRITER"], PASSWORD):
        client().get_experiment("0")


@check("a wrong token fails at once, for metrics and for files", guarded=True)
def wrong_token():
    run_id = new_run()
    with tempfile.TemporaryDirectory() as directory, as_somebody(token="tly_" + "x" * 43):
        path = Path(directory, "file.txt")
        path.write_text("x")
        at_once(refused, "UNAUTHENTICATED", "token", client().log_metric, run_id, "m", 1.0)
        at_once(refused, "UNAUTHENTICATED", "token", client().search_runs, ["0"])
    with as_somebody():
        at_once(refused, "UNAUTHENTICATED", "Send credentials", client().get_run, run_id)
        done = subprocess.run([str(Path(sys.executable).with_name("mlflow")), "runs", "describe", "--run-id", run_id],
                              capture_output=True, text=True, timeout=120, check=False)
        holds(done.returncode != 0 and "Send credentials" in done.stderr, f"the command says {done.stderr[-500:]!r}")
    same(client().get_run(run_id).data.metrics, {}, "metrics")


@check("a reader reads everything and changes nothing; each refusal is an exception, at once", guarded=True)
def reader():
    experiment = new_experiment()
    run_id = new_run(experiment)
    client().log_metric(run_id, "m", 0.5)
    client().log_param(run_id, "p", "1")
    client().set_tag(run_id, "t", "x")
    client().log_text(run_id, "for all to read", "notes/text.txt")
    with as_role("READER"):
        at_once(refused, "RESOURCE_DOES_NOT_EXIST", run_id, client().get_run, run_id)
        same(list(client().search_runs([experiment])), [], "what is not shared is not found")
    share(experiment, "READ")
    with as_role("READER"):
        run = client().get_run(run_id)
        same((run.data.metrics, run.data.params, run.data.tags["t"]), ({"m": 0.5}, {"p": "1"}, "x"), "what the reader reads")
        same([point.value for point in client().get_metric_history(run_id, "m")], [0.5], "history")
        same([one.info.run_id for one in client().search_runs([experiment])], [run_id], "search")
        same(mlflow.artifacts.load_text(f"runs:/{run_id}/notes/text.txt"), "for all to read", "a file")
        for function, arguments in (
            (client().log_metric, (run_id, "m", 1.0)),
            (client().log_param, (run_id, "q", "1")),
            (client().set_tag, (run_id, "t", "y")),
            (client().delete_tag, (run_id, "t")),
            (client().log_batch, (run_id, [Metric("m", 1.0, 1, 1)], [Param("q", "2")], [RunTag("t", "z")])),
            (client().update_run, (run_id, "FINISHED")),
            (client().create_run, (experiment,)),
            (client().rename_experiment, (experiment, unique())),
            (client().set_experiment_tag, (experiment, "k", "v")),
        ):
            at_once(refused, "PERMISSION_DENIED", "this needs EDIT on ", function, *arguments)
        for function, argument in ((client().delete_run, run_id), (client().delete_experiment, experiment)):
            at_once(refused, "PERMISSION_DENIED", " the action delete on ", function, argument)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "file.txt")
            path.write_text("not for the reader")
            at_once(refused_file, 403, "this needs EDIT on ", client().log_artifact, run_id, str(path))
    run = client().get_run(run_id)
    same((run.data.metrics, run.data.params, run.data.tags["t"], run.info.status), ({"m": 0.5}, {"p": "1"}, "x", "RUNNING"),
         "what is there after all of it")
    same([entry.path for entry in client().list_artifacts(run_id)], ["notes"], "files")


@check("asynchronous logging of a reader ends with its refusal", guarded=True)
def reader_behind():
    experiment = new_experiment()
    run_id = new_run(experiment)
    share(experiment, "READ")
    with as_role("READER"):
        operation = client().log_metric(run_id, "m", 1.0, synchronous=False)
        # The client makes one error of all that went wrong behind its back.
        at_once(refused, "INTERNAL_ERROR", "PERMISSION_DENIED: Permission denied: this needs EDIT on ", operation.wait)
    same(client().get_run(run_id).data.metrics, {}, "metrics")


@check("a model that one logs another one loads, once it is shared", guarded=True)
def model():
    estimator, x = fitted()
    name = unique()
    experiment = mlflow.set_experiment(name).experiment_id
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(estimator, "line", serialization_format="cloudpickle")
    uri = f"runs:/{run.info.run_id}/line"
    same(mlflow.sklearn.load_model(uri).predict(x).tolist(), estimator.predict(x).tolist(), "the one who made it")
    with as_role("READER"):
        at_once(refused, "RESOURCE_DOES_NOT_EXIST", None, mlflow.sklearn.load_model, uri)
    share(experiment, "READ")
    with as_role("READER"):
        same(mlflow.sklearn.load_model(uri).predict(x).tolist(), estimator.predict(x).tolist(), "the reader")


@check("a token that may only read", guarded=True)
def narrow_token():
    run_id = new_run()
    token = rest("POST", "/api/tally/v1/tokens", {"name": unique(), "permission": "READ"})
    with as_somebody(token=token["secret"]):
        same(client().get_run(run_id).info.run_id, run_id, "what it reads")
        at_once(refused, "PERMISSION_DENIED", "this needs EDIT on ", client().set_tag, run_id, "t", "x")
    rest("DELETE", f"/api/tally/v1/tokens/{token['token']['token_id']}", None)
    with as_somebody(token=token["secret"]):
        at_once(refused, "UNAUTHENTICATED", "revoked", client().get_run, run_id)


@check("a token as the password, whatever the user name", guarded=True)
def token_as_password():
    with as_somebody("anything", os.environ["TALLY_CHECK_WRITER_TOKEN"]):
        run_id = new_run()
        client().log_metric(run_id, "m", 1.0)
        same(client().get_run(run_id).data.metrics, {"m": 1.0}, "metrics")


@check("credentials of the file ~/.mlflow/credentials", guarded=True)
def credentials_file():
    with tempfile.TemporaryDirectory() as directory, as_somebody(), environment(HOME=directory):
        path = Path(directory, ".mlflow", "credentials")
        path.parent.mkdir()
        path.write_text("[mlflow]\n"
                        f"mlflow_tracking_username = {os.environ['TALLY_CHECK_WRITER']}\n"
                        f"mlflow_tracking_password = {PASSWORD}\n")
        run_id = new_run()
        same(client().get_run(run_id).info.run_id, run_id, "a run")
