"""Every route of the table, asked by every kind of caller.

The table itself says what each route needs and of which object (tallyd reference routes --json); from that follow the
requests and what must come back. A refused request is refused before its other arguments are judged, so they need not
make sense; an allowed one may fail for any reason but the caller.
"""

import hashlib
import json
import os
import re
import subprocess

from world import *

NEEDED = {"read": 1, "use": 2, "edit": 3, "manage": 4, "promote": 4, "delete": 4, "webhooks": 4, "force": 5}
CONTENT = b"hello"

ADMIN = account("root", admin=True)
EXPERIMENT = new_experiment(ADMIN, "the secret experiment")
RUN = new_run(ADMIN, EXPERIMENT)
MODEL = new_model(ADMIN, EXPERIMENT)
OTHER = sql("INSERT INTO workspace (name) VALUES ('other') RETURNING workspace_id")[0]

# Callers, with their level at the experiment and at the workspace.
CALLERS = {"stranger": (0, 0)}
for number in (1, 2, 3, 4):
    CALLERS[f"direct-{number}"] = (number, 0)
    CALLERS[f"grouped-{number}"] = (number, 0)
    CALLERS[f"workspace-{number}"] = (number, number)
CALLERS["shut-out"] = (0, 4)
CALLERS["narrow-token"] = (1, 1)
CALLERS["foreign"] = (0, 0)
TOKENS = {}


# What is about one registered model.
MODEL_KINDS = ("registered-model", "path-registered-model")
# Where anybody who may use the workspace makes something.
MAKING_KINDS = ("new-experiment", "new-registered-model")
# The registered model, in the workspace of the test and in the other one; only the first has these texts.
SECRET_MODEL = "the secret registered model"
SECRET_SOURCE = "s3://secret-bucket/model"


def make_registered_model(workspace):
    is_other = workspace == "other"
    steps = [("registered-models/create", {"name": "the-model", "description": "" if is_other else SECRET_MODEL})]
    version = {"name": "the-model", "source": "s3://x/y"} if is_other else {"name": "the-model", "source": SECRET_SOURCE, "run_id": RUN}
    steps += [("model-versions/create", version)] * 2
    steps += [("registered-models/alias", {"name": "the-model", "alias": "champion", "version": "1"})]
    for path, body in steps:
        answer = call("POST", f"{API}/{path}", ADMIN, body, headers={"X-MLFLOW-WORKSPACE": workspace})
        assert answer.status == 200, answer


def grant_registered_model():
    """What was granted about it, which goes with it."""
    sql(
        "INSERT INTO access_grant (workspace_id, model_name, account_id, level) SELECT 1, 'the-model', account_id,"
        " CASE username WHEN 'shut-out' THEN 0 ELSE right(username, 1)::int END FROM account WHERE username LIKE"
        " 'direct-%' OR username = 'shut-out' ON CONFLICT DO NOTHING;"
        " INSERT INTO access_grant (workspace_id, model_name, group_id, level) SELECT 1, 'the-model', group_id,"
        " right(name, 1)::int FROM account_group WHERE name LIKE 'group-%' ON CONFLICT DO NOTHING"
    )


def restore_registered_models():
    """Give the models back what an allowed request may have taken."""
    left = sql(
        "WITH v AS (UPDATE model_version SET deleted_at_ms = NULL WHERE deleted_at_ms IS NOT NULL)"
        " SELECT w.name FROM registered_model AS m JOIN workspace AS w USING (workspace_id) WHERE m.name = 'the-model'"
    )
    for workspace in {"default", "other"} - set(left):
        make_registered_model(workspace)
    if "default" not in left:
        grant_registered_model()


def make_callers():
    for name, (level, workspace) in CALLERS.items():
        TOKENS[name] = account(name)
        if name.startswith("direct"):
            grant(name, level, experiment=EXPERIMENT)
        elif name.startswith("grouped"):
            sql(f"INSERT INTO account_group (name, created_at_ms) VALUES ('group-{level}', 1)")
            sql(
                "INSERT INTO account_group_member (group_id, account_id) SELECT group_id, account_id FROM account_group,"
                f" account WHERE name = 'group-{level}' AND username = '{name}'"
            )
            grant(f"group-{level}", level, experiment=EXPERIMENT, group=True)
        elif name.startswith("workspace"):
            grant(name, level)
    # A grant of the object that says less goes before one of the workspace that says more.
    grant("shut-out", 4)
    grant("shut-out", 0, experiment=EXPERIMENT)
    # All rights, and a token for reading.
    grant("narrow-token", 4)
    TOKENS["narrow-token"] = token_of("narrow-token", level=1, actions=0)
    grant("foreign", 4, workspace=OTHER)


make_callers()
restore_registered_models()
REVOKED = token_of("workspace-4")
check(call("GET", f"{API}/experiments/get?experiment_id={EXPERIMENT}", REVOKED).status == 200, "the token works at first")
EXPIRED = token_of("workspace-4", expires_at_ms=1)
DISABLED = account("disabled")
grant("disabled", 4)
sql("UPDATE account SET disabled_at_ms = 1 WHERE username = 'disabled'")
sql(f"DELETE FROM api_token WHERE sha256 = sha256('{REVOKED}')")
changed()


def restore():
    """Undo what an allowed request may have done, and give an upload that is under way."""
    sql(
        f"UPDATE experiment SET deleted_at_ms = NULL, name = 'the secret experiment' WHERE experiment_id = {EXPERIMENT};"
        f" UPDATE run SET deleted_at_ms = NULL WHERE experiment_id = {EXPERIMENT};"
        f" UPDATE logged_model SET deleted_at_ms = NULL WHERE experiment_id = {EXPERIMENT}"
    )
    for directory in (f"{EXPERIMENT}/{RUN}/artifacts", f"{EXPERIMENT}/models/{MODEL}/artifacts"):
        put_file(ADMIN, f"{directory}/f.txt", CONTENT)
    made = call(
        "POST",
        f"/api/2.0/mlflow-artifacts/mpu/create/{EXPERIMENT}/{RUN}/artifacts",
        ADMIN,
        {"path": "big", "num_parts": 1},
    )
    assert made.status == 200, made
    return made.json["upload_id"]


UPLOAD = restore()

# How each kind of object is named in a request: values of the path, and arguments.
WORLD = {
    "experiment": EXPERIMENT,
    "experiment_name": "the secret experiment",
    "run": RUN,
    "model": MODEL,
    "directory": f"{EXPERIMENT}/{RUN}/artifacts",
    "registered_model": "the-model",
    "workspace": "default",
    "user": "direct-1",
}
ABSENT = {
    "experiment": "999999",
    "experiment_name": "no such experiment",
    "run": "0" * 32,
    "model": "m-" + "0" * 32,
    "directory": "999999/" + "0" * 32 + "/artifacts",
    "registered_model": "no-such-model",
    "workspace": "no-such-workspace",
    "user": "nobody-at-all",
}


def arguments_of(route, world, upload):
    kind = route["object"]
    by_kind = {
        "experiment": {"experiment_id": world["experiment"]},
        "experiment-name": {"experiment_name": world["experiment_name"]},
        "run": {"run_id": world["run"]},
        "query-run": {"run_uuid": world["run"], "path": "x"},
        "runs": {"run_id": [world["run"]]} if route["path"].endswith("get-history-bulk") else {"run_ids": [world["run"]]},
        "run-or-model": {"run_id": world["run"]},
        "directory": {"path": world["directory"]},
        "browse": {"path": world["directory"]},
        "upload-path": {"path": "big"},
        "upload": {"path": "big", "upload_id": upload},
        "registered-model": {"name": world["registered_model"], "version": "1"},
        "granted": {"experiment_id": world["experiment"]},
    }
    arguments = dict(by_kind.get(kind, {}))
    # The others that a route needs to get as far as its object.
    if kind in MAKING_KINDS:
        arguments["name"] = "new-" + uuid.uuid4().hex
    return arguments


def name_in(route, world):
    """What {name} in the path of a route is the name of."""
    if "workspaces" in route["path"]:
        return world["workspace"]
    return world["registered_model"] if route["object"] == "path-registered-model" else "g"


def path_of(route, world, upload):
    values = {
        "run_id": world["run"],
        "model_id": world["model"],
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "upload_id": upload,
        "number": "1",
        "version": "1",
        "alias": "champion",
        "key": "k",
        "directory...": world["directory"],
        "target...": f"runs/{world['run']}/f.txt",
        "username": world["user"],
        "token_id": "999999",
        "ws": world["workspace"],
        "workspace": world["workspace"],
    }
    path = route["path"]
    if path.startswith("/dvc/"):
        values.update({"name": "data", "path...": "files/md5/5d/41402abc4b2a76b9719d911017c592"})
    else:
        values.update({"path...": world["directory"] + "/f.txt", "name": name_in(route, world)})
    return re.sub(r"\{([^}]+)\}", lambda m: values[m.group(1)], path)


def ask(route, token, world=WORLD, method=None, path=None, more=None, headers=None):
    path = path or path_of(route, world, UPLOAD)
    arguments = arguments_of(route, world, UPLOAD)
    arguments.update(more or {})
    method = method or route["method"]
    if method in ("GET", "HEAD") or route["object"] == "query-run":
        query = urllib.parse.urlencode(arguments, doseq=True)
        path = f"{path}?{query}" if query else path
        raw = b"data" if method in ("POST", "PUT") else None
        return call(method, path, token, raw=raw, headers=headers)
    if "/artifacts/{path...}" in route["path"] or route["path"].startswith("/dvc/"):
        return call(method, path, token, raw=b"data" if method in ("PUT", "POST") else None, headers=headers)
    return call(method, path, token, body=arguments, headers=headers)


def plain(answer, world):
    """An error's text without what is its own: the request id, and the names of the objects asked for."""
    text = answer.message
    for value in sorted(map(str, list(world.values()) + [UPLOAD, world["directory"] + "/f.txt"]), key=len, reverse=True):
        text = text.replace(value, "*")
    return answer.status, answer.code, text


def is_refused(answer, world=WORLD):
    """Whether the caller is why it failed."""
    return answer.status in (401, 403) or (answer.status == 404 and plain(answer, world)[2] in NOT_THERE)


# How the gate says that something is not there.
NOT_THERE = {
    "No Experiment with id=* exists",
    "Could not find experiment with name '*'",
    "Run with id=* not found",
    "Logged model with ID '*' not found.",
    "No such artifact: '*'",
    "No such artifact: '*/big'",
    "Workspace '*' not found",
    "Registered Model with name=* not found",
}

ROUTES = json.loads(
    subprocess.run([os.environ["TALLY_TEST_TALLYD"], "reference", "routes", "--json"], capture_output=True, check=True).stdout
)
check(len(ROUTES) > 70, "the table of routes is there")


def level_of(name, route):
    of_object, of_workspace = CALLERS[name]
    # A file at the root of the store belongs to nobody but the workspace.
    at_root = route["object"] in ("upload-path", "upload") and "{" not in route["path"]
    if at_root or route["object"] in ("workspace", "path-workspace", *MAKING_KINDS):
        return 4 if name == "shut-out" else of_workspace
    return of_object


def check_route(route):
    global UPLOAD
    name = f"{route['method']} {route['path']}"
    permission = route["permission"]
    kind = route["object"]

    # Nobody, and credentials that are dead.
    for who, token in (("nobody", None), ("revoked", REVOKED), ("expired", EXPIRED), ("disabled", DISABLED)):
        answer = ask(route, token)
        if permission in ("public", "guest"):
            check(answer.status != 401, f"{name}: {who} is let in, got {answer}")
        else:
            check(answer.status == 401 and answer.code == "UNAUTHENTICATED", f"{name}: {who} gets 401, got {answer}")
            check("realm" in (answer.headers.get("WWW-Authenticate") or ""), f"{name}: {who} is told how to log in")
    if permission in ("public", "guest"):
        return

    # Every spelling of the path leads to the same decision.
    path = path_of(route, WORLD, UPLOAD)
    spelled = ["/mlflow" + path]
    if path.startswith("/api/2.0/") or path.startswith("/api/3.0/"):
        spelled += ["/ajax-api" + path[4:], "/mlflow/ajax-api" + path[4:]]
    at = path.rindex("/") + 1
    if "{" not in route["path"]:
        spelled.append(path[:at] + f"%{ord(path[at]):02x}" + path[at + 1 :])
    methods = [route["method"]] + (["HEAD"] if route["method"] == "GET" else [])
    for other in spelled + [path]:
        for method in methods:
            check(ask(route, None, method=method, path=other).status == 401, f"{method} {other}: nobody gets 401")

    # Administrators.
    if permission == "admin":
        for who in ("stranger", "workspace-4"):
            check(ask(route, TOKENS[who]).status == 403, f"{name}: {who} is no administrator")
        return
    if permission == "self":
        check(ask(route, TOKENS["stranger"]).status != 401, f"{name}: anybody who is known")
        return

    # What shows several objects shows those that may be seen.
    if kind == "visible":
        check_visible(route, name)
        return

    for who in CALLERS:
        level = level_of(who, route)
        headers = {"X-MLFLOW-WORKSPACE": "other"} if who == "foreign" else None
        needed = NEEDED[permission]
        # Two objects, of which it may have the one and not the other.
        if who == "shut-out" and kind == "upload" and "{" not in route["path"]:
            continue
        if "upload" in kind or (level >= needed and level >= 4):
            UPLOAD = restore()
        if kind in MODEL_KINDS and (level >= needed or who == "foreign"):
            restore_registered_models()
        if route["path"].endswith("/restore"):
            sql(
                f"UPDATE experiment SET deleted_at_ms = 1 WHERE experiment_id = {EXPERIMENT};"
                f" UPDATE run SET deleted_at_ms = 1 WHERE experiment_id = {EXPERIMENT}"
            )
        answer = ask(route, TOKENS[who], headers=headers)
        what = f"{name}: {who} with {LEVELS[level]}"
        if who == "foreign" and route["method"] == "GET":
            # Links and pictures name the workspace in the query.
            again = ask(route, TOKENS[who], more={"x-mlflow-workspace": "other"})
            check(
                (again.status, again.message) == (answer.status, answer.message),
                f"{what}: the workspace in the query is as in the header, got {again} and {answer}",
            )
        if who == "foreign" and kind in MAKING_KINDS:
            check(answer.status == 200, f"{what} makes its own at home, got {answer}")
            continue
        if kind in MODEL_KINDS and who in ("foreign", "shut-out"):
            # Another model of that name at home; and a name without a grant of its own is a matter of the workspace.
            check(is_refused(answer) == (who == "shut-out"), f"{what} is judged by name and workspace, got {answer}")
            continue
        if who == "foreign" and kind == "workspace":
            check(not is_refused(answer), f"{what} has all rights in its own workspace, got {answer}")
            continue
        if who == "foreign" and route["path"].startswith("/dvc/"):
            check(answer.status in (400, 404), f"{what} has a remote of that name of its own, got {answer}")
            continue
        if level >= needed:
            check(not is_refused(answer), f"{what} may, got {answer}")
            continue
        if level == 0:
            check(answer.status == 404, f"{what} sees nothing, got {answer}")
            if kind not in ("workspace", "granted", "upload", "path-upload", "path-workspace", *MAKING_KINDS):
                absent = ask(route, TOKENS[who], world=ABSENT, headers=headers)
                check(
                    plain(answer, WORLD) == plain(absent, ABSENT),
                    f"{what}: not to be seen {plain(answer, WORLD)} is as not there {plain(absent, ABSENT)}",
                )
        else:
            check(answer.status == 403 and answer.code == "PERMISSION_DENIED", f"{what} may not, got {answer}")
            check("you have" in answer.message, f"{what} is told what is missing, got {answer.message}")
        if route["method"] == "GET":
            head = ask(route, TOKENS[who], method="HEAD", headers=headers)
            check(head.status == answer.status and not head.body, f"{what}: HEAD is as GET, got {head}")
    UPLOAD = restore()
    restore_registered_models()

    # An id that is given twice and differently means nothing.
    twice = {"experiment": "experimentId", "run": "run_uuid", "query-run": "run_id", "run-or-model": "run_uuid"}.get(kind)
    if twice:
        answer = ask(route, TOKENS["workspace-4"], more={twice: "1" * 32})
        check(answer.status == 400 and ("twice" in answer.message or "both" in answer.message), f"{name}: two ids are refused, got {answer}")


def check_visible(route, name):
    marks = ["the secret experiment", f'"experiment_id":"{EXPERIMENT}"', RUN, MODEL, SECRET_MODEL, SECRET_SOURCE]
    more = {}
    by_workspace = "/workspaces" in route["path"]
    if by_workspace:
        marks = ['"name":"default"']
    if "search" in route["path"] and not route["path"].endswith("/experiments/search"):
        more = {"experiment_ids": [EXPERIMENT]}
    elif route["path"].endswith("/experiments/search"):
        more = {"max_results": 1000}
    elif route["path"].endswith("/lineage"):
        more = {"run_id": RUN}
    for who in CALLERS:
        headers = {"X-MLFLOW-WORKSPACE": "other"} if who == "foreign" else None
        answer = ask(route, TOKENS[who], more=more, headers=headers)
        text = answer.body.decode()
        seen = any(mark in text for mark in marks)
        if by_workspace:
            # Any right in it shows that there is such a workspace.
            wanted = max(CALLERS[who]) >= 1
            statuses = (200,) if wanted or "{" not in route["path"] else (404,)
            check(answer.status in statuses, f"{name}: {who} gets an answer, got {answer}")
            check(seen == wanted, f"{name}: {who} {'sees it' if wanted else 'sees nothing of it'}, got {answer}")
            continue
        check(answer.status == 200, f"{name}: {who} gets an answer, got {answer}")
        wanted = CALLERS[who][0] >= 1 and not route["path"].endswith("search-datasets")
        check(seen == wanted, f"{name}: {who} {'sees it' if wanted else 'sees nothing of it'}, got {answer}")


for route in ROUTES:
    check_route(route)
end()
