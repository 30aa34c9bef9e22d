"""Which file is which table, what churn is there, and what a person has to decide."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from churnml.contract import EVENTS, SUBSCRIPTIONS, TABLES
from churnml.sources.guessing.files import (
    FileProfile,
    common_folder,
    profile_files,
    strangers_in,
    tables_in,
)
from churnml.sources.guessing.matching import LEAST, ColumnMatch, TableMatch, match, matches
from churnml.sources.guessing.words import nearness, synonyms, words_of
from churnml.sources.workshop import open_workshop
from churnml.spoken import percent

#: A file is used as a table from here on.
ENOUGH = 0.5
SURE, LIKELY = 0.85, 0.65
_CURRENCIES = {"usd": "USD", "dollar": "USD", "eur": "EUR", "euro": "EUR", "gbp": "GBP",
               "rub": "RUB", "руб": "RUB", "рубли": "RUB", "kzt": "KZT"}  # fmt: skip

_OF_TIME = {"date", "time", "timestamp", "дата", "время", "datum", "zeit", "zeitpunkt"}
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


def spoken(confidence: float) -> str:
    """How sure that is, in a word."""
    return "sure" if confidence >= SURE else "likely" if confidence >= LIKELY else "a guess"


@dataclass(frozen=True)
class Guess:
    """A first mapping.

    Parameters
    ----------
    root : Path
        Folder that all files lie below.
    tables : tuple of TableMatch
        In the order of the contract; events may come from several files.
    unused : mapping of str to str
        File -> why it is not used.
    roles : mapping of str to tuple of str
        What names of events mean.
    currency : str
    currency_told : bool
        Whether a heading says it; else a person has to.
    nearest : tuple of TableMatch
        Of every file that is not used: the table it is nearest to, a few columns short.
    """

    root: Path
    tables: tuple[TableMatch, ...]
    unused: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    currency: str = "EUR"
    currency_told: bool = False
    nearest: tuple[TableMatch, ...] = ()

    def of(self, table: str) -> list[TableMatch]:
        """The files read as that table."""
        return [found for found in self.tables if found.table.name == table]

    @property
    def churn(self) -> str:
        """The kind of churn that these tables can tell."""
        if self.of(SUBSCRIPTIONS.name) or not self.of(EVENTS.name):
            return "contract"
        return "inactivity"

    def unused_columns(self) -> dict[str, list[str]]:
        """By file that is read: its columns that no table is made of."""
        read: dict[str, set[str]] = {}
        for found in self.tables:
            read.setdefault(found.file.pattern, set()).update(found.sources)
        files = {found.file.pattern: found.file for found in self.tables}
        left = {
            pattern: [column.name for column in file.columns if column.name not in read[pattern]]
            for pattern, file in files.items()
        }
        return {pattern: names for pattern, names in left.items() if names}

    def open_questions(self) -> list[str]:
        """What a person has to look at, most important first."""
        asked = []
        if not self.tables:
            asked.append("No file fits any table: finish what dataset.toml sketches of each.")
        asked += _about_churn(self)
        for found in self.tables:
            asked += _about_table(found)
        asked += [f"{name} is not used: {why}." for name, why in self.unused.items()]
        if not self.currency_told:
            asked.append(f"No heading says in which currency amounts are: is it {self.currency}?")
        return [*asked, "Times without a zone are read as UTC: set timezone if they are local."]

    def as_json(self) -> dict[str, Any]:
        """Plain values: ``tables`` with their columns, ``unused``, ``churn``, ``open``."""
        return {
            "data": str(self.root),
            "tables": [
                _table_json(found, self.unused_columns().get(found.file.pattern, []))
                for found in self.tables
            ],
            "unused": [{"file": name, "why": why} for name, why in self.unused.items()],
            "churn": self.churn,
            "currency": self.currency,
            "events": {role: list(names) for role, names in self.roles.items()},
            "open": self.open_questions(),
        }


def _about_churn(guess: Guess) -> list[str]:
    contracts = guess.of(SUBSCRIPTIONS.name)
    if not contracts and not guess.of(EVENTS.name):
        return ["Nothing tells who left: subscriptions (with their ends) or events are needed."]
    if contracts and "ended_at" not in contracts[0].columns:
        return [f"{contracts[0].file.pattern} has no end: without ended_at nobody ever leaves."]
    if not contracts:
        return [
            "No subscriptions, so leaving is silence: is 90 days without a sign of life an exit "
            "([churn] silence_days)?"
        ]
    return []


def _about_table(found: TableMatch) -> list[str]:
    asked = [
        f"{found.table.name}.{one.column}: is it {one.source!r} ({one.why}, "
        f"{percent(one.confidence)} sure)?"
        for one in found.columns.values()
        if one.confidence < LIKELY
    ]
    asked += [
        f"{found.table.name}.{column}: what do {', '.join(map(repr, words[:5]))} mean? Add them to "
        f"[tables.{found.table.name}.values.{column}]."
        for column, words in found.strange.items()
    ]
    unclear = [
        one.source for one in found.columns.values()
        if not one.fixed and one.source in {c.name for c in found.file.columns if c.unclear}
    ]  # fmt: skip
    if unclear:
        asked.append(
            f"{found.table.name}: {', '.join(unclear)} may be day first or month first; read day "
            "first."
        )
    return asked


def _table_json(found: TableMatch, ignored: list[str]) -> dict[str, Any]:
    return {
        "table": found.table.name,
        "file": found.file.pattern,
        "confidence": found.confidence,
        "columns": [
            {"column": one.column, "source": one.source, "confidence": one.confidence,
             "why": one.why}
            for one in found.columns.values()
        ],
        "unread": [one.column for one in found.unread],
        "ignored": ignored,
    }  # fmt: skip


def guess_mapping(sources: Sequence[Path]) -> Guess:
    """What these files seem to be.

    Parameters
    ----------
    sources : sequence of Path
        CSV, JSON or Parquet files, or folders of such.

    Raises
    ------
    InputError
        If a path is not there or none is a table.
    """
    paths = tables_in(sources)
    root = common_folder(paths)
    shop = open_workshop(root, timezone="UTC")
    try:
        profiles, broken = profile_files(shop, paths)
    finally:
        shop.discard()
    chosen = _linked(profiles, _chosen(profiles))
    chosen += _subscriptions_elsewhere(profiles, chosen)
    used = {found.file.pattern for found in chosen}
    near = {one.pattern: _nearest(one) for one in profiles if one.pattern not in used}
    unused = {pattern: _why_not(found) for pattern, found in near.items()}
    order = list(TABLES)
    tables = tuple(sorted(chosen, key=lambda found: order.index(found.table.name)))
    broken = {name: f"it cannot be read ({why})" for name, why in broken.items()}
    broken |= {path.name: why for path, why in strangers_in(sources).items()}
    told = _currency(profiles)
    currency = told or _likely_currency(profiles)
    return Guess(root, tables, unused | broken, _roles(tables), currency, told is not None,
                 tuple(near.values()))  # fmt: skip


def _chosen(profiles: Sequence[FileProfile]) -> list[TableMatch]:
    """The surest first; a file is one table, a table one file, but for events."""
    candidates = [
        found for one in profiles for found in matches(one)
        if not found.missing and found.confidence >= ENOUGH
    ]  # fmt: skip
    chosen: list[TableMatch] = []
    for found in sorted(candidates, key=lambda one: -one.confidence):
        taken = any(one.file is found.file for one in chosen)
        again = any(one.table is found.table for one in chosen)
        # A second file of events has to be more certain: a mistake there is hard to see.
        required = [found.columns[name].confidence for name in found.table.required]
        more = found.table is EVENTS and min(required) >= LIKELY
        if not taken and (not again or more):
            chosen.append(found)
    return chosen


def _linked(profiles: Sequence[FileProfile], chosen: list[TableMatch]) -> list[TableMatch]:
    """Files that name a contract or a ticket instead of its customer are read through that."""
    result = list(chosen)
    for file in profiles:
        if any(one.file is file for one in result):
            continue
        for found in sorted(matches(file), key=lambda one: -one.confidence):
            through = _through(found, chosen) if found.missing == ("customer_id",) else None
            again = any(one.table is found.table for one in result)
            if through is not None and not again and found.confidence >= LEAST:
                result.append(through)
                break
    return result


def _through(found: TableMatch, chosen: Sequence[TableMatch]) -> TableMatch | None:
    for other in chosen:
        key = other.columns.get(other.table.key[0]) if other.table.key else None
        customer = other.columns.get("customer_id")
        if key is None or customer is None or other.made or key is customer:
            continue
        for column in found.file.columns:
            if words_of(column.name) == words_of(key.source) and len(words_of(column.name)) > 1:
                link = f"{other.file.pattern}|{key.source}|{customer.source}|{column.name}"
                made = ColumnMatch("customer_id", f"{column.name} in {other.file.pattern}", 0.8,
                                   "through another file")  # fmt: skip
                return replace(
                    found,
                    columns={"customer_id": made, **found.columns},
                    made={**found.made, "customer_id": link},
                )
    return None


def _subscriptions_elsewhere(
    profiles: Sequence[FileProfile], chosen: Sequence[TableMatch]
) -> list[TableMatch]:
    """One table of clients with the dates of their contracts is both."""
    if any(found.table is SUBSCRIPTIONS for found in chosen):
        return []
    candidates = [match(one, SUBSCRIPTIONS) for one in profiles]
    told = [one for one in candidates if not one.missing and "ended_at" in one.columns]
    return sorted(told, key=lambda one: -one.confidence)[:1]


def _nearest(file: FileProfile) -> TableMatch:
    return max(matches(file), key=lambda found: found.confidence)


def _why_not(best: TableMatch) -> str:
    odd = [
        one.name for one in best.file.columns
        if _OF_TIME & set(words_of(one.name)) and not one.times and one.filled
    ]  # fmt: skip
    hint = f"; {', '.join(odd)} cannot be read as dates: make dates of it with sql" if odd else ""
    if best.confidence < 0.3:
        return f"it fits no table{hint}"
    if best.missing:
        return f"it looks like {best.table.name}, but lacks {', '.join(best.missing)}{hint}"
    return f"another file is {best.table.name} more surely" if best.confidence >= ENOUGH else (
        f"it may be {best.table.name}, but only {percent(best.confidence)} surely"
    )  # fmt: skip


def _roles(tables: Sequence[TableMatch]) -> dict[str, tuple[str, ...]]:
    """Names of events that mean a login, an export, a look at prices or a purchase."""
    named: list[str] = []
    for found in tables:
        one = found.columns.get("name")
        if found.table is EVENTS and one is not None:
            named += [one.source] if one.fixed else found.file.column(one.source).written
    roles = {}
    for role, others in synonyms()["events_roles"].items():
        meant = [name for name in dict.fromkeys(named) if nearness(name, role, others) >= 0.6]
        if meant:
            roles[role] = tuple(meant)
    return roles


def _currency(profiles: Sequence[FileProfile]) -> str | None:
    """What a heading says, or a column that holds one currency only; None where none does."""
    columns = [column for file in profiles for column in file.columns]
    words = [word for column in columns for word in words_of(column.name)]
    words += [column.words[0] for column in columns if len(column.words) == 1]
    return next((_CURRENCIES[word] for word in words if word in _CURRENCIES), None)


def _likely_currency(profiles: Sequence[FileProfile]) -> str:
    """Whoever writes Russian headings mostly counts in roubles."""
    names = [column.name for file in profiles for column in file.columns]
    russian = sum(bool(_CYRILLIC.search(name)) for name in names)
    return "RUB" if 2 * russian > len(names) else "EUR"
