"""What an audit says: findings with a place, a severity and advice, and which checks passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from churnml.evaluation.audit.words import say
from churnml.spoken import Spoken

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found.

    Parameters
    ----------
    check : str
        Which check found it.
    severity : {"info", "warning", "error"}
        ``error``: what a model learns from it is worthless, so it is not promoted; ``info`` is no
        finding to act on.
    message : Spoken
        Where, what was seen, and what to do.
    table, column, feature : str, optional
        Where it lies.
    value : str or float, optional
        The value of the column that tells, or the figure that rang the alarm.
    """

    check: str
    severity: Severity
    message: Spoken
    table: str | None = None
    column: str | None = None
    feature: str | None = None
    value: str | float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What one check looked at; ``passed`` is None where the data did not allow it."""

    check: str
    passed: bool | None
    detail: Spoken


@dataclass(frozen=True)
class Audit:
    """All checks of one audit."""

    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found that a user must act on."""
        return not self.alarms

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """Warnings and errors."""
        return tuple(one for one in self.findings if one.severity != "info")

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """What forbids a promotion."""
        return tuple(one for one in self.findings if one.severity == "error")

    def as_json(self) -> dict[str, Any]:
        """Plain values: ``ok``, ``findings``, ``checks``."""
        return {
            "ok": self.ok,
            "findings": [asdict(finding) for finding in self.findings],
            "checks": [asdict(check) for check in self.checks],
        }


def concluded(check: str, findings: Sequence[Finding], *, seen: Spoken) -> Check:
    """The check passed unless it rang an alarm; ``seen`` says what it looked at."""
    alarms = sum(finding.severity != "info" for finding in findings)
    detail = say("seen_and_found", seen=seen, alarms=alarms) if alarms else seen
    return Check(check, alarms == 0, detail)
