"""Who is alerted, and when: the load a team can carry, the quiet time, the order, the tiers."""

from __future__ import annotations

from churnml.alerting.policy import Policy, read_policy
from churnml.alerting.queue import advance, queue

__all__ = ["Policy", "advance", "queue", "read_policy"]
