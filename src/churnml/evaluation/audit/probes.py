"""Probes of the whole machine: cut the future away, and shuffle the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from churnml.config import Population
from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.words import say
from churnml.features import Feature, compute_features
from churnml.labels import CHURNED, UNKNOWN
from churnml.model.boosting import Parameters
from churnml.model.ensemble import fit_ensemble
from churnml.model.examples import Examples
from churnml.model.message_risk import with_message_risk
from churnml.snapshots import in_population, take_snapshots
from churnml.sources import open_dataset
from churnml.splits import ForwardFolds

CUT = "future_cut"
SHUFFLED = "label_permutation"
TOLERANCE = 1e-9
DRAWS = 4
#: A model of shuffled labels may rank a little by chance, since features hang together.
ALLOWED = 0.1
_SMALL = Parameters(max_depth=3, eta=0.1, trees=40)


def future_cut(
    data: Path | str,
    dataset_file: Path | None,
    examples: Examples,
    *,
    population: Population,
    as_ofs: Sequence[pd.Timestamp],
) -> tuple[list[Finding], Check]:
    """Features at an as_of from data cut there equal those from all data.

    What differs reads the future: a row that changed by hindsight, a table without its times.
    The examples hold the population alone, so of the cut data the population is compared.
    """
    differing: dict[str, int] = {}
    for as_of in as_ofs:
        cut = open_dataset(data, dataset_file=dataset_file, known_until=as_of)
        then = take_snapshots(cut, [as_of])
        inside = in_population(cut, then, population=population)
        # Message risk is fitted, so the models are the run's own; what they read is cut.
        listened = with_message_risk(cut, examples.message_risk)
        table = compute_features(listened, then, features=examples.catalogue, kept=inside)
        now = examples.features[examples.as_ofs == as_of]
        for name in unequal(table, now):
            differing[name] = differing.get(name, 0) + 1
    by_name = {feature.name: feature for feature in examples.catalogue}
    findings = [_future(by_name.get(name), name) for name in differing]
    seen = say("features_at", features=len(examples.catalogue), moments=len(as_ofs))
    return findings, concluded(CUT, findings, seen=seen)


def unequal(one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """Columns that differ, ``at_risk`` first where the rows themselves do."""
    if not one.index.sort_values().equals(other.index.sort_values()):
        return ["at_risk"]
    other = other.loc[one.index]
    return [str(name) for name in one.columns if not _equal(one[name], other[name])]


def _equal(one: pd.Series, other: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(one):
        both = (
            one.astype("object").where(one.notna(), None),
            other.astype("object").where(other.notna(), None),
        )
        return bool((both[0].to_numpy() == both[1].to_numpy()).all())
    return np.allclose(
        one.to_numpy(dtype=float), other.to_numpy(dtype=float), rtol=TOLERANCE, atol=TOLERANCE,
        equal_nan=True,
    )  # fmt: skip


def label_permutation(
    examples: Examples, *, folds: ForwardFolds, seed: int
) -> tuple[list[Finding], Check]:
    """A model of labels shuffled within each as_of ranks honest rows no better than chance.

    What ranks them all the same has seen the labels of the test on another way.
    """
    start = folds.starts[-1]
    labels = examples.labels[examples.window]
    tested = examples.population & (labels != UNKNOWN) & (examples.as_ofs >= start)
    honest = (labels[tested] == CHURNED).to_numpy()
    if not honest.any() or honest.all():
        return [], Check(SHUFFLED, None, say("one_class"))
    areas = []
    for draw in range(DRAWS):
        rng = np.random.default_rng((seed, draw))
        shuffled = shuffled_within(labels, before=start, rng=rng)
        blind = replace(examples, labels={examples.window: shuffled})
        model = fit_ensemble(
            blind, folds=folds, tested=start, seed=seed, parameters=_SMALL, max_rows=20_000
        )
        areas.append(roc_auc_score(honest, model.predict(examples.features[tested])))
    mean, spread = float(np.mean(areas)), float(np.std(areas, ddof=1) / np.sqrt(DRAWS))
    findings = [_shuffled(mean)] if mean - 0.5 > ALLOWED + 2 * spread else []
    seen = say("shuffles", mean=mean, spread=spread, draws=DRAWS)
    return findings, concluded(SHUFFLED, findings, seen=seen)


def shuffled_within(
    labels: pd.Series, *, before: pd.Timestamp, rng: np.random.Generator
) -> pd.Series:
    """Labels shuffled among the customers of each as_of before an instant; ``unknown`` stays."""
    values = labels.to_numpy(dtype=object, copy=True)
    as_ofs = labels.index.get_level_values("as_of")
    open_rows = (labels != UNKNOWN).to_numpy() & np.asarray(as_ofs < before)
    for rows in pd.Series(np.flatnonzero(open_rows)).groupby(as_ofs[open_rows]).groups.values():
        places = np.flatnonzero(open_rows)[rows]
        values[places] = values[rng.permutation(places)]
    return pd.Series(values, index=labels.index, dtype=labels.dtype)


def _future(feature: Feature | None, name: str) -> Finding:
    tables = ", ".join(feature.tables) if feature else "subscriptions"
    return Finding(
        CUT,
        "error",
        say("reads_future", name=name, tables=tables),
        table=feature.tables[0] if feature and feature.tables else None,
        feature=name,
    )


def _shuffled(area: float) -> Finding:
    return Finding(
        SHUFFLED,
        "error",
        say("ranks_shuffled", area=area),
        value=round(area, 4),
    )
