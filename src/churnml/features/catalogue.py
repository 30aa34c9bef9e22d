"""All features of a dataset, in their one order."""

from __future__ import annotations

from churnml.features.declaration import Feature
from churnml.features.usage import usage
from churnml.sources.dataset import Dataset
from churnml.sources.description import Description


def catalogue(data: Dataset | Description) -> tuple[Feature, ...]:
    """Every feature that a dataset of this description can have."""
    description = data if isinstance(data, Description) else data.description
    return (*usage(description),)
