"""Whole training programs: what they logged is read back with a fresh client and compared with their own record."""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import mlflow
import numpy

from harness import check, client, holds, new_experiment, own_tags, same, unique


@check("a training script: grid search of a network over real digits")
def training_script():
    name = unique("training")
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "written.json")
        script = Path(__file__).with_name("train.py")
        done = subprocess.run(
            [sys.executable, str(script), name, str(output)], capture_output=True, text=True, timeout=900, check=False
        )
        same(done.returncode, 0, f"exit code of the script, {done.stderr[-1500:]!r}")
        written = json.loads(output.read_text())
    holds(written["best_accuracy"] >= 0.95, f"it did not learn: accuracy {written['best_accuracy']}")
    experiment = client().get_experiment_by_name(name)
    runs = {run.info.run_id: run for run in client().search_runs([experiment.experiment_id])}
    same(sorted(runs), sorted([*written["runs"], written["parent"]]), "runs of the experiment")
    parent = runs.pop(written["parent"])
    same(parent.data.metrics, {"best/accuracy": written["best_accuracy"]}, "metrics of the parent")
    same(own_tags(parent), {"kind": "grid search", "best_run": written["best_run"]}, "tags of the parent")
    same(parent.inputs.dataset_inputs[0].dataset.name, "digits", "data set of the parent")
    for run_id, run in runs.items():
        record = written["runs"][run_id]
        same(run.info.status, "FINISHED", "status")
        same(run.info.run_name, record["name"], "name")
        same(run.data.params, record["params"], "params")
        same(own_tags(run), record["tags"], "tags")
        same(run.data.tags["mlflow.parentRunId"], written["parent"], "parent")
        same(run.data.metrics, {key: series[-1][1] for key, series in record["metrics"].items()}, "latest values")
        for key, series in record["metrics"].items():
            history = client().get_metric_history(run_id, key)
            same([(m.step, m.value) for m in history], [tuple(point) for point in series], f"history of {key}")
        losses = [value for _, value in record["metrics"]["train/loss"]]
        holds(losses[-1] < losses[0] / 2, f"the loss did not fall: {losses[0]} to {losses[-1]}")
    ranked = sorted(runs.values(), key=lambda run: (run.data.metrics["test/accuracy"], run.info.run_id))
    same(ranked[-1].info.run_id, written["best_run"], "the best run by what was read back")


@check("mlflow.sklearn.autolog of a classifier")
def sklearn_autolog():
    import mlflow.sklearn
    import sklearn.metrics
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x_train, x_test, y_train, y_test = train_test_split(*load_breast_cancer(return_X_y=True), random_state=5)
    with tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # autolog writes small files next to the numbers; this location keeps them on the side of the client
        mlflow.set_experiment(experiment_id=new_experiment(artifact_location=Path(directory).as_uri()))
        mlflow.sklearn.autolog(log_models=False, log_input_examples=False, silent=True)
        try:
            with mlflow.start_run() as run:
                model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(x_train, y_train)
                test_accuracy = sklearn.metrics.accuracy_score(y_test, model.predict(x_test))
        finally:
            mlflow.sklearn.autolog(disable=True)
    holds(test_accuracy > 0.93, f"it did not learn: accuracy {test_accuracy}")
    read = client().get_run(run.info.run_id)
    same(read.info.status, "FINISHED", "status")
    same(read.data.params["logisticregression__C"], "0.5", "param of the estimator")
    wanted = {key: str(value) for key, value in model.get_params(deep=True).items()}
    same(sorted(read.data.params), sorted(wanted), "params")
    for key in ("logisticregression__max_iter", "standardscaler__with_mean", "memory", "logisticregression__tol"):
        same(read.data.params[key], wanted[key], key)
    same(read.data.metrics["training_accuracy_score"], float(model.score(x_train, y_train)), "accuracy in training")
    same(read.data.metrics["accuracy_score_x_test"], test_accuracy, "accuracy after training")
    same(read.data.tags["estimator_name"], "Pipeline", "tag")
    digests = {one.dataset.digest for one in read.inputs.dataset_inputs}
    holds(mlflow.data.from_numpy(x_train, targets=y_train).digest in digests, f"data set of the training in {digests}")


@check("batches as autologging sends them: params, metrics and tags through its queueing client")
def autologging_queue():
    from mlflow.utils.autologging_utils import MlflowAutologgingQueueingClient

    experiment_id = new_experiment()
    run_ids = []
    queue = MlflowAutologgingQueueingClient()
    for number in range(3):
        run_id = queue.create_run(experiment_id, start_time=1000 + number, tags={"n": number}, run_name=f"trial {number}")
        queue.log_params(run_id, {f"p{index}": index * number for index in range(230)})
        queue.log_metrics(run_id, {f"m{index}": index / (number + 1) for index in range(1500)}, step=number)
        queue.set_tags(run_id, {f"t{index}": "x" * index for index in range(110)})
        queue.set_terminated(run_id, status="FINISHED", end_time=2000 + number)
    queue.flush(synchronous=True)
    runs = client().search_runs([experiment_id], order_by=["attributes.start_time ASC"])
    same(len(runs), 3, "runs")
    for number, run in enumerate(runs):
        run_ids.append(run.info.run_id)
        same((run.info.status, run.info.end_time), ("FINISHED", 2000 + number), "status and end")
        same(run.data.params, {f"p{index}": str(index * number) for index in range(230)}, "params")
        same(run.data.metrics, {f"m{index}": index / (number + 1) for index in range(1500)}, "metrics")
        tags = {f"t{index}": "x" * index for index in range(110)} | {"n": str(number)}
        same(own_tags(run), tags, "tags")


@check("a regression that logs every iteration with partial_fit")
def regression():
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import SGDRegressor

    features, target = load_diabetes(return_X_y=True)
    features = features / features.std(axis=0)
    target = (target - target.mean()) / target.std()
    model = SGDRegressor(random_state=1, eta0=0.001, learning_rate="constant")
    mlflow.set_experiment(unique())
    wanted = []
    with mlflow.start_run() as run:
        for iteration in range(60):
            model.partial_fit(features, target)
            error = numpy.mean((model.predict(features) - target) ** 2)
            mlflow.log_metric("mse", error, step=iteration)
            wanted.append((iteration, float(error)))
        mlflow.log_metric("r2", model.score(features, target))
    history = client().get_metric_history(run.info.run_id, "mse")
    same([(m.step, m.value) for m in history], wanted, "history")
    holds(client().get_run(run.info.run_id).data.metrics["r2"] > 0.5, "it did not learn")
