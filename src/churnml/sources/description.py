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
    grace_days: Annotated[int, Field(ge=0)] = 14
    involuntary: Literal["censor", "exit"] = "censor"
    silence_days: Annotated[int, Field(gt=0)] = 90
    activity: tuple[str, ...] = ()

    @property
    def delay_days(self) -> int:
        """Days after an exit until it is certain."""
        return {"contract": self.grace_days, "inactivity": self.silence_days, "absence": 0}[
            self.kind
        ]


class CustomersSection(Section):
    """Columns of customers that never change and may become features."""

    immutable: tuple[str, ...] = ("region", "industry", "channel", "language")


class TicketsSection(Section):
    """Columns of tickets that are never overwritten."""

    immutable: tuple[str, ...] = ("category", "channel")


class TableSource(Section):
    """Where one canonical table comes from, and how its text columns are written.

    ``time_format`` is that of strptime (or several), for times that are not ISO; ``decimal`` the
    comma of numbers; ``values`` says what other words mean (``author = { client = "customer" }``);
    ``fixed`` gives a column that the source lacks one value (``name = "purchase"``).
    """

    file: str | None = None
    sql: str | None = None
    columns: dict[str, str] = Field(default={})
    time_format: str | tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    values: dict[str, dict[str, str]] = Field(default={})
    fixed: dict[str, str] = Field(default={})
    delay: str | None = None
    covers: str | None = None

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
        if self.file is not None and self.sql is not None:
            raise ValueError("give either file or sql, not both")
        return self


class Competitors(Section):
    """Names of competitors with their aliases; integrations are named without meaning to leave."""

    names: tuple[tuple[str, ...], ...] = ()
    integrations: tuple[str, ...] = ()


class TextSection(Section):
    """A folder of TOML files with own words and phrases, read over the shipped lists."""

    lists: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files in the folder of own lists, in the order in which they are read."""
        return () if self.lists is None else tuple(sorted(Path(self.lists).glob("*.toml")))


class Quality(Section):
    """The share of rows of one table that may be quarantined before a run stops."""

    max_quarantined: Annotated[float, Field(ge=0, le=1)] = 0.05


class Description(Section):
    """The content of dataset.toml."""

    name: str = "dataset"
    timezone: str = "UTC"
    currency: str = "EUR"
    observed_until: date | datetime | None = None
    churn: Churn = Churn()
    customers: CustomersSection = CustomersSection()
    tickets: TicketsSection = TicketsSection()
    tables: dict[str, TableSource] = Field(default={})
    events: dict[Role, tuple[str, ...]] = Field(default={})
    competitors: Competitors = Competitors()
    text: TextSection = TextSection()
    quality: Quality = Quality()

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
