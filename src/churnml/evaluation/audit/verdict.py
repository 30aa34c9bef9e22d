"""What a leak means for promotion: no figure of such a model can be trusted."""

from __future__ import annotations

from churnml.evaluation.audit.findings import Audit
from churnml.evaluation.promotion import Verdict

_SAID = 3


def without_leaks(audit: Audit) -> Verdict | None:
    """The refusal of a model that learnt from a leak, with the leaks in words; None without any."""
    if not audit.leaks:
        return None
    said = " ".join(one.message for one in audit.leaks[:_SAID])
    more = len(audit.leaks) - _SAID
    rest = f" And {more} more; `churnml doctor` shows all." if more > 0 else ""
    return Verdict(
        False,
        "Not promoted: the data knows the outcome, so the figures below cannot be trusted. "
        f"{said}{rest}",
    )
