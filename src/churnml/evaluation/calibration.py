"""How true probabilities are: Brier score, expected calibration error, calibration slope."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml.alerting.queue import Floats, Integers

BINS = 10
#: Probabilities are pulled off 0 and 1 by this much before the logit is taken.
EDGE = 1e-7
NEWTON_STEPS = 50
CONVERGED = 1e-10


@dataclass(frozen=True, slots=True)
class Calibration:
    """Sums over rows by customer, from which figures follow under any weights of customers.

    Parameters
    ----------
    sums : array, shape (7, n_customers)
        Rows, squared errors, and the terms of a Newton step of the logistic fit.
    gaps : array, shape (10, n_customers)
        Outcome minus probability in bins of equal mass.
    slope : (float, float)
        Intercept and slope of the fit to all rows.
    """

    sums: Floats
    gaps: Floats
    slope: tuple[float, float]

    @classmethod
    def of(
        cls, probability: Floats, positive: Floats, customer: Integers, n_customers: int
    ) -> Calibration:
        """The sums of rows with a probability."""
        x, error = _logit(probability), positive - probability
        slope = _logistic(x, positive)
        parts = [np.ones_like(x), error**2, *_newton_parts(x, positive, slope)]
        sums = [np.bincount(customer, part, n_customers) for part in parts]
        cells = equal_mass_bins(probability) * n_customers + customer
        gaps = np.bincount(cells, error, BINS * n_customers).astype(np.float64)
        by_bin = gaps.reshape(BINS, n_customers)
        return cls(np.stack(sums).astype(np.float64), by_bin, slope)

    def figures(self, weights: Floats) -> dict[str, float]:
        """Brier score, expected calibration error and calibration slope.

        The bins are those of all rows: under weights their mass is equal but for the weights.
        """
        rows, squares, *newton = weighted(self.sums, weights)
        known = rows > 0
        return {
            "brier": float(squares / rows) if known else math.nan,
            "ece": float(np.abs(weighted(self.gaps, weights)).sum() / rows) if known else math.nan,
            "calibration_slope": _stepped(self.slope, newton),
        }


def weighted(sums: Floats, weights: Floats) -> Floats:
    """Sums over customers under their weights, shape (n_sums,).

    Not a matrix product: that would start threads for a product too small for them, and its
    rounding depends on their number.
    """
    return np.asarray(np.einsum("ij,j->i", sums, weights))


def equal_mass_bins(probability: Floats, *, bins: int = BINS) -> Integers:
    """The bin of each row when rows in rising order are cut into bins of equal mass.

    Rows of equal probability stay in one bin (that of their middle), so the order of the rows
    plays no part.
    """
    _, tie, rows = np.unique(probability, return_inverse=True, return_counts=True)
    middle = (np.cumsum(rows) - rows / 2) / len(probability)
    return np.minimum((middle * bins).astype(np.int64), bins - 1)[tie]


def _logit(probability: Floats) -> Floats:
    inside = np.clip(probability, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _newton_parts(x: Floats, y: Floats, coefficients: tuple[float, float]) -> list[Floats]:
    """Row terms of the gradient and of the Hessian of the logistic likelihood."""
    linear = np.clip(coefficients[0] + coefficients[1] * x, -500, 500)
    fitted = 1 / (1 + np.exp(-linear))
    spread = fitted * (1 - fitted)
    return [y - fitted, (y - fitted) * x, spread, spread * x, spread * x * x]


def _stepped(start: tuple[float, float], sums: list[float]) -> float:
    """The slope one Newton step from the start.

    At the solution the gradient is zero and the step leads nowhere; under the weights of a
    resample it is the one-step bootstrap [1]_, sums over customers instead of a fit per resample.

    References
    ----------
    .. [1] A. C. Davison, D. V. Hinkley, *Bootstrap Methods and their Application*, 1997, 7.2.
    """
    gradient, gradient_x, flat, slanted, steep = sums
    determinant = flat * steep - slanted * slanted
    if not math.isfinite(start[1]) or determinant <= 1e-12 * flat * steep:
        return math.nan
    return float(start[1] + (flat * gradient_x - slanted * gradient) / determinant)


def _logistic(x: Floats, y: Floats) -> tuple[float, float]:
    """Intercept and slope of the outcome on the logit by Newton; NaN where there is no maximum.

    No maximum: one class only, one probability only, or classes that do not overlap.
    """
    intercept, slope = 0.0, 1.0
    if not 0 < y.mean() < 1:
        return math.nan, math.nan
    for _ in range(NEWTON_STEPS):
        gradient, gradient_x, flat, slanted, steep = (
            float(part.sum()) for part in _newton_parts(x, y, (intercept, slope))
        )
        determinant = flat * steep - slanted * slanted
        if determinant <= 1e-12 * flat * steep:
            return math.nan, math.nan
        step = (steep * gradient - slanted * gradient_x) / determinant
        step_x = (flat * gradient_x - slanted * gradient) / determinant
        intercept, slope = intercept + step, slope + step_x
        if abs(step) + abs(step_x) < CONVERGED * (1 + abs(intercept) + abs(slope)):
            return intercept, slope
    return math.nan, math.nan


def reliability(probability: pd.Series, positive: pd.Series, *, bins: int = BINS) -> pd.DataFrame:
    """Mean probability and share of positives in bins of equal mass, with a 95% interval.

    Parameters
    ----------
    probability : Series of float, shape (n_rows,)
    positive : Series of bool, shape (n_rows,)
    bins : int

    Returns
    -------
    DataFrame
        probability, share, low, high (Wilson score interval [1]_), rows; one line per bin in use.
        The interval takes rows as independent; customers repeat, so it is somewhat too narrow.

    References
    ----------
    .. [1] E. B. Wilson, *Probable inference, the law of succession, and statistical inference*,
       JASA 22, 1927.
    """
    bin_of = equal_mass_bins(probability.to_numpy(dtype=np.float64), bins=bins)
    rows = pd.DataFrame({"probability": probability, "share": positive.astype(float)})
    groups = rows.groupby(bin_of)
    table = groups.mean().assign(rows=groups.size()).reset_index(drop=True)
    low, high = _wilson(table["share"].to_numpy(), table["rows"].to_numpy(dtype=float))
    return table.assign(low=low, high=high)[["probability", "share", "low", "high", "rows"]]


def _wilson(share: Floats, rows: Floats, z: float = 1.959964) -> tuple[Floats, Floats]:
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2)) / (1 + z**2 / rows)
    # At 0 and 1 the bound equals the share but for rounding.
    return np.minimum(centre - half, share).clip(0.0), np.maximum(centre + half, share).clip(
        None, 1.0
    )
