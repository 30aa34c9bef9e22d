"""An own feature, checked against the dataset before anything is computed with it."""

from __future__ import annotations

from typing import Any

from sqlglot.errors import ParseError

from churnml.contract import TABLES
from churnml.errors import InputError, did_you_mean
from churnml.features.algebra import Expr, Rows, Window, walk
from churnml.features.declaration import Feature
from churnml.features.definition import columns_of
from churnml.features.row_sources import Source
from churnml.features.trees import sql
from churnml.sources.dataset import Dataset

_HOW = (
    "Declare it: churnml.Feature(name=…, value=…, title={'en': …, 'ru': …}, unit=…, family=…), "
    "as notebooks/03_own_features does."
)


def check_own(feature: Any, dataset: Dataset) -> None:
    """Refuse what is no feature, or reads rows, weeks or columns that there are not.

    Raises
    ------
    InputError
        Naming the feature, what it reads, and what is there.
    """
    if isinstance(feature, str):
        raise InputError(
            f"features: '{feature}' is a name; a declared feature is wanted. Take it from the "
            f"catalogue: churnml.catalogue(dataset).pick({feature!r})."
        )
    if not isinstance(feature, Feature):
        raise InputError(f"A {type(feature).__name__} is no churnml.Feature. {_HOW}")
    if not isinstance(feature.value, Expr):
        raise InputError(
            f"Feature '{feature.name}': its value is {type(feature.value).__name__}; expected an "
            "expression such as count(Rows(EVENTS, \"name = 'login'\"), LAST_4_WEEKS), of "
            "churnml.features.operators, .algebra and .row_sources."
        )
    sources = [one for node in walk(feature.value) if (one := _source(feature, node)) is not None]
    there = {source.name: _columns(source) for source in sources}
    own = dataset.description.customers.immutable
    there["customers"] = list(dict.fromkeys([*TABLES["customers"].names, *own]))
    for read in _read(feature):
        source, _, column = read.partition(".")
        if column not in there[source]:
            raise InputError(
                f"Feature '{feature.name}' reads {read}, which does not exist; {source} has "
                f"{', '.join(there[source])}.{did_you_mean(column, there[source])}"
            )


def _source(feature: Feature, node: Expr) -> Source | None:
    """The source that a node reads; None if it reads none."""
    if not hasattr(node, "rows"):
        return None
    rows = node.rows
    if not isinstance(rows, Rows) or not isinstance(rows.source, Source):
        raise InputError(
            f"Feature '{feature.name}': expected rows of a source, such as Rows(EVENTS), with "
            f"EVENTS of churnml.features.row_sources; got {type(rows).__name__}."
        )
    window = getattr(node, "window", None)
    if isinstance(window, Window) and window.end < 0 and rows.at is None:
        raise InputError(
            f"Feature '{feature.name}' looks at the {-window.end} weeks after the as_of, of which "
            "no row is known then: it would be 0 for everyone. Take a window before the as_of, or "
            "place the rows by a planned time: rows.dated('due_at')."
        )
    return rows.source


def _columns(source: Source) -> list[str]:
    variant = source.variants[0]
    names = [str(name) for name in sql(variant.select).named_selects]
    return list(TABLES[variant.tables[0]].names) if names == ["*"] else names


def _read(feature: Feature) -> tuple[str, ...]:
    try:
        return columns_of(feature.value)
    except ParseError as error:
        near = "".join(part["start_context"] + part["highlight"] for part in error.errors[:1])
        raise InputError(
            f"Feature '{feature.name}' holds SQL that cannot be read, as far as “{near}”. "
            "Conditions are written as after WHERE: \"name = 'login'\"."
        ) from None
