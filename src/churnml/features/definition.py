"""A feature's expression in words: which rows, which window, what is done with them."""

from __future__ import annotations

from pathlib import Path

import sqlglot
from sqlglot import exp

from churnml.features import algebra as a
from churnml.spoken import Spoken, phrases
from churnml.windows import WEEK_DAYS

say = phrases(Path(__file__).with_name("words.toml"))
#: Deeper inside, an expression is named by its tables; conditions are cut after so many letters.
_DEPTH = 4
_LONGEST = 110
_SIGNS = {"+": "sum", "-": "difference", "*": "product", "/": "ratio"}


def definition(expr: a.Expr) -> Spoken:
    """How the value comes about, in both languages.

    Examples
    --------
    >>> from churnml.features import operators as o
    >>> from churnml.features.row_sources import EVENTS
    >>> definition(o.count(a.Rows(EVENTS, "name = 'login'"), a.LAST_4_WEEKS))
    "number of rows of events where name = 'login' in the last 28 days"
    """
    said = _said(expr, 0)
    rows = (getattr(node, "rows", None) for node in a.walk(expr))
    missing = any(one is not None and one.absent for one in rows)
    return say("absent", said=said) if missing else said


def columns_of(expr: a.Expr) -> tuple[str, ...]:
    """Columns that an expression reads, as ``source.column``, sorted."""
    found: set[str] = set()
    for node in a.walk(expr):
        rows = getattr(node, "rows", None)
        if isinstance(node, a.Attribute):
            found.add(f"customers.{node.column}")
        if rows is None:
            continue
        texts = [rows.where, *(getattr(node, part, None) for part in _SQL_PARTS)]
        names = _names(rows.at or rows.source.time).union(*(_names(text) for text in texts if text))
        found |= {f"{rows.source.name}.{name}" for name in names}
    return tuple(sorted(found))


#: Parts of the nodes that are SQL over the columns of their rows.
_SQL_PARTS = ("value", "key", "by", "still", "since", "done")


def _names(text: str | a.Expr) -> set[str]:
    if isinstance(text, a.Expr):
        return set()
    return {column.name for column in sqlglot.parse_one(text, "duckdb").find_all(exp.Column)}


def _said(expr: a.Expr, depth: int) -> Spoken:
    known = _pattern(expr, depth) or _leaf(expr)
    if known is not None:
        return known
    if depth > _DEPTH:
        return say("from_tables", tables=", ".join(a.tables_of(expr)) or "–")
    return _joined(expr, depth + 1)


def _pattern(expr: a.Expr, depth: int) -> Spoken | None:
    """What an operator of the algebra means as a whole, where the expression is one."""
    match expr:
        case a.Arithmetic("/", a.Arithmetic("-", a.Total() as n, _), a.Function("sqrt")):
            return _counted("own_deviation", n)
        case a.Arithmetic("/", a.Total() as n, a.Arithmetic("*", a.Saved(), a.ExposedWeeks())):
            return _counted("own_ratio", n)
        case a.Saved(a.Function("greatest")) if rows := _of_own_past(expr):
            return say("onset", rows=_rows(rows))
        case a.Choice(a.Saved(a.Function("greatest"))) if rows := _of_own_past(expr):
            return say("onset_age", rows=_rows(rows))
        case a.Arithmetic("/", _, a.Arithmetic("*", a.Arithmetic("/", a.Total() as n), _)):
            return say("trend", rows=_rows(n.rows), weeks=n.window.start)
        case a.Arithmetic("/", a.Total() as n, a.Total() as of) if _is_mean(n, of):
            return _counted("mean", n)
        case a.Arithmetic("-", a.SnapshotDay(), a.Extreme() as row):
            return say("days_since" if row.latest else "age", rows=_rows(row.rows))
        case a.Arithmetic("-", a.SnapshotDay(), a.Oldest() as open_):
            return _still_open("oldest_open", open_)
        case a.Arithmetic("-", a.Extreme(latest=True) as row, a.Extreme(latest=False)):
            return say("span", rows=_rows(row.rows))
        case a.Arithmetic(
            "/", a.Arithmetic("+", n, a.Constant(1.0)), a.Arithmetic("+", of, a.Constant(1.0))
        ):
            return say("against", left=_said(n, depth + 1), right=_said(of, depth + 1))
        case a.Arithmetic("/", a.CohortSum(value, by), a.CohortSum(a.Known())):
            return say("cohort_mean", value=_said(value, depth + 1), by=by)
        case a.Choice(_, then, a.Constant(None)) if conditions := _held(then):
            return say("how_many_of", values=_list([_said(one, depth + 1) for one in conditions]))
    return None


def _leaf(expr: a.Expr) -> Spoken | None:
    """What is read from rows or customers."""
    match expr:
        case a.Total(value=value):
            return _counted("count" if value is None else "total", expr)
        case a.Distinct(rows, key, window):
            what = "days_with" if key is None else "distinct"
            return say(what, rows=_rows(rows), key=key, window=_window(window))
        case a.Extreme(rows, latest):
            return say("time_of_latest" if latest else "time_of_first", rows=_rows(rows))
        case a.Latest(rows, value, by=by):
            return say("latest_by" if by else "latest", rows=_rows(rows), value=_cut(value), by=by)
        case a.Oldest():
            return _still_open("open_longer" if expr.older_than_days else "oldest_open", expr)
        case a.Streak(rows, done):
            return say("streak", rows=_rows(rows), done=_cut(done))
        case a.TenureDays(since_sign_up):
            return say("since_sign_up" if since_sign_up else "tenure")
        case a.ExposedWeeks(_, window):
            return say("exposed", window=_window(window))
        case a.Attribute(column):
            return say("attribute", column=column)
        case a.SnapshotDay():
            return say("now")
        case a.Constant(number):
            return say("unknown") if number is None else say("constant", number=number)
    return None


def _joined(expr: a.Expr, depth: int) -> Spoken:
    """What is done with the values inside."""
    match expr:
        case a.Arithmetic("*", a.Comparison() as left, a.Comparison() as right):
            return _condition(say("both", left=_said(left, 2), right=_said(right, 2)), depth)
        case a.Arithmetic(operator, left, right):
            return say(_SIGNS[operator], left=_side(left, depth), right=_side(right, depth))
        case a.Comparison(operator, left, right):
            sides = {"left": _side(left, depth), "right": _side(right, depth)}
            return _condition(say("comparison", operator=operator, **sides), depth)
        case a.Function(name, arguments):
            return say(name, values=_list([_said(one, depth) for one in arguments]))
        case a.Choice(condition, then, otherwise):
            parts = {"condition": _said(condition, depth), "then": _said(then, depth)}
            if otherwise == a.Constant(None):
                return say("choice", **parts)
            return say("choice_else", **parts, otherwise=_said(otherwise, depth))
        case a.Known(value):
            return say("known", value=_said(value, depth))
        case a.CohortSum(value, by):
            return say("cohort_by" if by else "cohort", value=_said(value, depth), by=by)
        case a.Percentile(value):
            return say("percentile", value=_said(value, depth))
        case a.Saved(value):
            return _said(value, depth)
    return say("from_tables", tables=", ".join(a.tables_of(expr)) or "–")


def _side(expr: a.Expr, depth: int) -> Spoken:
    """One side of a sign; in brackets where it has a sign of its own."""
    said = _said(expr, depth)
    inside = expr.value if isinstance(expr, a.Saved) else expr
    apart = isinstance(inside, a.Arithmetic) and _pattern(inside, depth) is None
    return say("group", inside=said) if apart else said


def _condition(said: Spoken, depth: int) -> Spoken:
    return say("condition", condition=said) if depth == 1 else said


def _counted(key: str, found: a.Total) -> Spoken:
    value = "" if found.value is None else _cut(found.value)
    return say(key, rows=_rows(found.rows), value=value, window=_window(found.window))


def _still_open(key: str, found: a.Oldest) -> Spoken:
    return say(
        key, rows=_rows(found.rows), by=found.by, still=_cut(found.still), since=_cut(found.since),
        days=found.older_than_days,
    )  # fmt: skip


def _rows(rows: a.Rows) -> Spoken:
    source = Spoken(rows.source.name, rows.source.name)
    said = source
    if rows.where != "TRUE":
        said = say("where", source=source, condition=_cut(rows.where))
    return say("dated", rows=said, column=rows.at) if rows.at else said


def _window(window: a.Window) -> Spoken:
    if window.end < 0:
        return say("next", days=-WEEK_DAYS * window.end)
    if window.start is None:
        return say("until", days=WEEK_DAYS * window.end) if window.end else say("ever")
    first, last = WEEK_DAYS * window.start, WEEK_DAYS * window.end
    return say("between", first=first, last=last) if last else say("last", days=first)


def _cut(text: str) -> str:
    """SQL on one line, the end left out where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST].rsplit(' ', 1)[0]} …"


def _list(said: list[Spoken]) -> Spoken:
    return Spoken("; ".join(said), "; ".join(one.ru for one in said))


def _is_mean(part: a.Total, whole: a.Total) -> bool:
    """Whether a sum is divided by the number of the rows that have the value."""
    has_value = part.rows.only(f"NOT ({part.value}) IS NULL") if part.value else None
    return whole.value is None and whole.rows == has_value


def _of_own_past(expr: a.Expr) -> a.Rows | None:
    """The rows that a value compares with the customer's own earlier rate; None if it does not."""
    nodes = list(a.walk(expr))
    if not any(isinstance(node, a.ExposedWeeks) for node in nodes):
        return None
    return next(node.rows for node in nodes if isinstance(node, a.Total))


def _held(expr: a.Expr) -> list[a.Expr]:
    """The conditions that a sum of ones and zeros counts; none if it is no such sum."""
    match expr:
        case a.Choice(condition, a.Constant(1.0), a.Constant(0.0)):
            return [condition]
        case a.Arithmetic("+", left, right):
            before, after = _held(left), _held(right)
            return [*before, *after] if before and after else []
    return []
