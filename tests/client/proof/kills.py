"""Kill the job, the daemon, the sync or several of them at random moments; what was promised arrives, once.

Usage: kills.py [--kills N] [--seed N]
Runs below deploy/dev/with-daemon, in whose cluster it makes a database for a daemon of its own.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import time

import relay
import world

# A job lives about this long when it is let: 600 points with pauses of 0.5 ms.
JOB = {"runs": 2, "threads": 3, "points": 600, "pause_us": 300, "persist_every": 40, "files": True}
# A file of so many parts of the smallest size, and a bit.
PART_BYTES = 5 << 20
LARGE_BYTES = 6 * PART_BYTES + 1000
# What else goes to the server meanwhile, of a run with little in it: heads of requests, metrics.
OTHER_BYTES = 1 << 20
FSYNC = ["none", "interval", "each"]


class Loop:
    def __init__(self, scratch, seed):
        self.scratch = scratch
        self.random = random.Random(seed)
        self.daemon = world.Daemon(scratch)
        self.server = world.Server(self.daemon.url)
        self.kills = 0
        self.turn = 0
        self.points = 0
        self.torn = 0

    def begin(self, what):
        """A spool and an experiment of its own for each turn."""
        self.turn += 1
        self.what = f"turn {self.turn}, {what}"
        self.experiment = f"kills-{self.turn}"
        self.fsync = self.random.choice(FSYNC)
        self.spool = os.path.join(self.scratch, f"spool-{self.turn}")
        self.env = world.environment(self.daemon.url, self.spool, fsync=self.fsync, fsync_interval_ms=50,
                                     request_timeout_ms=20000, close_deadline_ms=60000)

    def job(self, **changes):
        env = dict(self.env, **changes.pop("env", {}))
        return world.Job(env, self.scratch, self.experiment, **dict(JOB, **changes))

    def kill_daemon(self):
        self.kills += 1
        self.daemon.kill()
        time.sleep(self.random.uniform(0, 0.1))
        self.daemon.start()

    def kill_job(self, job, longest=0.5):
        self.kills += 1
        job.kill_after(self.random.uniform(0.01, longest))

    def settle(self, jobs, whole=False):
        result = world.sync(self.env, self.what)
        self.torn += result.get("torn_bytes", 0)
        world.check(result.get("rejected") == 0 and result.get("waiting") == 0, f"{self.what}: {result}")
        again = world.sync(self.env, self.what)
        world.check(again.get("points") == 0 and again.get("streams") == 0, f"{self.what}: a second sync: {again}")
        self.points += world.verify(self.server, jobs, self.what, whole)
        for job in jobs:
            world.check(not job.errors, f"{self.what}: {job.errors[:3]}")

    # --- turns ---------------------------------------------------------------------------------------------------

    def job_dies(self):
        self.begin("the job")
        job = self.job()
        self.kill_job(job)
        self.settle([job])

    def torn_tail(self):
        """What a write leaves that was cut off by the death of a machine: less than a frame, or zeros."""
        length = self.random.randrange(20, 300)
        frame = length.to_bytes(4, "little") + self.random.randbytes(4 + length)
        return self.random.choice([frame[:self.random.randrange(1, len(frame))], bytes(length)])

    def segments(self):
        return sorted(pathlib.Path(self.spool).glob("*/*.segment"), key=lambda path: path.stat().st_mtime)

    def job_dies_torn(self):
        """The tail of the newest segment gets bytes of a record that was never whole."""
        self.begin("the job, with a torn tail")
        job = self.job(env={"TALLY_MODE": "offline"})
        world.check(world.until(self.segments), f"{self.what}: no segment is written")
        self.kill_job(job)
        with open(self.segments()[-1], "ab") as file:
            file.write(self.torn_tail())
        self.settle([job])

    def daemon_dies(self):
        self.begin("the daemon")
        job = self.job()
        for _ in range(2):
            time.sleep(self.random.uniform(0.01, 0.2))
            self.kill_daemon()
        job.wait(self.what)
        self.settle([job], whole=True)

    def both_die(self):
        self.begin("both")
        job = self.job()
        time.sleep(self.random.uniform(0.01, 0.2))
        self.kill_daemon()
        self.kill_job(job, 0.2)
        self.settle([job])

    def sync_dies(self):
        """A job without a server; then its sync is killed, again and again."""
        self.begin("the sync")
        job = self.job(env={"TALLY_MODE": "offline"}, points=1500, pause_us=0)
        job.wait(self.what)
        for _ in range(3):
            self.kills += 1
            process = subprocess.Popen([world.JOB, "--sync"], env=self.env, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(self.random.uniform(0.005, 0.15))
            process.kill()
            process.wait()
        self.settle([job], whole=True)

    def syncs_race(self):
        self.begin("nobody: syncs race")
        jobs = [self.job(env={"TALLY_MODE": "offline"}, name=name, pause_us=0) for name in ("a", "b", "c")]
        for job in jobs:
            job.wait(self.what)
        racers = [subprocess.Popen([world.JOB, "--sync"], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                  for _ in range(3)]
        for racer in racers:
            racer.communicate(timeout=world.HANGS_S)
        self.settle(jobs, whole=True)

    def many_log_to_one(self):
        """One process makes the run, three log to it, one of them dies."""
        self.begin("one of three processes of a run")
        first = self.job(runs=1, no_end=True, name="first", points=1, threads=1, files=False)
        first.wait(self.what)
        run = first.read().runs[0]
        others = [self.job(runs=1, resume=run, no_end=True, name=name) for name in ("a", "b", "c")]
        self.kill_job(others[0], 0.3)
        for job in others[1:]:
            job.wait(self.what)
        self.settle([first, *others])
        for job in others[1:]:
            world.check(job.closed == "TALLY_OK" and len(job.done) == 3, f"{self.what}: {job.closed} {job.done}")

    def upload_dies(self):
        """In the middle of a part everybody is killed: what was there before that part is not sent again."""
        self.begin("the upload of a large file")
        meter = relay.Meter(self.daemon.url, 3 * PART_BYTES + PART_BYTES // 2)
        self.env.update(TALLY_SERVER=meter.url, TALLY_PART_BYTES=str(PART_BYTES))
        job = self.job(runs=1, threads=1, points=50, large_bytes=LARGE_BYTES, files=False)
        world.check(world.until(lambda: meter.sent == meter.limit), f"{self.what}: only {meter.sent} bytes are sent")
        self.kill_job(job)
        self.kill_daemon()
        meter.limit = 100 * LARGE_BYTES
        self.settle([job])
        world.check(job.large, f"{self.what}: no file was logged")
        # The part that was broken off is sent twice, and that may be nearly the whole of it.
        most = LARGE_BYTES + PART_BYTES + OTHER_BYTES
        world.check(LARGE_BYTES < meter.sent < most, f"{self.what}: {meter.sent} bytes were sent, not up to {most}")
        print(f"# {self.what}: {meter.sent} bytes sent for a file of {LARGE_BYTES}", flush=True)
        meter.stop()

    def turns(self):
        return [self.job_dies, self.both_die, self.job_dies, self.daemon_dies, self.job_dies_torn, self.job_dies,
                self.sync_dies, self.many_log_to_one, self.job_dies, self.syncs_race, self.upload_dies]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1000000))
    arguments = parser.parse_args()
    print(f"# seed {arguments.seed}")
    with world.scratch_folder() as scratch:
        loop = Loop(scratch, arguments.seed)
        turns = loop.turns()
        while loop.kills < arguments.kills or loop.turn < len(turns):
            turns[loop.turn % len(turns)]()
        loop.daemon.stop()
        world.check(loop.points > 0, "points were counted")
        world.check(loop.torn > 0, "a torn tail was cut off")
        print(f"# {loop.kills} kills in {loop.turn} turns, {loop.points} points counted, {loop.torn} torn bytes cut off")
    world.end()


if __name__ == "__main__":
    sys.exit(main())
