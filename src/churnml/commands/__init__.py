"""The commands, one module for each subject; importing this package registers them all.

Every command is one thin function. Heavy imports wait until it runs, so that help stays quick.
"""

from __future__ import annotations

from churnml.commands import data, health, scoring, training, versions
from churnml.commands.base import app, stderr

__all__ = ["app", "data", "health", "scoring", "stderr", "training", "versions"]
