"""The rows behind a feature that a user can open: the newest five, as known at the as_of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import duckdb
import pandas as pd

from churnml.explanation.visible import Leaf, leaves, visible
from churnml.features import Feature, clock
from churnml.features.clock import Grid
from churnml.features.statements import MEMBERS, Statements
from churnml.sources.dataset import Dataset
from churnml.sources.workshop import literal

#: Rows that are shown of each feature.
SHOWN = 5
PAIRS = "churnml_pairs"
_FRAME = "churnml_pairs_frame"
Record = dict[str, Any]


def evidence_of(
    dataset: Dataset, feature: Feature, pairs: pd.MultiIndex
) -> dict[tuple[str, pd.Timestamp], list[Record]]:
    """The newest rows behind the feature at each snapshot; snapshots without any are left out.

    Derived from the feature's expression: its rows, their condition and window, under the same two
    clocks as the feature. Where a table has no key, ``id`` is what tells its rows apart: the name
    of an event, the kind of a survey or a letter.

    Parameters
    ----------
    dataset : Dataset
    feature : Feature
    pairs : MultiIndex of (customer_id, as_of)

    Returns
    -------
    dict of list of dict
        Each with ``table``, ``id`` and ``at``, the newest first.
    """
    found: dict[tuple[str, pd.Timestamp], list[Record]] = defaultdict(list)
    with dataset.connection.cursor() as connection:
        fetch(dataset, connection, pairs)
        for grid in ask(connection, pairs, timezone=dataset.description.timezone):
            statements = Statements("churnml_evidence", grid, dataset.tables)
            parts = _parts(leaves(feature.value, dataset.tables), statements)
            if not parts:
                return {}
            rows = connection.execute(
                f"SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)}) QUALIFY ROW_NUMBER() OVER "
                f"(PARTITION BY customer_id, as_of ORDER BY told_at DESC, source, id) <= {SHOWN} "
                "ORDER BY customer_id, as_of, told_at DESC, source, id"
            ).fetchall()
            for customer, as_of, source, key, at in rows:
                record = {"table": source, "id": key, "at": pd.Timestamp(at)}
                found[customer, pd.Timestamp(as_of)].append(record)
    return dict(found)


def fetch(dataset: Dataset, connection: duckdb.DuckDBPyConnection, pairs: pd.MultiIndex) -> None:
    """Take over the rows of these customers from tables that stay at a server."""
    people = ", ".join(literal(one) for one in pairs.unique("customer_id"))
    for name in dataset.away:
        theirs = f"select * from {name} where customer_id in ({people})"
        dataset.gather(name, theirs, of=name, connection=connection)


def _parts(found: list[Leaf], statements: Statements) -> list[str]:
    return [
        f"SELECT DISTINCT * FROM ({visible(leaf, statements)}) QUALIFY ROW_NUMBER() OVER "
        f"(PARTITION BY customer_id, as_of ORDER BY told_at DESC, id) <= {leaf.most or SHOWN}"
        for leaf in found
    ]


def ask(
    connection: duckdb.DuckDBPyConnection, pairs: pd.MultiIndex, *, timezone: str
) -> Iterator[Grid]:
    """Load the snapshots of one weekday and hour at a time; yields their grid."""
    frame = pairs.to_frame(index=False).drop_duplicates()
    frame["as_of"] = frame["as_of"].astype("datetime64[us]")
    frame["c"] = pd.factorize(frame["customer_id"])[0]
    phase_of = clock.phases(frame["as_of"])
    for phase in sorted(phase_of.unique().tolist()):
        asked = frame[phase_of == phase]
        asked = asked.assign(i=clock.weeks(asked["as_of"], phase=phase))
        connection.register(_FRAME, asked)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {PAIRS} AS SELECT * FROM {_FRAME}")
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {MEMBERS} AS SELECT DISTINCT c, customer_id FROM {PAIRS}"
        )
        connection.unregister(_FRAME)
        yield Grid(phase, int(asked["i"].min()), int(asked["i"].max()), timezone)
