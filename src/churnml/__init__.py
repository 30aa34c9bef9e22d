"""churnml: know three to four weeks ahead which customer is leaving, why, and prove it.

In a notebook, ``import churnml as ch``. The verbs read like the questions, one after the other::

    dataset = ch.open_dataset("data")           # what is there, until when?
    report = ch.check("data")                   # what is wrong with it?
    study = ch.read_study()                     # what is asked of it?
    examples, folds = ch.prepare(dataset, study=study)
    proof = ch.prove(...)                       # how often and how early is it right?
    model = ch.fit(examples, ...)
    ch.explain_customer(model, ...)             # why this one?

Tables are pandas, everything else shows itself as the last line of a cell.
``.github/guide/notebook.md`` lists all names by question.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: What data is there, and what is known of whom when.
_DATA = {
    "open_dataset": "churnml.sources:open_dataset",
    "check": "churnml.sources:check",
    "simulate": "churnml.sources.world:simulate",
    "start_project": "churnml.project:start_project",
    "read_study": "churnml.config:read_study",
    "instant": "churnml.windows:instant",
    "weekly": "churnml.windows:weekly",
    "take_snapshots": "churnml.snapshots:take_snapshots",
    "in_population": "churnml.snapshots:in_population",
    "catalogue": "churnml.features.catalogue:catalogue",
    "with_features": "churnml.features:with_features",
    "Feature": "churnml.features:Feature",
    "Family": "churnml.features:Family",
    "Unit": "churnml.features:Unit",
    "compute_features": "churnml.features:compute_features",
    "feature_parts": "churnml.features:feature_parts",
    "spread_features": "churnml.features:spread_features",
    "on_spark": "churnml.sources.spark:on_spark",
    "LabelWindow": "churnml.windows:LabelWindow",
    "label": "churnml.labels:label",
    "find_spells": "churnml.labels:spells",
}
#: What is learnt, and how good it is on later months.
_MODEL = {
    "prepare": "churnml.model.examples:prepare",
    "forward_folds": "churnml.splits:forward_folds",
    "tune": "churnml.model.tuning:tune",
    "fit": "churnml.model.ensemble:fit_ensemble",
    "everyone_on_spark": "churnml.model.cluster:everyone_on_spark",
    "Fitting": "churnml.evaluation.forward:Fitting",
    "prove": "churnml.evaluation.proof:prove",
    "evaluate": "churnml.evaluation.yardstick:evaluate",
    "Policy": "churnml.alerting.policy:Policy",
    "choose_calibrator": "churnml.evaluation.calibrators:choose_calibrator",
    "run_training": "churnml.train:train",
    "recalibrate": "churnml.recalibration:recalibrate",
}
#: What may be doubted about the proof.
_VALIDATION = {
    "late_arrivals": "churnml.evaluation.arrivals:late_arrivals",
    "learning_curve": "churnml.evaluation.learning_curve:learning_curve",
    "window_sufficiency": "churnml.evaluation.window_sufficiency:window_sufficiency",
    "label_sensitivity": "churnml.evaluation.label_sensitivity:label_sensitivity",
    "split_gap": "churnml.evaluation.split_gap:split_gap",
    "paired_figures": "churnml.evaluation.paired:paired_figures",
    "profit_by_contact_cost": "churnml.evaluation.contact_cost:profit_by_contact_cost",
    "family_separation": "churnml.evaluation.separation:family_separation",
    "signal_separation": "churnml.evaluation.separation:signal_separation",
    "compare_features": "churnml.evaluation.recipes:compare_features",
    "compare_fittings": "churnml.evaluation.recipes:compare_fittings",
    "read_record": "churnml.evaluation.record:read_record",
    "read_judged": "churnml.evaluation.record:read_judged",
}
#: Who is leaving, when, and whom to call.
_USE = {
    "Bundle": "churnml.model.bundle:Bundle",
    "features_for": "churnml.scoring:features_for",
    "score": "churnml.scoring:score",
    "weeks_ahead": "churnml.scoring:weeks_ahead",
    "listened": "churnml.scoring:listened",
    "score_everyone": "churnml.scoring:score_everyone",
    "exit_day_quantiles": "churnml.model.horizons:exit_day_quantiles",
    "queue": "churnml.alerting.queue:queue",
    "raise_alerts": "churnml.alerting.desk:raise_alerts",
    "desk_at": "churnml.alerting.desk:desk_at",
}
#: Why.
_WHY = {
    "exit_shares": "churnml.evaluation.shares:exit_shares",
    "strongest_reasons": "churnml.explanation.reasons:strongest_reasons",
    "make_report": "churnml.report.stakeholder:make_report",
    "explain": "churnml.explanation:explain",
    "explain_customer": "churnml.explanation:explain_customer",
    "family_contributions": "churnml.explanation:family_contributions",
    "feature_importance": "churnml.explanation:feature_importance",
    "family_importance": "churnml.explanation:family_importance",
    "importance_over_time": "churnml.explanation:importance_over_time",
    "importance_stability": "churnml.explanation:importance_stability",
    "interactions": "churnml.explanation:interactions",
}
#: Functions that return a matplotlib figure.
_FIGURES = {
    "exit_shares_figure": "churnml.report.exit_shares_figure:exit_shares_figure",
    "rivals_figure": "churnml.report.rivals_figure:rivals_figure",
    "headline_figure": "churnml.report.figures:headline_figure",
    "reliability_figure": "churnml.report.figures:reliability_figure",
    "calibration_figure": "churnml.report.figures:calibration_figure",
    "recall_by_load_figure": "churnml.report.figures:recall_by_load_figure",
    "profit_curve_figure": "churnml.report.money_figures:profit_curve_figure",
    "folds_figure": "churnml.report.folds_figure:folds_figure",
    "late_arrivals_figure": "churnml.report.validation_figures:late_arrivals_figure",
    "learning_curve_figure": "churnml.report.validation_figures:learning_curve_figure",
    "window_sufficiency_figure": "churnml.report.validation_figures:window_sufficiency_figure",
    "label_sensitivity_figure": "churnml.report.validation_figures:label_sensitivity_figure",
    "split_gap_figure": "churnml.report.validation_figures:split_gap_figure",
    "family_separation_figure": "churnml.report.separation_figure:family_separation_figure",
    "fittings_figure": "churnml.report.fittings_figure:fittings_figure",
    "beeswarm_figure": "churnml.report.attribution:beeswarm_figure",
    "dependence_figure": "churnml.report.attribution:dependence_figure",
    "family_importance_figure": "churnml.report.attribution:family_importance_figure",
    "importance_over_time_figure": "churnml.report.attribution:importance_over_time_figure",
    "importance_stability_figure": "churnml.report.attribution:importance_stability_figure",
    "conversation_figure": "churnml.report.conversation_figure:conversation_figure",
    "waterfall_figure": "churnml.report.attribution:waterfall_figure",
}
#: Public name -> where it lives; imported on first use, so that ``--help`` stays quick.
_PUBLIC = {**_DATA, **_MODEL, **_VALIDATION, **_USE, **_WHY, **_FIGURES}
__all__ = ["__version__", *_PUBLIC]

if TYPE_CHECKING:  # the same names for type checkers and completion; a test keeps them equal
    from churnml.alerting.desk import desk_at as desk_at
    from churnml.alerting.desk import raise_alerts as raise_alerts
    from churnml.alerting.policy import Policy as Policy
    from churnml.alerting.queue import queue as queue
    from churnml.config import read_study as read_study
    from churnml.evaluation.arrivals import late_arrivals as late_arrivals
    from churnml.evaluation.calibrators import choose_calibrator as choose_calibrator
    from churnml.evaluation.contact_cost import profit_by_contact_cost as profit_by_contact_cost
    from churnml.evaluation.forward import Fitting as Fitting
    from churnml.evaluation.label_sensitivity import label_sensitivity as label_sensitivity
    from churnml.evaluation.learning_curve import learning_curve as learning_curve
    from churnml.evaluation.paired import paired_figures as paired_figures
    from churnml.evaluation.proof import prove as prove
    from churnml.evaluation.recipes import compare_features as compare_features
    from churnml.evaluation.recipes import compare_fittings as compare_fittings
    from churnml.evaluation.record import read_judged as read_judged
    from churnml.evaluation.record import read_record as read_record
    from churnml.evaluation.separation import family_separation as family_separation
    from churnml.evaluation.separation import signal_separation as signal_separation
    from churnml.evaluation.shares import exit_shares as exit_shares
    from churnml.evaluation.split_gap import split_gap as split_gap
    from churnml.evaluation.window_sufficiency import window_sufficiency as window_sufficiency
    from churnml.evaluation.yardstick import evaluate as evaluate
    from churnml.explanation import explain as explain
    from churnml.explanation import explain_customer as explain_customer
    from churnml.explanation import family_contributions as family_contributions
    from churnml.explanation import family_importance as family_importance
    from churnml.explanation import feature_importance as feature_importance
    from churnml.explanation import importance_over_time as importance_over_time
    from churnml.explanation import importance_stability as importance_stability
    from churnml.explanation import interactions as interactions
    from churnml.explanation.reasons import strongest_reasons as strongest_reasons
    from churnml.features import Family as Family
    from churnml.features import Feature as Feature
    from churnml.features import Unit as Unit
    from churnml.features import compute_features as compute_features
    from churnml.features import feature_parts as feature_parts
    from churnml.features import spread_features as spread_features
    from churnml.features import with_features as with_features
    from churnml.features.catalogue import catalogue as catalogue
    from churnml.labels import label as label
    from churnml.labels import spells as _spells
    from churnml.model.bundle import Bundle as Bundle
    from churnml.model.cluster import everyone_on_spark as everyone_on_spark
    from churnml.model.ensemble import fit_ensemble as _fit_ensemble
    from churnml.model.examples import prepare as prepare
    from churnml.model.horizons import exit_day_quantiles as exit_day_quantiles
    from churnml.model.tuning import tune as tune
    from churnml.project import start_project as start_project
    from churnml.recalibration import recalibrate as recalibrate
    from churnml.report.attribution import beeswarm_figure as beeswarm_figure
    from churnml.report.attribution import dependence_figure as dependence_figure
    from churnml.report.attribution import family_importance_figure as family_importance_figure
    from churnml.report.attribution import (
        importance_over_time_figure as importance_over_time_figure,
    )
    from churnml.report.attribution import (
        importance_stability_figure as importance_stability_figure,
    )
    from churnml.report.attribution import waterfall_figure as waterfall_figure
    from churnml.report.conversation_figure import conversation_figure as conversation_figure
    from churnml.report.exit_shares_figure import exit_shares_figure as exit_shares_figure
    from churnml.report.figures import calibration_figure as calibration_figure
    from churnml.report.figures import headline_figure as headline_figure
    from churnml.report.figures import recall_by_load_figure as recall_by_load_figure
    from churnml.report.figures import reliability_figure as reliability_figure
    from churnml.report.fittings_figure import fittings_figure as fittings_figure
    from churnml.report.folds_figure import folds_figure as folds_figure
    from churnml.report.money_figures import profit_curve_figure as profit_curve_figure
    from churnml.report.rivals_figure import rivals_figure as rivals_figure
    from churnml.report.separation_figure import (
        family_separation_figure as family_separation_figure,
    )
    from churnml.report.stakeholder import make_report as make_report
    from churnml.report.validation_figures import (
        label_sensitivity_figure as label_sensitivity_figure,
    )
    from churnml.report.validation_figures import late_arrivals_figure as late_arrivals_figure
    from churnml.report.validation_figures import learning_curve_figure as learning_curve_figure
    from churnml.report.validation_figures import split_gap_figure as split_gap_figure
    from churnml.report.validation_figures import (
        window_sufficiency_figure as window_sufficiency_figure,
    )
    from churnml.scoring import features_for as features_for
    from churnml.scoring import listened as listened
    from churnml.scoring import score as score
    from churnml.scoring import score_everyone as score_everyone
    from churnml.scoring import weeks_ahead as weeks_ahead
    from churnml.snapshots import in_population as in_population
    from churnml.snapshots import take_snapshots as take_snapshots
    from churnml.sources import check as check
    from churnml.sources import open_dataset as open_dataset
    from churnml.sources.spark import on_spark as on_spark
    from churnml.sources.world import simulate as simulate
    from churnml.splits import forward_folds as forward_folds
    from churnml.train import train as _train
    from churnml.windows import LabelWindow as LabelWindow
    from churnml.windows import instant as instant
    from churnml.windows import weekly as weekly

    find_spells = _spells
    fit = _fit_ensemble
    run_training = _train


def __getattr__(name: str) -> Any:
    """A public name, imported from where it lives.

    Raises
    ------
    AttributeError
        If there is none of that name, with the nearest ones.
    """
    if name in _PUBLIC:
        module, _, attribute = _PUBLIC[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    from churnml.errors import did_you_mean

    hint = did_you_mean(name, _PUBLIC)
    raise AttributeError(f"module 'churnml' has no attribute '{name}'.{hint}")


def __dir__() -> list[str]:
    return sorted(__all__)
