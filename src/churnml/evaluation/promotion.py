"""Champion and challenger: is there a signal, is it better than a simple rule, is it not worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml.alerting.queue import Policy
from churnml.config import Promotion
from churnml.evaluation.baselines import SIMPLE_RULES
from churnml.evaluation.forward import Fitting
from churnml.evaluation.intervals import PairedDifference, paired_difference
from churnml.evaluation.yardstick import evaluate
from churnml.model.bundle import Bundle
from churnml.model.examples import Examples
from churnml.splits import ForwardFolds
from churnml.windows import WEEK_DAYS, weekly

#: The newest closed as_ofs on which champion and challenger are compared.
COMPARED_WEEKS = 4
_RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the new model goes into use, and why, in words."""

    promoted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Signal:
    """Whether scores on inner rows rank better than chance."""

    found: bool
    roc_auc: float | None
    low: float | None
    high: float | None

    def sentence(self) -> str:
        """What was found, in one sentence."""
        if self.roc_auc is None or self.low is None:
            return "No usable signal found: too few leavers before the first test to tell."
        band = f"ROC AUC {self.roc_auc:.3f}, 95 % interval {self.low:.3f} to {self.high:.3f}"
        if self.found:
            return f"A signal was found before the first test ({band})."
        return (
            f"No usable signal found: before the first test the model ranks leavers no better than "
            f"chance ({band})."
        )


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


def best_rule(precisions: Mapping[str, float | None]) -> tuple[str, float]:
    """The simple rule with the highest average precision."""
    known = {name: precisions.get(name) or 0.0 for name in SIMPLE_RULES}
    name = max(known, key=lambda rule: known[rule])
    return name, known[name]


def compare(
    examples: Examples,
    *,
    champion: Bundle,
    folds: ForwardFolds,
    fitting: Fitting,
    observed_until: pd.Timestamp,
    promotion: Promotion,
) -> Verdict:
    """The verdict on the newest closed weeks, which neither of the two has seen.

    The challenger is its recipe fitted only on labels that closed before these weeks.
    """
    weeks = newest_closed(examples, observed_until=observed_until)
    if champion.data_until > weeks[0]:
        return Verdict(
            False,
            f"Kept: nothing new to compare on. The champion saw data until "
            f"{champion.data_until:%Y-%m-%d}, the newest closed weeks begin {weeks[0]:%Y-%m-%d}.",
        )
    absent = [name for name in champion.feature_names if name not in examples.features]
    if absent:
        return Verdict(
            False, f"Kept: the champion needs features that are not there: {', '.join(absent[:5])}."
        )
    if not examples.can_train(folds=folds, tested=weeks[0]):
        return Verdict(False, "Kept: too little data before the newest closed weeks to compare.")
    rows = examples.population.to_numpy() & np.asarray(examples.as_ofs.isin(weeks))
    features = examples.features[rows]
    challenger = fitting.fit(examples, folds=folds, tested=weeks[0])
    difference = paired_difference(
        _frame(champion.predict(features)),
        _frame(challenger.predict(features)),
        examples.labels[examples.window][rows].reset_index(drop=True),
        confidence=promotion.confidence,
        seed=fitting.seed,
    )
    return _verdict(difference, promotion)


def newest_closed(examples: Examples, *, observed_until: pd.Timestamp) -> pd.DatetimeIndex:
    """The newest weekly as_ofs whose labels are closed."""
    as_ofs = examples.as_ofs.unique().sort_values()
    closed = as_ofs[
        examples.window.closed(as_ofs.to_series(), observed_until=observed_until).to_numpy()
    ]
    first = closed[-1] - pd.Timedelta(days=WEEK_DAYS * (COMPARED_WEEKS - 1))
    grid = weekly(first, closed[-1] + pd.Timedelta(days=1))
    return grid[grid.isin(closed)]


def _verdict(difference: PairedDifference, promotion: Promotion) -> Verdict:
    figures = (
        f"average precision {difference.challenger:.4f} against {difference.champion:.4f}, the "
        f"one-sided {promotion.confidence:.0%} bound of the difference is {difference.lower:+.4f}, "
        f"allowed is {-promotion.margin * difference.champion:+.4f}"
    )
    if difference.not_worse_by(promotion.margin):
        return Verdict(True, f"Promoted: not worse than the champion ({figures}).")
    if difference.mean >= 0 or np.isnan(difference.lower):
        return Verdict(False, f"Kept: too little data for the margin ({figures}).")
    return Verdict(False, f"Kept: the challenger may be worse ({figures}).")


def _frame(probability: pd.Series) -> pd.DataFrame:
    return probability.rename("probability").reset_index()
