"""Scores laid out as a grid: as_ofs in time order by customers in id order, ties by a hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.errors import InputError
from churnml.spoken import counted

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

#: Times inside are integers, so that "exactly 56 days" is exact.
TIME_UNIT = "datetime64[us]"
DAY_US = 86_400_000_000
NEVER = np.int64(-(2**62))
ABSENT = -np.inf


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of a score frame as cells of a grid: as_ofs in time order by customers in id order."""

    as_ofs: npt.NDArray[np.datetime64]
    customers: pd.Index
    row_as_of: Integers
    row_customer: Integers

    @property
    def times(self) -> Integers:
        """The as_ofs in microseconds."""
        return self.as_ofs.astype(np.int64)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of as_ofs and of customers."""
        return len(self.as_ofs), len(self.customers)

    def levels(self, values: Floats) -> Floats:
        """Dense ranks of the values within each as_of (higher value, higher rank), as a grid.

        Equal values share a rank; a missing value or row is ``ABSENT``.
        """
        grid = np.full(self.shape, np.nan)
        grid[self.row_as_of, self.row_customer] = values
        levels = np.full(self.shape, ABSENT)
        for line, target in zip(grid, levels, strict=True):
            there = ~np.isnan(line)
            target[there] = np.unique(line[there], return_inverse=True)[1]
        return levels


def layout(scores: pd.DataFrame) -> Layout:
    """The grid of a frame with customer_id and as_of.

    Raises
    ------
    InputError
        If a column is missing, times carry a zone or are missing, or a row is there twice.
    """
    require(scores, ("customer_id", "as_of"), what="scores")
    times = instants(scores["as_of"], what="scores.as_of")
    if times.isna().any():
        raise InputError(
            f"scores.as_of is missing in {counted(int(times.isna().sum()), 'row')}; "
            "expected an instant."
        )
    as_of_codes, as_ofs = pd.factorize(times.to_numpy(), sort=True)
    customer_codes, customers = pd.factorize(scores["customer_id"].astype(str), sort=True)
    cells = as_of_codes * len(customers) + customer_codes
    if len(np.unique(cells)) < len(cells):
        again = scores.loc[pd.Series(cells).duplicated().to_numpy()].iloc[0]
        raise InputError(
            f"scores hold customer {again['customer_id']!r} at {again['as_of']} more than once; "
            "expected one score per customer and as_of."
        )
    return Layout(
        np.asarray(as_ofs, dtype=TIME_UNIT),
        pd.Index(customers),
        as_of_codes.astype(np.int64),
        customer_codes.astype(np.int64),
    )


def require(frame: pd.DataFrame, columns: tuple[str, ...], *, what: str) -> None:
    """Refuse a frame without these columns.

    Raises
    ------
    InputError
        Naming what is absent and what came.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            f"{what} are {type(frame).__name__}; expected a DataFrame with customer_id, as_of and "
            "score or probability, as churnml.score_everyone makes it. Of a Series indexed by "
            "(customer_id, as_of): series.rename('probability').reset_index()."
        )
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise InputError(
            f"{what} need the columns {', '.join(columns)}; absent: {', '.join(absent)}; "
            f"there are: {_names(frame)}."
        )


def _names(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns))


def instants(times: pd.Series, *, what: str) -> pd.Series:
    """The times as naive UTC in microseconds.

    Raises
    ------
    InputError
        If they are not times or carry a zone.
    """
    if not pd.api.types.is_datetime64_dtype(times.dtype):
        raise InputError(f"{what} is of type {times.dtype}; expected naive UTC times (datetime64).")
    return times.dt.as_unit("us")


def score_column(scores: pd.DataFrame) -> pd.Series:
    """The column that ranks: ``score`` where it is there, else ``probability``.

    Raises
    ------
    InputError
        If neither is there or it does not hold numbers.
    """
    require(scores, ("customer_id", "as_of"), what="scores")
    name = next((name for name in ("score", "probability") if name in scores.columns), None)
    if name is None:
        raise InputError(f"scores need a column score or probability; there are: {_names(scores)}.")
    if not pd.api.types.is_numeric_dtype(scores[name].dtype):
        raise InputError(f"scores.{name} is of type {scores[name].dtype}; expected numbers.")
    return scores[name].astype(float)


def tie_breakers(customers: pd.Index, *, seed: int) -> Floats:
    """A number in [0, 1) per customer, in the order of a hash that no platform changes.

    The order of the hash is kept, its size is not: evenly spaced numbers survive being added to
    a rank, where two close hashes would round to the same sum.
    """
    hashes = np.array([_hash(str(customer), seed=seed) for customer in customers], dtype=np.uint64)
    places = np.empty(len(hashes))
    places[np.argsort(hashes, kind="stable")] = np.arange(len(hashes))
    return places / max(len(hashes), 1)


def _hash(customer: str, *, seed: int) -> int:
    digest = hashlib.blake2b(f"{seed}:{customer}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
