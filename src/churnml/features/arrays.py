"""Arithmetic of features on arrays: what the SQL says of one snapshot and its cohort, in numpy.

The same operations on the same doubles as in SQL, so the same bits; unknown is NaN here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
import pandas as pd
import pyarrow as pa

from churnml.features import algebra as a

#: Finds what is known of an expression already; None: it must be made from its parts.
Read = Callable[[a.Expr], np.ndarray | None]


def value_of(expr: a.Expr, read: Read, rows: int) -> np.ndarray:
    """The expression at so many snapshots."""
    found = read(expr)
    if found is not None:
        return found
    parts = [value_of(child, read, rows) for child in a.children(expr)]
    with np.errstate(all="ignore"):  # what is divided by nothing is not chosen
        return _inner(expr, parts, rows)


def _inner(expr: a.Expr, parts: list[np.ndarray], rows: int) -> np.ndarray:
    """An inner node from its children."""
    found: np.ndarray
    match expr:
        case a.Constant(number):
            found = np.full(rows, np.nan if number is None else number)
        case a.Arithmetic(operator):
            found = _arithmetic(operator, *parts)
        case a.Comparison(operator):
            found = _comparison(operator, *parts)
        case a.Function(name):
            found = _FUNCTIONS[name](parts)
        case a.Choice():
            condition, then, otherwise = parts
            found = np.where(condition > 0, then, otherwise)
        case a.Known():
            found = (~np.isnan(parts[0])).astype(np.float64)
        case _:
            raise TypeError(f"no arithmetic: {type(expr).__name__}")
    return found


def _arithmetic(operator: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.full(len(left), np.nan)
    if operator == "/":
        np.divide(left, right, out=found, where=right != 0)
    else:
        operation = {"+": np.add, "-": np.subtract, "*": np.multiply}[operator]
        operation(left, right, out=found)
    return found


def _comparison(operator: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    kinds = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}
    found: np.ndarray = kinds[operator](left, right).astype(np.float64)
    found[np.isnan(left) | np.isnan(right)] = np.nan
    return found


def _logarithm(parts: list[np.ndarray]) -> np.ndarray:
    """That of the C library, as in the database: numpy's own differs in the last bit."""
    import pyarrow.compute as pc  # slow to load, and few ask for logarithms

    found: np.ndarray = pc.ln(pa.array(parts[0], from_pandas=False)).to_numpy()
    return found


#: Functions of numbers; least and greatest are of the known ones.
_FUNCTIONS: dict[str, Callable[[list[np.ndarray]], np.ndarray]] = {
    "least": partial(reduce, np.fmin),
    "greatest": partial(reduce, np.fmax),
    "sqrt": lambda parts: np.sqrt(parts[0]),
    "abs": lambda parts: np.abs(parts[0]),
    "ln": _logarithm,
    "floor": lambda parts: np.floor(parts[0]),
}


@dataclass(frozen=True)
class Cohorts:
    """Snapshots by their as_of.

    Parameters
    ----------
    of : array of int, shape (n,)
        Number of the as_of of each snapshot, from 0.
    """

    of: np.ndarray

    def sums(self, values: np.ndarray, by: np.ndarray | None) -> np.ndarray:
        """Sum of the known values of each as_of (and attribute), unknown without any.

        Whole numbers, whose sums do not depend on their order.
        """
        group = self.of
        if by is not None:
            codes, words = pd.factorize(by)
            group = np.where(codes < 0, -1, self.of * len(words) + codes)
        known = ~np.isnan(values) & (group >= 0)
        count = int(group.max(initial=-1)) + 1
        rows = np.bincount(group[known], minlength=count)
        total = np.bincount(group[known], values[known], count)
        found = np.append(np.where(rows > 0, total, np.nan), np.nan)
        return np.asarray(found[group])

    def percentiles(self, values: np.ndarray) -> np.ndarray:
        """Middle ranks, between 0 and 1, of the known values of each as_of."""
        found = np.full(len(values), np.nan)
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            return found
        known = known[np.lexsort((values[known], self.of[known]))]
        ordered, of = values[known], self.of[known]
        begins = np.append(True, (ordered[1:] != ordered[:-1]) | (of[1:] != of[:-1]))
        first = np.flatnonzero(begins)
        alike = np.diff(np.append(first, len(known)))
        sizes = np.bincount(of)
        before = np.cumsum(sizes) - sizes
        rank = first - before[of[first]] + 1
        middle = (rank + alike / 2.0 - 1.0) / sizes[of[first]]
        found[known] = np.repeat(middle, alike)
        return found
