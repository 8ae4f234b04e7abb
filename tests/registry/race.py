"""Fifty pipelines that promote at once, on two daemons: of those that expect the same holder exactly one wins each round, and
the ledger has exactly what happened."""

import threading

from world import *

CONTENDERS = 50
ROUNDS = 20
VERSIONS = 7
TALLY = "/api/tally/v1/registered-models/raced"

other = Daemon("--workers", "8")
urls = [URL, other.url]
assert call("POST", f"{API}/registered-models/create", body={"name": "raced"}).status == 200
for _ in range(VERSIONS):
    assert call("POST", f"{API}/model-versions/create", body={"name": "raced", "source": "s3://b/m"}).status == 200


def together(count, work):
    """Run `work` with numbers from 0 on, at once; gives the results."""
    results = [None] * count
    start = threading.Barrier(count)

    def contend(number):
        start.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def holder(url=URL):
    answer = call("GET", f"{API}/registered-models/alias?name=raced&alias=prod", url=url)
    return int(answer.json["model_version"]["version"]) if answer.status == 200 else 0


def history(alias="prod"):
    rows = sql(
        "SELECT coalesce(content::json #>> '{before,version}', '0'), coalesce(content::json #>> '{after,version}', '0'),"
        f" content::json ->> 'reason' FROM ledger WHERE alias = '{alias}' ORDER BY entry"
    )
    return [row.split("|") for row in rows]


# --- those who expect the same ---
expected = []
for round_number in range(ROUNDS):
    before = holder()

    def promote(number):
        # Each wants a version other than the present one, and says who it is.
        version = (before + number % (VERSIONS - 1)) % VERSIONS + 1
        body = {"alias": "prod", "version": version, "expect_version": before, "reason": f"{round_number}/{number}"}
        return version, call("POST", f"{TALLY}/promote", body=body, url=urls[number % 2])

    results = together(CONTENDERS, promote)
    winners = [(number, version) for number, (version, answer) in enumerate(results) if answer.status == 200]
    losers = [answer for _, answer in results if answer.status == 409]
    if not check(len(winners) == 1 and len(losers) == CONTENDERS - 1, f"round {round_number}: one wins, got {results}"):
        break
    number, version = winners[0]
    expected.append([str(before), str(version), f"{round_number}/{number}"])
    check(holder() == version == holder(other.url), f"round {round_number}: both daemons show the winner")
    current = [{"alias": "prod", "version": version}]
    check(
        all(answer.json.get("current") == current for answer in losers),
        f"round {round_number}: the others are told who has it, got {losers[0]}",
    )
check(history() == expected, f"the ledger has the {ROUNDS} winners in order, got {history()} instead of {expected}")

# --- several aliases at once: they never come apart ---
before = holder()
assert call("POST", f"{TALLY}/promote", body={"alias": "pair", "version": before}).status == 200
seen = set()
done = threading.Event()


def watch():
    while not done.is_set():
        aliases = sql(
            "SELECT string_agg(version::text, ',' ORDER BY alias) FROM model_alias WHERE alias IN ('prod', 'pair')"
        )[0]
        seen.add(aliases)


watcher = threading.Thread(target=watch)
watcher.start()


def both(number):
    moves = [{"alias": alias, "version": number % VERSIONS + 1} for alias in ("prod", "pair")[:: 1 if number % 2 else -1]]
    return call("POST", f"{TALLY}/promote", body={"moves": moves}, url=urls[number % 2])


answers = [answer for _ in range(4) for answer in together(CONTENDERS, both)]
done.set()
watcher.join()
check(all(answer.status == 200 for answer in answers), f"nobody is in another's way, got {[a for a in answers if a.status != 200][:1]}")
check(all(len(set(pair.split(","))) == 1 for pair in seen), f"two aliases never come apart, saw {seen}")
steps = history()
check(all(a[1] == b[0] for a, b in zip(steps, steps[1:])), "each entry goes on where the one before ended")
check(steps[-1][1] == str(holder()), "and the last one is what is there")

# --- one who sets a gate, and fifty who promote past it ---
def gate_or_promote(number):
    if number == 0:
        return call("PUT", f"{TALLY}/gates", body={"alias": "gated", "rules": {"checks": ["never"]}})
    return call("POST", f"{TALLY}/promote", body={"alias": "gated", "version": number % VERSIONS + 1}, url=urls[number % 2])


for round_number in range(5):
    call("DELETE", f"{TALLY}/gates?alias=gated")
    results = together(CONTENDERS, gate_or_promote)
    check(results[0].status == 200, f"the gate is set, got {results[0]}")
    check(all(answer.status in (200, 409) for answer in results[1:]), "the others are promoted, or refused")
    last = sql(
        "SELECT max(entry) FILTER (WHERE action = 'gate.set'), max(entry) FILTER (WHERE action = 'alias.promote')"
        " FROM ledger WHERE alias = 'gated'"
    )[0].split("|")
    check(last[1] == "" or int(last[0]) > int(last[1]), f"nobody is promoted behind the gate, got {last}")

# --- many who set one gate, and some who remove it: each is told what it has set ---
def set_or_remove(number):
    url = urls[number % 2]
    if number % 5 == 0:
        return None, call("DELETE", f"{TALLY}/gates?alias=contested", url=url)
    rules = {"checks": [f"check-{number}"]}
    return rules, call("PUT", f"{TALLY}/gates", body={"alias": "contested", "rules": rules}, url=url)


results = [result for _ in range(4) for result in together(CONTENDERS, set_or_remove)]
removed = [answer for rules, answer in results if rules is None]
told = [(rules, answer) for rules, answer in results if rules is not None]
check(all(answer.status in (200, 404) for answer in removed), "a gate is removed, or there is none")
wrong = [(rules, answer) for rules, answer in told if answer.status != 200 or answer.json["gate"]["rules"] != rules]
check(not wrong, f"who sets a gate is answered with it, got {wrong[:1]}")

# --- promotions and rollbacks, all kinds at once: the chain of the ledger holds ---
def anything(number):
    url = urls[number % 2]
    if number % 5 == 0:
        return call("POST", f"{TALLY}/rollback", body={"alias": "prod"}, url=url)
    if number % 5 == 1:
        return call("POST", f"{API}/registered-models/alias", body={"name": "raced", "alias": "prod", "version": str(number % VERSIONS + 1)}, url=url)
    if number % 5 == 2:
        return call("DELETE", f"{API}/registered-models/alias", body={"name": "raced", "alias": "prod"}, url=url)
    return call("POST", f"{TALLY}/promote", body={"alias": "prod", "version": number % VERSIONS + 1}, url=url)


answers = [answer for _ in range(4) for answer in together(CONTENDERS, anything)]
check(all(answer.status in (200, 404) for answer in answers), f"all are answered, got {[a for a in answers if a.status not in (200, 404)][:1]}")
steps = history()
check(all(a[1] == b[0] for a, b in zip(steps, steps[1:])), "each entry goes on where the one before ended")
check(all(a[0] != a[1] for a in steps), "nothing that changes nothing is noted")
check(int(steps[-1][1]) == holder(), "and the last one is what is there")
verify = subprocess.run(
    [os.environ["TALLY_TEST_TALLYD"], "verify-ledger"], env={**os.environ, "TALLY_DATABASE_URL": DATABASE}, capture_output=True, text=True
)
check(verify.returncode == 0, f"the ledger verifies, got {verify.stdout}{verify.stderr}")
other.stop()
end()
