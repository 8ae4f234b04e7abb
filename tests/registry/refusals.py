"""Whatever the registry refuses leaves a trace in the audit trail and in the log, and stays refused when it cannot."""

import re
import time

from world import *

TALLY = "/api/tally/v1"
MODEL = f"{TALLY}/registered-models/m"
LIMIT_S = 60
ROOT = account("root", admin=True)
EVE = account("eve")
CI = account("ci")
grant("eve", 3)
grant("ci", 4)
changed()
open_daemon = Daemon()
URLS = {"with accounts": URL, "without": open_daemon.url}


def wait_for(read, good):
    """Read until it is as wanted; gives what was read last."""
    deadline = time.monotonic() + LIMIT_S
    found = read()
    while not good(found) and time.monotonic() < deadline:
        time.sleep(0.05)
        found = read()
    return found


def trail(**more):
    query = urllib.parse.urlencode({"refused": "true", "max_results": 1000, **more})
    return call("GET", f"{TALLY}/audit?{query}", ROOT).json.get("entries", [])


def newest(**more):
    entries = wait_for(lambda: trail(**more), bool)
    return entries[0] if entries else {"detail": {}}


def counter(name):
    """The sum of a counter of both daemons."""
    pages = [call("GET", "/metrics", ROOT, url=url).body.decode() for url in URLS.values()]
    return sum(int(re.search(rf"^{name} (\d+)$", page, re.M).group(1)) for page in pages)


def allowed(answer, what):
    check(answer.status == 200, f"{what}, got {answer}")


allowed(call("POST", f"{API}/registered-models/create", ROOT, {"name": "m"}), "a model")
for _ in range(2):
    allowed(call("POST", f"{API}/model-versions/create", ROOT, {"name": "m", "source": "s3://b/m"}), "a version")
allowed(call("POST", f"{MODEL}/promote", ROOT, {"alias": "held", "version": 1}), "what is held before the gates are there")
allowed(call("PUT", f"{TALLY}/gates", ROOT, {"model_pattern": "m*", "alias": "prod", "rules": {"checks": ["tests"]}}), "checks")
allowed(call("PUT", f"{TALLY}/gates", ROOT, {"model_pattern": "m*", "alias": "held", "rules": {"movers": {"users": ["nobody"]}}}), "movers")
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
allowed(call("PUT", f"{MODEL}/gates", ROOT, {"alias": "frozen", "rules": {"freeze": [{"days": days}]}}), "a freeze")
allowed(call("PUT", f"{MODEL}/gates", ROOT, {"stage": "Production", "rules": {"checks": ["tests"]}}), "of a stage")

# --- each way to be refused ---
# How, what with, a part of the sentence, and the list that the answer has.
refusals = [
    ("POST", f"{MODEL}/promote", {"alias": "prod", "version": 1, "reason": "x"}, "tests", "missing"),
    ("POST", f"{MODEL}/promote", {"alias": "canary", "version": 1, "expect_version": 2}, "version 2 was expected", "current"),
    ("POST", f"{MODEL}/promote", {"alias": "frozen", "version": 1}, "frozen", "missing"),
    ("POST", f"{MODEL}/promote", {"alias": "held", "version": 2}, "not among those who may move it", "missing"),
    ("POST", f"{MODEL}/rollback", {"alias": "held", "expect_version": 2}, "version 2 was expected", "current"),
    ("POST", f"{API}/registered-models/alias", {"name": "m", "alias": "prod", "version": "1"}, "tests", "missing"),
    ("DELETE", f"{API}/registered-models/alias", {"name": "m", "alias": "held"}, "not among those who may move it", "missing"),
    ("POST", f"{API}/model-versions/transition-stage",
     {"name": "m", "version": "1", "stage": "Production", "archive_existing_versions": False}, "tests", "missing"),
    ("POST", f"{API}/registered-models/rename", {"name": "m", "new_name": "free"}, "would not under the name 'free'", None),
    ("DELETE", f"{API}/model-versions/delete", {"name": "m", "version": "1"}, "'held', which a gate guards", None),
    ("DELETE", f"{API}/registered-models/delete", {"name": "m"}, "A gate protects alias 'held'", None),
]
held = sql("SELECT alias, version FROM model_alias ORDER BY alias")
last = 0
for method, path, body, why, list_name in refusals:
    answer = call(method, path, CI, body, headers={"User-Agent": "pipeline/1", "X-Tally-Run-URL": "https://ci.example/7"})
    check(answer.status == 409 and why in answer.message, f"{method} {path} {body} is refused because of {why}, got {answer}")
    entries = wait_for(lambda: trail(object="registered-model:m"), lambda found: found and int(found[0]["audit_id"]) > last)
    entry = entries[0]
    last = int(entry["audit_id"])
    detail = entry["detail"]
    check(
        (entry["actor"], entry["method"], entry["address"], entry["times"]) == ("ci", "token", "127.0.0.1", 1),
        f"who and from where, got {entry}",
    )
    check(entry["action"] == f"{method} {path.replace('/m/', '/{name}/')}", f"which call, got {entry}")
    check(detail["why"] == answer.message, f"why, got {entry}")
    check(detail["request"] == body, f"what was asked, got {entry}")
    check(detail["client"] == "pipeline/1" and detail["run_url"] == "https://ci.example/7", f"from which job, got {entry}")
    check(detail["claimed"] is False, f"nothing is claimed, got {entry}")
    if list_name:
        check(detail[list_name] == answer.json[list_name], f"what was missing, got {entry} instead of {answer}")
check(sql("SELECT alias, version FROM model_alias ORDER BY alias") == held, "nothing has moved")
if not check(sql("SELECT name FROM registered_model") == ["m"], "nor got another name"):
    open_daemon.stop()
    end()
answer = call("POST", f"{API}/registered-models/alias", EVE, {"name": "m", "alias": "prod", "version": "1"})
check(answer.status == 403, f"who may edit but not promote is refused, got {answer}")
entry = newest(actor="eve", object="registered-model:m")
check(entry["detail"].get("why") == answer.message, f"that too is in the trail, got {entry}")

# --- a workspace that stays ---
WORKSPACES = "/api/3.0/mlflow/workspaces"
with_workspaces = Daemon("--auth", "--workspaces")
answer = call("POST", WORKSPACES, ROOT, {"name": "team-a"}, url=with_workspaces.url)
check(answer.status == 201, f"a workspace, got {answer}")
there = {"X-MLFLOW-WORKSPACE": "team-a"}
allowed(call("POST", f"{API}/registered-models/create", ROOT, {"name": "theirs"}, headers=there, url=with_workspaces.url), "a model there")
gate = {"model_pattern": "*", "alias": "prod", "rules": {}}
ways = [("team-a", "RESTRICT", 409, "it still holds 1 registered models"), ("default", "CASCADE", 400, "reserved")]
for name, mode, status, why in [*ways, ("team-a", "CASCADE", 409, "it still has 1 gates")]:
    if status == 409 and mode == "CASCADE":
        allowed(call("PUT", f"{TALLY}/gates", ROOT, gate, headers=there, url=with_workspaces.url), "a gate there")
    answer = call("DELETE", f"{WORKSPACES}/{name}?mode={mode}", ROOT, url=with_workspaces.url)
    check(answer.status == status and why in answer.message, f"{name} stays because {why}, got {answer}")
    found = wait_for(lambda: [e for e in trail(object=f"workspace:{name}") if e["detail"]["why"] == answer.message], bool)
    what = [(e["actor"], e["action"], e["times"]) for e in found]
    check(what == [("root", f"DELETE {WORKSPACES}/{{name}}", 1)], f"{name}, {mode}: the trail has it, got {found}")
with_workspaces.stop()

# --- with authentication off the name is a claim ---
answer = call("POST", f"{MODEL}/promote", None, refusals[0][2], headers={"X-Tally-Actor": "zoe"}, url=open_daemon.url)
check(answer.status == 409, f"a refusal without accounts, got {answer}")
entry = newest(actor="zoe")
check(entry.get("method") == "none" and entry["detail"].get("claimed") is True, f"is recorded as claimed, got {entry}")
check(b"event=registry_refused actor=zoe" in wait_for(open_daemon.text, lambda text: b"registry_refused" in text), "and is in the log")

# --- what jsonb cannot store, and what is long, costs the request in the trail, not the entry ---
for more in ({"x": "a\u0000b"}, {"x": "y" * 10000}):
    before = len(trail(actor="ci"))
    alias = {"name": "m", "alias": "prod", "version": "1", **more}
    check(call("POST", f"{API}/registered-models/alias", CI, alias).status == 409, "a strange request is refused")
    entries = wait_for(lambda: trail(actor="ci"), lambda found: len(found) > before)
    check(len(entries) > before and "request" not in entries[0]["detail"], f"and noted without it, got {entries[0]}")

# --- many: all are counted, and what is too much for the trail is counted as such ---
before = sum(entry["times"] for entry in trail(actor="flood")), counter("tally_audit_dropped_total")
refused_before = counter("tally_registry_refused_total")
MANY = 400
for number in range(MANY):
    body = {"alias": "prod", "version": 1, "reason": str(number // 2)}
    answer = call("POST", f"{MODEL}/promote", None, body, headers={"X-Tally-Actor": "flood"}, url=open_daemon.url)
    if answer.status != 409:
        check(False, f"each of many is refused, got {answer}")
        break


def noted():
    written = int(sql("SELECT coalesce(sum(times), 0) FROM audit WHERE actor = 'flood' AND refused")[0])
    return written + counter("tally_audit_dropped_total") - before[1]


check(wait_for(noted, lambda number: number >= MANY) == MANY, f"each of {MANY} is written or counted, got {noted()}")
check(counter("tally_registry_refused_total") - refused_before == MANY, "the counter has them")

# --- the trail cannot be written: what is refused stays refused ---
dropped = counter("tally_audit_dropped_total")
sql("ALTER TABLE audit RENAME TO audit_away")
for url, token in ((URL, CI), (open_daemon.url, None)):
    answer = call("POST", f"{MODEL}/promote", token, refusals[0][2], url=url)
    check(answer.status == 409 and answer.json.get("missing"), f"refused as ever, got {answer}")
lost = wait_for(lambda: counter("tally_audit_dropped_total") - dropped, lambda number: number >= 2)
check(lost == 2, f"what could not be written is counted, got {lost}")
check(sql("SELECT alias, version FROM model_alias ORDER BY alias") == held, "nothing has moved")
sql("ALTER TABLE audit_away RENAME TO audit")
check(call("POST", f"{MODEL}/promote", CI, {**refusals[0][2], "reason": "again"}).status == 409, "refused again")
check(wait_for(lambda: [e for e in trail(actor="ci") if e["detail"].get("request", {}).get("reason") == "again"], bool), "and written again")

# --- the trail is away for a while: what is refused meanwhile is written then ---
dropped = counter("tally_audit_dropped_total")
holder = subprocess.Popen(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", DATABASE], stdin=subprocess.PIPE, text=True)
holder.stdin.write("BEGIN;\nLOCK TABLE audit IN ACCESS EXCLUSIVE MODE;\n")
holder.stdin.flush()
locked = "SELECT count(*) FROM pg_locks WHERE relation = 'audit'::regclass AND mode = 'AccessExclusiveLock' AND granted"
wait_for(lambda: sql(locked), lambda found: found == ["1"])
answer = call("POST", f"{MODEL}/promote", None, refusals[0][2], headers={"X-Tally-Actor": "outage"}, url=open_daemon.url)
check(answer.status == 409, f"refused while the trail is away, got {answer}")
check(b"kept=true" in wait_for(open_daemon.text, lambda text: b"kept=true" in text), "the log tells that it waits")
holder.communicate("COMMIT;\n")
check(newest(actor="outage").get("times") == 1, "and is written when the trail is back, once")
check(counter("tally_audit_dropped_total") == dropped, "nothing was dropped")

# --- what waits at the end is written ---
answer = call("POST", f"{MODEL}/promote", None, refusals[0][2], headers={"X-Tally-Actor": "last"}, url=open_daemon.url)
check(answer.status == 409, f"a last one, got {answer}")
open_daemon.stop()
check(len(trail(actor="last")) == 1, "a daemon that ends writes what it has")
end()
