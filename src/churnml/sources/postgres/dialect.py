"""Statements in DuckDB's words, said in PostgreSQL's so that the same bits come out."""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp, parse_one
from sqlglot.dialects.postgres import Postgres


def said(tree: exp.Expression) -> str:
    """The tree as PostgreSQL's SQL.

    Whole numbers stay whole: PostgreSQL turns a double into DECIMAL by its first fifteen digits and
    rounds halves to even, so both go over BIGINT and by hand.
    """
    copied = tree.copy()
    for node in list(copied.find_all(exp.Cast)):
        if node.to.is_type("decimal") and isinstance(node.this.unnest(), exp.Round):
            node.set("this", exp.cast(node.this, "bigint", copy=False))
    for node in reversed(list(copied.walk(bfs=False))):  # inner ones first
        spoken = _translated(node)
        if spoken is not node:
            copied = spoken if node is copied else copied
            node.replace(spoken)
    text: str = copied.sql(dialect=Postgres)
    return text


@lru_cache(maxsize=256)
def spelled(sql: str) -> str:
    """A statement of DuckDB's SQL as PostgreSQL's."""
    return said(parse_one(sql, dialect="duckdb"))


def _translated(node: exp.Expression) -> exp.Expression:
    """The node as PostgreSQL needs it; itself where sqlglot knows enough."""
    match node:
        case exp.Anonymous() if node.name.lower() == "hash":
            return _hashed(node.expressions)
        case exp.DataType() if node.is_type("int128", "uint128"):
            return exp.DataType.build("decimal")
        case exp.DateDiff() if node.unit is not None and node.unit.name.upper() == "MICROSECOND":
            return _microseconds(node)
        case exp.IntDiv():  # DIV is of exact numbers and slow; whole numbers divide to whole ones
            return exp.Paren(this=exp.Div(this=node.this, expression=node.expression, typed=True))
        case exp.TryCast():  # the server's columns have types; what has none is refused before
            return exp.Cast(this=node.this, to=node.to)
        case exp.Round() if node.args.get("decimals") is None:
            return _half_away(node.this)
    return node


def _microseconds(node: exp.DateDiff) -> exp.Expression:
    passed = exp.Extract(
        this=exp.Var(this="epoch"),
        expression=exp.Paren(this=exp.Sub(this=node.this, expression=node.expression)),
    )
    return exp.cast(exp.Mul(this=passed, expression=exp.Literal.number(1_000_000)), "bigint")


def _half_away(value: exp.Expression) -> exp.Expression:
    """The nearest whole number, halves away from zero; exact, as the part cut off is."""
    whole = exp.Trunc(this=value.copy())
    rest = exp.Sub(this=exp.Paren(this=value.copy()), expression=whole)
    far = exp.GTE(this=exp.Abs(this=exp.Paren(this=rest)), expression=exp.Literal.number("0.5"))
    step = exp.Case(
        ifs=[exp.If(this=far, true=exp.Sign(this=value.copy()))], default=exp.Literal.number(0)
    )
    return exp.Paren(this=exp.Add(this=whole.copy(), expression=step))


def _hashed(values: list[exp.Expression]) -> exp.Expression:
    """64 bits of all values as they are written in one row."""
    row = exp.cast(exp.Anonymous(this="ROW", expressions=values), "text")
    return exp.Anonymous(this="HASHTEXTEXTENDED", expressions=[row, exp.Literal.number(0)])
