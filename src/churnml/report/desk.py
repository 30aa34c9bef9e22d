"""The daily work on the terminal: open alerts by owner, what was suppressed, the watch-list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from churnml.alerting.desk import Desk
from churnml.alerting.watch import WatchList
from churnml.spoken import percent
from churnml.windows import local

#: So many of an owner's alerts are listed; the file holds all.
SHOWN = 10
_NO_OWNER = "no owner"


def show_desk(desk: Desk, console: Console, *, timezone: str) -> None:
    """Print the open alerts, a table for each owner, the most urgent first."""
    open_alerts = desk.open
    clock = partial(local, zone=timezone)
    open_alerts = open_alerts.assign(
        **{name: open_alerts[name].map(clock) for name in ("as_of", "deadline")}
    )
    owners = open_alerts["owner"].astype("object").where(open_alerts["owner"].notna(), _NO_OWNER)
    for owner, lines in open_alerts.groupby(owners, sort=True):
        console.print(_digest(str(owner), lines))
        for name, reasons in (
            lines[["customer_id", "reasons_en"]].head(SHOWN).itertuples(index=False)
        ):
            if not pd.isna(reasons):  # below the table: a narrow column of it would be pages long
                console.print(Text.assemble((name, "bold"), f": {reasons}"))
        if len(lines) > SHOWN:
            console.print(f"… and {len(lines) - SHOWN} more of {owner}.", markup=False)
    held = ", ".join(f"{count} {why.replace('_', ' ')}" for why, count in desk.suppressed.items())
    console.print(
        f"{desk.new} new, {len(open_alerts)} open, passed over: {held or 'nobody'}.",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _digest(owner: str, lines: pd.DataFrame) -> Table:
    known = lines["value_at_risk"].dropna()
    value = f", value at risk {_money(known.sum())}" if len(known) else ""
    title = f"{owner}: {len(lines)} open{value}"
    table = Table(title=Text(title), title_justify="left")
    columns: Sequence[tuple[str, str, Callable[[Any], str]]] = (
        ("customer", "customer_id", str),
        ("tier", "tier", str),
        ("risk", "probability", _share),
        ("health", "health", _whole),
        ("value", "value_at_risk", _money),
        ("since", "as_of", _day),
        ("until", "deadline", _day),
    )
    return _filled(table, columns, lines.head(SHOWN))


def show_watch_list(listed: WatchList, console: Console, *, timezone: str) -> None:
    """Print the watch-list, the most valuable first."""
    day = f"{local(listed.as_of, zone=timezone):%Y-%m-%d}"
    title = f"The {len(listed.table)} most valuable customers on {day}"
    table = Table(title=Text(title), title_justify="left")
    columns: Sequence[tuple[str, str, Callable[[Any], str]]] = (
        ("customer", "customer_id", str),
        ("name", "name", str),
        ("revenue a year", "annual_revenue", _money),
        ("risk", "probability", _share),
        ("before", "probability_before", _share),
        ("tier", "tier", str),
        ("health", "health", _whole),
    )
    console.print(_filled(table, columns, listed.table))


def _filled(
    table: Table, columns: Sequence[tuple[str, str, Callable[[Any], str]]], lines: pd.DataFrame
) -> Table:
    for heading, name, _ in columns:
        number = pd.api.types.is_numeric_dtype(lines[name].dtype)
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for row in lines.to_dict("records"):
        table.add_row(*(_cell(row, name, said) for _, name, said in columns))
    return table


def _cell(row: Mapping[str, Any], name: str, said: Callable[[Any], str]) -> Text:
    """Text, not markup: names and reasons come from the data."""
    value = row[name]
    return Text("–" if value is None or pd.isna(value) else said(value))


def _share(value: float) -> str:
    return percent(value)


def _whole(value: float) -> str:
    return f"{value:.0f}"


def _money(value: float) -> str:
    return f"{value:,.0f}"


def _day(value: pd.Timestamp) -> str:
    return f"{value:%m-%d}"
