"""The two servers that are measured, each with a database of its own in the same PostgreSQL."""

import http.client
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


class Server:
    """A server process, and a small JSON client for it."""

    name = None

    def __init__(self):
        self.port = free_port()
        self.process = None
        self.log = Path(os.environ["BENCH_SCRATCH"], f"{self.name}.log")
        self.databases = 0
        self.database = self.new_database()
        self.forget()

    def new_database(self):
        self.databases += 1
        return subprocess.run(
            [*os.environ["BENCH_CREATE_DATABASE"].split(" "), f"bench_{self.name}_{self.databases}"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()

    def forget(self):
        """What stock.py has put into the database, and the steps that were logged: nothing yet."""
        self.ids = {}
        self.stock = set()
        self.points = 0  # that the load generator logged, one load at a time
        # Beyond every step that a series is filled with.
        self.first_step = 20_000_000

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
                                            stdout=log, stderr=log, start_new_session=True)
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

    def call(self, method, path, data=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        body = None if data is None else json.dumps(data)
        connection.request(method, API + path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{self.name} answers {answer.status} to {method} {path}: {content[:500]!r}")
        return json.loads(content)

    def status(self, method, path, data=None):
        """The status of one request to a whole path, and the start of its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        body = None if data is None else json.dumps(data)
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content[:200].decode(errors="replace")

    def new_experiment(self, name):
        return self.call("POST", "experiments/create", {"name": name})["experiment_id"]

    def new_run(self, experiment_id):
        data = {"experiment_id": experiment_id, "start_time": int(time.time() * 1000)}
        return self.call("POST", "runs/create", data)["run"]["info"]["run_id"]


class Tallyd(Server):
    name = "tallyd"
    ready_path = "/ready"

    def __init__(self):
        super().__init__()
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
