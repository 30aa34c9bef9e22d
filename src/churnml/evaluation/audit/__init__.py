"""The audit: leaks that flatter a model, planted or grown, and mistakes of those who use it."""

from __future__ import annotations

from churnml.evaluation.audit.findings import Audit, Check, Finding
from churnml.evaluation.audit.running import audit_tables, audit_training, examine
from churnml.evaluation.audit.verdict import without_leaks

__all__ = [
    "Audit",
    "Check",
    "Finding",
    "audit_tables",
    "audit_training",
    "examine",
    "without_leaks",
]
