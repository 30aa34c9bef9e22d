"""Champion and challenger: is there a signal, is it better than a simple rule, is it not worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from churnml.alerting.queue import Policy
from churnml.config import Promotion
from churnml.evaluation.baselines import SIMPLE_RULES
from churnml.evaluation.forward import MODEL, Fitting
from churnml.evaluation.intervals import PairedDifference, paired_difference
from churnml.evaluation.result import Evaluation
from churnml.evaluation.rows import plain
from churnml.evaluation.words import say
from churnml.evaluation.yardstick import evaluate
from churnml.labels import CHURNED, UNKNOWN
from churnml.model.bundle import Bundle
from churnml.model.examples import Examples
from churnml.splits import ForwardFolds
from churnml.spoken import Spoken
from churnml.windows import WEEK_DAYS, weekly

#: The newest closed as_ofs on which champion and challenger are compared.
COMPARED_WEEKS = 4
_RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion and challenger on the newest closed weeks.

    Parameters
    ----------
    difference : PairedDifference
    margin : float
        How much worse a challenger may be, as a share of the champion's average precision.
    first, last : Timestamp
        As_ofs of the compared weeks.
    rows, positives, leavers : int
        Rows with a label, those that leave in the window, customers behind these.
    """

    difference: PairedDifference
    margin: float
    first: pd.Timestamp
    last: pd.Timestamp
    rows: int
    positives: int
    leavers: int

    @classmethod
    def of(cls, difference: PairedDifference, labels: pd.Series, *, margin: float) -> Self:
        """The comparison on rows with these labels, indexed by (customer_id, as_of)."""
        known = labels[labels != UNKNOWN]
        left = known[known == CHURNED].index.get_level_values("customer_id")
        as_ofs = labels.index.get_level_values("as_of")
        return cls(
            difference, margin, as_ofs.min(), as_ofs.max(), len(known), len(left), left.nunique()
        )

    @property
    def allowed(self) -> float:
        """The bound must lie above this difference."""
        return -self.margin * self.difference.champion

    @property
    def times_more(self) -> float:
        """So many times the customers until an equal challenger passes more often than not."""
        reach = self.difference.mean - self.difference.lower
        return float((reach / self.allowed) ** 2) if self.allowed else np.inf

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON; None where the data are too few."""
        figures = {
            "champion": self.difference.champion,
            "challenger": self.difference.challenger,
            "difference": self.difference.mean,
            "standard_error": self.difference.standard_error,
            "bound": self.difference.lower,
            "confidence": self.difference.confidence,
            "allowed": self.allowed,
        }
        return {name: plain(value) for name, value in figures.items()} | {
            "first_as_of": self.first.isoformat(),
            "last_as_of": self.last.isoformat(),
            "rows": self.rows,
            "positives": self.positives,
            "leavers": self.leavers,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the new model goes into use, why, in both languages, and what was compared."""

    promoted: bool
    reason: Spoken
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """Whether scores on inner rows rank better than chance."""

    found: bool
    roc_auc: float | None
    low: float | None
    high: float | None

    def sentence(self) -> Spoken:
        """What was found, in one sentence."""
        if self.roc_auc is None or self.low is None:
            return say("signal_too_few")
        band = say("signal_band", auc=self.roc_auc, low=self.low, high=self.high)
        return say("signal_found" if self.found else "signal_none", band=band)


def find_signal(inner: pd.Series, labels: pd.Series, *, examples: Examples, seed: int) -> Signal:
    """Whether the model beats noise, judged on inner rows only.

    Parameters
    ----------
    inner : Series of float indexed by (customer_id, as_of)
        Probabilities on rows before the first test.
    labels : Series of str
        Labels of the scored window, aligned with the examples.
    """
    if inner.empty:
        return Signal(False, None, None, None)
    scores = inner.rename("probability").reset_index()
    judged = evaluate(
        scores, labels.loc[inner.index].reset_index(drop=True), None,
        window=examples.window, policy=Policy(), observed_until=pd.Timestamp.max.as_unit("us"),
        resamples=_RESAMPLES, seed=seed,
    )  # fmt: skip
    auc, interval = judged.metrics["roc_auc"], judged.intervals["roc_auc"]
    if auc is None or interval is None:
        return Signal(False, auc, None, None)
    return Signal(interval[0] > 0.5, auc, *interval)


def against_rule(judged: Mapping[str, Evaluation]) -> Verdict:
    """Whether the model's average precision is higher than that of the best simple rule."""
    precisions = {name: part.metrics["average_precision"] for name, part in judged.items()}
    rule, precision = best_rule(precisions)
    told = {
        "model": _with_interval(judged.get(MODEL)),
        "rule": say(f"rule_{rule}"),
        "beside": _with_interval(judged.get(rule)),
    }
    better = (precisions[MODEL] or 0.0) > precision
    return Verdict(better, say("beats" if better else "beaten", **told))


def _with_interval(judged: Evaluation | None) -> Spoken:
    value = None if judged is None else judged.metrics["average_precision"]
    if judged is None or value is None:
        return say("precision_unknown")
    band = judged.intervals.get("average_precision")
    if not band:
        return say("precision", value=value)
    return say("precision_band", value=value, low=band[0], high=band[1])


def best_rule(precisions: Mapping[str, float | None]) -> tuple[str, float]:
    """The simple rule with the highest average precision."""
    known = {name: precisions.get(name) or 0.0 for name in SIMPLE_RULES}
    name = max(known, key=lambda rule: known[rule])
    return name, known[name]


def compare(
    examples: Examples,
    *,
    champion: Bundle,
    seen: pd.DataFrame,
    folds: ForwardFolds,
    fitting: Fitting,
    observed_until: pd.Timestamp,
    promotion: Promotion,
) -> Verdict:
    """The verdict on the newest closed weeks, which neither of the two has seen.

    The challenger is its recipe fitted only on labels that closed before these weeks, with as many
    seeds as the model that would be registered. Treated rows that the study leaves out of training
    are left out here, too.

    Parameters
    ----------
    seen : DataFrame indexed by (customer_id, as_of)
        The champion's features of these weeks, which the study may have dropped since.
    """
    weeks = newest_closed(examples, observed_until=observed_until)
    if champion.data_until > weeks[0]:
        again = observed_until + (champion.data_until - weeks[0])
        said = say("nothing_new", seen=champion.data_until, begin=weeks[0], again=again)
        return Verdict(False, said)
    if not examples.can_train(folds=folds, tested=weeks[0]):
        return Verdict(False, say("too_little_before"))
    rows = examples.counted & np.asarray(examples.as_ofs.isin(weeks))
    features, labels = examples.features[rows], examples.labels[examples.window][rows]
    challenger = fitting.fit(examples, folds=folds, tested=weeks[0])
    difference = paired_difference(
        _frame(champion.predict(seen.loc[features.index])),
        _frame(challenger.predict(features)),
        labels.reset_index(drop=True),
        confidence=promotion.confidence,
        seed=fitting.seed,
    )
    return judge(Comparison.of(difference, labels, margin=promotion.margin))


def newest_closed(examples: Examples, *, observed_until: pd.Timestamp) -> pd.DatetimeIndex:
    """The newest weekly as_ofs whose labels are closed."""
    as_ofs = examples.as_ofs.unique().sort_values()
    closed = as_ofs[
        examples.window.closed(as_ofs.to_series(), observed_until=observed_until).to_numpy()
    ]
    first = closed[-1] - pd.Timedelta(days=WEEK_DAYS * (COMPARED_WEEKS - 1))
    grid = weekly(first, closed[-1] + pd.Timedelta(days=1))
    return grid[grid.isin(closed)]


def judge(compared: Comparison) -> Verdict:
    """Promoted if not worse than the margin allows; else kept, and whether data or ranking lack."""
    difference, allowed = compared.difference, compared.allowed
    figures = say(
        "compared", challenger=difference.challenger, champion=difference.champion,
        positives=compared.positives, leavers=compared.leavers, confidence=difference.confidence,
        bound=difference.lower, allowed=allowed,
    )  # fmt: skip
    if np.isnan(difference.lower):
        return Verdict(False, say("too_little", figures=figures), compared)
    if difference.not_worse_by(compared.margin):
        return Verdict(True, say("not_worse", figures=figures), compared)
    if difference.upper < allowed:
        return Verdict(False, say("worse", figures=figures), compared)
    if compared.times_more > 1:
        times = float(np.ceil(compared.times_more))
        return Verdict(False, say("needs_more", figures=figures, times=times), compared)
    return Verdict(False, say("may_be_worse", figures=figures), compared)


def _frame(probability: pd.Series) -> pd.DataFrame:
    return probability.rename("probability").reset_index()
