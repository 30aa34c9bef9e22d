"""The monthly recalibration: a calibrator for the model in use, without a refit, if one wins."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from churnml import tracking
from churnml.config import Study, parse
from churnml.errors import InputError
from churnml.evaluation.calibrators import Choice, choose_calibrator
from churnml.features import compute_features
from churnml.labels import CHURNED, UNKNOWN, exit_days, label
from churnml.model.bundle import Bundle, check_folder
from churnml.model.examples import label_windows
from churnml.model.horizons import WeeksAhead, fit_weeks_ahead
from churnml.report.figures import calibration_figure
from churnml.scoring import needed_features
from churnml.snapshots import in_population, take_snapshots
from churnml.sources import open_dataset
from churnml.sources.dataset import Dataset
from churnml.windows import DAY, LabelWindow, weekly

BUNDLES = Path("mlruns") / "bundles"


@dataclass(frozen=True)
class NewRows:
    """What became of scores after the right edge of the data that the model saw.

    Parameters
    ----------
    logit : Series of float indexed by (customer_id, as_of)
        Raw log-odds of rows whose label is known.
    churned : Series of bool, aligned with ``logit``
    exits : DataFrame, aligned with ``logit``; None without dated exits
    features : DataFrame, aligned with ``logit``
    """

    logit: pd.Series
    churned: pd.Series
    exits: pd.DataFrame | None
    features: pd.DataFrame


def recalibrate(
    data: Path | str, *, model: str, dataset_file: Path | None = None, out: Path | None = None
) -> dict[str, Any]:
    """Fit a calibrator on labels that closed since the model was trained; use it if it wins.

    The older part of the new as_ofs fits, the newer part judges, as in training. An accepted
    calibrator is fitted again on all of them and written, with the unchanged ensemble, into a new
    bundle. It is registered, and it becomes the champion where the model was.

    Parameters
    ----------
    data : Path or str
        Folder of tables, a DuckDB file or an address of PostgreSQL.
    model : str
        Folder of a bundle or an MLflow address.
    dataset_file : Path, optional
    out : Path, optional
        Folder of the new bundle; default ``mlruns/bundles/<digest>``.

    Returns
    -------
    dict
        ``accepted``, ``promoted``, ``reason``, ``method``, ``model``, ``run_id``, ``version``,
        ``rows``, ``leavers``, ``since``, ``until``, ``tried``.

    Raises
    ------
    InputError
        If the model is of another dataset, or its features cannot be made.

    Examples
    --------
    >>> result = ch.run_training(data, study=study, as_of="2024-11-25")
    >>> answer = ch.recalibrate(data, model=result.as_json()["model"])
    >>> answer["accepted"] in (True, False)
    True
    """
    if out is not None:
        check_folder(out)
    path = tracking.resolve(model)
    bundle, dataset = Bundle.load(path), open_dataset(data, dataset_file=dataset_file)
    if bundle.dataset != dataset.description.name:
        raise InputError(
            f"{model} is a model of dataset '{bundle.dataset}', this is "
            f"'{dataset.description.name}'. Give the data that the model belongs to."
        )
    study = parse(Study, dict(bundle.study), where=f"{path} (study)")
    window = label_windows(study, dataset.description.churn)[0]
    as_ofs = _closed_since(bundle, dataset, window)
    found: dict[str, Any] = {
        "accepted": False, "promoted": False, "method": bundle.calibrator.method,
        "model": str(path), "run_id": None, "version": None, "rows": 0, "leavers": 0,
        "since": bundle.data_until.isoformat(), "until": dataset.observed_until.isoformat(),
        "tried": [],
    }  # fmt: skip
    if not len(as_ofs):
        closes = bundle.data_until + window.closing_days * DAY
        return found | {
            "reason": f"Kept: no label has closed since the model was trained; the first closes on "
            f"{closes:%Y-%m-%d}, the data ends on {dataset.observed_until:%Y-%m-%d}."
        }
    rows = _new_rows(bundle, dataset, study, window, as_ofs)
    choice = choose_calibrator(
        rows.logit, rows.churned, window=window, seed=study.seed, current=bundle.calibrator
    )
    leavers = rows.churned.index[rows.churned.to_numpy()].get_level_values(0).nunique()
    found |= {"rows": len(rows.logit), "leavers": int(leavers), "tried": choice.as_json()["tried"]}
    if choice.calibrator == bundle.calibrator:
        return found | {"reason": f"Kept. {choice.reason}"}
    renewed = _renewed(bundle, dataset, rows, choice, window)
    return found | _written(renewed, rows, choice, before=bundle, model=model, out=out)


def _closed_since(bundle: Bundle, dataset: Dataset, window: LabelWindow) -> pd.DatetimeIndex:
    """Weekly as_ofs from the right edge of the model's data on whose labels are closed."""
    last = dataset.observed_until - window.closing_days * DAY
    until = last + pd.Timedelta(microseconds=1)
    return weekly(min(bundle.data_until, until), until)


def _new_rows(
    bundle: Bundle, dataset: Dataset, study: Study, window: LabelWindow, as_ofs: pd.DatetimeIndex
) -> NewRows:
    snapshots = take_snapshots(dataset, list(as_ofs))
    inside = in_population(dataset, snapshots, population=study.population)
    labels = label(dataset, snapshots, window=window)
    kept = snapshots[inside & (labels != UNKNOWN)].reset_index(drop=True)
    if kept.empty:
        raise InputError(
            f"No row with a known label lies after {bundle.data_until:%Y-%m-%d}, the right edge of "
            "the data that the model saw. Bring later data."
        )
    features = compute_features(dataset, kept, features=needed_features(dataset, bundle))
    keys = pd.MultiIndex.from_frame(kept[["customer_id", "as_of"]])
    churned = (label(dataset, kept, window=window) == CHURNED).set_axis(keys)
    exits = exit_days(dataset, kept)
    return NewRows(
        logit=pd.Series(bundle.ensemble.logit(features), index=features.index),
        churned=churned.loc[features.index],
        exits=None if exits is None else exits.set_axis(keys).loc[features.index],
        features=features,
    )


def _renewed(
    bundle: Bundle, dataset: Dataset, rows: NewRows, choice: Choice, window: LabelWindow
) -> Bundle:
    """The bundle with the accepted calibrator, and with weeks ahead that follow its scores."""
    ahead: WeeksAhead | None = bundle.weeks_ahead
    if rows.exits is not None:
        score = pd.Series(
            choice.calibrator.probability(rows.logit.to_numpy()), index=rows.logit.index
        )
        known = dataset.observed_until
        ahead = fit_weeks_ahead(score, rows.exits, known=known, window=window) or ahead
    return replace(
        bundle, calibrator=choice.calibrator, weeks_ahead=ahead, data_digest=dataset.digest,
        data_until=dataset.observed_until,
    )  # fmt: skip


def _written(
    bundle: Bundle, rows: NewRows, choice: Choice, *, before: Bundle, model: str, out: Path | None
) -> dict[str, Any]:
    """Save and register the bundle; the champion's successor becomes champion."""
    text = json.dumps([before.digest, bundle.data_digest, bundle.calibrator.as_json()])
    folder = out or BUNDLES / hashlib.sha256(text.encode()).hexdigest()[:16]
    in_use = tracking.champion()
    succeeds = in_use is None or Bundle.load(tracking.resolve(in_use.uri)).digest == before.digest
    saved = bundle.save(folder)
    calibrated = pd.Series(
        bundle.calibrator.probability(rows.logit.to_numpy()), index=rows.logit.index
    )
    registered = tracking.log_training(
        tracking.TrainingRecord(
            params=dict(bundle.study), metrics={}, lead_recall={}, trials=pd.DataFrame(),
            bundle=folder, description=f"Recalibrated from {before.digest}. {choice.reason}",
            dtypes={name: str(kind) for name, kind in rows.features.dtypes.items()},
            figures={"calibration": calibration_figure(calibrated, rows.churned)},
            tags={
                "dataset": bundle.dataset, "data_digest": bundle.data_digest,
                "model_digest": saved.digest, "recalibrated_from": before.digest,
                "promoted": str(succeeds).lower(),
            },
        )
    )  # fmt: skip
    if succeeds:
        tracking.promote(registered.version, because=choice.reason)
    place = "it is the champion now" if succeeds else f"the champion stays, {model} was not in use"
    return {
        "accepted": True, "promoted": succeeds, "method": bundle.calibrator.method,
        "model": str(folder), "run_id": registered.run_id, "version": registered.version,
        "reason": f"Recalibrated. {choice.reason} The ensemble is unchanged; {place}.",
    }  # fmt: skip
