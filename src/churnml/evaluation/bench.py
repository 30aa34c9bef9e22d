"""The bench on which ideas are tried: the same folds, tested rows, exits and figures for all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.alerting.queue import Policy
from churnml.config import Study
from churnml.evaluation.forward import Fitting, fold_fits
from churnml.evaluation.paired import Exits, paired_figures
from churnml.labels import CHURNED, spells
from churnml.model.examples import Examples
from churnml.model.needs import check_dataset
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds
from churnml.windows import LabelWindow

Key = TypeVar("Key", bound=Hashable)
Mask = npt.NDArray[np.bool_]

#: Enough for an interval to look at; what decides anything takes more.
RESAMPLES = 200


@dataclass(frozen=True)
class Bench:
    """One study's examples, folds and way of fitting, under one yardstick.

    Parameters
    ----------
    examples : Examples
    folds : ForwardFolds
    fitting : Fitting
        The recipe with the choices of the study.
    exits : Exits
    resamples, seed : int
        Of the intervals.
    """

    examples: Examples
    folds: ForwardFolds
    fitting: Fitting
    exits: Exits
    resamples: int
    seed: int

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        examples: Examples,
        *,
        folds: ForwardFolds,
        study: Study,
        resamples: int = RESAMPLES,
    ) -> Self:
        """The bench of a study; the recipe is fitted, nothing is tuned."""
        fitting = Fitting.of(study, parameters=None)
        check_dataset(examples, dataset)
        exits = exits_of(dataset, study, window=examples.window)
        return cls(examples, folds, fitting, exits, resamples, study.seed)

    @property
    def labels(self) -> pd.Series:
        """Labels of the scored window for all rows."""
        return self.examples.labels[self.examples.window]

    def scores(
        self,
        examples: Examples,
        *,
        folds: ForwardFolds,
        tables: Mapping[Key, pd.DataFrame] | None = None,
    ) -> dict[Key | None, pd.Series]:
        """Out-of-time probabilities by the models of each fold.

        Parameters
        ----------
        examples : Examples
            What the models learn from.
        folds : ForwardFolds
        tables : mapping of key to DataFrame, optional
            Feature tables that are scored, rows as in the examples; default: the examples' own,
            under the key None.
        """
        scored: dict[Key | None, pd.DataFrame] = {None: examples.features}
        for name, features in (tables or {}).items():
            scored[name] = features
        parts: dict[Key | None, list[pd.Series]] = {key: [] for key in scored}
        for ensemble, tested in fold_fits(examples, folds=folds, fitting=self.fitting):
            for key, features in scored.items():
                parts[key].append(ensemble.predict(features[tested]))
        return {key: pd.concat(found) for key, found in parts.items()}

    def forward_scores(
        self, examples: Examples | None = None, *, folds: ForwardFolds | None = None
    ) -> pd.Series:
        """Out-of-time probabilities of the tested rows; default: the study's own."""
        return self.scores(examples or self.examples, folds=folds or self.folds)[None]

    def figures(self, scores: Mapping[Key, pd.Series]) -> pd.DataFrame:
        """Figures of scores on the same rows and their differences from the first."""
        tested = next(iter(scores.values())).index
        return paired_figures(
            scores, self.labels.loc[tested], exits=self.exits, resamples=self.resamples,
            seed=self.seed,
        )  # fmt: skip

    def can_train(self, examples: Examples, *, folds: ForwardFolds) -> bool:
        """Whether the model of every fold has enough leavers to learn from."""
        return all(examples.can_train(folds=folds, tested=start) for start in folds.starts)

    def learnt_from(self, examples: Examples, *, folds: ForwardFolds) -> dict[str, int]:
        """Rows that the model of the last fold learns from, and the people who leave in them."""
        rows = examples.train_rows(examples.window, folds=folds, tested=folds.starts[-1])
        return counts(examples, rows)


def counts(examples: Examples, rows: Mask) -> dict[str, int]:
    """How many rows these are, and how many people leave in them."""
    churned = (examples.labels[examples.window] == CHURNED).to_numpy() & rows
    customers = examples.features.index.get_level_values("customer_id")
    return {"train_rows": int(rows.sum()), "train_leavers": int(customers[churned].nunique())}


def exits_of(dataset: Dataset, study: Study, *, window: LabelWindow) -> Exits:
    """What the queue is judged by: the dataset's exits and the study's policy."""
    alerts = study.alerts
    return Exits(
        spells=spells(dataset),
        policy=Policy(q=alerts.q, quiet_days=alerts.quiet_days, seed=study.seed),
        observed_until=dataset.observed_until,
        delay_days=window.delay_days,
    )
