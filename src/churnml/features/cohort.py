"""What compares a snapshot with everyone at its as_of: sums over the cohort, and percentiles."""

from __future__ import annotations

import duckdb
from sqlglot import exp

from churnml.features import algebra as a
from churnml.features.clock import sql
from churnml.features.plan import Plan, build, columns_from, typed

#: Cohort sums by attribute live in tables of their own.
_SUMS = "churnml_sums"


def compare(connection: duckdb.DuckDBPyConnection, plan: Plan, *, stage: str) -> str:
    """Name of a table with the stage's columns and those of all later levels.

    Parameters
    ----------
    connection : DuckDBPyConnection
    plan : Plan
    stage : str
        Table with ``r``, ``as_of`` and the snapshot columns of the plan.
    """
    needed = _inputs(plan)
    table = "churnml_level_0"
    _create(connection, table, exp.select("r", "as_of", *needed).from_(stage))
    for number in sorted(plan.staged):
        table = _level(connection, plan, number, table)
    return table


def _create(connection: duckdb.DuckDBPyConnection, name: str, tree: exp.Expression) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {tree.sql('duckdb')}")


def _inputs(plan: Plan) -> list[str]:
    """Snapshot columns that later levels read."""
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


def _level(connection: duckdb.DuckDBPyConnection, plan: Plan, number: int, before: str) -> str:
    nodes = plan.staged[number]
    tree = exp.select("n.*").from_(f"{before} AS n")
    for by in dict.fromkeys(node.by for node in nodes if isinstance(node, a.CohortSum)):
        alias = _sums(connection, plan, number, by, before)
        same = [sql(f"n.as_of = {alias}.as_of")]
        if by is not None:
            same.append(sql(f"n.{plan.snapshot[a.Attribute(by)]} = {alias}.part"))
        tree = tree.join(alias, on=exp.and_(*same), join_type="LEFT")
        names = [c for node, c in nodes.items() if isinstance(node, a.CohortSum) and node.by == by]
        tree = tree.select(*(f"{alias}.{name}" for name in names))
    for node, name in nodes.items():
        if isinstance(node, a.Percentile):
            _percentile(connection, _value(plan, node.value), name, before)
            tree = tree.join(f"q_{name}", on=sql(f"n.r = q_{name}.r"), join_type="LEFT")
            tree = tree.select(f"q_{name}.{name}")
        elif isinstance(node, a.Saved):
            value = build(node.value, column=columns_from(plan))
            tree = tree.select(exp.alias_(typed(node.value, _of(value, "n")), name))
    table = f"churnml_level_{number}"
    _create(connection, table, tree)
    return table


def _value(plan: Plan, expr: a.Expr) -> exp.Expression:
    return build(expr, column=columns_from(plan))


def _of(tree: exp.Expression, alias: str) -> exp.Expression:
    for column in tree.find_all(exp.Column):
        column.set("table", exp.to_identifier(alias))
    return tree


def _sums(
    connection: duckdb.DuckDBPyConnection, plan: Plan, number: int, by: str | None, before: str
) -> str:
    """Create the table of sums by as_of, and by attribute where one is named."""
    name = f"{_SUMS}_{number}_{by or 'all'}"
    nodes = {
        node: column
        for node, column in plan.staged[number].items()
        if isinstance(node, a.CohortSum) and node.by == by
    }
    tree = exp.select("as_of").from_(before).group_by("as_of")
    if by is not None:
        part = plan.snapshot[a.Attribute(by)]
        tree = tree.select(exp.alias_(sql(part), "part")).group_by(part)
    sums = (
        exp.alias_(exp.Sum(this=_value(plan, node.value)), column)
        for node, column in nodes.items()
        if isinstance(node, a.CohortSum)
    )
    _create(connection, name, tree.select(*sums))
    return name


def _percentile(
    connection: duckdb.DuckDBPyConnection, value: exp.Expression, name: str, before: str
) -> None:
    """Create the table of middle ranks, between 0 and 1, of the known values of each as_of."""
    values = (
        exp.select("r", "as_of", exp.alias_(value.copy(), "x"))
        .from_(before)
        .where(exp.Not(this=exp.Is(this=exp.Paren(this=value), expression=exp.null())))
    )
    rank = sql(
        "(CAST(RANK() OVER (PARTITION BY as_of ORDER BY x) AS DOUBLE)"
        " + CAST(COUNT(*) OVER (PARTITION BY as_of, x) AS DOUBLE) / CAST(2 AS DOUBLE)"
        " - CAST(1 AS DOUBLE)) / CAST(COUNT(*) OVER (PARTITION BY as_of) AS DOUBLE)"
    )
    tree = exp.select("r", exp.alias_(rank, name)).from_(exp.alias_(exp.Subquery(this=values), "v"))
    _create(connection, f"q_{name}", tree)
