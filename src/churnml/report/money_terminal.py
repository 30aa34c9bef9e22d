"""What scores are worth, as a table on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from churnml.spoken import counted, percent

#: Figure, heading (80 columns must do), digits.
_COLUMNS = (
    ("value_at_risk_caught_per_100_contacts", "caught/100", 0),
    ("share_of_value_caught", "share", 2),
    ("profit_per_contact", "per contact", 0),
    ("optimal_q", "best q", 3),
)


def money_table(content: Mapping[str, Any]) -> Table:
    """Revenue caught per 100 contacts and its share, profit, and the load that earns most.

    Below it what the profits assume: figures that nobody stated would pass for measured ones.

    Parameters
    ----------
    content : mapping
        The JSON document of ``churnml train`` or ``churnml evaluate``.
    """
    money = content["money"]
    currency = f", {money['currency']}" if money["currency"] else ""
    table = Table(
        title=f"Money at the same load{currency}; below the model its 95% interval",
        title_justify="left",
        caption=Text(" ".join([_assumed(money["assumptions"]), *map(str, money["notes"])])),
        caption_justify="left",
    )
    table.add_column("score", no_wrap=True)
    for _, heading, _ in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("model", *_cells(money), style="bold")
    table.add_row("", *_bands(money["intervals"]), style="dim")
    shown = {name: part["money"] for name, part in content["baselines"].items()}
    if "ranked_by_value" in money:
        shown = {"risk × value": money["ranked_by_value"], **shown}
    for name, figures in shown.items():
        table.add_row(name, *_cells(figures))
    return table


def _assumed(terms: Mapping[str, float]) -> str:
    accept = terms["accept_alpha"] / (terms["accept_alpha"] + terms["accept_beta"])
    return (
        f"Assumed: a contact costs {terms['contact_cost']:g}, an offer "
        f"{percent(terms['incentive_fraction'])} of the customer's value, {percent(accept)} accept "
        f"it, whoever is kept is worth {_years(terms['years'])} of revenue. best q: the share "
        "alerted that earns most, 0 where no contact pays."
    )


def _years(years: float) -> str:
    return counted(1, "year") if years == 1 else f"{years:g} years"


def _cells(figures: Mapping[str, Any]) -> list[str]:
    return [_number(figures[name], digits) for name, _, digits in _COLUMNS]


def _bands(intervals: Mapping[str, Any]) -> list[str]:
    return [
        "" if (band := intervals[name]) is None
        else f"{_number(band[0], digits)}–{_number(band[1], digits)}"
        for name, _, digits in _COLUMNS
    ]  # fmt: skip


def _number(value: float | None, digits: int) -> str:
    if value is None:
        return "–"
    large = abs(value) >= 10_000
    return f"{value / 1000:,.0f}k" if large else f"{value:,.{digits}f}"
