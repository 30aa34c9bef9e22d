"""Topics: signals of one family that one play answers, with what they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.explanation.telling import is_composite
from churnml.features import Feature


@dataclass(frozen=True)
class Topic:
    """One thing to say of a customer.

    Parameters
    ----------
    family, play : str
    weight : float
        Log-odds of all its signals with a known direction, those that speak against it included.
    signals : tuple of str
        Its features that raise the score, the strongest first.
    shares : tuple of float
        Log-odds of each signal.
    vague : bool
        Whether its signals only count others.
    """

    family: str
    play: str
    weight: float
    signals: tuple[str, ...]
    shares: tuple[float, ...] = ()
    vague: bool = False


def topic_of(feature: Feature) -> tuple[str, str]:
    """Family and play: what is told together."""
    return str(feature.family), feature.play


def topics(contributions: pd.DataFrame, *, features: Sequence[Feature]) -> list[list[Topic]]:
    """The topics that raise each score, heaviest first; those that only count others come last.

    Signals whose direction is not known are left out: nobody could say from them what is wrong.

    Parameters
    ----------
    contributions : DataFrame, shape (n_snapshots, n_features + 1)
        SHAP values with the column ``bias``, as ``explain`` returns them.
    features : sequence of Feature
        The catalogue, for families, plays and directions.
    """
    known = {feature.name: feature for feature in features}
    names = [str(name) for name in contributions if name in known and known[str(name)].risk]
    if not names:
        return [[] for _ in range(len(contributions))]
    values = contributions[names].to_numpy(dtype="float64")
    members: dict[tuple[str, str], list[int]] = {}
    for place, name in enumerate(names):
        members.setdefault(topic_of(known[name]), []).append(place)
    vague = frozenset(name for name in names if is_composite(known[name].value))
    return [_of_row(row, members, names, vague) for row in values]


def _of_row(
    values: npt.NDArray[np.float64],
    members: Mapping[tuple[str, str], Sequence[int]],
    names: Sequence[str],
    vague: frozenset[str],
) -> list[Topic]:
    """The topics of one row in order; equals in that of the catalogue."""
    found = []
    for (family, play), places in members.items():
        raising = sorted((p for p in places if values[p] > 0), key=lambda p: -values[p])
        weight = float(values[list(places)].sum())
        if weight > 0:
            signals = tuple(names[p] for p in raising)
            shares = tuple(float(values[p]) for p in raising)
            found.append(Topic(family, play, weight, signals, shares, vague.issuperset(signals)))
    return sorted(found, key=lambda topic: (topic.vague, -topic.weight))
