"""The customer's open problem: the oldest unresolved ticket, else the message without an answer."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd

from churnml.explanation.evidence import ask
from churnml.explanation.visible import Leaf, leaves, visible
from churnml.explanation.wording.numbers import date, number, plural
from churnml.features import catalogue
from churnml.features.algebra import Rows, Window
from churnml.features.row_sources import MESSAGES
from churnml.features.statements import Statements
from churnml.sources.dataset import Dataset
from churnml.spoken import FIXED, LANGUAGES

#: Older messages without an answer are no open problem any more: they were settled elsewhere.
WAITING_WEEKS = 4
_THEIRS = Leaf(Rows(MESSAGES, "author = 'customer'"), Window(WAITING_WEEKS))
_OURS = Leaf(Rows(MESSAGES, "author = 'staff'"))


def open_problems(
    dataset: Dataset, pairs: pd.MultiIndex
) -> dict[tuple[str, pd.Timestamp], dict[str, Any]]:
    """The open problem at each snapshot, as known then; snapshots without one are left out.

    Returns
    -------
    dict of dict
        ``text_en``, ``text_ru``, ``table``, ``id`` and ``since`` (naive UTC).
    """
    found: dict[tuple[str, pd.Timestamp], dict[str, Any]] = {}
    with dataset.connection.cursor() as connection:
        for grid in ask(connection, pairs, timezone=dataset.description.timezone):
            statements = Statements("churnml_problem", grid, dataset.tables)
            for text in (_unanswered(dataset, statements), _unresolved(dataset, statements)):
                if text is not None:  # a ticket takes the place of a message
                    found |= _oldest(connection, text, timezone=dataset.description.timezone)
    return found


def _unresolved(dataset: Dataset, statements: Statements) -> str | None:
    oldest = next(f for f in catalogue(dataset) if f.name == "unresolved_ticket_age")
    found = leaves(oldest.value, dataset.tables)
    return visible(found[0], statements) if found else None


def _unanswered(dataset: Dataset, statements: Statements) -> str | None:
    """The customer's messages after our last one."""
    if "messages" not in dataset.tables:
        return None
    theirs, ours = visible(_THEIRS, statements), visible(_OURS, statements)
    last = f"SELECT customer_id, as_of, MAX(told_at) AS last FROM ({ours}) GROUP BY ALL"
    return (
        f"SELECT t.* FROM ({theirs}) AS t LEFT JOIN ({last}) AS o "
        "ON o.customer_id = t.customer_id AND o.as_of = t.as_of "
        "WHERE o.last IS NULL OR t.told_at > o.last"
    )


def _oldest(
    connection: duckdb.DuckDBPyConnection, text: str, *, timezone: str
) -> dict[tuple[str, pd.Timestamp], dict[str, Any]]:
    rows = connection.execute(
        f"SELECT * FROM ({text}) QUALIFY ROW_NUMBER() OVER "
        "(PARTITION BY customer_id, as_of ORDER BY told_at, id) = 1"
    ).fetchall()
    return {
        (customer, pd.Timestamp(as_of)): {
            **_told(table, str(key), pd.Timestamp(at), pd.Timestamp(as_of), timezone=timezone),
            "table": table, "id": key, "since": pd.Timestamp(at),
        }
        for customer, as_of, table, key, at in rows
    }  # fmt: skip


def _told(
    table: str, key: str, since: pd.Timestamp, as_of: pd.Timestamp, *, timezone: str
) -> dict[str, str]:
    days = (as_of - since).days
    day = {one: date(since, language=one, timezone=timezone) for one in LANGUAGES}
    count = {one: number(days, language=one) for one in LANGUAGES}
    noun = plural(days, ("day", "days"), language="en")
    times = plural(days, ("день", "дня", "дней"), language="ru")
    english, russian = f"{count['en']}{FIXED}{noun}", f"{count['ru']}{FIXED}{times}"
    if table == "tickets":
        return {
            "text_en": f"Ticket {key} is open since {day['en']} ({english})",
            "text_ru": f"Обращение {key} открыто с {day['ru']} ({russian})",
        }
    return {
        "text_en": f"The customer's message of {day['en']} has no answer ({english})",
        "text_ru": f"Сообщение клиента от {day['ru']} осталось без ответа ({russian})",
    }
