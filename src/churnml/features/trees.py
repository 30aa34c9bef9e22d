"""Small pieces of SQL as trees, put together without copying them again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlglot import exp, parse_one

#: A table (and its alias), a condition, and the kind of join.
Join = tuple[exp.Expression, exp.Expression, str]


@lru_cache(maxsize=8192)
def _parsed(text: str) -> exp.Expression:
    return parse_one(text, dialect="duckdb")


@lru_cache(maxsize=16)
def _type(kind: str) -> exp.DataType:
    return exp.DataType.build(kind, dialect="duckdb")


def sql(text: str) -> exp.Expression:
    """A snippet of SQL as a tree of its own."""
    return _parsed(text).copy()


def columns_in(text: str) -> frozenset[str]:
    """Names of the columns that a snippet reads."""
    return frozenset(column.name for column in _parsed(text).find_all(exp.Column))


def column(name: str, table: str | None = None) -> exp.Column:
    """A column, of a table where one is named."""
    return exp.Column(
        this=exp.Identifier(this=name, quoted=False),
        table=exp.Identifier(this=table, quoted=False) if table else None,
    )


def number(value: int) -> exp.Expression:
    """A whole number."""
    literal = exp.Literal(this=str(abs(value)), is_string=False)
    return literal if value >= 0 else exp.Neg(this=literal)


def alias(tree: exp.Expression, name: str) -> exp.Alias:
    """The tree under a name."""
    return exp.Alias(this=tree, alias=exp.Identifier(this=name, quoted=False))


def cast(tree: exp.Expression, kind: str) -> exp.Cast:
    """The value as a type."""
    return exp.Cast(this=tree, to=_type(kind))


def is_null(tree: exp.Expression) -> exp.Expression:
    """Whether a value is unknown."""
    return exp.Is(this=exp.Paren(this=tree), expression=exp.Null())


def is_known(tree: exp.Expression) -> exp.Expression:
    """Whether a value is known."""
    return exp.Not(this=is_null(tree))


def add(tree: exp.Expression, value: int) -> exp.Expression:
    """The value plus a whole number."""
    return exp.Add(this=exp.Paren(this=tree), expression=number(value))


def greatest(*values: exp.Expression) -> exp.Expression:
    """The greatest of the known values."""
    first, *others = values
    return exp.Greatest(this=first, expressions=others, ignore_nulls=True)


def every(conditions: Sequence[exp.Expression]) -> exp.Expression:
    """All conditions together."""
    return exp.and_(*conditions, copy=False)


def when(
    conditions: Sequence[exp.Expression],
    then: exp.Expression,
    otherwise: exp.Expression | None = None,
) -> exp.Expression:
    """The value where all conditions hold, else the other (null)."""
    needed = [condition for condition in conditions if condition != exp.true()]
    if not needed:
        return then
    chosen = exp.Case(ifs=[exp.If(this=every(needed), true=then)])
    if otherwise is not None:
        chosen.set("default", otherwise)
    return chosen


def table(name: str, as_: str | None = None) -> exp.Expression:
    """A table, under another name where one is given."""
    tree = exp.Table(this=exp.Identifier(this=name, quoted=False))
    if as_:
        tree.set("alias", exp.TableAlias(this=exp.Identifier(this=as_, quoted=False)))
    return tree


def subquery(tree: exp.Expression, as_: str) -> exp.Expression:
    """A query in brackets, under a name."""
    return exp.Subquery(
        this=tree, alias=exp.TableAlias(this=exp.Identifier(this=as_, quoted=False))
    )


def select(
    items: Iterable[str | exp.Expression],
    source: exp.Expression | str,
    *,
    where: Sequence[exp.Expression] = (),
    group: Sequence[str] = (),
    joins: Iterable[Join] = (),
    distinct: bool = False,
) -> exp.Select:
    """A SELECT; strings are columns of the source and tables by name."""
    tree = exp.Select()
    tree.select(*(column(item) if isinstance(item, str) else item for item in items), copy=False)
    tree.from_(table(source) if isinstance(source, str) else source, copy=False)
    for joined, on, kind in joins:
        tree.join(joined, on=on, join_type=kind, copy=False)
    conditions = [condition for condition in where if condition != exp.true()]
    if conditions:
        tree.where(every(conditions), copy=False)
    if group:
        tree.group_by(*(column(name) for name in group), copy=False)
    if distinct:
        tree.distinct(copy=False)
    return tree


def same(left: str, right: str, *names: str) -> exp.Expression:
    """Equality of these columns in two tables."""
    pairs = [exp.EQ(this=column(name, left), expression=column(name, right)) for name in names]
    return every(pairs)
