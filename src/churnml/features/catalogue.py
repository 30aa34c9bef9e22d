"""All features of a dataset, in their one order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from churnml import arguments, markup
from churnml.errors import InputError, did_you_mean
from churnml.features.adoption import adoption
from churnml.features.billing import billing
from churnml.features.comparison import comparison
from churnml.features.conversation import conversation
from churnml.features.declaration import Family, Feature, describe
from churnml.features.outreach import outreach
from churnml.features.own import check_own
from churnml.features.profile import profile
from churnml.features.purchases import purchases
from churnml.features.relationship import relationship
from churnml.features.support import support
from churnml.features.surveys import surveys
from churnml.features.tone import tone
from churnml.features.usage import usage
from churnml.sources.dataset import Dataset
from churnml.sources.description import Description
from churnml.spoken import counted


class Catalogue(tuple[Feature, ...]):
    """Features in their one order: a tuple that can be picked from by name, and shown.

    Examples
    --------
    >>> catalogue(Description()).pick("days_since_activity").frame()["family"].tolist()
    ['usage']
    """

    __slots__ = ()

    def pick(self, *names: str) -> Catalogue:
        """The features of these names, in catalogue order.

        Raises
        ------
        InputError
            If a name is not in the catalogue.
        """
        if any(not isinstance(name, str) for name in names):
            raise InputError("pick takes names, one after the other: pick('a', 'b').")
        known = {feature.name: feature for feature in self}
        if unknown := sorted(set(names) - known.keys()):
            raise InputError(
                f"No feature is called {', '.join(unknown)}; the catalogue has {len(self)}, "
                f"`.frame()` lists them all.{did_you_mean(unknown[0], known)}"
            )
        return Catalogue(feature for feature in self if feature.name in names)

    def __repr__(self) -> str:
        return f"<Catalogue: {counted(len(self), 'feature')}>"

    def frame(self) -> pd.DataFrame:
        """The data dictionary as a table indexed by name; ``title`` is the English one."""
        records = [
            one | {"title": one["title"]["en"], "title_ru": one["title"]["ru"]}
            for one in describe(self)
        ]
        columns = ["name", "title", "title_ru", "unit", "family", "risk", "play", "tables"]
        return pd.DataFrame(records, columns=columns).set_index("name")

    def _repr_html_(self) -> str:
        """How a notebook shows it: features by family, each with what it means for risk."""
        families = [
            (str(family), [one for one in self if one.family is family]) for family in Family
        ]
        parts = [
            markup.folded(f"{family}: {len(found)}", _family_table(found))
            for family, found in families
            if found
        ]
        return markup.card(counted(len(self), "feature"), *parts)


_RISK = {1: "more is riskier", -1: "more is safer", 0: "not known"}


def _family_table(features: Iterable[Feature]) -> markup.Html:
    rows = [(one.name, one.title["en"], str(one.unit), _RISK[one.risk]) for one in features]
    return markup.table(rows, head=("feature", "what it is", "unit", "risk"))


def catalogue(data: Dataset | Description) -> Catalogue:
    """Every feature that this dataset, or one of this description, can have; own ones come last.

    Parameters
    ----------
    data : Dataset or Description

    Returns
    -------
    Catalogue
        A tuple of Feature; ``pick`` takes some by name, ``frame`` is the data dictionary.

    Examples
    --------
    >>> names = [feature.name for feature in catalogue(Description())]
    >>> "days_since_activity" in names, len(names) == len(set(names))
    (True, True)
    """
    if isinstance(data, Description):
        return _ours(data)
    return Catalogue((*_ours(data), *data.own_features))


def with_features(dataset: Dataset, own: Sequence[Feature]) -> Dataset:
    """The dataset with your own features beside the catalogue, in training, scoring and reasons.

    They are Python, no part of a model: who scores with it adds the same ones again.

    Parameters
    ----------
    dataset : Dataset
    own : sequence of Feature
        In place of any that the dataset had before.

    Returns
    -------
    Dataset
        Another one over the same tables.

    Raises
    ------
    InputError
        If one is no feature, has the name of another, or reads rows or columns that there are not.

    Examples
    --------
    >>> from churnml.features import operators as o
    >>> from churnml.features.algebra import LAST_4_WEEKS, Rows
    >>> from churnml.features.row_sources import EVENTS
    >>> exports = ch.Feature(
    ...     "my_exports_28d", o.count(Rows(EVENTS, "name = 'data_export'"), LAST_4_WEEKS),
    ...     {"en": "Exports, last 28 days", "ru": "Выгрузки за 28 дней"},
    ...     ch.Unit.COUNT, ch.Family.USAGE, risk=1,
    ... )
    >>> ch.catalogue(ch.with_features(dataset, [exports]))[-1]
    <Feature my_exports_28d: Exports, last 28 days>
    """
    arguments.opened(dataset)
    own = _several(own)
    taken = [feature.name for feature in _ours(dataset)]
    for one in own:
        check_own(one, dataset)
        if one.name in taken:
            raise InputError(
                f"own: a feature is called '{one.name}' already. Give yours another name."
            )
        taken.append(one.name)
    return replace(dataset, own_features=tuple(own))


def declared(dataset: Dataset, features: Sequence[Feature] | None) -> tuple[Feature, ...]:
    """The features asked for; None: all of the catalogue. What is not of it is checked.

    Raises
    ------
    InputError
        As of ``with_features``.
    """
    arguments.opened(dataset)
    known = catalogue(dataset)
    chosen = known if features is None else _several(features)
    names = {feature.name for feature in known}
    for one in chosen:
        if getattr(one, "name", None) not in names:
            check_own(one, dataset)
    return chosen


def _several(features: Sequence[Feature]) -> tuple[Feature, ...]:
    if isinstance(features, Feature | str):
        raise InputError("Features come as a list; give a single one in brackets: [feature].")
    return tuple(features)


def _ours(data: Dataset | Description) -> Catalogue:
    description = data if isinstance(data, Description) else data.description
    features = (
        *usage(description),
        *purchases(description),
        *adoption(description),
        *support(description),
        *conversation(),
        *tone(),
        *billing(description),
        *relationship(description),
        *surveys(description),
        *outreach(),
        *profile(data),
    )
    return Catalogue((*features, *comparison(features)))
