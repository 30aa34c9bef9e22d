"""What a model card says beside the figures of the training: tables, churn, features, fit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnml.contract import TABLES
from churnml.explanation import explain, feature_importance
from churnml.features import Feature
from churnml.labels import CHURNED
from churnml.model.bundle import Bundle
from churnml.model.examples import Examples
from churnml.sources.dataset import Dataset
from churnml.sources.description import Churn

#: SHAP is slow; so many of the newest snapshots show what share each family has.
EXPLAINED_ROWS = 500
NAMED_FEATURES = 5


@dataclass(frozen=True)
class TableFact:
    """Rows of one table and the time they span."""

    name: str
    rows: int
    first: pd.Timestamp | None
    last: pd.Timestamp | None


@dataclass(frozen=True)
class FamilyFact:
    """What a family of features contributes, and its strongest features by title."""

    name: str
    features: int
    share: float
    titles: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class CardFacts:
    """Everything of a training that its JSON document does not hold.

    Parameters
    ----------
    tables : tuple of TableFact
    churn : Churn
        What counts as an exit.
    snapshots, in_population, customers : int
        Rows at risk, those that train and test, the people behind them.
    population : dict
        Conditions of the population.
    families : tuple of FamilyFact
        The strongest first.
    fit : dict
        Choices of the final fit.
    digests : dict
        Of model, data, features, study.
    """

    tables: tuple[TableFact, ...]
    timezone: str
    churn: Churn
    snapshots: int
    in_population: int
    customers: int
    first: pd.Timestamp
    last: pd.Timestamp
    population: dict[str, Any]
    families: tuple[FamilyFact, ...]
    fit: dict[str, Any]
    digests: dict[str, str]


def card_facts(
    dataset: Dataset, examples: Examples, bundle: Bundle, *, strength: pd.Series
) -> CardFacts:
    """The facts of a finished training.

    Parameters
    ----------
    dataset : Dataset
    examples : Examples
    bundle : Bundle
        The final model, saved.
    strength : Series of float indexed by feature
        As ``strength_on_newest`` measures it.
    """
    inside = examples.features.index[examples.population.to_numpy()]
    return CardFacts(
        tables=tuple(
            TableFact(name, *dataset.extent(name)) for name in TABLES if name in dataset.tables
        ),
        timezone=dataset.description.timezone,
        churn=dataset.description.churn,
        snapshots=len(examples.features),
        in_population=len(inside),
        customers=inside.get_level_values("customer_id").nunique(),
        first=examples.as_ofs.min(),
        last=examples.as_ofs.max(),
        population={
            name: value for name, value in bundle.study["population"].items() if value is not None
        },
        families=_families(examples, strength),
        fit=_fit(examples, bundle),
        digests={
            "model": bundle.digest,
            "data": bundle.data_digest,
            "features": bundle.feature_digest,
        },
    )


def strength_on_newest(examples: Examples, bundle: Bundle) -> pd.Series:
    """Mean absolute SHAP value of each feature on the newest snapshots."""
    order = np.argsort(examples.as_ofs.to_numpy(), kind="stable")[-EXPLAINED_ROWS:]
    newest = examples.features.iloc[np.sort(order)]
    contributions = explain(bundle.ensemble, newest)
    return feature_importance(contributions, features=examples.catalogue)["importance"]


def _families(examples: Examples, strength: pd.Series) -> tuple[FamilyFact, ...]:
    whole = float(strength.sum()) or 1.0
    members: dict[str, list[Feature]] = {}
    for feature in examples.catalogue:
        members.setdefault(str(feature.family), []).append(feature)
    facts = [_family(name, of, strength, whole) for name, of in members.items()]
    return tuple(sorted(facts, key=lambda fact: -fact.share))


def _family(name: str, of: list[Feature], strength: pd.Series, whole: float) -> FamilyFact:
    known = {feature.name: float(strength.get(feature.name, 0.0)) for feature in of}
    named = sorted((one for one in of if known[one.name] > 0), key=lambda one: -known[one.name])
    titles = tuple(dict(feature.title) for feature in named[:NAMED_FEATURES])
    return FamilyFact(name, len(of), sum(known.values()) / whole, titles)


def _fit(examples: Examples, bundle: Bundle) -> dict[str, Any]:
    ensemble, window = bundle.ensemble, examples.window
    closed = examples.counted & (examples.labels[window] != "unknown").to_numpy()
    churned = (examples.labels[window] == CHURNED).to_numpy()[closed]
    return {
        "window": [window.lead_days, window.end_days],
        "heads": [[head.window.lead_days, head.window.end_days] for head in ensemble.heads],
        "seeds": bundle.study["model"]["final_seeds"],
        "sampler": bundle.study["model"]["sampler"],
        "rows": int(closed.sum()),
        "positives": int(churned.sum()),
        "features": len(bundle.feature_names),
        "data_until": bundle.data_until,
        "parameters": asdict(ensemble.parameters),
    }
