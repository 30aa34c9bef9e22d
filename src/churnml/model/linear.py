"""A regularised logistic regression on signed logarithms, kept as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from churnml.model.preparation import Matrix

Vector = npt.NDArray[np.float64]

#: The penalty is so large a part of the information in the rows, n p (1 - p): the same strength on
#: every data set (experiments/decisions). A constant one is far too strong where few leave.
PENALTY_SHARE = 0.2
_CLIP = 4.0  # standard deviations; a single huge count must not decide alone


@dataclass(frozen=True)
class Linear:
    """Logit = bias + sum of weight × standardised signed logarithm; unknown counts as average.

    Parameters
    ----------
    centre, scale, weight : ndarray, shape (n_columns,)
    bias : float
    """

    centre: Vector
    scale: Vector
    weight: Vector
    bias: float

    def contributions(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """Contribution of each column and, last, the bias; shape (n_rows, n_columns + 1).

        A standardised column has mean zero, so weight × value is its Shapley value against the
        training population when columns are taken as independent.
        """
        parts = _standardise(matrix, self.centre, self.scale) * self.weight
        return np.hstack([parts, np.full((len(parts), 1), self.bias)])

    def logit(self, matrix: Matrix) -> Vector:
        """Margin of each row. Summed row by row, so that it does not depend on the other rows."""
        parts = _standardise(matrix, self.centre, self.scale) * self.weight
        return np.asarray(np.ascontiguousarray(parts).sum(axis=1) + self.bias)

    def as_json(self) -> dict[str, Any]:
        """Everything needed to restore the model."""
        return {
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "weight": self.weight.tolist(),
            "bias": self.bias,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The model that ``as_json`` described."""
        arrays = {
            name: np.asarray(content[name], dtype=float) for name in ("centre", "scale", "weight")
        }
        return cls(**arrays, bias=float(content["bias"]))


def fit_linear(
    matrix: Matrix,
    target: npt.NDArray[np.bool_],
    *,
    columns: Sequence[int] | None = None,
    weight: Vector | None = None,
) -> Linear:
    """The regression fitted on the training rows of a fold.

    Parameters
    ----------
    matrix : ndarray, shape (n_rows, n_columns)
    target : ndarray of bool, shape (n_rows,)
    columns : sequence of int, optional
        Those that have a say; default: all. The others weigh nothing.
    weight : ndarray of float, shape (n_rows,), optional
        How much each row counts; default: all the same.
    """
    from sklearn.linear_model import LogisticRegression

    centre, scale = _standard(matrix)
    used = np.arange(matrix.shape[1]) if columns is None else np.asarray(columns)
    standard = _standardise(matrix[:, used], centre[used], scale[used])
    counts = np.ones(len(target)) if weight is None else weight
    share = float(np.average(target, weights=counts))
    information = float(counts.sum()) * share * (1.0 - share)
    penalty = PENALTY_SHARE * max(information, 1.0)
    model = LogisticRegression(C=1.0 / penalty, max_iter=300, tol=1e-4)
    model.fit(standard, target, sample_weight=weight)
    weights = np.zeros(matrix.shape[1])
    weights[used] = model.coef_[0]
    return Linear(centre, scale, weights, float(model.intercept_[0]))


def fit_slope(
    matrix: Matrix,
    target: npt.NDArray[np.bool_],
    *,
    signs: Vector,
    weight: Vector | None = None,
) -> Linear:
    """Equal weights of known direction; only their common size and the level are learned.

    Parameters
    ----------
    matrix : ndarray, shape (n_rows, n_columns)
    target : ndarray of bool, shape (n_rows,)
    signs : ndarray, shape (n_columns,)
        +1 more is riskier, -1 safer, 0 no say.
    """
    from sklearn.linear_model import LogisticRegression

    centre, scale = _standard(matrix)
    equal = signs / np.abs(signs).sum()
    score = _standardise(matrix, centre, scale) @ equal
    model = LogisticRegression(C=1e3).fit(score[:, None], target, sample_weight=weight)
    slope = max(float(model.coef_[0, 0]), 0.0)
    return Linear(centre, scale, slope * equal, float(model.intercept_[0]))


def _standard(matrix: Matrix) -> tuple[Vector, Vector]:
    """Mean and spread of the signed logarithms that are known."""
    logs = _signed_log(matrix)
    known = np.isfinite(logs)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, logs, 0.0).sum(axis=0) / count
    variance = (np.where(known, logs - centre, 0.0) ** 2).sum(axis=0) / count
    return centre, np.where(variance > 1e-12, np.sqrt(variance), 1.0)


def _signed_log(matrix: Matrix) -> npt.NDArray[np.float64]:
    values = matrix.astype(np.float64)
    return np.sign(values) * np.log1p(np.abs(values))


def _standardise(matrix: Matrix, centre: Vector, scale: Vector) -> npt.NDArray[np.float64]:
    standard = (_signed_log(matrix) - centre) / scale
    return np.where(np.isfinite(standard), np.clip(standard, -_CLIP, _CLIP), 0.0)
