"""Columns of the canonical tables from numbers: instants, labels, and what is cut off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnml.sources.world.parameters import Floats, Ints


def instants(start: pd.Timestamp, seconds: Floats) -> pd.DatetimeIndex:
    """Naive UTC times from seconds after the start; NaN becomes NaT."""
    known = np.isfinite(seconds)
    whole = np.where(known, np.round(np.where(known, seconds, 0.0)), 0.0).astype(np.int64)
    times = start.as_unit("us").to_datetime64() + whole.astype("timedelta64[s]")
    return pd.DatetimeIndex(np.where(known, times, np.datetime64("NaT", "us"))).as_unit("us")


def labels(names: Sequence[str], codes: Ints) -> NDArray[np.object_]:
    """The name of each code; None for a negative code."""
    table = np.array([*names, None], dtype=object)
    return np.asarray(table[np.where(codes < 0, len(names), codes)])


def numbered(prefix: str, numbers: Ints) -> pd.Series:
    """Ids such as ``t000123-0004``: a prefix before each number."""
    return prefix + pd.Series(numbers).astype(str)


def serial_ids(prefix: str, numbers: Ints, who: Ints) -> NDArray[np.object_]:
    """Ids such as ``M000123-0004``: the customer's number and a running one, in the order given."""
    place = pd.Series(who).groupby(who).cumcount().tolist()
    owners = numbers[who].tolist()
    ids = [f"{prefix}{n:06d}-{k:04d}" for n, k in zip(owners, place, strict=True)]
    return np.array(ids, dtype=object)


def not_after(times: Floats, edges: Floats) -> Floats:
    """The times, NaN where they do not lie before the edge (a NaN edge is none)."""
    return np.where(np.isfinite(edges) & (times >= edges), np.nan, times)


def pick(shares: Floats, draw: Floats) -> Ints:
    """The column each draw falls into, with the (unnormalised) shares of its row."""
    cumulative = np.cumsum(shares, axis=1)
    place = (draw[:, None] * cumulative[:, -1:] >= cumulative).sum(axis=1)
    return np.asarray(place.clip(max=shares.shape[1] - 1))
