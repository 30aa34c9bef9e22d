"""Digests of the data as known at each as_of: the same digest, the same features.

They tell at least as many data apart as features can: whatever a feature may see at an as_of is in
the digest of that as_of, so that a new week leaves the digests of all earlier ones as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import duckdb
import numpy as np
import pandas as pd

from churnml.contract import TABLES, Table
from churnml.features.clock import Grid, phases, weeks
from churnml.features.trees import sql
from churnml.sources.dataset import Dataset, Here
from churnml.sources.workshop import Asked
from churnml.text.hearing import MESSAGE_SCORES

#: Columns that are known from one instant on: their SQL, the instant, and where they come from.
_Fact = tuple[str, str, str]
#: Number of facts, exclusive or and sum of their hashes: whatever their order.
_State = tuple[int, int, int]

_SCORED = f"{MESSAGE_SCORES} AS h JOIN messages AS m ON m.message_id = h.message_id"


def known_digests(dataset: Dataset, as_ofs: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """Digest of each table as known at each as_of.

    Parameters
    ----------
    dataset : Dataset
    as_ofs : sequence of Timestamp
        Naive UTC.

    Returns
    -------
    DataFrame of str, shape (n_as_ofs, n_tables)
        Indexed by as_of; ``coverage`` and ``message_scores`` count as tables.
    """
    times = pd.Series(pd.DatetimeIndex(as_ofs).unique())
    found = pd.DataFrame(index=pd.DatetimeIndex(times, name="as_of"))
    with dataset.connection.cursor() as connection:
        for table in sorted(dataset.tables | {"customers"}):
            asked = dataset.at(table) if table in TABLES else Here(connection)
            facts = list(_facts(asked, dataset, table))
            found[table] = _digests(asked, facts, times, dataset.description.timezone)
        found["coverage"] = _state_of(connection)
    return found


def _facts(asked: Asked, dataset: Dataset, name: str) -> Iterator[_Fact]:
    if name in dataset.away:
        there = list(TABLES[name].names)
    else:
        there = [row[0] for row in asked.rows(f'DESCRIBE "{name}"')]
    if name == MESSAGE_SCORES:
        columns = ", ".join(f'h."{column}"' for column in there)
        yield columns, "GREATEST(m.sent_at, m.known_at)", _SCORED
        return
    table = TABLES[name]
    later = {column.name: column.known_from for column in table.columns if column.known_from}
    base = ", ".join(f't."{column}"' for column in there if column not in later)
    known = f"GREATEST(t.{table.time}, t.known_at)"
    yield base, known, f'"{name}" AS t'
    for time in dict.fromkeys(later.values()):
        read = [f't."{column}"' for column, known_from in later.items() if known_from == time]
        values, any_known = ", ".join(read), " OR ".join(f"{one} IS NOT NULL" for one in read)
        # without its time a value may be read from the row's own time on
        at = f't."{time}"' if _is_column(table, time) else "NULL"
        yield f"{base}, {values}", f"GREATEST({known}, {at})", f'"{name}" AS t WHERE {any_known}'


def _is_column(table: Table, name: str) -> bool:
    return any(column.name == name for column in table.columns)


def _digests(
    asked: Asked,
    facts: Sequence[_Fact],
    times: pd.Series,
    timezone: str,
) -> list[str]:
    """Digest at each of these as_ofs."""
    states: dict[pd.Timestamp, list[_State]] = {time: [] for time in times}
    phase_of = phases(times)
    for phase in sorted(phase_of.unique().tolist()):
        here = times[(phase_of == phase).to_numpy()]
        grid = Grid(phase, 0, 0, timezone)
        for fact in facts:
            index = weeks(here, phase=phase).tolist()
            for time, state in zip(here, _states(asked, fact, grid, index), strict=True):
                states[time].append(state)
    return [hashlib.sha256(str(states[time]).encode()).hexdigest() for time in times]


def _states(asked: Asked, fact: _Fact, grid: Grid, index: Sequence[int]) -> Iterator[_State]:
    """Of the facts known strictly before each of these as_ofs of the grid."""
    columns, time, relation = fact
    week = grid.week(sql("moment")).sql("duckdb")
    rows = asked.rows(
        f"SELECT {week} AS week, COUNT(*) AS n, BIT_XOR(code) AS x, "
        f"SUM(CAST(code AS HUGEINT)) AS s FROM (SELECT HASH({columns}) AS code, {time} AS moment "
        f"FROM {relation}) AS facts GROUP BY 1 ORDER BY 1"
    )
    before = np.searchsorted([int(row[0]) for row in rows], list(index))
    states: list[_State] = [(0, 0, 0)]
    for _, count, code, total in rows:
        n, xor, added = states[-1]
        states.append((n + count, xor ^ code, (added + int(total)) % 2**128))
    return (states[place] for place in before)


def _state_of(connection: duckdb.DuckDBPyConnection) -> str:
    """Digest of which customers each feed covers; that has no time."""
    row = connection.execute(
        "SELECT COUNT(*), BIT_XOR(HASH(customer_id, feed, covered)), "
        "SUM(CAST(HASH(customer_id, feed, covered) AS HUGEINT)) FROM coverage"
    ).fetchone()
    return str(row)
