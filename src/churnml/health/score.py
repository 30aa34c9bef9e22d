"""Health from features: risk of each group between 0 and 1, then one number and a colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.errors import InputError
from churnml.health.preset import Group, Preset, Signal

GREEN, YELLOW, RED = "green", "yellow", "red"
COLOURS = (GREEN, YELLOW, RED)
WELL = 100.0

_NOTHING_KNOWN = "no signal of any group is known"


def health(features: pd.DataFrame, preset: Preset) -> pd.DataFrame:
    """Health, colour and what it is made of.

    A group without a known signal is left out and the others weigh more; without any known group
    the health is unknown.

    Parameters
    ----------
    features : DataFrame indexed by (customer_id, as_of)
        Ranks run over the rows of the same as_of: give everyone at risk.
    preset : Preset

    Returns
    -------
    DataFrame, aligned with ``features``
        ``health`` (0 to 100, 100 = well; NaN unknown), ``colour`` (None unknown), ``missing``
        (names of the groups that are unknown, with commas), ``reason`` (why the health is
        unknown, else None).
    """
    risks = group_risks(features, preset)
    known = risks.notna()
    weights = _weights(features, preset)[risks.columns].where(known, 0.0)
    whole = weights.sum(axis=1)
    risk = (weights * risks.where(known, 0.0)).sum(axis=1) / whole.where(whole > 0)
    points = (WELL * (1.0 - risk)).clip(upper=_ceiling(risks, preset))
    groups = list(risks.columns)
    missing = [
        ", ".join(group for group, there in zip(groups, line, strict=True) if not there)
        for line in known.to_numpy().tolist()
    ]
    return pd.DataFrame(
        {
            "health": points,
            "colour": colours(points, preset),
            "missing": pd.Series(missing, index=points.index, dtype="str"),
            "reason": pd.Series(
                [_NOTHING_KNOWN if unknown else None for unknown in points.isna()],
                index=points.index,
                dtype="object",
            ),
        }
    )


def health_table(features: pd.DataFrame, preset: Preset) -> pd.DataFrame:
    """The health and that of each group (``group_usage``, …), 100 = well, unknown as NaN."""
    groups = WELL * (1.0 - group_risks(features, preset))
    return health(features, preset).join(groups.add_prefix("group_"))


def colours(points: pd.Series, preset: Preset) -> pd.Series:
    """Green, yellow or red; None where the health is unknown."""
    colour = pd.Series(RED, index=points.index, dtype="object")
    colour[points >= preset.yellow_from] = YELLOW
    colour[points >= preset.green_from] = GREEN
    return colour.where(points.notna(), None)


def rows_by_colour(colour: pd.Series) -> dict[str, int]:
    """How many rows are green, yellow, red and unknown."""
    counts = {name: int((colour == name).sum()) for name in COLOURS}
    return counts | {"unknown": int(colour.isna().sum())}


def risk_points(features: pd.DataFrame, preset: Preset) -> pd.Series:
    """Sum of the weights of the groups, as far as they are ill: more is riskier.

    The points of the sources are added, not averaged: what is unknown gives none.
    """
    risks = group_risks(features, preset)
    return (_weights(features, preset)[risks.columns] * risks).sum(axis=1)


def group_risks(features: pd.DataFrame, preset: Preset) -> pd.DataFrame:
    """Risk of each group between 0 (well) and 1 (ill); NaN where no signal of it is known.

    Raises
    ------
    InputError
        If no signal of the preset is among the features.
    """
    if not set(preset.features) & set(features.columns):
        raise InputError(
            "None of the features of the health preset is there: "
            f"{', '.join(preset.features[:5])}. See `churnml features --list` for what this data "
            "has."
        )
    return pd.DataFrame({g.name: _group_risk(features, g) for g in preset.groups})


def _group_risk(features: pd.DataFrame, group: Group) -> pd.Series:
    used = [signal for signal in group.signals if signal.feature in features]
    if not used:
        return pd.Series(np.nan, index=features.index)
    risks = np.column_stack([_signal_risk(features, signal).to_numpy() for signal in used])
    weights = np.array([signal.weight for signal in used])
    return pd.Series(_COMBINE[group.combine](risks, weights), index=features.index)


Floats = npt.NDArray[np.float64]


def _mean(risks: Floats, weights: Floats) -> Floats:
    known = ~np.isnan(risks)
    whole = known @ weights
    total = np.where(known, risks, 0.0) @ weights
    return np.asarray(np.divide(total, whole, out=np.full(len(risks), np.nan), where=whole > 0))


def _worst(risks: Floats, weights: Floats) -> Floats:
    worst = np.where(np.isnan(risks), -np.inf, risks).max(axis=1)
    return np.asarray(np.where(np.isneginf(worst), np.nan, worst))


def _first(risks: Floats, weights: Floats) -> Floats:
    place = (~np.isnan(risks)).argmax(axis=1)
    return np.asarray(risks[np.arange(len(risks)), place])


_COMBINE: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "mean": _mean,
    "worst": _worst,
    "first": _first,
}


def _signal_risk(features: pd.DataFrame, signal: Signal) -> pd.Series:
    values = features[signal.feature].astype("float64")
    if signal.rank is not None:
        return _worse_than(values * signal.rank)
    if signal.above is not None:
        return (values > signal.above).astype("float64").where(values.notna())
    assert signal.well is not None
    assert signal.ill is not None
    return ((values - signal.well) / (signal.ill - signal.well)).clip(0.0, 1.0)


def _worse_than(badness: pd.Series) -> pd.Series:
    """Share of the others at the same as_of whose value is better; equal values are no worse."""
    groups = badness.groupby(level="as_of")
    others = groups.transform("count") - 1
    better = groups.rank(method="min") - 1
    return (better / others.where(others > 0, 1)).where(badness.notna())


def _weights(features: pd.DataFrame, preset: Preset) -> pd.DataFrame:
    """Weight of each group for each row: the segment's where it names one, else the general."""
    general = pd.DataFrame(preset.weights, index=features.index)
    if preset.segments is None or preset.segment_feature not in features:
        return general
    segment = features[preset.segment_feature].astype("object")
    for value, weights in preset.segments.weights.items():
        for name, weight in weights.items():
            general.loc[(segment == value).to_numpy(), name] = weight
    return general


def _ceiling(risks: pd.DataFrame, preset: Preset) -> pd.Series:
    """The health that the caps of the groups allow: lower, the more ill the group is."""
    capped = {
        g.name: WELL - (WELL - g.cap) * risks[g.name] for g in preset.groups if g.cap is not None
    }
    if not capped:
        return pd.Series(WELL, index=risks.index)
    allowed = pd.DataFrame(capped).min(axis=1)
    return allowed.where(allowed.notna(), WELL)
