"""One finished training as one MLflow run and one registered version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from churnml.tracking.registry import BUNDLE, RegisteredModel, register
from churnml.tracking.serving import log_bundle
from churnml.tracking.store import experiment_id, open_store

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient


@dataclass(frozen=True)
class TrainingRecord:
    """What MLflow keeps of one training.

    Parameters
    ----------
    params : mapping
        Choices of the study; nested tables become dotted names.
    metrics : mapping of str to float
        Figures; those that could not be computed (None) are left out.
    lead_recall : mapping of str to float
        Recall by minimum notice in weeks, ``{"1": ..., "8": ...}``: a metric with the week as step.
    trials : DataFrame
        The tuning study, one row for each trial.
    bundle : Path
        Folder of the saved bundle.
    dtypes : mapping of str to str
        Feature name to pandas dtype, in the bundle's order. What is not a number is text.
    figures : mapping of str to Figure or Path
        Name without suffix to picture.
    documents : tuple of Path
        Model card, report.
    tags : mapping of str to str
        Digests of data, study and code.
    name : str
        How the run is called in the list of runs; empty: MLflow invents one.
    description : str
        What a reader of the run should know, in a few sentences.
    """

    params: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    lead_recall: Mapping[str, float | None]
    trials: pd.DataFrame
    bundle: Path
    dtypes: Mapping[str, str]
    figures: Mapping[str, Figure | Path] = field(default_factory=dict)
    documents: tuple[Path, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    description: str = ""


def log_training(record: TrainingRecord) -> RegisteredModel:
    """Log a finished training; return its version, registered with the alias ``challenger``.

    One run holds parameters, metrics, the tuning study as one table, figures, the bundle, and the
    bundle once more as an MLflow model. A run whose logging fails is marked as failed and registers
    nothing.

    Raises
    ------
    InputError
        If the store cannot be opened.
    """
    with open_store() as client:
        import mlflow

        with mlflow.start_run(
            experiment_id=experiment_id(client),
            run_name=record.name or None,
            tags=dict(record.tags),
            description=record.description or None,
            nested=mlflow.active_run() is not None,  # a notebook may have its own run open
        ) as run:
            _log_figures_of_merit(client, run.info.run_id, record)
            _log_files(record)
            logged = log_bundle(record.bundle, dtypes=record.dtypes)
        return register(client, run.info.run_id, logged)


def _log_figures_of_merit(client: MlflowClient, run_id: str, record: TrainingRecord) -> None:
    from mlflow.entities import Metric, Param

    params = [Param(name, str(value)) for name, value in _flat(record.params).items()]
    # the time of a metric is the run's own: the figures belong to one instant
    start = client.get_run(run_id).info.start_time
    metrics = [
        Metric(name, float(value), start, 0)
        for name, value in record.metrics.items()
        if value is not None
    ]
    metrics += [
        Metric("lead_recall", float(value), start, int(week))
        for week, value in record.lead_recall.items()
        if value is not None
    ]
    client.log_batch(run_id, metrics=metrics, params=params)


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted names."""
    flat: dict[str, Any] = {}
    for name, value in content.items():
        inner = _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else None
        flat |= {f"{prefix}{name}": value} if inner is None else inner
    return flat


def _log_files(record: TrainingRecord) -> None:
    import mlflow

    if len(record.trials):
        mlflow.log_table(record.trials, "trials.json")
    for name, figure in record.figures.items():
        if isinstance(figure, Path):
            mlflow.log_artifact(str(figure), "figures")
        else:
            mlflow.log_figure(figure, f"figures/{name}.png")
    for path in record.documents:
        mlflow.log_artifact(str(path))
    mlflow.log_artifacts(str(record.bundle), BUNDLE)
