"""churnml: know three to four weeks ahead which customer is leaving, why, and prove it."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: Public verb -> where it lives; imported on first use, so that ``--help`` stays quick.
_PUBLIC = {
    "open_dataset": "churnml.sources:open_dataset",
    "check": "churnml.sources:check",
    "simulate": "churnml.sources.world:simulate",
    "read_study": "churnml.config:read_study",
    "take_snapshots": "churnml.snapshots:take_snapshots",
    "in_population": "churnml.snapshots:in_population",
    "catalogue": "churnml.features:catalogue",
    "compute_features": "churnml.features:compute_features",
    "label": "churnml.labels:label",
    "find_spells": "churnml.labels:spells",
    "forward_folds": "churnml.splits:forward_folds",
    "queue": "churnml.alerting.queue:queue",
    "prepare": "churnml.model.examples:prepare",
    "fit": "churnml.model.ensemble:fit_ensemble",
    "evaluate": "churnml.evaluation.yardstick:evaluate",
    "prove": "churnml.evaluation.proof:prove",
    "late_arrivals": "churnml.evaluation.arrivals:late_arrivals",
    "learning_curve": "churnml.evaluation.learning_curve:learning_curve",
    "window_sufficiency": "churnml.evaluation.window_sufficiency:window_sufficiency",
    "label_sensitivity": "churnml.evaluation.label_sensitivity:label_sensitivity",
    "split_gap": "churnml.evaluation.split_gap:split_gap",
    "paired_figures": "churnml.evaluation.paired:paired_figures",
    "folds_figure": "churnml.report.folds_figure:folds_figure",
    "late_arrivals_figure": "churnml.report.validation_figures:late_arrivals_figure",
    "learning_curve_figure": "churnml.report.validation_figures:learning_curve_figure",
    "window_sufficiency_figure": "churnml.report.validation_figures:window_sufficiency_figure",
    "label_sensitivity_figure": "churnml.report.validation_figures:label_sensitivity_figure",
    "split_gap_figure": "churnml.report.validation_figures:split_gap_figure",
    "features_for": "churnml.scoring:features_for",
    "score": "churnml.scoring:score",
    "weeks_ahead": "churnml.scoring:weeks_ahead",
    "exit_day_quantiles": "churnml.model.horizons:exit_day_quantiles",
    "choose_calibrator": "churnml.evaluation.calibrators:choose_calibrator",
    "explain": "churnml.explanation:explain",
    "family_contributions": "churnml.explanation:family_contributions",
    "feature_importance": "churnml.explanation:feature_importance",
    "family_importance": "churnml.explanation:family_importance",
    "importance_over_time": "churnml.explanation:importance_over_time",
    "importance_stability": "churnml.explanation:importance_stability",
    "interactions": "churnml.explanation:interactions",
    "beeswarm_figure": "churnml.report.attribution:beeswarm_figure",
    "dependence_figure": "churnml.report.attribution:dependence_figure",
    "family_importance_figure": "churnml.report.attribution:family_importance_figure",
    "importance_over_time_figure": "churnml.report.attribution:importance_over_time_figure",
    "importance_stability_figure": "churnml.report.attribution:importance_stability_figure",
    "waterfall_figure": "churnml.report.attribution:waterfall_figure",
    "run_training": "churnml.train:train",
    "recalibrate": "churnml.recalibration:recalibrate",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'churnml' has no attribute '{name}'")
    module, _, attribute = _PUBLIC[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
