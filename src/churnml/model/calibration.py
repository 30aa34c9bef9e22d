"""Calibrators: from the log-odds of a model to log-odds that came true; fitted, never assumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

RAW, PLATT, BETA, ISOTONIC = "raw", "platt", "beta", "isotonic"
#: Platt's slope is held to one: its prior has this standard deviation.
SLOPE_PRIOR = 0.25
#: Fewer leavers than this would make isotonic steps out of single people.
ISOTONIC_LEAVERS = 200
_EDGE = 1e-6
_NEWTON_STEPS = 50


@dataclass(frozen=True)
class Calibrator:
    """A monotone map of log-odds.

    ``raw`` changes nothing; ``platt`` is intercept + slope × log-odds [1]_, so that SHAP values in
    log-odds stay additive when each is multiplied by the slope; ``beta`` is c + a ln p − b ln(1 −
    p) [2]_; ``isotonic`` is a line through the steps of a monotone fit and makes ties.

    Parameters
    ----------
    method : str
        raw, platt, beta or isotonic.
    numbers : tuple of tuple of float
        platt: (intercept, slope); beta: (a, b, c); isotonic: log-odds, and what became of them.

    References
    ----------
    .. [1] J. Platt, *Probabilistic outputs for support vector machines*, 1999.
    .. [2] M. Kull, T. Silva Filho, P. Flach, *Beta calibration: a well-founded and easily
       implemented improvement on logistic calibration for binary classifiers*, AISTATS 2017.
    """

    method: str = RAW
    numbers: tuple[tuple[float, ...], ...] = ()

    def logit(self, raw: Vector) -> Vector:
        """Calibrated log-odds of raw log-odds."""
        if self.method == PLATT:
            intercept, slope = self.numbers[0]
            return np.asarray(intercept + slope * raw)
        if self.method == BETA:
            a, b, c = self.numbers[0]
            return np.asarray(c - a * np.logaddexp(0, -raw) + b * np.logaddexp(0, raw))
        if self.method == ISOTONIC:
            return np.asarray(np.interp(raw, np.array(self.numbers[0]), np.array(self.numbers[1])))
        return raw

    def probability(self, raw: Vector) -> Vector:
        """Calibrated probability of raw log-odds."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.logit(raw))))

    @property
    def slope(self) -> float | None:
        """Factor of every SHAP value in log-odds; None where the map is not a line."""
        if self.method == RAW:
            return 1.0
        return self.numbers[0][1] if self.method == PLATT else None

    def as_json(self) -> dict[str, Any]:
        """Everything needed to restore the map."""
        return {"method": self.method, "numbers": [list(row) for row in self.numbers]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The map that ``as_json`` described."""
        return cls(str(content["method"]), tuple(tuple(row) for row in content["numbers"]))


def fit_platt(raw: Vector, left: Flags) -> Calibrator:
    """The line in log-odds of greatest posterior; its slope is held to one."""
    design = np.column_stack([np.ones(len(raw)), raw])
    weights, mean = np.array([0.0, 1.0]), np.array([0.0, 1.0])
    precision = np.array([0.0, SLOPE_PRIOR**-2])
    for _ in range(_NEWTON_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
        gradient = design.T @ (left - fitted) - precision * (weights - mean)
        spread = np.maximum(fitted * (1 - fitted), 1e-12)
        step = np.linalg.solve((design * spread[:, None]).T @ design + np.diag(precision), gradient)
        weights = weights + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-10:
            break
    # A slope at or below zero would turn the ranking round; there is no calibrating such scores.
    return Calibrator(PLATT, ((float(weights[0]), max(float(weights[1]), 0.05)),))


def fit_beta(raw: Vector, left: Flags) -> Calibrator:
    """The beta calibration of greatest likelihood with a, b >= 0 (monotone)."""
    from scipy.optimize import minimize

    features = np.column_stack([-np.logaddexp(0, -raw), np.logaddexp(0, raw), np.ones(len(raw))])
    y = left.astype(np.float64)

    def loss(weights: Vector) -> tuple[float, Vector]:
        margin = features @ weights
        fitted = 1 / (1 + np.exp(-np.clip(margin, -500, 500)))
        value = float(np.mean(np.logaddexp(0, margin) - y * margin))
        return value, np.asarray(features.T @ (fitted - y)) / len(y)

    found = minimize(
        loss, np.array([1.0, 1.0, 0.0]), jac=True, method="L-BFGS-B",
        bounds=[(0.0, 20.0), (0.0, 20.0), (None, None)], options={"maxiter": 500},
    )  # fmt: skip
    a, b, c = (float(weight) for weight in found.x)
    return Calibrator(BETA, ((a, b, c),))


def fit_isotonic(raw: Vector, left: Flags) -> Calibrator:
    """The monotone fit in the order of the scores, straight between its steps in log-odds."""
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=_EDGE, y_max=1 - _EDGE, out_of_bounds="clip")
    model.fit(raw, left.astype(np.float64))
    steps = np.asarray(model.y_thresholds_, dtype=np.float64)
    logit = np.log(steps) - np.log1p(-steps)
    at = tuple(float(value) for value in model.X_thresholds_)
    return Calibrator(ISOTONIC, (at, tuple(float(value) for value in logit)))


FITS: Mapping[str, Callable[[Vector, Flags], Calibrator]] = {
    PLATT: fit_platt,
    BETA: fit_beta,
    ISOTONIC: fit_isotonic,
}
