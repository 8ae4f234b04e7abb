"""Figures of access control: what it costs, how soon a right is gone, and what guessing of passwords does to others.

DESIGN
Each figure of a load is measured in several ways of asking in the same round: without authentication, and with it by
token, password and session. tallyd without and with authentication are two daemons on one database, so that both write
into the same runs and tables; only the one that is asked works. Rounds begin with another way each time. "Of the speed
without" is the ratio of two figures of the same round. MLflow stands beside it in the same manner, without and with its
basic-auth, which knows passwords only."""

import http.client
import random
import time

import accounts
import loads
import machine
import stock
from accounts import CROWD, CROWD_GRANTS, NAME, PASSWORD
from benchmark import WHERE_MLFLOW_IS_SLOW
from loads import P50, P99, RATE, SCRATCH, Load, log_batch, log_metric, points_per_second
from report import summary
from servers import GuardedMlflow, Tallyd

OFF = "auth off"
TOKEN, BY_PASSWORD, SESSION = "by token", "by password", "by session"
# With auth MLflow answers some ten requests a second and processor: more connections wait longer than a round lasts.
MLFLOW_CONNECTIONS = 16
RUN = "/api/2.0/mlflow/runs/get?run_id=@run@"
# A run with name, times and a few tags has more.
RUN_BYTES = 300
# Looks at another daemon after a change, as often as that: each costs some tenths of a millisecond.
LOOK_S = 0.001
# What is taken away is gone everywhere after so long (server/access/access.h).
GONE_MS = 1000
# Changes for each round, and how long to wait at most.
CHANGES = 10
CHANGE_LIMIT_S = 10
# Wrong passwords a second: far more than are hashed, far fewer than the generator can send. Connections: several times
# those that login-queue lets wait.
FLOOD_RATE = 1000
FLOOD_CONNECTIONS = 256
# Somewhat more than work-timeout-ms, after which whoever still waits is answered.
FLOOD_DRAIN_S = 40
FLOOD_ADDRESSES = 4000
# An address is shut out after 50 failures (server/access/backoff.c), each a hash of some 0.2 s.
FLOOD_WARM_S = 15
TALLY = "/api/tally/v1"
EVERY_RUN_LIMIT_S = 120


# What each request costs where the server runs, whatever else the machine does meanwhile.
PROCESSOR = ("processor time of the server a request", "µs",
             lambda result: 1e6 * result["processor_s"] / max(1, result["requests"]))


class Way:
    """How requests are sent: to a server, with headers."""

    def __init__(self, label, server, headers=(), more=()):
        self.label = label
        self.server = server
        self.headers = list(headers)
        self.more = list(more)

    def measure(self, load, seconds, more=()):
        self.server.headers = self.headers
        try:
            return load.measure(self.server, seconds, [*self.more, *more])
        finally:
            self.server.headers = []

    def shown(self, load, seconds):
        self.server.headers = self.headers
        try:
            return load.shown(self.server, seconds, self.more)
        finally:
            self.server.headers = []


class Guard:
    """The servers with authentication, started when they are needed."""

    def __init__(self, bench):
        self.bench = bench
        self.running = {}
        self.has_user = False

    def start(self, key, make):
        server = self.running.get(key)
        if server is not None and server.process.poll() is None:
            return server
        self.running[key] = server = make()
        server.start()
        return server

    def tallyd(self, key="first", *more):
        def make():
            server = Tallyd(self.bench.tallyd)
            server.options = [*accounts.options(), *more]
            return server

        server = self.start(key, make)
        if not self.has_user:
            accounts.add_user(server, NAME)
            self.has_user = True
        return server

    def ways(self):
        """All ways to log into the experiment of the runs "runs"."""
        for server in self.bench.servers:
            stock.need(server, "runs", self.bench.size)
        server = self.tallyd()
        if "ways" not in self.running:
            experiment = self.bench.tallyd.ids["logged"]
            accounts.grant(server, [NAME], [experiment])
            secret, _ = accounts.add_token(server, NAME, "ways")
            self.running["ways"] = secret
        ways = [Way(OFF, self.bench.tallyd), Way(TOKEN, server, accounts.bearer(self.running["ways"])),
                Way(BY_PASSWORD, server, accounts.basic(NAME, PASSWORD)),
                Way(SESSION, server, accounts.log_in(server, NAME, PASSWORD))]
        if self.bench.mlflow is not None:
            mlflow = self.start("mlflow", lambda: GuardedMlflow(self.bench.mlflow))
            if "mlflow user" not in self.running:
                self.running["mlflow user"] = accounts.make_mlflow_user(mlflow, self.bench.mlflow.ids["logged"])
            ways += [Way(OFF, self.bench.mlflow), Way(BY_PASSWORD, mlflow, self.running["mlflow user"])]
        return ways

    def stop(self):
        for server in self.running.values():
            if hasattr(server, "process"):
                server.stop()


def measure(bench):
    guard = Guard(bench)
    try:
        for group in (memory, price, crowd, revocation, flood):
            group(bench, guard)
    finally:
        guard.stop()


# --- loads in several ways ---------------------------------------------------------------------------------------------


def compare(bench, name, load, ways, shown, memory=False, every_run=False):
    """Rounds of a load in each of the ways, and the rows that come of them: those of `shown`, the processor's time that
    the server itself took, and how fast each way is beside the first one. Before, each is asked for a while; with
    `every_run` it reads every run once, so that what a daemon can remember it does, and nothing is left to fold."""
    seconds = bench.options.seconds
    found = {(way.label, way.server.name): [] for way in ways}
    peaks = {(way.label, way.server.name): [] for way in ways}
    for way in ways:
        if every_run:
            way.measure(Load(RUN, 64, run=load.run), EVERY_RUN_LIMIT_S, ["--requests-each", 1])
        else:
            way.measure(load, seconds / 3)
        way.server.rest()
    for number in range(bench.options.rounds):
        first = number % len(ways)
        for way in ways[first:] + ways[:first]:
            used = machine.processor_s(way.server.process.pid)
            with machine.MemoryWatch(way.server.process.pid) as watch:
                one = way.measure(load, seconds)
            one["processor_s"] = machine.processor_s(way.server.process.pid) - used
            bench.check(f"{name}: {way.label}", way.server, one)
            found[way.label, way.server.name].append(one)
            peaks[way.label, way.server.name].append(watch.peak_mb)
            way.server.rest()
    labels = list(dict.fromkeys(way.label for way in ways))
    for label in labels:
        rounds = {key: one for (its, key), one in found.items() if its == label}
        for text, unit, function in (*shown, PROCESSOR):
            bench.add(f"{name}: {label}{text and ' '}{text}", unit, unit.endswith("/s"),
                      {key: [function(one) for one in values] for key, values in rounds.items()})
        if label != labels[0]:
            bench.add(f"{name}: {label}, of the speed with {labels[0]}", "%", True,
                      {key: share(values, found[labels[0], key]) for key, values in rounds.items()}, compare=False)
        if memory:
            bench.add(f"{name}: {label}, greatest memory, RSS", "MB", False,
                      {key: peaks[label, key] for key in rounds})
    for way in ways:
        if way.server.name == "tallyd":
            bench.table.command(f"{name}: {way.label}", way.shown(load, seconds))
    if load.slow is not None and len(bench.servers) > 1:
        bench.table.command(name, WHERE_MLFLOW_IS_SLOW.format(load.slow))
    bench.results[name] = {f"{key}, {label}": rounds for (label, key), rounds in found.items()}


def share(guarded, free):
    """The speed of each round in percent of that of the same round without authentication."""
    return [100 * one["requests_per_second"] / other["requests_per_second"] for one, other in zip(guarded, free)]


def price(bench, guard):
    for text, load, shown in (
        ("log-batch of 1000, 64 connections", log_batch(1000, 64), [points_per_second(1000), P99]),
        ("log-batch of 100, 64 connections", log_batch(100, 64), [points_per_second(100), P99]),
        ("log-batch of 10, 64 connections", log_batch(10, 64), [points_per_second(10), P99]),
        ("log-metric, 64 connections", log_metric(64), [RATE, P99]),
        ("log-metric, 1 connection", log_metric(1), [P50, P99]),
        ("runs/get, 64 connections", Load(RUN, 64, least_bytes=RUN_BYTES), [RATE, P99]),
        ("runs/get, 1 connection", Load(RUN, 1, least_bytes=RUN_BYTES), [P50, P99]),
    ):
        name = f"access, {text}"
        if not bench.wanted(name):
            continue
        if load.connections > MLFLOW_CONNECTIONS:
            load.slow = MLFLOW_CONNECTIONS
        with bench.attempt(name):
            compare(bench, name, load, guard.ways(), shown, memory="of 1000" in text)


def crowd(bench, guard):
    """Many tokens by turns, each for runs that another grant is about, beside one token with one grant for all."""
    text = f"{CROWD:,} tokens with {CROWD * CROWD_GRANTS:,} grants"
    for what, load, shown in (
        ("log-batch of 100, 64 connections", log_batch(100, 64, run="crowd"), [points_per_second(100), P99]),
        ("log-metric, 64 connections", log_metric(64, run="crowd"), [RATE, P99]),
        ("runs/get, 64 connections", Load(RUN, 64, run="crowd", least_bytes=RUN_BYTES), [RATE, P99]),
    ):
        name = f"access, {text}, {what}"
        if not bench.wanted(name):
            continue
        load.slow = None
        with bench.attempt(name):
            server = guard.tallyd()
            if "crowd" not in guard.running:
                guard.running["crowd"] = accounts.make_crowd(bench.tallyd)
                accounts.add_user(server, "everywhere")
                accounts.grant_all(server, "everywhere")
                guard.running["everywhere"], _ = accounts.add_token(server, "everywhere", "crowd")
            ways = [Way(OFF, bench.tallyd), Way("one token", server, accounts.bearer(guard.running["everywhere"])),
                    Way("all tokens by turns", server, more=["--headers", guard.running["crowd"]])]
            compare(bench, name, load, ways, shown, every_run=True)


# --- memory ------------------------------------------------------------------------------------------------------------


def memory(bench, guard):
    """Of daemons that were just started: one second later, and one second after a password was checked."""
    name = "access, idle memory"
    if not bench.wanted(name):
        return
    with bench.attempt(name):
        guard.tallyd()
        labels = (OFF, "auth on", "auth on, after a password was checked")
        values = {label: ([], []) for label in labels}
        for _ in range(bench.options.rounds):
            for label in labels[:2]:
                server = Tallyd(bench.tallyd)
                server.options = [] if label == OFF else accounts.options()
                server.start()
                try:
                    note_memory(values[label], server)
                    if label != OFF:
                        server.call("GET", "experiments/get?experiment_id=0", headers=accounts.basic("admin", accounts.ADMIN_PASSWORD))
                        note_memory(values[labels[2]], server)
                finally:
                    server.stop()
        for label, (resident, proportional) in values.items():
            bench.add(f"{name}, {label}, RSS", "MB", False, {"tallyd": resident}, command=bench.again(name))
            bench.add(f"{name}, {label}, PSS", "MB", False, {"tallyd": proportional})
        bench.results[name] = values


def note_memory(values, server):
    time.sleep(1)
    for taken, one in zip(values, machine.memory_mb(server.process.pid)):
        taken.append(one)


# --- revocation --------------------------------------------------------------------------------------------------------


class Look:
    """One request again and again, over one connection."""

    def __init__(self, server, headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.headers = dict(line.split(": ", 1) for line in headers)

    def status(self, path):
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


def gone_after_ms(first, second, headers, path, change):
    """Milliseconds from the answer to a change on one daemon until the other refuses what it allowed before."""
    look = Look(second, headers)
    for server, status in ((first, Look(first, headers).status(path)), (second, look.status(path))):
        if status != 200:
            raise RuntimeError(f"{path} is answered {status} at port {server.port} before the change")
    # So that the change meets the other daemon at any moment between two of its looks at the database.
    time.sleep(random.random() / 4)
    change()
    changed = time.perf_counter()
    while time.perf_counter() - changed < CHANGE_LIMIT_S:
        sent = time.perf_counter()
        if look.status(path) in (401, 403, 404):
            return (sent - changed) * 1000
        time.sleep(LOOK_S)
    raise RuntimeError(f"still allowed after {CHANGE_LIMIT_S} s")


def revocation(bench, guard):
    for what, take in (("a token", take_token), ("a grant", take_grant), ("a login", take_login)):
        name = f"access, revocation to refusal on another daemon: {what}"
        if not bench.wanted(name):
            continue
        with bench.attempt(name):
            stock.need(bench.tallyd, "runs", bench.size)
            first, second = guard.tallyd(), guard.tallyd("second")
            admin = accounts.basic("admin", accounts.ADMIN_PASSWORD)
            took = [take(bench, first, second, admin, number) for number in range(CHANGES * bench.options.rounds)]
            bench.add(name, "ms", False, {"tallyd": took}, f"{len(took)} changes", command=bench.again(name))
            bench.results[name] = took
            if max(took) > GONE_MS:
                bench.fail(f"{name}: after {max(took):.0f} ms the other daemon still allowed it")


def path_of(bench):
    return f"/api/2.0/mlflow/experiments/get?experiment_id={bench.tallyd.ids['logged']}"


def take_token(bench, first, second, admin, number):
    secret, token_id = accounts.add_token(first, "admin", f"revoked {number}")
    return gone_after_ms(first, second, accounts.bearer(secret), path_of(bench),
                         lambda: first.call("DELETE", f"{TALLY}/tokens/{token_id}", headers=admin))


def take_grant(bench, first, second, admin, number):
    name = f"granted-{number}"
    wish = {"experiment_id": bench.tallyd.ids["logged"], "username": name}
    accounts.add_user(first, name, "--service")
    secret, _ = accounts.add_token(first, name, "granted")
    first.call("PUT", f"{TALLY}/grants", {**wish, "permission": "READ"}, headers=admin)
    return gone_after_ms(first, second, accounts.bearer(secret), path_of(bench),
                         lambda: first.call("DELETE", f"{TALLY}/grants", wish, headers=admin))


def take_login(bench, first, second, _admin, _number):
    headers = accounts.log_in(first, "admin", accounts.ADMIN_PASSWORD)
    return gone_after_ms(first, second, headers, path_of(bench),
                         lambda: first.call("POST", f"{TALLY}/logout", {}, headers=headers))


# --- a flood of wrong passwords ----------------------------------------------------------------------------------------


def wrong_passwords(many_addresses):
    """A file of headers: names that nobody has, from this address or, by a proxy that is trusted, from many."""
    path = SCRATCH / f"wrong-{many_addresses}"
    with path.open("w", encoding="ascii") as file:
        for number in range(FLOOD_ADDRESSES):
            line = accounts.basic(f"guess-{number}", f"wrong password {number}")[0]
            if many_addresses:
                line += f"\tX-Forwarded-For: 10.{number // 65536}.{number // 256 % 256}.{number % 256}"
            file.write(line + "\n")
    return path


def guesses(many_addresses):
    return Load("/api/2.0/mlflow/experiments/get?experiment_id=0", FLOOD_CONNECTIONS,
                more=["--headers", wrong_passwords(many_addresses), "--rate", FLOOD_RATE, "--shed", "--drain", FLOOD_DRAIN_S])


def flood(bench, guard):
    """Good traffic with a token, alone and beside guesses; closed loop, and open at half of what that reached."""
    name = f"access, beside {FLOOD_RATE:,} wrong passwords a second"
    if not bench.wanted(name):
        return
    with bench.attempt(name):
        stock.need(bench.tallyd, "runs", bench.size)
        guard.ways()
        server = guard.tallyd("flooded", "--trusted-proxies", "127.0.0.1")
        good = Way(TOKEN, server, accounts.bearer(guard.running["ways"]))
        load = log_batch(100, 64)
        good.measure(load, bench.options.seconds / 3)
        server.rest()
        kinds = ((None, "without them"), (guesses(False), "from one address"),
                 (guesses(True), f"from {FLOOD_ADDRESSES:,} addresses"))
        # Until the one address is shut out, which is how it goes on.
        kinds[1][0].measure(server, FLOOD_WARM_S)
        found = {label: [] for _, label in kinds}
        half = None
        for _ in range(bench.options.rounds):
            for bad, label in kinds:
                closed = one_flood(bench, name, good, load, bad)
                if half is None:
                    half = closed["requests_per_second"] / 2
                opened = one_flood(bench, name, Way(TOKEN, server, good.headers, ["--rate", f"{half:.2f}"]), load, bad)
                found[label].append({"closed": closed, "open": opened})
        flood_rows(bench, name, found, half)
        bench.table.command(name, good.shown(load, bench.options.seconds))
        bench.table.command(f"{name}: the guesses", guesses(True).shown(server, bench.options.seconds))
        bench.results[name] = {"rounds": found, "half": half}


def one_flood(bench, name, good, load, bad):
    """A round of the good traffic and, after it, a login; guesses go on all the while."""
    seconds = bench.options.seconds
    server = good.server
    guessing = bad.start(server, seconds + 2) if bad else None
    if guessing:
        time.sleep(1)  # until it is under way
    with machine.MemoryWatch(server.process.pid) as watch:
        one = good.measure(load, seconds)
    one["peak_mb"] = watch.peak_mb
    asked = time.perf_counter()
    status = server.status("POST", f"{TALLY}/login", {"username": NAME, "password": PASSWORD})[0]
    one["login"] = {"ms": 1000 * (time.perf_counter() - asked), "status": status}
    bench.check(name, server, one)
    if guessing:
        one["guesses"] = bad.finish(guessing)
        if set(one["guesses"]["statuses"]) - {"401", "429", "503"} or one["guesses"]["unanswered"]:
            bench.fail(f"{name}: the guesses were answered {one['guesses']['statuses']}, "
                       f"{one['guesses']['unanswered']} not at all")
    server.rest()
    return one


def flood_rows(bench, name, found, half):
    alone = next(iter(found.values()))
    for label, rounds in found.items():
        note = ""
        if "guesses" in rounds[0]["closed"]:
            all_of = [one[kind]["guesses"]["statuses"] for one in rounds for kind in ("closed", "open")]
            sums = {status: sum(one.get(status, 0) for one in all_of) for status in sorted(set().union(*all_of))}
            note = "guesses answered " + ", ".join(f"{status}: {count:,}" for status, count in sums.items())
        bench.add(f"{name}, {label}: log-batch of 100, 64 connections", "points/s", True,
                  {"tallyd": [one["closed"]["requests_per_second"] * 100 for one in rounds]}, note)
        bench.add(f"{name}, {label}: log-batch of 100, 64 connections p99", "ms", False,
                  {"tallyd": [P99[2](one["closed"]) for one in rounds]})
        bench.add(f"{name}, {label}: at half the maximum, p50", "ms", False,
                  {"tallyd": [P50[2](one["open"]) for one in rounds]}, f"{half * 100:,.0f} points/s")
        bench.add(f"{name}, {label}: at half the maximum, p99", "ms", False,
                  {"tallyd": [P99[2](one["open"]) for one in rounds]})
        if rounds is not alone:
            bench.add(f"{name}, {label}: log-batch of 100, of the speed without them", "%", True,
                      {"tallyd": share([one["closed"] for one in rounds], [one["closed"] for one in alone])})
        bench.add(f"{name}, {label}: greatest memory, RSS", "MB", False,
                  {"tallyd": [max(one["closed"]["peak_mb"], one["open"]["peak_mb"]) for one in rounds]})
        logins = [one[kind]["login"] for one in rounds for kind in ("closed", "open")]
        refused = [one["status"] for one in logins if one["status"] != 200]
        bench.add(f"{name}, {label}: login with the right password", "ms", False, {"tallyd": [one["ms"] for one in logins]},
                  f"{len(refused)} of {len(logins)} refused with {refused[0]}" if refused else "")
