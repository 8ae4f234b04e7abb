"""Artifacts as the MLflow client sees them: files up, listed, down, in parts, in pieces, and removed."""

import hashlib
import json
import os
import random
import tempfile
from pathlib import Path

import mlflow
import mlflow.artifacts
import numpy
import pandas

from harness import MAJOR, check, client, environment, holds, new_run, same

MB = 1024**2


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def listed(run_id, path=None):
    return [(entry.path, entry.is_dir, entry.file_size) for entry in client().list_artifacts(run_id, path)]


@check("log_artifact and log_artifacts keep names, folders and bytes", guarded=True)
def files():
    run_id = new_run()
    contents = {
        "plain.txt": b"one\ntwo\n",
        "empty": b"",
        "sub/deep/er/data.bin": noise(300_000),
        "sub/with space.csv": b"a,b\n1,2\n",
        "größe/名前.json": '{"ü": 1}'.encode(),
        "100%.txt": b"percent",
        "a+b&c=d;e@f,g'(1)!~$.txt": b"signs",
    }
    with tempfile.TemporaryDirectory() as directory:
        for name, content in contents.items():
            Path(directory, name).parent.mkdir(parents=True, exist_ok=True)
            Path(directory, name).write_bytes(content)
        client().log_artifacts(run_id, directory)
        client().log_artifacts(run_id, directory, "below/here")
        client().log_artifact(run_id, str(Path(directory, "plain.txt")), "single")
    same(
        listed(run_id),
        [("100%.txt", False, 7), ("a+b&c=d;e@f,g'(1)!~$.txt", False, 5), ("below", True, None), ("empty", False, 0),
         ("größe", True, None), ("plain.txt", False, 8), ("single", True, None), ("sub", True, None)],
        "the root",
    )
    same(listed(run_id, "below"), [("below/here", True, None)], "a folder of a folder")
    same(listed(run_id, "sub"), [("sub/deep", True, None), ("sub/with space.csv", False, 8)], "a folder")
    same(listed(run_id, "plain.txt"), [], "a file has no entries")
    same(listed(run_id, "nothing"), [], "what is not there has no entries")
    for below in ("", "below/here"):
        with tempfile.TemporaryDirectory() as directory:
            got = Path(client().download_artifacts(run_id, below, directory))
            for name, content in contents.items():
                same(Path(got, name).read_bytes(), content, f"{below}/{name}")
            if below:
                same(sorted(str(p.relative_to(got)) for p in got.rglob("*") if p.is_file()), sorted(contents), "names")


@check("a name with a number sign")
def number_sign():
    import requests

    run_id = new_run()
    uri = client().get_run(run_id).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    base = f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow-artifacts/artifacts/{uri}"
    same(requests.put(f"{base}/a%23b/c%3Fd.txt", data=b"signs", timeout=60).status_code, 200, "status of the upload")
    same(requests.get(f"{base}/a%23b/c%3Fd.txt", timeout=60).content, b"signs", "content")


@check("log_text, log_dict, log_image, log_table, load_table", guarded=True)
def fluent():

    with mlflow.start_run() as run:
        mlflow.log_text("hello, wörld", "notes/hello.txt")
        mlflow.log_dict({"a": [1, 2]}, "data.json")
        mlflow.log_dict({"a": [1, 2]}, "data.yaml")
        mlflow.log_table({"x": [1, 2], "y": ["a", None]}, "table.json")
        mlflow.log_table(pandas.DataFrame({"x": [3], "y": ["c"]}), "table.json")
        if MAJOR >= 3:
            mlflow.log_image(numpy.zeros((4, 4, 3), dtype=numpy.uint8), "black.png")
    run_id = run.info.run_id
    uri = f"runs:/{run_id}"
    same(mlflow.artifacts.load_text(f"{uri}/notes/hello.txt"), "hello, wörld", "text")
    same(mlflow.artifacts.load_dict(f"{uri}/data.json"), {"a": [1, 2]}, "dictionary")
    table = mlflow.load_table("table.json", run_ids=[run_id])
    same(table["x"].tolist(), [1, 2, 3], "table")
    holds("table.json" in client().get_run(run_id).data.tags["mlflow.loggedArtifacts"], "the tag of logged tables")
    with tempfile.TemporaryDirectory() as directory:
        got = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="data.json", dst_path=directory)
        same(json.loads(Path(got).read_text()), {"a": [1, 2]}, "download_artifacts of a file")
        got = mlflow.artifacts.download_artifacts(artifact_uri=f"{run.info.artifact_uri}/notes", dst_path=directory)
        same(Path(got, "hello.txt").read_text(), "hello, wörld", "download_artifacts of a folder by URI")
    names = sorted(entry.path for entry in mlflow.artifacts.list_artifacts(run_id=run_id))
    holds({"data.json", "data.yaml", "notes", "table.json"} <= set(names), f"names {names}")


@check("log_figure", since=3)
def figure():
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(2, 2))
    drawing.add_subplot().plot([1, 2, 3])
    with mlflow.start_run() as run:
        mlflow.log_figure(drawing, "plots/line.png")
        mlflow.log_figure(drawing, "plots/line.svg")
    with tempfile.TemporaryDirectory() as directory:
        got = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="plots", dst_path=directory))
        holds(Path(got, "line.png").read_bytes().startswith(b"\x89PNG"), "a PNG file")
        holds(b"<svg" in Path(got, "line.svg").read_bytes(), "an SVG file")


@check("an artifact that is logged again has the new content")
def again():
    run_id = new_run()
    for text in ("first", "second and longer", "3rd"):
        client().log_text(run_id, text, "same.txt")
        same(mlflow.artifacts.load_text(f"runs:/{run_id}/same.txt"), text, "content")
    same(listed(run_id), [("same.txt", False, 3)], "entries")


@check("40 MB through one request, in pieces and back", guarded=True)
def large():
    run_id = new_run()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "large.bin")
        path.write_bytes(noise(40 * MB + 12345))
        client().log_artifact(run_id, str(path))
        same(listed(run_id), [("large.bin", False, 40 * MB + 12345)], "entries")
        got = Path(client().download_artifacts(run_id, "large.bin", str(Path(directory, "down").mkdir() or directory)))
        same(digest(got), digest(path), "content")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@check("an upload in parts and a download in ranges", since=3, guarded=True)
def parts():
    run_id = new_run()
    size = 12 * MB + 7
    with tempfile.TemporaryDirectory() as directory, environment(
        MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD="true",
        MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE=5 * MB,
        MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE=5 * MB,
        MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD="true",
        MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE=5 * MB,
        MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE=5 * MB,
    ):
        path = Path(directory, "in parts.bin")
        path.write_bytes(noise(size, 2))
        client().log_artifact(run_id, str(path), "folder")
        same(listed(run_id, "folder"), [("folder/in parts.bin", False, size)], "entries")
        target = Path(directory, "down")
        target.mkdir()
        got = Path(client().download_artifacts(run_id, "folder/in parts.bin", str(target)))
        same(digest(got), digest(path), "content")


@check("artifacts of a deleted run can still be read", since=2)
def of_deleted_run():
    run_id = new_run()
    client().log_text(run_id, "still here", "kept.txt")
    client().delete_run(run_id)
    same(listed(run_id), [("kept.txt", False, 10)], "entries")
    same(mlflow.artifacts.load_text(f"runs:/{run_id}/kept.txt"), "still here", "content")


@check("delete_artifacts of a file, a folder and everything", guarded=True)
def delete():
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    run_id = new_run()
    for name in ("a.txt", "folder/b.txt", "folder/c/d.txt", "folder2/e.txt"):
        client().log_text(run_id, name, name)
    repository = get_artifact_repository(client().get_run(run_id).info.artifact_uri)
    repository.delete_artifacts("a.txt")
    same([entry[0] for entry in listed(run_id)], ["folder", "folder2"], "after a file")
    repository.delete_artifacts("folder")
    same([entry[0] for entry in listed(run_id)], ["folder2"], "after a folder")
    repository.delete_artifacts("nothing")
    repository.delete_artifacts()
    same(listed(run_id), [], "after everything")


@check("what is not there cannot be downloaded, and is said at once")
def missing():
    run_id = new_run()
    client().log_text(run_id, "x", "there.txt")
    try:
        mlflow.artifacts.load_text(f"runs:/{run_id}/not there.txt")
    except Exception as error:  # pylint: disable=broad-except  # it differs between versions
        holds("not there" in str(error) or "404" in str(error), f"error {error}")
    else:
        raise AssertionError("a missing artifact was downloaded")
    holds(MAJOR >= 2, "client")
