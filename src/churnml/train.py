"""The monthly run: gate, features, labels, folds, tuning, proof, promotion, registry."""

from __future__ import annotations

if __name__ == "__main__":  # `python -m churnml.train` is `churnml train`; before heavy imports
    import runpy
    import sys

    sys.argv[1:1] = ["train"]
    runpy.run_module("churnml", run_name="__main__", alter_sys=True)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from churnml import tracking
from churnml.config import Study
from churnml.errors import InputError
from churnml.evaluation.audit import Audit, audit_training, without_leaks
from churnml.evaluation.baselines import health_weights
from churnml.evaluation.forward import Fitting
from churnml.evaluation.promotion import Verdict, against_rule, compare, newest_closed
from churnml.evaluation.proof import Proof, prove
from churnml.evaluation.record import record, write_record
from churnml.evaluation.words import say
from churnml.features import Feature
from churnml.model.bundle import Bundle, check_folder
from churnml.model.treatment import untreated
from churnml.model.tuning import Tuned
from churnml.prepared import RUNS, Prepared
from churnml.report.card import WrittenCard, card_facts, strength_on_newest, write_model_card
from churnml.report.dictionary import write_dictionary
from churnml.report.notebook import stages_for, training_html
from churnml.report.stakeholder import report_path, write_reports
from churnml.report.terminal import Stages, show_training
from churnml.report.training import card_figures, training_figures
from churnml.scoring import features_for, needed_features
from churnml.sources.backend import Home, on_duckdb


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

    def __repr__(self) -> str:
        """In a line: which run, what became of it and where the model is."""
        use = "in use" if self.content["promoted"] else "not in use"
        return f"<TrainingResult: run {self.content['run_id']}, {use}, {self.content['model']}>"

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        return training_html(self.content)


def train(
    data: Path | str,
    *,
    study: Study | None = None,
    dataset_file: Path | None = None,
    as_of: str | None = None,
    own: Sequence[Feature] = (),
    out: Path | str | None = None,
    workers: int = 1,
    storage: str | None = None,
    console: Console | None = None,
    home: Home = on_duckdb,
) -> TrainingResult:
    """Run a study: from tables to a registered model with its out-of-time proof.

    Parameters
    ----------
    data : Path or str
        Folder of tables, a DuckDB file or an address of PostgreSQL.
    study : Study, optional
        Default: the default study.
    dataset_file : Path, optional
        dataset.toml; default: the one beside the data.
    as_of : str, optional
        Use the data as it was known then; a bare date is midnight in the dataset's zone.
    own : sequence of Feature
        Your own features beside the catalogue; who scores must bring them.
    out : Path, optional
        Folder of the model; default ``mlruns/bundles/<digest>``.
    workers : int
        Processes that try settings side by side.
    storage : str, optional
        Address of the PostgreSQL database that keeps the search, for several machines; default: a
        journal under ``mlruns/``.
    console : Console, optional
        Where progress is written; default: the notebook, else stderr.
    home : Home
        Where the statements of the features run; default: DuckDB on this machine. On Spark the
        boosters of the final model are fitted there, too.

    Raises
    ------
    InputError
        If the data cannot carry the study, with what is missing.

    Examples
    --------
    >>> result = ch.run_training(data, study=study)
    >>> Path(result.as_json()["model"]).is_dir()
    True
    """
    study = study or Study()
    place = None if out is None else check_folder(out)
    stages = stages_for(console)
    run = _Run.of(
        data, study=study, dataset_file=dataset_file, as_of=as_of, own=own, storage=storage,
        home=home, stages=stages,
    )  # fmt: skip
    audit = run.audited(stages)
    with stages.stage("tuning"):
        tuned = run.tune(stages, workers=workers, storage=storage)
    fitting = Fitting.of(study, parameters=tuned.chosen)
    with stages.stage("out-of-time proof"):
        proof = run.prove(fitting, data, stages)
    with stages.stage("promotion"):
        in_use = tracking.champion()
        verdict = without_leaks(audit) or run.decide(fitting, proof, in_use)
    with stages.stage("final fit"):
        folder = place or RUNS / "bundles" / run.digest
        bundle = run.refit(fitting, proof).save(folder)
    with stages.stage("figures and MLflow"):
        content = run.content(audit, tuned, proof, verdict)
        card = run.write_documents(folder, bundle, content, proof)
        registered = tracking.log_training(run.record(bundle, folder, tuned, proof, verdict, card))
        verdict = _put_into_use(registered, verdict, over=in_use)
    found = _found(folder, bundle, registered, card) | _said(verdict)
    return TrainingResult(content | found | {"seconds": stages.seconds})


def _found(
    folder: Path, bundle: Bundle, registered: tracking.RegisteredModel, card: WrittenCard
) -> dict[str, Any]:
    """Where the model, the run and the figures are."""
    run_id, uri = registered.run_id, tracking.tracking_uri()
    return {
        "run_id": run_id,
        "model": str(folder),
        "model_digest": bundle.digest,
        "version": registered.version,
        "model_card": str(card.page),
        "report": str(report_path(folder, "en")),
        "where": {
            "Model": str(folder),
            "Model card": str(card.page),
            "Report": str(report_path(folder, "en")),
            "MLflow": f"run {run_id}; open it with `mlflow ui --backend-store-uri {uri}`",
            "Figures": f"folder figures/ among the artifacts of run {run_id}",
        },
    }


def _put_into_use(
    registered: tracking.RegisteredModel,
    verdict: Verdict,
    *,
    over: tracking.RegisteredModel | None,
) -> Verdict:
    """Promote over the champion that was compared with, or say why that is not possible."""
    before = None if over is None else over.version
    if verdict.promoted:
        if tracking.promote(registered.version, because=str(verdict.reason), over=before):
            return verdict
        verdict = replace(verdict, promoted=False, reason=say("another_run"))
    tracking.keep_back(registered.version, because=str(verdict.reason))
    return verdict


def _said(verdict: Verdict) -> dict[str, Any]:
    compared = verdict.comparison
    return {
        "promoted": verdict.promoted,
        "reason": str(verdict.reason),
        "reason_ru": verdict.reason.ru,
        "comparison": None if compared is None else compared.as_json(),
    }


class _Run(Prepared):
    """A training: what was prepared, and what is found and written of it."""

    def facts(self) -> dict[str, Any]:
        """What the run was made of."""
        return {
            "dataset": self.dataset.description.name,
            "observed_until": self.dataset.observed_until.isoformat(),
            "study_digest": self.study.digest(),
            "health": health_weights(
                self.examples, folds=self.folds, health_preset=self.study.health.preset
            ),
        }

    def content(self, audit: Audit, tuned: Tuned, proof: Proof, verdict: Verdict) -> dict[str, Any]:
        """The document of the run, but for where everything lies."""
        found = {
            "audit": audit.as_json(),
            "tuning": str(tuned.reason),
            "tuning_ru": tuned.reason.ru,
            "treated": self.treated(proof),
        }
        document = proof.as_json() | self.facts() | _said(verdict) | found
        if drawn := self.examples.drawn:
            document["notes"].insert(0, str(drawn))
            document["notes_ru"].insert(0, drawn.ru)
        return document

    def treated(self, proof: Proof) -> dict[str, Any]:
        """Rows that a save play reached, how they count, and the ranking without them."""
        treatment = self.examples.treatment or untreated(self.examples.features.index)
        return treatment.as_json() | proof.without(treatment.treated)

    def audited(self, stages: Stages) -> Audit:
        """The quick checks for leaks, said at once."""
        with stages.stage("audit"):
            audit = audit_training(self.dataset, self.examples, folds=self.folds, study=self.study)
            stages.notices([one.message for one in audit.alarms])
        return audit

    def prove(self, fitting: Fitting, data: Path | str, stages: Stages) -> Proof:
        """How often and how early the setting is right on months it has not seen."""
        return prove(
            self.dataset, self.examples, folds=self.folds, fitting=fitting, study=self.study,
            data=data, say=stages.say,
        )  # fmt: skip

    def decide(
        self, fitting: Fitting, proof: Proof, in_use: tracking.RegisteredModel | None
    ) -> Verdict:
        """No signal, no better than a simple rule, or the champion decides: in this order."""
        if not proof.signal.found:
            return Verdict(False, say("without_signal", signal=proof.signal.sentence()))
        against = against_rule(proof.judged)
        if not against.promoted:
            return against
        if in_use is None:
            return Verdict(True, say("first_model", against=against.reason))
        try:
            champion = Bundle.load(tracking.resolve(in_use.uri))
            return self._against(champion, fitting)
        except InputError as error:
            return Verdict(False, say("not_comparable", error=error))

    def _against(self, champion: Bundle, fitting: Fitting) -> Verdict:
        name = self.dataset.description.name
        if champion.dataset != name:
            return Verdict(False, say("other_dataset", theirs=champion.dataset, ours=name))
        return compare(
            self.examples,
            champion=champion,
            seen=self._seen_by(champion),
            folds=self.folds,
            fitting=self._final(fitting),
            observed_until=self.dataset.observed_until,
            promotion=self.study.promotion,
        )

    def _seen_by(self, champion: Bundle) -> pd.DataFrame:
        """The champion's features of the newest weeks, those too that the study has dropped since.

        Raises
        ------
        InputError
            If this data or this version of the code cannot make them as the champion knew them.
        """
        needed = needed_features(self.dataset, champion)
        ours, theirs = self.examples.message_risk, champion.message_risk
        same_words = (ours and ours.digest) == (theirs and theirs.digest)
        if same_words and all(feature.name in self.examples.features for feature in needed):
            return self.examples.features
        weeks = newest_closed(self.examples, observed_until=self.dataset.observed_until)
        return features_for(self.dataset, champion, list(weeks))

    def _final(self, fitting: Fitting) -> Fitting:
        """The recipe with as many seeds as the model that is registered."""
        return replace(fitting, seeds=self.study.model.final_seeds)

    def refit(self, fitting: Fitting, proof: Proof) -> Bundle:
        """The recipe refitted on all closed labels."""
        until, weeks = self.dataset.observed_until, proof.refinement.weeks
        with self.elsewhere(tested=until) as elsewhere:
            fitted = self._final(fitting).fit(
                self.examples, folds=self.folds, tested=until, elsewhere=elsewhere
            )
        return replace(
            Bundle.of(fitted, self.examples, dataset=self.dataset, study=self.study),
            metrics=proof.model.as_json()["metrics"],
            calibrator=proof.refinement.calibrator,
            weeks_ahead=None if weeks is None else weeks.final,
        )

    def write_documents(
        self, folder: Path, bundle: Bundle, content: Mapping[str, Any], proof: Proof
    ) -> WrittenCard:
        """Proof, card and dictionary, into the bundle's folder; beside it the report of today."""
        window, heard = self.examples.window, self.examples.heard or self.dataset
        document = {**content, "model_digest": bundle.digest}
        kept = record(proof, document, self.dataset, study=self.study, delay_days=window.delay_days)
        write_record(folder, kept)
        strength = strength_on_newest(self.examples, bundle)
        card = write_model_card(
            folder,
            {**content, "alerts": self.study.alerts.model_dump(mode="json")},
            card_facts(self.dataset, self.examples, bundle, strength=strength),
            figures={"en": card_figures(proof), "ru": card_figures(proof, language="ru")},
        )
        inside = self.examples.features[self.examples.population.to_numpy()]
        pages = write_dictionary(
            folder, self.examples.catalogue, dataset=bundle.dataset, values=inside,
            strength=strength,
        )  # fmt: skip
        reports = write_reports(folder, heard, bundle, kept, study=self.study)
        return replace(card, files=(*card.files, *pages, *reports))

    def record(
        self,
        bundle: Bundle,
        folder: Path,
        tuned: Tuned,
        proof: Proof,
        verdict: Verdict,
        card: WrittenCard,
    ) -> tracking.TrainingRecord:
        """What MLflow keeps."""
        kinds = self.examples.features.dtypes
        return tracking.TrainingRecord(
            params=self.study.model_dump(mode="json"),
            metrics=dict(proof.model.metrics) | {"base_rate": proof.model.base_rate},
            lead_recall=proof.model.lead_recall or {},
            trials=tuned.trials,
            bundle=folder,
            documents=card.files,
            dtypes={name: str(kind) for name, kind in kinds.items()},
            figures=training_figures(self.examples, bundle.ensemble, proof),
            tags={
                "dataset": self.dataset.description.name,
                "data_digest": self.dataset.digest,
                "study_digest": self.study.digest(),
                "model_digest": bundle.digest,
                "promoted": "false",  # true once it is in use
            },
            description=f"{proof.signal.sentence()} {verdict.reason}",
        )
