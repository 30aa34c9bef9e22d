"""churnml: know three to four weeks ahead which customer is leaving, why, and prove it."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: Public name -> module it lives in; imported on first use, so that ``--help`` stays quick.
_PUBLIC = {
    "open_dataset": "churnml.sources",
    "check": "churnml.sources",
    "simulate": "churnml.sources.world",
    "read_study": "churnml.config",
    "take_snapshots": "churnml.snapshots",
    "in_population": "churnml.snapshots",
    "catalogue": "churnml.features",
    "compute_features": "churnml.features",
    "label": "churnml.labels",
    "spells": "churnml.labels",
    "forward_folds": "churnml.splits",
    "queue": "churnml.alerting",
    "fit": "churnml.model",
    "evaluate": "churnml.evaluation",
    "score": "churnml.scoring",
    "explain": "churnml.explanation",
    "train": "churnml.train",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'churnml' has no attribute '{name}'")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
