"""The queue on a grid of keys, as_of after as_of: what evaluation replays and the product runs."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from churnml.alerting.gates import NOBODY, Around, Gates, Memory
from churnml.alerting.grid import ABSENT, DAY_US, NEVER, Flags, Floats, Integers
from churnml.alerting.policy import Policy

#: Called after each as_of with its number, the customers alerted, and whose quiet time is over.
Watch = Callable[[int, Integers, Flags], None]


def replay(
    keys: Floats,
    times: Integers,
    policy: Policy,
    *,
    floors: Floats | None = None,
    around: Around | None = None,
) -> tuple[Integers, Integers]:
    """Cells of the grid whose alerts are delivered, in time order; within an as_of in no order.

    Parameters
    ----------
    keys : array of float, shape (n_as_ofs, n_customers)
        The higher the sooner; distinct within a line; ``ABSENT`` where there is no score.
    times : array of int, shape (n_as_ofs,)
        The as_ofs in microseconds, rising.
    policy : Policy
    floors : array of float, shape (n_as_ofs,), optional
        Keys that alerts are expected to exceed (see ``floors``); they change speed, not alerts.
    around : Around, optional
        What suppresses, who owns, who is in the control arm; default: nothing, nobody.

    Returns
    -------
    lines, columns : arrays of int, shape (n_alerts,)
    """
    gates = gates_of(policy, around, n_as_ofs=len(times), n_customers=keys.shape[1])
    lines, columns = walk(keys, times, policy, floors=floors, gates=gates)
    if around is None or not policy.control_share:
        return lines, columns
    delivered = ~around.control[columns]
    return lines[delivered], columns[delivered]


def gates_of(
    policy: Policy, around: Around | None, *, n_as_ofs: int, n_customers: int
) -> Gates | None:
    """The gates of a policy with nothing remembered; None where it has none."""
    if not policy.has_gates:
        return None
    shape = (n_as_ofs, n_customers)
    nothing = Around(
        np.zeros(shape, dtype=np.int64), np.full(shape, NOBODY), np.zeros(n_customers, dtype=bool)
    )
    return Gates(policy, around or nothing, Memory.blank(policy, n_customers))


def walk(
    keys: Floats,
    times: Integers,
    policy: Policy,
    *,
    last: Integers | None = None,
    raised: Integers | None = None,
    floors: Floats | None = None,
    gates: Gates | None = None,
    watch: Watch | None = None,
) -> tuple[Integers, Integers]:
    """Cells of the grid that are alerted, those of the control arm included.

    Parameters
    ----------
    keys, times, policy, floors
        As for ``replay``.
    last : array of int, shape (n_customers,), optional
        Time of the last alert before the first as_of; default: never.
    raised : array of int, shape (n_earlier_alerts,), optional
        Times of the alerts before the first as_of, which count against ``load_days``.
    gates : Gates, optional
        What keeps alerts back beyond the quiet time.
    watch : callable, optional
    """
    quiet = policy.quiet_days * DAY_US
    free_from = np.full(keys.shape[1], NEVER) if last is None else np.maximum(last, NEVER) + quiet
    there = keys > ABSENT
    high = there if floors is None or gates is not None else keys >= floors[:, None]
    alerted: list[Integers] = []
    for line, time in enumerate(times):
        eligible = there[line] & (free_from <= time)
        load = policy.load(int(np.count_nonzero(eligible)))
        load -= _already(policy, times[:line], alerted, raised, now=int(time))
        allowed = eligible if gates is None else eligible & gates.open(line, keys[line])
        candidates = np.flatnonzero(allowed & high[line])
        if len(candidates) < load:
            candidates = np.flatnonzero(allowed)
        top = _top(line, keys[line], candidates, max(load, 0), gates)
        free_from[top] = time + quiet
        alerted.append(top)
        if watch is not None:
            watch(line, top, eligible)
    lines = np.repeat(np.arange(len(alerted)), [len(top) for top in alerted])
    return lines, np.concatenate(alerted) if alerted else lines


def _already(
    policy: Policy, times: Integers, alerted: list[Integers], raised: Integers | None, *, now: int
) -> int:
    """Alerts of the last ``load_days`` that count against the load."""
    if policy.load_days is None:
        return 0
    since = now - policy.load_days * DAY_US
    recent = sum(len(top) for time, top in zip(times, alerted, strict=True) if time > since)
    return recent + (0 if raised is None else int(np.count_nonzero(raised > since)))


def _top(line: int, keys: Floats, candidates: Integers, load: int, gates: Gates | None) -> Integers:
    """The highest of the candidates within the load."""
    if gates is None:
        return candidates[_highest(keys[candidates], load)]
    top = gates.pick(line, keys, candidates, load)
    gates.alerted(top)
    return top


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
