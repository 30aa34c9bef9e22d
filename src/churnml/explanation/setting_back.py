"""What the score would be with one topic as it was: the model asked again, not the world."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from churnml.explanation.changes import Change
from churnml.explanation.past import Past
from churnml.explanation.topics import Topic, topic_of
from churnml.features import Feature
from churnml.model.bundle import Bundle


def would_lower(
    bundle: Bundle,
    rows: pd.DataFrame,
    past: Past,
    told: Sequence[tuple[int, Topic, Change]],
    *,
    features: Sequence[Feature],
) -> list[float | None]:
    """By how much the probability is lower once the features of a topic are set back.

    All features of the topic take their median of the weeks before the change; what is not known
    of then stays as it is. None where nothing changed or the score would not be lower.

    Parameters
    ----------
    bundle : Bundle
    rows : DataFrame indexed by (customer_id, as_of)
    past : Past
        Of the same rows in the same order.
    told : sequence of (row, topic, change)
    features : sequence of Feature
        The model's.
    """
    changed = [number for number, (_, _, change) in enumerate(told) if change.changed]
    result: list[float | None] = [None] * len(told)
    if not changed:
        return result
    at = [told[number][0] for number in changed]
    levels = [_before(past, *told[number], features=features) for number in changed]
    now = bundle.predict(rows.iloc[at].reset_index(drop=True)).to_numpy()
    then = bundle.predict(_set_back(rows.iloc[at], levels)).to_numpy()
    for number, less in zip(changed, (now - then).tolist(), strict=True):
        result[number] = less if less > 0 else None
    return result


def _before(
    past: Past, row: int, topic: Topic, change: Change, *, features: Sequence[Feature]
) -> dict[str, float]:
    """The features of a topic as they were before the change, as far as known."""
    assert change.since is not None
    names = [
        one.name
        for one in features
        if topic_of(one) == (topic.family, topic.play) and one.name in past.names
    ]
    return past.level_before(row, names, change.since)


def _set_back(rows: pd.DataFrame, levels: Sequence[dict[str, float]]) -> pd.DataFrame:
    names = sorted({name for level in levels for name in level})
    values = rows[names].to_numpy(dtype="float64", copy=True)
    for place, level in enumerate(levels):
        for name, value in level.items():
            values[place, names.index(name)] = value
    before = rows.reset_index(drop=True)
    return before.assign(**dict(zip(names, values.T, strict=True)))
