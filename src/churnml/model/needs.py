"""What a study needs of the data, refused in words before anything is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import pandas as pd

from churnml import arguments
from churnml.config import Sampler, Study
from churnml.errors import InputError, did_you_mean
from churnml.features import Feature
from churnml.labels import CHURNED, check_labels
from churnml.model.boosting import Device, Parameters
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds

if TYPE_CHECKING:
    from churnml.model.examples import Examples

#: Fewer leavers than this teach a head nothing.
MIN_POSITIVES = 10


def check_anyone(snapshots: pd.DataFrame) -> None:
    """Refuse where nobody is at risk at any as_of."""
    if snapshots.empty:
        raise InputError(
            "Nobody is at risk at any as_of. Check that subscriptions or activity, customers and "
            "their sign-up times cover the same time (churnml check)."
        )


def check_population(snapshots: pd.DataFrame, population: pd.Series, study: Study) -> None:
    """Refuse where nobody is in the population."""
    if not population.any():
        raise InputError(
            f"Nobody is in the population: {len(snapshots):,} snapshots at risk, none fulfils "
            f"[population] {study.population.model_dump(exclude_none=True)}. Loosen it, or check "
            "that the tables cover the time (churnml check)."
        )


def check_signals(features: Sequence[Feature], study: Study) -> None:
    """The simple rules need their signals: those named, and the ones that recency reads."""
    numeric = {feature.name for feature in features if not feature.is_category}
    absent = sorted({*study.baselines.rank_sum, "days_since_activity", "tenure_days"} - numeric)
    if absent:
        raise InputError(
            f"The simple rules beside the model need the numeric features {', '.join(absent)}, "
            "which are dropped or do not exist. Mend [baselines] rank_sum or [features] drop; see "
            "`churnml features --list`."
        )


def check_rows(examples: Examples) -> None:
    """Refuse parts of other rows than the features, or in another order, and strange labels."""
    rows = examples.features.index
    treatment = examples.treatment
    for name, values in (
        ("population", examples.population),
        ("treatment", None if treatment is None else treatment.weight),
        ("exits", examples.exits),
        *(("labels", labels) for labels in examples.labels.values()),
    ):
        if values is not None:
            arguments.aligned(values, rows, what=name, to="features")
    for labels in examples.labels.values():
        check_labels(labels)


#: What may be chosen by name.
_CHOICES = {"sampler": get_args(Sampler), "device": get_args(Device)}


def check_fit(
    examples: Examples,
    folds: ForwardFolds,
    parameters: Parameters | None,
    *,
    seeds: int,
    **named: str,
) -> None:
    """Refuse what is no choice before anything is fitted with it."""
    if not hasattr(examples, "train_rows") or not isinstance(folds, ForwardFolds):
        raise InputError(
            f"examples are {type(examples).__name__}, folds {type(folds).__name__}; expected both "
            "as of examples, folds = churnml.prepare(dataset, study=study)."
        )
    _check_columns(examples)
    for name, came in named.items():
        if came not in _CHOICES[name]:
            raise InputError(
                f"{name} is {came!r}; expected one of {', '.join(_CHOICES[name])}."
                f"{did_you_mean(came, _CHOICES[name])}"
            )
    if not isinstance(parameters, Parameters | None):
        raise InputError(
            f"parameters are {type(parameters).__name__}; expected None for the recipe, or "
            "Parameters as churnml.tune finds them."
        )
    if seeds < 1:
        raise InputError(f"seeds is {seeds}; expected the number of boosters, 1 or more.")


def _check_columns(examples: Examples) -> None:
    """Refuse columns that nobody declared: a model would learn them and could never be scored."""
    declared = {feature.name for feature in examples.catalogue}
    strange = [name for name in examples.features if name not in declared]
    if strange and declared:  # without a catalogue nothing is declared
        raise InputError(
            f"examples.features holds {', '.join(map(str, strange[:5]))}, which the catalogue does "
            "not know: a model with it could be neither scored nor explained. Declare it, "
            "churnml.with_features(dataset, [churnml.Feature(…)]), and prepare again."
        )


def check_dataset(examples: Examples, dataset: Dataset) -> None:
    """Refuse examples of other data: exits and truth of another company would judge them."""
    heard = examples.heard
    if heard is not None and heard.digest != dataset.digest:
        raise InputError(
            f"The examples were prepared from {heard.description.name} until "
            f"{heard.observed_until:%Y-%m-%d}, the dataset is {dataset.description.name} until "
            f"{dataset.observed_until:%Y-%m-%d} with other rows. Give the dataset that was "
            "prepared, or prepare again: churnml.prepare(dataset, study=study)."
        )


def check_classes(examples: Examples, folds: ForwardFolds) -> None:
    """Refuse before any fit what no fold could learn from."""
    first, window = folds.starts[0], examples.window
    if examples.can_train(folds=folds, tested=first):
        return
    rows = examples.train_rows(window, folds=folds, tested=first)
    leavers = int((examples.labels[window] == CHURNED).to_numpy()[rows].sum())
    raise InputError(
        f"One class only: of {int(rows.sum())} snapshots whose label closed before the first test "
        f"on {first:%Y-%m-%d}, {leavers} leave within {window.lead_days}–{window.end_days} days; "
        f"at least {MIN_POSITIVES} that leave and some that stay are needed. Bring older data, "
        "check that exits are in the data (churnml check), widen [label] horizon_days or loosen "
        "[population]."
    )
