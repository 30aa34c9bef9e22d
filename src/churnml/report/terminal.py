"""What a training says on the terminal: stages with their time, then the result as tables."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from churnml.evaluation.meaning import FIGURES
from churnml.report.money_terminal import money_table
from churnml.spoken import counted, percent

#: Heading of a figure in the comparison (80 columns must do).
_HEADINGS = {
    "average_precision": "AP",
    "roc_auc": "AUC",
    "lift_at_10pct": "lift",
    "recall_at_lead_21d": "recall",
    "alert_precision": "prec.",
    "median_lead_days": "lead",
    "alerts_per_week": "load",
}
#: Figure, heading, and its name in full.
_COLUMNS = tuple((name, short, FIGURES[name].title) for name, short in _HEADINGS.items())


class Stages:
    """Says what is being done and remembers how long it took."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage of the run."""
        self.console.print(Text.assemble((name, "bold"), " …"), soft_wrap=True)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start

    def say(self, line: str) -> None:
        """Write one line of progress."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def notices(self, lines: Sequence[str]) -> None:
        """Write what a user should know of the data; brackets in it are not markup."""
        for line in lines:
            self.console.print(
                f"note: {line}", style="dim", markup=False, highlight=False, soft_wrap=True
            )

    @contextmanager
    def bar(self, total: int) -> Iterator[Any]:
        """A progress bar with the best value so far."""
        columns = (
            TextColumn("tuning"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("best average precision {task.fields[best]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=False) as progress:
            task = progress.add_task("tuning", total=total, best="–")

            def advance(done: int, best: float) -> None:
                progress.update(task, completed=done, best=f"{best:.4f}")

            yield advance


def show_training(content: Mapping[str, Any], console: Console) -> None:
    """Print the result of a training, the verdict first.

    Parameters
    ----------
    content : mapping
        The JSON document of ``churnml train``.
    """
    for line in audit_lines(content):
        console.print(line, style="bold red", markup=False, highlight=False, soft_wrap=True)
    console.print(content["signal"], style="bold", highlight=False, soft_wrap=True)
    console.print(content["reason"], highlight=False, soft_wrap=True)
    show_evaluation(content, console)
    console.print(
        f"Calibration: {content['calibration']['reason']}", highlight=False, soft_wrap=True
    )
    if content["weeks_ahead"]:
        console.print(_weeks_table(content["weeks_ahead"]))
    console.print(_breakdown(content["seconds"]))
    for name, place in content["where"].items():
        console.print(f"{name}: {place}", highlight=False, soft_wrap=True)


def audit_lines(content: Mapping[str, Any]) -> list[str]:
    """What the audit warns of, a line each, but for what the verdict already says."""
    return [
        f"AUDIT, {one['severity']}: {one['message']}"
        for one in content["audit"]["findings"]
        if one["severity"] != "info" and one["message"] not in content["reason"]
    ]


def show_evaluation(content: Mapping[str, Any], console: Console) -> None:
    """Print what out-of-time rows say of a score and of the baselines beside it."""
    console.print(
        f"{counted(content['n_rows'], 'out-of-time row')}, {content['n_positive']:,} in the label "
        f"window (base rate {percent(content['base_rate'], digits=2)}), "
        f"{_whole(content['n_exits'])} exits in the queue.",
        highlight=False,
        soft_wrap=True,
    )
    console.print(_comparison(content))
    console.print(_intervals(content))
    if content["lead_recall"]:
        console.print(_lead_table(content))
    console.print(money_table(content))
    show_slices(content["slices"], console)


def _comparison(content: Mapping[str, Any]) -> Table:
    table = Table(title="Out of time, on the same rows and load", title_justify="left")
    table.add_column("score", no_wrap=True)
    for _, heading, _ in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("model", *_cells(content["metrics"]), style="bold")
    for name, metrics in content["baselines"].items():
        table.add_row(name, *_cells(metrics))
    return table


def _intervals(content: Mapping[str, Any]) -> Table:
    table = Table(title="The model with 95% intervals by customer", title_justify="left")
    table.add_column("")
    table.add_column("figure")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("interval", justify="right", no_wrap=True)
    for name, heading, title in _COLUMNS:
        value = content["metrics"].get(name)
        if value is not None:
            band = _interval(content["intervals"].get(name))
            table.add_row(heading, title, _number(value), band)
    return table


def _lead_table(content: Mapping[str, Any]) -> Table:
    table = Table(title="Exits alerted, %, by minimum notice in weeks", title_justify="left")
    table.add_column("score", no_wrap=True)
    curves = {"model": content["lead_recall"]}
    curves |= {name: part.get("lead_recall") for name, part in content["baselines"].items()}
    shown = {name: curve for name, curve in curves.items() if curve}
    for week in range(1, 9):
        table.add_column(str(week), justify="right", no_wrap=True)
    for name, curve in shown.items():
        table.add_row(name, *(_percent(curve[str(week)]) for week in range(1, 9)))
    return table


def show_slices(slices: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print what every part of the customers fared in the one queue; parts too small are counted.

    Late alerts, median notice and the other intervals are in the JSON: 80 columns must do.
    """
    told = [one for one in slices if one["recall_at_lead_21d"] is not None]
    if not told:
        return
    table = Table(title="Parts of the customers in the one queue, %", title_justify="left")
    table.add_column("part")
    for heading in ("exits", "recall", "95%", "chance", "prec.", "load"):
        table.add_column(heading, justify="right", no_wrap=True)
    for before, one in zip([None, *told], told, strict=False):
        if before is not None and before["slice"] != one["slice"]:
            table.add_section()
        table.add_row(*_slice_cells(one))
    console.print(table)
    few = len(slices) - len(told)
    if few:
        parts = "1 further part has" if few == 1 else f"{few} further parts have"
        console.print(
            f"{parts} fewer than ten exits: too few to tell.", highlight=False, soft_wrap=True
        )


def _slice_cells(one: Mapping[str, Any]) -> list[str]:
    band = one["intervals"]["recall_at_lead_21d"]
    return [
        f"{one['slice'].replace('_', ' ')}: {one['value']}",
        f"{one['n_exits']}",
        _percent(one["recall_at_lead_21d"]),
        "–" if band is None else f"{_percent(band[0])}–{_percent(band[1])}",
        _percent(one["random_recall_at_lead_21d"]),
        _percent(one["alert_precision"]),
        "–" if one["alerts_per_week"] is None else f"{one['alerts_per_week']:.1f}",
    ]


def _weeks_table(weeks: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(title="Exits by week after the score, %, out of time", title_justify="left")
    table.add_column("", no_wrap=True)
    for week in weeks:
        table.add_column(week, justify="right", no_wrap=True)
    for name in ("predicted", "observed"):
        shares = [one[name] for one in weeks.values()]
        table.add_row(name, *("–" if one is None else f"{100 * one:.2f}" for one in shares))
    return table


def _breakdown(seconds: Mapping[str, float]) -> Table:
    table = Table(title=f"Time: {sum(seconds.values()):.0f} s", title_justify="left")
    table.add_column("stage")
    table.add_column("seconds", justify="right")
    for name, spent in seconds.items():
        table.add_row(name, f"{spent:.1f}")
    return table


def _cells(metrics: Mapping[str, Any]) -> list[str]:
    return [_number(metrics.get(name)) for name, _, _ in _COLUMNS]


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _percent(share: float | None) -> str:
    return percent(share).removesuffix("%")


def _interval(band: tuple[float, float] | None) -> str:
    return "–" if band is None else f"{_number(band[0])}–{_number(band[1])}"


def _whole(number: int | None) -> str:
    return "no dated" if number is None else f"{number:,}"
