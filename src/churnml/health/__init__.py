"""The health score: what is plainly well or ill with a customer, 0 to 100, without any model."""

from __future__ import annotations

from churnml.health.inputs import health_features
from churnml.health.preset import Preset, read_preset
from churnml.health.score import group_risks, health, health_table, risk_points
from churnml.health.weights import learn_weights

__all__ = [
    "Preset",
    "group_risks",
    "health",
    "health_features",
    "health_table",
    "learn_weights",
    "read_preset",
    "risk_points",
]
