"""Purge: every training label of every fold and head was closed when its test began."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.words import say
from churnml.labels import UNKNOWN
from churnml.model.examples import Examples
from churnml.splits import ForwardFolds

CHECK = "purge"


def purge(examples: Examples, *, folds: ForwardFolds) -> tuple[list[Finding], Check]:
    """Recomputed from the dates alone, not by the splitter's own rule."""
    findings, rows = [], 0
    for number, (start, _) in enumerate(folds.blocks(), start=1):
        for head, labels in examples.labels.items():
            used = examples.train_rows(head, folds=folds, tested=start)
            rows += int(used.sum())
            days = head.lead_days + head.horizon_days + head.delay_days
            closes = examples.as_ofs[used] + pd.Timedelta(days=days)
            wrong = np.asarray(closes > start) | (labels[used] == UNKNOWN).to_numpy()
            if wrong.any():
                findings.append(_finding(number, head.lead_days, head.end_days, int(wrong.sum())))
    return findings, concluded(CHECK, findings, seen=say("training_labels", rows=rows))


def _finding(fold: int, lead: int, end: int, rows: int) -> Finding:
    return Finding(
        CHECK,
        "error",
        say("open_labels", fold=fold, lead=lead, end=end, rows=rows),
        value=rows,
    )
