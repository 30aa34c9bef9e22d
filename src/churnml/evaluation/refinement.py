"""What follows the ensemble, from scores it made out of time: a calibrator and the weeks ahead."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnml.evaluation.ahead import ForwardWeeks, forward_weeks
from churnml.evaluation.calibrators import (
    Choice,
    Trial,
    calibration_by_segment,
    choose_calibrator,
    judge,
)
from churnml.labels import CHURNED, UNKNOWN
from churnml.model.calibration import FITS, RAW, Calibrator
from churnml.model.examples import Examples
from churnml.splits import ForwardFolds, complete

#: Tenure in days at which a new band begins; tenure of at least one band is known of everyone.
TENURE_BANDS = {"under 90 days": 0, "90 to 364 days": 90, "1 to 2 years": 365, "over 2 years": 730}
#: Values of an attribute with fewer rows than this are not told apart.
MIN_SEGMENT_ROWS = 200
_EDGE = 1e-12


@dataclass(frozen=True)
class Refinement:
    """The tested scores as they would have been shipped, and what goes into the bundle.

    Parameters
    ----------
    probability : Series of float indexed by (customer_id, as_of)
        Scores of the tested rows; those of the last fold went through the calibrator, if one was
        accepted before it.
    calibrator : Calibrator
        For the bundle: the accepted method on all out-of-time rows with a known label, or raw.
    choice : Choice
    last_fold : Trial, optional
        What the accepted calibrator did to the last fold, which had no say.
    by_segment : list of dict
    weeks : ForwardWeeks, optional
        None without dated exits, or with too few of them.
    """

    probability: pd.Series
    calibrator: Calibrator
    choice: Choice
    last_fold: Trial | None
    by_segment: list[dict[str, Any]]
    weeks: ForwardWeeks | None

    def __repr__(self) -> str:
        return f"<Refinement of {len(self.probability):,} rows: {self.calibrator.method}>"

    def as_json(self) -> dict[str, Any]:
        """``calibration`` and ``weeks_ahead``, as plain values."""
        confirmed = None if self.last_fold is None else asdict(self.last_fold)
        return {
            "calibration": self.choice.as_json()
            | {"last_fold": confirmed, "by_segment": self.by_segment},
            "weeks_ahead": None if self.weeks is None else self.weeks.by_week,
        }


def refine(
    inner: pd.Series,
    scores: pd.Series,
    fold: pd.Series,
    *,
    examples: Examples,
    folds: ForwardFolds,
    observed_until: pd.Timestamp,
    seed: int,
) -> Refinement:
    """Choose a calibrator before the last fold, confirm it there, and learn the weeks ahead.

    Parameters
    ----------
    inner : Series of float indexed by (customer_id, as_of)
        Probabilities of the inner block, before the first test; may be empty.
    scores, fold : Series indexed by (customer_id, as_of)
        Raw probabilities of the tested rows, and their fold.
    """
    window, labels = examples.window, examples.labels[examples.window]
    earlier = _together(inner, scores[fold < fold.max()])
    decided = _known(earlier, labels, before=folds.starts[-1], examples=examples)
    choice = choose_calibrator(logit(decided), _left(decided, labels), window=window, seed=seed)
    last = scores[fold == fold.max()]
    probability = scores.copy()
    if choice.calibrator.method != RAW:
        # It has seen nothing that closed after the last fold began.
        probability[last.index] = choice.calibrator.probability(logit(last).to_numpy())
    everything = _known(_together(inner, scores), labels, before=observed_until, examples=examples)
    tested = _known(probability, labels, before=observed_until, examples=examples)
    weeks = None
    if examples.exits is not None:
        weeks = forward_weeks(
            inner, probability, fold, examples.exits, folds=folds, observed_until=observed_until,
            window=window, seed=seed,
        )  # fmt: skip
    return Refinement(
        probability=probability,
        calibrator=_refitted(choice, everything, labels),
        choice=choice,
        last_fold=_confirmed(choice, last, labels, seed=seed),
        by_segment=calibration_by_segment(
            tested, _left(tested, labels), segments(examples.features.loc[tested.index]), seed=seed
        ),
        weeks=weeks,
    )


def segments(features: pd.DataFrame) -> dict[str, pd.Series]:
    """Attributes that never change, with their frequent values, and bands of tenure.

    Parameters
    ----------
    features : DataFrame indexed by (customer_id, as_of)

    Returns
    -------
    dict of Series of str, aligned with ``features``
    """
    found: dict[str, pd.Series] = {}
    for name in features:
        if pd.api.types.is_numeric_dtype(features[name]):
            continue
        values = features[name].astype("object")
        counts = values.value_counts()
        frequent = counts.index[counts >= MIN_SEGMENT_ROWS]
        found[str(name)] = values.where(values.isin(frequent), None)
    if "tenure_days" in features:
        bands = pd.cut(
            features["tenure_days"], [*TENURE_BANDS.values(), np.inf], right=False,
            labels=list(TENURE_BANDS),
        )  # fmt: skip
        found["tenure"] = bands.astype("object")
    return found


def logit(probability: pd.Series) -> pd.Series:
    """Log-odds of probabilities."""
    inside = probability.clip(_EDGE, 1 - _EDGE)
    return pd.Series(np.log(inside) - np.log1p(-inside), index=probability.index)


def _together(inner: pd.Series, scores: pd.Series) -> pd.Series:
    filled = [part for part in (inner, scores) if len(part)]
    return pd.concat(filled) if filled else scores


def _known(
    scores: pd.Series, labels: pd.Series, *, before: pd.Timestamp, examples: Examples
) -> pd.Series:
    """Scores of rows whose label was closed at an instant and is not unknown."""
    as_ofs = pd.DatetimeIndex(scores.index.get_level_values("as_of"))
    closed = complete(as_ofs, window=examples.window, tested=before)
    return scores[closed & (labels.loc[scores.index] != UNKNOWN).to_numpy()]


def _left(scores: pd.Series, labels: pd.Series) -> pd.Series:
    return labels.loc[scores.index] == CHURNED


def _refitted(choice: Choice, scores: pd.Series, labels: pd.Series) -> Calibrator:
    method = choice.calibrator.method
    if method == RAW:
        return choice.calibrator
    return FITS[method](logit(scores).to_numpy(), _left(scores, labels).to_numpy())


def _confirmed(choice: Choice, last: pd.Series, labels: pd.Series, *, seed: int) -> Trial | None:
    if choice.calibrator.method == RAW:
        return None
    known = last[(labels.loc[last.index] != UNKNOWN).to_numpy()]
    return judge(choice.calibrator, logit(known), _left(known, labels), seed=seed)
