"""What a million events cost as the log grows: the figure, from the results beside.

Example: python experiments/benchmarks/growth.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import job
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from churnml.report.canvas import FURTHER, MODEL, ORACLE, RANDOM, RULE, line, panel, sheet

HERE = Path(__file__).resolve().parent
STROKES = {
    "churnml": MODEL,
    "duck_window": RULE,
    "polars_hand": ORACLE,
    "churnml_gated": FURTHER[0],
    "limit": RANDOM,
}


def main() -> None:
    """Draw the figure and print what it shows."""
    costs = read()
    growth_figure(costs).savefig(HERE / "growth.png")
    sys.stderr.write(costs.to_string(index=False) + "\n")


def read() -> pd.DataFrame:
    """Per contender and size: events, processor seconds per million of them, peak memory."""
    rows = []
    for size, (events, _) in job.SIZES.items():
        path = HERE / "results" / f"{size}.json"
        if size == "tiny" or not path.is_file():
            continue
        found = json.loads(path.read_text(encoding="utf-8"))["contenders"]
        rows += [
            {
                "contender": name, "events": events, "peak_mb": one["peak_mb"],
                "cpu_per_million": one["cpu"] / (events / 1e6),
            }
            for name, one in found.items() if one["runs"]
        ]  # fmt: skip
    return pd.DataFrame(rows)


def growth_figure(costs: pd.DataFrame) -> Figure:
    """Processor seconds per million events, and peak memory, against the length of the log."""
    own = costs[costs["contender"] == "churnml"].sort_values("events")
    first, last = own.iloc[0], own.iloc[-1]
    figure = sheet(
        f"A million events cost {first['cpu_per_million']:.0f} processor seconds in a log of "
        f"{first['events'] / 1e6:g} million, {last['cpu_per_million']:.1f} in one of "
        f"{last['events'] / 1e6:g} million",
        "56 features of each customer at 104 weekly as_ofs, Parquet to Parquet, start included",
        size=(11.0, 5.0),
    )
    spent, held = figure.subplots(1, 2)
    _lines(spent, costs, "cpu_per_million", "processor seconds per million events")
    _lines(held, costs, "peak_mb", "peak memory, MB")
    return figure


def _lines(axes: Axes, costs: pd.DataFrame, column: str, label: str) -> None:
    panel(axes, x_label="million events", y_label=label, language="en")
    axes.set(xscale="log", yscale="log")
    for name, stroke in STROKES.items():
        part = costs[costs["contender"] == name].sort_values("events")
        if len(part) < 2:
            continue
        line(axes, part["events"].to_numpy() / 1e6, part[column].to_numpy(), stroke)
        axes.annotate(
            name, (part["events"].iloc[-1] / 1e6, part[column].iloc[-1]), xytext=(7, 0),
            textcoords="offset points", va="center", fontsize=8.5, color=stroke.colour,
        )  # fmt: skip
    axes.xaxis.set_major_locator(FixedLocator(sorted(costs["events"].unique() / 1e6)))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


if __name__ == "__main__":
    main()
