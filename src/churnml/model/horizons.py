"""The weeks ahead of a score: in which week an exit is how likely, consistent with the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.windows import DAY, WEEK_DAYS, LabelWindow

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Weeks that are shown, and weeks to which the exit times reach (84 days: a useful alert).
SHOWN_WEEKS = 8
WEEKS = 12
QUANTILES = (25, 50, 75)
#: Weights of the hazard are held by a normal prior of this standard deviation, so that few exits
#: in a week cannot bend the curve.
_PRIOR = 2.0
_LEVELS, _SLOPES = 4, 3  # polynomials in the week: cubic level, quadratic slope of the score
_RISKS = (-20.0, 10.0, 6001)  # log-odds between which the curve of a score is looked for
_NEWTON_STEPS = 40
_EDGE = 1e-9
#: Fewer exits than this teach nothing of when they come.
MIN_EXITS = 30


@dataclass(frozen=True)
class WeekOutcomes:
    """What happened in each week after the as_of, as far as it was known at an instant.

    Parameters
    ----------
    closed, watched, left : ndarray of bool, shape (n_snapshots, n_weeks)
        The week is over and certain; it is, and the customer was there when it began; it is, and
        the customer left in it.
    """

    closed: Flags
    watched: Flags
    left: Flags


def week_outcomes(
    exits: pd.DataFrame, *, known: pd.Timestamp, delay_days: int, weeks: int = WEEKS
) -> WeekOutcomes:
    """The weeks of each snapshot as known at an instant: a week counts once it is closed.

    Parameters
    ----------
    exits : DataFrame indexed by (customer_id, as_of)
        ``notice_days`` and ``observed_days``, as ``labels.exit_days`` finds them.
    known : Timestamp
        First as_of of a test, or the right edge of the data.
    delay_days : int
        Days after an exit until it is certain.
    """
    as_ofs = pd.DatetimeIndex(exits.index.get_level_values("as_of"))
    passed = np.asarray((known - as_ofs) / DAY - delay_days, dtype=float)
    seen = np.minimum(passed, exits["observed_days"].to_numpy(dtype=float))[:, None]
    notice = exits["notice_days"].to_numpy(dtype=float)
    notice = np.where(np.isnan(notice), np.inf, notice)[:, None]
    starts = WEEK_DAYS * np.arange(weeks, dtype=float)[None, :]
    closed = seen >= starts + WEEK_DAYS
    watched = closed & (notice >= starts)
    return WeekOutcomes(closed, watched, watched & (notice < starts + WEEK_DAYS))


@dataclass(frozen=True)
class WeeksAhead:
    """A hazard of the week given the score, tied to it: the label window keeps its probability.

    In week k of those still there a share expit(level(k) + slope(k) × risk) leaves: one curve for
    each risk. A score takes the curve whose label window holds just its probability, so that the
    two never contradict each other, and what was too high or too low of earlier scores as a whole
    moves no week.

    Parameters
    ----------
    weights : tuple of float
        Of the polynomials of the week: level, then slope.
    weeks : int
    window : LabelWindow
        The window of the score.
    """

    weights: tuple[float, ...]
    weeks: int
    window: LabelWindow

    def curve(self, probability: pd.Series) -> pd.DataFrame:
        """Probability of an exit in each week after the as_of, one column for each week from 1 on.

        Parameters
        ----------
        probability : Series of float
            The score: probability of an exit in the label window.

        Returns
        -------
        DataFrame, shape (n_snapshots, n_weeks), aligned with ``probability``
            Rows sum to less than one; the rest stays longer. The weeks of the label window sum to
            the score (a week that the window cuts counts by its days).
        """
        chance = probability.to_numpy(dtype=float)
        hazard = _hazard(np.asarray(self.weights), self._risk(chance), weeks=self.weeks)
        table = tied(unconditional(hazard), chance, window=self.window)
        names = pd.RangeIndex(1, self.weeks + 1, name="week")
        return pd.DataFrame(table, index=probability.index, columns=names)

    def _risk(self, chance: Vector) -> Vector:
        """The risk whose curve holds each probability in the label window, or comes nearest.

        Who leaves very soon does not leave in the window: the mass rises to a top and falls again.
        Beyond the top there is no curve of its own, and the scaling does the rest.
        """
        risks = np.linspace(*_RISKS)
        curves = unconditional(_hazard(np.asarray(self.weights), risks, weeks=self.weeks))
        mass = curves @ _share_inside(self.weeks, self.window)
        rising = slice(0, int(mass.argmax()) + 1)
        return np.asarray(np.interp(chance, np.maximum.accumulate(mass[rising]), risks[rising]))

    def as_json(self) -> dict[str, Any]:
        """Everything needed to restore the curve."""
        window = [self.window.lead_days, self.window.horizon_days, self.window.delay_days]
        return {"weights": list(self.weights), "weeks": self.weeks, "window": window}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The curve that ``as_json`` described."""
        weights = tuple(float(weight) for weight in content["weights"])
        return cls(weights, int(content["weeks"]), LabelWindow(*content["window"]))


def weeks_needed(window: LabelWindow) -> int:
    """Weeks of a curve that covers the label window, at least twelve."""
    return max(WEEKS, -(-window.end_days // WEEK_DAYS))


def fit_weeks_ahead(
    probability: pd.Series, exits: pd.DataFrame, *, known: pd.Timestamp, window: LabelWindow
) -> WeeksAhead | None:
    """The curve fitted on scores of rows that their model had not seen.

    Parameters
    ----------
    probability : Series of float indexed by (customer_id, as_of)
        Out-of-time scores. Scores of training rows are too sure and would make it too steep.
    exits : DataFrame, aligned with ``probability``
    known : Timestamp
        Weeks that were not closed then are left out: first as_of of a test, or the right edge of
        the data.
    window : LabelWindow
        Of the score.

    Returns
    -------
    WeeksAhead, or None where fewer than thirty snapshots saw an exit

    References
    ----------
    .. [1] J. D. Singer, J. B. Willett, *It's about time: Using discrete-time survival analysis to
       study duration and the timing of events*, Journal of Educational Statistics 18, 1993.
    """
    weeks = weeks_needed(window)
    outcomes = week_outcomes(exits, known=known, delay_days=window.delay_days, weeks=weeks)
    if outcomes.left.sum() < MIN_EXITS:
        return None
    row, week = np.nonzero(outcomes.watched)
    logit = _logit(probability.to_numpy(dtype=float))[row]
    design = _design(weeks)[week]
    design[:, _LEVELS:] *= logit[:, None]
    return WeeksAhead(_fitted(design, outcomes.left[row, week]), weeks, window)


def _fitted(design: Vector, left: Flags) -> tuple[float, ...]:
    """Weights of greatest posterior by Newton; the prior holds the slope to one."""
    mean = np.zeros(design.shape[1])
    mean[_LEVELS] = 1.0
    weights, precision = mean.copy(), np.full(len(mean), _PRIOR**-2)
    precision[0] = 0.0  # the level itself is free
    weights[0] = _logit(np.array([left.mean()])).item() - float((design[:, 1:] @ mean[1:]).mean())
    for _ in range(_NEWTON_STEPS):
        hazard = _expit(design @ weights)
        gradient = design.T @ (left - hazard) - precision * (weights - mean)
        spread = np.maximum(hazard * (1 - hazard), _EDGE)
        step = np.linalg.solve((design * spread[:, None]).T @ design + np.diag(precision), gradient)
        weights = weights + step * min(1.0, 2.0 / max(np.abs(step).max(), _EDGE))
        if np.abs(step).max() < 1e-8:
            break
    return tuple(float(weight) for weight in weights)


def unconditional(hazard: Vector) -> Vector:
    """Probability of an exit in each week from the hazards, shape (n_snapshots, n_weeks)."""
    stays = np.cumprod(1 - hazard, axis=1)
    before = np.hstack([np.ones((len(hazard), 1)), stays[:, :-1]])
    return np.asarray(before * hazard)


def tied(curve: Vector, probability: Vector, *, window: LabelWindow) -> Vector:
    """The curve scaled so that the label window holds exactly the probability of the score.

    Parameters
    ----------
    curve : ndarray, shape (n_snapshots, n_weeks)
    probability : ndarray, shape (n_snapshots,)
    window : LabelWindow
    """
    inside = _share_inside(curve.shape[1], window)
    mass = np.clip(curve @ inside, _EDGE, 1 - _EDGE)
    scale_in = (probability / mass)[:, None]
    scale_out = ((1 - probability) / (1 - mass))[:, None]
    return np.asarray(curve * (inside * scale_in + (1 - inside) * scale_out))


def exit_day_quantiles(curve: pd.DataFrame) -> pd.DataFrame:
    """Days until the exit at the quarters, of those who leave within twelve weeks.

    Parameters
    ----------
    curve : DataFrame, shape (n_snapshots, n_weeks)
        As ``WeeksAhead.curve`` returns it.

    Returns
    -------
    DataFrame, aligned with ``curve``
        ``exit_days_p25``, ``exit_days_p50``, ``exit_days_p75``; within a week days count evenly.

    Examples
    --------
    >>> even = pd.DataFrame([[0.01] * WEEKS])
    >>> ch.exit_day_quantiles(even)["exit_days_p50"].round(1).tolist()
    [42.0]
    """
    reached = np.cumsum(curve.to_numpy(dtype=float)[:, :WEEKS], axis=1)
    share = np.hstack([np.zeros((len(reached), 1)), reached / reached[:, -1:]])
    days = {f"exit_days_p{percent}": _crossing(share, percent / 100) for percent in QUANTILES}
    return pd.DataFrame(days, index=curve.index)


def _crossing(share: Vector, level: float) -> Vector:
    """Days after which a rising step-wise linear share reaches the level."""
    week = np.argmax(share >= level, axis=1)
    row = np.arange(len(share))
    low, high = share[row, week - 1], share[row, week]
    return np.asarray(WEEK_DAYS * (week - 1 + (level - low) / (high - low)))


def _hazard(weights: Vector, logit: Vector, *, weeks: int) -> Vector:
    design = _design(weeks)
    level = np.asarray(design[:, :_LEVELS] @ weights[:_LEVELS])
    slope = np.asarray(design[:, _LEVELS:] @ weights[_LEVELS:])
    return _expit(level[None, :] + slope[None, :] * logit[:, None])


def _design(weeks: int) -> Vector:
    """Legendre polynomials of the week, for the level and for the slope."""
    time = np.linspace(-1, 1, weeks)
    degree = max(_LEVELS, _SLOPES) - 1
    basis = np.polynomial.legendre.legvander(time, degree)
    return np.hstack([basis[:, :_LEVELS], basis[:, :_SLOPES]])


def _share_inside(weeks: int, window: LabelWindow) -> Vector:
    """Share of each week's days that lie in the label window."""
    starts = WEEK_DAYS * np.arange(weeks, dtype=float)
    overlap = np.minimum(starts + WEEK_DAYS, window.end_days) - np.maximum(starts, window.lead_days)
    return np.asarray(np.clip(overlap, 0, WEEK_DAYS) / WEEK_DAYS)


def _logit(probability: Vector) -> Vector:
    inside = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _expit(value: Vector) -> Vector:
    from scipy.special import expit

    return np.asarray(expit(value))
