"""Who was a customer from when to when: what every look at leavers and stayers is joined to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pandas as pd

from churnml.labels import spells
from churnml.sources.dataset import Dataset
from churnml.sources.description import Churn
from churnml.windows import DAY


@dataclass(frozen=True)
class Lives:
    """Spells of a dataset in the temporary table ``lives`` of an own connection.

    ``lives(customer_id, started_at, exit_at, over_at)``: ``over_at`` is where the spell can no
    longer be followed (a censored end, or the edge where exits are no longer certain). ``at_risk``
    are the instants in a spell and before its exit. ``searched(customer_id)``: those whose rows of
    all ``tables`` are there.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    tables : frozenset of str
        Canonical tables that are there, but for those that stay at a server.
    first, edge : Timestamp
        First own time that matters, and the last instant whose exits are known.
    exits : int
        Exits inside.
    """

    connection: duckdb.DuckDBPyConnection
    tables: frozenset[str]
    first: pd.Timestamp
    edge: pd.Timestamp
    exits: int

    def rows(self, query: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> pd.DataFrame:
        """The result of a query over ``lives`` and the canonical tables."""
        return self.connection.execute(query, values or None).df()


def read_lives(dataset: Dataset, *, silence_days: int) -> Lives:
    """The lives of a dataset.

    Parameters
    ----------
    dataset : Dataset
    silence_days : int
        After so long a silence a customer counts as gone where churn is ``absence``.
    """
    dated = _with_exits(dataset, silence_days)
    edge = dataset.observed_until - dated.description.churn.delay_days * DAY
    found = spells(dated)
    found["over_at"] = found["censored_at"].where(found["censored_at"] < edge, edge)
    found = found[found["started_at"] < edge]
    connection = dataset.connection.cursor()
    connection.register("found_lives", found)
    connection.execute(
        "create or replace temp table lives as select customer_id, started_at, exit_at, over_at "
        "from found_lives order by customer_id, started_at"
    )
    connection.unregister("found_lives")
    connection.execute(
        "create or replace temp table searched as select distinct customer_id from lives"
    )
    first = found["exit_at"].min() if found["exit_at"].notna().any() else edge
    here = dataset.tables - set(dataset.away)
    return Lives(connection, here, first, edge, int(found["exit_at"].notna().sum()))


def _with_exits(dataset: Dataset, silence_days: int) -> Dataset:
    """Absence knows no dated exit; a long silence stands for one."""
    churn = dataset.description.churn
    if churn.kind != "absence":
        return dataset
    silent = Churn(kind="inactivity", silence_days=silence_days, activity=churn.activity)
    return replace(dataset, description=dataset.description.model_copy(update={"churn": silent}))
