"""Scores that need no model: chance, and the sum of ranks of a few obvious signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml.alerting.queue import (
    ABSENT,
    DAY_US,
    Around,
    Floats,
    Integers,
    Policy,
    deepest,
    replay,
)
from churnml.errors import InputError
from churnml.evaluation.leads import (
    USEFUL_FROM_DAYS,
    Outlook,
    best_notices,
    queue_figures,
)

DRAWS = 100


def random_scores(snapshots: pd.DataFrame, *, seed: int) -> pd.Series:
    """A uniform score per row that depends on customer_id, as_of and the seed alone.

    Parameters
    ----------
    snapshots : DataFrame
        customer_id and as_of; one row each.
    seed : int

    Returns
    -------
    Series of float in [0, 1), shape (n_rows,), aligned with ``snapshots``
    """
    keys = pd.MultiIndex.from_arrays([snapshots["as_of"], snapshots["customer_id"].astype(str)])
    codes, _ = pd.factorize(keys, sort=True)
    dice = np.random.default_rng(seed).random(len(snapshots))
    return pd.Series(dice[codes], index=snapshots.index, name="score")


def rank_sum(
    signals: pd.DataFrame, as_ofs: pd.Series, *, signs: Mapping[str, int] | None = None
) -> pd.Series:
    """The mean over signals of their rank within the as_of; a missing value takes the middle.

    Ranks run over (0, 1), ties share theirs, so every signal weighs the same however many
    customers have it. No fit, hence no fold: a serious rival of every model.

    Parameters
    ----------
    signals : DataFrame of float, shape (n_rows, n_signals)
    as_ofs : Series of datetime64, shape (n_rows,), row by row as in ``signals``
    signs : mapping of str to int, optional
        +1 where a high value speaks for leaving, -1 where it speaks against; default: all +1.
        Only the columns named here are used.

    Returns
    -------
    Series of float in (0, 1), shape (n_rows,), aligned with ``signals``

    Raises
    ------
    InputError
        If lengths differ, a named column is absent or no column is left.

    Examples
    --------
    >>> signals = pd.DataFrame({"silence": [3.0, 30.0, None], "orders": [9.0, 1.0, 5.0]})
    >>> as_ofs = pd.Series([pd.Timestamp("2026-01-05")] * 3)
    >>> rank_sum(signals, as_ofs, signs={"silence": 1, "orders": -1}).round(3).tolist()
    [0.208, 0.792, 0.5]
    """
    signs = dict.fromkeys(signals.columns, 1) if signs is None else signs
    absent = sorted(set(signs) - set(signals.columns))
    if absent or not signs:
        raise InputError(f"rank_sum needs signals; absent: {', '.join(absent) or 'all'}.")
    if len(as_ofs) != len(signals):
        raise InputError(f"{len(as_ofs)} as_ofs for {len(signals)} rows; expected one per row.")
    signed = pd.DataFrame(
        {name: signals[name].astype(float) * sign for name, sign in signs.items()}
    )
    groups = signed.groupby(as_ofs.to_numpy())
    places = (groups.rank(method="average") - 0.5) / groups.transform("count")
    return places.where(signed.notna(), 0.5).mean(axis=1).rename("score")


@dataclass(frozen=True, slots=True)
class Chance:
    """What random scores reach in the same queue on the same rows, averaged over many draws.

    Parameters
    ----------
    figures : dict of float
        The figures of the queue, averaged over the draws.
    caught : array of float, shape (n_customers, n_places)
        Share of the draws in which the exit got a useful alert.
    """

    figures: dict[str, float]
    caught: Floats

    def recall(self, ahead: Outlook, drawn: Integers) -> float:
        """The recall that chance reaches over the exits of drawn customers."""
        counted = ahead.counted[drawn]
        return float(self.caught[drawn][counted].mean()) if counted.any() else np.nan


def random_keys(scored: Floats, *, seed: int, draw: int) -> Floats:
    """One draw of uniform keys where there is a score, ``ABSENT`` elsewhere."""
    dice = np.random.default_rng([seed, draw]).random(scored.shape)
    return np.where(scored > ABSENT, dice, ABSENT)


def chances(
    ahead: Outlook,
    scored: Floats,
    policies: Mapping[str, Policy],
    *,
    seed: int,
    draws: int = DRAWS,
    around: Around | None = None,
) -> dict[str, Chance]:
    """Random scores replayed through the queue of every policy, at its load.

    Parameters
    ----------
    ahead : Outlook
    scored : array, shape (n_as_ofs, n_customers)
        Keys of any score; only where there is one matters.
    policies : mapping of str to Policy
    seed, draws : int
    around : Around, optional
        What keeps alerts back besides, for policies with options.

    Returns
    -------
    dict of Chance, under the names of the policies
    """
    tallies = {name: _Tally.empty(ahead) for name in policies}
    lowest = {
        name: random_floors(scored, ahead.grid.times, policy) for name, policy in policies.items()
    }
    for draw in range(draws):
        keys = random_keys(scored, seed=seed, draw=draw)
        for name, policy in policies.items():
            alerts = replay(keys, ahead.grid.times, policy, floors=lowest[name], around=around)
            tallies[name].add(ahead, *alerts)
    return {name: tally.mean() for name, tally in tallies.items()}


def random_floors(scored: Floats, times: Integers, policy: Policy) -> Floats:
    """Keys that alerts of a random score are expected to exceed, for ``replay``."""
    present = np.count_nonzero(scored > ABSENT, axis=1)
    depth = np.array([policy.load(int(count)) for count in present]) * deepest(times, policy)
    return np.asarray(1 - np.minimum(1.0, (depth + 4 * np.sqrt(depth)) / np.maximum(present, 1)))


@dataclass(slots=True)
class _Tally:
    """Figures and catches, draw by draw."""

    figures: list[dict[str, float]]
    caught: Floats

    @classmethod
    def empty(cls, ahead: Outlook) -> _Tally:
        return cls([], np.zeros(ahead.counted.shape))

    def add(self, ahead: Outlook, lines: Integers, columns: Integers) -> None:
        self.figures.append(queue_figures(ahead, lines, columns))
        best = best_notices(ahead, lines, columns)
        self.caught += best >= USEFUL_FROM_DAYS * DAY_US

    def mean(self) -> Chance:
        draws, averaged = len(self.figures), pd.DataFrame(self.figures).mean()
        figures = {str(name): float(value) for name, value in averaged.items()}
        return Chance(figures, self.caught / draws)


def above_random(recall: float, random: float) -> float:
    """The share of what chance leaves that the score catches: ``(recall - r) / (1 - r)``."""
    return (recall - random) / (1 - random) if random < 1 else np.nan
