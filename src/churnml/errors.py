"""Errors a user can mend. The command line turns them into one message and exit code 2."""

from __future__ import annotations


class InputError(ValueError):
    """Data, configuration or arguments are unusable: says what was expected, what came, what to do."""
