"""A job without standard input, output and error logs as any other, and nothing is written into what gets their numbers."""

import os
import sys

import world


def main():
    server = world.Server(os.environ["TALLY_TEST_URL"])
    with world.scratch_folder() as scratch:
        env = world.environment(server.url, os.path.join(scratch, "spool"), close_deadline_ms=60000)
        # The shell closes them and becomes the job.
        job = world.Job(env, scratch, "silent", runs=2, threads=2, points=300, files=True, persist_every=50,
                        wrapper=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
        job.wait("closed streams")
        world.verify(server, [job], "closed streams", whole=True)
        world.check(job.closed == "TALLY_OK" and not job.errors, f"closed streams: {job.closed} {job.errors[:3]}")
    world.end()


if __name__ == "__main__":
    sys.exit(main())
