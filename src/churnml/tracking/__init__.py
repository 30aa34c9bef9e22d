"""A finished study to MLflow; a model's address to its bundle. The only part that knows MLflow."""

from churnml.tracking.registry import (
    CHAMPION_URI,
    MODEL,
    RegisteredModel,
    champion,
    keep_back,
    promote,
    resolve,
    rollback,
)
from churnml.tracking.runs import TrainingRecord, log_training
from churnml.tracking.store import tracking_uri

__all__ = [
    "CHAMPION_URI",
    "MODEL",
    "RegisteredModel",
    "TrainingRecord",
    "champion",
    "keep_back",
    "log_training",
    "promote",
    "resolve",
    "rollback",
    "tracking_uri",
]
