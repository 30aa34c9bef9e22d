"""One customer explained on the terminal: the open problem, reasons, families, what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

#: So many topics of the change are listed; the JSON has all.
SHOWN = 8
_WORDS = {
    "en": {"risk": "risk", "then": "it was", "on": "on", "open": "Open problem",
           "why": "What goes with this risk", "none": "No signal went to where it is riskier.",
           "lower": "In the model the risk is lower with", "points": "points",
           "rows": "rows", "play": "play",
           "families": "Log-odds by family", "change": "What moved the score since",
           "what": "what", "by": "log-odds", "family": "family"},
    "ru": {"risk": "риск", "then": "был", "on": "на", "open": "Открытая проблема",
           "why": "С этим риском связано", "none": "Ни один сигнал не ушёл в опасную сторону.",
           "lower": "В модели риск ниже, если", "points": "п. п.",
           "rows": "строки", "play": "сценарий",
           "families": "Логарифм шансов по группам", "change": "Что сдвинуло оценку с",
           "what": "что", "by": "лог-шансы", "family": "группа"},
}  # fmt: skip


def show_account(content: Mapping[str, Any], console: Console, *, language: str) -> None:
    """Print the explanation of one customer, as ``explanation.account`` returns it."""
    words = _WORDS[language]

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    head = f"{content['customer_id']}, {content['as_of']:%Y-%m-%d}: {words['risk']} "
    head += f"{content['probability']:.1%}"
    if content["since"] is not None:
        before = f"{content['probability_then']:.1%}"
        head += f" ({words['then']} {before} {words['on']} {content['since']:%Y-%m-%d})"
    say(head)
    if content["open_problem"] is not None:
        say(f"{words['open']}: {content['open_problem'][f'text_{language}']}")
    say(f"{words['why']}:" if content["reasons"] else words["none"])
    for reason in content["reasons"]:
        for line in _lines(reason, language):
            say(line)
    families = [(one["family"], one["contribution"]) for one in content["families"]]
    console.print(_table(words["families"], words["family"], words["by"], families))
    if content["change"] is not None:
        moved = [(one[f"text_{language}"], one["difference"]) for one in content["change"]]
        title = f"{words['change']} {content['since']:%Y-%m-%d}"
        console.print(_table(title, words["what"], words["by"], moved[:SHOWN]))


def _lines(reason: Mapping[str, Any], language: str) -> list[str]:
    words = _WORDS[language]
    lines = [f"• {reason[f'text_{language}']} ({words['play']}: {reason['play']})"]
    keys = [f"{row['table']} {row['id']} {row['at']:%m-%d}" for row in reason["evidence"]]
    if keys:
        lines.append(f"    {words['rows']}: {', '.join(keys)}")
    if reason[f"lower_{language}"] is not None:
        points = f"{100 * reason['would_lower']:.1f} {words['points']}"
        lines.append(f"    {words['lower']}: {reason[f'lower_{language}']} (−{points})")
    return lines


def _table(title: str, what: str, by: str, rows: Sequence[tuple[str, float]]) -> Table:
    table = Table(title=Text(title), title_justify="left")
    table.add_column(what, overflow="fold")
    table.add_column(by, justify="right")
    for said, value in rows:
        table.add_row(Text(str(said)), f"{value:+.2f}")
    return table
