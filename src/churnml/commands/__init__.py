"""The commands, one module for each subject; importing this package registers them all.

Every command is one thin function. Heavy imports wait until it runs, so that help stays quick.
"""

from __future__ import annotations

import importlib
import pkgutil

from churnml.commands.base import app, stderr

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["app", "stderr"]
