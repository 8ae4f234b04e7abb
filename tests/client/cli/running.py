"""What needs time: signals, input that comes slowly, readers that go away, files that are closed."""
import json
import os
import signal
import subprocess
import time

WAIT_S = 120


def start(env, *words, **more):
    return subprocess.Popen(["tally", *words], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            **more)


def tally_json(env, *words):
    return json.loads(subprocess.run(["tally", *words, "--json"], env=env, text=True, capture_output=True,
                                     check=True).stdout)


def until(condition):
    """True once the condition holds; False when it does not within the time."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def run_named(env, name):
    return tally_json(env, "show", name)["runs"][0]


def signal_child(report, env):
    """A signal goes to the command, which may live on to say goodbye."""
    process = start(env, "run", "exec", "-q", "-e", "signals", "--name", "told", "--", "bash", "-c",
                    'trap "echo goodbye; exit 5" TERM; echo ready; while :; do sleep 0.1; done')
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=WAIT_S)
    report.check("SIGTERM is passed on and the command's code is ours", (process.returncode, out) == (5, "goodbye\n"),
                 f"{process.returncode} {out!r} {err!r}")
    report.check("a command that ends itself after a signal has failed", run_named(env, "told")["status"] == "FAILED")


def signal_group(report, env):
    """Ctrl-C goes to the whole group; the command gets it once, and the run is ended all the same."""
    process = start(env, "run", "exec", "-q", "-e", "signals", "--name", "stopped", "--", "sh", "-c",
                    "echo ready; exec sleep 600", start_new_session=True)
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=WAIT_S)
    report.check("Ctrl-C ends with 130", process.returncode == 130, str(process.returncode))
    found = run_named(env, "stopped")
    report.check("a run that Ctrl-C ended is KILLED", found["status"] == "KILLED", str(found["status"]))


def live_log(report, env):
    """Points arrive while stdin is still open."""
    run_id = tally_json(env, "run", "start", "-e", "live", "--name", "live", "--wait", "30")["run_id"]
    process = start(env, "log", run_id, "--format", "jsonl", stdin=subprocess.PIPE)
    process.stdin.write('{"step": 1, "loss": 0.5}\n')
    process.stdin.flush()
    seen = until(lambda: "loss" in run_named(env, run_id)["metrics"])
    report.check("a line is logged before the next one comes", seen)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WAIT_S)
    report.check("log ends cleanly on Ctrl-C", process.returncode == 130 and "1 point of 1 line logged" in err,
                 f"{process.returncode} {err!r}")


def closed_pipe(report, env):
    """`tally help options | head -1`: no message."""
    result = subprocess.run(["bash", "-c", "tally experiments --jsonl --limit 0 | true; tally manual reference | head -1"
                             "; echo ${PIPESTATUS[0]} >&2"], env=env, text=True, capture_output=True, check=False)
    report.check("a reader that goes away is quiet", result.stderr.strip() in ("0", "141"), result.stderr)


def full_disk(report, env):
    result = subprocess.run(["bash", "-c", "tally version > /dev/full"], env=env, text=True, capture_output=True,
                            check=False)
    report.check("what cannot be printed is a failure", result.returncode == 9 and "stdout" in result.stderr,
                 f"{result.returncode} {result.stderr}")


def closed_files(report, env):
    """Without stdin, stdout and stderr: files that are opened must not be taken for them."""
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        result = subprocess.run(["bash", "-c", f"tally runs --json {closed}; exit $?"], env=env, text=True,
                                capture_output=True, check=False)
        report.check(f"works with {closed}", result.returncode == 0, result.stderr)
    result = subprocess.run(["bash", "-c", "tally run exec -q -e signals --name bare -- sh -c 'echo x' <&- >&- 2>&-"],
                            env=env, check=False)
    report.check("run exec works without any", result.returncode == 0 and run_named(env, "bare")["status"] == "FINISHED")


def sync_watch(report, env):
    env = dict(env, TALLY_SPOOL=os.path.join(env["W"], "watched"))
    run_id = tally_json(env, "run", "start", "-e", "live", "--name", "watched", "--offline")["run_id"]
    process = start(env, "sync", "--watch", "--interval", "1")
    seen = until(lambda: any(run["run_id"] == run_id for run in tally_json(env, "runs", "-e", "live")["runs"]))
    report.check("sync --watch sends what comes", seen)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WAIT_S)
    report.check("sync --watch ends on Ctrl-C", process.returncode == 130, str(process.returncode))


def run(report, env):
    for part in (signal_child, signal_group, live_log, closed_pipe, full_disk, closed_files, sync_watch):
        try:
            part(report, env)
        except (subprocess.SubprocessError, KeyError, IndexError, ValueError) as error:
            report.check(part.__name__, False, repr(error))
