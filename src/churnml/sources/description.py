"""dataset.toml: how a company's files map to the canonical tables, and what churn means there."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

import pandas as pd
from pydantic import Field, field_validator, model_validator

from churnml.config import Section, parse, read_toml
from churnml.contract import CUSTOMERS, TABLES
from churnml.windows import instant

_DELAY = re.compile(r"(\d+(?:\.\d+)?)\s*(min|h|d|w)")
_UNIT_MINUTES = {"min": 1, "h": 60, "d": 1440, "w": 10080}

Role = Literal["login", "key", "export", "pricing", "deposit", "stake", "bonus", "purchase"]


class Churn(Section):
    """What an exit is. The label delay follows from it."""

    kind: Literal["contract", "inactivity", "absence"] = "contract"
    """``contract``: end of the last subscription; ``inactivity``: silence; ``absence``: undated."""
    grace_days: Annotated[int, Field(ge=0)] = 14
    """Renewed within so many days is not a departure."""
    involuntary: Literal["censor", "exit"] = "censor"
    """What the end of a subscription that the customer did not choose is."""
    silence_days: Annotated[int, Field(gt=0)] = 90
    """Days without activity that are an exit, for ``inactivity``."""
    activity: tuple[str, ...] = ()
    """Names of events that count as activity; empty: all."""

    @property
    def delay_days(self) -> int:
        """Days after an exit until it is certain."""
        return {"contract": self.grace_days, "inactivity": self.silence_days, "absence": 0}[
            self.kind
        ]


class CustomersSection(Section):
    """Columns of customers that never change and may become features."""

    immutable: tuple[str, ...] = ("region", "industry", "channel", "language")
    """Columns of customers that are never overwritten, and may be features."""


class TicketsSection(Section):
    """Columns of tickets that are never overwritten."""

    immutable: tuple[str, ...] = ("category", "channel")
    """Columns of tickets that are never overwritten."""


class ServerSection(Section):
    """The database server that holds the tables."""

    postgres: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Environment variable with the address of a PostgreSQL server; none: tables are files."""
    spark: Annotated[str, Field(pattern=r"^\w+(\.\w+)*$")] | None = None
    """Schema of Spark's catalog that holds the tables; none: tables are files."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.postgres is not None and self.spark is not None:
            raise ValueError("give either postgres or spark, not both")
        return self

    @property
    def is_given(self) -> bool:
        """Whether tables that are no files lie at a server."""
        return self.postgres is not None or self.spark is not None


class TableSource(Section):
    """Where one canonical table comes from, and how its text columns are written.

    ``time_format`` is that of strptime (or several), for times that are not ISO; ``decimal`` the
    comma of numbers; ``values`` says what other words mean (``author = { client = "customer" }``);
    ``fixed`` gives a column that the source lacks one value (``name = "purchase"``).
    """

    file: str | None = None
    """File, pattern, or folder of Parquet files; none: the canonical name."""
    table: str | None = None
    """Table or view of the server, with its schema if need be; none: the canonical name."""
    sql: str | None = None
    """One SELECT over files or over PostgreSQL, instead of ``file`` or ``table``."""
    columns: dict[str, str] = Field(default={})
    """Canonical name = name in the file."""
    time_format: str | tuple[str, ...] = ()
    """Format of times that are not ISO, as of strptime; several are tried in order."""
    decimal: Literal[".", ","] = "."
    """Decimal mark of numbers."""
    values: dict[str, dict[str, str]] = Field(default={})
    """By column: other words = ours."""
    fixed: dict[str, str] = Field(default={})
    """Column = one value for all rows."""
    delay: str | None = None
    """How long after it happened a row is in the warehouse, such as 1d."""
    covers: str | None = None
    """SQL condition over customers: whom this feed covers; none: everybody."""

    @property
    def time_formats(self) -> tuple[str, ...]:
        """Formats of times beside ISO, in the order in which they are tried."""
        given = self.time_format
        return (given,) if isinstance(given, str) else given

    @property
    def delay_span(self) -> pd.Timedelta:
        """Typical time between a row and its arrival in the warehouse; nothing declared: none."""
        match = _DELAY.fullmatch(self.delay or "0min")
        number, unit = match.groups() if match else ("0", "min")
        return pd.Timedelta(minutes=float(number) * _UNIT_MINUTES[unit])

    @field_validator("delay")
    @classmethod
    def _readable(cls, delay: str | None) -> str | None:
        if delay is not None and not _DELAY.fullmatch(delay):
            raise ValueError('expected a number and a unit such as "30min", "6h", "1d" or "2w"')
        return delay

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ("file", "table", "sql") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give either {' or '.join(given)}, not both")
        return self


class Competitors(Section):
    """Names of competitors with their aliases; integrations are named without meaning to leave."""

    names: tuple[tuple[str, ...], ...] = ()
    """Names of each competitor with aliases; declined forms are found."""
    integrations: tuple[str, ...] = ()
    """Naming these is no mention of a competitor."""


class TextSection(Section):
    """A folder of TOML files with own words and phrases, read over the shipped lists."""

    lists: str | None = None
    """Folder of own word lists, read over the shipped ones."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files in the folder of own lists, in the order in which they are read."""
        return () if self.lists is None else tuple(sorted(Path(self.lists).glob("*.toml")))


class Quality(Section):
    """The share of rows of one table that may be quarantined before a run stops."""

    max_quarantined: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of a table's rows that may be refused before a run stops."""


class Description(Section):
    """The content of dataset.toml."""

    name: str = "dataset"
    """What the data set is called in pages and runs."""
    timezone: str = "UTC"
    """Zone of times without one; a bare date is midnight there."""
    currency: str = "EUR"
    """Currency of all amounts."""
    observed_until: date | datetime | None = None
    """Until when everything is known; none: the newest row."""
    churn: Churn = Churn()
    """What an exit is."""
    customers: CustomersSection = CustomersSection()
    """The customers table."""
    tickets: TicketsSection = TicketsSection()
    """The tickets table."""
    server: ServerSection = ServerSection()
    """Where tables that are no files lie."""
    tables: dict[str, TableSource] = Field(default={})
    """Where each table comes from."""
    events: dict[Role, tuple[str, ...]] = Field(default={})
    """What some names of events mean."""
    competitors: Competitors = Competitors()
    """Names to listen for."""
    text: TextSection = TextSection()
    """How messages are read."""
    quality: Quality = Quality()
    """How dirty data may be."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, timezone: str) -> str:
        if timezone not in available_timezones() - {"localtime"}:
            raise ValueError('expected an IANA time zone such as "Europe/Moscow"')
        return timezone

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for name, source in self.tables.items():
            if name not in TABLES:
                raise ValueError(f"unknown table '{name}'; known: {', '.join(sorted(TABLES))}")
            allowed = set(TABLES[name].names)
            allowed |= set(self.customers.immutable) if name == CUSTOMERS.name else set()
            if unknown := sorted({*source.columns, *source.values, *source.fixed} - allowed):
                raise ValueError(
                    f"tables.{name} maps {', '.join(unknown)}, which this table does not "
                    f"have (canonical name = source column); it has {', '.join(sorted(allowed))}"
                )
        return self

    def source(self, table: str) -> TableSource:
        """Where that canonical table comes from; nothing said: its canonical name."""
        return self.tables.get(table, TableSource())

    def instant(self, moment: date | datetime) -> pd.Timestamp:
        """The moment as naive UTC; without an offset it is read in the time zone of the dataset."""
        return instant(moment, zone=self.timezone)


def read_description(path: Path | None, *, folder: Path | None = None) -> Description:
    """The description in a dataset.toml; without a path the defaults.

    Parameters
    ----------
    path : Path, optional
    folder : Path, optional
        Where relative paths lie: the folder of the data; default: beside the file.

    Raises
    ------
    InputError
        If the file is unusable or holds an unknown key, table, column or an impossible value.
    """
    if path is None:
        return Description()
    found = parse(Description, read_toml(path), where=str(path))
    if found.text.lists is None:
        return found
    lists = (path.parent if folder is None else folder) / found.text.lists
    return found.model_copy(update={"text": TextSection(lists=str(lists))})
