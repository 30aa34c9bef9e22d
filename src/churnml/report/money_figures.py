"""Figures of money: profit by share contacted, revenue caught by budget and per 100 contacts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from churnml import arguments
from churnml.alerting.queue import Floats
from churnml.errors import InputError
from churnml.evaluation.money import MoneyFigures
from churnml.evaluation.result import Interval
from churnml.report.canvas import (
    BAND_ALPHA,
    INK,
    MODEL,
    QUIET,
    Language,
    end_labels,
    line,
    panel,
    percent,
    percent_axis,
    sheet,
    strokes,
    whole,
)
from churnml.report.captions import CAPTIONS
from churnml.report.money_words import MONEY_WORDS

#: Beyond this share of the customers nobody's team can contact, and the curve only falls.
SHOWN_UNTIL = 0.2


def profit_curve_figure(money: Mapping[str, MoneyFigures], *, language: Language = "en") -> Figure:
    """Profit by share of the customers contacted, with the share that earns most.

    Parameters
    ----------
    money : mapping of str to MoneyFigures
        ``model`` and whatever stands beside it.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there is no ``model`` or its profit cannot be computed.

    Examples
    --------
    >>> ch.profit_curve_figure({"model": proof.money["model"]}).savefig("profit.png")
    """
    words, model = MONEY_WORDS[language], _model(money)
    share, profit = model.figures["optimal_share"], model.figures["empb"]
    if share is None or profit is None:
        raise InputError("The model has no profit curve: no labelled row has a known revenue.")
    currency = model.currency or words["no_currency"]
    said = {
        "share": percent(share, language, digits=1),
        "profit": _amount(1000 * profit, model.currency, language),
    }
    title = words["curve"].format(**said) if share > 0 else words["curve_none"]
    figure = sheet(title, _assumed(model, language))
    y_label = words["profit"].format(currency=currency)
    axes = panel(figure.subplots(), x_label=words["share"], y_label=y_label, language=language)
    drawn, ends = strokes(list(money)), []
    for name, one in money.items():
        shares, profits, band = _curve(one)
        if name == "model":
            axes.fill_between(shares, *band.T, color=MODEL.colour, alpha=BAND_ALPHA, linewidth=0)
        line(axes, shares, profits, drawn[name])
        ends.append((float(profits[-1]), _name(name, language), drawn[name]))
    axes.axhline(0, color=QUIET, linewidth=1)
    if 0 < share <= SHOWN_UNTIL:
        _mark(axes, share, model.intervals["optimal_share"], language)
    axes.set_xlim(0, SHOWN_UNTIL)
    axes.xaxis.set_major_formatter(percent_axis(language))
    axes.yaxis.set_major_formatter(_amounts(language))
    end_labels(axes, ends, gap=0.065)
    return figure


def value_by_budget_figure(
    money: Mapping[str, MoneyFigures], *, q: float, language: Language = "en"
) -> Figure:
    """Share of the leaving revenue that is caught in time, by the share alerted each week.

    Parameters
    ----------
    money : mapping of str to MoneyFigures
        ``model``, ``random`` and whatever stands beside them.
    q : float
        The load of the policy, which the title speaks of.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there is no ``model``, or no revenue or no dated exit in the data.
    """
    words, model = MONEY_WORDS[language], _model(money)
    if not has_revenue_caught(model):
        raise InputError("Without mrr and dated exits there is no revenue caught to draw.")
    caught = {
        name: None if one.by_q is None else one.by_q[f"{q:g}"]["share_of_value_caught"]
        for name, one in money.items()
    }
    title = words["budget"].format(
        q=percent(q, language),
        model=percent(caught["model"], language),
        random=percent(caught.get("random"), language),
    )
    figure = sheet(title, words["budget_sub"])
    axes = panel(figure.subplots(), x_label=words["q"], y_label=words["value"], language=language)
    drawn, ends = strokes(list(money)), []
    for name, one in money.items():
        loads, shares, band = _by_load(one)
        if name == "model":
            axes.fill_between(loads, *band.T, color=MODEL.colour, alpha=BAND_ALPHA, linewidth=0)
        line(axes, loads, shares, drawn[name])
        ends.append((float(shares[-1]), _name(name, language), drawn[name]))
    axes.set(xlim=(loads[0], loads[-1]), ylim=(0, 1.0))
    axes.set_xscale("log")
    axes.set_xticks(loads)
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(percent_axis(language))
    axes.yaxis.set_major_formatter(percent_axis(language))
    end_labels(axes, ends, gap=0.065)
    return figure


def has_revenue_caught(money: MoneyFigures) -> bool:
    """Whether there is revenue and dated exits to draw."""
    return money.by_q is not None and money.figures["share_of_value_caught"] is not None


def caught_panel(axes: Axes, money: Mapping[str, MoneyFigures], *, language: Language) -> None:
    """Revenue caught per 100 contacts at the policy's load: one bar each, with its interval."""
    words, name = MONEY_WORDS[language], "value_at_risk_caught_per_100_contacts"
    shown = {key: one for key, one in money.items() if one.figures[name] is not None}
    currency = next(iter(shown.values())).currency or words["no_currency"]
    panel(axes, x_label=words["caught"].format(currency=currency), y_label="", language=language)
    drawn = strokes(list(shown))
    for place, (key, one) in enumerate(shown.items()):
        value = float(one.figures[name] or 0)
        axes.barh(place, value, color=drawn[key].colour, height=0.5, alpha=0.85)
        band = one.intervals[name]
        if band is not None:
            axes.plot(band, [place, place], color=INK, linewidth=1.4)
        axes.annotate(
            whole(round(value), language), (0, place - 0.26), xytext=(2, 1),
            textcoords="offset points", va="bottom", fontsize=8.5, color=INK, annotation_clip=False,
        )  # fmt: skip
    axes.set_yticks(range(len(shown)), [_name(key, language) for key in shown])
    axes.grid(visible=False, axis="y")
    axes.set_ylim(len(shown) - 0.4, -0.75)
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", nbins=3)
    axes.xaxis.set_major_formatter(_amounts(language))


def _mark(axes: Axes, share: float, band: Interval, language: Language) -> None:
    low, high = band or (share, share)
    axes.axvspan(low, min(high, SHOWN_UNTIL), color=MODEL.colour, alpha=0.07, linewidth=0)
    axes.axvline(share, color=MODEL.colour, linewidth=1, linestyle=(0, (2, 2)))
    said = {
        name: percent(value, language, digits=1)
        for name, value in (("share", share), ("low", low), ("high", high))
    }
    axes.annotate(
        MONEY_WORDS[language]["best"].format(**said),
        (share, 1.0), xycoords=("data", "axes fraction"), xytext=(4, -4),
        textcoords="offset points", va="top", fontsize=8.5, color=MODEL.colour,
    )  # fmt: skip


def _model(money: Mapping[str, MoneyFigures]) -> MoneyFigures:
    arguments.by_name(money, what="money", such_as="proof.money")
    if "model" not in money:
        raise InputError(f"The figure needs a 'model'; there are: {', '.join(money) or 'none'}.")
    return money["model"]


def _curve(one: MoneyFigures) -> tuple[Floats, Floats, Floats]:
    """Shares, profits per 1,000 customers and their bands, as far as they are shown."""
    shown = {float(share): at for share, at in one.profit_curve.items()}
    shown = {share: at for share, at in shown.items() if share <= SHOWN_UNTIL}
    profits = np.array([np.nan if at[0] is None else at[0] for at in shown.values()])
    bands = np.array([at[1] or (np.nan, np.nan) for at in shown.values()])
    return np.array(list(shown)), 1000 * profits, 1000 * bands


def _by_load(one: MoneyFigures) -> tuple[Floats, Floats, Floats]:
    name = "share_of_value_caught"
    loads = one.by_q or {}
    shares = np.array([np.nan if at[name] is None else at[name] for at in loads.values()])
    bands = np.array([at["intervals"][name] or (np.nan, np.nan) for at in loads.values()])
    return np.array([float(q) for q in loads]), shares, bands


def _assumed(model: MoneyFigures, language: Language) -> str:
    terms = model.terms
    accept = terms.accept_alpha / (terms.accept_alpha + terms.accept_beta)
    return MONEY_WORDS[language]["assumed"].format(
        accept=percent(accept, language),
        fraction=percent(terms.incentive_fraction, language),
        contact=_amount(terms.contact_cost, model.currency, language),
    )


def _amount(value: float, currency: str | None, language: Language) -> str:
    return whole(round(value), language) + (f" {currency}" if currency else "")


def _amounts(language: Language) -> FuncFormatter:
    return FuncFormatter(lambda value, _: whole(round(value), language))


def _name(name: str, language: Language) -> str:
    return CAPTIONS[language].get(name, name.replace("_", " "))
