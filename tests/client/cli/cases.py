"""Cases as data: a command, what it exits with, and what it must print.

A file of cases holds blocks that begin with a [name]. Lines of a block:
  $ COMMAND       for bash; several lines are one script
  < TEXT          a line of stdin
  exit N          the exit code; default 0
  out TEXT        is part of stdout; "out! TEXT" is not
  err TEXT        is part of stderr; "err! TEXT" is not
  is TEXT         stdout is exactly this line; "is" alone: it is empty
  json JSON       stdout is JSON that holds this: members may be left out; "…" stands for any value
  jsonl JSON      one line of stdout is JSON that holds this
  save NAME       keep stdout without its line end as a variable for what follows
  save NAME PATH  the same of a member of the JSON, as "runs.0.run_id"
In all of them $NAME is what was saved, and $W the folder of the test.
"""
import json
import os
import re
import subprocess

TIMEOUT_S = 120


class Report:
    """What passed and what failed."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, good, told=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL {name}\n     {told}".rstrip(), flush=True)
        return good

    def line(self):
        return f"{self.passed} passed, {self.failed} failed"


class Case:
    def __init__(self, name):
        self.name = name
        self.script = []
        self.stdin = []
        self.exit = 0
        self.checks = []


def read(path):
    found = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            if line.startswith("["):
                found.append(Case(line.strip("[]")))
                continue
            kind, _, text = line.partition(" ")
            if kind == "$":
                found[-1].script.append(text)
            elif kind == "<":
                found[-1].stdin.append(text)
            elif kind == "exit":
                found[-1].exit = int(text)
            elif kind in ("out", "out!", "err", "err!", "is", "json", "jsonl", "save"):
                found[-1].checks.append((kind, text))
            else:
                raise SystemExit(f"{path}:{number}: '{kind}' is no kind of line")
    return found


def holds(found, wanted):
    """True when `found` has all that `wanted` has."""
    if wanted == "…":
        return True
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and holds(found[key], value)
                                               for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(holds, found, wanted))
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def member(value, path):
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value if isinstance(value, str) else json.dumps(value)


def fill(text, env):
    return re.sub(r"\$([A-Za-z_]+)", lambda m: env.get(m.group(1), m.group(0)), text)


def check_one(kind, text, result, env):
    """"" when it holds, else what is wrong."""
    out = result.stdout
    wanted = fill(text, env)
    if kind in ("out", "err"):
        return "" if wanted in (out if kind == "out" else result.stderr) else f"no '{wanted}' in std{kind}"
    if kind in ("out!", "err!"):
        return f"'{wanted}' in std{kind[:3]}" if wanted in (out if kind == "out!" else result.stderr) else ""
    if kind == "is":
        return "" if out.rstrip("\n") == wanted else f"stdout is not '{wanted}'"
    if kind == "save":
        name, _, path = text.partition(" ")
        env[name] = member(json.loads(out), path) if path else out.rstrip("\n")
        return ""
    if kind == "json":
        return "" if holds(json.loads(out), json.loads(wanted)) else f"the JSON does not hold {wanted}"
    return "" if any(holds(json.loads(line), json.loads(wanted)) for line in out.splitlines()) else \
        f"no line holds {wanted}"


def run_case(report, env, case):
    stdin = "".join(line + "\n" for line in case.stdin)
    try:
        result = subprocess.run(["bash", "-c", "\n".join(case.script)], env=env, cwd=env["W"], input=stdin, text=True,
                                capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        report.check(case.name, False, "did not end")
        return
    wrong = "" if result.returncode == case.exit else f"exit code {result.returncode}, not {case.exit}"
    for kind, text in case.checks:
        try:
            wrong = wrong or check_one(kind, text, result, env)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            wrong = wrong or f"{kind} {text}: {error!r}"
    report.check(case.name, not wrong, f"{wrong}\n     $ " + "\n       ".join(case.script)
                 + f"\n     stdout: {result.stdout[-1500:]!r}\n     stderr: {result.stderr[-1500:]!r}")


def run(report, env, path):
    for case in read(path):
        run_case(report, env, case)


def command_of(script, commands):
    """Names of the commands that a script calls."""
    called = re.findall(r"\btally((?: +[a-z-]+){1,2})", script)
    names = set()
    for words in called:
        two = " ".join(words.split())
        one = two.split(" ")[0]
        names.add(two if two in commands else one)
    return names & commands


def check_coverage(report, env, paths):
    """Every command has a case that succeeds, one that fails, and one whose JSON is looked at."""
    pages = subprocess.run(["tally", "manual", "pages"], env=env, text=True, capture_output=True, check=True).stdout
    commands = set(pages.split("\n")) - {""}
    good, bad, printed = set(), set(), set()
    for path in paths:
        for case in read(path):
            called = command_of(" ; ".join(case.script), commands)
            (bad if case.exit else good).update(called)
            # The command that printed it is the last of the script.
            if any(kind in ("json", "jsonl") for kind, _ in case.checks) and "--json" in case.script[-1]:
                printed.update(command_of(re.split(r"&&|;|\|", case.script[-1].partition("--json")[0])[-1], commands))
    for name in sorted(commands):
        report.check(f"'{name}' has a case that succeeds", name in good)
        report.check(f"'{name}' has a case that fails", name in bad)
        report.check(f"'{name}' has a case that looks at its JSON", name in printed)
