"""The alert queue: at every as_of the highest scores within the load, nobody twice too soon."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.errors import InputError

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

#: Times inside are integers, so that "exactly 56 days" is exact.
TIME_UNIT = "datetime64[us]"
DAY_US = 86_400_000_000
NEVER = np.int64(-(2**62))
ABSENT = -np.inf


@dataclass(frozen=True, slots=True)
class Policy:
    """How much a team can carry, and how long a customer stays quiet after an alert.

    Parameters
    ----------
    q : float
        Share of the eligible customers alerted at every as_of, rounded up to whole customers.
    quiet_days : int
        A customer is eligible again when the last alert lies at least so many days back.
    seed : int
        Of the hash of customer_id that breaks ties between equal scores.
    """

    q: float = 0.02
    quiet_days: int = 56
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a load or a quiet time that means nothing."""
        if not 0 < self.q <= 1:
            raise InputError(f"q is {self.q}; expected a share above 0 and up to 1, e.g. 0.02.")
        if self.quiet_days < 0:
            raise InputError(f"quiet_days is {self.quiet_days}; expected 0 or more days.")

    def load(self, eligible: int) -> int:
        """How many of the eligible are alerted: ``ceil(q * eligible)``.

        Rounded first: 0.07 * 100 is 7.000000000000001 in binary and would alert an eighth.

        Examples
        --------
        >>> Policy(q=0.07).load(100), Policy(q=0.02).load(1), Policy().load(0)
        (7, 1, 0)
        """
        return math.ceil(round(self.q * eligible, 9))


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
            f"scores.as_of is missing in {int(times.isna().sum())} rows; expected an instant."
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
    name = next((name for name in ("score", "probability") if name in scores.columns), None)
    if name is None:
        raise InputError(f"scores need a column score or probability; there are: {_names(scores)}.")
    if not pd.api.types.is_numeric_dtype(scores[name].dtype):
        raise InputError(f"scores.{name} is of type {scores[name].dtype}; expected numbers.")
    return scores[name].astype(float)


def queue(
    scores: pd.DataFrame, policy: Policy, *, earlier: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Alerts of every as_of in time order: the top ``ceil(q * eligible)`` of the eligible.

    Eligible are the rows of that as_of with a score whose customer was last alerted at least
    ``quiet_days`` before, or never. Equal scores are ordered by a seeded hash of customer_id, so
    the result depends neither on the order of the rows nor on the machine.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of and score (or probability); one row per customer at risk and as_of.
    policy : Policy
    earlier : DataFrame, optional
        customer_id and as_of of alerts raised before; they count for the quiet time only.

    Returns
    -------
    DataFrame
        customer_id, as_of, score, rank (1 = highest of its as_of), by as_of and rank.

    Examples
    --------
    >>> day = pd.Timestamp("2026-01-05")
    >>> scores = pd.DataFrame({"customer_id": ["a", "b"], "as_of": day, "score": [0.1, 0.7]})
    >>> queue(scores, Policy(q=0.5))[["customer_id", "score", "rank"]].values.tolist()
    [['b', 0.7, 1]]
    """
    values = score_column(scores).to_numpy()
    grid = layout(scores)
    keys = grid.levels(values) + tie_breakers(grid.customers, seed=policy.seed)
    lines, columns = replay(keys, grid.times, policy, last=_last_alerts(grid.customers, earlier))
    order = np.lexsort((-keys[lines, columns], lines))
    lines, columns = lines[order], columns[order]
    dense = np.full(grid.shape, np.nan)
    dense[grid.row_as_of, grid.row_customer] = values
    alerts = pd.DataFrame(
        {
            "customer_id": grid.customers.to_numpy()[columns],
            "as_of": grid.as_ofs[lines],
            "score": dense[lines, columns],
        }
    )
    return alerts.assign(rank=alerts.groupby("as_of").cumcount() + 1)


def _last_alerts(customers: pd.Index, earlier: pd.DataFrame | None) -> Integers:
    last = np.full(len(customers), NEVER, dtype=np.int64)
    if earlier is None or earlier.empty:
        return last
    require(earlier, ("customer_id", "as_of"), what="earlier alerts")
    times = instants(earlier["as_of"], what="as_of of the earlier alerts")
    latest = times.groupby(earlier["customer_id"].astype(str).to_numpy()).max()
    codes = customers.get_indexer(pd.Index(latest.index))
    last[codes[codes >= 0]] = latest.to_numpy().astype(np.int64)[codes >= 0]
    return last


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


def replay(
    keys: Floats,
    times: Integers,
    policy: Policy,
    *,
    last: Integers | None = None,
    floors: Floats | None = None,
) -> tuple[Integers, Integers]:
    """Cells of the grid that are alerted, in time order; within an as_of in no order.

    Parameters
    ----------
    keys : array of float, shape (n_as_ofs, n_customers)
        The higher the sooner; distinct within a line; ``ABSENT`` where there is no score.
    times : array of int, shape (n_as_ofs,)
        The as_ofs in microseconds, rising.
    policy : Policy
    last : array of int, shape (n_customers,), optional
        Time of the last alert before the first as_of; default: never.
    floors : array of float, shape (n_as_ofs,), optional
        Keys that alerts are expected to exceed (see ``floors``); they change speed, not alerts.

    Returns
    -------
    lines, columns : arrays of int, shape (n_alerts,)
    """
    quiet = policy.quiet_days * DAY_US
    free_from = np.full(keys.shape[1], NEVER) if last is None else np.maximum(last, NEVER) + quiet
    there = keys > ABSENT
    high = there if floors is None else keys >= floors[:, None]
    alerted: list[Integers] = []
    for line, time in enumerate(times):
        eligible = there[line] & (free_from <= time)
        load = policy.load(int(np.count_nonzero(eligible)))
        candidates = np.flatnonzero(eligible & high[line])
        if len(candidates) < load:
            candidates = np.flatnonzero(eligible)
        top = candidates[_highest(keys[line, candidates], load)]
        free_from[top] = time + quiet
        alerted.append(top)
    lines = np.repeat(np.arange(len(alerted)), [len(top) for top in alerted])
    return lines, np.concatenate(alerted) if alerted else lines


def _highest(keys: Floats, count: int) -> Integers:
    """Places of the so many highest keys, in no order."""
    first = len(keys) - count
    return np.argpartition(keys, first)[first:] if count else np.empty(0, dtype=np.int64)


def floors(levels: Floats, times: Integers, policy: Policy) -> Floats:
    """A key for each as_of below which alerts are not expected, for ``replay``."""
    found = np.full(len(levels), ABSENT)
    for number, line in enumerate(levels):
        depth = policy.load(int(np.count_nonzero(line > ABSENT))) * deepest(times, policy)
        if 0 < depth < len(line):  # 0: nobody has a score at this as_of
            found[number] = np.partition(line, len(line) - depth)[len(line) - depth]
    lowest: Floats = np.maximum(found, np.finfo(np.float64).min)
    return lowest


def deepest(times: Integers, policy: Policy) -> int:
    """How many loads from the top alerts may be taken.

    The quiet time blocks at most the alerts of the as_ofs within it, and one load is alerted; one
    load more is left for resamples, in which customers at the top may be drawn more often.
    """
    step = float(np.median(np.diff(times))) if len(times) > 1 else math.inf
    return math.ceil(policy.quiet_days * DAY_US / step) + 2
