"""Run the checks of one client version. Arguments: [--reference] [text that a check's name must contain]."""

import argparse
import logging
import sys

import checks_artifacts
import checks_cli
import checks_experiments
import checks_metrics
import checks_models
import checks_registry
import checks_runs
import checks_training
import harness

MODULES = (
    checks_experiments,
    checks_runs,
    checks_metrics,
    checks_training,
    checks_models,
    checks_registry,
    checks_artifacts,
    checks_cli,
)
if harness.BY:
    import checks_access

    MODULES += (checks_access,)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", action="store_true", help="the server is MLflow's own")
    parser.add_argument("selection", nargs="?", default="")
    arguments = parser.parse_args()
    for name in ("mlflow", "mlflow.tracking.fluent", "mlflow.utils.autologging_utils", "mlflow.sklearn"):
        logging.getLogger(name).setLevel(logging.ERROR)
    harness.note(f"{len(harness.CHECKS)} checks in {len(MODULES)} files")
    sys.exit(1 if harness.run_checks(arguments.selection, arguments.reference) else 0)


if __name__ == "__main__":
    main()
