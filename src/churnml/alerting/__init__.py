"""Who is alerted, and when: the load a team can carry, the quiet time, the order."""

from __future__ import annotations

from churnml.alerting.queue import Policy, queue

__all__ = ["Policy", "queue"]
