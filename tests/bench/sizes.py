"""How much is measured: three sizes of the same benchmark."""

from dataclasses import dataclass

# Ten metrics a step is what a training loop with train and test scores logs.
KEYS = 10
# Runs that are written to at once: a team's worth of jobs, and more than there are connections.
RUNS = 1000
# The largest batch that both servers take, and the one that clients send.
BATCH = 1000


@dataclass
class Size:
    """One size. `levels` are points stored before a measurement; those up to `mlflow_level` are measured with MLflow too."""

    name: str
    rounds: int
    seconds: float
    minutes: float  # when they are over, what is left is left out
    many_runs: int
    chart_points: int  # of the series that both servers have
    long_series: tuple  # of the series that only tallyd has
    levels: tuple
    mlflow_level: int
    all_connections: bool  # every figure at 64 and 256 connections, or the less telling ones at 64 only
    storage_steps: int
    mlflow_storage_steps: int
    watched_steps: int
    dashboard_seconds: float
    overload_seconds: float
    search_runs: tuple  # of the experiments that are searched, each alone in its database
    search_crowded: int  # the one of them beside which further experiments are put
    search_wide: int  # runs of an experiment with very many metrics; 0: none
    search_bound_s: float  # a question that MLflow answers later is left out
    largest_file: int  # of the artifacts, bytes
    registry_versions: tuple  # of one registered model
    mlflow_registry_versions: int  # MLflow is asked about models with at most so many


SIZES = {
    "quick": Size("quick", 2, 0.2, 25, 120, 20_000, (50_000,), (0, 100_000), 100_000, False, 100, 100, 100, 2, 1,
                  (10_000, 100_000), 10_000, 0, 3, 1024**2, (1000, 10_000), 10_000),
    "short": Size("short", 3, 1, 60, 500, 100_000, (1_000_000,), (0, 10_000_000), 0, False, 1000, 200, 1000, 5, 3,
                  (10_000, 100_000), 100_000, 0, 5, 1024**3, (1000, 10_000, 200_000), 10_000),
    "full": Size("full", 5, 2, 210, 2000, 1_000_000, (1_000_000, 10_000_000), (0, 10_000_000, 100_000_000), 10_000_000,
                 True, 10_000, 1000, 2000, 15, 6,
                 (1000, 10_000, 100_000, 1_000_000), 100_000, 10_000, 20, 1024**3, (1000, 10_000, 200_000), 200_000),
}


def count_text(count):
    """10 M for 10,000,000, and so on."""
    if count >= 1_000_000 and count % 1_000_000 == 0:
        return f"{count // 1_000_000} M"
    return f"{count:,}"
