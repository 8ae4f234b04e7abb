"""What all figures share: the servers, the table, the rounds, and what happens when something goes wrong."""

import re
import time
import traceback
from contextlib import contextmanager

import machine
import stock
from report import say, summary

WHERE_MLFLOW_IS_SLOW = ("(the same for MLflow with `--connections {}`, because with more it answers later than a round "
                        "lasts)")


class Benchmark:
    def __init__(self, options, size, servers, table):
        self.options = options
        self.size = size
        self.servers = servers
        self.table = table
        self.tallyd = servers[0]
        self.results = {}
        self.remarks = []
        self.failures = []
        self.deadline = time.monotonic() + options.minutes * 60

    @property
    def mlflow(self):
        return self.servers[1] if len(self.servers) > 1 else None

    def wanted(self, *names):
        """Whether --only asks for one of the figures. When the time is over they are noted as left out."""
        names = [name for name in names if self.options.only in name]
        if names and time.monotonic() > self.deadline:
            for name in names:
                self.miss(name, f"the {self.options.minutes:g} minutes are over")
            return False
        return bool(names)

    def miss(self, name, reason):
        self.table.missing(name, reason)
        self.results[name] = {"missing": reason}

    def fail(self, text):
        """Something that must not happen: the benchmark goes on, but does not end with 0."""
        self.failures.append(text)
        say(f"  FAILED: {text}")

    @contextmanager
    def attempt(self, name):
        """A figure whose error ends that figure only. A server that died is started again."""
        try:
            yield
        except Exception as error:  # pylint: disable=broad-except  # it is reported as a missing figure
            say(traceback.format_exc())
            self.fail(f"{name}: {error}")
            self.miss(name, f"{type(error).__name__}: {error}")
            self.revive()

    def revive(self):
        """Start servers again that have ended. Without tallyd there is nothing left to measure."""
        for server in list(self.servers):
            if server.process is not None and server.process.poll() is None:
                continue
            say(f"  {server.name} has ended; it is started again")
            try:
                server.stop()
                server.start()
            except (RuntimeError, OSError) as error:
                self.fail(f"{server.name} does not start any more: {error}")
                if server is self.tallyd:
                    raise SystemExit(1) from error
                self.servers.remove(server)

    def add(self, name, unit, higher_is_better, values, note="", command=None, compare=True):
        """A row from values that somebody else took: {server's name: [one for each round]}."""
        self.table.add(name, unit, higher_is_better, values.get("tallyd"), values.get("mlflow"), note, compare)
        if command:
            self.table.command(name, command)

    def again(self, text):
        """The command that measures the figures with `text` in their name once more."""
        flag = "" if self.options.size == "short" else f"--{self.options.size} "
        return f"tests/bench/run {flag}--only '{text}'"

    def check(self, name, server, found, refusals=False):
        """Errors of one round, said aloud; those of tallyd count against the benchmark."""
        errors = found["errors"] + found["unanswered"] - (found["refused"] if refusals else 0)
        if errors:
            text = (f"{name}: {server.name}: {found['errors']} errors, {found['unanswered']} unanswered, the first: "
                    f"{found['first_error_status']} {found['first_error'][:200]}")
            if server.name == "tallyd":
                self.fail(text)
            else:
                say(f"  {text}")
        return errors

    def servers_of(self, only_tallyd):
        return self.servers[:1] if only_tallyd else self.servers

    def measure(self, name, load, shown, *, only_tallyd=False, memory=False, beside=None, seconds=None, more=(),
                servers=None, note=""):
        """Rounds of one load, alternating between the servers, after one to warm up that does not count. `shown` are the
        rows made of each answer of the generator. `memory` adds a row with the greatest resident memory of a round.
        `beside` is a load, with its rate, that runs all the while. `note` is a remark on the first row."""
        if not self.wanted(name):
            return None
        seconds = seconds or self.options.seconds
        servers = servers if servers is not None else self.servers_of(only_tallyd)
        with self.attempt(name):
            found = {server.name: [] for server in servers}
            peaks = {server.name: [] for server in servers}
            for server in servers:
                for one in {load.run, load.experiment or load.run, beside.run if beside else load.run}:
                    stock.need(server, one, self.size)
            absent = {server.name for server in servers if self.is_absent(name, server, load)}
            servers = [server for server in servers if server.name not in absent]
            if "tallyd" in absent:
                return None
            for server in servers:
                load.measure(server, seconds / 3, more)
                server.rest()
            for _ in range(self.options.rounds):
                for server in servers:
                    other = beside.start(server, seconds + 0.3) if beside else None
                    if other:
                        time.sleep(0.2)  # until it is under way
                    with machine.MemoryWatch(server.process.pid) as watch:
                        one = load.measure(server, seconds, more)
                    peaks[server.name].append(watch.peak_mb)
                    if other:
                        one["beside"] = beside.finish(other)
                        self.check(f"{name} (beside)", server, one["beside"])
                    found[server.name].append(one)
                    server.rest()
            errors = {server.name: sum(self.check(name, server, one) for one in found[server.name]) for server in servers}
            note = ", ".join([note] * bool(note) + [f"{key}: {count} errors" for key, count in errors.items() if count])
            for label, unit, function in shown:
                values = {key: [function(one) for one in rounds] for key, rounds in found.items() if rounds}
                self.add(f"{name} {label}".strip(), unit, unit.endswith("/s"), values, note)
                note = ""
            if memory:
                self.add(f"{name}, greatest memory, RSS", "MB", False, {key: values for key, values in peaks.items() if values})
            self.table.command(name, load.shown(self.tallyd, seconds, more))
            if beside:
                self.table.command(f"{name}: beside it", beside.shown(self.tallyd, seconds))
            if load.slow is not None and len(servers) > 1:
                self.table.command(name, WHERE_MLFLOW_IS_SLOW.format(load.slow))
            self.results[name] = {**found, "peak_mb": peaks}
            return found
        return None

    def is_absent(self, name, server, load):
        """Whether the server has no such endpoint; then the figure is noted as missing."""
        path = load.path
        if "/api/tally/" not in path:
            return False
        status, text = server.status("POST", path, {})
        if status in (404, 405, 501):
            code = re.search(r'"error_code": ?"(\w+)"', text)
            self.miss(name, f"{server.name} answers {status}" + (f", {code.group(1)}" if code else ""))
            return True
        return False

    @staticmethod
    def median(found, name, function):
        return summary([function(one) for one in found[name]])["median"]
