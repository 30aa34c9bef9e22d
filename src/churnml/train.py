"""The monthly run: gate, features, labels, folds, tuning, proof, promotion, registry."""

from __future__ import annotations

if __name__ == "__main__":  # `python -m churnml.train` is `churnml train`; before heavy imports
    import runpy
    import sys

    sys.argv[1:1] = ["train"]
    runpy.run_module("churnml", run_name="__main__", alter_sys=True)

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from churnml import tracking
from churnml.config import Study
from churnml.evaluation.forward import MODEL, Fitting
from churnml.evaluation.promotion import Verdict, best_rule, compare
from churnml.evaluation.proof import Proof, prove
from churnml.features import feature_digest
from churnml.features.cache import code_digest
from churnml.model.bundle import Bundle
from churnml.model.examples import Examples, prepare
from churnml.model.tuning import Tuned, tune
from churnml.report.terminal import Stages, show_training
from churnml.report.training import training_figures
from churnml.sources import open_dataset, read_description
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds
from churnml.windows import instant

RUNS = Path("mlruns")


@dataclass(frozen=True)
class TrainingResult:
    """What a training found and where it put it; ``as_json`` is the command's document."""

    content: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The JSON document of ``churnml train``."""
        return dict(self.content)

    def show(self, console: Console) -> None:
        """Print the verdict, the table against the baselines and where everything is."""
        show_training(self.content, console)


def train(
    data: Path,
    *,
    study: Study | None = None,
    dataset_file: Path | None = None,
    as_of: str | None = None,
    out: Path | None = None,
    console: Console | None = None,
) -> TrainingResult:
    """Run a study: from tables to a registered model with its out-of-time proof.

    Parameters
    ----------
    data : Path
        Folder of tables or a DuckDB file.
    study : Study, optional
        Default: the default study.
    dataset_file : Path, optional
        dataset.toml; default: the one beside the data.
    as_of : str, optional
        Use the data as it was known then; a bare date is midnight in the dataset's zone.
    out : Path, optional
        Folder of the model; default ``mlruns/bundles/<digest>``.
    console : Console, optional
        Where progress is written; default stderr.

    Raises
    ------
    InputError
        If the data cannot carry the study, with what is missing.
    """
    study = study or Study()
    stages = Stages(console or Console(stderr=True))
    with stages.stage("read and check"):
        dataset = _open(data, dataset_file=dataset_file, as_of=as_of)
        for notice in dataset.notices:
            stages.say(f"[dim]note: {notice}[/dim]")
    with stages.stage("snapshots, features, labels"):
        examples, folds = prepare(dataset, study=study, cache=RUNS / "cache", say=stages.say)
    name = _run_digest(dataset, examples, study)
    with stages.stage("tuning"):
        tuned = _tune(examples, folds, study=study, name=name, stages=stages)
        stages.say(tuned.reason)
    fitting = Fitting(
        parameters=tuned.parameters,
        sampler=study.model.sampler,
        seed=study.seed,
        seeds=study.model.seeds,
        max_rows=study.model.max_rows,
    )
    with stages.stage("out-of-time proof"):
        proof = prove(
            dataset, examples, folds=folds, fitting=fitting, study=study, data=data, say=stages.say
        )
    with stages.stage("promotion"):
        verdict = _decide(dataset, examples, folds, fitting, proof, study=study)
    with stages.stage("final fit"):
        folder = out or RUNS / "bundles" / name
        bundle = _bundle(dataset, examples, folds, fitting, proof, study=study).save(folder)
    with stages.stage("figures and MLflow"):
        record = _record(dataset, examples, bundle, folder, tuned, proof, verdict, study=study)
        registered = tracking.log_training(record)
        if verdict.promoted:
            tracking.promote(registered.version)
    content = {
        "run_id": registered.run_id,
        "model": str(folder),
        "model_digest": bundle.digest,
        "version": registered.version,
        "promoted": verdict.promoted,
        "reason": verdict.reason,
        **proof.as_json(),
        "tuning": tuned.reason,
        "dataset": dataset.description.name,
        "observed_until": dataset.observed_until.isoformat(),
        "study_digest": study.digest(),
        "seconds": stages.seconds,
        "where": {
            "Model": str(folder),
            "MLflow": f"run {registered.run_id} in {tracking.tracking_uri()}; open it: make ui",
            "Figures": f"folder figures/ among the artifacts of run {registered.run_id}",
        },
    }
    return TrainingResult(content)


def _open(data: Path, *, dataset_file: Path | None, as_of: str | None) -> Dataset:
    if as_of is None:
        return open_dataset(data, dataset_file=dataset_file)
    zone = read_description(data, dataset_file=dataset_file).timezone
    return open_dataset(data, dataset_file=dataset_file, known_until=instant(as_of, zone=zone))


def _run_digest(dataset: Dataset, examples: Examples, study: Study) -> str:
    """Digest of data, study and code: the name of the tuning study and of the bundle."""
    parts = [dataset.digest, study.digest(), code_digest(), str(dataset.observed_until)]
    parts.append(",".join(examples.features.columns))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _tune(
    examples: Examples, folds: ForwardFolds, *, study: Study, name: str, stages: Stages
) -> Tuned:
    trials = study.tuning.trials
    with stages.bar(trials + 1) as progress:
        return tune(
            examples,
            folds=folds,
            tested=folds.starts[0],
            trials=trials,
            seed=study.seed,
            journal=RUNS / "studies" / f"{name}.journal",
            name=name,
            progress=progress,
        )


def _decide(
    dataset: Dataset,
    examples: Examples,
    folds: ForwardFolds,
    fitting: Fitting,
    proof: Proof,
    *,
    study: Study,
) -> Verdict:
    """No signal, no model better than a simple rule, or the champion: in this order."""
    if not proof.signal.found:
        return Verdict(False, f"Not promoted. {proof.signal.sentence()}")
    precisions = proof.precisions()
    rule, precision = best_rule(precisions)
    reached = precisions[MODEL] or 0.0
    if reached <= precision:
        return Verdict(
            False,
            f"Not promoted: the model (average precision {reached:.4f}) does not beat the simple "
            f"rule {rule} ({precision:.4f}).",
        )
    in_use = tracking.champion()
    if in_use is None:
        return Verdict(True, f"Promoted: the first model; it beats the best simple rule, {rule}.")
    bundle = Bundle.load(tracking.resolve(in_use.uri))
    if bundle.dataset != dataset.description.name:
        return Verdict(
            False,
            f"Kept: the champion in this registry is of dataset '{bundle.dataset}', this is "
            f"'{dataset.description.name}'. Set MLFLOW_TRACKING_URI to a registry of its own.",
        )
    return compare(
        examples,
        champion=bundle,
        folds=folds,
        fitting=fitting,
        observed_until=dataset.observed_until,
        promotion=study.promotion,
    )


def _bundle(
    dataset: Dataset,
    examples: Examples,
    folds: ForwardFolds,
    fitting: Fitting,
    proof: Proof,
    *,
    study: Study,
) -> Bundle:
    """The recipe refitted on all closed labels."""
    final = replace(fitting, seeds=study.model.final_seeds)
    ensemble = final.fit(examples, folds=folds, tested=dataset.observed_until)
    return Bundle(
        ensemble=ensemble,
        dataset=dataset.description.name,
        study=study.model_dump(mode="json"),
        feature_names=tuple(examples.features.columns),
        feature_digest=feature_digest(examples.catalogue),
        data_digest=dataset.digest,
        data_from=examples.as_ofs.min(),
        data_until=dataset.observed_until,
        metrics=proof.model.as_json()["metrics"],
    )


def _record(
    dataset: Dataset,
    examples: Examples,
    bundle: Bundle,
    folder: Path,
    tuned: Tuned,
    proof: Proof,
    verdict: Verdict,
    *,
    study: Study,
) -> tracking.TrainingRecord:
    figures = training_figures(examples, bundle.ensemble, proof)
    return tracking.TrainingRecord(
        params=study.model_dump(mode="json"),
        metrics=dict(proof.model.metrics) | {"base_rate": proof.model.base_rate},
        lead_recall=proof.model.lead_recall or {},
        trials=tuned.trials,
        bundle=folder,
        dtypes={name: str(kind) for name, kind in examples.features.dtypes.items()},
        figures=figures,
        tags={
            "dataset": dataset.description.name,
            "data_digest": dataset.digest,
            "study_digest": study.digest(),
            "model_digest": bundle.digest,
            "promoted": str(verdict.promoted).lower(),
        },
        description=f"{proof.signal.sentence()} {verdict.reason}",
    )
