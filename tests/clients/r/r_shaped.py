"""What MLflow's R client sends: every scalar a JSON string, run_uuid beside run_id, POST and GET as it chooses them, and
Authorization from the environment as it does.

Raw HTTP, because it is the shape of the requests that matters. Arguments: [--reference] BASE_URL."""

import http.client
import json
import math
import os
import sys
import urllib.parse
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import checks  # noqa: E402

passed = failed = 0


class Server:
    def __init__(self, address, prefix="/api/2.0/mlflow/"):
        parts = urllib.parse.urlsplit(address)
        self.path = parts.path.rstrip("/") + prefix
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self.credentials = checks.credentials()

    def call(self, verb, path, query=None, data=None):
        """One request; gives the status and the decoded answer."""
        target = self.path + path
        if query:
            target += "?" + urllib.parse.urlencode(query, doseq=True)
        headers = {
            "User-Agent": "mlflow-r-client/3.17.2",
            "Accept": "application/json, text/xml, application/xml, */*",
            "Accept-Encoding": "deflate, gzip",
            **self.credentials,
        }
        body = None
        if data is not None:
            body = json.dumps(as_character(data)).encode()
            headers["Content-Type"] = "application/json"
        self.connection.request(verb, target, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else {}

    def good(self, verb, path, query=None, data=None):
        status, answer = self.call(verb, path, query, data)
        assert status == 200, f"{verb} {path}: {status} {answer}"
        return answer


def as_character(value):
    """Like rapply(data, as.character): every leaf a string, 15 significant digits as R prints them."""
    if isinstance(value, dict):
        return {key: as_character(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [as_character(one) for one in value]
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return f"{value:.15g}"
    return str(value)


def same(got, wanted, what):
    assert got == wanted, f"{what}: got {got!r}, wanted {wanted!r}"


def unique(what):
    return f"{what} {uuid.uuid4().hex}"


def new_run(server, **more):
    experiment_id = server.good("POST", "experiments/create", data={"name": unique("r")})["experiment_id"]
    data = {"experiment_id": experiment_id, "user_id": "r user", "start_time": 1234567890123, **more}
    return server.good("POST", "runs/create", data=data)["run"]


def experiments(server):
    name = unique("r größe")
    data = {"name": name, "artifact_location": None, "tags": [{"key": "k", "value": 1}]}
    experiment_id = server.good("POST", "experiments/create", data=data)["experiment_id"]
    read = server.good("GET", "experiments/get", {"experiment_id": experiment_id})["experiment"]
    same((read["name"], read["tags"]), (name, [{"key": "k", "value": "1"}]), "experiment")
    same(type(read["creation_time"]), int, "type of the creation time")
    by_name = server.good("GET", "experiments/get-by-name", {"experiment_name": name})["experiment"]
    same(by_name["experiment_id"], experiment_id, "id by name")
    server.good("POST", "experiments/update", data={"experiment_id": experiment_id, "new_name": name + " new"})
    data = {"experiment_id": experiment_id, "key": "k", "value": 2.5}
    server.good("POST", "experiments/set-experiment-tag", data=data)
    search = {"filter": None, "max_results": 1000, "view_type": "ALL", "order_by": ["experiment_id DESC"]}
    found = server.good("POST", "experiments/search", data=search)["experiments"]
    mine = [one for one in found if one["experiment_id"] == experiment_id]
    same(mine[0]["tags"], [{"key": "k", "value": "2.5"}], "tag in the search answer")
    same(mine[0]["name"], name + " new", "name in the search answer")
    server.good("POST", "experiments/delete", data={"experiment_id": experiment_id})
    read = server.good("GET", "experiments/get", {"experiment_id": experiment_id})["experiment"]
    same(read["lifecycle_stage"], "deleted", "life cycle")
    server.good("POST", "experiments/restore", data={"experiment_id": experiment_id})


def runs(server):
    run = new_run(server, tags=[{"key": "mlflow.source.name", "value": "train.R"}, {"key": "n", "value": 5}])
    run_id = run["info"]["run_uuid"]
    same(run["info"]["run_id"], run_id, "run_id and run_uuid")
    both = {"run_uuid": run_id, "run_id": run_id}
    server.good("POST", "runs/log-parameter", data={**both, "key": "alpha", "value": 0.1})
    server.good("POST", "runs/log-parameter", data={**both, "key": "flag", "value": True})
    server.good("POST", "runs/set-tag", data={**both, "key": "t", "value": 3})
    server.good("POST", "runs/set-tag", data={**both, "key": "gone", "value": "x"})
    server.good("POST", "runs/delete-tag", data={"run_id": run_id, "key": "gone"})
    data = {**both, "status": "FINISHED", "end_time": 1234567899999}
    info = server.good("POST", "runs/update", data=data)["run_info"]
    same((info["status"], info["end_time"], info["run_uuid"]), ("FINISHED", 1234567899999, run_id), "answer of update")
    read = server.good("GET", "runs/get", both)["run"]
    same(read["info"]["start_time"], 1234567890123, "start time")
    same(read["info"]["user_id"], "r user", "user")
    params = {one["key"]: one["value"] for one in read["data"]["params"]}
    same(params, {"alpha": "0.1", "flag": "TRUE"}, "params")
    tags = {one["key"]: one["value"] for one in read["data"]["tags"]}
    name = tags.pop("mlflow.runName")
    same(read["info"]["run_name"], name, "name")
    same(tags, {"mlflow.source.name": "train.R", "n": "5", "t": "3"}, "tags")
    server.good("POST", "runs/delete", data={"run_id": run_id})
    same(server.good("GET", "runs/get", both)["run"]["info"]["lifecycle_stage"], "deleted", "life cycle")
    server.good("POST", "runs/restore", data={"run_id": run_id})


def deprecated_id(server):
    run_id = new_run(server)["info"]["run_uuid"]
    server.good("POST", "runs/log-metric", data={"run_uuid": run_id, "key": "m", "value": 1.5, "timestamp": 1, "step": 2})
    server.good("POST", "runs/log-parameter", data={"run_uuid": run_id, "key": "p", "value": "v"})
    server.good("POST", "runs/set-tag", data={"run_uuid": run_id, "key": "t", "value": "w"})
    server.good("POST", "runs/update", data={"run_uuid": run_id, "status": "KILLED"})
    read = server.good("GET", "runs/get", {"run_uuid": run_id})["run"]
    same(read["info"]["status"], "KILLED", "status")
    same(read["data"]["metrics"], [{"key": "m", "value": 1.5, "timestamp": 1, "step": 2}], "metrics")
    history = server.good("GET", "metrics/get-history", {"run_uuid": run_id, "metric_key": "m", "max_results": 10})
    same(history["metrics"], [{"key": "m", "value": 1.5, "timestamp": 1, "step": 2}], "history")


def metrics(server):
    run_id = new_run(server)["info"]["run_uuid"]
    both = {"run_uuid": run_id, "run_id": run_id}
    logged = [(0.1, 1700000000001, 0), (1 / 3, 1700000000002, -4), (float("nan"), 1700000000003, 7), (5.0, 1700000000004, 8)]
    for value, timestamp, step in logged:
        data = {**both, "key": "loss", "value": value, "timestamp": timestamp, "step": step}
        server.good("POST", "runs/log-metric", data=data)
    query = {**both, "metric_key": "loss", "max_results": "1000"}
    history = server.good("GET", "metrics/get-history", query)["metrics"]
    wanted = [(0.1, 1700000000001, 0), (0.333333333333333, 1700000000002, -4), ("NaN", 1700000000003, 7)]
    wanted.append((5.0, 1700000000004, 8))
    same([(one["value"], one["timestamp"], one["step"]) for one in history], wanted, "history")
    same({type(one["step"]) for one in history} | {type(one["timestamp"]) for one in history}, {int}, "type of int64")
    read = server.good("GET", "runs/get", both)["run"]["data"]["metrics"]
    same(read, [{"key": "loss", "value": 5.0, "timestamp": 1700000000004, "step": 8}], "latest")


def history_without_limit(server):
    run_id = new_run(server)["info"]["run_uuid"]
    batch = [{"key": "m", "value": n * 0.5, "timestamp": 1000 + n, "step": n} for n in range(900)]
    server.good("POST", "runs/log-batch", data={"run_id": run_id, "metrics": batch})
    query = {"run_uuid": run_id, "run_id": run_id, "metric_key": "m"}
    got, token = [], None
    for _ in range(1000):
        page = server.good("GET", "metrics/get-history", query | ({"page_token": token} if token else {}))
        got += [(one["step"], one["value"]) for one in page.get("metrics", [])]
        token = page.get("next_page_token")
        if not token:
            break
    same(got, [(n, n * 0.5) for n in range(900)], "history without max_results")


def infinities(server):
    run_id = new_run(server)["info"]["run_uuid"]
    for step, value in enumerate((float("inf"), float("-inf"))):
        data = {"run_id": run_id, "run_uuid": run_id, "key": "m", "value": value, "timestamp": 5, "step": step}
        server.good("POST", "runs/log-metric", data=data)
    query = {"run_id": run_id, "metric_key": "m", "max_results": 10}
    history = server.good("GET", "metrics/get-history", query)["metrics"]
    same([one["value"] for one in history], ["Infinity", "-Infinity"], "history by time, then step")


def batch(server):
    run_id = new_run(server)["info"]["run_uuid"]
    data = {
        "run_id": run_id,
        "metrics": [{"key": f"m{n}", "value": n / 4, "timestamp": 1700000000000, "step": n} for n in range(50)],
        "params": [{"key": f"p{n}", "value": n} for n in range(20)],
        "tags": [{"key": f"t{n}", "value": f"v{n}"} for n in range(20)],
    }
    same(server.good("POST", "runs/log-batch", data=data), {}, "answer")
    read = server.good("GET", "runs/get", {"run_uuid": run_id, "run_id": run_id})["run"]["data"]
    wanted = {f"m{n}": (n / 4, 1700000000000, n) for n in range(50)}
    same({one["key"]: (one["value"], one["timestamp"], one["step"]) for one in read["metrics"]}, wanted, "metrics")
    same({one["key"]: one["value"] for one in read["params"]}, {f"p{n}": str(n) for n in range(20)}, "params")
    tags = {one["key"]: one["value"] for one in read["tags"] if one["key"] != "mlflow.runName"}
    same(tags, {f"t{n}": f"v{n}" for n in range(20)}, "tags")


def search(server):
    experiment_id = server.good("POST", "experiments/create", data={"name": unique("r")})["experiment_id"]
    created = []
    for number in range(5):
        data = {"experiment_id": experiment_id, "start_time": 1000 + number, "user_id": "r"}
        created.append(server.good("POST", "runs/create", data=data)["run"]["info"]["run_uuid"])
    data = {"experiment_ids": [experiment_id], "filter": None, "run_view_type": "ACTIVE_ONLY", "max_results": 2}
    data["order_by"] = ["attribute.start_time ASC"]
    found, token = [], None
    while True:
        page = server.good("POST", "runs/search", data={**data, "page_token": token})
        found += [one["info"]["run_uuid"] for one in page["runs"]]
        token = page.get("next_page_token")
        if not token:
            break
    same(found, created, "runs in pages of two")


def errors(server):
    status, answer = server.call("GET", "runs/get", {"run_uuid": "f" * 32, "run_id": "f" * 32})
    same((status, answer["error_code"]), (404, "RESOURCE_DOES_NOT_EXIST"), "unknown run")
    status, answer = server.call("GET", "experiments/get-by-name", {"experiment_name": unique("nobody")})
    same((status, answer["error_code"]), (404, "RESOURCE_DOES_NOT_EXIST"), "unknown experiment")
    run_id = new_run(server)["info"]["run_id"]
    data = {"run_uuid": run_id, "run_id": run_id, "key": "m", "value": "abc", "timestamp": 1, "step": 1}
    status, answer = server.call("POST", "runs/log-metric", data=data)
    same((status, answer["error_code"]), (400, "INVALID_PARAMETER_VALUE"), "value abc")
    for kind, limit in (("metrics", 1000), ("params", 100), ("tags", 100)):
        entries = [{"key": f"k{n}", "value": n} for n in range(limit + 1)]
        if kind == "metrics":
            entries = [{**entry, "timestamp": 1, "step": 1} for entry in entries]
        status, answer = server.call("POST", "runs/log-batch", data={"run_id": run_id, kind: entries})
        same((status, answer["error_code"]), (400, "INVALID_PARAMETER_VALUE"), f"too many {kind}")
        text = f"A batch logging request can contain at most {limit} {kind}. Got {limit + 1} {kind}."
        assert text in answer["message"], f"{text!r} is not in {answer['message']!r}"
    same(server.good("GET", "runs/get", {"run_id": run_id})["run"]["data"].get("metrics"), None, "nothing was logged")


def refusals(server):
    """Who may not is answered as the client expects an error: a status and JSON with a code."""
    run_id = new_run(server)["info"]["run_id"]
    data = {"run_uuid": run_id, "run_id": run_id, "key": "t", "value": "x"}
    for credentials, code in (
        ({}, "UNAUTHENTICATED"),
        ({"Authorization": checks.basic(os.environ["TALLY_CHECK_WRITER"], "wrong")}, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer tly_" + "x" * 43}, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer " + os.environ["TALLY_CHECK_READER_TOKEN"]}, "RESOURCE_DOES_NOT_EXIST"),
    ):
        server.credentials = credentials
        status, answer = server.call("POST", "runs/set-tag", data=data)
        same((status, answer["error_code"]), (404 if code == "RESOURCE_DOES_NOT_EXIST" else 401, code), str(credentials)[:40])
    server.credentials = checks.credentials()
    tags = [one["key"] for one in server.good("GET", "runs/get", {"run_id": run_id})["run"]["data"]["tags"]]
    same(tags, ["mlflow.runName"], "tags")


def new_model(server, versions=0):
    """What mlflow_create_registered_model and mlflow_create_model_version send."""
    name = unique("r model")
    data = {"name": name, "tags": [{"key": "team", "value": "red"}], "description": "words"}
    server.good("POST", "registered-models/create", data=data)
    for _ in range(versions):
        data = {"name": name, "source": "s3://bucket/model", "run_id": "r", "tags": [], "run_link": "", "description": ""}
        server.good("POST", "model-versions/create", data=data)
    return name


def registered_models(server):
    name = new_model(server)
    got = server.good("GET", "registered-models/get", {"name": name})["registered_model"]
    same((got["name"], got["description"], got["tags"]), (name, "words", [{"key": "team", "value": "red"}]), "a new one")
    server.good("PATCH", "registered-models/update", data={"name": name, "description": "others"})
    server.good("POST", "registered-models/set-tag", data={"name": name, "key": "n", "value": 5})
    server.good("DELETE", "registered-models/delete-tag", data={"name": name, "key": "team"})
    renamed = name + " renamed"
    server.good("POST", "registered-models/rename", data={"name": name, "new_name": renamed})
    got = server.good("GET", "registered-models/get", {"name": renamed})["registered_model"]
    same((got["description"], got["tags"]), ("others", [{"key": "n", "value": "5"}]), "changed")
    server.good("DELETE", "registered-models/delete", data={"name": renamed})
    status, answer = server.call("GET", "registered-models/get", {"name": renamed})
    same((status, answer["error_code"]), (404, "RESOURCE_DOES_NOT_EXIST"), "deleted")


def model_versions(server):
    name = new_model(server, versions=2)
    server.good("PATCH", "model-versions/update", data={"name": name, "version": 1, "description": "first"})
    server.good("POST", "model-versions/set-tag", data={"name": name, "version": 1, "key": "k", "value": 0.5})
    got = server.good("GET", "model-versions/get", {"name": name, "version": "1"})["model_version"]
    same((got["version"], got["description"], got["tags"]), ("1", "first", [{"key": "k", "value": "0.5"}]), "changed")
    server.good("DELETE", "model-versions/delete", data={"name": name, "version": 1})
    data = {"name": name, "stages": []}
    latest = server.good("POST", "registered-models/get-latest-versions", data=data)["model_versions"]
    same([one["version"] for one in latest], ["2"], "what is left")


def model_search(server):
    names = sorted(new_model(server) for _ in range(3))
    data = {"filter": "name LIKE 'r model %'", "max_results": 1000, "order_by": ["name ASC"]}
    found = server.good("POST", "registered-models/search", data=data)["registered_models"]
    same([one["name"] for one in found if one["name"] in names], names, "found")


def stages(server):
    name = new_model(server, versions=2)
    for version, archive in ((1, False), (2, True)):
        data = {"name": name, "version": version, "stage": "Production", "archive_existing_versions": archive}
        server.good("POST", "model-versions/transition-stage", data=data)
    got = server.good("GET", "model-versions/get", {"name": name, "version": "1"})["model_version"]
    same(got["current_stage"], "Archived", "what was there before")


CHECKS = [
    ("experiments: create, get, by name, update, tag, search, delete, restore", experiments, None),
    ("runs: create, log, tag, update, get, delete, restore", runs, None),
    ("runs by run_uuid alone", deprecated_id, None),
    ("metrics as strings, int64 answered as numbers", metrics, None),
    ("get-history without max_results gives everything", history_without_limit, None),
    ("infinities as strings", infinities, "clamps them to the largest double"),
    ("log-batch with everything as strings", batch, None),
    ("search runs in pages", search, None),
    ("errors and limits of a batch", errors, None),
    ("registered models: create, get, update, tag, rename, delete", registered_models, None),
    ("versions: create, update, tag, delete, the newest", model_versions, None),
    ("registered models are searched by POST", model_search, "knows no such method"),
    ("stages, with booleans as strings", stages, "refuses the strings"),
]


def main():
    global passed, failed
    words = sys.argv[1:]
    reference = "--reference" in words
    address = [word for word in words if word != "--reference"][0]
    part = checks.part_name("r")
    if part != "r":
        CHECKS.append(("who may not is told so", refusals, None))
    for name, function, upstream_bug in CHECKS:
        server = Server(address)
        problem = None
        try:
            function(server)
        except Exception as error:
            problem = f"{type(error).__name__}: {' '.join(str(error).split())[:1500]}"
        finally:
            server.connection.close()
        if reference and upstream_bug:
            problem = None if problem else f"marked as a bug of MLflow ({upstream_bug}), but it passed"
        if problem is None:
            passed += 1
            print(f"ok - {part}: {name}", flush=True)
        else:
            failed += 1
            print(f"not ok - {part}: {name}: {problem}", flush=True)
    print(f"# {part}: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
