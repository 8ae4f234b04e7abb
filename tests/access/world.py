"""What the access tests share: requests, accounts and objects made past the API, and counting."""

import atexit
import hashlib
import http.client
import json
import os
import subprocess
import sys
import urllib.parse
import uuid

URL = urllib.parse.urlsplit(os.environ["TALLY_TEST_URL"])
DATABASE = os.environ["TALLY_TEST_DATABASE_URL"]
LEVELS = ["NO_PERMISSIONS", "READ", "USE", "EDIT", "MANAGE"]

passed = 0
failed = 0


def check(good, what):
    """Count one expectation, and tell when it did not hold."""
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("  FAIL", what)
    return good


def end():
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 else 1)


def sql(text):
    """Run SQL and give the lines of its rows."""
    run = subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", DATABASE, "-c", text], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr)
    return run.stdout.splitlines()


def changed():
    """Tell the daemons that rights were changed past them, and wait until they must know."""
    import time

    sql("UPDATE access_version SET version = version + 1")
    time.sleep(1.05)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def code(self):
        return self.json.get("error_code", "") if isinstance(self.json, dict) else ""

    @property
    def message(self):
        return self.json.get("message", "") if isinstance(self.json, dict) else ""

    def __repr__(self):
        return f"{self.status} {self.body[:200]!r}"


def call(method, path, token=None, body=None, headers=None, url=URL, raw=None):
    """One request on a connection of its own; `body` is sent as JSON, `raw` as it is."""
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    all_headers = dict(headers or {})
    data = raw
    if token:
        all_headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        data = json.dumps(body).encode()
        all_headers.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, path, body=data, headers=all_headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def secret():
    return "tly_" + hashlib.sha256(os.urandom(32)).hexdigest()[:43]


def account(name, admin=False, level=4, actions=15):
    """An account with a token; gives the token."""
    token = secret()
    sql(
        f"WITH a AS (INSERT INTO account (username, is_admin, created_at_ms) VALUES ('{name}', {admin}, 1)"
        " RETURNING account_id) INSERT INTO api_token (account_id, name, sha256, hint, level, actions, is_admin,"
        f" created_at_ms) SELECT account_id, 'test', sha256('{token}'), 'tly_', {level}, {actions}, {admin}, 1 FROM a"
    )
    return token


def token_of(name, level=4, actions=15, admin=False, expires_at_ms="NULL"):
    """One more token of an account."""
    token = secret()
    sql(
        "INSERT INTO api_token (account_id, name, sha256, hint, level, actions, is_admin, created_at_ms, expires_at_ms)"
        f" SELECT account_id, 'test', sha256('{token}'), 'tly_', {level}, {actions}, {admin}, 1, {expires_at_ms}"
        f" FROM account WHERE username = '{name}'"
    )
    return token


def grant(name, level, experiment=None, workspace=1, model=None, actions=0, group=False):
    """A grant to an account or a group; of the workspace when neither experiment nor model is given."""
    kind = "group_id" if group else "account_id"
    table, key = ("account_group", "name") if group else ("account", "username")
    sql(
        f"INSERT INTO access_grant (workspace_id, experiment_id, model_name, {kind}, level, actions) SELECT {workspace},"
        f" {experiment if experiment is not None else 'NULL'}, {repr(model) if model else 'NULL'}, {kind}, {level}, {actions}"
        f" FROM {table} WHERE {key} = '{name}'"
    )


API = "/api/2.0/mlflow"


def new_experiment(token, name=None, **more):
    answer = call("POST", f"{API}/experiments/create", token, {"name": name or f"e-{uuid.uuid4().hex[:12]}"}, **more)
    assert answer.status == 200, answer
    return answer.json["experiment_id"]


def new_run(token, experiment, **more):
    answer = call("POST", f"{API}/runs/create", token, {"experiment_id": experiment}, **more)
    assert answer.status == 200, answer
    return answer.json["run"]["info"]["run_id"]


def new_model(token, experiment, **more):
    answer = call("POST", f"{API}/logged-models", token, {"experiment_id": experiment, "name": "m"}, **more)
    assert answer.status == 200, answer
    return answer.json["model"]["info"]["model_id"]


def put_file(token, path, data=b"hello", **more):
    answer = call("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", token, raw=data, **more)
    assert answer.status == 200, answer


class Daemon:
    """One more daemon of the same database, which knows it by the name `application`."""

    def __init__(self, *arguments, application="tallyd"):
        import re
        import tempfile
        import time

        self.folder = tempfile.TemporaryDirectory(prefix="tally-access-")
        self.log = open(os.path.join(self.folder.name, "log"), "w+b")
        environment = {**os.environ, "TALLY_DATABASE_URL": f"{DATABASE}&application_name={application}"}
        self.process = subprocess.Popen(
            [os.environ["TALLY_TEST_TALLYD"], "serve", "--listen", "127.0.0.1:0", "--artifact-store", self.folder.name + "/a",
             *arguments],
            env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )
        atexit.register(self.process.kill)
        deadline = time.monotonic() + 120
        found = None
        while not found and time.monotonic() < deadline and self.process.poll() is None:
            time.sleep(0.02)
            found = re.search(rb"address=(\S+)", self.text())
        if not found:
            self.stop()
            raise RuntimeError(self.text().decode())
        self.url = urllib.parse.urlsplit(found.group(1).decode())

    def text(self):
        with open(self.log.name, "rb") as file:
            return file.read()

    def stop(self):
        self.process.terminate()
        status = self.process.wait(60)
        check(status == 0, f"the second daemon ended with status {status}")
        if failed:
            lines = [line for line in self.text().decode(errors="replace").splitlines() if "level=info" not in line]
            print("--- the second daemon's log: its last warnings and errors", *lines[-40:], sep="\n")
        self.log.close()
        self.folder.cleanup()


def cluster(step):
    """Stop or start the database."""
    tool = os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "dev", "cluster")
    subprocess.run([tool, step, os.environ["TALLY_TEST_CLUSTER"]], check=True, stdout=subprocess.DEVNULL)
