"""The real DVC with a remote of this server: push, status, fetch, pull, by POST and by PUT. Argument: BASE_URL.

Each check works in a folder of its own below the current one, with a cache of its own."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import checks  # noqa: E402

# Enough pieces that an upload goes through many, and text with line ends of both kinds.
LARGE = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(200_000))
# DVC repeats what it takes for a passing trouble; its start alone takes seconds on a slow machine.
AT_ONCE_S = 60
TEXT = b"one\r\ntwo\nthree\r\n"


def dvc(folder, *words, fails=False):
    environment = dict(os.environ, DVC_NO_ANALYTICS="1", DVC_GLOBAL_CONFIG_DIR=str(folder / "none"),
                       DVC_SYSTEM_CONFIG_DIR=str(folder / "none"), DVC_SITE_CACHE_DIR=str(folder / "site"))
    done = subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    assert (done.returncode != 0) == fails, f"dvc {' '.join(words)}: status {done.returncode}: {done.stdout[-800:]}"
    return done.stdout


def log_in(folder, headers):
    """What DVC sends to the remote: a user name and password, or a header as it is."""
    kind, _, secret = headers["Authorization"].partition(" ")
    settings = {"auth": "custom", "custom_auth_header": "Authorization", "password": f"{kind} {secret}"}
    if kind == "Basic":
        user, _, password = base64.b64decode(secret).decode().partition(":")
        settings = {"auth": "basic", "user": user, "password": password}
    for name, value in settings.items():
        dvc(folder, "remote", "modify", "--local", "tally", name, value)


def project(server, method, remote=None):
    """A folder with a file and a directory that DVC tracks, and the address of its remote."""
    folder = Path(f"project-{uuid.uuid4().hex[:8]}").resolve()
    (folder / "data" / "deep").mkdir(parents=True)
    (folder / "large.bin").write_bytes(LARGE)
    (folder / "data" / "text.txt").write_bytes(TEXT)
    (folder / "data" / "deep" / "größe 1 #2.bin").write_bytes(LARGE[:1000])
    (folder / "data" / "empty").write_bytes(b"")
    address = f"{server.address}/dvc/{remote or uuid.uuid4().hex}"
    dvc(folder, "init", "--no-scm", "--quiet")
    dvc(folder, "remote", "add", "--default", "tally", address)
    dvc(folder, "remote", "modify", "tally", "method", method)
    if server.headers:
        log_in(folder, server.headers)
    dvc(folder, "add", "--quiet", "large.bin", "data")
    return folder, address


def same_files(folder):
    assert (folder / "large.bin").read_bytes() == LARGE
    assert (folder / "data" / "text.txt").read_bytes() == TEXT
    assert (folder / "data" / "deep" / "größe 1 #2.bin").read_bytes() == LARGE[:1000]
    assert (folder / "data" / "empty").read_bytes() == b""


def forget(folder):
    """Take the files and the cache away; only the .dvc files are left."""
    shutil.rmtree(folder / ".dvc" / "cache")
    (folder / "large.bin").unlink()
    shutil.rmtree(folder / "data")


def round_trip(method):
    def check(server):
        folder, address = project(server, method)
        status = dvc(folder, "status", "--cloud")
        assert "new:" in status and "large.bin" in status, status
        pushed = dvc(folder, "push")
        assert "5 files pushed" in pushed, pushed
        status = dvc(folder, "status", "--cloud")
        assert "in sync" in status, status
        assert "Everything is up to date" in dvc(folder, "push")
        forget(folder)
        fetched = dvc(folder, "fetch")
        assert "5 files fetched" in fetched, fetched
        assert not (folder / "large.bin").exists()
        dvc(folder, "pull")
        same_files(folder)
        # What DVC keeps is what it asked for by name.
        digest = hashlib.md5(LARGE).hexdigest()
        path = f"/dvc/{address.rsplit('/', 1)[1]}/files/md5/{digest[:2]}/{digest[2:]}"
        status, headers, content = server.call("HEAD", path)
        assert status == 200 and headers["content-length"] == str(len(LARGE)), (status, headers)
        status, headers, content = server.call("GET", path, headers={"Range": "bytes=10-19"})
        assert status == 206 and content == LARGE[10:20], status

    return check


def shared(server):
    """What one project pushed another one pulls, and what is there already is not sent again."""
    remote = uuid.uuid4().hex
    first, _ = project(server, "POST", remote)
    dvc(first, "push")
    second, _ = project(server, "POST", remote)
    assert "Everything is up to date" in dvc(second, "push")
    forget(second)
    dvc(second, "pull")
    same_files(second)


def missing(server):
    """What was never pushed cannot be pulled, and status says so."""
    folder, _ = project(server, "POST")
    dvc(folder, "push", "large.bin")
    status = dvc(folder, "status", "--cloud")
    assert "data" in status and "large.bin" not in status.replace("data/", ""), status
    forget(folder)
    dvc(folder, "pull", "data", fails=True)
    dvc(folder, "pull", "large.bin")
    assert (folder / "large.bin").read_bytes() == LARGE


def damaged_upload(server):
    """Bytes that are not those of their name are refused, and nothing is stored."""
    folder, address = project(server, "POST")
    digest = hashlib.md5(LARGE).hexdigest()
    cached = folder / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    cached.chmod(0o644)
    path = f"/dvc/{address.rsplit('/', 1)[1]}/files/md5/{digest[:2]}/{digest[2:]}"
    status, _, answer = server.call("PUT", path, b"x" + LARGE[1:])
    assert status == 400 and b"MD5" in answer, (status, answer)
    assert server.call("GET", path)[0] == 404
    assert "new:" in dvc(folder, "status", "--cloud")
    dvc(folder, "push")
    assert server.call("GET", path)[2] == LARGE


def old_names(server):
    """The form before DVC 3: no files/md5/, and of text files the digest with line ends made LF."""
    remote = uuid.uuid4().hex
    digest = hashlib.md5(TEXT.replace(b"\r\n", b"\n")).hexdigest()
    path = f"/dvc/{remote}/{digest[:2]}/{digest[2:]}"
    assert server.call("POST", path, TEXT)[0] == 200
    assert server.call("GET", path)[2] == TEXT
    assert server.call("POST", f"/dvc/{remote}/files/md5/{digest[:2]}/{digest[2:]}", TEXT)[0] == 400


def refusals(server):
    """Who may not push is told so at once; a token that may only read pulls."""
    folder, _ = project(server, "POST")
    wrong = {"Authorization": "Bearer tly_" + "x" * 43}
    if server.headers["Authorization"].startswith("Basic"):
        wrong = {"Authorization": checks.basic(os.environ["TALLY_CHECK_WRITER"], "not the password")}
    narrow = {"Authorization": "Bearer " + os.environ["TALLY_CHECK_NARROW_TOKEN"]}
    for headers, status in ((wrong, "401"), (narrow, "403")):
        log_in(folder, headers)
        started = time.monotonic()
        said = dvc(folder, "push", "large.bin", fails=True)
        assert time.monotonic() - started < AT_ONCE_S, said
        assert status in said, f"{status} is not in {said[-800:]}"
    log_in(folder, server.headers)
    assert "5 files pushed" in dvc(folder, "push")
    forget(folder)
    # DVC takes what it may not see for what is not there.
    log_in(folder, wrong)
    dvc(folder, "pull", "large.bin", fails=True)
    assert not (folder / "large.bin").exists()
    log_in(folder, narrow)
    dvc(folder, "pull")
    same_files(folder)


CHECKS = [
    ("push, status, fetch, pull by POST", round_trip("POST")),
    ("push, status, fetch, pull by PUT", round_trip("PUT")),
    ("a remote of two projects", shared),
    ("what is not there", missing),
    ("a damaged upload", damaged_upload),
    ("names of DVC 2", old_names),
]
if "TALLY_CHECK_BY" in os.environ:
    CHECKS = [CHECKS[0], ("who may not is told so", refusals)]
checks.run("dvc", sys.argv[1], CHECKS)
