"""The `mlflow` command of the client package."""

import json
import os
import subprocess
import sys
from pathlib import Path

from harness import check, client, holds, new_experiment, new_run, same, unique


def command(*arguments, status=0):
    done = subprocess.run(
        [str(Path(sys.executable).with_name("mlflow")), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    same(done.returncode, status, f"exit code of mlflow {' '.join(arguments)}, {done.stderr[-800:]!r}")
    return done.stdout


@check("mlflow experiments: create, search, rename, delete, restore, csv")
def experiments():
    name = unique("cli-experiment").replace(" ", "-")
    words = command("experiments", "create", "-n", name).split()
    experiment_id = client().get_experiment_by_name(name).experiment_id
    same(words[-1], experiment_id, "id that the command prints")
    holds(name in command("experiments", "search", "--view", "all"), "the experiment is not in the list")
    command("experiments", "rename", "-x", experiment_id, "--new-name", f"{name}-renamed")
    same(client().get_experiment(experiment_id).name, f"{name}-renamed", "name")
    run_id = new_run(experiment_id)
    client().log_metric(run_id, "m", 0.125)
    sheet = command("experiments", "csv", "-x", experiment_id)
    holds(run_id in sheet and "0.125" in sheet, f"run and value are not in the sheet {sheet[:300]!r}")
    command("experiments", "delete", "-x", experiment_id)
    same(client().get_experiment(experiment_id).lifecycle_stage, "deleted", "life cycle")
    holds(f"{name}-renamed" in command("experiments", "search", "--view", "deleted_only"), "not among the deleted")
    command("experiments", "restore", "-x", experiment_id)
    same(client().get_experiment(experiment_id).lifecycle_stage, "active", "life cycle after restore")


@check("mlflow runs: list, describe, delete, restore", guarded=True)
def runs():
    experiment_id = new_experiment()
    run_id = new_run(experiment_id, run_name="from-python", tags={"t": "ü"})
    client().log_param(run_id, "p", "1")
    client().log_metric(run_id, "m", 0.1, timestamp=1, step=2)
    listed = command("runs", "list", "--experiment-id", experiment_id)
    holds(run_id in listed and "from-python" in listed, f"the run is not in {listed[:300]!r}")
    described = json.loads(command("runs", "describe", "--run-id", run_id))
    same(described["info"]["run_id"], run_id, "id")
    same(described["info"]["status"], "RUNNING", "status")
    same(described["data"]["params"], {"p": "1"}, "params")
    same(described["data"]["metrics"], {"m": 0.1}, "metrics")
    same(described["data"]["tags"]["t"], "ü", "tag")
    command("runs", "delete", "--run-id", run_id)
    same(client().get_run(run_id).info.lifecycle_stage, "deleted", "life cycle")
    holds(run_id not in command("runs", "list", "--experiment-id", experiment_id), "the deleted run is listed")
    command("runs", "restore", "--run-id", run_id)
    same(client().get_run(run_id).info.lifecycle_stage, "active", "life cycle after restore")
    command("runs", "describe", "--run-id", "0" * 32, status=1)
