"""The features that a preset reads, as this dataset can make them."""

from __future__ import annotations

from churnml.errors import InputError
from churnml.features import Feature, catalogue
from churnml.health.preset import Preset, read_preset, shipped_presets
from churnml.sources.dataset import Dataset


def health_features(dataset: Dataset, preset: Preset) -> tuple[Feature, ...]:
    """Features of the catalogue that the preset reads; those this data cannot have are left out.

    Raises
    ------
    InputError
        If the preset names a feature that is none, or none of its features can be made.
    """
    known = {feature.name: feature for feature in catalogue(dataset)}
    spelt = {name for shipped in shipped_presets() for name in read_preset(shipped).features}
    strange = [name for name in preset.features if name not in known and name not in spelt]
    if strange:
        raise InputError(
            f"The health preset names features that do not exist: {', '.join(strange)}. "
            "See `churnml features --list`; an attribute needs [customers] immutable."
        )
    used = tuple(known[name] for name in preset.features if name in known)
    if not used:
        raise InputError("None of the features of the health preset can be made from this data.")
    return used
