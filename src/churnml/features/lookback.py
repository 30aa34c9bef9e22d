"""How far back a feature reads, from its expression."""

from __future__ import annotations

import math

from churnml.features.algebra import Expr, Extreme, Latest, Oldest, Streak, Window, walk

#: They read every row there ever was, whatever its age.
_SINCE_EVER = (Extreme, Latest, Oldest, Streak)


def lookback_weeks(expr: Expr) -> float:
    """Weeks of history that the expression reads; 0: no rows, infinity: since ever.

    Examples
    --------
    >>> from churnml.features.algebra import LAST_4_WEEKS, Constant, Total, Rows
    >>> from churnml.features.row_sources import EVENTS
    >>> lookback_weeks(Total(Rows(EVENTS), None, LAST_4_WEEKS) / Constant(4.0))
    4.0
    """
    return max((_of_node(node) for node in walk(expr)), default=0.0)


def _of_node(node: Expr) -> float:
    if isinstance(node, _SINCE_EVER):
        return math.inf
    window = getattr(node, "window", None)
    if not isinstance(window, Window):
        return 0.0
    return math.inf if window.start is None else float(window.start)
