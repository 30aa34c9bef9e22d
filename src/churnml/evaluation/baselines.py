"""The simple rules and plain models that the model must beat, on the same rows and load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.evaluation.reference import rank_sum
from churnml.health import Preset, health, learn_weights, read_preset, risk_points
from churnml.labels import CHURNED
from churnml.model import boosting
from churnml.model.boosting import Parameters
from churnml.model.ensemble import Ensemble
from churnml.model.examples import Examples
from churnml.model.preparation import no_purchase_probability
from churnml.model.second_opinion import obvious_signals
from churnml.splits import ForwardFolds

if TYPE_CHECKING:
    import xgboost

#: Rules that need no fit; the model must beat the best of them to be promoted.
SIMPLE_RULES = ("recency", "seed_points", "health", "convergence", "rank_sum")

#: XGBoost as it comes: the mistake that the recipe avoids (modelling: verdict 2).
XGBOOST_DEFAULTS = Parameters(
    max_depth=6, eta=0.3, trees=100, min_child_weight=1.0, subsample=1.0, colsample_bytree=1.0,
    reg_lambda=1.0,
)  # fmt: skip

#: The points of the sources: silence over 30 days, complaint about the price, negative tone.
SEED_POINTS = "seed_points"
HEALTH = "health"
HEALTH_LEARNED = "health_learned"
#: How many groups of warning signals speak at once: three or four together mean act now.
CONVERGENCE = "signals_together"


def rule_scores(
    features: pd.DataFrame, *, rank_sum_signals: Mapping[str, int], health_preset: str = "default"
) -> dict[str, pd.Series]:
    """Scores that need no fit: recency, seed_points, health, convergence, rank_sum.

    Parameters
    ----------
    features : DataFrame indexed by (customer_id, as_of)
    rank_sum_signals : mapping of str to int
        Features of the rank-sum rule with the sign of risk; empty: the obvious ones.
    health_preset : str
        Preset of the health score; its opposite is the risk.
    """
    as_ofs = features.index.get_level_values("as_of").to_series()
    scores = {}
    if "days_since_activity" in features:
        scores["recency"] = _recency(features)
    seed, preset = read_preset(SEED_POINTS), read_preset(health_preset)
    if _usable(seed, features):
        scores[SEED_POINTS] = risk_points(features, seed)
    if _usable(preset, features):
        scores[HEALTH] = _illness(features, preset)
    if CONVERGENCE in features and features[CONVERGENCE].notna().any():
        scores["convergence"] = features[CONVERGENCE].where(features[CONVERGENCE].notna(), 0.0)
    signs = dict(rank_sum_signals) or obvious_signals(features)
    if signs:
        places = rank_sum(features[list(signs)], as_ofs, signs=signs)
        scores["rank_sum"] = pd.Series(places.to_numpy(), index=features.index)
    return scores


def _usable(preset: Preset, features: pd.DataFrame) -> bool:
    return bool(set(preset.features) & set(features.columns))


def _illness(features: pd.DataFrame, preset: Preset) -> pd.Series:
    """100 - health; unknown takes the middle of its as_of, so that all rows are judged."""
    ill = 100.0 - health(features, preset)["health"]
    return ill.where(ill.notna(), ill.groupby(level="as_of").transform("median"))


def _recency(features: pd.DataFrame) -> pd.Series:
    """Days since the last activity; who was never active has been silent since the start."""
    silent = features["days_since_activity"]
    return silent.where(silent.notna(), features["tenure_days"])


def fitted_scores(
    examples: Examples,
    ensemble: Ensemble,
    features: pd.DataFrame,
    *,
    folds: ForwardFolds,
    tested: pd.Timestamp,
    seed: int,
    health_preset: str = "default",
) -> dict[str, pd.Series]:
    """Fitted on the rows of the fold: logistic regression, XGBoost's defaults, BG/NBD, health."""
    preparation = ensemble.preparation
    matrix = preparation.matrix(features)
    scores = {
        "logistic_regression": _probability(ensemble.linear.logit(matrix)),
        "xgboost_default": _probability(
            boosting.margins(_default_booster(examples, ensemble, folds, tested, seed), matrix)
        ),
    }
    if preparation.purchases is not None:
        scores["bg_nbd"] = no_purchase_probability(
            preparation.purchases, features, window=preparation.window
        )
    found = {name: pd.Series(values, index=features.index) for name, values in scores.items()}
    preset = read_preset(health_preset)
    if _usable(preset, features):
        weights = learned_weights(examples, preset, folds=folds, tested=tested)
        found[HEALTH_LEARNED] = _illness(features, preset.with_weights(weights))
    return found


def learned_weights(
    examples: Examples, preset: Preset, *, folds: ForwardFolds, tested: pd.Timestamp
) -> dict[str, float]:
    """Weights of the health groups learned from what was closed when the test begins."""
    rows = examples.train_rows(examples.window, folds=folds, tested=tested)
    churned = (examples.labels[examples.window] == CHURNED).to_numpy()[rows]
    return learn_weights(examples.features[rows], churned, preset)


def health_weights(
    examples: Examples, *, folds: ForwardFolds, health_preset: str
) -> dict[str, Any]:
    """Hand-set and learned weights of the health groups, learned before the newest test block."""
    preset = read_preset(health_preset)
    learned = (
        learned_weights(examples, preset, folds=folds, tested=folds.starts[-1])
        if _usable(preset, examples.features)
        else None
    )
    return {
        "preset": health_preset,
        "weights": preset.weights,
        "learned_weights": learned,
        "learned_before": folds.starts[-1].isoformat(),
    }


def _default_booster(
    examples: Examples, ensemble: Ensemble, folds: ForwardFolds, tested: pd.Timestamp, seed: int
) -> xgboost.Booster:
    rows = examples.train_rows(examples.window, folds=folds, tested=tested)
    preparation = ensemble.preparation
    data = boosting.training_matrix(
        preparation.matrix(examples.features[rows]),
        (examples.labels[examples.window] == CHURNED).to_numpy()[rows],
        columns=preparation.columns,
    )
    free = (0,) * len(preparation.columns)
    return boosting.fit_booster(data, parameters=XGBOOST_DEFAULTS, seed=seed, monotone=free)


def _probability(logit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))
