"""The strongest signals again as ranks among everyone at the same as_of.

Ranks survive what moves everyone at once: seasons, outages, a term that runs out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from churnml.features.algebra import Percentile
from churnml.features.declaration import Feature, Unit

_RANKED = (
    "active_days_28d", "events_28d", "days_since_activity", "activity_silence_in_gaps",
    "events_own_deviation_4w", "events_drop_strength", "key_use_28d", "functions_used_28d",
    "purchase_days_84d", "purchase_value_84d", "missed_tasks_weight", "event_value_mean_ever",
    "days_early_84d", "purchase_days_ever", "purchase_value_ever",
    "messages_84d", "resolution_hours_84d", "open_rate_84d", "nps_last",
)  # fmt: skip


def comparison(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Percentiles of the strongest features."""
    by_name = {feature.name: feature for feature in features}
    return tuple(_ranked(by_name[name]) for name in _RANKED if name in by_name)


def _ranked(feature: Feature) -> Feature:
    return replace(
        feature,
        name=f"{feature.name}_percentile",
        value=Percentile(feature.value),
        title={
            "en": f"{feature.title['en']}: rank among all customers",
            "ru": f"{feature.title['ru']}: место среди всех клиентов",
        },
        unit=Unit.PERCENTILE,
        subject={},
        days=None,
    )
