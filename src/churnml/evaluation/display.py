"""What the figures of scores look like in a notebook: one score alone, or several side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from churnml import markup
from churnml.spoken import counted, percent

if TYPE_CHECKING:
    from churnml.evaluation.result import Evaluation

Write = Callable[[float | None], str]


def _rounded(value: float | None) -> str:
    return markup.number(value, 1)


#: Figure, what it is, how it is written; shares are written in percent.
FIGURES: tuple[tuple[str, str, Write], ...] = (
    ("recall_at_lead_21d", "exits alerted 21 to 84 days ahead", percent),
    ("alert_precision", "alerts followed by an exit", percent),
    ("median_lead_days", "median notice, days", _rounded),
    ("alerts_per_week", "alerts a week", _rounded),
    ("average_precision", "average precision", markup.number),
    ("roc_auc", "ROC AUC", markup.number),
    ("lift_at_10pct", "lift in the top tenth", _rounded),
    ("ece", "calibration error", markup.number),
)
_WEEKS = tuple(str(week) for week in range(1, 9))


def evaluation_html(found: Evaluation) -> str:
    """All main figures of one score with their intervals, and recall by notice."""
    rows = [
        (label, write(found.metrics.get(name)), _interval(found.intervals.get(name), write))
        for name, label, write in FIGURES
        if found.metrics.get(name) is not None
    ]
    load = "" if found.q is None else f" At a load of {percent(found.q, digits=1)}"
    exits = f"{load}: {counted(found.n_exits, 'exit')}." if found.n_exits is not None else ""
    return markup.card(
        "Evaluation",
        markup.table(rows, head=("", "figure", "95% interval"), right=1),
        recall_by_notice({"this score": found}),
        markup.listed(found.notes),
        said=f"{counted(found.n_rows, 'row')} of {counted(found.n_customers, 'customer')}, "
        f"{found.n_positive:,} churned ({percent(found.base_rate, digits=1)}).{exits}",
    )


def comparison_html(judged: Mapping[str, Evaluation], *, title: str, said: str, first: str) -> str:
    """Several scores on the same rows and load, the best rank first.

    Parameters
    ----------
    judged : mapping of str to Evaluation
    title, said : str
    first : str
        Name of the score that stands on top whatever its figures.
    """
    order = sorted(
        judged,
        key=lambda name: (name != first, -(judged[name].metrics["average_precision"] or 0.0)),
    )
    shown = [each for each in FIGURES if any(part.metrics.get(each[0]) for part in judged.values())]
    rows = [
        (name, *(write(judged[name].metrics.get(figure)) for figure, _, write in shown))
        for name in order
    ]
    curves = {name: judged[name] for name in order}
    return markup.card(
        title,
        markup.table(rows, head=("score", *(label for _, label, _ in shown)), right=1),
        markup.folded("Recall by weeks of notice", recall_by_notice(curves)),
        said=said,
    )


def recall_by_notice(judged: Mapping[str, Evaluation]) -> markup.Html:
    """Share of exits alerted at least so many weeks before, chance below; nothing without exits."""
    rows = [
        (name, *(percent(part.lead_recall.get(week)) for week in _WEEKS))
        for name, part in judged.items()
        if part.lead_recall
    ]
    if not rows:
        return markup.EMPTY
    chance = next((each.lead_recall_random for each in judged.values()), None)
    if chance and "random" not in judged:
        rows.append(("chance", *(percent(chance.get(week)) for week in _WEEKS)))
    head = ("exits alerted at least so many weeks before", *_WEEKS)
    return markup.table(rows, head=head, right=1)


def _interval(bounds: Sequence[float] | None, write: Write) -> str:
    return "" if bounds is None else f"[{write(bounds[0])}, {write(bounds[1])}]"
