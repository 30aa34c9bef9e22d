"""The recipe: boosted heads on several label windows and a linear model, averaged in log-odds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml import arguments
from churnml.config import Sampler
from churnml.errors import InputError
from churnml.labels import CHURNED
from churnml.model import boosting
from churnml.model.boosting import Device, Parameters
from churnml.model.examples import Examples
from churnml.model.linear import Linear, fit_linear
from churnml.model.needs import MIN_POSITIVES, check_fit
from churnml.model.preparation import Matrix, Preparation, fit_preparation
from churnml.model.sampling import samples
from churnml.model.second_opinion import second_opinion
from churnml.splits import ForwardFolds
from churnml.spoken import counted
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

    def interactions(self, matrix: Matrix, *, columns: Sequence[str]) -> npt.NDArray[np.float64]:
        """Mean SHAP interaction values of the boosters; the shifts belong to the bias."""
        total = np.zeros((len(matrix), len(columns) + 1, len(columns) + 1))
        for booster, shift in zip(self.boosters, self.shifts, strict=True):
            total += boosting.interactions(booster, matrix, columns=columns)
            total[:, -1, -1] += shift
        return total / len(self.boosters)


@dataclass(frozen=True)
class Boosting:
    """How the boosters of every head are fitted: seed, seed + 1, … on the same rows."""

    parameters: Parameters
    columns: tuple[str, ...]
    monotone: tuple[int, ...]
    seed: int
    seeds: int
    sampler: Sampler
    device: Device

    def fit(
        self,
        matrix: Matrix,
        target: npt.NDArray[np.bool_],
        *,
        head: LabelWindow,
        weight: Vector | None,
    ) -> Head:
        """One head: a booster for each seed and each draw of the sampler."""
        rng = np.random.default_rng(self.seed)
        boosters, shifts = [], []
        for sample in samples(matrix, target, sampler=self.sampler, rng=rng):
            # rows that carry a weight are never resampled (check_weighting)
            counts = sample.weight if weight is None else weight.astype(np.float32)
            data = boosting.training_matrix(
                sample.matrix, sample.target, columns=self.columns, weight=counts
            )
            for seed in range(self.seed, self.seed + self.seeds):
                boosters.append(
                    boosting.fit_booster(
                        data,
                        parameters=self.parameters,
                        seed=seed,
                        monotone=self.monotone,
                        device=self.device,
                    )
                )
                shifts.append(-sample.log_odds_shift)
        return Head(head, tuple(boosters), tuple(shifts))


class Elsewhere(Protocol):
    """The rows of everybody, where there is room for them: boosters are fitted there."""

    def recipe(self) -> Parameters:
        """The recipe for all these rows."""

    def heads(self, how: Boosting, *, preparation: Preparation) -> list[Head]:
        """The heads that have leavers enough, the scored one first."""


@dataclass(frozen=True)
class Ensemble:
    """A fitted recipe: the mean log-odds of its members, then one level.

    Parameters
    ----------
    preparation : Preparation
    heads : tuple of Head
    linear : Linear
    level : float
        Added to the mean so that the probabilities of the training rows have their true mean.
    parameters : Parameters
    beside : Linear, optional
        A second opinion on few signals.
    share : float
        Its part in the log-odds; heads and linear model share the rest equally.
    """

    preparation: Preparation
    heads: tuple[Head, ...]
    linear: Linear
    level: float
    parameters: Parameters
    beside: Linear | None = None
    share: float = 0.0

    def __repr__(self) -> str:
        windows = ", ".join(
            f"[{one.window.lead_days}, {one.window.end_days})" for one in self.heads
        )
        return f"<Ensemble: {counted(len(self.feature_names), 'feature')}, exits in {windows} days>"

    def logit(self, features: pd.DataFrame) -> Vector:
        """Log-odds of leaving in the label window, shape (n_snapshots,)."""
        return self.logit_of(self.preparation.matrix(features))

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
        if self.beside is not None:
            second = self.beside.contributions(matrix)
            total = (1.0 - self.share) * total + self.share * second
        total[:, -1] += self.level
        by_column = pd.DataFrame(total, index=features.index)
        return by_column.T.groupby([*self.preparation.sources, "bias"], sort=False).sum().T

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Features in the order of ``contributions``, without the bias."""
        return tuple(dict.fromkeys(self.preparation.sources))

    def interactions(self, features: pd.DataFrame) -> npt.NDArray[np.float64]:
        """SHAP interaction values; shape (n_rows, n_features + 1, n_features + 1), the bias last.

        Lines add up to ``contributions``; a linear member only has a diagonal. Costly: a few rows.
        """
        matrix, columns = self.preparation.matrix(features), self.preparation.columns
        linear, members = self.linear.contributions(matrix), len(self.heads) + 1
        share = (1.0 - self.share) / members
        alone = share * linear
        if self.beside is not None:
            alone = alone + self.share * self.beside.contributions(matrix)
        alone[:, -1] += self.level
        total = alone[:, :, None] * np.eye(alone.shape[1])
        for head in self.heads:
            total += share * head.interactions(matrix, columns=columns)
        order = [*self.feature_names, "bias"]
        place = np.array([order.index(name) for name in (*self.preparation.sources, "bias")])
        gathered = (place[:, None] == np.arange(len(order))).astype(float)
        return np.asarray(gathered.T @ total @ gathered)

    def logit_of(self, matrix: Matrix) -> Vector:
        """Log-odds of rows that are prepared already."""
        parts = [head.logit(matrix) for head in self.heads]
        learned = np.mean([*parts, self.linear.logit(matrix)], axis=0)
        if self.beside is not None:
            learned = (1.0 - self.share) * learned + self.share * self.beside.logit(matrix)
        return np.asarray(learned + self.level)


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
    signals: Mapping[str, int] | None = None,
    device: Device = "cpu",
    elsewhere: Elsewhere | None = None,
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
    sampler : str
        How classes are balanced before a fit: ``none``, ``scale_pos_weight``, ``smote``,
        ``undersample`` or ``easy_ensemble``.
    max_rows : int
        Of more rows every n-th as_of is learnt from.
    signals : mapping of str to int, optional
        Obvious signals with the sign of risk, for a second opinion; default: those known.
    device : str
        Where the boosters are fitted: ``cpu`` or ``cuda``.
    elsewhere : Elsewhere, optional
        All rows on a cluster (``churnml.everyone_on_spark``): the boosters are fitted there, what
        else belongs to the recipe on the rows of ``examples``. Default: everything is.

    Returns
    -------
    Ensemble
        ``predict(features)`` gives probabilities.

    Raises
    ------
    InputError
        If there are too few leavers or only one class to learn from, a column is not declared, or
        an argument is no choice.

    Examples
    --------
    >>> model = ch.fit(examples, folds=folds, tested=dataset.observed_until, seed=7)
    >>> bool(model.predict(newest).between(0, 1).all())
    True
    """
    arguments.moment(tested, what="tested")
    check_fit(examples, folds, parameters, sampler=sampler, device=device, seeds=seeds)
    window = examples.window
    rows = thinned(examples, examples.train_rows(window, folds=folds, tested=tested), max_rows)
    target = (examples.labels[window] == CHURNED).to_numpy()[rows]
    _check_classes(target, tested=tested, window=window)
    preparation = fit_preparation(
        examples.features[rows], window=window, everyone=_everyone(examples, tested)
    )
    narrow = preparation.matrix(examples.features[rows])
    if parameters is None:
        parameters = recipe_for(examples, rows) if elsewhere is None else elsewhere.recipe()
    signs = boosting.monotone_signs(preparation.sources, examples.risk)
    how = Boosting(parameters, preparation.columns, signs, seed, seeds, sampler, device)
    fitted = _heads(
        how, examples, narrow, preparation=preparation, folds=folds, tested=tested,
        max_rows=max_rows, elsewhere=elsewhere,
    )  # fmt: skip
    weight = examples.weights(rows)
    linear = fit_linear(narrow, target, weight=weight)
    beside, share = second_opinion(
        examples.features[rows], narrow, target, preparation=preparation, signals=signals or {},
        members=len(fitted) + 1, weight=weight,
    )  # fmt: skip
    draft = Ensemble(preparation, _aligned(fitted, narrow), linear, 0.0, parameters, beside, share)
    return replace(draft, level=_level(draft.logit_of(narrow), target, weight=weight))


def _heads(
    how: Boosting,
    examples: Examples,
    narrow: Matrix,
    *,
    preparation: Preparation,
    folds: ForwardFolds,
    tested: pd.Timestamp,
    max_rows: int,
    elsewhere: Elsewhere | None,
) -> list[Head]:
    """The heads that have leavers enough; ``narrow`` holds the rows of the scored one."""
    if elsewhere is not None:
        return elsewhere.heads(how, preparation=preparation)
    fitted = []
    for head in examples.heads:
        used = thinned(examples, examples.train_rows(head, folds=folds, tested=tested), max_rows)
        churned = (examples.labels[head] == CHURNED).to_numpy()[used]
        if head == examples.window or churned.sum() >= MIN_POSITIVES:
            scored = head == examples.window
            matrix = narrow if scored else preparation.matrix(examples.features[used])
            fitted.append(how.fit(matrix, churned, head=head, weight=examples.weights(used)))
    return fitted


def _aligned(heads: Sequence[Head], narrow: Matrix) -> tuple[Head, ...]:
    """The heads with equal mean log-odds on the rows of the scored one, which comes first."""
    levels = [float(head.logit(narrow).mean()) for head in heads]
    return tuple(
        replace(head, shifts=tuple(shift + levels[0] - level for shift in head.shifts))
        for head, level in zip(heads, levels, strict=True)
    )


def recipe_for(examples: Examples, rows: npt.NDArray[np.bool_]) -> Parameters:
    """The recipe for the leavers among these rows."""
    churned = examples.labels[examples.window][rows] == CHURNED
    people = churned.index[churned.to_numpy()].get_level_values("customer_id").nunique()
    return boosting.recipe(rows=len(churned), positives=int(churned.sum()), leavers=people)


def _everyone(examples: Examples, tested: pd.Timestamp) -> pd.DataFrame | None:
    if not examples.silent_churn:
        return None
    everyone = examples.features if examples.purchases is None else examples.purchases
    as_ofs = everyone.index.get_level_values("as_of")
    return everyone[np.asarray(as_ofs <= tested)]


def thinned(
    examples: Examples, rows: npt.NDArray[np.bool_], max_rows: int
) -> npt.NDArray[np.bool_]:
    """Every n-th as_of, counted back from the newest, when there are too many rows."""
    step = int(np.ceil(rows.sum() / max_rows))
    if step <= 1:
        return rows
    as_ofs = examples.as_ofs
    kept = np.sort(as_ofs[rows].unique())[::-1][::step]
    return np.asarray(rows & as_ofs.isin(kept))


def _level(logit: Vector, target: npt.NDArray[np.bool_], *, weight: Vector | None) -> float:
    """The shift after which the mean probability equals the share of leavers."""
    from scipy.optimize import brentq

    share = float(np.average(target, weights=weight))

    def excess(shift: float) -> float:
        said = 1.0 / (1.0 + np.exp(-(logit + shift)))
        return float(np.average(said, weights=weight) - share)

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
