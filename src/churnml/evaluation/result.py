"""All figures of one score, and how they are written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from churnml.evaluation.display import evaluation_html
from churnml.evaluation.rows import plain
from churnml.spoken import Spoken

Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one score. None stands for what cannot be computed; ``notes`` say why.

    Parameters
    ----------
    metrics, intervals : mapping
        Figure by name, and its 95% interval by bootstrap over customers.
    lead_recall, lead_recall_intervals, lead_recall_random : mapping, optional
        Recall by minimum notice of "1" … "8" weeks, its intervals, and what chance reaches.
    by_q : mapping, optional
        Recall, its interval, chance, precision and weekly alerts for each load.
    q : float, optional
        Load of the policy, to which the metrics belong.
    base_rate : float, optional
        Share of positive rows.
    n_rows, n_positive, n_positive_customers, n_customers : int
        Rows with a known label, positive ones, people behind these, people in all.
    n_exits, n_exits_on_curve, n_alerts : int, optional
        Exits that recall counts, and the curve; alerts raised (for chance: on average).
    notes : tuple of Spoken
    slices : tuple of dict
        A record for each value of each slice: counts, figures, random beside, intervals.
    """

    metrics: Mapping[str, float | None]
    intervals: Mapping[str, Interval]
    lead_recall: Mapping[str, float | None] | None
    lead_recall_intervals: Mapping[str, Interval] | None
    lead_recall_random: Mapping[str, float | None] | None
    by_q: Mapping[str, Mapping[str, Any]] | None
    q: float | None
    base_rate: float | None
    n_rows: int
    n_positive: int
    n_positive_customers: int
    n_customers: int
    n_exits: int | None
    n_exits_on_curve: int | None
    n_alerts: int | None
    notes: tuple[Spoken, ...] = ()
    slices: tuple[Mapping[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON, under the names of the fields."""
        return {name: _plain_tree(value) for name, value in asdict(self).items()}

    def __repr__(self) -> str:
        found = self.metrics.get("average_precision")
        told = "none" if found is None else f"{found:.3f}"
        return f"<Evaluation: average precision {told}, {self.n_positive} of {self.n_rows} rows>"

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        return evaluation_html(self)


def _plain_tree(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain_tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_tree(item) for item in value]
    return plain(value) if isinstance(value, float) else value
