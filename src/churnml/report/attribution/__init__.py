"""Pictures of what drives scores: families, features, one customer, over time, over trainings."""

from __future__ import annotations

from churnml.report.attribution.customer import waterfall_figure
from churnml.report.attribution.dependence import dependence_figure
from churnml.report.attribution.families import (
    family_importance_figure,
    importance_over_time_figure,
)
from churnml.report.attribution.stability import importance_stability_figure
from churnml.report.attribution.swarm import beeswarm_figure

__all__ = [
    "beeswarm_figure",
    "dependence_figure",
    "family_importance_figure",
    "importance_over_time_figure",
    "importance_stability_figure",
    "waterfall_figure",
]
