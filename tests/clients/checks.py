"""What the checks of programs that only download or upload files share: requests, and the lines that are counted."""

import base64
import http.client
import json
import os
import sys
import urllib.parse


def basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def credentials():
    """The header that says who asks, as MLflow's clients make it of their environment."""
    username, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if username and password:
        return {"Authorization": basic(username, password)}
    return {"Authorization": f"Bearer {token}"} if token else {}


def part_name(part):
    """With what it sends, where a part runs more than once."""
    by = os.environ.get("TALLY_CHECK_BY")
    return f"{part} by {by}" if by else part


class Server:
    def __init__(self, address):
        self.address = address
        self.parts = urllib.parse.urlsplit(address)
        self.headers = credentials()

    def call(self, verb, path, body=None, headers=None):
        """One request; gives status, headers by lower-case name, and bytes."""
        connection = http.client.HTTPConnection(self.parts.hostname, self.parts.port, timeout=60)
        try:
            connection.request(verb, self.parts.path.rstrip("/") + path, body, {**self.headers, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def good(self, verb, path, data=None):
        """A request with JSON both ways."""
        body = None if data is None else json.dumps(data).encode()
        status, _, answer = self.call(verb, path, body, {"Content-Type": "application/json"})
        assert status == 200, f"{verb} {path}: {status} {answer[:300]!r}"
        return json.loads(answer)

    def upload(self, path, content):
        status, _, answer = self.call(
            "PUT", "/api/2.0/mlflow-artifacts/artifacts/" + urllib.parse.quote(path), content
        )
        assert status == 200, f"PUT {path}: {status} {answer[:300]!r}"


def run(part, address, checks):
    """Run (name, function) one after the other, each with the server; ends the program."""
    part = part_name(part)
    passed = failed = 0
    server = Server(address)
    for name, function in checks:
        try:
            function(server)
        except Exception as error:
            failed += 1
            print(f"not ok - {part}: {name}: {type(error).__name__}: {' '.join(str(error).split())[:1500]}", flush=True)
        else:
            passed += 1
            print(f"ok - {part}: {name}", flush=True)
    print(f"# {part}: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
