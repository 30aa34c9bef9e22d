"""What the dictionary shows of each signal, and the measures above; no markup here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from churnml.features import Feature
from churnml.features.definition import columns_of, definition
from churnml.spoken import Language


@dataclass(frozen=True)
class Entry:
    """One signal as a reader sees it; known and share are None where they were not measured."""

    name: str
    title: str
    family: str
    unit: str
    risk: int
    play: str
    definition: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    known: float | None
    share: float | None


def entries(
    features: Sequence[Feature],
    *,
    values: pd.DataFrame | None = None,
    strength: pd.Series | None = None,
    language: Language,
) -> tuple[Entry, ...]:
    """The signals, the most influential first, else in the order of the catalogue.

    Parameters
    ----------
    features : sequence of Feature
    values : DataFrame, optional
        Computed features, whose known share is shown.
    strength : Series of float indexed by feature, optional
        Mean absolute SHAP values.
    language : {"en", "ru"}
    """
    found = [_entry(feature, values, strength, language) for feature in features]
    return tuple(sorted(found, key=lambda one: -(one.share or 0.0)))


def _entry(
    feature: Feature, values: pd.DataFrame | None, strength: pd.Series | None, language: Language
) -> Entry:
    known = share = None
    if values is not None and feature.name in values:
        known = float(values[feature.name].notna().mean())
    if strength is not None:
        share = float(strength.get(feature.name, 0.0)) / (float(strength.sum()) or 1.0)
    return Entry(
        name=feature.name,
        title=feature.title[language],
        family=str(feature.family),
        unit=str(feature.unit),
        risk=feature.risk,
        play=feature.play,
        definition=definition(feature.value).in_(language),
        columns=columns_of(feature.value),
        tables=feature.tables,
        known=known,
        share=share,
    )
