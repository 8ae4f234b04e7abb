"""The two servers that are measured, each with a database of its own in the same PostgreSQL."""

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import machine

API = "/api/2.0/mlflow/"
# MLflow 3.17 takes about nine seconds to start on two processors; a busy machine needs more.
START_TIMEOUT_S = 120
# How often the database is asked how far folding is.
POLL_S = 0.2
# A fold that did nothing for so long has nothing to do.
REST_S = 0.5


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Content:
    """What was put into a database, by stock.py and by the load generator: nothing yet."""

    def __init__(self):
        self.ids = {}
        self.stock = set()
        self.points = 0  # that the load generator logged, one load at a time
        # Beyond every step that a series is filled with.
        self.first_step = 20_000_000


def of_content(name):
    """An attribute that servers of one database share."""
    return property(lambda self: getattr(self.content, name), lambda self, value: setattr(self.content, name, value))


class Server:
    """A server process, and a small JSON client for it. `beside`: another one, whose database it serves too."""

    name = None
    folder = None  # where it runs; None: here
    numbers = itertools.count(1)

    def __init__(self, beside=None):
        self.port = free_port()
        self.process = None
        self.log = Path(os.environ["BENCH_SCRATCH"], f"{self.name}-{next(self.numbers)}.log")
        self.headers = []  # lines that go with every request
        self.databases = 0
        if beside is None:
            self.database = self.new_database()
            self.forget()
        else:
            self.database = beside.database
            self.content = beside.content

    def new_database(self):
        self.databases += 1
        return subprocess.run(
            [*os.environ["BENCH_CREATE_DATABASE"].split(" "), f"bench_{self.name}_{self.databases}"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()

    def forget(self):
        self.content = Content()

    ids = of_content("ids")
    stock = of_content("stock")
    points = of_content("points")
    first_step = of_content("first_step")

    def renew(self):
        """Start anew on an empty database; the one before is dropped."""
        running = self.process is not None
        self.stop()
        machine.psql(os.environ["BENCH_DATABASE_URL"], f"DROP DATABASE bench_{self.name}_{self.databases} WITH (FORCE)")
        self.database = self.new_database()
        self.forget()
        if running:
            self.start()

    def sql(self, *statements):
        return machine.psql(self.database, *statements)

    def rest(self, limit_s=20):
        """Wait until nothing is done in the background that would disturb the next measurement."""

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def start(self):
        """Start it; gives the milliseconds from the start of the process to its first good answer."""
        with open(self.log, "ab") as log:
            started = time.perf_counter()
            self.process = subprocess.Popen(self.command(), env=self.environment(), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True, cwd=self.folder)
        while time.perf_counter() - started < START_TIMEOUT_S:
            if self.process.poll() is not None:
                break
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", self.ready_path)
                status = connection.getresponse().status
                connection.close()
                if status == 200:
                    return (time.perf_counter() - started) * 1000
            except OSError:
                pass
            time.sleep(0.0005)
        tail = self.log.read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{tail}")

    def stop(self):
        if self.process is not None:
            # MLflow is a family of processes; the signal to the group reaches all of them.
            try:
                os.killpg(self.process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.process = None

    def ask(self, method, path, data=None, headers=None):
        """One request to a whole path with a connection of its own; gives the answer, with its body as `content`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        body = None if data is None else json.dumps(data)
        lines = dict(line.split(": ", 1) for line in (self.headers if headers is None else headers))
        connection.request(method, path, body, {**({"Content-Type": "application/json"} if body else {}), **lines})
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer

    def call(self, method, path, data=None, headers=None):
        answer = self.ask(method, path if path.startswith("/") else API + path, data, headers)
        if answer.status != 200:
            raise RuntimeError(f"{self.name} answers {answer.status} to {method} {path}: {answer.content[:500]!r}")
        return json.loads(answer.content)

    def status(self, method, path, data=None):
        """The status of one request to a whole path, and the start of its body."""
        answer = self.ask(method, path, data)
        return answer.status, answer.content[:200].decode(errors="replace")

    def new_experiment(self, name):
        return self.call("POST", "experiments/create", {"name": name})["experiment_id"]

    def new_run(self, experiment_id):
        data = {"experiment_id": experiment_id, "start_time": int(time.time() * 1000)}
        return self.call("POST", "runs/create", data)["run"]["info"]["run_id"]


class Tallyd(Server):
    name = "tallyd"
    ready_path = "/ready"

    def __init__(self, beside=None):
        super().__init__(beside)
        self.options = []
        sample = subprocess.run([os.environ["BENCH_TALLYD"], "config", "--sample"], capture_output=True, text=True, check=True)
        self.settings = sample.stdout

    def command(self):
        return [os.environ["BENCH_TALLYD"], "serve", "--listen", self.address, *self.options,
                "--artifact-store", str(Path(os.environ["BENCH_SCRATCH"], "artifacts-tallyd"))]

    def environment(self):
        return {**os.environ, "TALLY_DATABASE_URL": self.database}

    def fold_soon(self, soon):
        """Start anew with folding of whatever is a second old, so that one need not wait a minute for the last points,
        or with the settings as they ship. Nothing changes with a program that has no such setting."""
        self.stop()
        self.options = ["--fold-age-ms", "1000"] if soon and "fold-age-ms" in self.settings else []
        self.start()

    def folds(self):
        return self.sql("SELECT to_regclass('metric_chunk') IS NOT NULL") == "t"

    def waiting(self):
        """Rows that wait to be folded."""
        return int(self.sql("SELECT count(*) FROM metric_tail"))

    def rest(self, limit_s=20):
        if not self.folds():
            return
        end = time.monotonic() + limit_s
        before, since = self.waiting(), time.monotonic()
        while time.monotonic() < end and before > 0 and time.monotonic() - since < REST_S:
            time.sleep(POLL_S)
            now = self.waiting()
            if now != before:
                before, since = now, time.monotonic()

    def fold_all(self, limit_s=300):
        """Wait until everything is folded; False when this program does not fold, or not within the limit."""
        if not self.folds():
            return False
        end = time.monotonic() + limit_s
        while self.waiting() > 0:
            if time.monotonic() > end:
                return False
            time.sleep(POLL_S)
        return True


class Mlflow(Server):
    """MLflow as it ships (uvicorn), with as many workers as this machine has processors (two) and a connection pool
    that is as large as the threads that use it: with its default pool, requests over many connections dead-lock."""

    name = "mlflow"
    ready_path = "/health"
    workers = 2
    pool = 80

    def command(self):
        parts = urlsplit(self.database)
        host = parse_qs(parts.query)["host"][0]
        uri = f"postgresql+psycopg2://tally@{parts.path}?host={host}"
        return [os.environ["BENCH_MLFLOW"] + "/bin/mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
                "--workers", str(self.workers), "--backend-store-uri", uri,
                "--artifacts-destination", str(Path(os.environ["BENCH_SCRATCH"], "artifacts-mlflow"))]

    def environment(self):
        return {
            **os.environ,
            "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": str(self.pool),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }


class GuardedMlflow(Mlflow):
    """MLflow with its own basic-auth, on the database of another; its accounts are in SQLite, as it comes."""

    administrator = ("admin", "the first of the bench")

    def __init__(self, beside):
        super().__init__(beside)
        self.folder = Path(os.environ["BENCH_SCRATCH"], "mlflow-basic-auth")
        self.folder.mkdir(exist_ok=True)

    def command(self):
        return [*super().command(), "--app-name", "basic-auth"]

    def environment(self):
        return {
            **super().environment(),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "of the bench",
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.administrator[1],
        }
