"""Attempts to get around the gate: ids in bodies, lists with mixed ids, paths, uploads and page tokens of others."""

import base64
import threading
import time

from world import *

ARTIFACTS = "/api/2.0/mlflow-artifacts"
ADMIN = account("root", admin=True)
MINE = account("mallory")
own = new_experiment(MINE)
own_run = new_run(MINE, own)
own_model = new_model(MINE, own)
theirs = new_experiment(ADMIN, "theirs")
their_run = new_run(ADMIN, theirs)
their_model = new_model(ADMIN, theirs)
put_file(ADMIN, f"{theirs}/{their_run}/artifacts/secret.txt", b"top secret")
put_file(MINE, f"{own}/{own_run}/artifacts/own.txt", b"own")


def refused(answer, what, statuses=(403, 404)):
    check(answer.status in statuses and b"top secret" not in answer.body, f"{what}, got {answer}")


def allowed(answer, what):
    check(answer.status == 200, f"{what}, got {answer}")


# --- one forbidden id among allowed ones ---
bulk = urllib.parse.urlencode({"run_id": [own_run, their_run], "metric_key": "m"}, doseq=True)
refused(call("GET", f"{API}/metrics/get-history-bulk?{bulk}", MINE), "history of own and other runs")
bulk = urllib.parse.urlencode({"run_ids": [own_run, their_run], "metric_key": "m"}, doseq=True)
refused(call("GET", f"{API}/metrics/get-history-bulk-interval?{bulk}", MINE), "sampled history of own and other runs")
refused(
    call("POST", "/api/tally/v1/metrics/chart", MINE, {"run_ids": [own_run, their_run], "metric_keys": ["m"]}),
    "a chart of own and other runs",
)
for path, key in (("runs/search", "runs"), ("logged-models/search", "models")):
    answer = call("POST", f"{API}/{path}", MINE, {"experiment_ids": [own, theirs]})
    allowed(answer, f"{path} of own and other experiments")
    check(
        their_run.encode() not in answer.body and their_model.encode() not in answer.body and len(answer.json[key]) == 1,
        f"{path} shows the own ones only, got {answer}",
    )

# --- versions of registered models hand on no files that one may not read ---
def new_version(name, source, **more):
    return call("POST", f"{API}/model-versions/create", MINE, {"name": name, "source": source, **more})


for who, name in ((MINE, "own model"), (ADMIN, "their model")):
    call("POST", f"{API}/registered-models/create", who, {"name": name})
secret_root = f"mlflow-artifacts:/{theirs}/{their_run}/artifacts"
call("POST", f"{API}/model-versions/create", ADMIN, {"name": "their model", "source": secret_root, "run_id": their_run})
FILES = (400, 403, 404)
refused(new_version("own model", secret_root), "another's files as a source", FILES)
for run_id in (their_run, own_run):
    refused(new_version("own model", secret_root, run_id=run_id), f"another's files as a source, of run {run_id}", FILES)
for way in (f"{theirs}/{their_run}/artifacts/..", f"{own}/{own_run}/artifacts/../../../{theirs}/{their_run}/artifacts",
            f"{own}/{own_run}/artifacts/%2e%2e/%2e%2e/%2e%2e/{theirs}", f"{own}/{own_run}/artifactsx", "", "/"):
    for start in ("mlflow-artifacts:/", "mlflow-artifacts://h/", f"http://h{ARTIFACTS}/artifacts/"):
        refused(new_version("own model", start + way, run_id=own_run), f"{start}{way} as a source", FILES)
for source in (f"models:/{their_model}", f"{secret_root[:-9]}../models/{their_model}/artifacts"):
    refused(new_version("own model", source, model_id=their_model), f"another's logged model by {source}", FILES)
refused(new_version("own model", "s3://bucket/model", run_id=their_run), "another's run as the origin")
refused(new_version("own model", "s3://bucket/model", model_id=their_model), "another's logged model as the origin")
refused(new_version("own model", f"runs:/{their_run}/secret.txt", run_id=their_run), "another's run as a source")
for suffix in ("/1", "/latest", "/None"):
    refused(new_version("own model", f"models:/their model{suffix}"), f"a copy of another's version{suffix}")
refused(new_version("their model", "s3://bucket/model"), "a version of another's model")
allowed(new_version("own model", f"mlflow-artifacts:/{own}/{own_run}/artifacts", run_id=own_run), "own files as a source")
allowed(new_version("own model", f"models:/{own_model}", model_id=own_model), "an own logged model as a source")
answer = call("GET", f"{API}/registered-models/get-latest-versions?name=own%20model", MINE)
check([one["version"] for one in answer.json["model_versions"]] == ["2"], f"nothing else was made, got {answer}")

# --- page tokens show to nobody what they show to somebody else ---
for _ in range(3):
    new_run(ADMIN, theirs)
page = call("POST", f"{API}/runs/search", ADMIN, {"experiment_ids": [theirs], "max_results": 1}).json["next_page_token"]
answer = call("POST", f"{API}/runs/search", MINE, {"experiment_ids": [theirs], "max_results": 1, "page_token": page})
check(not answer.json.get("runs"), f"a page token of somebody else, got {answer}")

# --- ids inside bodies ---
refused(
    call("POST", f"{API}/runs/log-inputs", MINE, {"run_id": own_run, "models": [{"model_id": their_model}]}),
    "another's model as an input",
)
refused(
    call("POST", f"{API}/runs/outputs", MINE, {"run_id": own_run, "models": [{"model_id": their_model, "step": 1}]}),
    "another's model as an output",
)
point = {"key": "m", "value": 1.0, "timestamp": 1, "step": 1, "model_id": their_model}
refused(call("POST", f"{API}/runs/log-batch", MINE, {"run_id": own_run, "metrics": [point]}), "a point of another's model")
refused(
    call("POST", f"{API}/runs/log-metric", MINE, {"run_id": own_run, **point}),
    "one point of another's model",
)
for _ in range(2):
    refused(
        call("POST", f"{API}/runs/log-metric", MINE, {"run_id": their_run, "key": "m", "value": 1, "timestamp": 1}),
        "a point of another's run",
    )
refused(
    call("POST", f"{API}/logged-models", MINE, {"experiment_id": own, "name": "x", "source_run_id": their_run}),
    "a model made of another's run",
)
refused(
    call("PATCH", f"{API}/logged-models/{own_model}", MINE, {"model_id": their_model, "status": "LOGGED_MODEL_READY"}),
    "one model in the path and another in the body",
    (400, 403, 404),
)
refused(
    call("POST", f"{API}/runs/set-tag?run_id={own_run}", MINE, {"run_id": their_run, "key": "k", "value": "v"}),
    "an own run in the query and another in the body",
)
refused(
    call("POST", f"{API}/runs/set-tag", MINE, {"runId": own_run, "run_id": their_run, "key": "k", "value": "v"}),
    "two spellings of an id",
    (400,),
)
raw = b'{"run_id":"%s","run_id":"%s","key":"k","value":"v"}' % (own_run.encode(), their_run.encode())
refused(
    call("POST", f"{API}/runs/set-tag", MINE, raw=raw, headers={"Content-Type": "application/json"}),
    "a name twice in a body",
    (400, 403, 404),
)
raw = b'{"run_id":"%s","run_id":"%s","metrics":[{"key":"m","value":1,"timestamp":1,"step":0}]}' % (
    own_run.encode(),
    their_run.encode(),
)
for _ in range(2):
    refused(
        call("POST", f"{API}/runs/log-batch", MINE, raw=raw, headers={"Content-Type": "application/json"}),
        "a name twice in a batch",
        (400, 403, 404),
    )
check(sql(f"SELECT count(*) FROM metric_tail WHERE run_id = '{their_run}'") == ["0"], "nothing was logged to another's run")
check(sql(f"SELECT tags ? 'k' FROM run WHERE run_id = '{their_run}'") == ["f"], "no tag was set on another's run")

# --- artifacts ---
for path in (
    f"{theirs}/{their_run}/artifacts/secret.txt",
    f"{own}/../{theirs}/{their_run}/artifacts/secret.txt",
    f"{own}/%2e%2e/{theirs}/{their_run}/artifacts/secret.txt",
    f"{own}/{own_run}/artifacts/..%2f..%2f..%2f{theirs}/{their_run}/artifacts/secret.txt",
    f"{own}//..//{theirs}/{their_run}/artifacts/secret.txt",
    f"./{theirs}/{their_run}/artifacts/secret.txt",
    f"%2f{theirs}/{their_run}/artifacts/secret.txt",
    f"0{theirs}/{their_run}/artifacts/secret.txt",
    f"{theirs}%2f{their_run}/artifacts/secret.txt",
    f"{theirs}%252f{their_run}/artifacts/secret.txt",
    f"workspaces/default/{theirs}/{their_run}/artifacts/secret.txt",
):
    for method in ("GET", "HEAD", "DELETE"):
        refused(call(method, f"{ARTIFACTS}/artifacts/{path}", MINE), f"{method} {path}", (400, 403, 404))
    refused(call("GET", f"{ARTIFACTS}/presigned/{path}", MINE), f"a signed URL of {path}", (400, 403, 404))
    refused(call("PUT", f"{ARTIFACTS}/artifacts/{path}", MINE, raw=b"x"), f"PUT {path}", (400, 403, 404))
for path in ("", str(theirs), f"{theirs}/{their_run}", f"{theirs}/{their_run}/artifacts"):
    query = urllib.parse.urlencode({"path": path})
    refused(call("GET", f"{ARTIFACTS}/artifacts?{query}", MINE), f"the list of '{path}'")
    refused(call("GET", f"/api/tally/v1/artifacts?{query}", MINE), f"browsing '{path}'")
query = urllib.parse.urlencode({"run_id": own_run, "path": f"../../{their_run}/artifacts"})
refused(call("GET", f"{API}/artifacts/list?{query}", MINE), "a list below an own run that climbs out", (400, 403, 404))
query = urllib.parse.urlencode({"run_id": own_run, "model_id": their_model})
refused(call("GET", f"/api/tally/v1/artifacts/archive?{query}", MINE), "an archive of two", (400, 403, 404))
for path in (f"runs/{their_run}.tar", f"runs/{their_run}/secret.txt", f"{their_model}.zip", f"runs/../runs/{their_run}.tar"):
    refused(call("GET", f"/download/{path}", MINE), f"download of {path}", (400, 403, 404))
refused(
    call("POST", f"{API}/artifacts/presigned-upload-url", MINE, {"run_id": own_run, "path": f"../../../{theirs}/x"}),
    "a signed URL that climbs out",
    (400, 403, 404),
)
users = call("GET", "/api/tally/v1/blobs/" + __import__("hashlib").sha256(b"top secret").hexdigest() + "/users", MINE)
check(their_run not in users.body.decode(), f"users of another's content, got {users}")
check(
    call("GET", f"{ARTIFACTS}/artifacts/{theirs}/{their_run}/artifacts/secret.txt", ADMIN).body == b"top secret",
    "the secret is unharmed",
)

# --- an experiment whose artifacts lie among another's gives no right to these ---
answer = call(
    "POST",
    f"{API}/experiments/create",
    MINE,
    {"name": "inside", "artifact_location": f"mlflow-artifacts:/{theirs}/{their_run}/artifacts"},
)
if answer.status == 200:
    inside = new_run(MINE, answer.json["experiment_id"])
    query = urllib.parse.urlencode({"run_id": inside, "path": "secret.txt"})
    refused(call("GET", f"/get-artifact?{query}", MINE), "a file beside an own run's directory")
    refused(
        call("GET", f"{ARTIFACTS}/artifacts/{theirs}/{their_run}/artifacts/secret.txt", MINE), "the path of the other's run"
    )
    refused(
        call("DELETE", f"{ARTIFACTS}/artifacts/{theirs}/{their_run}/artifacts", MINE), "deleting what an own run lies in"
    )

# --- uploads in parts of others ---
made = call("POST", f"{ARTIFACTS}/mpu/create/{theirs}/{their_run}/artifacts", ADMIN, {"path": "big", "num_parts": 1}).json
upload = made["upload_id"]
refused(call("GET", f"/api/tally/v1/uploads/{upload}", MINE), "another's upload")
for where in (f"{theirs}/{their_run}/artifacts", f"{own}/{own_run}/artifacts"):
    for step, body in (
        ("complete", {"path": "big", "upload_id": upload, "parts": [{"part_number": 1, "etag": "x"}]}),
        ("abort", {"path": "big", "upload_id": upload}),
    ):
        refused(call("POST", f"{ARTIFACTS}/mpu/{step}/{where}", MINE, body), f"{step} of another's upload at {where}")
allowed(call("GET", f"/api/tally/v1/uploads/{upload}", ADMIN), "the upload is still there")

# --- names ---
answer = call("GET", f"{API}/experiments/get-by-name?experiment_name=theirs", MINE)
absent = call("GET", f"{API}/experiments/get-by-name?experiment_name=theirz", MINE)
check(
    answer.status == absent.status == 404 and answer.message.replace("theirs", "theirz") == absent.message,
    f"a name that may not be known is as none, got {answer} and {absent}",
)

# --- credentials that are no credentials ---
basic = base64.b64encode(b"root:" + b"x" * 40).decode()
for header in (
    "",
    "Bearer",
    "Bearer ",
    "Bearer tly_",
    "Basic",
    "Basic !!!!",
    "Basic " + base64.b64encode(b"no colon").decode(),
    "Basic " + base64.b64encode(b":").decode(),
    "Digest username=root",
    "Bearer " + MINE + "x",
    "Bearer " + MINE[:-1],
    "Bearer a.b.c",
    "Bearer " + "a" * 5000,
    "Basic " + basic,
):
    answer = call("GET", f"{API}/experiments/get?experiment_id={own}", headers={"Authorization": header} if header else {})
    check(answer.status in (401, 429, 431), f"Authorization: {header[:40]} is refused, got {answer}")
for cookie in ("tally_session=", "tally_session=x", "tally_session=" + MINE):
    answer = call("GET", f"{API}/experiments/get?experiment_id={own}", headers={"Cookie": cookie})
    check(answer.status == 401, f"Cookie: {cookie[:30]} is refused, got {answer}")
for header in ("X-Forwarded-User", "X-Remote-User", "Remote-User"):
    answer = call("GET", f"{API}/experiments/get?experiment_id={own}", headers={header: "root"})
    check(answer.status == 401, f"{header} of anybody is no identity, got {answer}")
answer = call("GET", f"{API}/experiments/get?experiment_id={own}", headers={"Authorization": "Basic " + base64.b64encode(f"anything:{MINE}".encode()).decode()})
allowed(answer, "a token as a password, as clients without tokens send it")

# --- a token that may do less ---
weak = token_of("root", level=1, actions=0, admin=False)
answer = call("POST", f"{API}/runs/set-tag", weak, {"run_id": their_run, "key": "k", "value": "v"})
check(answer.status == 403 and "token" in answer.message, f"a token for reading says why, got {answer}")
allowed(call("GET", f"{API}/runs/get?run_id={their_run}", weak), "a token for reading reads")
no_delete = token_of("root", level=4, actions=0)
refused(call("POST", f"{API}/runs/delete", no_delete, {"run_id": their_run}), "a token without the action delete", (403,))

# --- protected actions ---
grant("mallory", 3, experiment=theirs, actions=4)
changed()
allowed(call("POST", f"{API}/runs/delete", MINE, {"run_id": their_run}), "EDIT with the action delete deletes")
allowed(call("POST", f"{API}/runs/restore", MINE, {"run_id": their_run}), "and restores")

# --- headers that are there twice ---
def twice(name, values):
    connection = http.client.HTTPConnection(URL.hostname, URL.port, timeout=60)
    connection.putrequest("GET", f"{API}/experiments/get?experiment_id={theirs}")
    for value in values:
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


refused(twice("Authorization", [f"Bearer {MINE}", f"Bearer {ADMIN}"]), "two callers in one request", (400,))
refused(twice("Authorization", [f"Bearer {ADMIN}", f"Bearer {MINE}"]), "two callers in one request, turned round", (400,))
refused(twice("Cookie", ["tally_session=a", "tally_session=b"]), "two cookies", (400, 401))
allowed(twice("Authorization", [f"Bearer {ADMIN}"] * 2), "the same caller twice")

# --- quotas ---
limited = account("limited")
grant("limited", 4)
# A bucket of ten seconds, which fills meanwhile.
PER_S = 2
sql(f"UPDATE account SET requests_per_s = {PER_S} WHERE username = 'limited'")
changed()
start = time.monotonic()
good = 0
while True:
    answer = call("GET", f"{API}/experiments/get?experiment_id=0", limited)
    took = time.monotonic() - start
    if answer.status != 200 or took > 60:
        break
    good += 1
check(answer.status == 429 and 10 * PER_S <= good <= 10 * PER_S + PER_S * took + 1,
      f"{10 * PER_S} requests at once, got {good} in {took:.1f} s and then {answer}")
check(answer.headers.get("Retry-After") == "1", f"and is told when to come again, got {answer.headers}")
check(call("GET", f"{API}/experiments/get?experiment_id=0", ADMIN).status == 200, "others do not notice")
# The day of the bytes is UTC's, and must not end in between.
left = 86400 - time.time() % 86400
if left < 120:
    time.sleep(left + 1)
sql("UPDATE account SET requests_per_s = NULL, bytes_per_day = 100000 WHERE username = 'limited'")
changed()
quota_run = new_run(limited, "0")
path = f"{ARTIFACTS}/artifacts/0/{quota_run}/artifacts/x"
check(call("PUT", path, limited, raw=b"x" * 60000).status == 200, "60 KB of 100")
over = call("PUT", path, limited, raw=b"x" * 60000)
check(over.status == 429 and int(over.headers.get("Retry-After", 0)) > 1, f"and 60 more are too many, got {over}")


def pieces():
    for _ in range(5):
        yield b"y" * 10000


check(call("PUT", path, limited, raw=pieces()).status == 200, "unannounced bytes are counted when they came")
check(call("PUT", path, limited, raw=b"z").status == 429, "so that nothing is left then")
check(call("GET", path, limited).status == 200, "reading takes nothing of it")

# --- many at once see no difference ---
wrong = []


def hammer(token, run, wanted):
    for _ in range(60):
        answer = call("POST", f"{API}/runs/log-metric", token, {"run_id": run, "key": "h", "value": 1, "timestamp": 1})
        if answer.status not in wanted:
            wrong.append(answer)


threads = [threading.Thread(target=hammer, args=a) for a in ((MINE, own_run, (200,)), (ADMIN, their_run, (200,)), (None, own_run, (401,)), (weak, own_run, (403,)))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
check(not wrong, f"callers are told apart under load, got {wrong[:2]}")
end()
