"""Figures of a finished evaluation: what was announced in time, and how true the scores are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churnml import arguments
from churnml.alerting.queue import Floats
from churnml.errors import InputError
from churnml.evaluation import Evaluation
from churnml.evaluation.calibration import reliability
from churnml.evaluation.money import MoneyFigures
from churnml.report.canvas import (
    BAND_ALPHA,
    GRID,
    MODEL,
    QUIET,
    RANDOM,
    Language,
    Stroke,
    end_labels,
    legend,
    line,
    panel,
    percent,
    percent_axis,
    sheet,
    strokes,
    whole,
)
from churnml.report.captions import CAPTIONS
from churnml.report.money_figures import caught_panel

PROMISED_WEEKS = (3, 4)
RECALL, RANDOM_SCORE = "recall_at_lead_21d", "random"
#: A precision-recall curve is drawn from this recall on.
SHOWN_FROM = 0.01
#: Least distance between two ticks of the calibration figure, as a share of its axis: names are
#: wide and low.
_WIDE_GAP, _LOW_GAP = 0.14, 0.065


def _name(key: str, language: Language) -> str:
    return CAPTIONS[language].get(key, key.replace("_", " "))


def headline_figure(
    evaluations: Mapping[str, Evaluation],
    *,
    money: Mapping[str, MoneyFigures] | None = None,
    language: Language = "en",
) -> Figure:
    """Recall by minimum notice of one to eight weeks, for every score at the same load.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        ``model`` and whatever stands beside it: the best simple rule, ``oracle``. Chance is drawn
        from the model's own reference unless ``random`` is given.
    money : mapping of str to MoneyFigures, optional
        The same scores in money; revenue caught per 100 contacts is drawn beside the curve.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there is no ``model`` or it has no queue figures.

    Examples
    --------
    >>> scores = model.predict(examples.features).rename("probability").reset_index()
    >>> judged = ch.evaluate(
    ...     scores, examples.labels[examples.window].reset_index(drop=True),
    ...     ch.find_spells(dataset),
    ...     window=examples.window, policy=ch.Policy(), observed_until=dataset.observed_until,
    ...     resamples=10,
    ... )
    >>> ch.headline_figure({"model": judged}).savefig("headline.png")
    """
    words, model = CAPTIONS[language], _with_exits(evaluations)
    curves = {name: _curve(one) for name, one in evaluations.items() if one.lead_recall}
    if "random" not in curves:
        curves["random"] = (_numbers(model.lead_recall_random), None)
    title = words["headline"].format(
        model=percent(model.metrics[RECALL], language),
        random=percent(_chance(evaluations), language),
    )
    if money is None:
        figure = sheet(title, _load(model, language))
        axes = figure.subplots()
    else:
        figure = sheet(title, _load(model, language), size=(11.0, 4.8))
        axes, beside = figure.subplots(1, 2, width_ratios=[2.2, 1])
        caught_panel(beside, money, language=language)
    panel(axes, x_label=words["notice"], y_label=words["announced"], language=language)
    axes.axvspan(*PROMISED_WEEKS, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    weeks = np.arange(1.0, 9.0)
    _curves(axes, weeks, curves, language)
    axes.annotate(
        words["promised"], (float(np.mean(PROMISED_WEEKS)), 1.0), xytext=(0, 3),
        xycoords=("data", "axes fraction"), textcoords="offset points", ha="center", va="bottom",
        fontsize=8.5, color=QUIET,
    )  # fmt: skip
    axes.set_xticks(weeks)
    axes.set_xlim(1, 8)
    return figure


def recall_by_load_figure(
    evaluations: Mapping[str, Evaluation], *, language: Language = "en"
) -> Figure:
    """Recall in time by the share of customers alerted each week.

    Parameters and errors are those of ``headline_figure``.

    Examples
    --------
    >>> ch.recall_by_load_figure({"model": proof.model}).savefig("load.png")
    """
    words, model = CAPTIONS[language], _with_exits(evaluations)
    by_q = {name: one.by_q for name, one in evaluations.items() if one.by_q}
    curves = {
        name: (
            _numbers({q: at["recall_at_lead_21d"] for q, at in loads.items()}),
            _band({q: at["interval"] for q, at in loads.items()}),
        )
        for name, loads in by_q.items()
    }
    loads = by_q["model"]
    if "random" not in curves:
        curves["random"] = (_numbers({q: at["random"] for q, at in loads.items()}), None)
    title = words["by_load"].format(
        q=percent(model.q, language, digits=1).replace(".0%", "%").replace(",0", ""),
        recall=percent(model.metrics[RECALL], language),
    )
    figure = sheet(title, words["by_load_sub"].format(exits=model.n_exits))
    axes = panel(figure.subplots(), x_label=words["q"], y_label=words["recall"], language=language)
    shares = np.array([float(share) for share in loads])
    _curves(axes, shares, curves, language)
    axes.xaxis.set_major_formatter(percent_axis(language))
    axes.set_xticks(shares)
    axes.set_xlim(shares[0], shares[-1])
    return figure


def _with_exits(evaluations: Mapping[str, Evaluation]) -> Evaluation:
    arguments.by_name(evaluations, what="evaluations", such_as="proof.judged")
    model = evaluations.get("model")
    if model is None or model.lead_recall is None or model.by_q is None:
        raise InputError(
            "The figure needs an evaluation named 'model' with queue figures; there are: "
            f"{', '.join(evaluations) or 'none'}. Without dated exits (absence) it cannot be drawn."
        )
    return model


def _chance(evaluations: Mapping[str, Evaluation]) -> float | None:
    """Recall of chance at the load of the model."""
    if RANDOM_SCORE in evaluations:
        return evaluations[RANDOM_SCORE].metrics[RECALL]
    model = evaluations["model"]
    at_load: Mapping[str, Any] = (model.by_q or {}).get(f"{model.q:g}", {})
    return at_load.get("random")


def _load(model: Evaluation, language: Language) -> str:
    return CAPTIONS[language]["load"].format(
        alerts=model.metrics["alerts_per_week"] or 0,
        precision=percent(model.metrics["alert_precision"], language),
        exits=model.n_exits,
        on_curve=model.n_exits_on_curve,
    )


def _numbers(values: Mapping[str, float | None] | None) -> Floats:
    given = [] if values is None else list(values.values())
    return np.array([np.nan if value is None else value for value in given])


def _band(intervals: Mapping[str, Any] | None) -> Floats | None:
    if intervals is None:
        return None
    return np.array([(np.nan, np.nan) if one is None else one for one in intervals.values()])


def _curve(evaluation: Evaluation) -> tuple[Floats, Floats | None]:
    return _numbers(evaluation.lead_recall), _band(evaluation.lead_recall_intervals)


def _curves(
    axes: Axes, x: Floats, curves: Mapping[str, tuple[Floats, Floats | None]], language: Language
) -> None:
    """Lines with their bands and names; bands of the model and of the first rule beside it."""
    drawn = strokes(list(curves))
    ends: list[tuple[float, str, Stroke]] = []
    for number, (name, (y, band)) in enumerate(curves.items()):
        stroke = drawn[name]
        if band is not None and number < 2 and name != "random":
            axes.fill_between(
                x, band[:, 0], band[:, 1], color=stroke.colour, alpha=BAND_ALPHA, linewidth=0
            )
        line(axes, x, y, stroke)
        known = y[~np.isnan(y)]
        if len(known):
            ends.append((float(known[-1]), _name(name, language), stroke))
    axes.set_ylim(bottom=0, top=min(1.0, axes.get_ylim()[1]))
    axes.yaxis.set_major_formatter(percent_axis(language))
    end_labels(axes, ends, gap=0.065)


def precision_recall_figure(
    positive: pd.Series,
    scores: Mapping[str, pd.Series],
    *,
    operating_point: tuple[float, float] | None = None,
    language: Language = "en",
) -> Figure:
    """Precision against recall over rows, with the base rate that chance would reach.

    Parameters
    ----------
    positive : Series of bool, shape (n_rows,)
    scores : mapping of str to Series of float
        ``model`` and whatever stands beside it, row by row as in ``positive``.
    operating_point : (recall, precision), optional
        Where the threshold of earlier folds lies.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there are no positive rows.
    """
    if not positive.any():
        raise InputError("A precision-recall curve needs at least one positive row; there is none.")
    words, rate = CAPTIONS[language], float(positive.mean())
    rows, positives = whole(len(positive), language), whole(positive.sum(), language)
    figure = sheet(words["pr"], words["pr_sub"].format(rows=rows, positives=positives))
    axes = panel(
        figure.subplots(), x_label=words["row_recall"], y_label=words["precision"],
        language=language,
    )  # fmt: skip
    top = rate
    for name, stroke in strokes(list(scores)).items():
        score = scores[name].to_numpy(float)
        recall, precision = _precision_recall(positive.to_numpy(bool), score)
        # The first few rows swing between 0 and 1 and would squeeze everything else.
        recall, precision = recall[recall >= SHOWN_FROM], precision[recall >= SHOWN_FROM]
        axes.plot(
            recall, precision, color=stroke.colour, linestyle=stroke.dash, linewidth=stroke.width,
            label=_name(name, language),
        )  # fmt: skip
        top = max(top, float(precision.max()))
    axes.axhline(
        rate, color=RANDOM.colour, linestyle=RANDOM.dash, linewidth=1.5,
        label=words["base"].format(rate=percent(rate, language, digits=1)),
    )  # fmt: skip
    if operating_point is not None:
        axes.plot(
            *operating_point, marker="o", markersize=9, markerfacecolor="white", linestyle="none",
            markeredgewidth=2.2, color=MODEL.colour, clip_on=False, label=words["threshold"],
        )  # fmt: skip
    _shares(axes, top=1.15 * top, language=language)
    return figure


def _shares(axes: Axes, *, top: float, language: Language) -> None:
    """Axes from 0 on in per cent, with the legend where curves that fall leave room."""
    axes.set(xlim=(0, 1), ylim=(0, min(1.0, top)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(percent_axis(language))
    legend(axes, where="upper right")


def _precision_recall(positive: Any, scores: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(positive[order])[ends]
    return hits / hits[-1], hits / (ends + 1)


def calibration_figure(
    probability: pd.Series, positive: pd.Series, *, language: Language = "en"
) -> Figure:
    """What was said against what came, in ten bins of equal mass with 95% intervals.

    Both axes grow with the square root, so that the many small probabilities keep their place.

    Parameters
    ----------
    probability : Series of float, shape (n_rows,)
    positive : Series of bool, shape (n_rows,)
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there are no rows.

    Examples
    --------
    >>> said = model.predict(examples.features)
    >>> came = examples.labels[examples.window] == "churned"
    >>> ch.calibration_figure(said, came).savefig("calibration.png")
    """
    if probability.empty:
        raise InputError("A calibration figure needs rows with a probability; there are none.")
    return reliability_figure(reliability(probability, positive), language=language)


def reliability_figure(bins: pd.DataFrame, *, language: Language = "en") -> Figure:
    """The same figure from its bins.

    Parameters
    ----------
    bins : DataFrame
        As ``reliability`` returns them: probability, share, low, high, rows.
    language : {"en", "ru"}

    Examples
    --------
    >>> bins = pd.DataFrame({
    ...     "probability": [0.1, 0.4], "share": [0.1, 0.5], "low": [0.0, 0.3], "high": [0.2, 0.7],
    ...     "rows": [50, 50],
    ... })
    >>> ch.reliability_figure(bins).savefig("reliability.png")
    """
    arguments.with_columns(
        bins, ("probability", "share", "low", "high", "rows"), what="Bins",
        made_by="churnml.read_record(folder).reliability",
    )  # fmt: skip
    words, rows = CAPTIONS[language], bins["rows"]
    said, came = (
        percent(float((bins[name] * rows).sum() / rows.sum()), language, digits=1)
        for name in ("probability", "share")
    )
    title = words["calibration"].format(said=said, came=came)
    subtitle = words["calibration_sub"].format(rows=whole(int(rows.sum()), language))
    figure = sheet(title, subtitle, size=(6.6, 5.6))
    axes = panel(figure.subplots(), x_label=words["said"], y_label=words["came"], language=language)
    top = 1.08 * max(float(bins["high"].max()), float(bins["probability"].max()))
    axes.plot(
        [0, top], [0, top], color=RANDOM.colour, linestyle=RANDOM.dash, linewidth=1.5,
        label=words["perfect"],
    )  # fmt: skip
    errors = [bins["share"] - bins["low"], bins["high"] - bins["share"]]
    axes.errorbar(
        bins["probability"], bins["share"], yerr=errors, color=MODEL.colour, linewidth=1.6,
        marker="o", markersize=6, capsize=3, elinewidth=1.2, clip_on=False, zorder=3,
        label=words["model"],
    )  # fmt: skip
    _root_scale(axes, top, language)
    legend(axes, where="upper left")
    return figure


def _root_scale(axes: Axes, top: float, language: Language) -> None:
    # The transform is asked for values below zero while margins are laid out.
    scale = {"functions": (lambda v: np.sqrt(np.maximum(v, 0)), np.square)}
    axes.set_xscale("function", **scale)
    axes.set_yscale("function", **scale)
    for axis, gap in ((axes.xaxis, _WIDE_GAP), (axes.yaxis, _LOW_GAP)):
        axis.set_ticks(_root_ticks(top, gap))
        axis.set_major_formatter(percent_axis(language))
    axes.set(xlim=(0, top), ylim=(0, top))


def _root_ticks(top: float, gap: float) -> list[float]:
    """Zero and, from the top down, round shares that are as drawn no closer than the gap."""
    steps = np.array([0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0])
    ticks: list[float] = []
    for step in steps[(steps <= top) & (np.sqrt(steps / top) > gap)][::-1]:
        if not ticks or np.sqrt(ticks[-1] / top) - np.sqrt(step / top) > gap:
            ticks.append(float(step))
    return [0.0, *reversed(ticks)]
