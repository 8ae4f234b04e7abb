"""What the load generator itself can do: how fast it is, and that it finds what is wrong."""

import subprocess
from contextlib import contextmanager

import loads
from loads import OUT

NAME = "load generator alone, against a server that does nothing"
# Often enough that every kind of fault comes many times in a second.
WRONG_EVERY = 1000


class Responder:
    """tests/bench/responder.c, looking enough like a server for a load."""

    name = "responder"

    def __init__(self, port):
        self.address = f"127.0.0.1:{port}"
        self.ids = {}
        self.headers = []
        self.points = 0
        self.first_step = 0


@contextmanager
def responder(*words):
    with subprocess.Popen([str(OUT / "responder"), *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            server = Responder(int(process.stdout.readline()))
            loads.runs_file(server, "runs").write_text("".join(f"{number:032x}\n" for number in range(1000)))
            yield server
        finally:
            process.kill()


def measure(bench):
    seconds = bench.options.seconds
    for connections in (64, 256):
        name = f"{NAME}, {connections} connections"
        if not bench.wanted(name):
            continue
        with bench.attempt(name):
            load = loads.log_metric(connections)
            with responder() as server:
                rounds = [load.measure(server, seconds) for _ in range(bench.options.rounds)]
                command = load.shown(server, seconds)
            if any(one["errors"] or one["unanswered"] for one in rounds):
                bench.fail(f"{name}: errors")
            bench.add(name, "req/s", True, {"tallyd": [one["requests_per_second"] for one in rounds]},
                      "the ceiling of every figure in req/s; no server is measured here", command)
            bench.add(f"{name}, per second of its processor time", "req/s", True,
                      {"tallyd": [one["requests"] / max(one["cpu_seconds"], 0.001) for one in rounds]},
                      "what it could reach with a processor of its own")
            bench.results[name] = rounds
    name = "load generator: answers made wrong and not found"
    if bench.wanted(name):
        with bench.attempt(name):
            load = loads.log_metric(64)
            with responder("--wrong", str(WRONG_EVERY)) as server:
                found = load.measure(server, max(seconds, 1))
                command = load.shown(server, max(seconds, 1))
            wrong = found["sent"] // WRONG_EVERY
            if wrong != found["errors"] or 0 == wrong:
                bench.fail(f"{name}: {wrong} answers were wrong, {found['errors']} found")
            bench.add(name, "answers", False, {"tallyd": [abs(wrong - found["errors"])]},
                      f"of {found['sent']:,} answers {wrong} had a wrong status, text or length, were too long for their head, "
                      f"or ended early; {found['errors']} were found", f"{command}  # responder --wrong {WRONG_EVERY}")
            bench.results[name] = found
