"""The table of all figures, and the commands behind them."""

import sys

HEAD = ["figure", "unit", "min", "**median**", "max"]
HEAD_MLFLOW = ["MLflow min", "MLflow **median**", "MLflow max", "times better (of pairs of rounds)"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def summary(values):
    """min, median and max of the rounds."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return {"min": ordered[0], "median": median, "max": ordered[-1], "rounds": len(ordered)}


def better(ours, theirs, higher_is_better):
    """How many times better: of the medians, and the least and greatest of the rounds that ran one after the other."""
    def ratio(one, other):
        if one <= 0 or other <= 0:
            return None
        return one / other if higher_is_better else other / one

    middle = ratio(summary(ours)["median"], summary(theirs)["median"])
    pairs = [value for value in (ratio(one, other) for one, other in zip(ours, theirs)) if value is not None]
    if middle is None or not pairs:
        return None
    return {"median": middle, "min": min(pairs), "max": max(pairs)}


class Table:
    def __init__(self, with_mlflow):
        self.with_mlflow = with_mlflow
        self.rows = []
        self.json = []
        self.commands = []
        self.missing_names = []

    def _cells(self, values):
        return [number(summary(values)[key]) for key in ("min", "median", "max")] if values else ["–"] * 3

    def add(self, name, unit, higher_is_better, tallyd, mlflow=None, note=""):
        """One row from the values of all rounds; None or nothing: not measured, and `note` says why."""
        cells = [name, unit, *self._cells(tallyd)]
        row = {"figure": name, "unit": unit, "tallyd": tallyd, "mlflow": mlflow, "note": note}
        if self.with_mlflow:
            cells += self._cells(mlflow) if mlflow else [""] * 3
            row["times_better"] = better(tallyd, mlflow, higher_is_better) if tallyd and mlflow else None
            ratio = row["times_better"]
            cells.append(f"{number(ratio['median'])} × ({number(ratio['min'])} to {number(ratio['max'])})" if ratio else "")
        cells.append(note.replace("|", "/").replace("\n", " "))
        self.rows.append(cells)
        self.json.append(row)
        say("  " + " | ".join(cells))

    def missing(self, name, reason):
        """A figure that could not be measured keeps its row."""
        self.missing_names.append(name)
        self.add(name, "", True, None, None, f"not measured: {reason}"[:300])

    def command(self, name, text):
        """What was sent for a figure; all its rows share one command."""
        if (name, text) not in self.commands:
            self.commands.append((name, text))

    def text(self):
        head = HEAD + (HEAD_MLFLOW if self.with_mlflow else []) + ["remarks"]
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines)


def render(about, table, remarks, options):
    flush = about["fdatasync_ms"]
    settings = ", ".join(f"{key} {value}" for key, value in about["settings"].items())
    lines = [
        f"{about['processors']} processors, {about['memory_gb']} GB of memory, Linux {about['kernel']}, "
        f"PostgreSQL {about['postgresql']} with fsync and synchronous_commit on, all on one machine.",
        "",
        f"- fdatasync of one 8 KB page (**F**): {number(flush['median'])} ms "
        f"({number(flush['min'])} to {number(flush['max'])}); after the measurements {number(about['fdatasync_after_ms'])} ms",
    ]
    lines += [
        f"- commits per second of PostgreSQL at {clients} client{'s' if clients > 1 else ''} (pgbench, one insert): "
        f"{number(rates['median'])} ({number(rates['min'])} to {number(rates['max'])})"
        for clients, rates in about["commits_per_second"].items()
    ]
    lines += [f"- PostgreSQL: {settings}"]
    lines += [f"- {remark}" for remark in remarks]
    lines += ["", f"Size {options.size}: {options.rounds} rounds of {options.seconds:g} s each, alternating; "
              f"{about['minutes']:.0f} minutes in all. A dash stands for what could not be measured.", "",
              table.text(), "", "Commands:", ""]
    # A remark on the command above it stands below it.
    lines += [f"  - {text}" if text.startswith("(") else f"- {name}: `{text}`" for name, text in table.commands]
    return "\n".join(lines) + "\n"
