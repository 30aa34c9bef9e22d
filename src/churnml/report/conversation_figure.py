"""The figure of a conversation: the tone of each message against the customer's usual one."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.report.canvas import MODEL, QUIET, RANDOM, RULE, Language, Stroke, legend, panel, sheet
from churnml.spoken import counted
from churnml.text.columns import MARKERS
from churnml.text.judging import TONE_EDGE

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "{n} messages, {negative} of them negative, {marked} with a warning word",
        "subtitle": "Tone of each message as the word lists hear it; the usual tone is what was"
        " known in that week",
        "tone": "Tone, −1 to 1",
        "message": "message",
        "marked": "with a warning word",
        "usual": "usual tone of the customer",
        "looked": "we look here",
    },
    "ru": {
        "title": "Сообщений: {n}, негативных: {negative}, с тревожными словами: {marked}",
        "subtitle": "Тон каждого сообщения по спискам слов; обычный тон — каким он был известен"
        " в ту неделю",
        "tone": "Тон, от −1 до 1",
        "message": "сообщение",
        "marked": "с тревожными словами",
        "usual": "обычный тон клиента",
        "looked": "день оценки",
    },
}


def conversation_figure(
    said: pd.DataFrame,
    usual: pd.Series,
    *,
    as_of: pd.Timestamp | None = None,
    language: Language = "en",
) -> Figure:
    """Tone message by message, warning words marked, over the customer's usual tone.

    Parameters
    ----------
    said : DataFrame
        One customer's messages: ``sent_at`` and the columns of a scored message.
    usual : Series of float indexed by as_of
        The feature ``tone_usual``: what was usual of this customer, week by week.
    as_of : Timestamp, optional
        When we look; what lies after it was not known then.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If no message has a tone.

    Examples
    --------
    >>> from churnml.text.columns import MARKERS
    >>> week = pd.DatetimeIndex(["2025-01-06", "2025-01-13"])
    >>> said = pd.DataFrame({"sent_at": week, "tone": [0.4, -0.6], **dict.fromkeys(MARKERS, False)})
    >>> figure = ch.conversation_figure(said, pd.Series([0.3, 0.3], index=week))
    >>> figure.savefig("conversation.png")
    """
    heard = said[said["tone"].notna()]
    if heard.empty:
        raise InputError(f"No tone in {counted(len(said), 'message')}; there is nothing to draw.")
    words = WORDS[language]
    marked = heard[list(MARKERS)].astype("boolean").any(axis=1).to_numpy(dtype=bool)
    counts = {
        "n": len(heard),
        "negative": int((heard["tone"] <= -TONE_EDGE).sum()),
        "marked": int(marked.sum()),
    }
    figure = sheet(words["title"].format(**counts), words["subtitle"], size=(9.0, 4.2))
    axes = panel(figure.subplots(), x_label="", y_label=words["tone"], language=language)
    axes.axhspan(-TONE_EDGE, TONE_EDGE, color=QUIET, alpha=0.08, linewidth=0)
    axes.plot(
        usual.index.to_numpy(), usual.to_numpy(dtype=float), color=RANDOM.colour, linewidth=1.8,
        label=words["usual"],
    )  # fmt: skip
    _dots(axes, heard[~marked], MODEL, words["message"])
    _dots(axes, heard[marked], RULE, words["marked"])
    if as_of is not None:
        _here(axes, as_of, words["looked"])
    ticks = AutoDateLocator(maxticks=9)
    axes.xaxis.set_major_locator(ticks)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(ticks))
    axes.set_ylim(-1.05, 1.05)
    legend(axes, where="lower left")
    return figure


def _dots(axes: Axes, heard: pd.DataFrame, stroke: Stroke, name: str) -> None:
    axes.plot(
        heard["sent_at"].to_numpy(), heard["tone"].to_numpy(dtype=float), linestyle="none",
        marker=stroke.marker, color=stroke.colour, markersize=6.5, alpha=0.85, label=name,
        clip_on=False, zorder=3,
    )  # fmt: skip


def _here(axes: Axes, as_of: pd.Timestamp, words: str) -> None:
    axes.axvline(as_of.to_pydatetime(), color=MODEL.colour, linewidth=1.4, linestyle="--")
    axes.annotate(
        words, (as_of.to_pydatetime(), 1.0), xycoords=("data", "axes fraction"),
        xytext=(4, -10), textcoords="offset points", fontsize=9, color=MODEL.colour,
    )  # fmt: skip
