"""Why a score is what it is: SHAP values by feature and family, and reasons with evidence."""

from __future__ import annotations

from churnml.explanation.attribution import explain, family_contributions
from churnml.explanation.customer import CustomerExplanation, explain_customer
from churnml.explanation.importance import (
    family_importance,
    feature_importance,
    importance_over_time,
)
from churnml.explanation.pairs import interactions
from churnml.explanation.reasons import reasons, strongest_reasons
from churnml.explanation.stability import importance_stability

__all__ = [
    "CustomerExplanation",
    "explain",
    "explain_customer",
    "family_contributions",
    "family_importance",
    "feature_importance",
    "importance_over_time",
    "importance_stability",
    "interactions",
    "reasons",
    "strongest_reasons",
]
