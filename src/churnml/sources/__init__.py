"""Where tables come from: folders and databases, the quality gate, the simulated world."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from churnml.sources.checking import CheckReport, check
    from churnml.sources.coverage import coverage_report
    from churnml.sources.dataset import Dataset, Finding
    from churnml.sources.description import Description, read_description
    from churnml.sources.opening import open_dataset

__all__ = [
    "CheckReport",
    "Dataset",
    "Description",
    "Finding",
    "check",
    "coverage_report",
    "open_dataset",
    "read_description",
]

_HOME = {
    "CheckReport": "checking",
    "check": "checking",
    "coverage_report": "coverage",
    "Dataset": "dataset",
    "Finding": "dataset",
    "Description": "description",
    "read_description": "description",
    "open_dataset": "opening",
}


def __getattr__(name: str) -> Any:
    """Public names, imported when first used, so that ``--help`` stays quick."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
