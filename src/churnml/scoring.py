"""From a bundle, data and as_ofs to calibrated probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from churnml import arguments
from churnml.alerting.tiers import priority, tiers
from churnml.config import Study
from churnml.errors import InputError
from churnml.features import (
    Feature,
    catalogue,
    compute_features,
    feature_digest,
    feature_parts,
    spread_features,
)
from churnml.features.cache import cached_features
from churnml.features.triage import triage_features
from churnml.features.value import MONTHS
from churnml.health import Preset, health, health_features, read_preset
from churnml.model.bundle import Bundle
from churnml.model.horizons import QUANTILES, SHOWN_WEEKS, exit_day_quantiles
from churnml.model.message_risk import with_message_risk
from churnml.snapshots import take_snapshots
from churnml.sources.dataset import Dataset
from churnml.text.hearing import MESSAGE_SCORES
from churnml.windows import DAY, WEEK_DAYS, local

#: After so many days without data the windows of four weeks are empty for everyone.
BLIND_DAYS = 28


def features_for(dataset: Dataset, bundle: Bundle, as_ofs: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """The features that the bundle needs, of everyone at risk at each as_of.

    Parameters
    ----------
    dataset : Dataset
    bundle : Bundle
    as_ofs : sequence of Timestamp
        Naive UTC; each is computed from what was known then.

    Returns
    -------
    DataFrame indexed by (customer_id, as_of)

    Raises
    ------
    InputError
        If nobody is at risk at any as_of, or the model needs features that are not there.

    Examples
    --------
    >>> features = ch.features_for(dataset, bundle, [pd.Timestamp("2024-12-23")])
    >>> tuple(features.columns) == bundle.feature_names
    True
    """
    needed = needed_features(dataset, bundle)
    return features_at(listened(dataset, bundle), as_ofs, features=needed)


def listened(dataset: Dataset, bundle: Bundle) -> Dataset:
    """The dataset with its messages heard as the bundle heard them; done once.

    Examples
    --------
    >>> ch.listened(dataset, bundle).observed_until == dataset.observed_until
    True
    """
    if MESSAGE_SCORES in dataset.tables:
        return dataset
    return with_message_risk(dataset, bundle.message_risk)


def features_at(
    dataset: Dataset, as_ofs: Sequence[pd.Timestamp], *, features: Sequence[Feature]
) -> pd.DataFrame:
    """These features of everyone at risk at each as_of.

    Raises
    ------
    InputError
        If nobody is at risk at any as_of.
    """
    return compute_features(dataset, _at_risk(dataset, as_ofs), features=features)


def feature_parts_at(
    dataset: Dataset,
    as_ofs: Sequence[pd.Timestamp],
    *,
    features: Sequence[Feature],
    memory_mb: int | None,
    progress: Callable[[int, int], None],
) -> Iterator[pa.Table]:
    """The same as tables, part by part, so that the whole need not fit into memory.

    Raises
    ------
    InputError
        If nobody is at risk at any as_of.
    """
    snapshots = _at_risk(dataset, as_ofs)
    return feature_parts(
        dataset, snapshots, features=features, memory_mb=memory_mb, progress=progress
    )


def spread_features_at(
    dataset: Dataset,
    as_ofs: Sequence[pd.Timestamp],
    *,
    features: Sequence[Feature],
    target: Path | str,
) -> int:
    """The same, written by the executors of Spark; how many rows.

    Raises
    ------
    InputError
        If nobody is at risk at any as_of, or as of ``spread_features``.
    """
    snapshots = _at_risk(dataset, as_ofs)
    spread_features(dataset, snapshots, features=features, target=target)
    return len(snapshots)


def _at_risk(dataset: Dataset, as_ofs: Sequence[pd.Timestamp]) -> pd.DataFrame:
    arguments.moments(as_ofs)
    if not len(as_ofs):
        raise InputError("as_ofs is empty; expected at least one: [dataset.observed_until].")
    _inside(as_ofs, dataset)
    snapshots = take_snapshots(dataset, as_ofs)
    if snapshots.empty:
        first, last, until = _days(dataset, min(as_ofs), max(as_ofs), dataset.observed_until)
        raise InputError(
            f"Nobody is at risk between {first} and {last}. The data is observed until {until}; "
            "choose as_ofs inside it."
        )
    return snapshots


def said_of_silence(as_ofs: Sequence[pd.Timestamp], dataset: Dataset) -> str | None:
    """What to mind where an as_of lies a week and more after the data, but is not refused."""
    behind = (max(as_ofs) - dataset.observed_until) / DAY
    if not WEEK_DAYS <= behind <= BLIND_DAYS:
        return None
    last, until = _days(dataset, max(as_ofs), dataset.observed_until)
    return (
        f"The data end {behind:.0f} days before {last}, so everyone looks that much more silent. "
        f"Score at {until}, or load newer data."
    )


def _days(dataset: Dataset, *moments: pd.Timestamp) -> list[str]:
    """The days of these instants where the company is."""
    zone = dataset.description.timezone
    return [f"{local(moment, zone=zone):%Y-%m-%d}" for moment in moments]


def _inside(as_ofs: Sequence[pd.Timestamp], dataset: Dataset) -> None:
    """Refuse what lies so far after the data that everyone would look silent.

    Raises
    ------
    InputError
        Naming the last as_of that the data carries.
    """
    last = dataset.observed_until + BLIND_DAYS * DAY
    if max(as_ofs) > last:
        until, asked, latest = _days(dataset, dataset.observed_until, max(as_ofs), last)
        raise InputError(
            f"The data is observed until {until}; at {asked} everyone would look silent. Choose "
            f"as_ofs until {latest}, best {until}, or load newer data."
        )


def score(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    """Calibrated probabilities of these snapshots.

    Parameters
    ----------
    bundle : Bundle
    features : DataFrame indexed by (customer_id, as_of)
        As ``features_for`` computes them.

    Returns
    -------
    DataFrame, aligned with ``features``
        ``customer_id``, ``as_of``, ``probability``, ``model_digest``, ``weeks_ahead`` (probability
        of an exit in week 1 … 8), ``exit_days_p25``, ``exit_days_p50``, ``exit_days_p75`` (days
        until the exit of those who leave within 84 days). The last four are empty where the model
        knows no dated exits.

    Examples
    --------
    >>> scores = ch.score(bundle, newest)
    >>> list(scores.columns[:3])
    ['customer_id', 'as_of', 'probability']
    """
    arguments.indexed(features, what="features")
    arguments.bundle(bundle)
    probability = bundle.predict(features)
    ahead = weeks_ahead(bundle, probability)
    scores = probability.reset_index().assign(model_digest=bundle.digest)
    return scores.assign(**{name: ahead[name].to_numpy() for name in ahead})


def weeks_ahead(bundle: Bundle, probability: pd.Series) -> pd.DataFrame:
    """When exits are how likely, given the bundle's own scores; empty columns without a curve.

    Parameters
    ----------
    bundle : Bundle
    probability : Series of float
        As the bundle predicts them.

    Returns
    -------
    DataFrame, aligned with ``probability``
        ``weeks_ahead`` (list of eight probabilities) and the quarters of the days until the exit.

    Examples
    --------
    >>> ch.weeks_ahead(bundle, bundle.predict(newest)).columns[0] == "weeks_ahead"
    True
    """
    if bundle.weeks_ahead is None:
        names = ("weeks_ahead", *(f"exit_days_p{percent}" for percent in QUANTILES))
        return pd.DataFrame(dict.fromkeys(names), index=probability.index, dtype="object")
    curve = bundle.weeks_ahead.curve(probability)
    shown = pd.Series(list(curve.to_numpy()[:, :SHOWN_WEEKS]), index=curve.index, dtype="object")
    return exit_day_quantiles(curve).assign(weeks_ahead=shown)


def score_everyone(
    dataset: Dataset, bundle: Bundle, as_ofs: Sequence[pd.Timestamp], *, study: Study
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Feature, ...]]:
    """What ``churnml score`` writes but for the reasons, in one pass over the data.

    Parameters
    ----------
    dataset : Dataset
    bundle : Bundle
    as_ofs : sequence of Timestamp
        Naive UTC; usually ``[dataset.observed_until]``.
    study : Study
        Of health and tiers.

    Returns
    -------
    scores : DataFrame
        ``customer_id``, ``as_of``, ``probability``, ``model_digest``, ``health``, ``tier``,
        ``value_at_risk``, ``priority``.
    table : DataFrame indexed by (customer_id, as_of), aligned with the scores
        The model's features.
    features : tuple of Feature
        What its columns mean.

    Raises
    ------
    InputError
        As of ``features_for``.

    Examples
    --------
    >>> today = pd.Timestamp("2024-12-23")
    >>> scores, table, _ = ch.score_everyone(dataset, bundle, [today], study=study)
    >>> len(scores) == len(table)
    True
    """
    known = needed_features(dataset, bundle)
    features = _with_standing(known, dataset, study)
    table = features_at(listened(dataset, bundle), as_ofs, features=features)
    own = table[list(bundle.feature_names)]
    return standing(score(bundle, own), table, study=study), own, known


def score_weeks(
    dataset: Dataset,
    bundle: Bundle,
    as_ofs: Sequence[pd.Timestamp],
    *,
    study: Study,
    features: Sequence[Feature],
    folder: Path,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same scores of many as_ofs, whose features are kept for whoever asks again.

    Parameters
    ----------
    dataset : Dataset
        Its messages heard as the bundle heard them.
    bundle, as_ofs, study
    features : sequence of Feature
        Those of the model, and whatever is wanted beside them.
    folder : Path
        Features of earlier calls; only what is not there is computed.

    Returns
    -------
    scores : DataFrame
        As of ``score_everyone``.
    table : DataFrame indexed by (customer_id, as_of), aligned with the scores
        The features asked for, and those of the standing.
    """
    snapshots = _at_risk(dataset, as_ofs)
    table = cached_features(
        dataset, snapshots, features=_with_standing(features, dataset, study),
        kept=pd.Series(True, index=snapshots.index), folder=folder,
        fitted=bundle.message_risk.digest if bundle.message_risk else "",
    )  # fmt: skip
    own = table[list(bundle.feature_names)]
    return standing(score(bundle, own), table, study=study), table


def _with_standing(
    features: Sequence[Feature], dataset: Dataset, study: Study
) -> tuple[Feature, ...]:
    standing_by = standing_features(dataset, read_preset(study.health.preset))
    return tuple({one.name: one for one in (*standing_by, *features)}.values())


def needed_features(dataset: Dataset, bundle: Bundle) -> tuple[Feature, ...]:
    """The features of the catalogue, own ones included, that the bundle was trained with.

    Raises
    ------
    InputError
        If this version or this dataset cannot make some of them.
    """
    arguments.opened(dataset)
    arguments.bundle(bundle)
    known = {feature.name: feature for feature in catalogue(dataset)}
    absent = [name for name in bundle.feature_names if name not in known]
    if theirs := [name for name in absent if name in bundle.own_features]:
        raise InputError(
            f"The model was trained with features of its maker's own, which are not here: "
            f"{', '.join(theirs[:5])}. They are declared in Python and no part of the model: score "
            "there, a dataset that has them: churnml.with_features(dataset, [the same features])."
        )
    if absent:
        raise InputError(
            f"The model needs {len(bundle.feature_names)} features; {len(absent)} are not in this "
            f"catalogue: {', '.join(absent[:5])}. Score with the version of churnml in bundle.json "
            "and the same [customers] immutable columns, or train again."
        )
    needed = tuple(known[name] for name in bundle.feature_names)
    if feature_digest(needed) != bundle.feature_digest:
        raise InputError(
            "The features have the model's names but not its meaning: their definition, or the "
            "type of an immutable column, has changed since it was trained"
            f"{_or_own(bundle)}. Train again, or score with the version of churnml in bundle.json."
        )
    return needed


def _or_own(bundle: Bundle) -> str:
    own = bundle.own_features
    return f" (or your own {', '.join(own[:5])} are declared otherwise)" if own else ""


def standing_features(dataset: Dataset, preset: Preset) -> tuple[Feature, ...]:
    """The features behind health, value at risk and priority, beside those of the model."""
    return (*health_features(dataset, preset), *triage_features(dataset))


def standing(scores: pd.DataFrame, table: pd.DataFrame, *, study: Study) -> pd.DataFrame:
    """The scores with ``health``, ``tier``, ``value_at_risk`` and ``priority``; NaN is unknown.

    Parameters
    ----------
    scores : DataFrame
        As ``score`` returns them.
    table : DataFrame indexed by (customer_id, as_of)
        ``standing_features`` of everyone scored, in the order of the scores.
    study : Study
        Preset of the health, tiers and seed.
    """
    rows = table.reset_index(drop=True)
    nothing = pd.Series(float("nan"), index=rows.index)
    revenue = MONTHS * rows.get("mrr", nothing)
    preset = read_preset(study.health.preset)
    return scores.assign(
        health=health(table, preset)["health"].to_numpy(),
        tier=tiers(scores, study.tiers, seed=study.seed),
        value_at_risk=scores["probability"].to_numpy() * revenue.to_numpy(),
        priority=priority(
            scores,
            annual_revenue=revenue,
            days_since_login=rows["days_since_login"],
            open_ticket_days=rows.get("unresolved_ticket_age", nothing),
        ),
    )
