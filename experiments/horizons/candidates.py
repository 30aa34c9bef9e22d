"""The rivals of the shipped curve: a stacked hazard, one booster per week, accelerated failure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xgboost

from churnml.model import boosting
from churnml.model.ensemble import Ensemble
from churnml.model.examples import Examples
from churnml.model.horizons import WEEKS, WeekOutcomes, unconditional, week_outcomes

#: Rows that stay for each that leaves; the odds are corrected afterwards.
STAYING = 10


def stacked_hazard(
    examples: Examples, ensemble: Ensemble, *, tested: pd.Timestamp, scored: pd.DataFrame, seed: int
) -> np.ndarray:
    """Probability of an exit by week from one booster on person-weeks, the week a column."""
    rows, outcomes = _known(examples, tested)
    row, week = np.nonzero(outcomes.watched)
    left = outcomes.left[row, week]
    kept, shift = _thinned(left, seed)
    matrix = ensemble.preparation.matrix(examples.features.iloc[rows])
    people = np.hstack([matrix[row[kept]], (week[kept, None] + 1).astype(np.float32)])
    booster = _boosted(people, left[kept], examples, ensemble, extra=("week_ahead",), depth=4)
    tests = ensemble.preparation.matrix(scored)
    margins = [
        boosting.margins(booster, np.hstack([tests, np.full((len(tests), 1), k, np.float32)]))
        for k in range(1, WEEKS + 1)
    ]
    return unconditional(1 / (1 + np.exp(-(np.stack(margins, axis=1) + shift))))


def booster_per_week(
    examples: Examples, ensemble: Ensemble, *, tested: pd.Timestamp, scored: pd.DataFrame, seed: int
) -> np.ndarray:
    """Probability of an exit by week from twelve boosters, one for each week."""
    rows, outcomes = _known(examples, tested)
    matrix = ensemble.preparation.matrix(examples.features.iloc[rows])
    tests = ensemble.preparation.matrix(scored)
    curve = []
    for week in range(WEEKS):
        closed = np.flatnonzero(outcomes.closed[:, week])
        left = outcomes.left[closed, week]
        kept, shift = _thinned(left, seed)
        booster = _boosted(matrix[closed[kept]], left[kept], examples, ensemble)
        curve.append(1 / (1 + np.exp(-(boosting.margins(booster, tests) + shift))))
    return np.stack(curve, axis=1)


def accelerated_failure(
    examples: Examples, ensemble: Ensemble, *, tested: pd.Timestamp, scored: pd.DataFrame, seed: int
) -> np.ndarray:
    """Probability of an exit by week from XGBoost's accelerated failure time, log-logistic."""
    rows, outcomes = _known(examples, tested)
    seen = 7.0 * outcomes.watched.sum(axis=1)
    notice = examples.exits["notice_days"].to_numpy(dtype=float)[rows]
    gone = outcomes.left.any(axis=1)
    data = xgboost.DMatrix(ensemble.preparation.matrix(examples.features.iloc[rows])[seen > 0])
    lower = np.where(gone, np.maximum(notice, 0.5), seen)[seen > 0]
    data.set_float_info("label_lower_bound", lower)
    data.set_float_info("label_upper_bound", np.where(gone[seen > 0], lower, np.inf))
    chosen = {
        "objective": "survival:aft", "aft_loss_distribution": "logistic",
        "aft_loss_distribution_scale": 1.0, "tree_method": "hist", "max_depth": 3, "eta": 0.05,
        "subsample": 0.75, "colsample_bytree": 0.4, "reg_lambda": 10.0, "max_bin": 128,
        "base_score": 500.0, "seed": seed, "verbosity": 0,
    }  # fmt: skip
    booster = xgboost.train(chosen, data, num_boost_round=250)
    tests = xgboost.DMatrix(ensemble.preparation.matrix(scored))
    place = booster.predict(tests, output_margin=True).astype(float)[:, None]
    days = np.log(7.0 * np.arange(1, WEEKS + 1))[None, :]
    reached = 1 / (1 + np.exp(-(days - place)))
    return np.diff(np.hstack([np.zeros((len(reached), 1)), reached]), axis=1)


def _known(examples: Examples, tested: pd.Timestamp) -> tuple[np.ndarray, WeekOutcomes]:
    """Rows before the test with what was known when it began."""
    rows = np.flatnonzero(examples.population.to_numpy() & np.asarray(examples.as_ofs < tested))
    delay = examples.window.delay_days
    outcomes = week_outcomes(examples.exits.iloc[rows], known=tested, delay_days=delay)
    some = outcomes.watched.any(axis=1)
    parts = (outcomes.closed[some], outcomes.watched[some], outcomes.left[some])
    return rows[some], WeekOutcomes(*parts)


def _thinned(left: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Every leaver, ten times as many others, and the shift that corrects their log-odds."""
    stay = np.flatnonzero(~left)
    count = min(len(stay), STAYING * int(left.sum()))
    drawn = np.random.default_rng(seed).choice(stay, count, replace=False)
    return np.sort(np.concatenate([np.flatnonzero(left), drawn])), float(np.log(count / len(stay)))


def _boosted(
    matrix: np.ndarray,
    left: np.ndarray,
    examples: Examples,
    ensemble: Ensemble,
    *,
    extra: tuple[str, ...] = (),
    depth: int = 3,
) -> xgboost.Booster:
    recipe = boosting.recipe(rows=len(left), positives=int(left.sum()), leavers=1000)
    signs = boosting.monotone_signs(ensemble.preparation.sources, examples.risk)
    columns = [*ensemble.preparation.columns, *extra]
    data = boosting.training_matrix(matrix, left, columns=columns)
    return boosting.fit_booster(
        data, parameters=replace(recipe, max_depth=depth), seed=7,
        monotone=(*signs, *(0 for _ in extra)),
    )  # fmt: skip
