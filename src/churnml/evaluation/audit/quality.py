"""Bad data: what the quality gate found that a model would learn as if it were the customers."""

from __future__ import annotations

from collections.abc import Sequence

from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.words import say
from churnml.sources.dataset import Finding as Fault

CHECK = "quality"


def quality(faults: Sequence[Fault], *, refused: bool = False) -> tuple[list[Finding], Check]:
    """Errors of the gate, the costliest of each table; rows that it could set aside are none.

    Parameters
    ----------
    faults : sequence of gate findings
    refused : bool
        Whether the gate refuses the source, so that nothing else could be looked at.
    """
    errors = [fault for fault in faults if fault.severity == "error"]
    worst = {one.table: one for one in sorted(errors, key=lambda fault: fault.rows)}
    told = [one for one in errors if one.rule == "survivorship" or worst[one.table] is one]
    findings = [_finding(fault) for fault in told]
    seen = say("quality_refused" if refused else "quality_seen")
    return findings, concluded(CHECK, findings, seen=seen)


def _finding(fault: Fault) -> Finding:
    severe = "error" if fault.rule == "survivorship" else "warning"
    return Finding(
        CHECK,
        severe,  # type: ignore[arg-type]
        say("quality_fault", table=fault.table, fault=fault.message),
        table=fault.table,
        value=fault.rule,
    )
