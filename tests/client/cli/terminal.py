"""What people see: colours, widths, progress, charts that grow, passwords that are not shown; in pseudo-terminals."""
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

WAIT_S = 120
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program at a pseudo-terminal of its own."""

    def __init__(self, env, words, columns=80, rows=24, stdout=None):
        self.shown = ""
        main, other = pty.openpty()
        self.file = main
        self.resize(columns, rows)
        self.process = subprocess.Popen(words, env=env, stdin=other, stdout=other if stdout is None else stdout,
                                        stderr=other, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(other)

    def resize(self, columns, rows):
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, timeout_s=0.1):
        ready, _, _ = select.select([self.file], [], [], timeout_s)
        if not ready:
            return True
        try:
            data = os.read(self.file, 65536)
        except OSError:
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)

    def wait(self, condition):
        end = time.monotonic() + WAIT_S
        while not condition() and time.monotonic() < end:
            if not self.read():
                break
        return condition()

    def until(self, text):
        return self.wait(lambda: text in self.shown)

    def type(self, text):
        os.write(self.file, text.encode())

    def end(self):
        """All that was shown, and the exit code."""
        end = time.monotonic() + WAIT_S
        while self.read() and time.monotonic() < end:
            pass
        if self.process.poll() is None and time.monotonic() >= end:
            self.process.kill()
        code = self.process.wait()
        os.close(self.file)
        return self.shown, code


def show(env, *words, columns=80, **more):
    return Terminal(env, ["tally", *words], columns, **more).end()


def colours(report, env):
    shown, _ = show(env, "runs")
    report.check("a terminal has colours", "\x1b[" in shown, repr(shown[:200]))
    shown, _ = show(dict(env, NO_COLOR="1"), "runs")
    report.check("NO_COLOR takes them away", "\x1b[" not in shown, repr(shown[:200]))
    shown, _ = show(env, "runs", "--color", "never")
    report.check("so does --color never", "\x1b[" not in shown, repr(shown[:200]))
    shown = subprocess.run(["tally", "runs"], env=env, text=True, capture_output=True, check=True).stdout
    report.check("a pipe has none", "\x1b" not in shown)
    shown = subprocess.run(["tally", "runs", "--color=always"], env=env, text=True, capture_output=True,
                           check=True).stdout
    report.check("unless they are wanted", "\x1b[1m" in shown)


def widths(report, env):
    for columns in (40, 60, 80, 120, 200):
        shown, _ = show(env, "runs", columns=columns)
        widest = max(len(ESCAPE.sub("", line).rstrip()) for line in shown.splitlines() if "tally:" not in line)
        report.check(f"a table fits into {columns} columns", widest <= columns, f"{widest} columns")
    for columns in (40, 100):
        shown, _ = show(env, "chart", "latest", "loss", "-e", "terminal", columns=columns)
        widest = max(len(ESCAPE.sub("", line).rstrip()) for line in shown.splitlines())
        report.check(f"a chart fits into {columns} columns", columns - 10 <= widest <= columns, f"{widest} columns")


def harmless(report, env):
    """A server's text cannot command the terminal."""
    name = "evil\x1b]0;title\x07\x1b[2Jname"
    subprocess.run(["tally", "run", "start", "-e", "terminal", "-t", f"note={name}", "--name", "evil", "--wait", "30",
                    "-q"], env=env, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["curl", "-fsS", "-o", "/dev/null", env["TALLY_SERVER"] + "/api/2.0/mlflow/runs/create", "-H",
                    "Content-Type: application/json", "-d",
                    '{"run_name": "hostile", "tags": [{"key": "note", "value": "a\\u001b]0;x\\u0007\\u001b[2Jb"}]}'],
                   env=env, check=True)
    shown, _ = show(env, "show", "hostile")
    report.check("control characters of a server are not shown", "\x1b]" not in shown and "\x1b[2J" not in shown
                 and "a?]0;x??[2Jb" in shown, repr(shown[-300:]))


def password(report, env):
    """Nothing that is typed as a token is shown; the terminal is as it was after Ctrl-C."""
    env = dict(env, TALLY_CONFIG=os.path.join(env["W"], "typed"))
    url = env.pop("TALLY_SERVER")
    terminal = Terminal(env, ["tally", "login"])
    report.check("login asks for the server", terminal.until("Server ["))
    terminal.type(url + "\n")
    report.check("login asks for the token", terminal.until("Token"))
    terminal.type("hidden-token\n")
    shown, code = terminal.end()
    report.check("login at a terminal works", code == 0, f"{code} {shown!r}")
    report.check("the token is not shown", "hidden-token" not in shown, repr(shown))
    # The shell gets the signal too, and is to look afterwards.
    terminal = Terminal(env, ["bash", "-c", "trap : INT; tally login; echo it gave $?; stty -a"])
    terminal.until("Server [")
    terminal.type("\n")
    terminal.until("Token")
    terminal.type("\x03")
    shown, _ = terminal.end()
    report.check("the terminal echoes after Ctrl-C", "it gave 130" in shown and " echo " in shown and " -echo " not in shown,
                 repr(shown))


def frame_width(terminal, since):
    """Of the newest drawing that is whole; 0 when none was begun and ended since then."""
    frames = terminal.shown[since:].split("\x1b[J")
    lines = ESCAPE.sub("", frames[-2]).splitlines() if len(frames) > 2 else []
    return max((len(line.rstrip()) for line in lines), default=0)


def follow(report, env):
    """A chart is drawn again as points come, fits a terminal that changes, and ends with the run."""
    run_id = subprocess.run(["tally", "run", "start", "-e", "terminal", "--name", "growing", "--wait", "30"], env=env,
                            text=True, capture_output=True, check=True).stdout.strip()
    terminal = Terminal(env, ["tally", "chart", run_id, "loss", "-f", "--interval", "1"])
    report.check("a chart that has no points yet waits", terminal.until("no points"))
    subprocess.run(["tally", "run", "log", run_id, "loss=0.5", "--step", "1", "--wait", "30"], env=env, check=True)
    report.check("a new point is drawn", terminal.until("last 0.5"), repr(terminal.shown[-500:]))
    terminal.resize(50, 20)
    before = len(terminal.shown)
    report.check("it follows the size of the terminal", terminal.wait(lambda: 0 < frame_width(terminal, before) <= 50),
                 repr(terminal.shown[-500:]))
    subprocess.run(["tally", "run", "end", run_id, "--wait", "30"], env=env, check=True)
    shown, code = terminal.end()
    report.check("it ends with the run", code == 0 and shown.rstrip().endswith("\x1b[?25h"), f"{code} {shown[-80:]!r}")
    run_id = subprocess.run(["tally", "run", "start", "-e", "terminal", "--wait", "30"], env=env, text=True,
                            capture_output=True, check=True).stdout.strip()
    terminal = Terminal(env, ["tally", "chart", run_id, "loss", "-f"])
    terminal.until("no points")
    terminal.process.send_signal(signal.SIGINT)
    shown, code = terminal.end()
    report.check("Ctrl-C shows the cursor again", code == 130 and "\x1b[?25h" in shown, f"{code} {shown[-80:]!r}")


class Outage:
    """Passes connections on to the server, until it is told to break them."""

    def __init__(self, address):
        host, _, port = address.rpartition("//")[2].partition(":")
        self.server = (host, int(port))
        self.broken = False
        self.seen = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.create_connection(self.server) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [], 0.1)
                if self.broken:
                    self.seen.set()
                    return
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    (server if one is client else client).sendall(data)

    def close(self):
        self.listener.close()


def follow_outage(report, env):
    """A server that is away for a while does not end a chart that is watched; and then Ctrl-C does at once."""
    run_id = subprocess.run(["tally", "run", "start", "-e", "terminal", "--name", "watched", "--wait", "30"], env=env,
                            text=True, capture_output=True, check=True).stdout.strip()
    subprocess.run(["tally", "run", "log", run_id, "loss=0.5", "--step", "1", "--wait", "30"], env=env, check=True)
    outage = Outage(env["TALLY_SERVER"])
    words = ["tally", "chart", run_id, "loss", "-f", "--interval", "1", "-s", outage.address, "-o"]
    # Far more than an answer takes on a busy machine: the first ones must come.
    terminal = Terminal(env, [*words, "request-timeout-ms=5000"])
    terminal.until("last 0.5")
    outage.broken = True
    report.check("an outage is told below the chart", terminal.until(outage.address), repr(terminal.shown[-400:]))
    outage.broken = False
    subprocess.run(["tally", "run", "log", run_id, "loss=0.25", "--step", "2", "--wait", "30"], env=env, check=True)
    report.check("and the chart goes on after it", terminal.until("last 0.25"), repr(terminal.shown[-400:]))
    terminal.type("\x03")
    _, code = terminal.end()
    report.check("until Ctrl-C", code == 130, str(code))
    terminal = Terminal(env, [*words, "request-timeout-ms=3600000"])
    terminal.until("last 0.25")
    outage.broken = True
    outage.seen.clear()
    while not outage.seen.is_set() and terminal.read():
        pass
    terminal.type("\x03")
    shown, code = terminal.end()
    outage.close()
    report.check("Ctrl-C does not wait for a server that is away", code == 130 and shown.endswith("\x1b[?25h"),
                 f"{code} {shown[-80:]!r}")


def interrupted_transfer(report, env):
    """Ctrl-C ends a transfer, takes the bar away, and says what happened; the terminal is as before."""
    path = os.path.join(env["W"], "sparse.bin")
    with open(path, "wb") as file:
        file.truncate(8 << 30)
    terminal = Terminal(env, ["bash", "-c", 'tally artifact put growing "$W/sparse.bin"; echo "code $?"; stty -a'])
    report.check("a large file is on its way", terminal.until("%"), repr(terminal.shown[-200:]))
    terminal.type("\x03")
    shown, _ = terminal.end()
    os.unlink(path)
    report.check("Ctrl-C ends a transfer with 130", "code 130" in shown and "Interrupted." in shown, repr(shown[-900:]))
    report.check("the terminal is as it was", " echo " in shown and " icanon " in shown, repr(shown[-900:]))
    left = subprocess.run(["tally", "artifact", "ls", "growing", "--csv"], env=env, text=True, capture_output=True,
                          check=True).stdout
    report.check("nothing of it is there", "sparse.bin" not in left, left)


def many_runs(report, env):
    """More runs than fit beside each other are compared below each other."""
    ids = [subprocess.run(["tally", "run", "start", "-e", "many", "--name", f"number {i}", "-p", f"rate={i}", "--offline",
                           "-q"], env=env, text=True, capture_output=True, check=True).stdout.strip() for i in range(9)]
    subprocess.run(["tally", "sync", "-q"], env=env, check=True, stdout=subprocess.DEVNULL)
    shown, code = show(env, "compare", *ids, columns=60)
    lines = [ESCAPE.sub("", line).rstrip() for line in shown.splitlines()]
    report.check("all runs are compared", code == 0 and all(run[:12] in shown for run in ids), shown)
    report.check("in the width of the terminal", max(map(len, lines)) <= 60 and "no room" not in shown, shown)
    report.check("with the params of each block", sum(line.startswith("*    rate") for line in lines) == 3, shown)


def stays_a_terminal(report, env):
    """A command under run exec sees the terminal, with its size, and its bytes are not changed."""
    shown, code = show(env, "run", "exec", "-q", "-e", "terminal", "--name", "tty", "--", "sh", "-c",
                       "test -t 1 && test -t 2 && stty size <&1 && exit 4", columns=77)
    report.check("a command under run exec is at a terminal of the same size", code == 4 and "24 77" in shown,
                 f"{code} {shown!r}")
    stored = subprocess.run("tally artifact get tty output/stdout.txt --to $W/tty -q && find $W/tty -type f | "
                            "xargs od -c", shell=True, env=env, text=True, capture_output=True, check=True).stdout
    report.check("what is stored has the command's own line ends", "\\r" not in stored, stored)


def progress(report, env):
    """Bars on a terminal, none elsewhere, and none that stay."""
    path = os.path.join(env["W"], "large.bin")
    with open(path, "wb") as file:
        file.write(os.urandom(1 << 20) * 24)
    shown, code = show(env, "artifact", "put", "growing", path)
    report.check("a transfer shows how far it is", code == 0 and "%" in shown, f"{code} {shown[-200:]!r}")
    report.check("the bar goes away", "\r\x1b[K" in shown and "sent" in shown, repr(shown[-200:]))
    quiet, _ = show(env, "artifact", "put", "growing", path, "-q")
    report.check("not with --quiet", quiet == "", repr(quiet[-200:]))
    told = subprocess.run(["tally", "artifact", "put", "growing", path], env=env, text=True, capture_output=True,
                          check=True)
    report.check("not without a terminal", "\r" not in told.stderr and told.stdout == "", told.stderr)


def run(report, env):
    first = subprocess.run("for n in one two; do id=$(tally run start -e terminal --name \"a rather long name of $n\" -p "
                           "optimizer=adam -p depth=8 --wait 30); for s in 1 2 3; do echo '{\"step\":'$s',\"loss\":0.'$s'"
                           ",\"accuracy\":0.5}'; done | tally log $id -q --wait 30; tally run end $id --wait 30; done",
                           shell=True, env=env, check=False)
    report.check("runs for the terminal", first.returncode == 0)
    for part in (colours, widths, harmless, password, follow, follow_outage, stays_a_terminal, progress,
                 interrupted_transfer, many_runs):
        try:
            part(report, env)
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            report.check(part.__name__, False, repr(error))
