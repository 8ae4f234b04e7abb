"""Figures of runs/search: filters and orders over experiments of many sizes, pages, the first question after a start, memory,
many connections, beside ingest, and among many experiments."""

import http.client
import json
import re
import time

import machine
import stock
import stress
import trials
from loads import P50, P99, RATE, Load, log_batch, runs_file
from report import say
from sizes import count_text

PATH = "/api/2.0/mlflow/runs/search"
RESULTS = (100, 1000)
# The page that is far into the runs.
PAGE = 50
CONNECTIONS = (8, 64)
OTHERS = 99
OTHER_RUNS = 1000
METRICS = len(trials.METRICS)
WIDE_METRICS = 1000
# What a run of this stock has at least as JSON.
RUN_BYTES = 1500
# MLflow is filled within this, or left out.
MLFLOW_FILL_S = 600
TALLYD_FILL_S = 3600
# Rounds with a start of MLflow, which takes it five seconds and more.
MLFLOW_STARTS = 3
# So many over new connections reach each of two workers, but for one time in a hundred.
WARM_QUESTIONS = 8
# Runs that are compared between the servers, to the last value.
COMPARED = (0, 1, 17, 500)
# Six digits behind this make a threshold that is another one with each request, and which about half of the runs are above.
THRESHOLD = "0.6@value@"
DIGITS = ("--values", "digits", "--keys", 10)
FIXED = "0.625"


class Question:
    """One kind of search, with the holes of the load generator in its filter; at least `share` of the runs match."""

    def __init__(self, label, text, filter_text=None, order_by=(), share=1.0, experiments="searched"):
        self.label = label
        self.text = text
        self.filter = filter_text
        self.order_by = list(order_by)
        self.share = share
        self.experiments = experiments

    def body(self, results):
        """With the holes of the load generator."""
        data = {"experiment_ids": [f"@{self.experiments}@"], "max_results": results}
        if self.filter:
            data["filter"] = self.filter
        if self.order_by:
            data["order_by"] = self.order_by
        return json.dumps(data, separators=(",", ":"))

    def fixed(self, server, results):
        """One that is the same for both servers."""
        text = self.body(results).replace(f"@{self.experiments}@", server.ids[self.experiments])
        return json.loads(text.replace(THRESHOLD, FIXED).replace("@key@", "4"))

    def load(self, results, runs, connections=1):
        least = int(RUN_BYTES * min(results, self.share * runs))
        return Load(PATH, connections, self.body(results), run="searched", least_bytes=least, more=DIGITS)


ABOVE = f"metrics.acc > {THRESHOLD}"
ADAM = f"{ABOVE} AND params.optimizer = 'adam'"
BEST = ("metrics.acc DESC",)
QUESTIONS = (
    Question("a", "no filter"),
    Question("b", "metrics.acc > x", ABOVE, share=0.4),
    Question("c", "metrics.acc > x and params.optimizer = 'adam', ordered by metrics.acc DESC", ADAM, BEST, share=0.12),
    # A tenth of all: study 1400 to 1499.
    Question("d", "tags.note LIKE", "tags.note LIKE '%study 1@key@%'", share=0.09),
)
# The first of (a) to (c) are nearly the same runs each time; the least above x are others each time.
QUESTIONS += (Question("c'", "as (c), ordered by metrics.acc ASC", ADAM, ("metrics.acc ASC",), share=0.12),)
TOUGHEST = QUESTIONS[2]
PAGED = Question("e", f"page {PAGE}", "metrics.acc > 0.2", BEST)
EVERYWHERE = Question("f", TOUGHEST.text, ADAM, BEST, share=TOUGHEST.share, experiments="everywhere")


class Searching:
    """The figures of one experiment, alone in its database but for what the figures themselves put there."""

    def __init__(self, bench, runs, metrics=METRICS):
        self.bench = bench
        self.runs = runs
        self.metrics = metrics
        wide = "" if metrics == METRICS else f" with {metrics:,} metrics each"
        self.title = f"search in {count_text(runs)} runs{wide}"
        self.servers = []
        self.missing = ""  # why MLflow is left out
        self.restarted = set()  # names of servers whose memory is not that of all questions
        self.late = {}  # (name of a server, label of a question): (results, why it is not asked with so many or more)

    def name(self, text):
        return f"{self.title}: {text}"

    # --- what is asked ----------------------------------------------------------------------------------------------

    def figures(self):
        """(name, function) in the order in which they are taken."""
        yield self.name("the first question after the start"), self.first
        for question in QUESTIONS:
            for results in RESULTS:
                yield self.name(f"({question.label}) {question.text}, {results:,} results, 1 connection"), (
                    lambda name, question=question, results=results: self.ask(name, question, results))
        for results in RESULTS:
            yield self.name(f"(e) page {PAGE} of {results:,} each, 1 connection"), (
                lambda name, results=results: self.page(name, results))
        for connections in CONNECTIONS:
            yield self.name(f"(c) 100 results, {connections} connections"), (
                lambda name, connections=connections: self.ask(name, TOUGHEST, 100, connections))
        yield self.name("memory after all questions"), self.memory
        if self.metrics != METRICS:
            return
        for same in (True, False):
            where = "other runs of the same experiment" if same else "another experiment"
            yield self.name(f"(c) 100 results, while batches of 100 go into {where} at half the maximum"), (
                lambda name, same=same: self.beside(name, same))
        if self.runs == self.bench.size.search_crowded:
            among = f"with {OTHERS} other experiments of {OTHER_RUNS:,} runs"
            for results in RESULTS:
                yield self.name(f"(f) {among}, one searched, {results:,} results, 1 connection"), (
                    lambda name, results=results: self.crowded(name, TOUGHEST, results))
            for results in RESULTS:
                yield self.name(f"(f) {among}, all searched, {results:,} results, 1 connection"), (
                    lambda name, results=results: self.crowded(name, EVERYWHERE, results))

    def measure(self):
        bench = self.bench
        todo = [(name, function) for name, function in self.figures() if bench.options.only in name]
        if not todo or not bench.wanted(*(name for name, _ in todo)):
            return
        with bench.attempt(self.title):
            self.prepare()
            for name, function in todo:
                if bench.wanted(name):
                    with bench.attempt(name):
                        function(name)

    # --- the stock --------------------------------------------------------------------------------------------------

    def prepare(self):
        self.servers = list(self.bench.servers)
        for server in self.servers:
            server.renew()
            server.ids["searched"] = server.new_experiment("bench searched")
            server.stock.add("searched")
        self.fill(lambda server: [(0, server.ids["searched"])], self.runs)
        for server in self.servers:
            runs_file(server, "searched").write_text(trials.run_id(server, 0, 0) + "\n")
        self.compare()

    def fill(self, experiments, runs):
        """Put runs into both servers at the same time; one that is too slow is left out."""
        def one(number):
            server = self.servers[number]
            limit_s = TALLYD_FILL_S if server is self.bench.tallyd else MLFLOW_FILL_S
            try:
                return trials.fill(server, experiments(server), runs, self.metrics, limit_s)
            except trials.Late:
                return None

        took = stock.in_parallel(len(self.servers), one)
        for server, seconds in zip(list(self.servers), took):
            if seconds is None:
                self.leave_out(server, f"not filled within {MLFLOW_FILL_S} s")
            else:
                self.bench.remarks.append(f"{self.title}: {server.name} was filled by SQL in {seconds:.0f} s")

    def leave_out(self, server, reason):
        """MLflow is not asked any more about this experiment; what it still does is ended."""
        if server is self.bench.tallyd:
            raise RuntimeError(reason)
        self.missing = f"{server.name}: {reason}"
        say(f"  {self.missing}")
        self.servers.remove(server)
        server.renew()

    def compare(self):
        """The documents of some runs are the same in both servers."""
        if len(self.servers) < 2:
            return
        for index in COMPARED:
            if index >= self.runs:
                continue
            ours, theirs = (content(server.call("GET", f"runs/get?run_id={trials.run_id(server, 0, index)}")["run"])
                            for server in self.servers)
            if ours != theirs:
                different = [key for key in ours if ours[key] != theirs.get(key)]
                self.bench.fail(f"{self.title}: run {index} differs in {different}: {ours} and {theirs}"[:2000])

    # --- figures ----------------------------------------------------------------------------------------------------

    def first(self, name):
        """Each round a start, memory, the question, memory."""
        bench = self.bench
        took, before, after = ({server.name: [] for server in self.servers} for _ in range(3))
        for round_number in range(bench.options.rounds):
            for server in self.servers:
                if server is not bench.tallyd and round_number >= MLFLOW_STARTS:
                    continue
                server.stop()
                server.start()
                time.sleep(1 if server is bench.tallyd else 3)
                before[server.name].append(machine.memory_mb(server.process.pid))
                milliseconds, _ = answer(server, TOUGHEST.fixed(server, 100), 300)
                took[server.name].append(milliseconds)
                after[server.name].append(machine.memory_mb(server.process.pid))
        for server in self.servers:
            warm(server)
        command = bench.again(name)
        bench.add(name, "ms", False, took, f"(c), 100 results {self.missing}".strip(), command)
        for label, values in (("before the first question", before), ("after the first question", after)):
            self.add_memory(label, values)
        bench.results[name] = {"ms": took, "before_mb": before, "after_mb": after}

    def add_memory(self, label, values, note=""):
        for number, kind in enumerate(("RSS", "PSS")):
            name = self.name(f"memory {label}, {kind}")
            self.bench.add(name, "MB", False, {key: [one[number] for one in rounds] for key, rounds in values.items()}, note,
                           self.bench.again(self.title))

    def memory(self, _):
        note = "".join(f"{name} was started anew on the way" for name in self.restarted)
        self.add_memory("after all questions", {server.name: [machine.memory_mb(server.process.pid)]
                                                for server in self.servers}, note)

    def in_time(self, server, question, results, connections):
        """Why a question is not measured, or nothing: it is asked once, and what comes too late is given up. Gives the
        run ids of the answer, too."""
        bound_s = self.bench.size.search_bound_s
        key = (server.name, question.label)
        if key in self.late and results >= self.late[key][0]:
            return self.late[key][1], None
        try:
            limit_s = 300 if server is self.bench.tallyd else bound_s
            milliseconds, data = answer(server, question.fixed(server, results), limit_s)
        except TimeoutError:
            # What nobody waits for any more would run on beside the next figure.
            server.stop()
            server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE datname = current_database() AND pid <> pg_backend_pid()")
            server.start()
            warm(server)
            self.restarted.add(server.name)
            reason = f"{server.name}: no answer within {bound_s:g} s"
            if connections == 1:
                self.late[key] = results, f"{reason} with {results:,} results"
            return reason, None
        ids = [run["info"]["run_id"] for run in data.get("runs", [])]
        # Two processors: requests over many connections wait for each other.
        if server is not self.bench.tallyd and milliseconds * connections / 2000 > 2 * bound_s:
            return f"{server.name}: {milliseconds:,.0f} ms for one, {connections} at once would take too long", ids
        return "", ids

    def ask(self, name, question, results, connections=1, load=None):
        """A question is first asked once of each server, and both must find the same runs."""
        servers, notes, found = [], [self.missing] * bool(self.missing), []
        for server in self.servers:
            reason, ids = self.in_time(server, question, results, connections)
            if reason:
                notes.append(reason)
            else:
                servers.append(server)
            if ids is not None:
                found.append(ids)
        if len(found) == 2 and found[0] != found[1]:
            at = next((place for place, (one, other) in enumerate(zip(*found)) if one != other), min(map(len, found)))
            self.bench.fail(f"{name}: the servers find other runs: {len(found[0])} and {len(found[1])}, the first difference "
                            f"at {at}: {[ids[at:at + 2] for ids in found]}")
        shown = [RATE, P50, P99] if connections > 1 or question is TOUGHEST else [P50, P99]
        self.bench.measure(name, load or question.load(results, self.runs, connections), shown, servers=servers,
                           note="; ".join(notes))

    def page(self, name, results):
        """The way to that page, token by token, and then that page again and again."""
        bench = self.bench
        pages = min(PAGE, int(self.runs * 0.8) // results)
        took = {server.name: [] for server in self.servers}
        notes = [self.missing] * bool(self.missing)
        if pages < 2:
            bench.add(name, "ms", False, {}, f"not measured: {self.runs:,} runs have not as many pages")
            return
        if pages < PAGE:
            notes.append(f"page {pages}, because there are no more")
        servers = []
        for server in self.servers:
            reason, _ = self.in_time(server, PAGED, results, pages)
            if reason:
                notes.append(f"{reason} for page 1")
            else:
                servers.append(server)
        for _ in range(min(2, bench.options.rounds)):
            for server in servers:
                milliseconds, token = walk(server, PAGED.fixed(server, results), pages)
                took[server.name].append(milliseconds)
                server.ids["page"] = token
        way = name.replace(f"page {PAGE}", f"the way to page {PAGE}")
        bench.add(way, "ms", False, {key: values for key, values in took.items() if values}, "; ".join(notes),
                  bench.again(name))
        body = json.dumps({**json.loads(PAGED.body(results)), "page_token": "@page@"}, separators=(",", ":"))
        load = Load(PATH, 1, body, run="searched", least_bytes=RUN_BYTES * results * 9 // 10)
        bench.measure(name, load, [P50, P99], servers=servers, note="; ".join(notes))

    def beside(self, name, same):
        """Search at one connection while points arrive at half of the rate at which they can."""
        bench = self.bench
        kind = "beside" if same else "elsewhere"
        load = log_batch(100, 64, run=kind)
        found = {server.name: [] for server in self.servers}
        notes = [self.missing] * bool(self.missing)
        servers, rates = [], {}
        for server in self.servers:
            reason, _ = self.in_time(server, TOUGHEST, 100, 1)
            if reason:
                notes.append(reason)
                continue
            servers.append(server)
            experiment = server.ids["searched"] if same else stock.experiment(server, "logged")
            ids = stock.in_parallel(stock.WATCHED_RUNS, lambda _, server=server, experiment=experiment:
                                    server.new_run(experiment))
            runs_file(server, kind).write_text("\n".join(ids) + "\n")
            rates[server.name] = stress.greatest_rate(bench, name, server, load) / 2
            server.rest(60)
        question = TOUGHEST.load(100, self.runs)
        seconds = max(1, bench.options.seconds)
        for _ in range(bench.options.rounds):
            for server in servers:
                ingest = load.start(server, seconds + 0.5, ["--rate", f"{rates[server.name]:.2f}"])
                time.sleep(0.3)
                one = question.measure(server, seconds)
                one["beside"] = load.finish(ingest)
                server.points += one["beside"]["requests"] * 100
                bench.check(name, server, one)
                bench.check(f"{name} (ingest)", server, one["beside"])
                found[server.name].append(one)
                server.rest(60)
        notes.append("half the maximum: " + ", ".join(f"{key} {rate * 100:,.0f} points/s" for key, rate in rates.items()))
        found = {key: rounds for key, rounds in found.items() if rounds}
        for label, unit, function in (P50, P99):
            values = {key: [function(one) for one in rounds] for key, rounds in found.items()}
            bench.add(f"{name} {label}", unit, False, values, "; ".join(notes))
            notes = []
        values = {key: [P99[2](one["beside"]) for one in rounds] for key, rounds in found.items()}
        bench.add(f"{name}: ingest p99", "ms", False, values)
        bench.table.command(name, question.shown(bench.tallyd, seconds))
        bench.table.command(f"{name}: beside it", load.shown(bench.tallyd, seconds, ["--rate", "HALF"]))
        bench.results[name] = {"rounds": found, "half": rates}

    def crowded(self, name, question, results):
        if "everywhere" not in self.bench.tallyd.ids:
            others = {}
            for server in self.servers:
                numbers = range(1, OTHERS + 1)
                others[server.name] = [(number, server.new_experiment(f"bench other {number}")) for number in numbers]
                everywhere = [server.ids["searched"], *(experiment for _, experiment in others[server.name])]
                server.ids["everywhere"] = '","'.join(everywhere)
            self.fill(lambda server: others[server.name], OTHER_RUNS)
        runs = self.runs + (OTHERS * OTHER_RUNS if question is EVERYWHERE else 0)
        self.ask(name, question, results, load=question.load(results, runs))


def content(run):
    """What a run holds, without what depends on the number of the experiment or on the order of a list."""
    data = run["data"]
    return {
        "info": {key: value for key, value in run["info"].items() if key not in ("experiment_id", "artifact_uri")},
        **{kind: sorted(json.dumps(item, sort_keys=True) for item in data.get(kind, []))
           for kind in ("metrics", "params", "tags")},
    }


def answer(server, data, limit_s):
    """The milliseconds of one question over a new connection, and what was answered."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=limit_s)
    try:
        started = time.perf_counter()
        connection.request("POST", PATH, json.dumps(data), {"Content-Type": "application/json"})
        found = connection.getresponse()
        text = found.read()
        took = (time.perf_counter() - started) * 1000
    finally:
        connection.close()
    if found.status != 200:
        raise RuntimeError(f"{server.name} answers {found.status} to {json.dumps(data)[:300]}: {text[:300]!r}")
    return took, json.loads(text)


def warm(server):
    """MLflow's workers each take seconds for their first question, which no other figure is to pay for."""
    for _ in range(WARM_QUESTIONS):
        answer(server, {"experiment_ids": [server.ids["searched"]], "max_results": 1}, 300)


def walk(server, data, pages):
    """The milliseconds of so many pages over one connection, without the time that the client takes to read them, and the
    token that led to the last one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    took, token = 0, None
    for page in range(pages):
        if page > 0:
            data = {**data, "page_token": token}
        started = time.perf_counter()
        connection.request("POST", PATH, json.dumps(data), {"Content-Type": "application/json"})
        found = connection.getresponse()
        text = found.read()
        took += time.perf_counter() - started
        if found.status != 200:
            raise RuntimeError(f"{server.name} answers {found.status} to page {page + 1}: {text[:300]!r}")
        if page < pages - 1:
            match = re.search(rb'"next_page_token": ?"([^"]+)"', text)
            if not match:
                raise RuntimeError(f"{server.name} has no page behind page {page + 1}")
            token = match.group(1).decode()
    connection.close()
    return took * 1000, token


def measure(bench):
    sizes = [Searching(bench, runs) for runs in bench.size.search_runs]
    if bench.size.search_wide:
        sizes.append(Searching(bench, bench.size.search_wide, WIDE_METRICS))
    before = [server.databases for server in bench.servers]
    for one in sizes:
        one.measure()
    for server, databases in zip(bench.servers, before):
        if server.databases != databases:
            server.renew()  # so that what was searched is in nobody's way
