"""MLflow's AuthServiceClient, and its other clients with the credentials of users. Argument: BASE_URL of a server whose
administrator is admin with password1234 and whose default permission is READ: those of `mlflow server --app-name
basic-auth`. With --reference in front it is that server, and what only Tally has is left out.
"""

import base64
import contextlib
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import checks  # noqa: E402

# An error is to be seen at once, and nobody is told of the tests.
os.environ.update(MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", MLFLOW_DISABLE_TELEMETRY="true",
                  MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true")

import mlflow  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.server.auth.client import AuthServiceClient  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

ADMIN = ("admin", "password1234")
PASSWORD = "correct horse battery"
NAMES = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


@contextlib.contextmanager
def as_user(user=None, token=None):
    """Whose credentials the client finds in its environment."""
    before = {name: os.environ.pop(name, None) for name in NAMES}
    if user:
        os.environ[NAMES[0]], os.environ[NAMES[1]] = user
    if token:
        os.environ[NAMES[2]] = token
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def refused(codes, function, *arguments, **keywords):
    try:
        got = function(*arguments, **keywords)
    except MlflowException as error:
        assert error.error_code in codes, f"{function.__name__}: {error.error_code} {error.message[:300]}"
        return error
    raise AssertionError(f"{function.__name__}: wanted {codes}, got {got!r}")


def new_user(server):
    user = (f"user-{uuid.uuid4().hex[:10]}", PASSWORD)
    with as_user(ADMIN):
        made = AuthServiceClient(server.address).create_user(*user)
    assert made.username == user[0] and made.is_admin is False, made.to_json()
    return user, made.id


def new_experiment(user):
    with as_user(user):
        return MlflowClient().create_experiment(f"experiment {uuid.uuid4().hex}")


def users_come_and_go(server):
    auth = AuthServiceClient(server.address)
    user, number = new_user(server)
    with as_user(ADMIN):
        got = auth.get_user(user[0])
        assert (got.id, got.username, got.is_admin) == (number, user[0], False), got.to_json()
        assert (got.experiment_permissions, got.registered_model_permissions, got.scorer_permissions) == ([], [], [])
        refused({"RESOURCE_ALREADY_EXISTS"}, auth.create_user, *user)
        refused({"INVALID_PARAMETER_VALUE"}, auth.create_user, "short-" + user[0], "short")
        refused({"RESOURCE_DOES_NOT_EXIST"}, auth.get_user, "nobody-" + user[0])
        refused({"RESOURCE_DOES_NOT_EXIST"}, auth.delete_user, "nobody-" + user[0])
        auth.delete_user(user[0])
        refused({"RESOURCE_DOES_NOT_EXIST"}, auth.get_user, user[0])
    with as_user(user):
        refused({"UNAUTHENTICATED"}, MlflowClient().search_experiments)


def users_see_and_change_themselves_only(server):
    auth = AuthServiceClient(server.address)
    (ann, _), (bob, _) = new_user(server), new_user(server)
    with as_user(ann):
        assert auth.get_user(ann[0]).username == ann[0]
        refused({"PERMISSION_DENIED"}, auth.get_user, bob[0])
        refused({"PERMISSION_DENIED"}, auth.create_user, "x-" + ann[0], PASSWORD)
        refused({"PERMISSION_DENIED"}, auth.update_user_password, bob[0], PASSWORD)
        refused({"PERMISSION_DENIED"}, auth.update_user_admin, ann[0], True)
        refused({"PERMISSION_DENIED"}, auth.delete_user, ann[0])
        auth.update_user_password(ann[0], "another horse battery")
        refused({"UNAUTHENTICATED"}, auth.get_user, ann[0])
    with as_user((ann[0], "another horse battery")):
        assert auth.get_user(ann[0]).username == ann[0]


def administrators_are_made_and_unmade(server):
    auth = AuthServiceClient(server.address)
    user, _ = new_user(server)
    with as_user(ADMIN):
        auth.update_user_admin(user[0], True)
        assert auth.get_user(user[0]).is_admin is True
    with as_user(user):
        auth.update_user_admin(user[0], False)
        refused({"PERMISSION_DENIED"}, auth.update_user_admin, user[0], True)


def permissions_on_an_experiment(server):
    auth = AuthServiceClient(server.address)
    (ann, _), (bob, bob_id) = new_user(server), new_user(server)
    experiment = new_experiment(ann)
    with as_user(ann):
        granted = auth.create_experiment_permission(experiment, bob[0], "EDIT")
        assert (granted.experiment_id, granted.user_id, granted.permission) == (experiment, bob_id, "EDIT")
        refused({"RESOURCE_ALREADY_EXISTS"}, auth.create_experiment_permission, experiment, bob[0], "READ")
        refused({"INVALID_PARAMETER_VALUE"}, auth.update_experiment_permission, experiment, bob[0], "WRITE")
        refused({"RESOURCE_DOES_NOT_EXIST"}, auth.create_experiment_permission, experiment, "nobody", "READ")
        for permission in ("READ", "USE", "MANAGE", "NO_PERMISSIONS", "EDIT"):
            auth.update_experiment_permission(experiment, bob[0], permission)
            assert auth.get_experiment_permission(experiment, bob[0]).permission == permission
        permissions = auth.get_user(ann[0]).experiment_permissions
        assert [(one.experiment_id, one.permission) for one in permissions] == [(experiment, "MANAGE")]
        auth.delete_experiment_permission(experiment, bob[0])
        refused({"RESOURCE_DOES_NOT_EXIST"}, auth.get_experiment_permission, experiment, bob[0])
        refused({"RESOURCE_DOES_NOT_EXIST"}, auth.delete_experiment_permission, experiment, bob[0])
        refused({"RESOURCE_DOES_NOT_EXIST"}, auth.update_experiment_permission, experiment, bob[0], "READ")


def permissions_mean_something(server):
    auth = AuthServiceClient(server.address)
    (ann, _), (bob, _) = new_user(server), new_user(server)
    experiment = new_experiment(ann)
    client = MlflowClient()
    with as_user(bob):
        # By the default permission.
        assert client.get_experiment(experiment).experiment_id == experiment
        refused({"PERMISSION_DENIED"}, client.set_experiment_tag, experiment, "k", "v")
        refused({"PERMISSION_DENIED"}, client.create_run, experiment)
        refused({"PERMISSION_DENIED"}, auth.create_experiment_permission, experiment, bob[0], "MANAGE")
    with as_user(ann):
        auth.create_experiment_permission(experiment, bob[0], "EDIT")
    with as_user(bob):
        run = client.create_run(experiment).info.run_id
        client.log_metric(run, "m", 1.5)
        client.set_experiment_tag(experiment, "k", "v")
        refused({"PERMISSION_DENIED"}, client.delete_run, run)
        refused({"PERMISSION_DENIED"}, client.delete_experiment, experiment)
    with as_user(ann):
        auth.update_experiment_permission(experiment, bob[0], "MANAGE")
    with as_user(bob):
        client.delete_run(run)
        client.restore_run(run)
        assert client.get_run(run).data.metrics == {"m": 1.5}
    with as_user(ann):
        auth.update_experiment_permission(experiment, bob[0], "NO_PERMISSIONS")
    with as_user(bob):
        # What may not be seen: MLflow says so, Tally says nothing of it.
        refused({"PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST"}, client.get_experiment, experiment)
        refused({"PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST"}, client.get_run, run)
        found = client.search_experiments(filter_string="name LIKE 'experiment %'", max_results=50000)
        assert experiment not in [one.experiment_id for one in found]


def permissions_on_a_registered_model(server):
    auth = AuthServiceClient(server.address)
    user, number = new_user(server)
    name = f"model-{uuid.uuid4().hex}"
    with as_user(ADMIN):
        granted = auth.create_registered_model_permission(name, user[0], "READ")
        assert (granted.workspace, granted.name, granted.user_id, granted.permission) == ("default", name, number, "READ")
        refused({"RESOURCE_ALREADY_EXISTS"}, auth.create_registered_model_permission, name, user[0], "EDIT")
        auth.update_registered_model_permission(name, user[0], "EDIT")
        assert auth.get_registered_model_permission(name, user[0]).permission == "EDIT"
        permissions = auth.get_user(user[0]).registered_model_permissions
        assert [(one.name, one.permission) for one in permissions] == [(name, "EDIT")]
        auth.delete_registered_model_permission(name, user[0])
        refused({"RESOURCE_DOES_NOT_EXIST"}, auth.get_registered_model_permission, name, user[0])
        refused({"RESOURCE_DOES_NOT_EXIST"}, auth.delete_registered_model_permission, name, user[0])


def wrong_credentials_are_told_apart_from_none(server):
    client = MlflowClient()
    for credentials in ({}, {"user": ("admin", "wrong password")}, {"user": ("nobody", PASSWORD)}, {"token": "tly_wrong"}):
        with as_user(**credentials):
            refused({"UNAUTHENTICATED"}, client.search_experiments)


def training_as_a_user(server):
    user, _ = new_user(server)
    experiment = new_experiment(user)
    with as_user(user):
        with mlflow.start_run(experiment_id=experiment) as run:
            mlflow.log_param("rate", 0.1)
            mlflow.log_metrics({"loss": 0.5, "accuracy": 0.9}, step=1)
            mlflow.log_text("hello", "notes/a.txt")
        got = MlflowClient().get_run(run.info.run_id)
        assert got.data.params == {"rate": "0.1"} and got.data.metrics == {"loss": 0.5, "accuracy": 0.9}
        assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a.txt") == "hello"


def command_as_a_user(server):
    user, _ = new_user(server)
    experiment = new_experiment(user)
    with as_user(user):
        done = subprocess.run([sys.executable, "-m", "mlflow", "runs", "list", "--experiment-id", experiment],
                              capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]


def tally(server, user, verb, path, data=None):
    """A request to Tally's own part of the API."""
    headers = {"Authorization": "Basic " + base64.b64encode(":".join(user).encode()).decode()}
    if data is not None:
        headers["Content-Type"] = "application/json"
    body = None if data is None else json.dumps(data).encode()
    status, _, answer = server.call(verb, f"/api/tally/v1/{path}", body, headers)
    assert status == 200, f"{verb} {path}: {status} {answer[:300]!r}"
    return json.loads(answer)


def tokens_instead_of_passwords(server):
    user, _ = new_user(server)
    experiment = new_experiment(user)
    whole = tally(server, user, "POST", "tokens", {"name": "training"})["secret"]
    reading = tally(server, user, "POST", "tokens", {"name": "looking", "permission": "READ", "actions": []})["secret"]
    client = MlflowClient()
    for credentials in ({"token": whole}, {"user": ("anything", whole)}):
        with as_user(**credentials):
            run = client.create_run(experiment).info.run_id
            client.log_metric(run, "m", 2.0)
    with as_user(token=reading):
        assert client.get_run(run).data.metrics == {"m": 2.0}
        refused({"PERMISSION_DENIED"}, client.log_metric, run, "m", 3.0)
        refused({"PERMISSION_DENIED"}, client.create_run, experiment)
        refused({"PERMISSION_DENIED"}, AuthServiceClient(server.address).update_user_password, user[0], PASSWORD)


def grants_to_groups(server):
    (ann, _), (bob, _) = new_user(server), new_user(server)
    experiment = new_experiment(ann)
    group = f"group-{uuid.uuid4().hex[:8]}"
    tally(server, ADMIN, "POST", "groups", {"name": group})
    tally(server, ann, "PUT", "grants", {"experiment_id": experiment, "group": group, "permission": "EDIT"})
    client = MlflowClient()
    with as_user(bob):
        refused({"PERMISSION_DENIED"}, client.create_run, experiment)
    # With the member the right is there at once, and without him it is gone.
    tally(server, ADMIN, "PUT", f"groups/{group}/members/{bob[0]}")
    with as_user(bob):
        client.create_run(experiment)
    tally(server, ADMIN, "DELETE", f"groups/{group}/members/{bob[0]}")
    with as_user(bob):
        refused({"PERMISSION_DENIED"}, client.create_run, experiment)


SHARED = (
    ("users come and go", users_come_and_go),
    ("users see and change themselves only", users_see_and_change_themselves_only),
    ("administrators are made and unmade", administrators_are_made_and_unmade),
    ("permissions on an experiment", permissions_on_an_experiment),
    ("permissions mean something", permissions_mean_something),
    ("permissions on a registered model", permissions_on_a_registered_model),
    ("wrong credentials are told apart from none", wrong_credentials_are_told_apart_from_none),
    ("training as a user", training_as_a_user),
    ("the command as a user", command_as_a_user),
)
OURS = (
    ("tokens instead of passwords", tokens_instead_of_passwords),
    ("grants to groups", grants_to_groups),
)

if __name__ == "__main__":
    is_reference = "--reference" in sys.argv[1:-1]
    address = sys.argv[-1]
    mlflow.set_tracking_uri(address)
    checks.run("auth", address, SHARED if is_reference else SHARED + OURS)
