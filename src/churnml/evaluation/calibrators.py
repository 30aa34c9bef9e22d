"""Which calibrator, if any: fitted on older rows, accepted only if it wins on later ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnml.alerting.queue import Floats
from churnml.evaluation.resampling import customer_sums, ratio_interval, resampled_totals
from churnml.evaluation.words import say
from churnml.model.calibration import FITS, ISOTONIC, ISOTONIC_LEAVERS, RAW, Calibrator, Flags
from churnml.splits import complete
from churnml.spoken import Spoken
from churnml.windows import DAY, LabelWindow

#: Fewer people leaving than this in either block cannot decide.
MIN_LEAVERS = 50
#: The newest share of the time is for judging.
JUDGED_SHARE = 0.4
#: One-sided, each of three calibrators: together 5%.
CONFIDENCE = 1 - 0.05 / 3
_RESAMPLES = 1000
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Trial:
    """One calibrator on the later block.

    Parameters
    ----------
    method : str
    log_loss_gain, brier_gain : float
        Of what is in use minus its own, mean over rows; above zero is better.
    lower : float
        One-sided lower bound of the gain in log loss by paired bootstrap over customers.
    """

    method: str
    log_loss_gain: float
    brier_gain: float
    lower: float

    @property
    def wins(self) -> bool:
        """Better beyond doubt in log loss, and not worse in squared error."""
        return self.lower > 0 and self.brier_gain >= 0


@dataclass(frozen=True)
class Choice:
    """The calibrator that was accepted, or ``raw``, and why, in words.

    Parameters
    ----------
    judged : Calibrator
        As fitted on the older block: what the later block judged.
    calibrator : Calibrator
        The same method on all rows, for rows later still.
    reason : Spoken
    trials : tuple of Trial
    """

    judged: Calibrator
    calibrator: Calibrator
    reason: Spoken
    trials: tuple[Trial, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Method, reason and what was tried, as plain values."""
        tried = [
            {"method": one.method, "log_loss_gain": one.log_loss_gain,
             "brier_gain": one.brier_gain, "lower": one.lower}
            for one in self.trials
        ]  # fmt: skip
        return {
            "method": self.calibrator.method,
            "reason": str(self.reason),
            "reason_ru": self.reason.ru,
            "tried": tried,
        }


def choose_calibrator(
    logit: pd.Series,
    churned: pd.Series,
    *,
    window: LabelWindow,
    seed: int,
    current: Calibrator | None = None,
) -> Choice:
    """Raw, Platt, beta or isotonic: the best of those that win on a later block than their own.

    The later block holds the newest 40% of the time. A calibrator is fitted on rows whose label
    was closed when that block begins.

    Parameters
    ----------
    logit : Series of float indexed by (customer_id, as_of)
        Raw log-odds of rows that their model had not seen.
    churned : Series of bool, aligned with ``logit``
        Rows with a known label only.
    window : LabelWindow
    seed : int
    current : Calibrator, optional
        What is in use and must be beaten; None: the raw scores.

    Examples
    --------
    >>> as_ofs = pd.date_range("2024-01-01", periods=40, freq="7D")
    >>> keys = ["customer_id", "as_of"]
    >>> rows = pd.MultiIndex.from_product([list("abcdefgh"), as_ofs], names=keys)
    >>> logit = pd.Series([2.0, -2.0] * (len(rows) // 2), index=rows)
    >>> choice = ch.choose_calibrator(
    ...     logit, logit > 0, window=ch.LabelWindow(21, 28, 14), seed=7
    ... )
    >>> choice.calibrator.method in ("raw", "platt", "beta", "isotonic")
    True
    """
    current = current or Calibrator()
    early, late, begins = _cut(logit, window)
    people = [_leavers(churned[rows]) for rows in (early, late)]
    if min(people) < MIN_LEAVERS:
        few = say("calibrator_few", older=people[0], later=people[1], needed=MIN_LEAVERS)
        return _kept(current, few)
    before = logit[early].to_numpy(dtype=float), churned[early].to_numpy(dtype=bool)
    methods = [name for name in FITS if name != ISOTONIC or people[0] >= ISOTONIC_LEAVERS]
    fits = {name: FITS[name](*before) for name in methods}
    if current.method != RAW:
        fits[RAW] = Calibrator()
    trials = tuple(
        judge(fit, logit[late], churned[late], current=current, seed=seed) for fit in fits.values()
    )
    winners = [one for one in trials if one.wins]
    if not winners:
        return _kept(current, _none_wins(trials, begins), trials)
    best = max(winners, key=lambda one: one.log_loss_gain)
    everything = logit.to_numpy(dtype=float), churned.to_numpy(dtype=bool)
    final = fits[RAW] if best.method == RAW else FITS[best.method](*everything)
    reason = say(
        "calibrator_wins", method=say(best.method), begins=begins, change=-best.log_loss_gain,
        bound=-best.lower,
    )  # fmt: skip
    return Choice(fits[best.method], final, reason, trials)


def _none_wins(trials: tuple[Trial, ...], begins: pd.Timestamp) -> Spoken:
    best = max(trials, key=lambda one: one.log_loss_gain)
    return say(
        "calibrator_none", begins=begins, best=say(best.method), change=-best.log_loss_gain,
        bound=-best.lower,
    )  # fmt: skip


def judge(
    calibrator: Calibrator,
    logit: pd.Series,
    churned: pd.Series,
    *,
    seed: int,
    current: Calibrator | None = None,
) -> Trial:
    """The gain of a calibrator over what is in use (None: the raw scores) on the same rows.

    Parameters
    ----------
    logit : Series of float indexed by (customer_id, as_of)
    churned : Series of bool, aligned with ``logit``
    """
    raw, left = logit.to_numpy(dtype=float), churned.to_numpy(dtype=bool)
    before = (current or Calibrator()).probability(raw)
    after = calibrator.probability(raw)
    gains = pd.DataFrame(
        {
            "log_loss": _log_loss(before, left) - _log_loss(after, left),
            "brier": (before - left) ** 2 - (after - left) ** 2,
            "rows": 1.0,
        },
        index=logit.index,
    )
    sums = customer_sums(gains)
    totals = resampled_totals(sums, resamples=_RESAMPLES, seed=seed)
    lower = float(np.quantile(totals[:, 0] / totals[:, 2], 1 - CONFIDENCE))
    mean = sums.sum(axis=0)
    return Trial(calibrator.method, float(mean[0] / mean[2]), float(mean[1] / mean[2]), lower)


def _kept(current: Calibrator, why: Spoken, trials: tuple[Trial, ...] = ()) -> Choice:
    said = say("calibrator_kept", method=say(current.method), why=why)
    return Choice(current, current, said, trials)


def _cut(logit: pd.Series, window: LabelWindow) -> tuple[Flags, Flags, pd.Timestamp]:
    """Older rows whose label was closed when the later block begins, the later ones, and when."""
    as_ofs = pd.DatetimeIndex(logit.index.get_level_values("as_of"))
    if not len(as_ofs):
        nothing = np.zeros(0, dtype=bool)
        return nothing, nothing, pd.Timestamp(0)
    last, first = as_ofs.max(), as_ofs.min()
    begins = last - pd.Timedelta(days=int(JUDGED_SHARE * ((last - first) / DAY)))
    return complete(as_ofs, window=window, tested=begins), np.asarray(as_ofs >= begins), begins


def _leavers(churned: pd.Series) -> int:
    return int(churned.index[churned.to_numpy(dtype=bool)].get_level_values(0).nunique())


def _log_loss(probability: Floats, left: Floats) -> Floats:
    inside = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(-np.where(left, np.log(inside), np.log1p(-inside)))


def calibration_by_segment(
    probability: pd.Series, churned: pd.Series, segments: Mapping[str, pd.Series], *, seed: int
) -> list[dict[str, Any]]:
    """Expected and observed leavers of each segment, with an interval of their ratio.

    Parameters
    ----------
    probability : Series of float indexed by (customer_id, as_of)
    churned : Series of bool, aligned with ``probability``
    segments : mapping of str to Series of str
        Attribute to each row's value, aligned with ``probability``; unknown rows are left out.

    Returns
    -------
    list of dict
        ``by``, ``segment``, ``rows``, ``customers``, ``expected``, ``observed``, ``ratio``
        (observed / expected), ``interval`` (95%, customers resampled; None where it says nothing).
    """
    names: list[tuple[str, str]] = []
    columns: list[Floats] = []
    said, came = probability.to_numpy(dtype=float), churned.to_numpy(dtype=float)
    for by, values in segments.items():
        for segment in sorted(values.dropna().unique()):
            inside = (values == segment).to_numpy(dtype=float)
            names.append((by, str(segment)))
            columns += [inside, inside * said, inside * came]
    if not names:
        return []
    sums = customer_sums(pd.DataFrame(np.stack(columns, axis=1), index=probability.index))
    totals = resampled_totals(sums, seed=seed)
    return [
        _segment(by, segment, sums[:, 3 * at : 3 * at + 3], totals[:, 3 * at : 3 * at + 3])
        for at, (by, segment) in enumerate(names)
    ]


def _segment(by: str, segment: str, sums: Floats, totals: Floats) -> dict[str, Any]:
    rows, expected, observed = (float(value) for value in sums.sum(axis=0))
    interval = ratio_interval(totals[:, 2], totals[:, 1])
    return {
        "by": by,
        "segment": segment,
        "rows": int(rows),
        "customers": int((sums[:, 0] > 0).sum()),
        "expected": expected,
        "observed": int(observed),
        "ratio": observed / expected if expected > 0 else None,
        "interval": None if interval is None or observed == 0 else list(interval),
    }
