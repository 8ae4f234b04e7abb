"""libtally and a daemon whose artifacts are in S3: parts go straight there, become one file, come down again, and go on
after an interruption.

Usage: through_libtally.py S3_ADDRESS STORE
Runs below deploy/dev/with-daemon, in whose cluster it makes a database for a daemon of its own. Prints what fails and a
closing line "N passed, N failed"; the exit status is 0 when nothing failed."""

import os
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "client/proof"))

import relay  # noqa: E402
import world  # noqa: E402

TALLY = world.BUILD / "tally"
# S3's least size of a part, which is the client's too.
PART_BYTES = 5 << 20
LARGE_BYTES = 4 * PART_BYTES + 1000
# What else goes there: signed requests without a body, heads, and a daemon's few lines of XML.
OTHER_BYTES = 1 << 20
# More than all tests send.
NO_LIMIT = 1 << 40


def tally(env, *arguments):
    return subprocess.run([TALLY, *arguments], env=env, capture_output=True, timeout=world.HANGS_S)


def up_and_down(scratch, daemon, server, to_s3):
    """A file in parts, past the daemon, and whole again."""
    to_daemon = relay.Meter(daemon.url, NO_LIMIT)
    env = world.environment(to_daemon.url, scratch / "spool", part_bytes=PART_BYTES)
    run = server.ask("runs/create", {"experiment_id": "0"})["run"]
    content = random.Random(3).randbytes(LARGE_BYTES)
    (scratch / "up").write_bytes(content)
    before = to_s3.sent
    put = tally(env, "artifact", "put", run["info"]["run_id"], str(scratch / "up"), "a b/ü.bin")
    world.check(put.returncode == 0, f"put: {put.returncode} {put.stderr!r}")
    sent = to_s3.sent - before
    world.check(LARGE_BYTES < sent < LARGE_BYTES + OTHER_BYTES, f"{sent} bytes went to S3 for a file of {LARGE_BYTES}")
    world.check(to_daemon.sent < OTHER_BYTES, f"{to_daemon.sent} bytes went to the daemon")
    world.check(server.file(run, "a b/ü.bin") == content, "the daemon shows other bytes than were sent")
    get = tally(env, "artifact", "get", run["info"]["run_id"], "a b/ü.bin", "--to", str(scratch / "down"))
    world.check(get.returncode == 0, f"get: {get.returncode} {get.stderr!r}")
    world.check((scratch / "down/ü.bin").read_bytes() == content, "other bytes came down than were sent")
    to_daemon.stop()


def goes_on(scratch, daemon, server, to_s3):
    """Job and daemon are killed in the middle of the third part: sync sends that and the others."""
    env = world.environment(daemon.url, scratch / "spool", part_bytes=PART_BYTES)
    before = to_s3.sent
    to_s3.limit = before + 2 * PART_BYTES + PART_BYTES // 2
    job = world.Job(env, scratch, "in-s3", runs=1, threads=1, points=50, large_bytes=LARGE_BYTES)
    world.check(world.until(lambda: to_s3.sent == to_s3.limit), f"only {to_s3.sent - before} bytes are sent")
    job.kill_after(0)
    daemon.kill()
    to_s3.limit = NO_LIMIT
    daemon.start()
    result = world.sync(env, "sync")
    world.check(result.get("rejected") == 0 and result.get("waiting") == 0, f"sync: {result}")
    world.verify(server, [job], "after sync")
    world.check(job.large, "no file was logged")
    sent = to_s3.sent - before
    # The part that was broken off goes twice, and that may be nearly the whole of it.
    world.check(LARGE_BYTES < sent < LARGE_BYTES + PART_BYTES + OTHER_BYTES,
                f"{sent} bytes went to S3 for a file of {LARGE_BYTES}")
    print(f"# {sent} bytes went to S3 for a file of {LARGE_BYTES} that was interrupted")


def main():
    to_s3 = relay.Meter(sys.argv[1], NO_LIMIT)
    os.environ["AWS_ENDPOINT_URL_S3"] = to_s3.url
    with world.scratch_folder() as folder:
        scratch = pathlib.Path(folder)
        daemon = world.Daemon(scratch, "in_s3", store=sys.argv[2])
        server = world.Server(daemon.url)
        for part in (up_and_down, goes_on):
            part(scratch, daemon, server, to_s3)
        daemon.stop()
    to_s3.stop()
    world.end()


if __name__ == "__main__":
    sys.exit(main())
