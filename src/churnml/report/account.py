"""One customer explained on the terminal: the open problem, reasons, families, what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from churnml.alerting.naming import play_name, row_name
from churnml.report.captions import family_name
from churnml.spoken import FIXED, Language, decimal, percent
from churnml.windows import local

_DATE = {"en": "%Y-%m-%d", "ru": "%d.%m.%Y"}
_DAY = {"en": "%m-%d", "ru": "%d.%m"}
#: So many topics of the change are listed; the JSON has all.
SHOWN = 8
_WORDS = {
    "en": {"risk": "risk", "then": "it was", "on": "on", "open": "Open problem",
           "why": "What goes with this risk", "none": "No signal went to where it is riskier.",
           "lower": "In the model the risk is lower with", "points": "points",
           "rows": "evidence", "play": "next step",
           "families": "Log-odds by family", "change": "What moved the score since",
           "what": "what", "by": "log-odds", "family": "family"},
    "ru": {"risk": "риск", "then": "был", "on": "на", "open": "Нерешённый вопрос",
           "why": "С этим риском связано", "none": "Ни один сигнал не сдвинулся в сторону риска.",
           "lower": "В модели с меньшим риском связано", "points": "п. п.",
           "rows": "подтверждение", "play": "следующий шаг",
           "families": "Вклад групп признаков (логарифм шансов)", "change": "Что сдвинуло оценку с",
           "what": "что", "by": "логарифм шансов", "family": "группа"},
}  # fmt: skip


def show_account(
    content: Mapping[str, Any], console: Console, *, language: Language, timezone: str
) -> None:
    """Print the explanation of one customer, as ``explanation.account`` returns it."""
    words, since = _WORDS[language], content["since"]
    written = {
        name: "" if moment is None else f"{local(moment, zone=timezone):{_DATE[language]}}"
        for name, moment in (("as_of", content["as_of"]), ("since", since))
    }

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    head = f"{content['customer_id']}, {written['as_of']}: {words['risk']} "
    head += percent(content["probability"], language, digits=1)
    if since is not None:
        before = percent(content["probability_then"], language, digits=1)
        head += f" ({words['then']} {before} {words['on']} {written['since']})"
    say(head)
    if content["open_problem"] is not None:
        say(f"{words['open']}: {content['open_problem'][f'text_{language}']}")
    say(f"{words['why']}:" if content["reasons"] else words["none"])
    for reason in content["reasons"]:
        for line in _lines(reason, language, timezone):
            say(line)
    families = [
        (family_name(one["family"], language), one["contribution"]) for one in content["families"]
    ]
    console.print(_table(words["families"], words["family"], families, language))
    if content["change"] is not None:
        moved = [(one[f"text_{language}"], one["difference"]) for one in content["change"]]
        title = f"{words['change']} {written['since']}"
        console.print(_table(title, words["what"], moved[:SHOWN], language))


def _lines(reason: Mapping[str, Any], language: Language, timezone: str) -> list[str]:
    words = _WORDS[language]
    lines = [
        f"• {reason[f'text_{language}']} ({words['play']}: {play_name(reason['play'], language)})"
    ]
    keys = [
        f"{row_name(row['table'], language)} {row['id']} "
        f"{local(row['at'], zone=timezone):{_DAY[language]}}"
        for row in reason["evidence"]
    ]
    if keys:
        lines.append(f"    {words['rows']}: {', '.join(keys)}")
    if reason[f"lower_{language}"] is not None:
        points = decimal(100 * reason["would_lower"], language)
        lower = f"{words['lower']}: {reason[f'lower_{language}']}"
        lines.append(f"    {lower} (−{points}{FIXED}{words['points']})")
    return lines


def _table(title: str, what: str, rows: Sequence[tuple[str, float]], language: Language) -> Table:
    table = Table(title=Text(title), title_justify="left")
    table.add_column(what, overflow="fold")
    table.add_column(_WORDS[language]["by"], justify="right")
    for said, value in rows:
        table.add_row(Text(str(said)), decimal(value, language, digits=2, sign="+"))
    return table
