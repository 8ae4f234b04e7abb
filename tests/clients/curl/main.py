"""curl, as people and scripts call it: every way to say who one is, files up and down, and a login of a browser's kind.
Argument: BASE_URL."""

import json
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import checks  # noqa: E402

WRITER, READER = os.environ["TALLY_CHECK_WRITER"], os.environ["TALLY_CHECK_READER"]
PASSWORD = os.environ["TALLY_CHECK_PASSWORD"]
WRITER_TOKEN, READER_TOKEN = os.environ["TALLY_CHECK_WRITER_TOKEN"], os.environ["TALLY_CHECK_READER_TOKEN"]
READABLE = os.environ["TALLY_CHECK_READABLE"]
BY_PASSWORD = ("-u", f"{WRITER}:{PASSWORD}")
BY_TOKEN = ("-H", f"Authorization: Bearer {WRITER_TOKEN}")
# What curl ends with when --fail meets an error of HTTP.
CURL_HTTP_ERROR = 22


def curl(*words, status=0):
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "60", *words], capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == status, f"curl ended with {done.returncode}: {done.stderr.decode()[-500:]}"
    return done.stdout


def answer(*words):
    """Status, headers by lower-case name, and the decoded body."""
    head, _, body = curl("-i", *words).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict((name.lower(), value) for name, _, value in (line.partition(": ") for line in lines[1:]))
    return int(lines[0].split()[1]), headers, json.loads(body) if body else {}


def get(server, path):
    return f"{server.address}/api/2.0/mlflow/{path}"


def ways(server):
    """Each way that the documents name is enough, and all of them are the same account."""
    with tempfile.NamedTemporaryFile("w", suffix=".netrc") as netrc:
        netrc.write(f"machine {server.parts.hostname} login nobody password {WRITER_TOKEN}\n")
        netrc.flush()
        for words, method in (
            (BY_PASSWORD, "password"),
            (("--basic", *BY_PASSWORD), "password"),
            (BY_TOKEN, "token"),
            (("--oauth2-bearer", WRITER_TOKEN), "token"),
            (("-u", f"x:{WRITER_TOKEN}"), "token"),
            (("-u", f"{WRITER_TOKEN}:"), "token"),
            (("--netrc-file", netrc.name), "token"),
        ):
            status, _, body = answer(*words, f"{server.address}/api/tally/v1/session")
            user = body.get("user", {})
            assert (status, user.get("username"), user.get("method")) == (200, WRITER, method), (words[0], status, body)
            status, _, body = answer(*words, get(server, "experiments/get?experiment_id=0"))
            assert (status, body["experiment"]["name"]) == (200, "Default"), (words[0], status, body)


def work(server):
    """A run, a metric, and a file, each with other credentials."""
    experiment = json.loads(curl("--fail", *BY_TOKEN, "--json", json.dumps({"name": f"curl {uuid.uuid4().hex}"}),
                                 get(server, "experiments/create")))["experiment_id"]
    run = json.loads(curl("--fail", *BY_PASSWORD, "--json", json.dumps({"experiment_id": experiment}), get(server, "runs/create")))
    run_id = run["run"]["info"]["run_id"]
    point = {"run_id": run_id, "key": "m", "value": 0.5, "timestamp": 1, "step": 1}
    curl("--fail", *BY_TOKEN, "--json", json.dumps(point), get(server, "runs/log-metric"))
    file = f"{server.address}/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run_id}/artifacts/notes/file.bin"
    with tempfile.TemporaryDirectory() as folder:
        content = os.urandom(3_000_000)
        Path(folder, "up").write_bytes(content)
        curl("--fail", *BY_PASSWORD, "-T", f"{folder}/up", file)
        curl("--fail", *BY_TOKEN, "-o", f"{folder}/down", file)
        assert Path(folder, "down").read_bytes() == content
        # Also when the server says no before all is sent.
        for words, status in (((), 401), (("-u", f"{READER}:{PASSWORD}"), 404)):
            assert answer(*words, "-T", f"{folder}/up", file)[0] == status
            curl("--fail", *words, "-T", f"{folder}/up", file, status=CURL_HTTP_ERROR)
    metrics = json.loads(curl(*BY_PASSWORD, get(server, f"runs/get?run_id={run_id}")))["run"]["data"]["metrics"]
    assert [(point["key"], point["value"]) for point in metrics] == [("m", 0.5)], metrics


def refusals(server):
    """401 asks for a password in the way that programs understand, 403 says what it takes."""
    path = get(server, "experiments/get?experiment_id=0")
    for words, text in (
        ((), "Send credentials"),
        (("-u", f"{WRITER}:not the password"), "The user name or the password is wrong"),
        (("-u", f"nobody {uuid.uuid4().hex}:not the password"), "The user name or the password is wrong"),
        (("--oauth2-bearer", "tly_" + "x" * 43), "token"),
        (("-H", "Authorization: Digest x"), ""),
    ):
        status, headers, body = answer(*words, path)
        assert (status, body["error_code"]) == (401, "UNAUTHENTICATED") and text in body["message"], (words, status, body)
        assert headers["www-authenticate"] == 'Basic realm="mlflow"', headers
    # Only after it was asked; curl then sends the request again, with the password.
    assert curl("--anyauth", "--fail", *BY_PASSWORD, "-o", "/dev/null", "-w", "%{http_code}", path) == b"200"
    reader = ("-H", f"Authorization: Bearer {READER_TOKEN}")
    assert answer(*reader, get(server, f"experiments/get?experiment_id={READABLE}"))[0] == 200
    data = json.dumps({"experiment_id": READABLE, "key": "k", "value": "v"})
    status, _, body = answer(*reader, "--json", data, get(server, "experiments/set-experiment-tag"))
    assert (status, body["error_code"]) == (403, "PERMISSION_DENIED"), (status, body)
    assert f"this needs EDIT on experiment:{READABLE}, you have READ." in body["message"], body
    assert answer(*reader, f"{server.address}/api/tally/v1/users")[0] == 403


def browser(server):
    """A login by cookie: kept in a jar, good for reading, and for writing with the token of the session only."""
    with tempfile.TemporaryDirectory() as folder:
        jar = ("-b", f"{folder}/jar", "-c", f"{folder}/jar")
        data = json.dumps({"username": WRITER, "password": PASSWORD})
        token = json.loads(curl("--fail", *jar, "--json", data, f"{server.address}/api/tally/v1/login"))["csrf_token"]
        assert answer(*jar, get(server, "experiments/get?experiment_id=0"))[0] == 200
        data = ("--json", json.dumps({"experiment_id": "0", "key": "curl", "value": "x"}))
        path = get(server, "experiments/set-experiment-tag")
        assert answer(*jar, *data, path)[0] == 403
        proof = ("-H", f"X-Tally-CSRF-Token: {token}")
        assert answer(*jar, *proof, *data, path)[0] == 200
        assert answer(*jar, *proof, "-H", "Origin: https://evil.example.com", *data, path)[0] == 403
        curl("--fail", *jar, *proof, "--json", "{}", f"{server.address}/api/tally/v1/logout")
        assert answer(*jar, get(server, "experiments/get?experiment_id=0"))[0] == 401


checks.run("curl", sys.argv[1], [
    ("every way to say who one is", ways),
    ("an experiment, a run, a metric and a file", work),
    ("who may not is told so", refusals),
    ("a login with a cookie", browser),
])
