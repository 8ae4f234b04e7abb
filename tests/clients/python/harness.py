"""The harness of the client checks: names, fresh experiments, exact comparison, one line per check."""

import contextlib
import itertools
import math
import os
import struct
import sys
import time
import traceback
import uuid

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

CHECKS = []
MAJOR = int(mlflow.__version__.split(".")[0])
# The server asks who one is; the environment says it, and TALLY_CHECK_* who else there is.
BY = os.environ.get("TALLY_CHECK_BY")
_session = uuid.uuid4().hex[:10]
_counter = itertools.count(1)


class Check:
    def __init__(self, name, function, upstream_bug, since, guarded):
        self.name = name
        self.function = function
        self.upstream_bug = upstream_bug
        self.since = since
        self.guarded = guarded


def check(name, upstream_bug=None, since=2, guarded=False):
    """Register a check. `upstream_bug` says what MLflow's own server does wrong here: with --reference the check must
    then fail, so that the word goes away once MLflow mends it. `since` is the first client major that can run it.
    `guarded` checks are those that run on a server that asks who one is, too."""

    def register(function):
        CHECKS.append(Check(name, function, upstream_bug, since, guarded))
        return function

    return register


@contextlib.contextmanager
def environment(**variables):
    """Within it variables of the environment have these values; None: they are not there."""
    before = {name: os.environ.get(name) for name in variables}
    set_environment(variables)
    try:
        yield
    finally:
        set_environment(before)


def set_environment(variables):
    for name, value in variables.items():
        if value is not None:
            os.environ[name] = str(value)
        elif name in os.environ:
            del os.environ[name]


def unique(what="check"):
    """A name nobody else uses, in this run or another against the same server."""
    return f"{what} {_session} {next(_counter)}"


def client():
    return MlflowClient()


def new_experiment(**arguments):
    return client().create_experiment(unique("experiment"), **arguments)


def new_run(experiment_id=None, **arguments):
    return client().create_run(experiment_id or new_experiment(), **arguments).info.run_id


def now_ms():
    return int(time.time() * 1000)


def same_double(left, right):
    """Bit equality, except that every NaN is the same NaN."""
    if math.isnan(left) and math.isnan(right):
        return True
    return struct.pack("<d", left) == struct.pack("<d", right)


def _equal(left, right):
    if isinstance(left, float) and isinstance(right, float):
        return same_double(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right))
    return left == right


def _short(value):
    text = repr(value)
    return text if len(text) <= 600 else text[:400] + " ... " + text[-150:]


def _difference(got, wanted):
    """The first place where two collections differ, for a message that a person can read."""
    if isinstance(got, dict) and isinstance(wanted, dict):
        for key in sorted(set(got) | set(wanted), key=str):
            if key not in got:
                return f"missing {_short(key)}"
            if key not in wanted:
                return f"unexpected {_short(key)} = {_short(got[key])}"
            if not _equal(got[key], wanted[key]):
                return f"at {_short(key)}: got {_short(got[key])}, wanted {_short(wanted[key])}"
    if isinstance(got, (list, tuple)) and isinstance(wanted, (list, tuple)):
        for index, (a, b) in enumerate(zip(got, wanted)):
            if not _equal(a, b):
                return f"at index {index}: got {_short(a)}, wanted {_short(b)}"
        return f"got {len(got)} elements, wanted {len(wanted)}"
    return f"got {_short(got)}, wanted {_short(wanted)}"


def same(got, wanted, what):
    if not _equal(got, wanted):
        raise AssertionError(f"{what}: {_difference(got, wanted)}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(code, text, function, *arguments, **keywords):
    """The call must raise MlflowException with this error code and, when given, this text in the message."""
    try:
        got = function(*arguments, **keywords)
    except MlflowException as error:
        same(error.error_code, code, f"error code of {error.message[:300]!r}")
        if text is not None:
            holds(text in error.message, f"{text!r} is not in the message {error.message[:300]!r}")
        return error
    raise AssertionError(f"wanted {code}, got the answer {_short(got)}")


def points(history):
    """History as plain tuples, in the order of the answer."""
    return [(metric.timestamp, metric.step, metric.value) for metric in history]


def own_tags(run):
    """The tags without those that the fluent client adds by itself."""
    return {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}


def run_checks(selection, reference):
    """Run all checks whose name contains `selection`; returns the number of failures."""
    passed = failed = 0
    label = f"mlflow {mlflow.__version__}" + (f" by {BY}" if BY else "")
    for one in CHECKS:
        if selection not in one.name or MAJOR < one.since or (BY and not one.guarded):
            continue
        expect_failure = reference and one.upstream_bug is not None
        started = time.monotonic()
        try:
            one.function()
            problem = None
        except BaseException as error:  # a check may also fail by SystemExit of a child's code
            if isinstance(error, KeyboardInterrupt):
                raise
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "checks_" in f.filename]
            where = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"
            problem = f"{type(error).__name__} at {where}: {' '.join(str(error).split())[:1500]}"
        finally:
            while mlflow.active_run() is not None:
                mlflow.end_run()
        took = time.monotonic() - started
        if expect_failure and problem is None:
            problem = f"marked as a bug of MLflow ({one.upstream_bug}), but it passed"
        elif expect_failure:
            print(f"ok - {label}: {one.name} (bug of MLflow: {one.upstream_bug})", flush=True)
            passed += 1
            continue
        if problem is None:
            print(f"ok - {label}: {one.name} ({took:.1f} s)", flush=True)
            passed += 1
        else:
            print(f"not ok - {label}: {one.name}: {problem}", flush=True)
            failed += 1
    print(f"# {label}: {passed} passed, {failed} failed", flush=True)
    return failed


def note(text):
    print(f"# {text}", file=sys.stderr, flush=True)
