"""Logged models as the newest MLflow client sees them: life cycle, params, tags, metrics on data sets, search, and
models that are logged by a run and loaded again."""

import math
import tempfile

import mlflow
import numpy
import pandas
from mlflow.entities import Metric

from harness import MAJOR, check, client, holds, new_experiment, new_run, refused, same, unique

if MAJOR >= 3:  # older clients do not know them, and do not run these checks
    from mlflow.entities import LoggedModelInput, LoggedModelOutput, LoggedModelStatus


def measured(model):
    """The points of a model, comparable."""
    return sorted(
        (m.key, m.timestamp, m.step, m.value, m.dataset_name or "", m.dataset_digest or "", m.run_id)
        for m in model.metrics or []
    )


@check("logged models: create, finalize, tags, params, get, delete", since=3, guarded=True)
def life_cycle():
    experiment = new_experiment()
    run_id = new_run(experiment)
    model = client().create_logged_model(
        experiment,
        name="forest",
        source_run_id=run_id,
        tags={"team": "red", "größe": "ü"},
        params={f"p{number}": str(number) for number in range(250)},
        model_type="Agent",
    )
    holds(model.model_id.startswith("m-"), f"id {model.model_id}")
    same((model.name, model.experiment_id, model.source_run_id), ("forest", experiment, run_id), "what was given")
    same((model.status, model.model_type), (LoggedModelStatus.PENDING, "Agent"), "status and type")
    same(model.tags, {"team": "red", "größe": "ü"}, "tags")
    got = client().get_logged_model(model.model_id)
    same(got.params, {f"p{number}": str(number) for number in range(250)}, "params of more than one batch")
    same(got.artifact_location, model.artifact_location, "location")
    holds(got.artifact_location.endswith(f"models/{model.model_id}/artifacts"), f"location {got.artifact_location}")
    ready = client().finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    same(ready.status, LoggedModelStatus.READY, "finalized")
    client().set_logged_model_tags(model.model_id, {"team": "blue", "n": 5})
    client().delete_logged_model_tag(model.model_id, "größe")
    same(client().get_logged_model(model.model_id).tags, {"team": "blue", "n": "5"}, "changed tags")
    refused("RESOURCE_DOES_NOT_EXIST", None, lambda: client().delete_logged_model_tag(model.model_id, "größe"))
    client().log_model_params(model.model_id, {"later": "1"})
    same(client().get_logged_model(model.model_id).params["later"], "1", "a later param")
    client().delete_logged_model(model.model_id)
    refused("RESOURCE_DOES_NOT_EXIST", None, lambda: client().get_logged_model(model.model_id))
    refused("INVALID_PARAMETER_VALUE", None, lambda: client().create_logged_model(experiment, name="a/b"))


@check("logged models: the fluent interface, in a run and without one", since=3)
def fluent():
    mlflow.set_experiment(unique())
    alone = mlflow.create_external_model(name="alone", params={"a": "1"})
    same(alone.status, LoggedModelStatus.READY, "an external model is ready at once")
    pending = mlflow.initialize_logged_model(name="pending", tags={"k": "v"})
    same(pending.status, LoggedModelStatus.PENDING, "an initialized one is not")
    mlflow.log_model_params({"b": "2"}, model_id=pending.model_id)
    mlflow.set_logged_model_tags(pending.model_id, {"k": "w"})
    mlflow.finalize_logged_model(pending.model_id, "FAILED")
    got = mlflow.get_logged_model(pending.model_id)
    same((got.status, got.params, got.tags["k"]), (LoggedModelStatus.FAILED, {"b": "2"}, "w"), "changed")
    found = mlflow.search_logged_models(filter_string="params.a = '1'", output_format="list")
    same([model.model_id for model in found], [alone.model_id], "found by a param")
    same(list(mlflow.search_logged_models().model_id), [pending.model_id, alone.model_id], "the newest first")


@check("logged models: metrics with data sets come back with the model", since=3)
def metrics():
    experiment = mlflow.set_experiment(unique()).experiment_id
    model = client().create_logged_model(experiment, name="measured")
    train = mlflow.data.from_pandas(pandas.DataFrame({"x": [1, 2, 3]}), name="train")
    with mlflow.start_run() as run:
        mlflow.log_metric("acc", 0.5, step=1, timestamp=1000, model_id=model.model_id)
        mlflow.log_metric("acc", 0.75, step=2, timestamp=2000, model_id=model.model_id, dataset=train)
        mlflow.log_metrics({"loss": 0.25, "f1": 1}, step=3, timestamp=3000, model_id=model.model_id, dataset=train)
        client().log_batch(
            run.info.run_id, [Metric("many", n / 7, n, n, model_id=model.model_id) for n in range(1000)]
        )
    run_id = run.info.run_id
    wanted = [("acc", 1000, 1, 0.5, "", "", run_id), ("acc", 2000, 2, 0.75, "train", train.digest, run_id)]
    wanted += [(key, 3000, 3, value, "train", train.digest, run_id) for key, value in (("loss", 0.25), ("f1", 1.0))]
    wanted += [("many", n, n, n / 7, "", "", run_id) for n in range(1000)]
    same(measured(client().get_logged_model(model.model_id)), sorted(wanted), "all points")
    [found] = mlflow.search_logged_models(output_format="list")
    same(measured(found), sorted(wanted), "all points of a search")
    latest = {"acc": 0.75, "loss": 0.25, "f1": 1.0, "many": 999 / 7}
    same(client().get_run(run_id).data.metrics, latest, "the run has them too")


@check("logged models: NaN and the infinities", upstream_bug="become 0 and the largest double", since=3)
def special_values():
    experiment = new_experiment()
    model = client().create_logged_model(experiment)
    run_id = new_run(experiment)
    values = [math.nan, math.inf, -math.inf]
    for step, value in enumerate(values):
        client().log_metric(run_id, "v", value, timestamp=step, step=step, model_id=model.model_id)
    same([m[3] for m in measured(client().get_logged_model(model.model_id))], values, "values")


@check("logged models: an unknown model refuses the whole point", upstream_bug="the run has it", since=3)
def unknown_model():
    run_id = new_run()
    refused("RESOURCE_DOES_NOT_EXIST", None, lambda: client().log_metric(run_id, "v", 1, model_id="m-" + "f" * 32))
    same(client().get_run(run_id).data.metrics, {}, "metrics of the run")


@check("logged models: search with filters, data sets, orders and pages", since=3, guarded=True)
def search():
    experiment = mlflow.set_experiment(unique()).experiment_id
    other = new_experiment()
    frames = [mlflow.data.from_pandas(pandas.DataFrame({"x": [n]}), name=f"data {n}") for n in range(2)]
    ids = []
    with mlflow.start_run():
        for number in range(7):
            model = client().create_logged_model(experiment, name=f"m{number}", params={"n": str(number)})
            ids.append(model.model_id)
            if number < 5:
                frame = frames[number % 2]
                mlflow.log_metric("acc", number % 3 + 0.5, model_id=model.model_id, dataset=frame, timestamp=1)
    client().create_logged_model(other, name="elsewhere")

    def names(**arguments):
        found = client().search_logged_models([experiment], **arguments)
        return [model.name for model in found], found.token

    same(names()[0], [f"m{number}" for number in range(6, -1, -1)], "the newest first")
    same(names(filter_string="metrics.acc > 1 AND params.n != '4'")[0], ["m2", "m1"], "filtered")
    same(names(filter_string="name IN ('m1', 'm5')")[0], ["m5", "m1"], "by name")
    down = [{"field_name": "metrics.acc", "ascending": False}, {"field_name": "name"}]
    same(names(order_by=down)[0], ["m2", "m1", "m4", "m0", "m3", "m5", "m6"], "by metric")
    restricted = [{"dataset_name": "data 0", "dataset_digest": frames[0].digest}]
    same(names(datasets=restricted)[0], ["m4", "m2", "m0"], "on a data set")
    same(names(datasets=restricted, filter_string="metrics.acc > 1")[0], ["m4", "m2"], "a metric on a data set")
    ordered = [{"field_name": "metrics.acc", **restricted[0]}, {"field_name": "name"}]
    same(names(order_by=ordered)[0], ["m0", "m4", "m2", "m1", "m3", "m5", "m6"], "by a metric on a data set")
    got = []
    token = None
    while True:
        page, token = names(order_by=down, max_results=3, page_token=token)
        got += page
        if not token:
            break
    same(got, ["m2", "m1", "m4", "m0", "m3", "m5", "m6"], "page by page")
    _, token = names(max_results=2)
    refused(
        "INVALID_PARAMETER_VALUE",
        "token",
        lambda: client().search_logged_models([experiment], filter_string="name = 'm1'", page_token=token),
    )
    both = client().search_logged_models([experiment, other], max_results=3)
    same([model.name for model in both], ["elsewhere", "m6", "m5"], "of two experiments")


@check("logged models: what the language adds", upstream_bug="refused", since=3)
def additions():
    experiment = new_experiment()
    run_id = new_run(experiment)
    for number in range(4):
        model = client().create_logged_model(experiment, name=f"m{number}", params={"lr": f"0.{number}"})
        if number:
            client().log_metric(run_id, "acc", number, timestamp=number, model_id=model.model_id)

    def names(text):
        return [model.name for model in client().search_logged_models([experiment], filter_string=text)]

    same(names("metrics.acc = 1 OR (metrics.acc > 2 AND NOT name = 'm0')"), ["m3", "m1"], "OR, NOT, parentheses")
    same(names("metrics.acc IS NULL"), ["m0"], "IS NULL")
    same(names("number(params.lr) BETWEEN 0.1 AND 0.2"), ["m2", "m1"], "params as numbers")
    same(names("status = 'LOGGED_MODEL_PENDING' AND name ~ '[01]$'"), ["m1", "m0"], "patterns")


@check("logged models: inputs and outputs of runs", since=3)
def links():
    experiment = new_experiment()
    run_id = new_run(experiment)
    used = client().create_logged_model(experiment, name="used")
    made = client().create_logged_model(experiment, name="made", source_run_id=run_id)
    client().log_inputs(run_id, models=[LoggedModelInput(used.model_id)])
    client().log_outputs(run_id, [LoggedModelOutput(made.model_id, step=3)])
    run = client().get_run(run_id)
    same([model.model_id for model in run.inputs.model_inputs], [used.model_id], "inputs")
    same([(model.model_id, model.step) for model in run.outputs.model_outputs], [(made.model_id, 3)], "outputs")


def fitted():
    from sklearn.linear_model import LinearRegression

    x = numpy.arange(20).reshape(-1, 1)
    return LinearRegression().fit(x, 3 * x[:, 0] + 1), x


@check("mlflow.sklearn.log_model and load_model, by model and by run", since=3, guarded=True)
def sklearn_model():
    estimator, x = fitted()
    mlflow.set_experiment(unique())
    with mlflow.start_run() as run:
        logged = mlflow.sklearn.log_model(
            estimator,
            name="line",
            input_example=x[:2],
            params={"degree": "1"},
            step=4,
            serialization_format="cloudpickle",
        )
    holds(logged.model_uri.startswith("models:/m-"), f"uri {logged.model_uri}")
    loaded = mlflow.sklearn.load_model(logged.model_uri)
    same(loaded.predict(x).tolist(), estimator.predict(x).tolist(), "predictions")
    same(mlflow.pyfunc.load_model(logged.model_uri).predict(x).tolist(), estimator.predict(x).tolist(), "pyfunc")
    same(mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/line").coef_.tolist(), estimator.coef_.tolist(), "by run")
    model = mlflow.get_logged_model(logged.model_id)
    same((model.name, model.status), ("line", LoggedModelStatus.READY), "name and status")
    same((model.source_run_id, model.params), (run.info.run_id, {"degree": "1"}), "run and params")
    outputs = client().get_run(run.info.run_id).outputs.model_outputs
    same([(output.model_id, output.step) for output in outputs], [(logged.model_id, 4)], "outputs of the run")


@check("mlflow.pyfunc.log_model with a class and artifacts", since=3, guarded=True)
def pyfunc_model():
    class Adder(mlflow.pyfunc.PythonModel):
        def load_context(self, context):
            with open(context.artifacts["number"], encoding="utf-8") as file:
                self.number = int(file.read())

        def predict(self, context, model_input: list[int]) -> list[int]:
            return [value + self.number for value in model_input]

    mlflow.set_experiment(unique())
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("41")
        file.flush()
        with mlflow.start_run():
            logged = mlflow.pyfunc.log_model(name="adder", python_model=Adder(), artifacts={"number": file.name})
    same(mlflow.pyfunc.load_model(logged.model_uri).predict([1, 2]), [42, 43], "predictions")
    with tempfile.TemporaryDirectory() as folder:
        path = mlflow.artifacts.download_artifacts(logged.model_uri, dst_path=folder)
        holds(mlflow.models.Model.load(path).model_id == logged.model_id, "MLmodel names the model")


@check("a model that fails to be saved is marked failed", since=3)
def failing_model():
    class Broken:
        def __reduce__(self):
            raise ValueError("not picklable")

    estimator, _ = fitted()
    estimator.extra = Broken()
    mlflow.set_experiment(unique())
    try:
        with mlflow.start_run():
            mlflow.sklearn.log_model(estimator, name="broken", serialization_format="cloudpickle")
        failed = False
    except Exception:
        failed = True
    holds(failed, "saving succeeded")
    [model] = mlflow.search_logged_models(output_format="list")
    same((model.name, model.status), ("broken", LoggedModelStatus.FAILED), "the model")
