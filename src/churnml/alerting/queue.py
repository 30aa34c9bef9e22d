"""The alert queue: at every as_of the highest scores within the load, nobody twice too soon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml import arguments
from churnml.alerting.gates import CAPACITY, QUIET, REASONS, Around, Gates, Memory
from churnml.alerting.grid import (
    ABSENT,
    DAY_US,
    NEVER,
    Flags,
    Floats,
    Integers,
    Layout,
    instants,
    layout,
    require,
    score_column,
    tie_breakers,
)
from churnml.alerting.policy import Policy
from churnml.alerting.replay import deepest, floors, gates_of, replay, walk

__all__ = [
    "ABSENT",
    "DAY_US",
    "NEVER",
    "Advance",
    "Around",
    "Floats",
    "Integers",
    "Layout",
    "Policy",
    "advance",
    "deepest",
    "floors",
    "instants",
    "layout",
    "queue",
    "replay",
    "require",
    "score_column",
    "tie_breakers",
]

_USUAL = Policy()
TREATMENT, CONTROL = "treatment", "control"


@dataclass(frozen=True)
class Advance:
    """What the queue did at the as_ofs of some scores.

    Parameters
    ----------
    alerts : DataFrame
        customer_id, as_of, score, rank (1 = highest of its as_of), arm; by as_of and rank.
    kept : DataFrame
        customer_id, as_of, reason: who was passed over though scored above the lowest alert.
    memory : DataFrame
        customer_id, inside, waiting, recent: what the next as_of must know (see ``Memory``).
    """

    alerts: pd.DataFrame
    kept: pd.DataFrame
    memory: pd.DataFrame


def queue(
    scores: pd.DataFrame,
    policy: Policy = _USUAL,
    *,
    earlier: pd.DataFrame | None = None,
    surroundings: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Alerts of every as_of in time order: the top ``ceil(q * eligible)`` of the eligible.

    Eligible are the rows of that as_of with a score whose customer was last alerted at least
    ``quiet_days`` before, or never. Equal scores are ordered by a seeded hash of customer_id, so
    the result depends neither on the order of the rows nor on the machine.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of and score (or probability); one row per customer at risk and as_of.
    policy : Policy, optional
        Default: two per cent a week, eight weeks of quiet.
    earlier : DataFrame, optional
        customer_id and as_of of alerts raised before; they count for quiet time and load only.
    surroundings : DataFrame, optional
        ``held`` and ``owner``, row by row as the scores (see ``Around.of``), for the options of a
        policy that look beyond the scores.

    Returns
    -------
    DataFrame
        customer_id, as_of, score, rank (1 = highest of its as_of), by as_of and rank.

    Raises
    ------
    InputError
        If the scores lack a column or hold a row twice, or the policy is none.

    Examples
    --------
    >>> day = pd.Timestamp("2026-01-05")
    >>> scores = pd.DataFrame({"customer_id": ["a", "b"], "as_of": day, "score": [0.1, 0.7]})
    >>> queue(scores, Policy(q=0.5))[["customer_id", "score", "rank"]].values.tolist()
    [['b', 0.7, 1]]
    """
    alerts = advance(scores, policy, earlier=earlier, surroundings=surroundings).alerts
    delivered = alerts.loc[alerts["arm"] == TREATMENT].drop(columns="arm").reset_index(drop=True)
    return delivered.assign(rank=delivered.groupby("as_of").cumcount() + 1)


def advance(
    scores: pd.DataFrame,
    policy: Policy,
    *,
    earlier: pd.DataFrame | None = None,
    memory: pd.DataFrame | None = None,
    surroundings: pd.DataFrame | None = None,
) -> Advance:
    """The queue moved on by the as_ofs of these scores: the same in one call or in many.

    Parameters
    ----------
    scores, policy, earlier, surroundings
        As for ``queue``; ``earlier`` also holds the alerts of the control arm.
    memory : DataFrame, optional
        What the call before returned; default: nothing to remember.
    """
    arguments.policy(policy)
    values = score_column(scores).to_numpy()
    grid = layout(scores)
    keys = grid.levels(values) + tie_breakers(grid.customers, seed=policy.seed)
    around = Around.of(grid, policy, surroundings)
    gates = gates_of(policy, around, n_as_ofs=grid.shape[0], n_customers=grid.shape[1])
    if gates is not None and memory is not None:
        gates.memory = _remembered(memory, grid.customers, gates.memory)
    passed = _PassedOver(grid, keys, gates)
    lines, columns = walk(
        keys, grid.times, policy, last=_last_alerts(grid.customers, earlier),
        raised=_times(earlier), gates=gates, watch=passed.note,
    )  # fmt: skip
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
    alerts["rank"] = alerts.groupby("as_of").cumcount() + 1
    alerts["arm"] = np.where(around.control[columns], CONTROL, TREATMENT).astype(object)
    kept_memory = _memory_frame(gates, grid, memory)
    return Advance(alerts, passed.frame(), kept_memory)


class _PassedOver:
    """Collects who scored above the lowest alert of an as_of and was not alerted, and why."""

    def __init__(self, grid: Layout, keys: Floats, gates: Gates | None) -> None:
        self.grid, self.keys, self.gates = grid, keys, gates
        self.rows: list[tuple[str, np.datetime64, str]] = []

    def note(self, line: int, top: Integers, eligible: Flags) -> None:
        """Note those of one as_of."""
        if not len(top):
            lowest = np.inf
            if self.gates is not None:  # held back altogether: who would have come first
                lowest = self.keys[line][eligible].max(initial=ABSENT)
        else:
            lowest = self.keys[line, top].min()
        over = self.keys[line] >= lowest
        over[top] = False
        for column in np.flatnonzero(over):
            reason = QUIET if not eligible[column] else self._reason(int(column))
            name = str(self.grid.customers[column])
            self.rows.append((name, self.grid.as_ofs[line], REASONS[reason]))

    def _reason(self, column: int) -> int:
        kept = int(self.gates.kept[column]) if self.gates is not None else 0
        return kept or CAPACITY

    def frame(self) -> pd.DataFrame:
        """All of them by as_of and customer."""
        frame = pd.DataFrame(self.rows, columns=["customer_id", "as_of", "reason"])
        return frame.astype({"customer_id": "str", "as_of": "datetime64[us]", "reason": "str"})


def _remembered(memory: pd.DataFrame, customers: pd.Index, blank: Memory) -> Memory:
    """The memory of the customers of a grid."""
    if memory.empty:
        return blank
    codes = customers.get_indexer(pd.Index(memory["customer_id"].astype(str)))
    known = memory[codes >= 0]
    codes = codes[codes >= 0]
    blank.inside[codes] = known["inside"].to_numpy(dtype=bool)
    blank.waiting[codes] = known["waiting"].to_numpy(dtype=bool)
    for place in range(len(blank.recent)):
        blank.recent[place, codes] = (known["recent"].str[place] == "1").to_numpy()
    return blank


def _memory_frame(gates: Gates | None, grid: Layout, before: pd.DataFrame | None) -> pd.DataFrame:
    """Who has something to remember. Of those without a score only the recent flags move on."""
    names = ["customer_id", "inside", "waiting", "recent"]
    if gates is None or not gates.policy.has_bands:
        return pd.DataFrame({name: [] for name in names})
    memory = gates.memory
    flags = pd.DataFrame(memory.recent.T.astype(int).astype(str), index=grid.customers)
    recent = flags.sum(axis=1) if flags.shape[1] else pd.Series("", index=grid.customers)
    frame = pd.DataFrame(
        {
            "customer_id": grid.customers.to_numpy(),
            "inside": memory.inside,
            "waiting": memory.waiting,
            "recent": recent.to_numpy(),
        }
    )
    if before is not None and len(before):
        gone = before[~before["customer_id"].isin(frame["customer_id"])]
        moved = (gone["recent"] + "0" * grid.shape[0]).str[-max(len(memory.recent), 1) :]
        gone = gone.assign(inside=False, waiting=False, recent=moved)
        frame = pd.concat([frame, gone[names]], ignore_index=True)
    told = frame["inside"] | frame["waiting"] | frame["recent"].str.contains("1")
    return frame[told].sort_values("customer_id").reset_index(drop=True)


def _times(earlier: pd.DataFrame | None) -> Integers | None:
    if earlier is None or earlier.empty:
        return None
    times = instants(earlier["as_of"], what="as_of of the earlier alerts")
    return np.asarray(times.to_numpy().astype(np.int64))


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
