"""The dry run of a stage says exactly what the transition then does, with what is archived along."""

import itertools

from world import *

TALLY = "/api/tally/v1"
STAGES = ["None", "Staging", "Production", "Archived"]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ROOT = account("root", admin=True)
# Who has the action promote, and who has not.
CALLERS = {"pat": account("pat"), "eve": account("eve")}
grant("pat", 3, actions=1)
grant("eve", 3)
changed()

# What guards which stage; the version that moves has the tag "good", and so has the first of the others.
FROZEN = {"freeze": [{"days": DAYS}]}
SETUPS = {
    "no gate": {},
    "a protected Archived": {"Archived": {}},
    "movers of Archived": {"Archived": {"movers": {"users": ["nobody"]}}},
    "tags of Archived": {"Archived": {"tags": [{"key": "good"}]}},
    "a frozen Archived": {"Archived": FROZEN},
    "a frozen Production": {"Production": FROZEN},
    "movers of Production": {"Production": {"movers": {"users": ["pat"]}}},
    "a check before Production": {"Production": {"checks": ["tests"]}},
    "tags of Production, and of Archived": {"Production": {"tags": [{"key": "good"}]}, "Archived": {"tags": [{"key": "old"}]}},
    "a frozen Staging": {"Staging": FROZEN, "Production": {}},
}


def allowed(answer, what):
    check(answer.status == 200, f"{what}, got {answer}")
    return answer


def stages_of(name):
    return sql(
        "SELECT v.stage FROM model_version AS v JOIN registered_model AS m USING (registered_model_id)"
        f" WHERE m.name = '{name}' ORDER BY version"
    )


def put_stages(name, *stages):
    """The stages of the versions, past every gate."""
    values = ", ".join(f"({number}, {STAGES.index(stage)})" for number, stage in enumerate(stages, 1))
    sql(
        f"UPDATE model_version AS v SET stage = p.stage FROM (VALUES {values}) AS p (version, stage), registered_model AS m"
        f" WHERE m.name = '{name}' AND v.registered_model_id = m.registered_model_id AND v.version = p.version"
    )


def compare(name, token, before, to, archive, what):
    """Ask, then do it; gives how it ended."""
    put_stages(name, *before)
    held = [str(STAGES.index(stage)) for stage in before]
    query = urllib.parse.urlencode({"stage": to, **({"archive_existing_versions": archive} if archive else {})})
    said = call("GET", f"{TALLY}/registered-models/{name}/versions/1/gate?{query}", token)
    done = call(
        "POST",
        f"{API}/model-versions/transition-stage",
        token,
        {"name": name, "version": "1", "stage": to, "archive_existing_versions": archive == "true"},
    )
    if done.status == 400:
        check((said.status, said.message) == (400, done.message), f"{what}: both are refused alike, {said} and {done}")
        return done.status
    if not check(said.status == 200, f"{what}: it is told, got {said}"):
        return done.status
    missing = said.json.get("missing", [])
    rules = {item["rule"] for item in missing}
    check(said.json["allowed"] == (not missing), f"{what}: allowed exactly when nothing is missing, got {said}")
    check(said.json["allowed"] == (done.status == 200), f"{what}: the dry run says {said}, and it came to {done}")
    check(("permission" in rules) == (done.status == 403), f"{what}: the right is missing in both, {said} and {done}")
    if done.status == 409:
        check(done.json["missing"] == missing, f"{what}: both miss the same, {said} and {done}")
    if done.status != 200:
        check(stages_of(name) == held, f"{what}: what is refused moves nothing")
    return done.status


ends = {}
for number, (title, gates) in enumerate(SETUPS.items()):
    name = f"m{number}"
    allowed(call("POST", f"{API}/registered-models/create", ROOT, {"name": name}), "a model")
    for tags in ([{"key": "good", "value": ""}], [{"key": "good", "value": ""}], []):
        body = {"name": name, "source": "s3://b/m", "tags": tags}
        allowed(call("POST", f"{API}/model-versions/create", ROOT, body), "a version")
    for stage, rules in gates.items():
        allowed(call("PUT", f"{TALLY}/registered-models/{name}/gates", ROOT, {"stage": stage, "rules": rules}), f"a gate, {title}")
    ways = [("pat", *way) for way in itertools.product(STAGES, STAGES, ("true", ""))]
    ways += [("eve", *way) for way in itertools.product(("None", "Production"), ("Production",), ("true", "false"))]
    for who, start, to, archive in ways:
        what = f"{title}: {who} moves it from {start} to {to}, archiving {archive or 'unsaid'}"
        status = compare(name, CALLERS[who], (start, "Production", "Production"), to, archive, what)
        ends.setdefault(archive, set()).add(status)
check(ends["true"] == {200, 400, 403, 409}, f"all ends are among them, got {ends}")

# --- the words tell which version is in the way ---
name = "m3"
put_stages(name, "None", "Production", "Production")
path = f"{TALLY}/registered-models/{name}/versions/1/gate?stage=Production&archive_existing_versions=true"
(item,) = call("GET", path, CALLERS["pat"]).json["missing"]
check(
    (item["version"], item["stage"], item["text"]) == (3, "Archived", "version 3, to go to Archived: tag 'good' is missing"),
    f"the version without the tag, got {item}",
)
body = {"name": name, "version": "1", "stage": "Production", "archive_existing_versions": True}
answer = call("POST", f"{API}/model-versions/transition-stage", CALLERS["pat"], body)
why = "A gate does not let version 3 have stage 'Archived' of registered model 'm3': tag 'good' is missing."
check(answer.message == why, f"and in the sentence, got {answer}")
for query in ("alias=prod&archive_existing_versions=true", "stage=Staging&rollback=true"):
    answer = call("GET", f"{TALLY}/registered-models/{name}/versions/1/gate?{query}", ROOT)
    check(answer.status == 400 and "belongs to" in answer.message, f"{query} is a mistake, got {answer}")

# --- of many that would be archived the first is told, whatever they are ---
sql(
    "INSERT INTO model_version (registered_model_id, version, source, user_id, stage, created_at_ms, updated_at_ms)"
    " SELECT m.registered_model_id, n, 's3://b/m', '', 2, 1, 1 FROM registered_model AS m, generate_series(4, 2000) AS n"
    f" WHERE m.name = '{name}'"
)
put_stages(name, "None", "Production", "None")
found = call("GET", path, CALLERS["pat"])
check(
    [item["version"] for item in found.json.get("missing", [])] == [4] and "met" not in found.json,
    f"one of thousands is told, got {found}",
)
end()
