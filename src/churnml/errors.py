"""Errors a user can mend. The command line turns them into one message and exit code 2."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """Data, settings or arguments are unusable: what was expected, what came, what to do."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question after a name that does not exist: the nearest ones; empty if none is near.

    Examples
    --------
    >>> did_you_mean("login_28d", ["logins_28d", "silence"])
    ' Did you mean logins_28d?'
    """
    import difflib

    near = difflib.get_close_matches(name, known, n=3)
    return f" Did you mean {' or '.join(near)}?" if near else ""
