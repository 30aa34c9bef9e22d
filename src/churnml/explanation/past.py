"""The same features of the same customers at earlier weekly as_ofs, each as known then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.explanation.changes import Change, change_of, level
from churnml.features import Feature, compute_features
from churnml.features.algebra import STAGED, walk
from churnml.snapshots import take_snapshots
from churnml.sources.dataset import Dataset

#: Earlier weeks that are looked at.
WEEKS = 12
#: Customers times as_ofs whose past is held at a time; 5,000 are about 200 megabytes.
PAIRS = 5_000
_WEEK = pd.Timedelta(days=7)


@dataclass(frozen=True)
class Past:
    """Weekly values of some snapshots, the oldest week first, the snapshot itself last.

    Parameters
    ----------
    pairs : MultiIndex of (customer_id, as_of)
    names : tuple of str
        Features.
    values : array, shape (n_pairs, WEEKS + 1, n_features)
        NaN where unknown, and where the customer was not at risk.
    """

    pairs: pd.MultiIndex
    names: tuple[str, ...]
    values: npt.NDArray[np.float64]

    def times(self, row: int) -> pd.DatetimeIndex:
        """The weekly as_ofs of a snapshot."""
        return _weeks_of(self.pairs[row][1])

    def known_weeks(self, row: int) -> int:
        """Earlier weeks of which anything is known: at which the customer was at risk."""
        return int((~np.isnan(self.values[row, :-1])).any(axis=1).sum())

    def change(self, row: int, name: str) -> Change | None:
        """How a feature went; None where it is not known now."""
        values = self.values[row, :, self.names.index(name)]
        return change_of(values, self.times(row))

    def level_before(self, row: int, names: Sequence[str], since: pd.Timestamp) -> dict[str, float]:
        """Median of each feature over the weeks before an instant, where one is known."""
        earlier = np.asarray(self.times(row) < since)
        found = {}
        for name in names:
            values = self.values[row, earlier, self.names.index(name)]
            known = values[~np.isnan(values)]
            if len(known):
                found[name] = level(known)
        return found


def past_in(table: pd.DataFrame, pairs: pd.MultiIndex, *, features: Sequence[Feature]) -> Past:
    """The weekly values of these snapshots, read from a table that holds them already.

    Parameters
    ----------
    table : DataFrame indexed by (customer_id, as_of)
        These features of everyone at risk at each of the weeks.
    pairs : MultiIndex of (customer_id, as_of)
    features : sequence of Feature
        Numbers only.
    """
    names = [feature.name for feature in features]
    values = table.reindex(_weekly(pairs))[names].to_numpy(dtype="float64")
    return Past(pairs, tuple(names), values.reshape(len(pairs), WEEKS + 1, len(names)))


def past_of(dataset: Dataset, pairs: pd.MultiIndex, *, features: Sequence[Feature]) -> Past:
    """The weekly values of these snapshots.

    Ranks and cohort rates are over everyone at risk at each of the weeks; features without them
    are computed for the snapshots alone.

    Parameters
    ----------
    dataset : Dataset
        Its messages heard as the model heard them.
    pairs : MultiIndex of (customer_id, as_of)
    features : sequence of Feature
        Numbers only.
    """
    weekly = _weekly(pairs)
    snapshots = take_snapshots(dataset, sorted(weekly.get_level_values("as_of").unique()))
    index = pd.MultiIndex.from_frame(snapshots[["customer_id", "as_of"]])
    kept = pd.Series(index.isin(weekly), index=snapshots.index)
    plain = [feature for feature in features if not _is_staged(feature)]
    staged = [feature for feature in features if _is_staged(feature)]
    found = pd.concat(
        [
            compute_features(dataset, snapshots[kept], features=plain),
            compute_features(dataset, snapshots, features=staged, kept=kept),
        ],
        axis=1,
    )
    return past_in(found, pairs, features=features)


def batches(pairs: pd.MultiIndex) -> Iterator[npt.NDArray[np.int64]]:
    """Positions of the pairs, a few as_ofs at a time."""
    moments = pairs.get_level_values("as_of")
    sizes = pd.Series(moments).value_counts().sort_index()
    number = (sizes.cumsum() - 1) // PAIRS
    of_pair = number.reindex(moments).to_numpy()
    for batch in np.unique(of_pair):
        yield np.flatnonzero(of_pair == batch)


def _weekly(pairs: pd.MultiIndex) -> pd.MultiIndex:
    """Every week of every pair, one pair after the other."""
    return pd.MultiIndex.from_tuples(
        [(customer, week) for customer, as_of in pairs for week in _weeks_of(as_of)],
        names=["customer_id", "as_of"],
    )


@lru_cache(maxsize=1024)
def _weeks_of(as_of: pd.Timestamp) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([as_of - _WEEK * back for back in range(WEEKS, -1, -1)])


def _is_staged(feature: Feature) -> bool:
    return any(isinstance(node, STAGED) for node in walk(feature.value))
