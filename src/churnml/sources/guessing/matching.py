"""Which columns of a file are which columns of a table, by name and by what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from churnml.contract import EVENTS, INVOICES, SUBSCRIPTIONS, TABLES, Column, Table
from churnml.sources.description import Description
from churnml.sources.guessing.files import FileProfile
from churnml.sources.guessing.profile import ColumnProfile
from churnml.sources.guessing.words import nearness, synonyms, words_of
from churnml.sources.mapping import unread_columns

#: Sure enough to be mapped; below a person has to say.
LEAST = 0.45
#: By what a column holds alone: the only time, the only key.
BY_CONTENT = 0.5
#: A key has at least so many different values; a few duplicates are dirt.
_KEY_DISTINCT = 0.9
#: Made of other columns or of what the file is called.
MADE = 0.7


@dataclass(frozen=True)
class ColumnMatch:
    """One canonical column and where its values come from.

    Parameters
    ----------
    column : str
    source : str
        Source column; for a fixed value the value, else what it is made of.
    confidence : float
        0 to 1.
    why : str
    fixed : bool
        ``source`` is one value for all rows.
    """

    column: str
    source: str
    confidence: float
    why: str
    fixed: bool = False


@dataclass(frozen=True)
class TableMatch:
    """A file read as a table.

    Parameters
    ----------
    table : Table
    file : FileProfile
    columns : mapping of str to ColumnMatch
    confidence : float
    values : mapping of str to mapping
        By column: a word of the source -> our word.
    strange : mapping of str to tuple of str
        By column: words of the source that nothing of ours is called.
    made : mapping of str to str
        Columns that only SQL can make: "key" of customer and time, "lines" of a receipt, or
        "link" (through another file).
    """

    table: Table
    file: FileProfile
    columns: Mapping[str, ColumnMatch]
    confidence: float
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    strange: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> set[str]:
        """Columns of the file that the table is made of."""
        known = {column.name for column in self.file.columns}
        linked = {how.rsplit("|", 1)[-1] for how in self.made.values()}
        return known & {
            *(one.source for one in self.columns.values()),
            *linked,
            *summed(self).values(),
        }

    @property
    def unread(self) -> list[ColumnMatch]:
        """Columns that most systems overwrite: read only where a person calls them immutable."""
        stale = unread_columns(self.table, Description())
        return [one for one in self.columns.values() if one.column in stale]

    @property
    def missing(self) -> tuple[str, ...]:
        """Required columns that nothing was found for."""
        return tuple(name for name in self.table.required if name not in self.columns)


def match(file: FileProfile, table: Table) -> TableMatch:
    """The file read as that table, as well as it goes."""
    columns = _by_name(file, table)
    columns |= _by_content(file, table, columns)
    columns |= _by_title(file, table, columns)
    made: dict[str, str] = {}
    if table is SUBSCRIPTIONS and {"customer_id", "started_at"} <= set(columns):
        key = _contract_key(file, columns["customer_id"].source)
        if columns.get(key.column, key).confidence <= BY_CONTENT or key.column not in columns:
            columns[key.column] = key
            made |= {} if key.source == columns["customer_id"].source else {key.column: "key"}
    if table is INVOICES and "issued_at" not in columns and "paid_at" in columns:
        paid = columns["paid_at"]
        sure = min(paid.confidence, MADE)
        columns["issued_at"] = ColumnMatch("issued_at", paid.source, sure, "billed when paid")
    order = [*table.names]
    columns = {name: columns[name] for name in sorted(columns, key=order.index)}
    found = TableMatch(table, file, columns, 0.0, made=made)
    found = _with_words(found)
    return replace(found, confidence=_confidence(found))


def _contract_key(file: FileProfile, customer: str) -> ColumnMatch:
    """Where every customer stands in one row, the row is the contract; else its start tells."""
    if file.column(customer).distinct == 1:
        return ColumnMatch("subscription_id", customer, MADE, "one row each")
    return ColumnMatch("subscription_id", "customer and start", MADE, "made of both")


def _by_name(file: FileProfile, table: Table) -> dict[str, ColumnMatch]:
    """The best pairs first, each column once."""
    pairs = sorted(_pairs(file, table), key=lambda pair: -pair.confidence)
    columns: dict[str, ColumnMatch] = {}
    for pair in pairs:
        if pair.column not in columns and pair.source not in {c.source for c in columns.values()}:
            columns[pair.column] = pair
    return columns


def _pairs(file: FileProfile, table: Table) -> Iterator[ColumnMatch]:
    known = {**synonyms()["any"], **synonyms()[table.name]}
    about = {word for name in synonyms()["tables"][table.name] for word in words_of(name)}
    for column in (*table.columns, Column("known_at", "time")):
        for profile in file.columns:
            near = nearness(profile.name, column.name, known.get(column.name, ()))
            bare = " ".join(word for word in words_of(profile.name) if word not in about)
            # the date of a ticket in a table of tickets is a date
            near = max(near, 0.9 * nearness(bare, column.name, known.get(column.name, ())))
            repeats = column.name in table.key and profile.distinct < _KEY_DISTINCT
            sure = 0.0 if repeats else round(near * _fit(profile, column), 2)
            if sure >= LEAST:
                yield ColumnMatch(column.name, profile.name, sure, "by its name")


def _fit(profile: ColumnProfile, column: Column) -> float:
    """Whether such values can be that column: 1 yes, 0 no."""
    kind = column.kind
    if profile.filled == 0:  # nobody has left yet
        return 0.0 if column.required else 0.8
    if kind == "time":
        return 0.85 if profile.times and profile.unclear else float(bool(profile.times))
    if kind in {"number", "integer"}:
        usable = profile.decimal and not profile.times and (kind == "number" or profile.whole)
        return float(bool(usable))
    if kind == "flag":
        return float(profile.flag)
    if column.values:
        return 1.0 if profile.words and not profile.times else 0.0
    return 0.6 if profile.times or (kind == "id" and profile.decimal == ",") else 1.0


def _by_content(
    file: FileProfile, table: Table, columns: Mapping[str, ColumnMatch]
) -> dict[str, ColumnMatch]:
    """The only time that is left is the own time; the only key that is left is the key."""
    taken = {match.source for match in columns.values()}
    left = [profile for profile in file.columns if profile.name not in taken]
    found: dict[str, ColumnMatch] = {}
    times = [profile for profile in left if profile.times]
    if table.time not in columns and len(times) == 1:
        found[table.time] = ColumnMatch(table.time, times[0].name, BY_CONTENT, "the only time left")
    keys = [profile for profile in left if profile.distinct == 1 and not profile.times]
    for key in table.key:
        if key not in columns and key != "customer_id" and len(keys) == 1:
            found[key] = ColumnMatch(key, keys[0].name, BY_CONTENT, "the only one without repeats")
    return found


#: What a file holds where no column says so, by words of its name.
_FIXED = {
    ("events", "name"): {
        "purchase": ("purchase", "order", "transaction", "sale", "receipt", "invoice", "retail",
                     "master", "покупки", "заказы", "продажи", "чеки", "транзакции",
                     "bestellungen", "käufe", "verkäufe"),
        "login": ("login", "session", "visit", "входы", "сессии", "визиты", "посещения",
                  "anmeldungen", "besuche"),
    },
    ("surveys", "kind"): {
        "nps": ("nps",), "csat": ("csat", "rating", "оценки"), "ces": ("ces",),
        "exit": ("churn", "exit", "cancellation", "отток", "уходы"),
    },
    ("outreach", "kind"): {
        "campaign": ("campaign", "mailing", "newsletter", "рассылки", "кампании"),
        "meeting": ("meeting", "встречи"), "check_in": ("touch", "звонки", "касания"),
    },
}  # fmt: skip


def _by_title(
    file: FileProfile, table: Table, columns: Mapping[str, ColumnMatch]
) -> dict[str, ColumnMatch]:
    """A word that all rows share because of what the file is called, or its columns show."""
    words = {*words_of(file.title), *(w for each in file.columns for w in words_of(each.name))}
    found: dict[str, ColumnMatch] = {}
    for (name, column), meant in _FIXED.items():
        if name != table.name or (column in columns and columns[column].confidence >= MADE):
            continue
        for value, said in meant.items():
            if column not in found and words & {word for each in said for word in words_of(each)}:
                found[column] = ColumnMatch(
                    column, value, MADE, f"'{file.title}' and its columns speak of it", fixed=True
                )
    return found


def _with_words(found: TableMatch) -> TableMatch:
    """What the words of the source mean, where the contract has words of its own."""
    values: dict[str, dict[str, str]] = {}
    strange: dict[str, tuple[str, ...]] = {}
    columns = dict(found.columns)
    for column in found.table.columns:
        match = columns.get(column.name)
        if not column.values or match is None or match.fixed:
            continue
        known = {word: _meaning(word, column) for word in found.file.column(match.source).words}
        values[column.name] = {
            word: meant for word, meant in known.items() if meant and meant != word
        }
        strange[column.name] = tuple(word for word, meant in known.items() if not meant)
        if len(strange[column.name]) == len(known):
            del columns[column.name], values[column.name], strange[column.name]
    return replace(
        found,
        columns=columns,
        values={name: words for name, words in values.items() if words},
        strange={name: words for name, words in strange.items() if words},
    )


def _meaning(word: str, column: Column) -> str | None:
    near = {
        value: nearness(word, value, synonyms().get(f"values.{column.name}", {}).get(value, ()))
        for value in column.values
    }
    best = max(near, key=lambda value: near[value])
    return best if near[best] >= LEAST else None


def _confidence(found: TableMatch) -> float:
    """By what the file is called, its required columns, and how many others it has."""
    title = nearness(found.file.title, found.table.name, synonyms()["tables"][found.table.name])
    required = [
        found.columns[name].confidence if name in found.columns else 0.0
        for name in found.table.required
    ]
    further = sum(not column.required and column.name in found.columns
                  for column in found.table.columns)  # fmt: skip
    sure = 0.25 * title + 0.65 * sum(required) / len(required) + 0.1 * min(1.0, further / 3)
    return round(sure, 2)


def summed(found: TableMatch) -> dict[str, str]:
    """Lines of a receipt: their quantity and price, summed to one purchase an instant."""
    if found.table is not EVENTS or "customer_id" in found.made or found.file.spaced:
        return {}
    known = synonyms()[EVENTS.name]
    parts: dict[str, str] = {}
    for part in ("quantity", "unit_price"):
        near = {c.name: nearness(c.name, part, known[part]) for c in found.file.columns
                if c.decimal == "." and not c.times}  # fmt: skip
        if near and max(near.values()) >= 0.6:
            parts[part] = max(near, key=lambda name: near[name])
    return {"value": "value", **parts} if len(parts) == 2 else {}


def matches(file: FileProfile) -> list[TableMatch]:
    """The file read as each table, the likeliest first."""
    found = [match(file, table) for table in TABLES.values()]
    return sorted(found, key=lambda one: (len(one.missing), -one.confidence))
