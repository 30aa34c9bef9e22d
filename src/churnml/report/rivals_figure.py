"""One figure of the model beside that of every rival, with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from churnml import arguments
from churnml.errors import InputError
from churnml.evaluation.result import Evaluation
from churnml.report import validation_captions
from churnml.report.canvas import INK, MODEL, QUIET, RANDOM, Language, panel, sheet, whole
from churnml.report.captions import CAPTIONS

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "{figure}: {model}; the best beside it: {rival} ({name})",
        "sub": "{rows} rows, {positive} churned, {people} people · bars: 95% by customer",
    },
    "ru": {
        "title": "{figure}: {model}; лучшее рядом: {rival} ({name})",
        "sub": "Строк: {rows}, с уходом {positive}, клиентов {people} · отрезки: 95\u00a0% по"
        " клиентам",
    },
}


def rivals_figure(
    evaluations: Mapping[str, Evaluation],
    *,
    figure: str = "average_precision",
    language: Language = "en",
) -> Figure:
    """The model and its rivals on the same rows, the best on top.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        ``model`` and whatever stands beside it.
    figure : str
        Name of a metric, the higher the better.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If the model has no such figure.

    Examples
    --------
    >>> scores = model.predict(examples.features).rename("probability").reset_index()
    >>> judged = ch.evaluate(
    ...     scores, examples.labels[examples.window].reset_index(drop=True),
    ...     ch.find_spells(dataset),
    ...     window=examples.window, policy=ch.Policy(), observed_until=dataset.observed_until,
    ...     resamples=10,
    ... )
    >>> ch.rivals_figure({"model": judged}, figure="roc_auc").savefig("rivals.png")
    """
    arguments.by_name(evaluations, what="evaluations", such_as="proof.judged")
    values = {
        name: value
        for name, one in evaluations.items()
        if (value := one.metrics.get(figure)) is not None
    }
    if "model" not in values:
        raise InputError(f"The model has no figure '{figure}'; it cannot stand beside its rivals.")
    order = sorted(values, key=lambda name: -values[name])
    axes_height = 1.3 + 0.31 * len(order)
    drawn = sheet(*_heading(evaluations, values, figure, language), size=(8.0, axes_height + 0.6))
    caption = validation_captions.CAPTIONS[language].get(figure, figure.replace("_", " "))
    axes = panel(drawn.subplots(), x_label=caption, y_label="", language=language)
    for place, name in enumerate(order):
        stroke = {"model": MODEL, "random": RANDOM}.get(name)
        colour = QUIET if stroke is None else stroke.colour
        low, high = evaluations[name].intervals.get(figure) or (values[name], values[name])
        axes.hlines(place, low, high, color=colour, linewidth=2.2 if name == "model" else 1.4)
        axes.plot(values[name], place, marker="o", color=colour, markersize=7)
        axes.annotate(
            f"{values[name]:.3f}", (high, place), xytext=(7, 0), textcoords="offset points",
            va="center", fontsize=9, color=INK, fontweight="bold" if name == "model" else "normal",
        )  # fmt: skip
    axes.axvline(values["model"], color=MODEL.colour, linewidth=1, linestyle=":")
    axes.set_yticks(np.arange(len(order)), [_name(name, language) for name in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.margins(x=0.12)
    return drawn


def _heading(
    evaluations: Mapping[str, Evaluation],
    values: Mapping[str, float],
    figure: str,
    language: Language,
) -> tuple[str, str]:
    words, model = _WORDS[language], evaluations["model"]
    rivals = {name: value for name, value in values.items() if name not in ("model", "oracle")}
    best = max(rivals, key=lambda name: rivals[name], default="model")
    caption = validation_captions.CAPTIONS[language].get(figure, figure.replace("_", " "))
    title = words["title"].format(
        figure=caption, model=f"{values['model']:.3f}", rival=f"{values[best]:.3f}",
        name=_name(best, language),
    )  # fmt: skip
    counts = {
        "rows": model.n_rows, "positive": model.n_positive, "people": model.n_positive_customers,
    }  # fmt: skip
    return title, words["sub"].format(
        **{name: whole(count, language) for name, count in counts.items()}
    )


def _name(name: str, language: Language) -> str:
    return CAPTIONS[language].get(name, name.replace("_", " "))
