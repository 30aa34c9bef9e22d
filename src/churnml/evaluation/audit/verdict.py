"""What a leak means for promotion: no figure of such a model can be trusted."""

from __future__ import annotations

from functools import reduce

from churnml.evaluation.audit.findings import Audit
from churnml.evaluation.promotion import Verdict
from churnml.evaluation.words import say
from churnml.spoken import Spoken

_SAID = 3


def without_leaks(audit: Audit) -> Verdict | None:
    """The refusal of a model that learnt from a leak, with the leaks in words; None without any."""
    if not audit.leaks:
        return None
    said = reduce(Spoken.then, (one.message for one in audit.leaks[:_SAID]))
    more = len(audit.leaks) - _SAID
    return Verdict(False, say("leaks_and_more" if more > 0 else "leaks", said=said, more=more))
