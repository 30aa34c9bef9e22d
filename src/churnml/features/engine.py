"""All features of all snapshots: what stood at each as_of, then what compares with its cohort.

The customers are taken in chunks, which bounds the memory; the values of a snapshot do not depend
on the chunks, on the other as_ofs that are asked for, or on the order of any rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from churnml.errors import InputError
from churnml.features.algebra import reads
from churnml.features.asked import Asked, ask
from churnml.features.catalogue import declared
from churnml.features.computing import Run
from churnml.features.declaration import Feature
from churnml.features.row_sources import SCORED_MESSAGES
from churnml.sources.backend import Query
from churnml.sources.dataset import Dataset

if TYPE_CHECKING:
    from churnml.sources.spark.statements import OnSpark

#: A statement over all features of a chunk needs so much.
_LEAST_MB = 512


def compute_features(
    dataset: Dataset,
    snapshots: pd.DataFrame,
    *,
    features: Sequence[Feature] | None = None,
    kept: pd.Series | None = None,
    chunk_customers: int | None = None,
) -> pd.DataFrame:
    """The value of each feature at each snapshot, from what was known strictly before it.

    Parameters
    ----------
    dataset : Dataset
    snapshots : DataFrame
        ``customer_id`` and ``as_of`` (naive UTC) of everyone at risk: ranks and cohort rates are
        over the snapshots given. ``spell_started_at``, if there, begins the tenure.
    features : sequence of Feature, optional
        Default: the catalogue of the dataset.
    kept : Series of bool, aligned with ``snapshots``, optional
        Snapshots that are wanted; default: all. The others only take part in ranks and rates.
    chunk_customers : int, optional
        Customers computed at a time; a matter of memory only.

    Returns
    -------
    DataFrame, shape (n_kept, n_features)
        Indexed by (customer_id, as_of), sorted; columns in the order of ``features``; float64, NaN
        where unknown; features of unit category hold words.

    Raises
    ------
    InputError
        If the snapshots lack a column, a value, or hold a customer twice at one as_of; if
        ``kept`` is not aligned; if a feature reads what does not exist.

    Examples
    --------
    >>> snapshots = ch.take_snapshots(dataset, [pd.Timestamp("2024-09-02")])
    >>> chosen = [one for one in ch.catalogue(dataset) if one.name in ("logins_7d", "logins_28d")]
    >>> table = ch.compute_features(dataset, snapshots, features=chosen)
    >>> list(table.columns), len(table) == len(snapshots)
    (['logins_7d', 'logins_28d'], True)
    """
    chosen = declared(dataset, features)
    asked = ask(snapshots, kept)
    if not asked.kept.any() or not chosen:
        return _empty(asked, chosen)
    run = Run(_listening(dataset, chosen), asked, chosen, chunk_customers)
    with dataset.home(dataset.connection) as backend:
        return run.compute(backend)


def feature_parts(
    dataset: Dataset,
    snapshots: pd.DataFrame,
    *,
    features: Sequence[Feature] | None = None,
    chunk_customers: int | None = None,
    memory_mb: int | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[pa.Table]:
    """The feature table part by part, in the order of customer and as_of; never whole in memory.

    Parameters
    ----------
    dataset, snapshots, features, chunk_customers
        As for ``compute_features``.
    memory_mb : int, optional
        What rows and statements may take beside the snapshots and the part at hand; what is more
        goes to disk. Half is for each, and for statements at least 512. Default: 128 MB for rows,
        and the database's own rule.
    progress : callable
        Called with the snapshots done and all snapshots.

    Yields
    ------
    Table
        ``customer_id``, ``as_of`` (naive UTC), then the features; null where unknown.

    Raises
    ------
    InputError
        As for ``compute_features``, or if the memory does not do.

    Examples
    --------
    >>> snapshots = ch.take_snapshots(dataset, [pd.Timestamp("2024-12-23")])
    >>> parts = ch.feature_parts(dataset, snapshots, features=examples.catalogue[:2])
    >>> sum(part.num_rows for part in parts) == len(snapshots)
    True
    """
    chosen = declared(dataset, features)
    asked = ask(snapshots, None)
    run = Run(_listening(dataset, chosen), asked, chosen, chunk_customers, progress)
    with dataset.home(dataset.connection) as backend:
        if memory_mb is None:
            yield from run.parts(backend)
            return
        run.memory = memory_mb * 2**20 // 2
        try:
            with backend.within(max(memory_mb // 2, _LEAST_MB)):
                yield from run.parts(backend)
        except MemoryError:
            raise InputError(
                f"{memory_mb} MB are too few for {len(chosen)} features. Allow more memory, or "
                "compute fewer features or fewer customers at a time."
            ) from None


def spread_features(
    dataset: Dataset,
    snapshots: pd.DataFrame,
    *,
    features: Sequence[Feature] | None = None,
    target: Path | str,
) -> None:
    """The feature table, written by the executors of Spark: it never is on this machine.

    Parameters
    ----------
    dataset : Dataset
        On Spark (``churnml.on_spark``).
    snapshots, features
        As for ``compute_features``.
    target : Path or str
        A folder, for Parquet with a part for each day of ``as_of``; or, as text, the name of a
        table of Spark's catalog. What is there of an earlier run is replaced.

    Raises
    ------
    InputError
        As for ``compute_features``, if the dataset is not on Spark, or if the target cannot be
        written.

    Examples
    --------
    >>> cluster = ch.on_spark(dataset, master="local[4]")  # doctest: +SKIP
    >>> ch.spread_features(cluster, snapshots, target="lake.features")  # doctest: +SKIP
    """
    chosen = declared(dataset, features)
    with features_there(dataset, snapshots, features=chosen) as (backend, query):
        if isinstance(target, Path):
            backend.partitions(query, target)
        else:
            backend.catalogue(query, target)


@contextmanager
def features_there(
    dataset: Dataset,
    snapshots: pd.DataFrame,
    *,
    features: Sequence[Feature],
    kept: pd.Series | None = None,
) -> Iterator[tuple[OnSpark, Query]]:
    """Spark, and what finds the feature table there beside its keys, while the context lasts.

    Parameters
    ----------
    dataset, snapshots, features, kept
        As for ``compute_features``.

    Raises
    ------
    InputError
        As for ``compute_features``, or if the dataset is not on Spark.
    """
    from churnml.sources.spark.statements import OnSpark

    run = Run(_listening(dataset, features), ask(snapshots, kept), tuple(features), None)
    with dataset.home(dataset.connection) as backend:
        if not isinstance(backend, OnSpark):
            raise InputError("The features are spread on Spark only: churnml.on_spark(dataset).")
        yield backend, run.keyed(backend)


def _listening(dataset: Dataset, features: Sequence[Feature]) -> Dataset:
    if not any(reads(feature.value, SCORED_MESSAGES) for feature in features):
        return dataset
    from churnml.text.hearing import heard  # word lists and models of texts take time to load

    return heard(dataset)


def _empty(asked: Asked, features: Sequence[Feature]) -> pd.DataFrame:
    index = asked.index(np.flatnonzero(asked.kept))
    columns = {
        feature.name: pd.Series(index=index, dtype="object" if feature.is_category else "float64")
        for feature in features
    }
    return pd.DataFrame(columns, index=index)
