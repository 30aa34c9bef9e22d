"""What is told of a customer: of each topic what changed, else what stands out among all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from churnml.explanation.changes import Change, Peers
from churnml.explanation.past import Past
from churnml.explanation.telling import is_learned, is_sum, says_the_same
from churnml.explanation.topics import Topic, topic_of
from churnml.features import Feature, Unit

#: Managers read two or three reasons.
REASONS = 3
#: An unchanged state is told only of customers known for so many weeks before.
LEAST_WEEKS = 4


@dataclass(frozen=True)
class Told:
    """A reason before it is worded.

    Parameters
    ----------
    topic : Topic
    feature : Feature
        The one that tells the topic, with the direction in which it is riskier.
    change : Change
    peers : Peers, optional
        Where the level is what is told and not a change.
    """

    topic: Topic
    feature: Feature
    change: Change
    peers: Peers | None = None


def choose(
    found: Sequence[Topic],
    tellers: Mapping[str, Sequence[Feature]],
    past: Past,
    row: int,
    *,
    usual: pd.Series,
    most: int = REASONS,
) -> list[Told]:
    """The first topics that something tells, each play once, no two by the same rows.

    A topic is told by the subject whose signals weigh most together (tone, however it is measured)
    and by its strongest signal that went where it is riskier; if none did, by one that
    stands on the risky side of what is usual among all customers. What a fitted model says of
    messages tells only where no fact does. A topic that neither tells is no reason, whatever it
    weighs. What counts other signals is told by one of them, as if that had been the topic. Where
    no topic is told, the first level on the risky side is, if it did not move away from there.

    Parameters
    ----------
    found : sequence of Topic
        In the order in which they are told.
    tellers : mapping of str to sequence of Feature
        What may tell each signal.
    past : Past
    row : int
        Of the past.
    usual : Series of float, by feature
        The median of all customers at the as_of.
    most : int
        Number of reasons.
    """
    chosen: dict[str, Told] = {}
    for topic in found:
        if len(chosen) == most:
            break
        said = [one.feature for one in chosen.values()]
        plain = [
            one
            for one in _tellers_of(topic, tellers)
            if _about(topic, one).play not in chosen
            and not any(says_the_same(one, other) for other in said)
        ]
        told = _told(topic, plain, past, row, usual=usual)
        if told is not None:
            chosen[told.topic.play] = told
    standing = [] if chosen else _standing(found, tellers, past, row, usual=usual)
    return [*chosen.values(), *standing]


def _about(topic: Topic, feature: Feature) -> Topic:
    """The topic that a feature tells: its own, if the topic told by it only counts others."""
    if not topic.vague:
        return topic
    family, play = topic_of(feature)
    return replace(topic, family=family, play=play)


def _tellers_of(topic: Topic, tellers: Mapping[str, Sequence[Feature]]) -> list[Feature]:
    """What may tell a topic: first the subject whose signals weigh most together, facts first."""
    found = [(one, share) for name, share in zip(topic.signals, topic.shares, strict=True)
             for one in tellers[name][:1]]  # fmt: skip
    weights: dict[str, float] = {}
    for one, share in found:
        subject = one.subject["en"]
        weights[subject] = weights.get(subject, 0.0) + share
    every = [one for name in topic.signals for one in tellers[name]]
    return sorted(
        every, key=lambda one: (is_learned(one.value), -weights.get(one.subject["en"], 0.0))
    )


def _told(
    topic: Topic, plain: Sequence[Feature], past: Past, row: int, *, usual: pd.Series
) -> Told | None:
    standing: Told | None = None
    for feature in plain:
        change = past.change(row, feature.name)
        if change is None:
            continue
        if change.risky(feature.risk) and _is_news(feature, change):
            return Told(_about(topic, feature), feature, change)
        level = float(usual.get(feature.name, np.nan))
        stands = not change.changed and change.weeks >= LEAST_WEEKS
        if standing is None and stands and feature.risk * (change.now - level) > 0:
            standing = Told(_about(topic, feature), feature, change, Peers(level))
    return standing


def _standing(
    found: Sequence[Topic],
    tellers: Mapping[str, Sequence[Feature]],
    past: Past,
    row: int,
    *,
    usual: pd.Series,
) -> list[Told]:
    """The first level on the risky side of what is usual, if it did not move away from there."""
    for topic in found:
        for feature in _tellers_of(topic, tellers):
            change, level = past.change(row, feature.name), float(usual.get(feature.name, np.nan))
            if change is None or change.risky(-feature.risk):
                continue
            if feature.risk * (change.now - level) > 0:
                is_new = past.known_weeks(row) < LEAST_WEEKS
                return [Told(_about(topic, feature), feature, change, Peers(level, is_new))]
    return []


def _is_news(feature: Feature, change: Change) -> bool:
    """Whether a count moved by more than such counts move by chance (its square root)."""
    counted = feature.unit in (Unit.COUNT, Unit.DAYS) and is_sum(feature.value)
    was = change.was or 0.0
    return not counted or abs(change.now - was) >= math.sqrt(max(was, change.now))
