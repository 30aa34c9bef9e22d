"""Population shift: features whose values moved more than this company ever moves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.words import say
from churnml.features.declaration import Unit
from churnml.model.examples import Examples
from churnml.splits import ForwardFolds
from churnml.windows import DAY

CHECK = "population_shift"
#: A population stability index that matters, and how far beyond the usual one from block to block.
ALARM, BEYOND = 0.5, 5.0
#: And by how many spreads the mean moves, or what share becomes unknown.
MOVED_SPREADS, MOVED_UNKNOWN = 0.5, 0.25
BINS = 10
BLOCK_DAYS = 56
Vector = npt.NDArray[np.float64]


def population_shift(examples: Examples, *, folds: ForwardFolds) -> tuple[list[Finding], Check]:
    """The newest eight weeks against the eight before, and those against their own before.

    Growth and seasons move every feature a little from block to block; a feed that died, a unit
    that changed or another kind of customers move some all at once.
    """
    as_ofs = examples.as_ofs
    end = as_ofs.max() + DAY
    blocks = [
        examples.features[_between(examples, end - (back + 1) * BLOCK_DAYS * DAY, back, end)]
        for back in range(3)
    ]
    if min(len(block) for block in blocks) < 200:
        return [], Check(CHECK, None, say("few_blocks"))
    findings = []
    for name in _names(examples):
        new, old, older = (block[name].to_numpy(dtype=float) for block in blocks)
        moved, usual = stability(old, new), stability(older, old)
        much = moved > ALARM and moved > BEYOND * (usual + 0.02)
        if much and displaced(old, new):
            findings.append(_finding(name, moved, usual))
    seen = say("features", features=examples.features.shape[1])
    return findings, concluded(CHECK, findings, seen=seen)


def _names(examples: Examples) -> list[str]:
    """Numeric features; ranks within the as_of cannot drift, only their ties move."""
    return [
        feature.name
        for feature in examples.catalogue
        if not feature.is_category
        and feature.unit is not Unit.PERCENTILE
        and feature.name in examples.features
    ]


def _between(
    examples: Examples, start: pd.Timestamp, back: int, end: pd.Timestamp
) -> npt.NDArray[np.bool_]:
    until = end - back * BLOCK_DAYS * DAY
    inside = (examples.as_ofs >= start) & (examples.as_ofs < until)
    return np.asarray(inside & examples.population.to_numpy())


def displaced(old: Vector, new: Vector) -> bool:
    """Whether the middle moved by half a spread or many became unknown: ties move bins, not this.

    A heap of equal values that moves by a hair falls into another tenth as a whole.
    """
    unknown = abs(float(np.isnan(new).mean() - np.isnan(old).mean()))
    known = [values[~np.isnan(values)] for values in (old, new)]
    if unknown >= MOVED_UNKNOWN or not min(map(len, known)):
        return unknown >= MOVED_UNKNOWN
    low, high = np.quantile(known[0], [0.01, 0.99])
    before, after = (values.clip(low, high) for values in known)
    spread = max(float(before.std()), 1e-12)
    return abs(float(after.mean() - before.mean())) >= MOVED_SPREADS * spread


def stability(old: Vector, new: Vector) -> float:
    """Population stability index over the tenths of the old values and the unknown ones.

    References
    ----------
    .. [1] N. Siddiqi, *Credit Risk Scorecards*, 2006, ch. 8.
    """
    known = old[~np.isnan(old)]
    cuts = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = np.unique(np.quantile(known, cuts)) if len(known) else np.array([])
    shares = []
    for values in (old, new):
        there = values[~np.isnan(values)]
        counts = np.bincount(np.searchsorted(edges, there, side="right"), minlength=len(edges) + 1)
        shares.append((np.append(counts, len(values) - len(there)) + 0.5) / (len(values) + 0.5))
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def _finding(name: str, moved: float, usual: float) -> Finding:
    return Finding(
        CHECK,
        "warning",
        say("moved", name=name, moved=moved, usual=usual),
        feature=name,
        value=round(moved, 3),
    )
