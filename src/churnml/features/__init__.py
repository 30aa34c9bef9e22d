"""What is known of a customer at an as_of, as numbers: declared once, computed in one place."""

from __future__ import annotations

from churnml.features.catalogue import catalogue, with_features
from churnml.features.declaration import Family, Feature, Unit, describe, feature_digest
from churnml.features.engine import compute_features, feature_parts, spread_features
from churnml.features.value import annual_revenue

__all__ = [
    "Family",
    "Feature",
    "Unit",
    "annual_revenue",
    "catalogue",
    "compute_features",
    "describe",
    "feature_digest",
    "feature_parts",
    "spread_features",
    "with_features",
]
