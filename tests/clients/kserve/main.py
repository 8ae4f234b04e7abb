"""KServe's storage initialiser downloads models from this server. Argument: BASE_URL."""

import gzip
import hashlib
import io
import sys
import tarfile
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import checks  # noqa: E402
from kserve_storage import Storage  # noqa: E402

WEIGHTS = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(100_000))
FILES = {
    "MLmodel": b"artifact_path: model\n" * 20,
    "data/weights.bin": WEIGHTS,
    "data/vocabulary.txt": b"".join(b"word%d\n" % i for i in range(50_000)),
    "data/gr\u00f6\u00dfe/" + "x" * 150 + ".json": b"{}",
    "empty": b"",
}


if not hasattr(tarfile, "data_filter"):
    # Debian 12's Python is older than the argument that the initialiser gives (3.11.4); its archives here are our own.
    whole_extractall = tarfile.TarFile.extractall
    tarfile.TarFile.extractall = lambda self, path, filter=None: whole_extractall(self, path)


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def root_of(uri):
    assert uri.startswith("mlflow-artifacts:/"), uri
    return uri.removeprefix("mlflow-artifacts:/").lstrip("/")


def make_run(server):
    info = server.good("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})["run"]["info"]
    return info["run_id"], root_of(info["artifact_uri"])


def make_model(server):
    info = server.good("POST", "/api/2.0/mlflow/logged-models", {"experiment_id": "0", "name": "served"})["model"]["info"]
    return info["model_id"], root_of(info["artifact_uri"])


def upload(server, root, files=None):
    for path, content in (files or FILES).items():
        server.upload(f"{root}/{path}", content)


def fetch(uri):
    folder = Path(f"model-{uuid.uuid4().hex[:8]}").resolve()
    Storage.download(uri, str(folder))
    return folder


def whole_model(extension):
    def check(server):
        model_id, root = make_model(server)
        upload(server, root)
        got = tree(fetch(f"{server.address}/download/{model_id}.{extension}"))
        assert got == FILES, sorted(got)

    return check


def directory_of_a_run(extension):
    def check(server):
        run_id, root = make_run(server)
        upload(server, root + "/model")
        server.upload(root + "/other.txt", b"not of the model")
        got = tree(fetch(f"{server.address}/download/runs/{run_id}/model.{extension}"))
        assert got == FILES, sorted(got)

    return check


def single_files(server):
    run_id, root = make_run(server)
    upload(server, root)
    for path in ("MLmodel", "data/weights.bin", "data/vocabulary.txt"):
        folder = fetch(f"{server.address}/download/runs/{run_id}/{path}")
        assert tree(folder) == {path.rsplit("/")[-1]: FILES[path]}, path


def stored_archives(server):
    """Archives that were uploaded as they are: the initialiser unpacks them, by their names and media types."""
    run_id, root = make_run(server)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("inside/file")
        info.size = len(WEIGHTS)
        tar.addfile(info, io.BytesIO(WEIGHTS))
    upload(server, root, {"m.tar": archive.getvalue(), "m.tar.gz": gzip.compress(archive.getvalue()),
                          "m.tgz": gzip.compress(archive.getvalue())})
    for name in ("m.tar", "m.tar.gz", "m.tgz"):
        assert tree(fetch(f"{server.address}/download/runs/{run_id}/{name}")) == {"inside/file": WEIGHTS}, name


def nothing_there(server):
    run_id, _ = make_run(server)
    for target in (f"runs/{run_id}.tar.gz", f"runs/{run_id}/MLmodel", "m-" + "f" * 32 + ".zip", "fraud/champion.tar.gz"):
        try:
            fetch(f"{server.address}/download/{target}")
        except Exception as error:
            assert "not found" in str(error), error
        else:
            raise AssertionError(f"{target} was downloaded")


checks.run("kserve", sys.argv[1], [
    *((f"a logged model as {one}", whole_model(one)) for one in ("tar.gz", "tgz", "tar", "zip")),
    *((f"a directory of a run as {one}", directory_of_a_run(one)) for one in ("tar.gz", "tar", "zip")),
    ("single files", single_files),
    ("archives that were uploaded", stored_archives),
    ("what is not there", nothing_there),
])
