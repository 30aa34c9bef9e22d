"""The figures of a training: lead time, load, parts, precision, calibration, what drives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from churnml.evaluation.forward import MODEL
from churnml.evaluation.promotion import best_rule
from churnml.evaluation.proof import RANDOM, Proof
from churnml.evaluation.result import Evaluation
from churnml.evaluation.truth import ORACLE
from churnml.explanation import explain, family_importance, importance_over_time
from churnml.labels import CHURNED, UNKNOWN
from churnml.model.ensemble import Ensemble
from churnml.model.examples import Examples
from churnml.report.ahead_figure import weeks_ahead_figure
from churnml.report.attribution import (
    beeswarm_figure,
    family_importance_figure,
    importance_over_time_figure,
)
from churnml.report.canvas import Language
from churnml.report.figures import (
    calibration_figure,
    headline_figure,
    precision_recall_figure,
    recall_by_load_figure,
)
from churnml.report.money_figures import (
    has_revenue_caught,
    profit_curve_figure,
    value_by_budget_figure,
)
from churnml.report.slice_figure import RECALL, recall_by_slice_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: SHAP is the slow step; so many snapshots of the newest as_ofs show what drives the score.
EXPLAINED_ROWS = 2_000
#: So many of all as_ofs show how that changed.
ROWS_OVER_TIME = 6_000


def training_figures(examples: Examples, ensemble: Ensemble, proof: Proof) -> dict[str, Figure]:
    """The figures of a training by name; without dated exits those of the queue are left out.

    Parameters
    ----------
    examples : Examples
    ensemble : Ensemble
        The final model, which is explained.
    proof : Proof
        Out-of-time scores, which are judged.
    """
    judged = _beside(proof)
    money = {name: proof.money[name] for name in judged}
    figures = _attribution(examples, ensemble)
    if proof.money[MODEL].figures["empb"] is not None:
        figures["profit_curve"] = profit_curve_figure(money)
    if proof.model.lead_recall is not None:
        caught = money if has_revenue_caught(money[MODEL]) else None
        figures["lead_time"] = headline_figure(judged, money=caught)
        if caught is not None:
            q = proof.model.q or 0.0
            figures["value_caught_by_budget"] = value_by_budget_figure(caught, q=q)
        figures["recall_by_load"] = recall_by_load_figure(judged)
    if any(part[RECALL] is not None for part in proof.model.slices):
        figures["recall_by_slice"] = recall_by_slice_figure(proof.model)
    if proof.refinement.weeks is not None:
        figures["weeks_ahead"] = weeks_ahead_figure(proof.refinement.weeks.by_week)
    known = proof.labels != UNKNOWN
    positive = proof.labels[known] == CHURNED
    if 0 < positive.sum() < len(positive):
        ranked = {name: proof.scores.loc[known, name] for name in judged if name != RANDOM}
        figures["precision_recall"] = precision_recall_figure(positive, ranked)
        figures["calibration"] = calibration_figure(proof.scores.loc[known, MODEL], positive)
    return figures


def card_figures(proof: Proof, *, language: Language = "en") -> dict[str, Figure]:
    """What the model card shows: lead time where exits are dated, calibration where both occur."""
    figures = {}
    if proof.model.lead_recall is not None:
        figures["lead_time"] = headline_figure(_beside(proof), language=language)
    known = proof.labels != UNKNOWN
    positive = proof.labels[known] == CHURNED
    if 0 < positive.sum() < len(positive):
        scores = proof.scores.loc[known, MODEL]
        figures["calibration"] = calibration_figure(scores, positive, language=language)
    return figures


def _beside(proof: Proof) -> dict[str, Evaluation]:
    """The model, the best simple rule, chance and, in a simulated world, the oracle."""
    rule, _ = best_rule(proof.precisions())
    names = (MODEL, rule, RANDOM, ORACLE)
    return {name: proof.judged[name] for name in names if name in proof.judged}


def _attribution(examples: Examples, ensemble: Ensemble) -> dict[str, Figure]:
    """What drives the scores: by family, by feature, and as_of after as_of."""
    order = np.argsort(examples.as_ofs.to_numpy(), kind="stable")
    newest = examples.features.iloc[np.sort(order[-EXPLAINED_ROWS:])]
    known = examples.catalogue
    contributions = explain(ensemble, newest)
    figures = {
        "family_importance": family_importance_figure(
            family_importance(contributions, features=known)
        ),
        "shap_summary": beeswarm_figure(contributions, newest, features=known),
    }
    spread = np.unique(np.linspace(0, len(order) - 1, ROWS_OVER_TIME).astype(int))
    rows = examples.features.iloc[np.sort(order[spread])]
    over_time = importance_over_time(explain(ensemble, rows), features=known)
    if len(over_time) > 1:
        figures["importance_over_time"] = importance_over_time_figure(over_time)
    return figures
