"""Attempts to move what a gate guards without passing it, through every endpoint that could."""

import urllib.parse

from world import *

TALLY = "/api/tally/v1"
ROOT = account("root", admin=True)
# Rights with every model: EDIT; EDIT and the action promote; MANAGE. Only ci is among the movers.
EDIT = account("eve")
PROMOTER = account("pat")
MANAGER = account("mallory")
CI = account("ci")
grant("eve", 3)
grant("pat", 3, actions=1)
grant("mallory", 3)
grant("ci", 3, actions=1)
changed()
ATTACKERS = {"eve": EDIT, "pat": PROMOTER, "mallory": MANAGER}


def post(path, body, token=ROOT, **more):
    return call("POST", path, token, body, **more)


def allowed(answer, what):
    check(answer.status == 200, f"{what}, got {answer}")
    return answer


def make(name, versions=2, token=ROOT, source="s3://bucket/m"):
    allowed(post(f"{API}/registered-models/create", {"name": name}, token), f"make {name}")
    for _ in range(versions):
        allowed(post(f"{API}/model-versions/create", {"name": name, "source": source}, token), f"a version of {name}")
    grant("mallory", 4, model=name)
    changed()


def state():
    """Everything that gates guard."""
    return sql(
        "SELECT m.name || '|' || a.alias || '|' || a.version AS held FROM model_alias AS a JOIN registered_model AS m"
        " USING (registered_model_id) UNION ALL SELECT m.name || '|' || v.version || '|' || v.stage FROM model_version AS v"
        " JOIN registered_model AS m USING (registered_model_id) WHERE v.stage <> 0 AND v.deleted_at_ms IS NULL ORDER BY held"
    )


def now():
    """What gates guard, and how long the ledger is."""
    return state() + sql("SELECT entry FROM ledger_head")


def refused(answer, what, before, statuses=(403, 409)):
    """It was refused, changed nothing, and left no entry."""
    check(answer.status in statuses, f"{what} is refused, got {answer}")
    check(now() == before, f"{what} changes nothing")


def moves(name, version, token, who):
    """Every call that gives prod or Production to a version."""
    alias = {"name": name, "alias": "prod", "version": str(version)}
    promote = {"alias": "prod", "version": version}
    stage = {"name": name, "version": str(version), "stage": "Production"}
    model = f"{TALLY}/registered-models/{urllib.parse.quote(name)}"
    yield f"{who}: alias", post(f"{API}/registered-models/alias", alias, token)
    yield f"{who}: alias as the dashboard asks", post("/ajax-api/2.0/mlflow/registered-models/alias", alias, token)
    yield f"{who}: alias as ci", post(f"{API}/registered-models/alias", alias, token, headers={"X-Tally-Actor": "ci"})
    yield f"{who}: promote", post(f"{model}/promote", promote, token)
    yield f"{who}: promote by force", post(f"{model}/promote", {**promote, "force": True, "reason": "I may"}, token)
    yield f"{who}: promote with another", post(
        f"{model}/promote", {"moves": [{"alias": "free", "version": version}, promote]}, token
    )
    yield f"{who}: stage", post(f"{API}/model-versions/transition-stage", stage, token)
    yield f"{who}: stage in other letters", post(
        f"{API}/model-versions/transition-stage", {**stage, "stage": "production", "archive_existing_versions": False}, token
    )
    yield f"{who}: stage, archiving", post(
        f"{API}/model-versions/transition-stage", {**stage, "archive_existing_versions": True}, token
    )


def none_moves(name, version, token, who):
    """All of these calls are refused, and change nothing."""
    before = now()
    for label, answer in moves(name, version, token, who):
        check(answer.status in (403, 409), f"{label} is refused, got {answer}")
    check(now() == before, f"{who}: nothing of it changes anything")


def all_refused(name, version, what):
    for who, token in {**ATTACKERS, "ci": CI}.items():
        none_moves(name, version, token, f"{what}: {who}")


RULES = {"checks": [{"name": "tests", "by": {"users": ["ci"]}}], "movers": {"users": ["ci"]}}
for guarded in ({"alias": "prod"}, {"stage": "Production"}):
    allowed(call("PUT", f"{TALLY}/gates", ROOT, {"model_pattern": "guarded-*", "rules": RULES, **guarded}), "a gate")

# --- setting ---
make("guarded-a")
all_refused("guarded-a", 1, "nothing is posted")
for who in ("eve", "pat", "mallory"):
    allowed(
        post(f"{TALLY}/registered-models/guarded-a/versions/1/checks", {"name": "tests", "status": "success"}, ATTACKERS[who]),
        f"{who} posts a result",
    )
all_refused("guarded-a", 1, "only others have posted")
check(
    call("GET", f"{TALLY}/registered-models/guarded-a/versions/1/gate?alias=prod", PROMOTER).json.get("allowed") is False,
    "the dry run says so",
)
allowed(
    post(f"{TALLY}/registered-models/guarded-a/versions/1/checks", {"name": "tests", "status": "success"}, CI), "ci posts one"
)
for who, token in ATTACKERS.items():
    none_moves("guarded-a", 1, token, f"only ci may move it: {who}")
for name, token in (("without actions", token_of("ci", actions=0)), ("for reading", token_of("ci", level=1))):
    none_moves("guarded-a", 1, token, f"a token of ci {name}")

# --- ci may, and then it must not get lost ---
allowed(post(f"{TALLY}/registered-models/guarded-a/promote", {"alias": "prod", "version": 1, "expect_version": 0}, CI), "ci")
allowed(
    post(
        f"{API}/model-versions/transition-stage",
        {"name": "guarded-a", "version": "1", "stage": "Production", "archive_existing_versions": False},
        CI,
    ),
    "ci moves the stage",
)
check(state() == ["guarded-a|1|2", "guarded-a|prod|1"], f"ci moved both, got {state()}")
all_refused("guarded-a", 2, "the other version has no results")
for who, token in ATTACKERS.items():
    before = now()
    gone = {"name": "guarded-a"}
    refused(call("DELETE", f"{API}/registered-models/alias", token, {**gone, "alias": "prod"}), f"{who} takes it away", before)
    refused(
        call("DELETE", f"{API}/registered-models/alias?name=guarded-a&alias=prod", token), f"{who} takes it away by query", before
    )
    refused(call("DELETE", f"{API}/model-versions/delete", token, {**gone, "version": "1"}), f"{who} deletes it", before)
    refused(call("DELETE", f"{API}/registered-models/delete", token, gone), f"{who} deletes the model", before)
    for stage in ("None", "Archived", "Staging"):
        refused(
            post(f"{API}/model-versions/transition-stage", {**gone, "version": "1", "stage": stage}, token),
            f"{who} moves it to {stage}",
            before,
        )
    refused(post(f"{API}/registered-models/rename", {**gone, "new_name": "free-a"}, token), f"{who} renames it away", before)
    refused(post(f"{TALLY}/registered-models/guarded-a/rollback", {"alias": "prod"}, token), f"{who} rolls back", before, (403, 404))
before = now()
for step in ("model-versions/delete", "registered-models/delete"):
    refused(call("DELETE", f"{API}/{step}", ROOT, {"name": "guarded-a", "version": "1"}), f"an administrator: {step}", before)
refused(
    post(f"{API}/registered-models/rename", {"name": "guarded-a", "new_name": "free-a"}), "an administrator renames it", before
)
refused(
    post(
        f"{API}/model-versions/transition-stage",
        {"name": "guarded-a", "version": "2", "stage": "Production", "archive_existing_versions": True},
        CI,
    ),
    "what another version would archive stays when that is refused",
    before,
)

# --- within the pattern it may be renamed ---
allowed(post(f"{API}/registered-models/rename", {"name": "guarded-a", "new_name": "guarded-b"}), "a rename within")
all_refused("guarded-b", 2, "the gate came along")

# --- from outside into the pattern ---
for held in ("alias", "stage"):
    make(f"free-{held}")
    if held == "alias":
        allowed(post(f"{API}/registered-models/alias", {"name": "free-alias", "alias": "prod", "version": "1"}), "no gate here")
    else:
        allowed(
            post(
                f"{API}/model-versions/transition-stage",
                {"name": "free-stage", "version": "1", "stage": "Production", "archive_existing_versions": False},
            ),
            "nor for stages",
        )
    for who, token in {**ATTACKERS, "root": ROOT, "ci": CI}.items():
        before = now()
        refused(
            post(f"{API}/registered-models/rename", {"name": f"free-{held}", "new_name": f"guarded-{held}"}, token),
            f"{who} renames the {held} into the pattern",
            before,
        )

# --- what was moved outside of the pattern passed nothing: the way back does not lead into it ---
make("free-way")
for version in ("1", "2"):
    allowed(post(f"{API}/registered-models/alias", {"name": "free-way", "alias": "prod", "version": version}, CI), "no gate here")
allowed(post(f"{TALLY}/registered-models/free-way/rollback", {"alias": "prod"}, CI), "a way back where nothing guards")
allowed(call("DELETE", f"{API}/registered-models/alias", CI, {"name": "free-way", "alias": "prod"}), "nobody has it")
allowed(post(f"{API}/registered-models/rename", {"name": "free-way", "new_name": "guarded-way"}), "so that it may be renamed")
before = now()
refused(post(f"{TALLY}/registered-models/guarded-way/rollback", {"alias": "prod"}, CI), "rolling back into the pattern", before)
refused(
    post(f"{TALLY}/registered-models/guarded-way/rollback", {"alias": "prod", "at": sql("SELECT at_ms FROM ledger WHERE model_name ="
         " 'free-way' AND action = 'alias.rollback'")[0]}, CI),
    "rolling back to a time outside of it",
    before,
)

# --- a copy brings nothing along ---
copied = post(f"{API}/model-versions/create", {"name": "guarded-b", "source": "models:/free-alias/1"})
allowed(copied, "a copy of what has prod elsewhere")
number = int(copied.json["model_version"]["version"])
check(not copied.json["model_version"].get("aliases"), f"has no alias, got {copied}")
all_refused("guarded-b", number, "a copy")
make("guarded-copy", versions=0)
allowed(post(f"{API}/model-versions/create", {"name": "guarded-copy", "source": "models:/guarded-b/1"}), "a copy of a good one")
all_refused("guarded-copy", 1, "a copy of one that passed has passed nothing")

# --- deleted and made anew ---
make("guarded-again")
allowed(call("DELETE", f"{API}/registered-models/delete", ROOT, {"name": "guarded-again"}), "one without aliases goes")
make("guarded-again")
all_refused("guarded-again", 1, "made anew under a pattern")
make("exact")
allowed(call("PUT", f"{TALLY}/registered-models/exact/gates", ROOT, {"alias": "prod", "rules": RULES}), "a gate of one model")
allowed(call("PUT", f"{TALLY}/registered-models/exact/gates", ROOT, {"stage": "Production", "rules": RULES}), "and its stage")
all_refused("exact", 1, "a gate of its own")
allowed(call("DELETE", f"{API}/registered-models/delete", ROOT, {"name": "exact"}), "it goes")
make("exact")
all_refused("exact", 1, "made anew under a gate of its own")
allowed(post(f"{API}/registered-models/rename", {"name": "exact", "new_name": "exact-2"}), "it gets another name")
all_refused("exact-2", 1, "the gate is there under the new name")
make("exact")
all_refused("exact", 1, "and under the old one, for who takes it")

# --- gates themselves ---
before = now()
for who, token in ATTACKERS.items():
    refused(
        call("PUT", f"{TALLY}/gates", token, {"model_pattern": "guarded-*", "alias": "prod", "rules": {}}), f"{who} relaxes it", before
    )
    refused(call("DELETE", f"{TALLY}/gates?model_pattern=guarded-*&alias=prod", token), f"{who} removes it", before)
    refused(
        call("DELETE", f"{TALLY}/registered-models/guarded-*/gates?alias=prod", token), f"{who} removes it by model", before, (403, 404)
    )
refused(
    call("DELETE", f"{TALLY}/registered-models/guarded-b/gates?alias=prod", MANAGER),
    "who manages the model has no gate of his own to remove",
    before,
    (403, 404),
)
allowed(call("PUT", f"{TALLY}/registered-models/guarded-b/gates", MANAGER, {"alias": "prod", "rules": {}}), "who manages the model sets one")
all_refused("guarded-b", 2, "a lax gate beside a strict one")

# --- who approves ---
make("approved", versions=1, token=CI)
allowed(call("PUT", f"{TALLY}/gates", ROOT, {"model_pattern": "approved", "alias": "prod", "rules": {"approvals": {"count": 2}}}), "two")
approvals = f"{TALLY}/registered-models/approved/versions/1/approvals"
gate = f"{TALLY}/registered-models/approved/versions/1/gate?alias=prod"


def found():
    item = (call("GET", gate, CI).json.get("missing") or call("GET", gate, CI).json.get("met"))[0]
    return item["found"]


allowed(post(approvals, {}, CI), "who registered it approves")
allowed(post(approvals, {}, CI, headers={"X-Tally-Actor": "eve"}), "and says that he is another")
allowed(post(approvals, {}, token_of("ci")), "and by another token")
check(found() == 0, f"none of it counts, got {found()}")
for _ in range(3):
    allowed(post(approvals, {"comment": str(_)}, EDIT), "one more")
check(found() == 1, f"one who approves three times counts once, got {found()}")
temporary = account("temporary")
grant("temporary", 2)
changed()
allowed(post(approvals, {}, temporary), "the second")
check(found() == 2, f"two, got {found()}")
sql("UPDATE account SET disabled_at_ms = 1 WHERE username = 'temporary'")
check(found() == 1, f"a disabled account does not count, got {found()}")
sql("UPDATE account SET disabled_at_ms = NULL WHERE username = 'temporary'")
check(found() == 2, f"nor is it forgotten, got {found()}")
sql("DELETE FROM account WHERE username = 'temporary'")
check(found() == 1, f"a removed one does not count, got {found()}")
account("temporary")
check(found() == 1, f"nor does another of its name, got {found()}")
refused(post(f"{TALLY}/registered-models/approved/promote", {"alias": "prod", "version": 1}, CI), "one of two", now(), (409,))
allowed(post(approvals, {}, PROMOTER), "the second again")
allowed(post(f"{TALLY}/registered-models/approved/promote", {"alias": "prod", "version": 1}, CI), "two of two")

# --- force ---
make("forced")
allowed(call("PUT", f"{TALLY}/gates", ROOT, {"model_pattern": "forced", "alias": "prod", "rules": {"checks": ["never"]}}), "a gate")
grant("pat", 3, model="forced", actions=1 | 2)
changed()
force = {"alias": "prod", "version": 1, "force": True}
before = now()
refused(post(f"{TALLY}/registered-models/forced/promote", force, PROMOTER), "no reason", before, (400,))
refused(post(f"{TALLY}/registered-models/forced/promote", {**force, "reason": "x"}, CI), "no right to force", before, (403,))
answer = allowed(post(f"{TALLY}/registered-models/forced/promote", {**force, "reason": "outage"}, PROMOTER), "with both")
check(answer.json["forced"] is True, f"says that it was forced, got {answer}")
check(
    sql("SELECT content::json ->> 'forced', content::json ->> 'reason', actor FROM ledger ORDER BY entry DESC LIMIT 1")
    == ["true|outage|pat"],
    "and is recorded as forced",
)
allowed(call("PUT", f"{TALLY}/gates", ROOT, {"model_pattern": "forced", "stage": "Production", "rules": {"checks": ["never"]}}), "a gate")
stage = {"name": "forced", "version": "1", "stage": "Production", "force": True}
before = now()
refused(post(f"{API}/model-versions/transition-stage", stage, PROMOTER), "no reason for a stage", before, (400,))
refused(post(f"{API}/model-versions/transition-stage", {**stage, "reason": "x"}, CI), "no right to force a stage", before, (403,))
allowed(post(f"{API}/model-versions/transition-stage", {**stage, "reason": "outage"}, PROMOTER), "a stage with both")
check(
    sql("SELECT content::json ->> 'action', content::json ->> 'forced', actor FROM ledger ORDER BY entry DESC LIMIT 1")
    == ["version.stage|true|pat"],
    "and is recorded as forced too",
)
end()
