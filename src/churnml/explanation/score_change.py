"""Why a score differs from an earlier one: additive in log-odds, by topic, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnml.explanation.attribution import TOLERANCE, explain
from churnml.explanation.telling import is_composite, told_by
from churnml.explanation.topics import topic_of
from churnml.explanation.wording import Voice
from churnml.explanation.wording.sentences import quantity
from churnml.features import Feature, Unit
from churnml.model.bundle import Bundle
from churnml.spoken import LANGUAGES

COLUMNS = (
    "customer_id", "family", "play", "feature", "contribution_then", "contribution_now", "then",
    "now", "difference", "text_en", "text_ru",
)  # fmt: skip


def score_change(
    bundle: Bundle,
    then: pd.DataFrame,
    now: pd.DataFrame,
    *,
    features: Sequence[Feature],
    voices: Mapping[str, Voice],
) -> pd.DataFrame:
    """What each topic adds to the change of the log-odds, the largest first for each customer.

    Parameters
    ----------
    bundle : Bundle
    then, now : DataFrame indexed by (customer_id, as_of)
        Features of the same customers, in the same order.
    features : sequence of Feature
        The model's.
    voices : mapping of str to Voice
        How each language is spoken of this dataset.

    Returns
    -------
    DataFrame
        ``COLUMNS``; a topic is a family and a play, ``feature`` tells it, with its values then and
        now. The differences of a customer add up to the change of the log-odds.

    Raises
    ------
    ArithmeticError
        If they do not.
    """
    shares = [explain(bundle.ensemble, rows) for rows in (then, now)]
    names = [str(name) for name in shares[0]]
    earlier, later = (share.to_numpy() for share in shares)
    moved = later - earlier
    total = bundle.ensemble.logit(now) - bundle.ensemble.logit(then)
    gap = np.abs(moved.sum(axis=1) - total)
    if len(gap) and gap.max() > 2 * TOLERANCE:
        raise ArithmeticError(f"Differences miss the change of the log-odds by {gap.max():.2g}.")
    known = {feature.name: feature for feature in features}
    members: dict[tuple[str, str], list[int]] = {}
    for place, name in enumerate(names):
        if name in known:  # the bias is the same at any time
            members.setdefault(topic_of(known[name]), []).append(place)
    tellers = {name: _teller(feature, features) for name, feature in known.items()}
    records = []
    for row, customer in enumerate(now.index.get_level_values("customer_id")):
        for topic, places in members.items():
            strongest = max(places, key=lambda place: abs(moved[row, place]))
            teller = tellers[names[strongest]]
            values = [frame[teller.name].iloc[row] for frame in (then, now)]
            parts = [float(share[row, places].sum()) for share in (earlier, later)]
            told = _told(teller, values, parts[1] - parts[0], voices=voices)
            records.append((customer, *topic, teller.name, *parts, *told))
    found = pd.DataFrame(records, columns=list(COLUMNS)).assign(
        size=lambda table: -table["difference"].abs()
    )
    ordered = found.sort_values(["customer_id", "size"], kind="stable", ignore_index=True)
    return ordered.drop(columns="size")


def _told(
    feature: Feature, values: Sequence[Any], difference: float, *, voices: Mapping[str, Voice]
) -> tuple[Any, ...]:
    texts = [_text(feature, values, difference, voice=voices[one]) for one in LANGUAGES]
    return (*map(_plain, values), difference, *texts)


def _teller(feature: Feature, features: Sequence[Feature]) -> Feature:
    """A plain number in place of a deviation, rank or ratio, where the model has one.

    What counts other signals stands for itself: which of them moved the score is not known.
    """
    if is_composite(feature.value):
        return feature
    return next(iter(told_by(feature, features)), feature)


def _text(feature: Feature, values: Sequence[Any], difference: float, *, voice: Voice) -> str:
    subject = feature.title[voice.language]
    then, now = (_said(feature, value, voice) for value in values)
    if voice.language == "en":
        way = "a higher" if difference > 0 else "a lower"
        return f"{subject}: {then} before, {now} now, goes with {way} risk"
    way = "ростом" if difference > 0 else "снижением"
    return (
        f"{subject}: было {then}, стало {now}, связано с{'о' if way[0] == 'с' else ''} {way} риска"
    )


def _said(feature: Feature, value: Any, voice: Voice) -> str:
    if pd.isna(value):
        return "unknown" if voice.language == "en" else "неизвестно"
    if feature.is_category:
        return str(value)
    if feature.unit is Unit.FLAG:
        words = {"en": ("no", "yes"), "ru": ("нет", "да")}[voice.language]
        return words[int(value > 0)]
    return quantity(feature, float(value), voice)


def _plain(value: Any) -> float | None:
    """The value as a number; words and the unknown are None."""
    return None if isinstance(value, str) or pd.isna(value) else float(value)
