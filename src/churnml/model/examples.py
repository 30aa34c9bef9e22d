"""What training may learn from: features, labels of every head and population of all snapshots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml import arguments, markup
from churnml.alerting.grid import tie_breakers
from churnml.config import Study
from churnml.errors import InputError, did_you_mean
from churnml.features import Feature, catalogue, compute_features
from churnml.features.cache import cached_features
from churnml.features.catalogue import Catalogue
from churnml.labels import CHURNED, UNKNOWN, exit_days, label
from churnml.model.message_risk import MessageRisk, cached_message_risk, with_message_risk
from churnml.model.needs import (
    MIN_POSITIVES,
    check_anyone,
    check_classes,
    check_population,
    check_rows,
    check_signals,
)
from churnml.model.preparation import PURCHASE_COLUMNS
from churnml.model.treatment import Treatment, check_weighting, find_treatment
from churnml.model.words import phrase
from churnml.snapshots import in_population, take_snapshots
from churnml.sources.dataset import Dataset
from churnml.sources.description import Churn
from churnml.sources.spark import SparkHome
from churnml.splits import ForwardFolds, forward_folds
from churnml.spoken import Spoken, counted, percent
from churnml.windows import DAY, WEEK_DAYS, LabelWindow, instant

#: Before the first as_of so many days of history are needed for any feature to mean something.
WARM_UP_DAYS = 28
#: Feature tables of earlier runs, below the working directory.
CACHE = Path("mlruns/cache")
Say = Callable[[str], None]


@dataclass(frozen=True, repr=False)
class Examples:
    """Everything that training may learn from, before any fold is cut.

    Parameters
    ----------
    features : DataFrame indexed by (customer_id, as_of)
        The snapshots of the population; their ranks are among everyone at risk.
    labels : mapping of LabelWindow to Series of str
        Labels of each head, aligned with ``features``; the first is the one that is scored.
    population : Series of bool
        Who trains and tests.
    catalogue : Catalogue
        What the columns mean; their direction constrains the boosters.
    silent_churn : bool
        Whether exits are silent, so that the purchase process is fitted.
    treatment : Treatment, optional
        Which rows a save play reached, aligned with ``features``; default: none.
    exits : DataFrame, optional
        ``notice_days`` and ``observed_days`` of each snapshot, aligned with ``features``; None
        where exits have no date.
    purchases : DataFrame indexed by (customer_id, as_of), optional
        What the purchase process is fitted on: repeats, recency and age of everyone at risk, the
        population's and the others'; default: ``features``.
    message_risk : MessageRisk, optional
        What single messages say about leaving; it made some of the features.
    heard : Dataset, optional
        The dataset with its messages heard so, for whoever reads features of other weeks.
    drawn : Spoken, optional
        Of how many customers these are the rows, where others were left out.

    Raises
    ------
    InputError
        If parts have other rows than the features, or a label is none of the four.
    """

    features: pd.DataFrame
    labels: Mapping[LabelWindow, pd.Series]
    population: pd.Series
    catalogue: Catalogue
    silent_churn: bool
    treatment: Treatment | None = None
    exits: pd.DataFrame | None = None
    purchases: pd.DataFrame | None = None
    message_risk: MessageRisk | None = None
    heard: Dataset | None = None
    drawn: Spoken | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "catalogue", Catalogue(self.catalogue))
        check_rows(self)

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle keeps: all but ``heard``, whose connection stays where it is."""
        return self.__dict__ | {"heard": None}

    def __repr__(self) -> str:
        return f"<Examples: {self._size('row')}>"

    def _size(self, noun: str) -> str:
        rows, columns = self.features.shape
        return f"{counted(rows, noun)}, {counted(columns, 'feature')}"

    def _repr_html_(self) -> str:
        """How a notebook shows it: rows, people, and what became of them in the label window."""
        became = self.labels[self.window].value_counts()
        rows = [(name, int(count), percent(count / len(self.features), digits=1))
                for name, count in became.items()]  # fmt: skip
        people = self.features.index.get_level_values("customer_id").nunique()
        first, last = (markup.date(moment) for moment in (self.as_ofs.min(), self.as_ofs.max()))
        return markup.card(
            self._size("example"),
            markup.table(rows, head=("label", "rows", "share"), right=1),
            said=f"{counted(people, 'customer')}, as_ofs {first} to {last}. A label counts "
            f"exits in [as_of + {self.window.lead_days} d, as_of + {self.window.end_days} d).",
        )

    @property
    def risk(self) -> dict[str, int]:
        """Direction of each feature: +1 more is riskier, -1 safer, 0 unknown."""
        return {feature.name: feature.risk for feature in self.catalogue}

    @property
    def heads(self) -> tuple[LabelWindow, ...]:
        """Label windows, the scored one first."""
        return tuple(self.labels)

    @property
    def window(self) -> LabelWindow:
        """The label window that is scored."""
        return self.heads[0]

    @property
    def as_ofs(self) -> pd.DatetimeIndex:
        """The as_of of each row."""
        return pd.DatetimeIndex(self.features.index.get_level_values("as_of"))

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Rows of the population, but for treated ones that the study leaves out."""
        inside = self.population.to_numpy()
        if self.treatment is None:
            return np.asarray(inside)
        return np.asarray(inside & (self.treatment.weight > 0).to_numpy())

    def only(self, features: Sequence[Feature | str]) -> Examples:
        """The same rows with these features of the catalogue alone, or those of these names."""
        kept = self.catalogue.pick(*(str(getattr(one, "name", one)) for one in features))
        return replace(self, features=self.features[[one.name for one in kept]], catalogue=kept)

    def weights(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64] | None:
        """How much each of these rows counts in a fit; None: all the same."""
        if self.treatment is None or self.treatment.handling != "weight":
            return None
        return np.asarray(self.treatment.weight.to_numpy()[rows], dtype=np.float64)

    def train_rows(
        self, head: LabelWindow, *, folds: ForwardFolds, tested: pd.Timestamp
    ) -> npt.NDArray[np.bool_]:
        """Rows that may train a head for a test that begins then; ``unknown`` never trains."""
        rows = folds.train_rows(self.as_ofs, tested=tested, window=head) & self.counted
        return np.asarray(rows & (self.labels[head] != UNKNOWN).to_numpy())

    def can_train(self, *, folds: ForwardFolds, tested: pd.Timestamp) -> bool:
        """Whether enough leavers and stayers were closed when the test begins."""
        rows = self.train_rows(self.window, folds=folds, tested=tested)
        churned = (self.labels[self.window] == CHURNED).to_numpy()[rows]
        return bool(MIN_POSITIVES <= churned.sum() < len(churned))


def silent(line: str) -> None:
    """Says nothing: the progress of who does not want to hear it."""


def prepare(
    dataset: Dataset, *, study: Study, cache: Path | str = CACHE, say: Say = silent
) -> tuple[Examples, ForwardFolds]:
    """Snapshots, features and labels of a study, and the folds they are cut into.

    Parameters
    ----------
    dataset : Dataset
    study : Study
    cache : Path or str
        Folder of feature tables and scored texts of earlier runs.
    say : callable
        Called with a line of progress.

    Returns
    -------
    examples : Examples
    folds : ForwardFolds

    Raises
    ------
    InputError
        If the history is too short, nobody is in the population, or a dropped feature is unknown.

    Examples
    --------
    >>> examples, folds = ch.prepare(dataset, study=study, cache=Path("cache"))
    >>> examples.features.index.names, len(folds.starts)
    (FrozenList(['customer_id', 'as_of']), 1)
    """
    arguments.opened(dataset)
    arguments.chosen(study)
    cache = arguments.located(cache, what="cache")
    check_weighting(study)
    churn = dataset.description.churn
    windows = label_windows(study, churn)
    folds = _folds(dataset, study, window=windows[0])
    snapshots = take_snapshots(dataset, _grid(dataset, study, folds))
    check_anyone(snapshots)
    population = in_population(dataset, snapshots, population=study.population)
    check_population(snapshots, population, study)
    say(f"{len(snapshots):,} snapshots at risk, {int(population.sum()):,} in the population")
    features = _chosen(catalogue(dataset), study)
    check_signals(features, study)
    drawn, said = _drawn(dataset, snapshots, rows=int(population.sum()), study=study)
    if said is not None:
        say(said)
    heard, message_risk = _listened(dataset, folder=cache)
    table = _table(
        heard, snapshots, features, kept=population & drawn, folder=cache, risk=message_risk
    )
    say(counted(len(features), "feature"))
    purchases = None
    if churn.kind != "contract":
        purchases = _purchases(dataset, snapshots, features, kept=drawn)
    examples = replace(
        _labelled(dataset, snapshots, population, table, study=study, features=features),
        purchases=purchases, message_risk=message_risk, heard=heard, drawn=said,
    )  # fmt: skip
    check_classes(examples, folds)
    return examples, folds


def without_features(
    dataset: Dataset, *, study: Study, folds: ForwardFolds
) -> tuple[pd.DataFrame, Examples]:
    """Everyone at risk at the as_ofs of a study, and the examples of the whole population.

    The examples have no feature: their table is to be made where there is room for it.
    """
    snapshots = take_snapshots(dataset, _grid(dataset, study, folds))
    population = in_population(dataset, snapshots, population=study.population)
    rows = pd.MultiIndex.from_frame(snapshots.loc[population, ["customer_id", "as_of"]])
    table = pd.DataFrame(index=rows)
    return snapshots, _labelled(dataset, snapshots, population, table, study=study, features=())


def _labelled(
    dataset: Dataset,
    snapshots: pd.DataFrame,
    population: pd.Series,
    table: pd.DataFrame,
    *,
    study: Study,
    features: Sequence[Feature],
) -> Examples:
    """The rows of a table with what became of them."""
    churn = dataset.description.churn
    keys = pd.MultiIndex.from_frame(snapshots[["customer_id", "as_of"]])
    windows = label_windows(study, churn)
    treatment = find_treatment(dataset, snapshots, window=windows[0], choice=study.treated)
    exits = exit_days(dataset, snapshots)
    return Examples(
        features=table,
        labels={
            window: label(dataset, snapshots, window=window).set_axis(keys).loc[table.index]
            for window in windows
        },
        population=population.set_axis(keys).loc[table.index],
        catalogue=Catalogue(features),
        silent_churn=churn.kind != "contract",
        treatment=treatment.loc(table.index),
        exits=None if exits is None else exits.set_axis(keys).loc[table.index],
    )


def _drawn(
    dataset: Dataset, snapshots: pd.DataFrame, *, rows: int, study: Study
) -> tuple[pd.Series, Spoken | None]:
    """Snapshots of the customers whose rows are brought here, and how many; off Spark all."""
    most = study.model.proof_rows
    if not isinstance(dataset.home, SparkHome) or rows <= most:
        return pd.Series(True, index=snapshots.index), None
    customers = pd.Index(snapshots["customer_id"].unique())
    chosen = customers[tie_breakers(customers, seed=study.seed) < most / rows]
    said = phrase("drawn", chosen=len(chosen), everyone=len(customers), most=most)
    return snapshots["customer_id"].isin(chosen), said


def _listened(dataset: Dataset, *, folder: Path) -> tuple[Dataset, MessageRisk | None]:
    """The dataset with its messages heard, and the model of what they say about leaving."""
    risk = cached_message_risk(dataset, folder=folder)
    return with_message_risk(dataset, risk, cache=folder / "text"), risk


def _table(
    heard: Dataset,
    snapshots: pd.DataFrame,
    features: Sequence[Feature],
    *,
    kept: pd.Series,
    folder: Path,
    risk: MessageRisk | None,
) -> pd.DataFrame:
    """The features of the rows kept, as far as known from the cache."""
    fitted = risk.digest if risk else ""
    return cached_features(
        heard, snapshots, features=features, kept=kept, folder=folder, fitted=fitted
    )


def _purchases(
    dataset: Dataset, snapshots: pd.DataFrame, features: Sequence[Feature], *, kept: pd.Series
) -> pd.DataFrame:
    process = [feature for feature in features if feature.name in PURCHASE_COLUMNS]
    return compute_features(dataset, snapshots, features=process, kept=kept)


def label_windows(study: Study, churn: Churn) -> tuple[LabelWindow, ...]:
    """The windows of the heads, the scored one first.

    The recipe widens the label outwards, [14, 56) and [7, 84) beside [21, 49): more leavers to
    learn from, hardly blurred. ``absence`` has no dated exit that a wider window could move to.
    """
    lead, horizon = study.label.lead_days, study.label.horizon_days
    scored = LabelWindow(lead, horizon, churn.delay_days)
    if churn.kind == "absence":
        return (scored,)
    wider = study.model.heads or (
        (max(lead - 7, 0), horizon + 14),
        (max(lead - 14, 0), horizon + 49),
    )
    heads = [LabelWindow(first, length, churn.delay_days) for first, length in wider]
    return (scored, *(head for head in dict.fromkeys(heads) if head != scored))


def history_from(dataset: Dataset) -> pd.Timestamp:
    """First as_of that has four weeks of history in the busiest table."""
    tables = [
        name
        for name in ("events", "messages", "tickets", "subscriptions")
        if name in dataset.tables
    ]
    own_time = {"events": "event_time", "messages": "sent_at", "tickets": "opened_at"}
    column = own_time.get(tables[0], "started_at")
    # A few rows with a broken clock must not stretch the history: the first thousandth is skipped.
    found = dataset.at(tables[0]).value(
        f'select quantile_disc({column}, 0.001) as first from "{tables[0]}"'
    )
    if found is None:
        raise InputError(f"The table {tables[0]} is empty; there is no history to train on.")
    return pd.Timestamp(found).as_unit("us") + WARM_UP_DAYS * DAY


def _folds(dataset: Dataset, study: Study, *, window: LabelWindow) -> ForwardFolds:
    return forward_folds(
        study.folds,
        window=window,
        history_from=_first(dataset, study),
        observed_until=dataset.observed_until,
        zone=dataset.description.timezone,
    )


def _first(dataset: Dataset, study: Study) -> pd.Timestamp:
    if study.folds.train_from is None:
        return history_from(dataset)
    return instant(study.folds.train_from, zone=dataset.description.timezone)


def _grid(dataset: Dataset, study: Study, folds: ForwardFolds) -> list[pd.Timestamp]:
    """Weekly as_ofs anchored at the first test, from the history's start to the last closed."""
    anchor = folds.starts[0]
    week = WEEK_DAYS * DAY
    last = dataset.observed_until - folds.window.closing_days * DAY
    back = int((anchor - _first(dataset, study)) / week)
    return [anchor + number * week for number in range(-back, int((last - anchor) / week) + 1)]


def _chosen(features: Sequence[Feature], study: Study) -> list[Feature]:
    known = [feature.name for feature in features]
    if unknown := sorted(set(study.features.drop).difference(known)):
        raise InputError(
            f"[features] drop names features that do not exist: {', '.join(unknown)}. See "
            f"`churnml features --list`.{did_you_mean(unknown[0], known)}"
        )
    return [feature for feature in features if feature.name not in study.features.drop]
