"""Boosters of more rows than one machine holds: fitted by ``xgboost.spark`` on Apache Spark.

Features and matrices lie as Parquet where the executors read and write them. Of all rows this
machine holds the keys, the labels and the weights.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from churnml.config import Study
from churnml.errors import InputError
from churnml.features.engine import features_there
from churnml.labels import CHURNED
from churnml.model.boosting import Parameters
from churnml.model.ensemble import Boosting, Head, recipe_for
from churnml.model.examples import Examples, without_features
from churnml.model.needs import MIN_POSITIVES
from churnml.model.preparation import Preparation
from churnml.sources.dataset import Dataset
from churnml.sources.spark import OnSpark, SparkHome
from churnml.sources.spark.session import first_line, without_warnings
from churnml.splits import ForwardFolds
from churnml.windows import LabelWindow

if TYPE_CHECKING:
    import xgboost
    from pyspark.sql import SparkSession

#: Table of the features of all rows.
FEATURES = "churnml_features"
_TARGETS, _MATRIX = "churnml_targets", "churnml_matrix"
_KEYS = ["customer_id", "as_of"]
_VALUES, _WEIGHT = "matrix_row", "row_weight"


def check_cluster(dataset: Dataset, *, study: Study) -> None:
    """Refuse what a training on Spark cannot do, before anything is computed.

    Raises
    ------
    InputError
        If the study resamples rows, or Spark hands out its executors as it goes.
    """
    if not isinstance(dataset.home, SparkHome):
        return
    if study.model.sampler != "none":
        raise InputError(
            f"[model] sampler = '{study.model.sampler}' draws rows on one machine. On Spark choose "
            "sampler = 'none', which is the default and no worse."
        )
    context = dataset.home.session.sparkContext
    if context.getConf().get("spark.dynamicAllocation.enabled", "false") == "true":
        raise InputError(
            "Boosters are fitted by all executors at once, which Spark refuses while it allocates "
            "them dynamically. Set spark.dynamicAllocation.enabled=false."
        )


@contextmanager
def everyone_on_spark(
    dataset: Dataset,
    examples: Examples,
    *,
    study: Study,
    folds: ForwardFolds,
    tested: pd.Timestamp,
) -> Iterator[Everyone]:
    """The rows of the whole population on Spark, for ``fit``, while the context lasts.

    Parameters
    ----------
    dataset : Dataset
        On Spark (``churnml.on_spark``).
    examples : Examples
        What is held here: all rows, or those of customers that were drawn.
    study : Study
    folds : ForwardFolds
    tested : Timestamp
        As of ``fit``.

    Raises
    ------
    InputError
        If the dataset is not on Spark, or Spark cannot do what the study asks.

    Examples
    --------
    >>> with ch.everyone_on_spark(  # doctest: +SKIP
    ...     cluster, examples, study=study, folds=folds, tested=cluster.observed_until
    ... ) as everyone:
    ...     model = ch.fit(
    ...         examples, folds=folds, tested=cluster.observed_until, seed=7, elsewhere=everyone
    ...     )
    """
    check_cluster(dataset, study=study)
    snapshots, whole = without_features(dataset, study=study, folds=folds)
    heads = {head: whole.train_rows(head, folds=folds, tested=tested) for head in examples.heads}
    trains = np.any(list(heads.values()), axis=0)
    wanted = whole.features.index[trains]
    kept = pd.Series(pd.MultiIndex.from_frame(snapshots[_KEYS]).isin(wanted))
    with features_there(
        examples.heard or dataset, snapshots, features=examples.catalogue, kept=kept
    ) as (backend, query):
        backend.create(FEATURES, query)
        yield Everyone(backend, whole, heads)


@dataclass(frozen=True)
class Everyone:
    """Rows on Spark that train: features as Parquet there, labels here.

    Parameters
    ----------
    backend : OnSpark
    examples : Examples
        Without features.
    rows : dict of LabelWindow to array of bool, shape (n_examples,)
        Those that train each head, the scored one first.
    """

    backend: OnSpark
    examples: Examples
    rows: dict[LabelWindow, np.ndarray]

    def recipe(self) -> Parameters:
        """As of Elsewhere."""
        return recipe_for(self.examples, self.rows[self.examples.window])

    def heads(self, how: Boosting, *, preparation: Preparation) -> list[Head]:
        """As of Elsewhere."""
        targets = {head: self._target(head) for head in self.rows}
        window = self.examples.window
        chosen = [
            head for head, target in targets.items()
            if head == window or np.nansum(target) >= MIN_POSITIVES
        ]  # fmt: skip
        names = {head: f"target_{number}" for number, head in enumerate(chosen)}
        with _speaking():
            self._write(preparation, {names[head]: targets[head] for head in chosen})
            return [self._head(how, head, names[head]) for head in chosen]

    def _target(self, head: LabelWindow) -> np.ndarray:
        """1 who leaves, 0 who stays, NaN where the row does not train the head."""
        churned = (self.examples.labels[head] == CHURNED).to_numpy(dtype=np.float32)
        return np.where(self.rows[head], churned, np.nan).astype(np.float32)

    def _write(self, preparation: Preparation, targets: dict[str, np.ndarray]) -> None:
        """A table of matrix rows with their targets, made by the executors."""
        index = self.examples.features.index
        weight = self.examples.weights(np.ones(len(index), bool))
        columns = {
            "customer_id": pa.array(index.get_level_values("customer_id"), pa.string()),
            "as_of": pa.array(index.get_level_values("as_of"), pa.timestamp("us")),
            **{name: pa.array(target, from_pandas=True) for name, target in targets.items()},
        }
        if weight is not None:
            columns[_WEIGHT] = pa.array(weight.astype(np.float32))
        self.backend.load(_TARGETS, pa.table(columns))
        session = self.backend.session
        joined = session.table(FEATURES).join(session.table(_TARGETS), _KEYS).drop(*_KEYS)
        beside = [name for name in columns if name not in _KEYS]
        schema = ", ".join([f"{_VALUES} array<float>", *(f"{name} float" for name in beside)])
        self.backend.put(_MATRIX, joined.mapInPandas(_matrices(preparation, beside), schema))

    def _head(self, how: Boosting, head: LabelWindow, target: str) -> Head:
        rows = self.backend.session.table(_MATRIX).where(f"{target} IS NOT NULL")
        boosters = tuple(
            fit_there(rows, target, how, seed=seed, workers=_workers(self.backend.session))
            for seed in range(how.seed, how.seed + how.seeds)
        )
        return Head(head, boosters, (0.0,) * len(boosters))


def _matrices(
    preparation: Preparation, beside: Sequence[str]
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """What an executor does with its rows: the matrix as everywhere, a row of it in a cell."""

    def made(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for part in parts:
            rows = {_VALUES: list(preparation.matrix(part))}
            yield pd.DataFrame(rows | {name: part[name].to_numpy() for name in beside})

    return made


def fit_there(rows: Any, target: str, how: Boosting, *, seed: int, workers: int) -> xgboost.Booster:
    """A booster with the parameters that it has on one machine, fitted by so many executors.

    Parameters
    ----------
    rows : DataFrame of Spark
        ``matrix_row`` (array of float32), the target, and ``row_weight`` where rows have one.
    target : str
    how : Boosting
    seed, workers : int
    """
    from xgboost.spark import SparkXGBClassifier

    setting = how.parameters.booster(seed=seed, monotone=how.monotone)
    del setting["objective"]  # of two classes: the same, and not to be named
    setting["eval_metric"] = "logloss"  # looked at by nobody, and the cheapest
    weighted = {"weight_col": _WEIGHT} if _WEIGHT in rows.columns else {}
    estimator = SparkXGBClassifier(
        features_col=_VALUES, label_col=target, num_workers=workers,
        n_estimators=how.parameters.trees, feature_names=list(how.columns), verbose=False,
        force_repartition=True,  # a worker without rows would count its bins otherwise
        **weighted, **setting,
    )  # fmt: skip
    booster = estimator.fit(rows).get_booster()
    booster.set_param({"device": "cpu"})
    return booster


def _workers(session: SparkSession) -> int:
    """As many as run at a time: the cores of all executors, or those that a task takes."""
    context = session.sparkContext
    cores = int(context.getConf().get("spark.task.cpus", "1"))
    return max(1, int(context.defaultParallelism) // cores)


@contextmanager
def _speaking() -> Iterator[None]:
    """Errors of the executors in one sentence; what xgboost.spark says of every fit is not told."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    for name in ("XGBoost-PySpark", "SparkXGBClassifier"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with without_warnings():
            yield
    except (PySparkException, Py4JError) as error:
        raise InputError(
            f"The boosters cannot be fitted on Spark: {_cause(error)}. Its executors need a "
            "Python (PYSPARK_PYTHON) with churnml as it is here, and memory for their share of the "
            "rows."
        ) from None


def _cause(error: Exception) -> str:
    """What Python said on an executor, where it did; Spark tells it last."""
    said = re.findall(r"^\w+(?:\.\w+)*(?:Error|Exception): .+$", str(error), re.MULTILINE)
    return str(said[-1]).rstrip(".") if said else first_line(error)
