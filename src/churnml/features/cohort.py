"""What compares a snapshot with everyone at its as_of: sums over the cohort, and percentiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from churnml.features import algebra as a
from churnml.features.plan import Plan, build, columns_from, typed
from churnml.features.trees import (
    Join,
    alias,
    column,
    is_known,
    same,
    select,
    sql,
    subquery,
    table,
)
from churnml.sources.backend import Backend, Query


def compare(backend: Backend, plan: Plan, *, stages: Sequence[str]) -> str:
    """Name of a table with ``r`` and the columns of all later levels.

    Parameters
    ----------
    backend : Backend
    plan : Plan
    stages : sequence of str
        Tables with ``r``, ``as_of`` and at least the snapshot columns that comparing needs; all
        their rows take part.
    """
    done = "churnml_level_0"
    columns = ["r", "as_of", *inputs(plan)]
    for number, stage in enumerate(stages):
        read = select(columns, stage)
        put = backend.create if number == 0 else backend.append
        put(done, Query(read))
    for number in sorted(plan.staged):
        before, done = done, f"churnml_level_{number}"
        backend.create(done, Query(_level(backend, plan, number, before)))
        backend.drop(before)
    return done


def inputs(plan: Plan) -> list[str]:
    """Snapshot columns that comparing reads."""
    read: dict[str, None] = {}
    seen: set[a.Expr] = set()

    def visit(expr: a.Expr) -> None:
        if expr in seen:
            return
        seen.add(expr)
        name = plan.snapshot.get(expr)
        if name is not None:
            read[name] = None
            return
        if isinstance(expr, a.CohortSum) and expr.by is not None:
            visit(a.Attribute(expr.by))
        for child in a.children(expr):
            visit(child)

    for expr in plan.outputs:
        if expr not in plan.snapshot:
            visit(expr)
    return list(read)


def _level(backend: Backend, plan: Plan, number: int, before: str) -> exp.Select:
    """The level before, with the nodes of this level beside."""
    nodes = plan.staged[number]
    items: list[exp.Expression] = [exp.Column(this=exp.Star(), table=exp.to_identifier("n"))]
    joins: list[Join] = []
    for sums, on, names in _sums(backend, plan, number, before):
        joins.append((table(sums), on, "LEFT"))
        items += [column(name, sums) for name in names]
    for node, name in nodes.items():
        if isinstance(node, a.Percentile):
            ranks = f"churnml_{name}"
            backend.create(ranks, Query(_percentile(_value(plan, node.value), name, before)))
            joins.append((table(ranks), same("n", ranks, "r"), "LEFT"))
            items.append(column(name, ranks))
        elif isinstance(node, a.Saved):
            value = _of(_value(plan, node.value), "n")
            items.append(alias(typed(node.value, value), name))
    return select(items, table(before, "n"), joins=joins)


def _value(plan: Plan, expr: a.Expr) -> exp.Expression:
    return build(expr, column=columns_from(plan))


def _of(tree: exp.Expression, name: str) -> exp.Expression:
    for node in tree.find_all(exp.Column):
        node.set("table", exp.to_identifier(name))
    return tree


def _sums(
    backend: Backend, plan: Plan, number: int, before: str
) -> Iterator[tuple[str, exp.Expression, list[str]]]:
    """Create the tables of sums by as_of (and attribute): their names, how they join, columns."""
    groups: dict[str | None, dict[a.CohortSum, str]] = {}
    for node, name in plan.staged[number].items():
        if isinstance(node, a.CohortSum):
            groups.setdefault(node.by, {})[node] = name
    for by, nodes in groups.items():
        made = f"churnml_sums_{number}_{by or 'all'}"
        sums = [alias(exp.Sum(this=_value(plan, node.value)), name) for node, name in nodes.items()]
        part = [plan.snapshot[a.Attribute(by)]] if by is not None else []
        keys = ["as_of", *part]
        backend.create(made, Query(select([*keys, *sums], before, group=keys)))
        yield made, same("n", made, *keys), list(nodes.values())


def _percentile(value: exp.Expression, name: str, before: str) -> exp.Select:
    """Middle ranks, between 0 and 1, of the known values of each as_of."""
    values = select(["r", "as_of", alias(value, "x")], before, where=[is_known(value.copy())])
    rank = sql(
        "(CAST(RANK() OVER (PARTITION BY as_of ORDER BY x) AS DOUBLE)"
        " + CAST(COUNT(*) OVER (PARTITION BY as_of, x) AS DOUBLE) / CAST(2 AS DOUBLE)"
        " - CAST(1 AS DOUBLE)) / CAST(COUNT(*) OVER (PARTITION BY as_of) AS DOUBLE)"
    )
    return select(["r", alias(rank, name)], subquery(values, "v"))
