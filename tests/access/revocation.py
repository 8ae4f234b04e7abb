"""What is taken away on one daemon is gone on another within a second, also when that cannot ask the database."""

import time

from world import *

ADMIN = account("root", admin=True)
second = Daemon("--auth")


def both(token, path, url):
    return call("GET", path, token, url=url).status


def dies(change, token, path, what):
    """Both daemons know the token; after the change on the first one, the second refuses within a second."""
    for url in (URL, second.url):
        check(both(token, path, url) == 200, f"{what}: it works before")
    if callable(change):
        answer = change()
        check(answer.status == 200, f"{what}: the change, got {answer}")
    else:
        sql(change)
    start = time.monotonic()
    last = start
    while time.monotonic() < start + 3:
        sent = time.monotonic()
        if both(token, path, second.url) == 200:
            last = sent
        else:
            break
        time.sleep(0.01)
    check(last - start <= 1.0, f"{what}: it worked for {last - start:.2f} s on the other daemon")
    check(both(token, path, second.url) in (401, 403, 404), f"{what}: and is refused from then on")


experiment = new_experiment(ADMIN)
READ = f"{API}/experiments/get?experiment_id={experiment}"
VERSION = "; UPDATE access_version SET version = version + 1"

anna = account("anna")
grant("anna", 1, experiment=experiment)
changed()
dies("DELETE FROM access_grant WHERE experiment_id = 1 AND account_id = (SELECT account_id FROM account WHERE username ="
     " 'anna')" + VERSION, anna, READ, "a grant")
bert = account("bert")
sql("INSERT INTO account_group (name, created_at_ms) VALUES ('ml', 1); INSERT INTO account_group_member (group_id, account_id)"
    " SELECT group_id, account_id FROM account_group, account WHERE username = 'bert'")
grant("ml", 1, experiment=experiment, group=True)
changed()
dies("DELETE FROM account_group_member" + VERSION, bert, READ, "a membership")

# Through the API, which must raise the version itself.
carl = account("carl")
grant("carl", 1, experiment=experiment)
changed()
dies(lambda: call("DELETE", "/api/tally/v1/grants", ADMIN, {"experiment_id": experiment, "username": "carl"}), carl, READ,
     "a grant, by the API")
for name, what, change in (
    ("dora", "a revoked token",
     lambda: call("DELETE", "/api/tally/v1/tokens/" + sql(
         "SELECT token_id FROM api_token JOIN account USING (account_id) WHERE username = 'dora'")[0], ADMIN)),
    ("emil", "a disabled account", lambda: call("PATCH", "/api/tally/v1/users/emil", ADMIN, {"disabled": True})),
    ("fred", "a deleted account", lambda: call("DELETE", "/api/tally/v1/users/fred", ADMIN)),
):
    token = account(name)
    grant(name, 1, experiment=experiment)
    changed()
    dies(change, token, READ, what)

# A password that is changed.
import base64

made = call("POST", "/api/tally/v1/users", ADMIN, {"username": "gina", "password": "first password of gina"})
check(made.status == 200, f"an account with a password, got {made}")
grant("gina", 1, experiment=experiment)
changed()
header = {"Authorization": "Basic " + base64.b64encode(b"gina:first password of gina").decode()}
check(call("GET", READ, headers=header, url=second.url).status == 200, "the password works on the other daemon")
check(call("PATCH", "/api/tally/v1/users/gina", ADMIN, {"password": "second password of gina"}).status == 200, "it is changed")
time.sleep(1.05)
check(call("GET", READ, headers=header, url=second.url).status == 401, "the old password is dead on the other daemon")

# A session that is ended.
login = call("POST", "/api/tally/v1/login", body={"username": "gina", "password": "second password of gina"})
check(login.status == 200, f"a login, got {login}")
cookie = {"Cookie": login.headers["Set-Cookie"].split(";")[0]}
check(call("GET", READ, headers=cookie, url=second.url).status == 200, "the session holds on the other daemon")
out = call("POST", "/api/tally/v1/logout", headers={**cookie, "X-Tally-CSRF-Token": login.json["csrf_token"]}, body={})
check(out.status == 200, f"a logout, got {out}")
time.sleep(1.05)
check(call("GET", READ, headers=cookie, url=second.url).status == 401, "the session has ended on the other daemon")

# A daemon that cannot ask whether something was taken away takes nothing for granted.
hugo = account("hugo")
grant("hugo", 1, experiment=experiment)
changed()
check(both(hugo, READ, second.url) == 200, "it works while the database is there")
cluster("stop")
time.sleep(1.1)
answer = call("GET", READ, hugo, url=second.url)
check(answer.status == 503, f"without the database nothing that is remembered counts, got {answer}")
cluster("start")
deadline = time.monotonic() + 60
while both(hugo, READ, second.url) != 200 and time.monotonic() < deadline:
    time.sleep(0.1)
check(both(hugo, READ, second.url) == 200, "and works again when it is back")
second.stop()
end()
