"""Out-of-time predictions: every fold's model, and every baseline, on rows it has never seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml.config import Sampler
from churnml.model.baselines import fitted_baselines, rule_baselines
from churnml.model.boosting import Parameters
from churnml.model.ensemble import Ensemble, Examples, fit_ensemble
from churnml.splits import ForwardFolds

MODEL = "model"


@dataclass(frozen=True)
class OutOfTime:
    """Scores of the model and of the baselines on all tested rows.

    Parameters
    ----------
    scores : DataFrame indexed by (customer_id, as_of)
        ``model`` (probability) and one column for each baseline; higher means more risk.
    probabilities : frozenset of str
        Columns that are probabilities.
    fold : Series of int, aligned with ``scores``
    ensembles : tuple of Ensemble
        The fitted model of each fold.
    """

    scores: pd.DataFrame
    probabilities: frozenset[str]
    fold: pd.Series
    ensembles: tuple[Ensemble, ...]


def out_of_time(
    examples: Examples,
    *,
    folds: ForwardFolds,
    parameters: Parameters | None,
    sampler: Sampler,
    seed: int,
    seeds: int,
    max_rows: int,
    rank_sum: Mapping[str, int],
    progress: Callable[[str], None],
) -> OutOfTime:
    """Fit on each fold's closed labels and predict its test rows.

    The tested rows are those of the population at the as_ofs of the block, ``unknown`` labels
    included: the queue must see everyone whom it would have seen.

    Parameters
    ----------
    rank_sum : mapping of str to int
        Features of the rank-sum rule with the sign of risk.
    progress : callable
        Called with a line after each fold.
    """
    parts, numbers, ensembles = [], [], []
    as_ofs = examples.as_ofs
    for number, (start, end) in enumerate(folds.blocks(), start=1):
        ensemble = fit_ensemble(
            examples, folds=folds, tested=start, seed=seed, seeds=seeds, sampler=sampler,
            parameters=parameters, max_rows=max_rows,
        )  # fmt: skip
        tested = examples.population.to_numpy() & np.asarray((as_ofs >= start) & (as_ofs < end))
        features = examples.features[tested]
        part = pd.DataFrame({MODEL: ensemble.predict(features)}, index=features.index)
        rules = rule_baselines(features, rank_sum=rank_sum, seed=seed)
        fitted = fitted_baselines(examples, ensemble, features, folds=folds, tested=start, seed=seed)
        parts.append(part.assign(**rules, **fitted))
        numbers.append(pd.Series(number, index=features.index))
        ensembles.append(ensemble)
        progress(f"fold {number}: {len(features)} rows from {start:%Y-%m-%d} to {end:%Y-%m-%d}")
    return OutOfTime(
        scores=pd.concat(parts),
        probabilities=frozenset({MODEL, "logistic_regression", "xgboost_default", "bg_nbd"}),
        fold=pd.concat(numbers),
        ensembles=tuple(ensembles),
    )
