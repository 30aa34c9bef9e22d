"""The recipe: boosted heads on several label windows and a linear model, averaged in log-odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.config import Sampler
from churnml.errors import InputError
from churnml.labels import CHURNED
from churnml.model import boosting
from churnml.model.boosting import Parameters
from churnml.model.examples import MIN_POSITIVES, Examples
from churnml.model.linear import Linear, fit_linear
from churnml.model.preparation import Matrix, Preparation, fit_preparation
from churnml.model.sampling import samples
from churnml.splits import ForwardFolds
from churnml.windows import LabelWindow

if TYPE_CHECKING:
    import xgboost

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """Boosters of one label window (one for each seed), and the shifts that align their margins."""

    window: LabelWindow
    boosters: tuple[xgboost.Booster, ...]
    shifts: tuple[float, ...]

    def logit(self, matrix: Matrix) -> Vector:
        """Mean margin of the boosters, aligned to the scored window."""
        parts = [
            boosting.margins(booster, matrix) + shift
            for booster, shift in zip(self.boosters, self.shifts, strict=True)
        ]
        return np.asarray(np.mean(parts, axis=0))

    def contributions(self, matrix: Matrix, *, columns: Sequence[str]) -> npt.NDArray[np.float64]:
        """Mean SHAP values of the boosters; the shifts belong to the bias."""
        parts = []
        for booster, shift in zip(self.boosters, self.shifts, strict=True):
            part = boosting.contributions(booster, matrix, columns=columns)
            part[:, -1] += shift
            parts.append(part)
        return np.asarray(np.mean(parts, axis=0))


@dataclass(frozen=True)
class Ensemble:
    """A fitted recipe: log-odds are the mean over heads and the linear model, then one level.

    Parameters
    ----------
    preparation : Preparation
    heads : tuple of Head
    linear : Linear
    level : float
        Added to the mean so that the probabilities of the training rows have their true mean.
    parameters : Parameters
    """

    preparation: Preparation
    heads: tuple[Head, ...]
    linear: Linear
    level: float
    parameters: Parameters
    notices: tuple[str, ...] = field(default=(), compare=False)

    def logit(self, features: pd.DataFrame) -> Vector:
        """Log-odds of leaving in the label window, shape (n_snapshots,)."""
        return self._mean_logit(self.preparation.matrix(features)) + self.level

    def predict(self, features: pd.DataFrame) -> pd.Series:
        """Probability of leaving in the label window, indexed as the features."""
        probability = 1.0 / (1.0 + np.exp(-self.logit(features)))
        return pd.Series(probability, index=features.index, name="probability")

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """SHAP values by feature in log-odds; with the column ``bias`` they add up to the margin.

        Matrix columns of one feature (the values of a category) are summed.
        """
        matrix = self.preparation.matrix(features)
        columns = self.preparation.columns
        parts = [head.contributions(matrix, columns=columns) for head in self.heads]
        total = np.mean([*parts, self.linear.contributions(matrix)], axis=0)
        total[:, -1] += self.level
        by_column = pd.DataFrame(total, index=features.index)
        return by_column.T.groupby([*self.preparation.sources, "bias"], sort=False).sum().T

    def _mean_logit(self, matrix: Matrix) -> Vector:
        parts = [head.logit(matrix) for head in self.heads]
        return np.asarray(np.mean([*parts, self.linear.logit(matrix)], axis=0))


def fit_ensemble(
    examples: Examples,
    *,
    folds: ForwardFolds,
    tested: pd.Timestamp,
    seed: int,
    seeds: int = 1,
    sampler: Sampler = "none",
    parameters: Parameters | None = None,
    max_rows: int = 500_000,
) -> Ensemble:
    """The recipe fitted on everything whose label was closed when the test begins.

    Parameters
    ----------
    examples : Examples
    folds : ForwardFolds
        Says which rows a head may see (purge, rolling window).
    tested : Timestamp
        First as_of of the test; for the final fit the right edge of the data.
    seed, seeds : int
        Boosters with seed, seed + 1, … are averaged.
    parameters : Parameters, optional
        None: the recipe for the number of leavers.

    Raises
    ------
    InputError
        If there are too few leavers or only one class to learn from.
    """
    window = examples.window
    rows = _thinned(examples, examples.train_rows(window, folds=folds, tested=tested), max_rows)
    target = (examples.labels[window] == CHURNED).to_numpy()
    _check_classes(target[rows], tested=tested, window=window)
    preparation = fit_preparation(
        examples.features[rows], window=window, everyone=_everyone(examples, tested)
    )
    narrow = preparation.matrix(examples.features[rows])
    linear = fit_linear(narrow, target[rows])
    if parameters is None:
        parameters = recipe_for(examples, rows)
    heads, notices = [], []
    reference: float | None = None
    for head in examples.heads:
        used = _thinned(examples, examples.train_rows(head, folds=folds, tested=tested), max_rows)
        churned = (examples.labels[head] == CHURNED).to_numpy()
        if churned[used].sum() < MIN_POSITIVES:
            notices.append(f"The head {head.lead_days}–{head.end_days} days has too few leavers.")
            continue
        matrix = narrow if head == window else preparation.matrix(examples.features[used])
        fitted = _fit_head(
            matrix, churned[used], head=head, preparation=preparation, examples=examples,
            parameters=parameters, seed=seed, seeds=seeds, sampler=sampler,
        )  # fmt: skip
        level = float(fitted.logit(narrow).mean())
        reference = level if reference is None else reference
        shifts = tuple(shift + reference - level for shift in fitted.shifts)
        heads.append(Head(head, fitted.boosters, shifts))
    draft = Ensemble(preparation, tuple(heads), linear, 0.0, parameters, tuple(notices))
    level = _level(draft._mean_logit(narrow), share=float(target[rows].mean()))
    return Ensemble(preparation, tuple(heads), linear, level, parameters, tuple(notices))


def recipe_for(examples: Examples, rows: npt.NDArray[np.bool_]) -> Parameters:
    """The recipe for the leavers among these rows."""
    churned = examples.labels[examples.window][rows] == CHURNED
    people = churned.index[churned.to_numpy()].get_level_values("customer_id").nunique()
    return boosting.recipe(positives=int(churned.sum()), leavers=people)


def _everyone(examples: Examples, tested: pd.Timestamp) -> pd.DataFrame | None:
    if not examples.silent_churn:
        return None
    return examples.features[np.asarray(examples.as_ofs <= tested)]


def _fit_head(
    matrix: Matrix,
    target: npt.NDArray[np.bool_],
    *,
    head: LabelWindow,
    preparation: Preparation,
    examples: Examples,
    parameters: Parameters,
    seed: int,
    seeds: int,
    sampler: Sampler,
) -> Head:
    monotone = boosting.monotone_signs(preparation.sources, examples.risk)
    boosters, shifts = [], []
    for sample in samples(matrix, target, sampler=sampler, rng=np.random.default_rng(seed)):
        data = boosting.training_matrix(
            sample.matrix, sample.target, columns=preparation.columns, weight=sample.weight
        )
        for number in range(seeds):
            boosters.append(
                boosting.fit_booster(
                    data, parameters=parameters, seed=seed + number, monotone=monotone
                )
            )
            shifts.append(-sample.log_odds_shift)
    return Head(head, tuple(boosters), tuple(shifts))


def _thinned(
    examples: Examples, rows: npt.NDArray[np.bool_], max_rows: int
) -> npt.NDArray[np.bool_]:
    """Every n-th as_of, counted back from the newest, when there are too many rows."""
    step = int(np.ceil(rows.sum() / max_rows))
    if step <= 1:
        return rows
    as_ofs = examples.as_ofs
    kept = np.sort(as_ofs[rows].unique())[::-1][::step]
    return np.asarray(rows & as_ofs.isin(kept))


def _level(logit: Vector, *, share: float) -> float:
    """The shift after which the mean probability equals the share of leavers."""
    from scipy.optimize import brentq

    def excess(shift: float) -> float:
        return float((1.0 / (1.0 + np.exp(-(logit + shift)))).mean() - share)

    return float(brentq(excess, -20.0, 20.0))


def _check_classes(
    target: npt.NDArray[np.bool_], *, tested: pd.Timestamp, window: LabelWindow
) -> None:
    leavers = int(target.sum())
    if leavers < MIN_POSITIVES or leavers == len(target):
        raise InputError(
            f"One class only: of {len(target)} closed snapshots before {tested:%Y-%m-%d}, "
            f"{leavers} leave within {window.lead_days}–{window.end_days} days; at least "
            f"{MIN_POSITIVES} that leave and some that stay are needed. Bring a longer history, "
            "check that exits are in the data (churnml check), or widen [label] horizon_days."
        )
