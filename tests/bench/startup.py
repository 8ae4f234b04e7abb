"""Start to first answer on a migrated database, and memory once idle."""

import time

import machine

NAMES = (("start to first answer", "ms"), ("idle memory, RSS", "MB"), ("idle memory, PSS", "MB"))
# MLflow needs ten seconds to start; three times show how little that varies.
MLFLOW_ROUNDS = 3


def measure(bench):
    if not bench.wanted(*(name for name, _ in NAMES)):
        return
    with bench.attempt(NAMES[0][0]):
        values = [{server.name: [] for server in bench.servers} for _ in NAMES]
        for round_number in range(bench.options.rounds):
            for server in bench.servers:
                if server.name == "mlflow" and round_number >= MLFLOW_ROUNDS:
                    continue
                server.stop()
                values[0][server.name].append(server.start())
                time.sleep(1 if server.name == "tallyd" else 3)
                rss, pss = machine.memory_mb(server.process.pid)
                values[1][server.name].append(rss)
                values[2][server.name].append(pss)
        for (name, unit), taken in zip(NAMES, values):
            bench.add(name, unit, False, taken, command=bench.again(name))
            bench.results[name] = taken
