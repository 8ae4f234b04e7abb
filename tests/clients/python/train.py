"""A training script as people write them: a small neural network in numpy learns to read hand-written digits, and logs
what it does with the fluent API. Arguments: the experiment's name, and a file for what was logged, as JSON."""

import json
import sys

import mlflow
import numpy
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS = 15
CLASSES = 10


class Network:
    def __init__(self, inputs, hidden, generator):
        self.w1 = generator.normal(0, numpy.sqrt(2 / inputs), (inputs, hidden))
        self.b1 = numpy.zeros(hidden)
        self.w2 = generator.normal(0, numpy.sqrt(2 / hidden), (hidden, CLASSES))
        self.b2 = numpy.zeros(CLASSES)

    def forward(self, x):
        self.hidden = numpy.maximum(x @ self.w1 + self.b1, 0)
        scores = self.hidden @ self.w2 + self.b2
        scores -= scores.max(axis=1, keepdims=True)
        exponentials = numpy.exp(scores)
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def step(self, x, y, rate):
        probabilities = self.forward(x)
        loss = -numpy.log(probabilities[numpy.arange(len(y)), y] + 1e-12).mean()
        gradient = probabilities
        gradient[numpy.arange(len(y)), y] -= 1
        gradient /= len(y)
        hidden_gradient = (gradient @ self.w2.T) * (self.hidden > 0)
        self.w2 -= rate * self.hidden.T @ gradient
        self.b2 -= rate * gradient.sum(axis=0)
        self.w1 -= rate * x.T @ hidden_gradient
        self.b1 -= rate * hidden_gradient.sum(axis=0)
        return float(loss), float(numpy.linalg.norm(gradient))


def accuracy(network, x, y):
    return float((network.forward(x).argmax(axis=1) == y).mean())


def train(data, hidden, rate, record):
    """One run: EPOCHS over the data. Everything that is logged is also kept in `record`."""
    x_train, x_test, y_train, y_test = data
    generator = numpy.random.default_rng(7)
    network = Network(x_train.shape[1], hidden, generator)
    params = {"hidden": hidden, "learning_rate": rate, "epochs": EPOCHS, "batch_size": 32, "optimizer": "sgd"}
    mlflow.log_params(params)
    record["params"] = {key: str(value) for key, value in params.items()}
    record["metrics"] = {}
    batch = 0

    def log(values, step):
        mlflow.log_metrics(values, step=step)
        for key, value in values.items():
            record["metrics"].setdefault(key, []).append([step, value])

    for epoch in range(EPOCHS):
        order = generator.permutation(len(x_train))
        losses = []
        for start in range(0, len(order), 32):
            chosen = order[start : start + 32]
            loss, norm = network.step(x_train[chosen], y_train[chosen], rate)
            losses.append(loss)
            if batch % 10 == 0:
                log({"batch/loss": loss, "batch/gradient_norm": norm}, batch)
            batch += 1
        log(
            {
                "train/loss": float(numpy.mean(losses)),
                "train/accuracy": accuracy(network, x_train, y_train),
                "test/accuracy": accuracy(network, x_test, y_test),
            },
            epoch,
        )
    return accuracy(network, x_test, y_test)


def main():
    experiment_name, output = sys.argv[1:]
    features, digits = load_digits(return_X_y=True)
    data = train_test_split(features / 16, digits, test_size=0.25, random_state=3, stratify=digits)
    mlflow.set_experiment(experiment_name)
    written = {"runs": {}}
    best = (-1.0, None)
    with mlflow.start_run(run_name="search", description="grid over size and rate") as parent:
        mlflow.set_tag("kind", "grid search")
        mlflow.log_input(mlflow.data.from_numpy(data[0], targets=data[2], name="digits"), context="training")
        for hidden in (8, 32):
            for rate in (0.05, 0.3):
                with mlflow.start_run(run_name=f"hidden={hidden} rate={rate}", nested=True) as child:
                    record = written["runs"][child.info.run_id] = {"name": f"hidden={hidden} rate={rate}"}
                    result = train(data, hidden, rate, record)
                    mlflow.set_tags({"family": "mlp", "hidden": hidden})
                    record["tags"] = {"family": "mlp", "hidden": str(hidden)}
                    best = max(best, (result, child.info.run_id))
        mlflow.log_metric("best/accuracy", best[0])
        mlflow.set_tag("best_run", best[1])
    written |= {"parent": parent.info.run_id, "best_accuracy": best[0], "best_run": best[1]}
    with open(output, "w", encoding="utf-8") as stream:
        json.dump(written, stream)


if __name__ == "__main__":
    main()
