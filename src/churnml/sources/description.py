"""dataset.toml: how a company's files map to the canonical tables, and what churn means there."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from churnml.config import Section

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
        return {"contract": self.grace_days, "inactivity": self.silence_days, "absence": 0}[self.kind]


class CustomersSection(Section):
    """Columns of customers that never change and may become features."""

    immutable: tuple[str, ...] = ("region", "industry", "channel", "language")


class TicketsSection(Section):
    """Columns of tickets that are never overwritten."""

    immutable: tuple[str, ...] = ("category", "channel")


class TableSource(Section):
    """Where one canonical table comes from."""

    file: str | None = None
    sql: str | None = None
    columns: dict[str, str] = {}
    delay: str | None = None
    covers: str | None = None


class Competitors(Section):
    """Names of competitors with their aliases; integrations are named without meaning to leave."""

    names: tuple[tuple[str, ...], ...] = ()
    integrations: tuple[str, ...] = ()


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
    tables: dict[str, TableSource] = {}
    events: dict[Role, tuple[str, ...]] = {}
    competitors: Competitors = Competitors()
    quality: Quality = Quality()
