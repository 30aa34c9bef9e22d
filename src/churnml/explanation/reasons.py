"""The strongest reasons behind a score, told by what changed, with evidence and what would help."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.config import Study
from churnml.explanation.attribution import explain
from churnml.explanation.choosing import REASONS, Told, choose
from churnml.explanation.evidence import evidence_of
from churnml.explanation.open_problem import open_problems
from churnml.explanation.past import Past, batches, past_in, past_of
from churnml.explanation.setting_back import would_lower
from churnml.explanation.telling import told_by
from churnml.explanation.topics import Topic, topic_of, topics
from churnml.explanation.wording import Voice, sentence, would_be
from churnml.features import Feature, catalogue
from churnml.model.bundle import Bundle
from churnml.sources.dataset import Dataset
from churnml.spoken import LANGUAGES

#: SHAP is the slow step: of each as_of this share is explained, and at least so many customers.
EXPLAINED_SHARE = 0.1
EXPLAINED_LEAST = 50


def explained(probability: pd.Series, *, study: Study) -> npt.NDArray[np.bool_]:
    """Who is explained: the top tenth of each as_of, at least 50, and whoever may be alerted.

    An alert goes at most so far down the list as those alerted within the quiet time reach, since
    only they are passed over.

    Parameters
    ----------
    probability : Series of float, indexed by (customer_id, as_of)
    study : Study
        Load and quiet time of the alerts.
    """
    share = max(EXPLAINED_SHARE, study.alerts.q * (1 + math.ceil(study.alerts.quiet_days / 7)))
    by_as_of = probability.groupby(probability.index.get_level_values("as_of").to_numpy())
    most = np.maximum(np.ceil(share * by_as_of.transform("size")), EXPLAINED_LEAST)
    return np.asarray(by_as_of.rank(ascending=False, method="first") <= most, dtype=np.bool_)


def strongest_reasons(
    dataset: Dataset,
    bundle: Bundle,
    table: pd.DataFrame,
    probability: pd.Series,
    *,
    study: Study,
) -> pd.DataFrame:
    """Reasons and the open problem of those who are explained; the others have none.

    Parameters
    ----------
    dataset : Dataset
        Its messages heard as the bundle heard them.
    bundle : Bundle
    table : DataFrame indexed by (customer_id, as_of)
        Features of the scored rows.
    probability : Series of float, aligned with ``table``
    study : Study

    Returns
    -------
    DataFrame, aligned with ``table``
        ``reasons`` (list of dict, as in the score file) and ``open_problem`` (dict or None).

    Examples
    --------
    >>> risk = bundle.predict(newest)
    >>> list(ch.strongest_reasons(dataset, bundle, newest, risk, study=study).columns)
    ['reasons', 'open_problem']
    """
    chosen = np.flatnonzero(explained(pd.Series(probability.to_numpy(), table.index), study=study))
    said: list[list[dict[str, Any]]] = [[] for _ in range(len(table))]
    problems: list[dict[str, Any] | None] = [None] * len(table)
    for batch in batches(table.index[chosen]):
        rows = chosen[batch]
        found = reasons_of(dataset, bundle, table.iloc[rows], everyone=table)
        open_now = open_problems(dataset, table.index[rows])
        for row, reasons in zip(rows, found, strict=True):
            said[row] = reasons
            problems[row] = open_now.get(table.index[row])
    columns = {"reasons": said, "open_problem": problems}
    return pd.DataFrame(
        {name: pd.Series(values, table.index, dtype="object") for name, values in columns.items()}
    )


def reasons_of(
    dataset: Dataset,
    bundle: Bundle,
    rows: pd.DataFrame,
    *,
    everyone: pd.DataFrame,
    weekly: pd.DataFrame | None = None,
) -> list[list[dict[str, Any]]]:
    """The reasons of these snapshots, strongest first, as in the score file.

    Parameters
    ----------
    dataset, bundle
    rows : DataFrame indexed by (customer_id, as_of)
        Features of the snapshots to explain.
    everyone : DataFrame indexed by (customer_id, as_of)
        Features of all customers at the same as_ofs: what is usual.
    weekly : DataFrame indexed by (customer_id, as_of), optional
        The catalogue of everyone at risk at the as_ofs and the twelve weeks before, where it is in
        hand; default: what is asked of the past is computed.
    """
    known = catalogue(dataset)
    by_name = {feature.name: feature for feature in known}
    used = [by_name[name] for name in bundle.feature_names]
    found = topics(explain(bundle.ensemble, rows), features=used)
    told, past = told_of(
        dataset, found, rows.index, features=used, everyone=everyone, weekly=weekly
    )
    return _recorded(dataset, bundle, rows, past, told, features=used)


def told_of(
    dataset: Dataset,
    found: Sequence[Sequence[Topic]],
    pairs: pd.MultiIndex,
    *,
    features: Sequence[Feature],
    everyone: pd.DataFrame,
    weekly: pd.DataFrame | None = None,
) -> tuple[list[list[Told]], Past]:
    """What is told of each snapshot, before it is worded, and the past it is told from.

    Parameters
    ----------
    dataset : Dataset
        Its messages heard as the model heard them.
    found : sequence of sequence of Topic
        Topics of each snapshot, heaviest first.
    pairs : MultiIndex of (customer_id, as_of)
        The snapshots, in the same order; one may stand there several times.
    features : sequence of Feature
        The model's.
    everyone : DataFrame indexed by (customer_id, as_of)
        Features of all customers at the same as_ofs: what is usual.
    weekly : DataFrame, optional
        As for ``reasons_of``.
    """
    known = catalogue(dataset)
    by_name = {feature.name: feature for feature in known}
    tellers = {
        name: told_by(by_name[name], known)
        for name in {name for of_row in found for topic in of_row for name in topic.signals}
    }
    wanted = {plain.name for several in tellers.values() for plain in several}
    talked = {(topic.family, topic.play) for of_row in found for topic in of_row}
    talked |= {topic_of(plain) for several in tellers.values() for plain in several}
    wanted |= {one.name for one in features if topic_of(one) in talked and not one.is_category}
    asked = [feature for feature in known if feature.name in wanted]
    past = (
        past_of(dataset, pairs, features=asked)
        if weekly is None
        else past_in(weekly, pairs, features=asked)
    )
    usual = everyone.select_dtypes("number").groupby(level="as_of").median()
    told = [
        choose(of_row, tellers, past, row, usual=usual.loc[pairs[row][1]])
        for row, of_row in enumerate(found)
    ]
    return told, past


def _recorded(
    dataset: Dataset,
    bundle: Bundle,
    rows: pd.DataFrame,
    past: Past,
    told: Sequence[list[Told]],
    *,
    features: Sequence[Feature],
) -> list[list[dict[str, Any]]]:
    """The reasons as records of the score file."""
    flat = [(row, one) for row, of_row in enumerate(told) for one in of_row]
    asked = [(row, one.topic, one.change) for row, one in flat]
    lower = would_lower(bundle, rows, past, asked, features=features)
    evidence = _evidence(dataset, rows.index, flat)
    voices = voices_of(dataset)
    records: list[list[dict[str, Any]]] = [[] for _ in told]
    for (row, one), less in zip(flat, lower, strict=True):
        behind = evidence[one.feature.name].get(rows.index[row], [])
        records[row].append(_record(one, less, behind, voices=voices))
    return records


def _record(
    one: Told, less: float | None, behind: list[dict[str, Any]], *, voices: Mapping[str, Voice]
) -> dict[str, Any]:
    texts = {
        f"text_{name}": sentence(one.feature, one.change, voice=voice, peers=one.peers)
        for name, voice in voices.items()
    }
    lower = {
        f"lower_{name}": None if less is None else would_be(one.feature, one.change, voice=voice)
        for name, voice in voices.items()
    }
    return {
        "feature": one.feature.name, "family": one.topic.family, "contribution": one.topic.weight,
        **texts, "was": one.change.was, "now": one.change.now, "since": one.change.since,
        "evidence": behind, "play": one.topic.play, **lower, "would_lower": less,
    }  # fmt: skip


def voices_of(dataset: Dataset) -> dict[str, Voice]:
    """How each language is spoken of this dataset."""
    about = dataset.description
    return {name: Voice(name, about.timezone, about.currency) for name in LANGUAGES}


def _evidence(
    dataset: Dataset, pairs: pd.MultiIndex, flat: Sequence[tuple[int, Told]]
) -> dict[str, dict[Any, list[dict[str, Any]]]]:
    """Evidence of each feature that is told, for the snapshots at which it is."""
    of_name: dict[str, Feature] = {}
    wanted: dict[str, list[int]] = {}
    for row, one in flat:
        of_name[one.feature.name] = one.feature
        wanted.setdefault(one.feature.name, []).append(row)
    return {name: evidence_of(dataset, of_name[name], pairs[at]) for name, at in wanted.items()}


def reasons(
    contributions: pd.DataFrame, *, features: Sequence[Feature], most: int = REASONS
) -> pd.Series:
    """What weighs most in each score by the model alone, its past not asked; each play once.

    Parameters
    ----------
    contributions : DataFrame, shape (n_snapshots, n_features + 1)
        SHAP values with the column ``bias``, as ``explain`` returns them.
    features : sequence of Feature
        The catalogue, for titles, families, plays and directions.
    most : int
        Number of reasons.

    Returns
    -------
    Series of list of dict
        Each with ``feature``, ``family``, ``contribution`` (of the topic), ``text_en``, ``text_ru``
        (titles of the strongest signal) and ``play``.
    """
    known = {feature.name: feature for feature in features}
    found = []
    for of_row in topics(contributions, features=features):
        first: dict[str, Topic] = {}
        for topic in of_row:
            first.setdefault(topic.play, topic)
        found.append([_weighed(topic, known) for topic in list(first.values())[:most]])
    return pd.Series(found, index=contributions.index, dtype="object")


def _weighed(topic: Topic, known: Mapping[str, Feature]) -> dict[str, Any]:
    feature = known[topic.signals[0]]
    return {
        "feature": feature.name, "family": topic.family, "contribution": topic.weight,
        "text_en": feature.title["en"], "text_ru": feature.title["ru"], "play": topic.play,
    }  # fmt: skip
