"""A daemon that is killed in the midst of promotions: what was answered is there, what is there is in the ledger, and nothing is
there by half."""

import random
import threading
import time

from world import *

ROUNDS = 8
THREADS = 12
VERSIONS = 9
PATH = "/api/tally/v1/registered-models/killed"

assert call("POST", f"{API}/registered-models/create", body={"name": "killed"}).status == 200
for _ in range(VERSIONS):
    assert call("POST", f"{API}/model-versions/create", body={"name": "killed", "source": "s3://b/m"}).status == 200

for round_number in range(ROUNDS):
    daemon = Daemon("--workers", "8", application="killed")
    answered = []

    def promote(number):
        """Move two aliases together, until nobody answers."""
        step = 0
        while True:
            step += 1
            version = random.randint(1, VERSIONS)
            reason = f"{round_number}/{number}/{step}"
            moves = [{"alias": "prod", "version": version}, {"alias": "pair", "version": version}]
            try:
                answer = call("POST", f"{PATH}/promote", body={"moves": moves, "reason": reason}, url=daemon.url)
            except (OSError, http.client.HTTPException):
                return
            # One that was there already changes nothing.
            if answer.status == 200 and any(move["previous"] != move["version"] for move in answer.json["moved"]):
                answered.append(reason)

    threads = [threading.Thread(target=promote, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while not answered and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2 + random.random() * 0.4)
    daemon.process.kill()
    for thread in threads:
        thread.join()
    daemon.process.wait(60)
    daemon.log.close()
    daemon.folder.cleanup()
    # The backends of the dead daemon end what they have begun, and what they were sent and have not begun.
    deadline = time.monotonic() + 60
    while (left := sql("SELECT pid, state, query FROM pg_stat_activity WHERE application_name = 'killed'")) and time.monotonic() < deadline:
        time.sleep(0.05)
    what = f"round {round_number}"
    check(not left, f"{what}: the backends of the dead daemon are gone, left {left}")
    check(answered, f"{what}: some were answered")
    noted = set(sql(f"SELECT DISTINCT content::json ->> 'reason' FROM ledger WHERE content::json ->> 'reason' LIKE '{round_number}/%'"))
    check(set(answered) <= noted, f"{what}: all that were answered are in the ledger, missing {set(answered) - noted}")
    check(len(noted - set(answered)) <= THREADS, f"{what}: and at most those that were under way besides, {noted - set(answered)}")
    last = sql(
        "SELECT DISTINCT ON (alias) alias || ' ' || (content::json #>> '{after,version}') FROM ledger WHERE alias IS NOT NULL"
        " ORDER BY alias, entry DESC"
    )
    there = sql("SELECT alias || ' ' || version FROM model_alias ORDER BY alias")
    check(last == there, f"{what}: the ledger ends where the aliases are, {last} and {there}")
    check(len({line.split()[1] for line in there}) == 1, f"{what}: two that move together are together, {there}")
    halves = sql("SELECT content::json ->> 'reason' FROM ledger WHERE alias IS NOT NULL GROUP BY 1 HAVING count(*) <> 2")
    check(halves == [], f"{what}: no promotion is noted by half, {halves}")

verify = subprocess.run(
    [os.environ["TALLY_TEST_TALLYD"], "verify-ledger"], env={**os.environ, "TALLY_DATABASE_URL": DATABASE}, capture_output=True, text=True
)
check(verify.returncode == 0, f"the ledger verifies, got {verify.stdout}{verify.stderr}")
end()
