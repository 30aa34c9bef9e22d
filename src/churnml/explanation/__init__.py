"""Which signals drive a score: SHAP values of the scored row, by feature and by family."""

from __future__ import annotations

from churnml.explanation.attribution import explain, family_contributions
from churnml.explanation.reasons import reasons, strongest_reasons

__all__ = ["explain", "family_contributions", "reasons", "strongest_reasons"]
