"""A job logs through a proxy that breaks what passes; afterwards the server has each point once.

Usage: faults.py [--mlflow URL] [--points N] [--seed N] [KIND...]
Runs below deploy/dev/with-daemon, whose daemon it uses, or beside the MLflow server of --mlflow. When the daemon speaks
TLS, the authority of its certificate is in CURL_CA_BUNDLE, and what is spoiled are bytes on their way.
"""

import argparse
import concurrent.futures
import os
import sys

import relay
import world

# Share of requests that get a fault, in percent. Those that make the client wait a second get fewer of them.
PLANS = {
    "drop-before": "drop-before=40",
    "drop-request": "drop-request=40",
    "drop-answer": "drop-answer=40",
    "lose-answer": "lose-answer=40",
    "truncate": "truncate=40",
    "corrupt": "corrupt=40",
    "delay": "delay=60",
    "slow": "slow=40",
    "close": "close=60",
    "503": "503=40",
    "503-later": "503-later=10",
    "503-done": "503-done=40",
    "429": "429=10",
    "500": "500=40",
    "500-done": "500-done=40",
    "html": "html=40",
    "endless": "endless=5",
    "redirect": "redirect=40",
    "silent": "silent=10",
    "mixed": "drop-before=5,drop-request=5,drop-answer=5,lose-answer=10,truncate=5,corrupt=5,delay=5,slow=3,close=5,503=5,"
             "503-done=5,500=3,500-done=5,html=3,redirect=3,silent=2",
}
# The same of TLS, of places in the stream of bytes.
TLS_PLANS = {
    "cut": "cut=30",
    "garble": "garble=30",
    "late": "delay=50",
    "mute": "silent=5",
    "all of it": "cut=8,garble=8,delay=8,silent=2",
}
# What the disk does meanwhile: then the client sends from memory, and says of the spool that it failed. With the first,
# files end at 8 blocks of 512 bytes; the answers come late, so that more than that waits.
DISKS = {
    "full disk": ("delay=80", ["sh", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$@"', "sh"], "spool"),
    "no disk": ("delay=20", [], "/dev/null/spool"),
}
# Those in which a run or a file might be made twice, on a server that does not know the client's ids.
TWICE = ["lose-answer", "drop-answer", "503-done", "mixed"]
# The job must not be stopped by any of this: so many of its log calls may take as long as an answer that is late, because
# the machine was busy with other things. Of calls that wait for answers, or for who does, it would be many more.
SLOW_CALLS = 0.01
# A file that goes in two parts of the smallest size, where the server can. Not with TLS: a place is spoiled every few
# thousand bytes there, so that no part would ever come through.
PART_BYTES = 5 << 20
LARGE_BYTES = PART_BYTES + 1000
# Of these so many work at once: mostly they wait.
PARALLEL = 4


def trust():
    """The option that says so, with TLS."""
    return {"ca_file": os.environ["CURL_CA_BUNDLE"]} if "CURL_CA_BUNDLE" in os.environ else {}


def run_kind(kind, server, scratch, arguments):
    if kind in TLS_PLANS:
        proxy = relay.Relay(server.url, arguments.seed + len(kind), TLS_PLANS[kind])
    else:
        proxy = world.Proxy(server.url, arguments.seed + len(kind), PLANS[kind])
    spool = os.path.join(scratch, "spool-" + kind)
    env = world.environment(proxy.url, spool, request_timeout_ms=1500, close_deadline_ms=60000, part_bytes=PART_BYTES,
                            **trust())
    job = world.Job(env, scratch, "faults-" + kind, runs=2, threads=3, points=arguments.points, files=True, pause_us=50,
                    persist_every=100, large_bytes=0 if kind in TLS_PLANS else LARGE_BYTES)
    job.wait(kind)
    figures = proxy.figures()
    proxy.plan("none=100")
    left = world.sync(env, kind)
    again = world.sync(env, kind)
    job.read()
    count = world.verify(server, [job], kind, whole=True)
    proxy.stop()
    spoiled = sum(number for name, number in figures.items() if name != "none")
    world.check(spoiled > 0, f"{kind}: no request was spoiled, so nothing was tested")
    world.check(job.closed in ("TALLY_OK", "TALLY_ERROR_PENDING"), f"{kind}: close gave {job.closed}")
    world.check(not job.errors, f"{kind}: {job.errors[:3]}")
    world.check(job.slow <= SLOW_CALLS * job.calls,
                f"{kind}: {job.slow} of {job.calls} log calls waited, the longest for {job.max_ns / 1e6} ms")
    world.check(left.get("rejected") == 0, f"{kind}: {left}")
    world.check(again.get("streams") == 0 and again.get("points") == 0, f"{kind}: a second sync found {again}")
    print(f"# {kind}: {count} points, {spoiled} of {sum(figures.values())} "
          f"{'places' if kind in TLS_PLANS else 'requests'} spoiled, "
          f"{left.get('points')} left for sync, {job.slow} of {job.calls} calls waited, longest {job.max_ns / 1e3:.0f} us", flush=True)
    return job.max_ns


def run_disk(name, server, scratch, arguments):
    plan, wrapper, spool = DISKS[name]
    proxy = world.Proxy(server.url, arguments.seed, plan)
    env = world.environment(proxy.url, os.path.join(scratch, spool), close_deadline_ms=60000)
    job = world.Job(env, scratch, "faults-" + name.replace(" ", "-"), runs=2, threads=3, points=arguments.points,
                    wrapper=wrapper)
    job.wait(name)
    proxy.stop()
    job.read()
    count = world.verify(server, [job], name, whole=True)
    world.check(job.closed == "TALLY_OK" and not job.errors, f"{name}: {job.closed} {job.errors[:3]}")
    print(f"# {name}: {count} points, longest of {job.calls} calls {job.max_ns / 1e3:.0f} us", flush=True)
    return job.max_ns


def run_stranger(what, server, scratch, arguments):
    """A server whose certificate is nobody's that one trusts gets nothing, and everything once it is trusted."""
    spool = os.path.join(scratch, "spool-" + what)
    job = world.Job(world.environment(server.url, spool, close_deadline_ms=1000), scratch, "faults-" + what, runs=1,
                    points=arguments.points, files=True)
    job.wait(what)
    world.check(server.runs_of(job.experiment) == [] and job.read().closed == "TALLY_ERROR_PENDING",
                f"{what}: {job.closed} {server.runs_of(job.experiment)}")
    world.sync(world.environment(server.url, spool, **trust()), what)
    print(f"# {what}: {world.verify(server, [job], what, whole=True)} points", flush=True)
    return job.max_ns


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mlflow")
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("kinds", nargs="*")
    arguments = parser.parse_args()
    server = world.Server(arguments.mlflow or os.environ["TALLY_TEST_URL"])
    if server.url.startswith("https:"):
        kinds = arguments.kinds or ["stranger", *TLS_PLANS]
    else:
        kinds = arguments.kinds or (TWICE if arguments.mlflow else [*PLANS, *DISKS])
    runs = {"stranger": run_stranger, **dict.fromkeys(DISKS, run_disk)}
    with world.scratch_folder() as scratch, concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        longest = max(pool.map(lambda kind: runs.get(kind, run_kind)(kind, server, scratch, arguments), kinds))
    print(f"# longest log call of all: {longest / 1e3:.0f} us")
    world.end()


if __name__ == "__main__":
    sys.exit(main())
