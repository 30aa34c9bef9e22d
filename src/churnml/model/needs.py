"""What a study needs of the data, refused in words before anything is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from churnml.config import Study
from churnml.errors import InputError
from churnml.features import Feature
from churnml.labels import CHURNED
from churnml.splits import ForwardFolds

if TYPE_CHECKING:
    from churnml.model.examples import Examples

#: Fewer leavers than this teach a head nothing.
MIN_POSITIVES = 10


def check_anyone(snapshots: pd.DataFrame) -> None:
    """Refuse where nobody is at risk at any as_of."""
    if snapshots.empty:
        raise InputError(
            "Nobody is at risk at any as_of. Check that subscriptions or activity, customers and "
            "their sign-up times cover the same time (churnml check)."
        )


def check_population(snapshots: pd.DataFrame, population: pd.Series, study: Study) -> None:
    """Refuse where nobody is in the population."""
    if not population.any():
        raise InputError(
            f"Nobody is in the population: {len(snapshots):,} snapshots at risk, none fulfils "
            f"[population] {study.population.model_dump(exclude_none=True)}. Loosen it, or check "
            "that the tables cover the time (churnml check)."
        )


def check_signals(features: Sequence[Feature], study: Study) -> None:
    """The simple rules need their signals: those named, and the ones that recency reads."""
    numeric = {feature.name for feature in features if not feature.is_category}
    absent = sorted({*study.baselines.rank_sum, "days_since_activity", "tenure_days"} - numeric)
    if absent:
        raise InputError(
            f"The simple rules beside the model need the numeric features {', '.join(absent)}, "
            "which are dropped or do not exist. Mend [baselines] rank_sum or [features] drop; see "
            "`churnml features --list`."
        )


def check_classes(examples: Examples, folds: ForwardFolds) -> None:
    """Refuse before any fit what no fold could learn from."""
    first, window = folds.starts[0], examples.window
    if examples.can_train(folds=folds, tested=first):
        return
    rows = examples.train_rows(window, folds=folds, tested=first)
    leavers = int((examples.labels[window] == CHURNED).to_numpy()[rows].sum())
    raise InputError(
        f"One class only: of {int(rows.sum())} snapshots whose label closed before the first test "
        f"on {first:%Y-%m-%d}, {leavers} leave within {window.lead_days}–{window.end_days} days; "
        f"at least {MIN_POSITIVES} that leave and some that stay are needed. Bring older data, "
        "check that exits are in the data (churnml check), widen [label] horizon_days or loosen "
        "[population]."
    )
