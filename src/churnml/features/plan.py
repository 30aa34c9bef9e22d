"""What is computed when: values of one snapshot first, then what needs everyone at its as_of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from churnml.features import algebra as a
from churnml.features import trees
from churnml.features.compiler import arithmetic, level


@dataclass
class Plan:
    """Expressions by the stage at which they are computed.

    Parameters
    ----------
    outputs : tuple of Expr
        Values of the features, in order.
    snapshot : dict of Expr to str
        What each snapshot says by itself, with its column in the stage table.
    staged : dict of int to list of Expr
        Cohort sums, percentiles and saved values by level, 1 first.
    """

    outputs: tuple[a.Expr, ...]
    levels: dict[a.Expr, int] = field(default_factory=dict)
    snapshot: dict[a.Expr, str] = field(default_factory=dict)
    staged: dict[int, dict[a.Expr, str]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of(cls, outputs: Sequence[a.Expr]) -> Plan:
        """The plan of these values."""
        plan = cls(tuple(outputs))
        for expr in plan.outputs:
            plan._visit(expr)
        return plan

    def _visit(self, expr: a.Expr) -> None:
        if expr in self.snapshot or isinstance(expr, a.Constant):
            return
        own = level(expr, self.levels)
        if own == 0:
            self.snapshot[expr] = f"s{len(self.snapshot)}"
            return
        if isinstance(expr, a.STAGED):
            if expr in self.staged[own]:
                return
            self.staged[own][expr] = f"t{own}_{len(self.staged[own])}"
        if isinstance(expr, a.CohortSum) and expr.by is not None:
            self._visit(a.Attribute(expr.by))
        for child in a.children(expr):
            self._visit(child)

    def column(self, expr: a.Expr) -> str | None:
        """Column that holds the expression once its stage is done; None: it is computed inline."""
        if isinstance(expr, a.STAGED):
            return self.staged[level(expr, self.levels)].get(expr)
        return self.snapshot.get(expr)


def build(
    expr: a.Expr,
    *,
    column: Callable[[a.Expr], exp.Expression | None],
    leaf: Callable[[a.Expr], exp.Expression] | None = None,
) -> exp.Expression:
    """SQL of an expression: from a column where one holds it, else from its parts."""
    found = column(expr)
    if found is not None:
        return found
    parts = [build(child, column=column, leaf=leaf) for child in a.children(expr)]
    if parts or isinstance(expr, a.Constant):
        return arithmetic(expr, parts)
    if leaf is None:
        raise TypeError(f"{type(expr).__name__} was not planned for the first stage")
    return leaf(expr)


def typed(expr: a.Expr, tree: exp.Expression) -> exp.Expression:
    """The value as the type of its column: words for words, else double."""
    return trees.cast(tree, "TEXT" if in_words(expr) else "DOUBLE")


def in_words(expr: a.Expr) -> bool:
    """Whether the values are words."""
    return isinstance(expr, a.Attribute) and not expr.is_number


def columns_from(plan: Plan) -> Callable[[a.Expr], exp.Expression | None]:
    """Reader of the columns that the plan has for an expression."""

    def read(expr: a.Expr) -> exp.Expression | None:
        name = plan.column(expr)
        return trees.column(name) if name is not None else None

    return read
