"""What a feature is: its value, its meaning in two languages, and what it says about risk."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from churnml.errors import InputError, did_you_mean
from churnml.features.algebra import Expr, tables_of
from churnml.features.definition import columns_of, definition

_SLUG = re.compile(r"[a-z][a-z0-9_]*")


class Family(StrEnum):
    """Groups of signals a manager reads.

    Examples
    --------
    >>> ch.Family("usage") is ch.Family.USAGE
    True
    """

    USAGE = "usage"
    ADOPTION = "adoption"
    SUPPORT = "support"
    CONVERSATION = "conversation"
    BILLING = "billing"
    RELATIONSHIP = "relationship"
    SURVEYS = "surveys"
    OUTREACH = "outreach"
    PROFILE = "profile"


class Unit(StrEnum):
    """What the number of a feature counts.

    Examples
    --------
    >>> ch.Unit("share") is ch.Unit.SHARE
    True
    """

    COUNT = "count"
    DAYS = "days"
    WEEKS = "weeks"
    HOURS = "hours"
    MINUTES = "minutes"
    SHARE = "share"
    RATIO = "ratio"
    MONEY = "money"
    SCORE = "score"
    DEVIATIONS = "deviations"
    FLAG = "flag"
    PERCENTILE = "percentile"
    CATEGORY = "category"


@dataclass(frozen=True)
class Feature:
    """One feature; everything else about it is derived from here.

    Parameters
    ----------
    name : str
        Column name, lower case with underscores.
    value : Expr
        How it is computed; holds no dates.
    title : mapping of str
        ``en`` and ``ru``, in business words.
    unit : Unit
    family : Family
    risk : {-1, 0, 1}
        +1: more of it is riskier, -1: more of it is safer, 0: not known.
    play : str
        Slug of the play that answers this signal.
    subject : mapping of str, optional
        The title without its window, as a sentence begins; default: the title.
    days : int, optional
        Length of the window that the title ends in.

    Raises
    ------
    InputError
        If the name is no slug, a title is missing, or unit, family or risk is none there is.

    Examples
    --------
    >>> from churnml.features.algebra import LAST_4_WEEKS, Rows
    >>> from churnml.features.operators import count
    >>> from churnml.features.row_sources import EVENTS
    >>> ch.Feature(
    ...     "my_logins_28d", count(Rows(EVENTS, "name = 'login'"), LAST_4_WEEKS),
    ...     {"en": "Logins, last 28 days", "ru": "Входы за 28 дней"}, "count", "usage", risk=-1,
    ... ).tables
    ('events',)
    """

    name: str
    value: Expr
    title: Mapping[str, str]
    unit: Unit
    family: Family
    risk: int = 0
    play: str = "check_in_call"
    subject: Mapping[str, str] = field(default_factory=dict)
    days: int | None = None

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.name) or not _SLUG.fullmatch(self.play):
            raise InputError(
                f"Feature name '{self.name}' and play '{self.play}' must be lower-case "
                "words joined by underscores."
            )
        if not isinstance(self.title, Mapping):
            raise InputError(
                f"Feature '{self.name}': title is {self.title!r}; expected both languages, "
                "{'en': …, 'ru': …}."
            )
        missing = [
            language for language in ("en", "ru") if not self.title.get(language, "").strip()
        ]
        if missing:
            raise InputError(f"Feature '{self.name}' lacks its title in: {', '.join(missing)}.")
        if self.risk not in (-1, 0, 1):
            raise InputError(f"Feature '{self.name}' has risk {self.risk!r}; expected -1, 0 or 1.")
        for name, kind in (("unit", Unit), ("family", Family)):
            object.__setattr__(self, name, self._one_of(kind, name))
        object.__setattr__(self, "title", MappingProxyType(dict(self.title)))
        said = dict(self.subject or self.title)
        object.__setattr__(self, "subject", MappingProxyType(said))

    def __repr__(self) -> str:
        return f"<Feature {self.name}: {self.title['en']}>"

    def __reduce__(self) -> tuple[type[Feature], tuple[Any, ...]]:
        # a read-only mapping cannot be pickled
        values = (getattr(self, one.name) for one in fields(self))
        plain = (dict(one) if isinstance(one, MappingProxyType) else one for one in values)
        return Feature, tuple(plain)

    def _one_of(self, kind: type[StrEnum], name: str) -> StrEnum:
        came = getattr(self, name)
        try:
            return kind(came)
        except ValueError:
            raise InputError(
                f"Feature '{self.name}': {name} is {came!r}; expected one of {', '.join(kind)}."
                f"{did_you_mean(str(came), kind)}"
            ) from None

    @property
    def is_category(self) -> bool:
        """Whether the column holds words, not numbers."""
        return self.unit is Unit.CATEGORY

    @property
    def tables(self) -> tuple[str, ...]:
        """Canonical tables that the feature reads."""
        return tables_of(self.value)


def describe(features: Sequence[Feature]) -> list[dict[str, Any]]:
    """The data dictionary: one plain record for each feature, in catalogue order."""
    said = {feature.name: definition(feature.value) for feature in features}
    return [
        {
            "name": feature.name,
            "title": dict(feature.title),
            "unit": str(feature.unit),
            "family": str(feature.family),
            "risk": feature.risk,
            "play": feature.play,
            "tables": list(feature.tables),
            "columns": list(columns_of(feature.value)),
            "definition": {"en": str(said[feature.name]), "ru": said[feature.name].ru},
        }
        for feature in features
    ]


def feature_digest(features: Sequence[Feature]) -> str:
    """Sixteen hexadecimal digits that change with any name, order or definition of the features."""
    text = json.dumps([[feature.name, repr(feature.value)] for feature in features])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
