"""Out-of-time scores: every fold's model, and every baseline, on rows it has never seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.config import Sampler, Study
from churnml.errors import InputError
from churnml.evaluation.baselines import fitted_scores, rule_scores
from churnml.evaluation.threshold import operating_threshold
from churnml.model.boosting import Device, Parameters
from churnml.model.device import device_for
from churnml.model.ensemble import Elsewhere, Ensemble, fit_ensemble
from churnml.model.examples import Examples
from churnml.splits import ForwardFolds
from churnml.windows import DAY

MODEL = "model"
#: Columns that are probabilities; the other scores only rank.
PROBABILITIES = frozenset({MODEL, "logistic_regression", "xgboost_default", "oracle"})


@dataclass(frozen=True)
class Fitting:
    """How a fold's model is fitted: the choices of the study that are not the data.

    Examples
    --------
    >>> fitting = ch.Fitting.of(study, parameters=None)
    >>> model = fitting.fit(examples, folds=folds, tested=dataset.observed_until)
    >>> len(model.predict(newest)) == len(newest)
    True
    """

    parameters: Parameters | None
    sampler: Sampler
    seed: int
    seeds: int
    max_rows: int
    signals: Mapping[str, int] = field(default_factory=dict)
    device: Device = "cpu"

    @classmethod
    def of(cls, study: Study, *, parameters: Parameters | None) -> Self:
        """The choices of a study with the setting that tuning found."""
        model = study.model
        return cls(
            parameters, model.sampler, study.seed, model.seeds, model.max_rows,
            study.baselines.rank_sum, device_for(model.device),
        )  # fmt: skip

    def fit(
        self,
        examples: Examples,
        *,
        folds: ForwardFolds,
        tested: pd.Timestamp,
        elsewhere: Elsewhere | None = None,
    ) -> Ensemble:
        """The ensemble fitted on everything whose label was closed when the test begins."""
        return fit_ensemble(
            examples, folds=folds, tested=tested, seed=self.seed, seeds=self.seeds,
            sampler=self.sampler, parameters=self.parameters, max_rows=self.max_rows,
            signals=self.signals, device=self.device, elsewhere=elsewhere,
        )  # fmt: skip


@dataclass(frozen=True)
class OutOfTime:
    """Scores of the model and of the baselines on all tested rows.

    Parameters
    ----------
    scores : DataFrame indexed by (customer_id, as_of)
        ``model`` (probability) and one column for each baseline; higher means more risk.
    fold : Series of int, aligned with ``scores``
    """

    scores: pd.DataFrame
    fold: pd.Series


def inner_block(
    examples: Examples, *, folds: ForwardFolds, tested: pd.Timestamp, fitting: Fitting
) -> pd.Series:
    """Probabilities on the newest closed as_ofs before the first test, by an earlier model.

    What may be chosen by looking at figures (threshold of the first fold, whether there is any
    signal at all) is chosen here, never on the tested rows.

    Returns
    -------
    Series of float indexed by (customer_id, as_of); empty where leavers are too few
    """
    rows = examples.train_rows(examples.window, folds=folds, tested=tested)
    as_ofs = examples.as_ofs
    first, last = as_ofs[rows].min(), as_ofs[rows].max()
    start = last - pd.Timedelta(days=int(0.4 * ((last - first) / DAY)))
    if examples.can_train(folds=folds, tested=start):
        block = examples.features[rows & np.asarray(as_ofs >= start)]
        return fitting.fit(examples, folds=folds, tested=start).predict(block)
    # Too short a history for a block of its own: the same weeks, but customers never seen.
    half = _half_of_customers(examples.features.index, seed=fitting.seed)
    others = replace(examples, population=examples.population & half)
    if not others.can_train(folds=folds, tested=tested):
        return pd.Series(dtype=float)
    block = examples.features[rows & ~half.to_numpy()]
    return fitting.fit(others, folds=folds, tested=tested).predict(block)


def _half_of_customers(index: pd.MultiIndex, *, seed: int) -> pd.Series:
    customers = index.get_level_values("customer_id")
    codes, known = pd.factorize(customers, sort=True)
    drawn = np.random.default_rng(seed).random(len(known)) < 0.5
    return pd.Series(drawn[codes], index=index)


def fold_fits(
    examples: Examples, *, folds: ForwardFolds, fitting: Fitting
) -> Iterator[tuple[Ensemble, npt.NDArray[np.bool_]]]:
    """The model of each fold and the rows that it is tested on, fold by fold.

    The tested rows are those of the population at the as_ofs of the block, ``unknown`` labels
    included: the queue must see everyone whom it would have seen.

    Raises
    ------
    InputError
        If no example is tested.
    """
    population, as_ofs = examples.population.to_numpy(), examples.as_ofs
    if not ((as_ofs >= folds.starts[0]) & (as_ofs < folds.until)).any():
        raise InputError(
            f"The folds test from {folds.starts[0]:%Y-%m-%d} on, the examples run from "
            f"{as_ofs.min():%Y-%m-%d} to {as_ofs.max():%Y-%m-%d}: none is tested. Give the folds "
            "that were prepared with them."
        )
    for start, end in folds.blocks():
        tested = population & np.asarray((as_ofs >= start) & (as_ofs < end))
        yield fitting.fit(examples, folds=folds, tested=start), tested


def out_of_time(
    examples: Examples,
    *,
    folds: ForwardFolds,
    fitting: Fitting,
    rank_sum_signals: Mapping[str, int],
    health_preset: str = "default",
    progress: Callable[[str], None],
) -> OutOfTime:
    """Fit on each fold's closed labels and score its test rows, with all baselines beside.

    Parameters
    ----------
    rank_sum_signals : mapping of str to int
        Features of the rank-sum rule with the sign of risk; empty: the obvious ones.
    health_preset : str
    progress : callable
        Called with a line after each fold.
    """
    parts, numbers = [], []
    fits = fold_fits(examples, folds=folds, fitting=fitting)
    for number, ((start, end), (ensemble, tested)) in enumerate(
        zip(folds.blocks(), fits, strict=True), start=1
    ):
        features = examples.features[tested]
        rules = rule_scores(
            features, rank_sum_signals=rank_sum_signals, health_preset=health_preset
        )
        fitted = fitted_scores(
            examples, ensemble, features, folds=folds, tested=start, seed=fitting.seed,
            health_preset=health_preset,
        )  # fmt: skip
        parts.append(pd.DataFrame({MODEL: ensemble.predict(features), **rules, **fitted}))
        numbers.append(pd.Series(number, index=features.index))
        progress(f"fold {number}: {len(features):,} rows from {start:%Y-%m-%d} to {end:%Y-%m-%d}")
    return OutOfTime(scores=pd.concat(parts), fold=pd.concat(numbers))


def flags(scores: pd.Series, fold: pd.Series, *, inner: pd.Series, q: float) -> pd.Series:
    """Rows at or above the operating threshold: the score that flagged the share q of earlier rows.

    The threshold of a fold comes from the folds before it, that of the first from the inner block.
    """
    flagged = pd.Series(False, index=scores.index)
    seen = inner
    for number in sorted(fold.unique()):
        now = fold == number
        if len(seen):
            flagged[now] = scores[now] >= operating_threshold(seen, q=q)
        seen = pd.concat([seen, scores[now]]) if len(seen) else scores[now]
    return flagged
