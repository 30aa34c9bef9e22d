"""Errors a user can mend. The command line turns them into one message and exit code 2."""

from __future__ import annotations


class InputError(ValueError):
    """Data, settings or arguments are unusable: what was expected, what came, what to do."""
