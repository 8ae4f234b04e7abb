"""Run the checks of workspaces, which want a server with workspaces on. Arguments: as main.py."""

import argparse
import logging
import sys

import checks_workspaces
import harness


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", action="store_true", help="the server is MLflow's own")
    parser.add_argument("selection", nargs="?", default="")
    arguments = parser.parse_args()
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    harness.note(f"{len(harness.CHECKS)} checks in {checks_workspaces.__name__}")
    sys.exit(1 if harness.run_checks(arguments.selection, arguments.reference) else 0)


if __name__ == "__main__":
    main()
