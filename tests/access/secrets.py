"""Secrets are planted and then looked for where none may be: the log, answers, the database, the process list, the
settings that tallyd shows."""

import base64
import glob
import time

from world import *

with open(os.environ["TALLY_TEST_BOOTSTRAP"], encoding="ascii") as bootstrap:
    ROOT_PASSWORD = bootstrap.read().strip()
PASSWORD = "planted-password-XYZZY-1"
SECOND = "planted-password-XYZZY-2"
WRONG = "planted-guess-XYZZY-3"
planted = {
    "the bootstrap password": ROOT_PASSWORD,
    "a password": PASSWORD,
    "a changed password": SECOND,
    "a wrong password": WRONG,
}
answers = []


def asked(method, path, token=None, body=None, headers=None, raw=None, secret_is_told=False):
    answer = call(method, path, token, body, headers, raw=raw)
    if not secret_is_told:
        answers.append((f"{method} {path}", answer.body.decode(errors="replace") + str(answer.headers)))
    return answer


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


ADMIN = account("root", admin=True)
planted["a token made past the API"] = ADMIN
check(asked("POST", "/api/tally/v1/users", ADMIN, {"username": "anna", "password": PASSWORD}).status == 200, "a user")
made = asked("POST", "/api/tally/v1/tokens", ADMIN, {"name": "ci", "username": "anna"}, secret_is_told=True)
check(made.status == 200 and made.json["secret"].startswith("tly_"), f"a token, got {made.status}")
planted["a token"] = made.json["secret"]
check("secret" not in made.json["token"], "the token's own document has no secret")
asked("GET", "/api/tally/v1/tokens", made.json["secret"])
asked("GET", f"{API}/experiments/get?experiment_id=0", made.json["secret"] + "x")
asked("GET", f"{API}/experiments/get?experiment_id=0", "tly_" + "planted" * 6)
planted["a token that is none"] = "tly_" + "planted" * 6
asked("GET", f"{API}/users/get?username=anna", headers=basic("anna", PASSWORD))
asked("GET", f"{API}/users/get?username=anna", headers=basic("anna", WRONG))
asked("GET", f"{API}/users/get?username=anna", headers=basic("nobody", WRONG))
asked("GET", f"{API}/users/get?username=anna", headers={"Authorization": "Basic " + WRONG})
asked("POST", "/api/tally/v1/login", body={"username": "anna", "password": WRONG})
login = asked("POST", "/api/tally/v1/login", body={"username": "anna", "password": PASSWORD}, secret_is_told=True)
check(login.status == 200, f"a login, got {login}")
cookie = login.headers["Set-Cookie"].split(";")[0]
planted["a session"] = cookie.split("=", 1)[1]
check(planted["a session"] not in login.body.decode(), "the answer to a login has the cookie in its header only")
for attribute in ("HttpOnly", "SameSite=", "Path=/"):
    check(attribute in login.headers["Set-Cookie"], f"the cookie has {attribute}")
session = {"Cookie": cookie, "X-Tally-CSRF-Token": login.json["csrf_token"]}
asked("GET", "/api/tally/v1/session", headers=session)
check(
    asked("POST", "/api/tally/v1/password", headers={"Cookie": cookie}, body={"current_password": PASSWORD, "password": SECOND}).status
    == 403,
    "a change by cookie alone is refused",
)
check(
    asked("POST", "/api/tally/v1/password", headers=session, body={"current_password": PASSWORD, "password": SECOND}).status == 200,
    "the password is changed",
)
asked("PATCH", f"{API}/users/update-password", ADMIN, {"username": "anna", "password": SECOND})
# What is malformed is quoted in messages, except for secrets.
asked("POST", "/api/tally/v1/login", body={"username": "anna", "password": {"a": WRONG}})
asked("POST", "/api/tally/v1/login", raw=b'{"username":"anna","password":"' + WRONG.encode(), headers={"Content-Type": "application/json"})
asked("POST", "/api/tally/v1/login", body={"username": "anna", "password": WRONG + "\0"})
asked("POST", "/api/tally/v1/users", ADMIN, {"username": "bert", "password": WRONG + "\0"})
asked("POST", f"{API}/users/create", ADMIN, {"username": "bert", "password": [WRONG]})
asked("POST", "/api/tally/v1/users", ADMIN, {"username": "bert", "password": "short"})
asked("GET", f"/api/tally/v1/session?token={planted['a token']}")
asked("GET", f"/no/such/path?password={WRONG}")
asked("GET", "/api/tally/v1/audit", ADMIN)
asked("GET", "/metrics", ADMIN)
# Refusals are written after a moment.
deadline = time.monotonic() + 60
while sql("SELECT count(*) FROM audit WHERE refused") == ["0"] and time.monotonic() < deadline:
    time.sleep(0.1)
time.sleep(1.1)

with open(os.environ["TALLY_TEST_LOG"], "rb") as file:
    log = file.read().decode(errors="replace")
check("access_refused" in log, "refusals are in the log")
dump = subprocess.run(["pg_dump", DATABASE], capture_output=True, text=True, check=True).stdout
check("scrypt$" in dump and "user.create" in dump, "the dump has the accounts and the audit trail")
processes = ""
for name in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        with open(name, "rb") as file:
            processes += file.read().decode(errors="replace") + "\n"
    except OSError:
        pass
check("tallyd" in processes, "the process list has the daemon")
shown = subprocess.run(
    [os.environ["TALLY_TEST_TALLYD"], "config"],
    env={**os.environ, "TALLY_BOOTSTRAP_PASSWORD": "planted-setting-XYZZY", "TALLY_OIDC_CLIENT_SECRET": "planted-setting-XYZZY"},
    capture_output=True, text=True,
)
check("bootstrap-password" in shown.stdout and "planted-setting" not in shown.stdout + shown.stderr, "settings hide secrets")
for what, secret in planted.items():
    for form, text in (("as it is", secret), ("in base64", base64.b64encode(secret.encode()).decode().rstrip("=")[:-1])):
        check(text not in log, f"{what}, {form}, is not in the log")
        check(text not in dump, f"{what}, {form}, is not in the database")
        check(text not in processes, f"{what}, {form}, is not in the process list")
        for request, answer in answers:
            if text in answer:
                check(False, f"{what}, {form}, is in the answer to {request}")
check(len(answers) > 15, "answers were looked at")
# Which account a name and a guess are about, nobody learns: the same words for all.
told = {
    answer[1].split('"message":"')[1].split('"')[0]
    for answer in answers
    if '"message":"' in answer[1] and "The user name or the password" in answer[1] and "audit" not in answer[0]
}
check(len(told) == 1, f"wrong names and wrong passwords are told the same, got {told}")
end()
