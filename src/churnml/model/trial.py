"""One trial of the search: what a setting is worth on the inner folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from churnml.model import boosting
from churnml.model.boosting import Device, Parameters

if TYPE_CHECKING:
    import xgboost

ROUNDS = 400
PATIENCE = 30


@dataclass(frozen=True)
class InnerFold:
    """One inner fold: the quantile matrix is built once and shared by all trials."""

    train: xgboost.QuantileDMatrix
    test: xgboost.DMatrix
    churned: npt.NDArray[np.bool_]
    monotone: tuple[int, ...]


@dataclass(frozen=True)
class FoldArrays:
    """The numbers of an inner fold, as they travel to another process.

    Parameters
    ----------
    train, test : array of float32, shape (n_rows, n_columns)
    train_target, test_target : array of float32, shape (n_rows,)
        1 who leaves in the label window, 0 who stays.
    weight : array of float32, shape (n_train_rows,)
        How much a row counts in the fit; empty: all the same.
    columns : array of str, shape (n_columns,)
    monotone : array of int, shape (n_columns,)
        Direction of each column.
    """

    train: npt.NDArray[np.float32]
    train_target: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]
    test: npt.NDArray[np.float32]
    test_target: npt.NDArray[np.float32]
    columns: npt.NDArray[np.str_]
    monotone: npt.NDArray[np.int64]

    def matrices(self) -> InnerFold:
        """The matrices of XGBoost. A test of plain numbers is read faster than one of quantiles."""
        import xgboost

        columns = self.columns.tolist()
        data = boosting.training_matrix(
            self.train, self.train_target, columns=columns,
            weight=self.weight if len(self.weight) else None,
        )  # fmt: skip
        test = xgboost.DMatrix(self.test, feature_names=columns)
        return InnerFold(data, test, self.test_target > 0, tuple(self.monotone.tolist()))

    def save(self, path: Path) -> None:
        """Write the arrays, without a pickle."""
        np.savez(path, allow_pickle=False, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """The arrays that ``save`` wrote."""
        with np.load(path, allow_pickle=False) as found:
            return cls(**found)


@dataclass(frozen=True)
class Worth:
    """What a setting reached in each fold: average precision, at how many rounds."""

    values: tuple[float, ...]
    rounds: tuple[int, ...]


def evaluate(
    folds: Sequence[InnerFold], parameters: Parameters, *, seed: int, device: Device = "cpu"
) -> Worth:
    """A booster for each fold, stopped where the fold's test gets no better."""
    found = [
        _stopped(fold, parameters.booster(seed=seed, monotone=fold.monotone, device=device))
        for fold in folds
    ]
    return Worth(tuple(value for value, _ in found), tuple(rounds for _, rounds in found))


def _stopped(fold: InnerFold, setting: dict[str, Any]) -> tuple[float, int]:
    """Best average precision and its round: XGBoost's early stopping, looked at less often.

    It cannot stop before ``PATIENCE`` rounds after the best one known; up to there it is only
    fitted, then all these rounds are judged together.
    """
    import xgboost

    booster = xgboost.Booster(setting, [fold.train])
    values: list[float] = []
    best, margin = 0, None
    while (until := min(best + PATIENCE + 1, ROUNDS)) > len(values):
        rounds = range(len(values), until)
        for number in rounds:
            booster.update(fold.train, number)
        staged = boosting.staged_margins(booster, fold.test, rounds=rounds, before=margin)
        values += [average_precision(column, fold.churned) for column in staged.T]
        best, margin = int(np.argmax(values)), staged[:, -1]
    return values[best], best + 1


def average_precision(score: npt.NDArray[np.float32], churned: npt.NDArray[np.bool_]) -> float:
    """Area under precision and recall as XGBoost's ``aucpr`` has it, to the last bit.

    Between two scores true and false positives are interpolated, each in a straight line.

    References
    ----------
    .. [1] J. Davis, M. Goadrich, *The relationship between precision-recall and ROC curves*,
       ICML 2006.
    .. [2] J. Keilwagen, I. Grosse, J. Grau, *Area under precision-recall curves for weighted and
       unweighted data*, PLoS ONE 9(3), 2014.
    """
    order = np.argsort(-score)
    ranked = score[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    hits = np.cumsum(churned[order])[ends]
    before = np.append(0, hits[:-1])
    rises = np.flatnonzero(hits > before)  # elsewhere recall stands still: no area
    misses = ends + 1 - hits
    missed = np.append(0, misses[:-1])[rises]
    hits, before, misses, total = hits[rises], before[rises], misses[rises], hits[-1]
    slope = (misses - missed) / (hits - before)
    steep, offset = 1.0 + slope, (missed - slope * before) / total
    to, since = hits / total, before / total
    with np.errstate(divide="ignore", invalid="ignore"):
        bend = offset / steep * (np.log(steep * to + offset) - np.log(steep * since + offset))
    area = (to - since - np.where(offset == 0.0, 0.0, bend)) / steep
    return float(np.cumsum(area)[-1])
