"""The snapshots asked for: checked, in their final order, with numbers for customers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from churnml import arguments
from churnml.errors import InputError


@dataclass(frozen=True)
class Asked:
    """Snapshots in the order of customer and as_of.

    Parameters
    ----------
    customers : Index of str
        Sorted; their places are the numbers of the customers.
    c : array of int32, shape (n,)
        Number of the customer.
    times : array of datetime64[us], shape (n,)
    kept : array of bool, shape (n,)
        Whether the snapshot is wanted, or only takes part in ranks and rates.
    spell : array of datetime64[us], shape (n,), optional
        Begin of the tenure; None: not given.
    """

    customers: pd.Index
    c: np.ndarray
    times: np.ndarray
    kept: np.ndarray
    spell: np.ndarray | None

    def __len__(self) -> int:
        return len(self.c)

    @cached_property
    def names(self) -> pa.Array:
        """The customers as Arrow text."""
        return pa.array(self.customers, pa.string())

    def index(self, rows: np.ndarray) -> pd.MultiIndex:
        """(customer_id, as_of) of these rows."""
        codes, as_ofs = pd.factorize(self.times[rows], sort=True)
        index = pd.MultiIndex(
            levels=[self.customers, pd.DatetimeIndex(as_ofs)],
            codes=[self.c[rows], codes],
            names=["customer_id", "as_of"],
            verify_integrity=False,
        )
        return index.remove_unused_levels()

    def keys(self, rows: np.ndarray, columns: pa.Table) -> pa.Table:
        """These columns after the customers and as_ofs of their rows."""
        keys = {
            "customer_id": self._who(rows),
            "as_of": pa.array(self.times[rows], pa.timestamp("us")),
        }
        return pa.table(keys | dict(zip(columns.column_names, columns.columns, strict=True)))

    def _who(self, rows: np.ndarray) -> pa.DictionaryArray:
        """The customers of some rows, with a dictionary of not many more than them."""
        numbers = self.c[rows]
        first, last = int(numbers.min()), int(numbers.max())
        names = self.names.slice(first, last - first + 1)
        return pa.DictionaryArray.from_arrays(pa.array(numbers - first), names)

    def table(self, rows: np.ndarray, i: np.ndarray) -> pa.Table:
        """Rows with their places ``r`` and the numbers ``i`` of their as_ofs."""
        spell = self.spell[rows] if self.spell is not None else np.full(len(rows), "NaT", "M8[us]")
        return pa.table(
            {
                "r": rows,
                "c": self.c[rows].astype(np.int64),
                "i": i,
                "customer_id": self._who(rows),
                "as_of": pa.array(self.times[rows], pa.timestamp("us")),
                "kept": self.kept[rows],
                "spell_started_at": pa.array(spell, pa.timestamp("us")),
            }
        )


def ask(snapshots: pd.DataFrame, kept: pd.Series | None) -> Asked:
    """The snapshots, checked.

    Raises
    ------
    InputError
        If they lack a column, a value, or hold a customer twice at one as_of.
    """
    arguments.snapshots(snapshots)
    if kept is not None:
        arguments.aligned(kept, snapshots.index, what="kept", to="snapshots")
    customers, c = _numbered(snapshots["customer_id"])
    times = _naive(snapshots["as_of"])
    spell = _naive(snapshots["spell_started_at"]) if "spell_started_at" in snapshots else None
    wanted = np.ones(len(c), bool) if kept is None else kept.to_numpy(dtype=bool)
    asked = Asked(customers, c, times, wanted, spell)
    if not _is_sorted(asked):
        order = np.lexsort((times, c))
        spell = spell[order] if spell is not None else None
        asked = Asked(customers, c[order], times[order], wanted[order], spell)
    _refuse_twice(asked)
    return asked


def _numbered(ids: pd.Series) -> tuple[pd.Index, np.ndarray]:
    """The different customers, sorted, and the number of each row's."""
    if not isinstance(ids.dtype, pd.CategoricalDtype):
        ids = ids.astype("str")
    codes, found = pd.factorize(ids)
    names = pd.Index(found).astype("str")
    order = names.argsort()
    number = np.empty(len(names), np.int32)
    number[order] = np.arange(len(names), dtype=np.int32)
    return names[order].rename("customer_id"), number[codes]


def _naive(times: pd.Series) -> np.ndarray:
    naive: np.ndarray = times.to_numpy(dtype="datetime64[us]")
    return naive


def _is_sorted(asked: Asked) -> bool:
    later = (asked.c[1:] == asked.c[:-1]) & (asked.times[1:] >= asked.times[:-1])
    return bool((later | (asked.c[1:] > asked.c[:-1])).all())


def _refuse_twice(asked: Asked) -> None:
    twice = np.flatnonzero((asked.c[1:] == asked.c[:-1]) & (asked.times[1:] == asked.times[:-1]))
    if len(twice):
        row = twice[0]
        raise InputError(
            f"{len(twice)} snapshots are there twice, e.g. {asked.customers[asked.c[row]]} at "
            f"{pd.Timestamp(asked.times[row])}. Give each customer once for each as_of."
        )
