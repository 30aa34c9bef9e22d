"""A simulated company whose hazards are known: the demo data, and the yardstick for every model."""

from __future__ import annotations

from churnml.sources.world.simulation import simulate

__all__ = ["simulate"]
