"""Put measured figures into the tables of a page: each row whose figure is in build/bench/result.json gets its cells anew.
Arguments: PAGE [RESULT]. Rows of figures that were not measured stay as they are; so does the text around the tables."""

import json
import sys
from pathlib import Path

from report import number, summary

RESULT = Path(__file__).parents[2] / "build" / "bench" / "result.json"


def shown(values):
    """Median (least to greatest)."""
    if not values:
        return ""
    of = summary(values)
    return f"{number(of['median'])} ({number(of['min'])} to {number(of['max'])})"


def better(ratio):
    return f"{number(ratio['median'])} × ({number(ratio['min'])} to {number(ratio['max'])})" if ratio else ""


def cells(row, count):
    """The cells of a row of 3 or 5 columns; None for a table of another form, and for what could not be measured."""
    if not row["tallyd"] or count not in (3, 5):
        return None
    found = [row["figure"], row["unit"], shown(row["tallyd"])]
    if count == 5:
        found += [shown(row.get("mlflow")), better(row.get("times_better"))]
    return found


def main():
    page = Path(sys.argv[1])
    rows = {row["figure"]: row for row in json.loads(Path(sys.argv[2] if len(sys.argv) > 2 else RESULT).read_text())["rows"]}
    lines, filled = [], set()
    for line in page.read_text().splitlines():
        parts = [part.strip() for part in line.strip("|").split("|")] if line.startswith("|") else []
        fresh = cells(rows[parts[0]], len(parts)) if parts and parts[0] in rows else None
        if fresh:
            filled.add(parts[0])
            line = "| " + " | ".join(fresh) + " |"
        lines.append(line)
    page.write_text("\n".join(lines) + "\n")
    print(f"{len(filled)} rows filled; {len(rows) - len(filled)} figures of the result have no row in {page}")


if __name__ == "__main__":
    main()
