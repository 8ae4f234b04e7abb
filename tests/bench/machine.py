"""What the machine itself can do, and what processes cost: the measure for every other figure."""

import os
import re
import statistics
import subprocess
import threading
import time
from pathlib import Path

# The size of a page of PostgreSQL's log, which is what a commit flushes.
PAGE_BYTES = 8192
# Often enough to see the peak of a round of some hundred milliseconds.
WATCH_S = 0.05
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024 / 1024
# What decides how much log is written for a point, and how fast.
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_compression", "wal_level", "checkpoint_timeout",
            "max_wal_size", "shared_buffers", "data_checksums")


def fdatasync_ms(folder, count=300):
    """Milliseconds of one fdatasync after overwriting one page in a file whose blocks are already there."""
    path = Path(folder, "bench-fdatasync")
    page = os.urandom(PAGE_BYTES)
    took = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for _ in range(count):
            os.write(descriptor, page)
        os.fsync(descriptor)
        for number in range(count):
            os.pwrite(descriptor, page, number * PAGE_BYTES)
            started = time.perf_counter_ns()
            os.fdatasync(descriptor)
            took.append((time.perf_counter_ns() - started) / 1e6)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(took)


def pgbench(url, clients, seconds, scratch):
    """Commits per second of a transaction with one insert, by PostgreSQL's own tool."""
    script = Path(scratch, "commit.sql")
    script.write_text("INSERT INTO bench_commit (n) VALUES (1);\n", encoding="ascii")
    command = ["pgbench", "-n", "-M", "prepared", "-f", str(script), "-c", str(clients), "-j", "1"]
    command += ["-T", str(max(1, round(seconds))), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # It says no rate when the time was over before the first commit, as with many connections on a busy machine.
    rate = re.search(r"tps = ([0-9.]+)", done.stdout)
    return float(rate.group(1)) if rate else 0.0


def psql(url, *statements):
    # A statement may be longer than arguments can be.
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", url],
                          input="".join(f"{statement};\n" for statement in statements), capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"psql: {done.stderr.strip()[:1000]}")
    return done.stdout.strip()


def tree(process):
    """The process and all that came from it."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [process]
    while left:
        one = left.pop()
        found.append(one)
        left += children.get(one, [])
    return found


def memory_mb(process):
    """Resident and proportional memory of a process and its children, in MB."""
    resident = proportional = 0
    for one in tree(process):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("Rss:"):
                resident += int(line.split()[1])
            elif line.startswith("Pss:"):
                proportional += int(line.split()[1])
    return resident / 1024, proportional / 1024


def processor_s(process):
    """Seconds of the processors that a process and its children have used."""
    ticks = 0
    for one in tree(process):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class MemoryWatch:
    """The greatest resident memory of a process and its children while the block runs, in MB (`peak_mb`)."""

    def __init__(self, process):
        self.process = process
        self.peak_mb = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        family = tree(self.process)
        while True:
            pages = 0
            for one in family:
                try:
                    pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
                except (OSError, IndexError):
                    continue
            self.peak_mb = max(self.peak_mb, pages * PAGE_MB)
            if self.over.wait(WATCH_S):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def describe(url):
    """The machine in general terms."""
    with open("/proc/meminfo", encoding="ascii") as file:
        memory_gb = int(file.readline().split()[1]) / 1024 / 1024
    settings = {name: psql(url, f"SHOW {name}") for name in SETTINGS}
    if (settings["fsync"], settings["synchronous_commit"]) != ("on", "on"):
        raise SystemExit(f"bench: PostgreSQL is not durable: {settings}")
    return {
        "processors": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_gb),
        "kernel": os.uname().release.partition("-")[0],
        "postgresql": psql(url, "SHOW server_version").split()[0],
        "settings": settings,
    }
