"""What the proofs share: daemons that may be killed, the proxy of faults, jobs, and what of a job must be on the server."""

import base64
import hashlib
import json
import os
import pathlib
import random
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("TALLY_TEST_BUILD", ROOT / "build"))
JOB = BUILD / "tests/client/fault-job"
PROXY = BUILD / "tests/client/fault-proxy"
# A param and a tag come with each so many points: PAIR_EVERY of job.c.
PAIR_EVERY = 50
# What a daemon needs at most to be ready on a busy machine.
READY_S = 60
# No program of these tests works as long as that: one that does hangs.
HANGS_S = 180

passed = 0
failed = 0
lock = threading.Lock()


def check(good, what):
    """Count one expectation, and tell when it did not hold. Any thread."""
    global passed, failed
    with lock:
        if good:
            passed += 1
        else:
            failed += 1
            print("  FAIL", what, flush=True)
    return good


def until(condition):
    """True once the condition holds; False when it does not before one must think that it hangs."""
    deadline = time.monotonic() + HANGS_S
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def end():
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 and passed > 0 else 1)


# --- servers ---------------------------------------------------------------------------------------------------------


class Daemon:
    """A tallyd with a database of its own, in the cluster of deploy/dev/with-daemon."""

    def __init__(self, scratch, name="proof", arguments=(), store=None):
        cluster = ROOT / "deploy/dev/cluster"
        made = subprocess.run([cluster, "create", os.environ["TALLY_TEST_CLUSTER"], f"{name}_{os.getpid()}"],
                              capture_output=True, text=True, check=True)
        self.database = made.stdout.strip()
        self.scratch = pathlib.Path(scratch)
        self.store = store or self.scratch / "artifacts"
        self.arguments = list(arguments)
        # Nobody else gets its port while it is down.
        self.reservation = socket.socket()
        self.reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reservation.bind(("127.0.0.1", 0))
        self.listen = f"127.0.0.1:{self.reservation.getsockname()[1]}"
        self.log = self.scratch / f"{name}.log"
        self.process = None
        self.start()

    def start(self):
        self.log.write_text("")
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [os.environ["TALLY_TEST_TALLYD"], "serve", "--listen", self.listen, "--artifact-store",
                 self.store, *self.arguments],
                env=dict(os.environ, TALLY_DATABASE_URL=self.database), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"event=listening.*address=(http://\S+)", self.log.read_text())
            if found:
                self.url = found.group(1)
                if status_of(self.url + "/ready") == 200:
                    return
            time.sleep(0.02)
        raise RuntimeError("the daemon did not become ready: " + self.log.read_text()[-2000:])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        check(self.process.wait(timeout=READY_S) == 0, "the daemon ends with 0")
        if failed:
            lines = [line for line in self.log.read_text().splitlines() if "level=info" not in line]
            print("--- the daemon's log: its last warnings and errors", *lines[-40:], sep="\n")
        self.reservation.close()


def status_of(url):
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def tls_handlers():
    """Of urllib, when CURL_CA_BUNDLE tells whom to trust: as for curl, and deploy/dev/with-daemon."""
    bundle = os.environ.get("CURL_CA_BUNDLE")
    return [urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=bundle))] if bundle else []


class Server:
    """Plain requests to a server, past the client that is tested."""

    def __init__(self, url, user=None, password=None):
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *tls_handlers())
        self.headers = {}
        if user:
            text = base64.b64encode(f"{user}:{password}".encode()).decode()
            self.headers["Authorization"] = "Basic " + text

    def get(self, path, **query):
        url = self.url + path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
        with self.opener.open(urllib.request.Request(url, headers=self.headers), timeout=60) as answer:
            return answer.read()

    def ask(self, path, body=None, **query):
        """The JSON of an endpoint of MLflow's API."""
        path = "/api/2.0/mlflow/" + path
        if body is None:
            return json.loads(self.get(path, **query))
        request = urllib.request.Request(self.url + path, data=json.dumps(body).encode(),
                                         headers=dict(self.headers, **{"Content-Type": "application/json"}))
        with self.opener.open(request, timeout=60) as answer:
            return json.loads(answer.read())

    def runs_of(self, experiment):
        """All runs of the experiment of this name."""
        try:
            number = self.ask("experiments/get-by-name", experiment_name=experiment)["experiment"]["experiment_id"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise
        runs, token = [], None
        while True:
            body = {"experiment_ids": [number], "max_results": 1000, "run_view_type": "ALL"}
            if token:
                body["page_token"] = token
            page = self.ask("runs/search", body)
            runs += page.get("runs", [])
            token = page.get("next_page_token")
            if not token:
                return runs

    def history(self, run_id, key):
        points, token = [], None
        while True:
            query = {"run_id": run_id, "metric_key": key, "max_results": 25000}
            if token:
                query["page_token"] = token
            page = self.ask("metrics/get-history", **query)
            points += page.get("metrics", [])
            token = page.get("next_page_token")
            if not token:
                return points

    def file(self, run, name):
        path = urllib.parse.urlsplit(run["info"]["artifact_uri"]).path
        return self.get("/api/2.0/mlflow-artifacts/artifacts" + path + "/" + urllib.parse.quote(name))


class Proxy:
    """build/tests/client/fault-proxy before a server."""

    def __init__(self, url, seed, plan="none=100", delay_ms=300):
        port = str(urllib.parse.urlsplit(url).port)
        self.process = subprocess.Popen([PROXY, "--upstream", port, "--seed", str(seed), "--delay-ms", str(delay_ms)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:" + self.process.stdout.readline().strip()
        self.plan(plan)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def plan(self, text):
        answer = self.tell("plan " + text)
        if answer != "ok":
            raise ValueError(f"plan {text}: {answer}")

    def figures(self):
        return {name: int(count) for name, count in (part.split("=") for part in self.tell("figures").split())}

    def stop(self):
        self.process.stdin.close()
        check(self.process.wait(timeout=READY_S) == 0, "the proxy ends with 0")


# --- jobs ------------------------------------------------------------------------------------------------------------


def environment(url, spool, **options):
    """The environment of a client: of the options, and nothing of the caller's."""
    made = {name: value for name, value in os.environ.items() if not name.startswith(("TALLY_", "MLFLOW_"))}
    made.update(TALLY_SERVER=url, TALLY_SPOOL=str(spool), TALLY_CONFIG="/dev/null", TALLY_RETRY_MAX_MS="200")
    for name, value in options.items():
        made["TALLY_" + name.upper()] = str(value)
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            made[name] = os.environ[name]
    return made


class Job:
    """A running fault-job, and what its journal promises."""

    def __init__(self, env, scratch, experiment, name="m", wrapper=(), **arguments):
        self.name = name
        self.experiment = experiment
        self.arguments = arguments
        with lock:
            handle, path = tempfile.mkstemp(prefix="journal-", dir=scratch)
        os.close(handle)
        self.journal = pathlib.Path(path)
        self.command = [*wrapper, str(JOB), "--journal", path, "--name", name]
        for option, value in arguments.items():
            option = "--" + option.replace("_", "-")
            if value is True:
                self.command.append(option)
            elif value is not False:
                self.command += [option, str(value)]
        self.process = subprocess.Popen(self.command, env=dict(env, TALLY_EXPERIMENT=experiment), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def kill_after(self, seconds):
        time.sleep(seconds)
        self.process.kill()
        self.process.communicate()

    def wait(self, what):
        try:
            output, _ = self.process.communicate(timeout=HANGS_S)
        except subprocess.TimeoutExpired:
            check(False, f"{what}: the job hangs")
            self.process.kill()
            output, _ = self.process.communicate()
        check(self.process.returncode == 0, f"{what}: the job ended with {self.process.returncode}: {output[-500:]!r}")
        check(output == b"", f"{what}: something was printed: {output[:500]!r}")

    def read(self):
        self.runs, self.persisted, self.done, self.files, self.large, self.ended = {}, {}, {}, set(), set(), set()
        self.errors, self.calls, self.slow, self.max_ns, self.closed = [], 0, 0, 0, None
        for line in self.journal.read_text().splitlines():
            kind, *rest = line.split(" ")
            if kind == "run":
                self.runs[int(rest[0])] = rest[1]
            elif kind == "persisted":
                # A promise is about the client, so about each run and thread that logged before.
                self.persisted[int(rest[0]), int(rest[1])] = int(rest[2])
            elif kind == "done":
                self.done[int(rest[0]), int(rest[1])] = int(rest[2])
            elif kind == "file":
                self.files.add((int(rest[0]), int(rest[1])))
            elif kind == "large":
                self.large.add(int(rest[0]))
            elif kind == "end":
                self.ended.add(int(rest[0]))
            elif kind == "calls":
                self.calls, self.slow, self.max_ns = map(int, rest)
            elif kind == "close":
                self.closed = rest[0]
            elif kind == "error":
                self.errors.append(" ".join(rest))
        return self


def sync(env, what, expect=0):
    """Send what a spool holds; the result as tally_sync tells it."""
    try:
        run = subprocess.run([JOB, "--sync"], env=env, capture_output=True, text=True, timeout=HANGS_S)
    except subprocess.TimeoutExpired:
        check(False, f"{what}: sync hangs")
        return {}
    if expect is not None:
        check(run.returncode == expect, f"{what}: sync ended with {run.returncode}: {run.stdout} {run.stderr}")
    try:
        return json.loads(run.stdout)
    except ValueError:
        return {}


# --- what must be there ----------------------------------------------------------------------------------------------


class Shown:
    """The runs of an experiment as the server shows them, by the id that the client made."""

    def __init__(self, server, experiment, what):
        self.server = server
        self.runs = {}
        for run in server.runs_of(experiment):
            tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
            run["tags"] = tags
            client_id = tags.get("tally.run_id")
            check(client_id is not None, f"{what}: run {run['info']['run_id']} was made by nobody")
            check(client_id not in self.runs, f"{what}: run {client_id} was made twice")
            self.runs[client_id] = run


def verify(server, jobs, what, whole=False):
    """Each point of each job is there once, each promised one is there, and nothing else. `whole`: nobody was killed, so
    all is there. Returns the number of points."""
    shown = Shown(server, jobs[0].experiment, what)
    started = {run for job in jobs for run in job.read().runs.values()}
    for run in shown.runs:
        check(run in started, f"{what}: nobody started run {run}")
    return sum(verify_job(shown, job, what, whole) for job in jobs)


def verify_job(shown, job, what, whole):
    count = 0
    threads = job.arguments.get("threads", 1)
    for number, client_id in job.runs.items():
        run = shown.runs.get(client_id)
        promised = any(key[0] == number for key in job.persisted)
        if run is None:
            check(not promised and not whole, f"{what}: run {client_id} is missing")
            continue
        for thread in range(threads):
            count += verify_thread(shown.server, job, run, number, thread, what, whole)
        if number in job.ended:
            wanted = "FAILED" if number % 2 else "FINISHED"
            check(run["info"]["status"] == wanted and run["info"].get("end_time", 0) > 0,
                  f"{what}: run {number} is {run['info']['status']}, not {wanted}")
        if number in job.large:
            verify_large(shown.server, run, job.arguments["large_bytes"], what)
        for thread in (thread for at, thread in job.files if at == number):
            try:
                text = shown.server.file(run, f"{job.name}{thread}.txt")
            except urllib.error.HTTPError as error:
                text = str(error).encode()
            check(text == b"file of thread %d in run %d\n" % (thread, number), f"{what}: a file holds {text!r}")
    return count


def verify_large(server, run, size, what):
    """Byte i is i modulo 251, as log_large of job.c has it."""
    try:
        content = server.file(run, "large.bin")
    except urllib.error.HTTPError as error:
        content = str(error).encode()
    wanted = (bytes(range(251)) * (size // 251 + 1))[:size]
    check(hashlib.sha256(content).digest() == hashlib.sha256(wanted).digest(),
          f"{what}: the large file of run {run['info']['run_id']} has {len(content)} bytes, not {size}, or others")


def verify_thread(server, job, run, number, thread, what, whole):
    key = f"{job.name}{thread}"
    points = server.history(run["info"]["run_id"], key)
    steps = sorted(int(point["step"]) for point in points)
    count = len(steps)
    where = f"{what}: run {number}, thread {thread}"
    check(steps == list(range(count)), f"{where}: {count} points with {len(set(steps))} steps up to {steps[-1:]}")
    check(all(float(point["value"]) == int(point["step"]) * 8 + thread for point in points), f"{where}: a wrong value")
    promised = job.persisted.get((number, thread), 0)
    check(count >= promised, f"{where}: {count} points, {promised} were persisted")
    if whole:
        check(count == job.arguments["points"], f"{where}: {count} points, {job.arguments['points']} were logged")
    verify_pairs(run, key, count, where, whole)
    return count


def verify_pairs(run, key, count, where, whole):
    """Params and tags come right behind each fiftieth point: those behind the last point may be missing."""
    wanted = set(range(0, count, PAIR_EVERY))
    unsure = {count - 1} if not whole else set()
    params = {param["key"].rpartition(".")[2]: param["value"] for param in run["data"].get("params", [])
              if param["key"].rpartition(".")[0] == key}
    check(all(name == value for name, value in params.items()), f"{where}: a param has a wrong value")
    have = {int(name) for name in params}
    check(wanted - unsure <= have <= wanted, f"{where}: params {sorted(have)[-3:]} of {count} points")
    last = run["tags"].get(key)
    fine = {str(max(wanted))} if wanted else {None}
    if wanted and max(wanted) in unsure:
        fine.add(str(max(wanted) - PAIR_EVERY) if max(wanted) > 0 else None)
    check(last in fine, f"{where}: the tag is {last}, not one of {fine}")


def scratch_folder():
    return tempfile.TemporaryDirectory(prefix="tally-client-", dir=os.environ.get("TMPDIR", "/tmp"))
