"""Data, examples and folds of a study, and the search for its setting that machines may share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pandas as pd

from churnml import arguments
from churnml.config import Study
from churnml.evaluation.promotion import newest_closed
from churnml.features import Feature, feature_digest, with_features
from churnml.features.cache import code_digest
from churnml.model.cluster import check_cluster, everyone_on_spark
from churnml.model.device import device_for
from churnml.model.ensemble import Elsewhere
from churnml.model.examples import Examples, prepare
from churnml.model.search_storage import Place, check_storage
from churnml.model.tuning import Tuned, tune
from churnml.report.terminal import Stages
from churnml.sources import open_dataset
from churnml.sources.backend import Home, on_duckdb
from churnml.sources.dataset import Dataset
from churnml.sources.place import place_of
from churnml.sources.spark import SparkHome
from churnml.splits import ForwardFolds
from churnml.windows import instant

RUNS = Path("mlruns")


@dataclass(frozen=True)
class Prepared:
    """The fixed parts of a training: data, examples, folds, study."""

    dataset: Dataset
    examples: Examples
    folds: ForwardFolds
    study: Study

    @classmethod
    def of(
        cls,
        data: Path | str,
        *,
        study: Study,
        dataset_file: Path | None,
        as_of: str | None,
        own: Sequence[Feature] = (),
        storage: str | None = None,
        home: Home = on_duckdb,
        stages: Stages,
    ) -> Self:
        """Read and check the data, then make snapshots, features, labels and folds.

        Raises
        ------
        InputError
            If the data cannot carry the study, with what is missing; if its GPU or the storage of
            the search is not there.
        """
        if storage is not None:
            check_storage(storage)
        arguments.chosen(study)
        device_for(study.model.device, say=stages.say)
        with stages.stage("read and check"):
            opened = _open(data, dataset_file=dataset_file, as_of=as_of)
            dataset = replace(with_features(opened, own), home=home)
            check_cluster(dataset, study=study)
            stages.notices(dataset.notices)
        with stages.stage("snapshots, features, labels"):
            examples, folds = prepare(dataset, study=study, cache=RUNS / "cache", say=stages.say)
        return cls(dataset, examples, folds, study)

    @property
    def digest(self) -> str:
        """Digest of data, study and code: the name of the tuning study and of the bundle."""
        parts = [
            self.dataset.digest,
            self.study.digest(),
            code_digest(),
            str(self.dataset.observed_until),
            feature_digest(self.examples.catalogue),
        ]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]

    def elsewhere(self, *, tested: pd.Timestamp) -> AbstractContextManager[Elsewhere | None]:
        """All rows on Spark, for boosters that are fitted there; elsewhere nothing."""
        if not isinstance(self.dataset.home, SparkHome):
            return nullcontext()
        return everyone_on_spark(
            self.dataset, self.examples, study=self.study, folds=self.folds, tested=tested
        )

    def tune(self, stages: Stages, *, workers: int, storage: str | None) -> Tuned:
        """Search for a better setting than the recipe, on data closed before the first test.

        A test shorter than the weeks of the promotion must not let the search see those.
        """
        trials = self.study.tuning.trials
        journal = RUNS / "studies" / f"{self.digest}.journal"
        if storage:
            stages.say(f"search {self.digest}; machines that help it name the same")
        with stages.bar(trials + 1) as progress:
            tuned = tune(
                self.examples,
                folds=self.folds,
                tested=min(
                    self.folds.starts[0],
                    newest_closed(self.examples, observed_until=self.dataset.observed_until)[0],
                ),
                trials=trials,
                seed=self.study.seed,
                place=Place(url=storage) if storage else Place(journal),
                name=self.digest,
                workers=workers,
                device=device_for(self.study.model.device),
                progress=progress,
                say=stages.say,
            )
        stages.say(tuned.reason)
        return tuned


def _open(data: Path | str, *, dataset_file: Path | None, as_of: str | None) -> Dataset:
    if as_of is None:
        return open_dataset(data, dataset_file=dataset_file)
    zone = place_of(data, dataset_file).description().timezone
    return open_dataset(data, dataset_file=dataset_file, known_until=instant(as_of, zone=zone))
