"""Difference arrays: what rows add at which as_of, summed along the as_ofs of each customer.

The rule of time is that of ``clock``: a row of week ``b``, known from week ``k`` on, is older than
``offset`` weeks from as_of ``max(b + offset, k) + 1`` on. Whole numbers throughout, so the answer
does not depend on the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from churnml.features.carried import BITS, EVER

_compiled = numba.njit(cache=True, nogil=True)


def _by_customer(who: np.ndarray, customers: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows in the order of their customers (and as they came), and where each customer begins."""
    begins = np.zeros(customers + 1, np.int64)
    for row in range(len(who)):
        begins[who[row] + 1] += 1
    for one in range(customers):
        begins[one + 1] += begins[one]
    place = begins[:-1].copy()
    order = np.empty(len(who), np.int64)
    for row in range(len(who)):
        order[place[who[row]]] = row
        place[who[row]] += 1
    return order, begins


def _choose(
    masks: np.ndarray, bit: int, b: np.ndarray, least: int, old: int, chosen: np.ndarray
) -> int:
    """How many rows have this bit of the masks; ``chosen`` begins with their places.

    Those before week ``least`` are left out; if there is such a week, the first ``old`` are.
    """
    mask, shift, one = masks[bit // BITS], np.uint64(bit % BITS), np.uint64(1)
    found = 0
    for row in range(0 if least == EVER else old, len(mask)):
        chosen[found] = row
        found += int((mask[row] >> shift) & one) & int(b[row] >= least)
    return found


def _carry_edges(
    b: np.ndarray, k: np.ndarray, masks: np.ndarray, numbers: np.ndarray, edges: np.ndarray,
    old: int, chosen: np.ndarray, steps: np.ndarray,
) -> None:  # fmt: skip
    """Running sums of the edges (bit, number or -1, offset, least), sorted, of one customer."""
    weeks, found = steps.shape[1], 0
    steps[:] = 0
    for edge in range(len(edges)):
        number, offset, line = edges[edge, 1], edges[edge, 2], steps[edge]
        if edge == 0 or edges[edge, 0] != edges[edge - 1, 0]:
            found = choose(masks, edges[edge, 0], b, edges[edge, 3], old, chosen)
        for place in range(found):
            row = chosen[place]
            start = max(b[row] + offset, k[row]) + 1
            if start < weeks:
                line[max(start, 0)] += 1 if number < 0 else numbers[number, row]
        if found:
            for week in range(1, weeks):
                line[week] += line[week - 1]


def _carry_peak(
    b: np.ndarray, k: np.ndarray, number: np.ndarray, sign: int, chosen: np.ndarray,
    line: np.ndarray, there: np.ndarray,
) -> None:  # fmt: skip
    """Greatest number (times the sign) so far of the chosen rows, and whether there was any."""
    weeks = len(line)
    there[:] = 0
    for place in range(len(chosen)):
        row = chosen[place]
        start = max(max(b[row], k[row]) + 1, 0)
        if start < weeks:
            value = sign * number[row]
            if there[start] == 0 or value > line[start]:
                line[start], there[start] = value, 1
    for week in range(1, weeks):
        if there[week - 1] and (there[week] == 0 or line[week - 1] > line[week]):
            line[week], there[week] = line[week - 1], 1


def _carry_keys(
    b: np.ndarray, k: np.ndarray, key: np.ndarray, reach: int, end: int, chosen: np.ndarray,
    line: np.ndarray,
) -> None:  # fmt: skip
    """Number of different keys of the chosen rows in the window ``[reach, end)``; -1: ever.

    A key counts while any of its rows does: each row adds only what earlier ones leave open.
    """
    weeks = len(line)
    line[:] = 0
    for place in range(1, len(chosen)):
        if key_before(key, b, k, end, chosen[place], chosen[place - 1]):
            chosen = sorted_keys(key, b, k, end, chosen)
            break
    before = 0
    for place in range(len(chosen)):
        row = chosen[place]
        first = place == 0 or key[row] != key[chosen[place - 1]]
        start = max(b[row] + end, k[row]) + 1
        if reach < 0:
            if first and start < weeks:
                line[max(start, 0)] += 1
            continue
        if not first:
            start = max(start, before + reach + 1)
        before = b[row] if first else max(before, b[row])
        stop = b[row] + reach + 1
        if start < min(stop, weeks) and stop > 0:
            line[max(start, 0)] += 1
            if stop < weeks:
                line[stop] -= 1
    for week in range(1, weeks):
        line[week] += line[week - 1]


def _key_before(
    key: np.ndarray, b: np.ndarray, k: np.ndarray, end: int, one: int, other: int
) -> bool:
    """Whether a row stands before another in the order of key, visibility and week."""
    if key[one] != key[other]:
        return bool(key[one] < key[other])
    lo, hi = max(b[one] + end, k[one]), max(b[other] + end, k[other])
    return bool(lo < hi or (lo == hi and b[one] < b[other]))


def _sorted_keys(
    key: np.ndarray, b: np.ndarray, k: np.ndarray, end: int, chosen: np.ndarray
) -> np.ndarray:
    """Rows in the order of key, visibility and week: three stable sorts, the last one first."""
    chosen = chosen[np.argsort(b[chosen], kind="mergesort")]
    chosen = chosen[np.argsort(np.maximum(b[chosen] + end, k[chosen]), kind="mergesort")]
    return chosen[np.argsort(key[chosen], kind="mergesort")]


def _carry_held(
    b: np.ndarray, k: np.ndarray, value: np.ndarray, time: np.ndarray, chosen: np.ndarray,
    line: np.ndarray, there: np.ndarray,
) -> None:  # fmt: skip
    """Value of the latest visible row of the chosen, and whether there is one."""
    weeks = len(line)
    line[:] = 0
    there[:] = 0
    # at the same instant the greater value is the last
    chosen = chosen[np.argsort(value[chosen], kind="mergesort")]
    chosen = chosen[np.argsort(time[chosen], kind="mergesort")]
    stop = weeks
    for place in range(len(chosen) - 1, -1, -1):
        row = chosen[place]
        start = max(max(b[row], k[row]) + 1, 0)
        if start < stop:
            line[start] += value[row]
            there[start] += 1
            if stop < weeks:
                line[stop] -= value[row]
                there[stop] -= 1
            stop = start
    for week in range(1, weeks):
        line[week] += line[week - 1]
        there[week] += there[week - 1]


def _carry(
    who: np.ndarray, b: np.ndarray, k: np.ndarray, masks: np.ndarray, numbers: np.ndarray,
    edges: np.ndarray, spans: np.ndarray, peaks: np.ndarray, keys: np.ndarray, helds: np.ndarray,
    least: int, asked: np.ndarray, begins: np.ndarray, weeks: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Columns of a block at its snapshots: spans, peaks, keys, then two for each held value.

    ``asked`` holds the as_of index of each snapshot, those of customer n from ``begins[n]`` to
    ``begins[n + 1]``; ``out`` has a row for each column. A peak without rows is NaN. Of each
    customer the rows that no bounded window reaches (before week ``least``) come first.
    """
    order, rows_begin = by_customer(2 * who + (b >= least), 2 * (len(begins) - 1))
    b, k, masks, numbers = b[order], k[order], masks[:, order], numbers[:, order]
    steps = np.empty((len(edges), weeks), np.int64)
    room = np.empty(len(who) + 1, np.int64)
    for one in range(len(begins) - 1):
        first, last = begins[one], begins[one + 1]
        if first < last:
            rows = slice(rows_begin[2 * one], rows_begin[2 * one + 2])
            old = rows_begin[2 * one + 1] - rows_begin[2 * one]
            b_, k_, masks_, numbers_ = b[rows], k[rows], masks[:, rows], numbers[:, rows]
            weeks_, out_ = asked[first:last], out[:, first:last]
            carry_edges(b_, k_, masks_, numbers_, edges, old, room, steps)
            for span in range(len(spans)):
                plus, minus = spans[span, 0], spans[span, 1]
                for place in range(len(weeks_)):
                    value = steps[plus, weeks_[place]]
                    less = steps[minus, weeks_[place]] if minus >= 0 else 0
                    out_[span, place] = value - less
            rest = out_[len(spans) :]
            carry_rest(b_, k_, masks_, numbers_, peaks, keys, helds, old, room, weeks, weeks_, rest)


def _carry_rest(
    b: np.ndarray, k: np.ndarray, masks: np.ndarray, numbers: np.ndarray, peaks: np.ndarray,
    keys: np.ndarray, helds: np.ndarray, old: int, room: np.ndarray, weeks: int,
    asked: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Peaks, keys and held values of one customer at its snapshots."""
    line, there, column = np.empty(weeks, np.int64), np.empty(weeks, np.int64), 0
    for place in range(len(peaks)):
        chosen = room[: choose(masks, peaks[place, 0], b, EVER, old, room)]
        carry_peak(b, k, numbers[peaks[place, 1]], peaks[place, 2], chosen, line, there)
        for snapshot in range(len(asked)):
            week = asked[snapshot]
            out[column, snapshot] = line[week] if there[week] else np.nan
        column += 1
    for place in range(len(keys)):
        least = EVER if keys[place, 2] < 0 else -keys[place, 2]
        chosen = room[: choose(masks, keys[place, 0], b, least, old, room)]
        key = numbers[keys[place, 1]]
        carry_keys(b, k, key, keys[place, 2], keys[place, 3], chosen, line)
        for snapshot in range(len(asked)):
            out[column, snapshot] = line[asked[snapshot]]
        column += 1
    for place in range(len(helds)):
        chosen = room[: choose(masks, helds[place, 0], b, EVER, old, room)]
        value, time = numbers[helds[place, 1]], numbers[helds[place, 2]]
        carry_held(b, k, value, time, chosen, line, there)
        for snapshot in range(len(asked)):
            out[column, snapshot] = line[asked[snapshot]]
            out[column + 1, snapshot] = there[asked[snapshot]]
        column += 2


by_customer: Callable[..., Any] = _compiled(_by_customer)
choose: Callable[..., int] = _compiled(_choose)
key_before: Callable[..., bool] = _compiled(_key_before)
sorted_keys: Callable[..., np.ndarray] = _compiled(_sorted_keys)
carry_edges: Callable[..., None] = _compiled(_carry_edges)
carry_peak: Callable[..., None] = _compiled(_carry_peak)
carry_keys: Callable[..., None] = _compiled(_carry_keys)
carry_held: Callable[..., None] = _compiled(_carry_held)
carry_rest: Callable[..., None] = _compiled(_carry_rest)
carry: Callable[..., None] = _compiled(_carry)
