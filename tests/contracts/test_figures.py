"""Figures draw without a display, in both languages, and say what they show."""

from __future__ import annotations

import io
import itertools
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from rich.console import Console

from churnml.errors import InputError
from churnml.evaluation import Evaluation
from churnml.report.ahead_figure import weeks_ahead_figure
from churnml.report.canvas import (
    FURTHER,
    MODEL,
    ORACLE,
    RANDOM,
    RULE,
    panel,
    sheet,
    spread,
    strokes,
)
from churnml.report.figures import (
    calibration_figure,
    headline_figure,
    precision_recall_figure,
    recall_by_load_figure,
    reliability_figure,
)
from churnml.report.rivals_figure import rivals_figure
from churnml.report.slice_figure import recall_by_slice_figure
from churnml.report.terminal import audit_lines, show_slices

WEEKS = [str(week) for week in range(1, 9)]


def evaluation(recall: float, **changes: object) -> Evaluation:
    curve = {week: recall - 0.02 * place for place, week in enumerate(WEEKS)}
    fields = {
        "metrics": {
            "recall_at_lead_21d": recall, "alert_precision": 0.3, "alerts_per_week": 33.0,
        },
        "intervals": {},
        "lead_recall": curve,
        "lead_recall_intervals": {week: (y - 0.1, y + 0.1) for week, y in curve.items()},
        "lead_recall_random": dict.fromkeys(WEEKS, 0.12),
        "by_q": {
            q: {
                "recall_at_lead_21d": recall * share, "interval": (0.1, 0.9), "random": 0.1 * share,
                "alert_precision": 0.3, "alerts_per_week": weekly,
            }
            for q, share, weekly in (("0.01", 0.7, 16.0), ("0.02", 1.0, 33.0))
        },
        "q": 0.02, "base_rate": 0.02, "n_rows": 1000, "n_positive": 20, "n_positive_customers": 9,
        "n_customers": 80, "n_exits": 41, "n_exits_on_curve": 37, "n_alerts": 330,
    }  # fmt: skip
    return Evaluation(**{**fields, **changes})


def part(name: str, value: str, recall: float | None, exits: int = 30) -> dict[str, object]:
    """One record of a slice; without a recall it is too small for figures."""
    band = None if recall is None else (recall - 0.1, recall + 0.05)
    return {
        "slice": name, "value": value, "n_exits": exits, "recall_at_lead_21d": recall,
        "random_recall_at_lead_21d": 0.13, "alert_precision": recall, "alerts_per_week": 4.2,
        "intervals": {"recall_at_lead_21d": band},
    }  # fmt: skip


PARTS = (
    part("leavers", "silent", 0.61), part("leavers", "loud", 0.72),
    part("segment", "small", 0.66), part("segment", "huge", None, exits=4),
    part("account_kind", "unknown", 0.5),
)  # fmt: skip


def texts(figure: Figure) -> str:
    rendered = io.BytesIO()
    figure.savefig(rendered, format="png", dpi=60)
    assert rendered.getvalue().startswith(b"\x89PNG")
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def in_print(share: float, language: str) -> str:
    """A share with one decimal, as each language writes it."""
    text = f"{100 * share:.1f}"
    return f"{text}%" if language == "en" else f"{text.replace('.', ',')}\u00a0%"


def test_the_headline_says_recall_load_precision_and_chance():
    shown = texts(headline_figure({"model": evaluation(0.5), "rank_sum": evaluation(0.3)}))

    assert "50% of exits announced three to twelve weeks ahead; chance: 10%" in shown
    assert "33 alerts a week, 30% of them" in shown
    assert "41 exits; the curve counts the 37 with" in shown
    assert {"model", "rank sum", "chance"} <= set(shown.splitlines())


def test_the_headline_speaks_russian():
    shown = texts(headline_figure({"model": evaluation(0.5)}, language="ru"))

    assert "50\u00a0% уходов" in shown
    assert "случайном выборе: 10\u00a0%" in shown


def test_a_gap_in_a_curve_is_drawn_as_a_gap():
    holed = evaluation(0.5, lead_recall=dict.fromkeys(WEEKS), lead_recall_intervals=None)

    assert "50% of exits" in texts(headline_figure({"model": holed}))


def test_a_recall_that_cannot_be_computed_is_a_dash():
    metrics = {"recall_at_lead_21d": None, "alert_precision": None, "alerts_per_week": None}

    assert "– of exits" in texts(headline_figure({"model": evaluation(0.5, metrics=metrics)}))


def test_chance_in_the_title_is_that_of_the_judged_chance_where_it_is_given():
    judged = {"model": evaluation(0.5), "random": evaluation(0.17)}

    assert "chance: 17%" in texts(headline_figure(judged))


def test_recall_by_load_names_the_load_of_the_policy():
    shown = texts(recall_by_load_figure({"model": evaluation(0.5)}))

    assert "At 2% of customers a week 50% of exits" in shown


def test_recall_by_slice_compares_silent_with_loud_and_leaves_out_what_is_too_small():
    shown = texts(recall_by_slice_figure(evaluation(0.65, slices=PARTS)))

    assert "Caught in time: 61% of silent leavers, 72% of loud ones" in shown
    assert "all customers: 65%" in shown
    assert {"silent  (30)", "small  (30)", "account kind"} <= set(shown.splitlines())
    assert "huge" not in shown


def test_recall_by_slice_speaks_russian():
    shown = texts(recall_by_slice_figure(evaluation(0.65, slices=PARTS), language="ru"))

    assert "61\u00a0% тихих уходов, 72\u00a0% громких" in shown
    assert {"тихие  (30)", "сегмент", "неизвестно  (30)"} <= set(shown.splitlines())


def test_without_leavers_recall_by_slice_tells_the_range():
    shown = texts(recall_by_slice_figure(evaluation(0.65, slices=PARTS[2:])))

    assert "Caught in time: 50% to 66% of the exits" in shown
    assert "silent" not in shown


def test_slices_that_are_all_too_small_are_not_drawn():
    with pytest.raises(InputError, match="none has ten exits"):
        recall_by_slice_figure(evaluation(0.65, slices=PARTS[3:4]))


def test_the_terminal_lists_slices_within_eighty_columns_and_counts_the_small_ones():
    console = Console(width=80, file=io.StringIO())
    show_slices(PARTS, console)
    shown = console.file.getvalue()

    assert "leavers: silent" in shown
    assert "51–66" in shown
    assert "1 further part has fewer than ten exits" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_what_the_verdict_says_of_the_audit_is_not_said_twice():
    findings = [{"severity": severity, "message": message} for severity, message in
                (("error", "a leak."), ("warning", "a drift."), ("info", "a note."))]  # fmt: skip
    content = {"audit": {"findings": findings}, "reason": "Not promoted: a leak."}

    assert audit_lines(content) == ["AUDIT, warning: a drift."]
    assert audit_lines(content | {"reason": "Promoted."}) == [
        "AUDIT, error: a leak.", "AUDIT, warning: a drift.",
    ]  # fmt: skip


def test_the_terminal_is_silent_without_slices():
    console = Console(width=80, file=io.StringIO())
    show_slices((), console)

    assert console.file.getvalue() == ""


@pytest.mark.parametrize("figure", [headline_figure, recall_by_load_figure])
def test_without_dated_exits_the_figure_is_refused_in_words(figure):
    absent = evaluation(0.5, lead_recall=None, by_q=None)

    with pytest.raises(InputError, match="dated exits"):
        figure({"model": absent})


@pytest.fixture
def rows() -> tuple[pd.Series, pd.Series]:
    rng = np.random.default_rng(0)
    probability = pd.Series(rng.beta(1, 20, 3000))
    return probability, pd.Series(rng.random(3000) < probability)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_precision_and_recall_stand_over_the_base_rate(rows, language):
    probability, positive = rows
    figure = precision_recall_figure(
        positive,
        {"model": probability, "rank_sum": probability.round(1)},
        operating_point=(0.2, 0.15),
        language=language,
    )

    assert in_print(positive.mean(), language) in texts(figure)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_calibration_says_what_was_said_and_what_came(rows, language):
    probability, positive = rows
    shown = texts(calibration_figure(probability, positive, language=language))

    assert in_print(probability.mean(), language) in shown
    assert in_print(positive.mean(), language) in shown


def test_calibration_of_probabilities_up_to_one_draws_too():
    probability = pd.Series(np.linspace(0, 1, 50))

    texts(calibration_figure(probability, probability > 0.5))


@pytest.mark.parametrize("width", [6.6, 4.3])
@pytest.mark.parametrize("top", [0.06, 0.3, 1.0])
def test_the_names_of_the_ticks_of_calibration_do_not_touch(top, width):
    share = np.linspace(0, top, 5)
    bins = pd.DataFrame(
        {"probability": share, "share": share, "low": share, "high": share, "rows": 9}
    )
    figure = reliability_figure(bins, language="ru")
    figure.set_size_inches(width, width)
    figure.draw_without_rendering()
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        names = axis.get_ticklabels()
        boxes = [name.get_window_extent() for name in names]
        assert names[0].get_text() == "0\u00a0%"
        assert not any(one.overlaps(after) for one, after in itertools.pairwise(boxes))


def test_a_heading_wider_than_its_figure_goes_on_below_and_pushes_the_rest_down():
    short, long_ = sheet("Few words"), sheet("Ten words that are many more than few " * 3, "Below")
    for figure in (short, long_):
        figure.draw_without_rendering()
        assert all(text.get_window_extent().x1 < figure.bbox.x1 for text in figure.texts)
    title, below = (text.get_window_extent() for text in long_.texts)

    assert short.texts[0].get_text() == "Few words"
    assert long_.texts[0].get_text().count("\n") == 1
    assert below.y1 < title.y0


@pytest.mark.parametrize(
    ("language", "word"), [("en", "said 8.0%"), ("ru", "предсказано 8,0\u00a0%")]
)
def test_the_weeks_ahead_say_what_was_said_and_what_came(language, word):
    week = {"predicted": 0.01, "observed": 0.012, "interval": [0.008, 0.015], "rows": 900}
    by_week = dict.fromkeys(WEEKS, week)

    shown = texts(weeks_ahead_figure(by_week, language=language))

    assert word in shown
    assert in_print(0.096, language) in shown


def test_weeks_that_are_not_closed_are_not_drawn():
    nothing = {"predicted": None, "observed": None, "interval": None, "rows": 0}

    with pytest.raises(InputError, match="closed week"):
        weeks_ahead_figure({"1": nothing})


def test_figures_without_rows_are_refused():
    nothing = pd.Series(dtype=float)
    with pytest.raises(InputError):
        calibration_figure(nothing, nothing.astype(bool))
    with pytest.raises(InputError):
        precision_recall_figure(pd.Series([False]), {"model": pd.Series([0.1])})


def test_lines_differ_without_colour():
    drawn = [MODEL, RULE, ORACLE, RANDOM, *FURTHER]

    assert len({stroke.marker for stroke in drawn}) == len(drawn)
    assert len({str(stroke.dash) for stroke in drawn}) == len(drawn)
    assert len({to_rgb(stroke.colour) for stroke in drawn}) == len(drawn)
    assert strokes(["model", "rank_sum", "random"])["rank_sum"] is RULE


def test_names_at_line_ends_keep_their_distance():
    assert spread([0.5, 0.5, 0.5], gap=0.1) == [0.4, 0.5, 0.6]
    assert spread([0.1, 0.9], gap=0.1) == [0.1, 0.9]
    assert spread([0.9, 0.85, 0.1], gap=0.1) == [0.925, 0.825, 0.1]


def test_pyplot_and_its_global_state_stay_out():
    headline_figure({"model": evaluation(0.5)})

    assert "matplotlib.pyplot" not in sys.modules or not mpl.pyplot.get_fignums()


@pytest.mark.parametrize(
    ("language", "best"), [("en", "logistic regression"), ("ru", "логистическая регрессия")]
)
def test_rivals_stand_in_their_order_and_the_best_beside_the_model_is_named(language, best):
    figures = {"model": 0.30, "random": 0.02, "logistic_regression": 0.31, "oracle": 0.9}
    drawn = rivals_figure(
        {
            name: evaluation(
                0.5, metrics={"average_precision": value},
                intervals={"average_precision": (value - 0.01, value + 0.01)},
            )
            for name, value in figures.items()
        },
        language=language,
    )  # fmt: skip
    drawn.canvas.draw()
    names = [each.get_text() for each in drawn.axes[0].get_yticklabels()]

    assert len(names) == 4
    assert names[1] == best
    assert f"({best})" in drawn.texts[0].get_text()


def test_a_figure_that_the_model_lacks_is_refused():
    with pytest.raises(InputError, match="no figure 'lift'"):
        rivals_figure({"model": evaluation(0.5)}, figure="lift")


@pytest.mark.parametrize(("language", "marks"), [("en", ["0.0", "0.5"]), ("ru", ["0,0", "0,5"])])
def test_axes_write_numbers_as_the_language_does(language, marks):
    figure = sheet("title")
    axes = panel(figure.subplots(), x_label="x", y_label="y", language=language)
    axes.plot([0.0, 0.5], [0.0, 1.0])
    axes.set_xticks([0.0, 0.5])
    figure.canvas.draw()

    assert [label.get_text() for label in axes.get_xticklabels()] == marks


def test_an_axis_of_days_stays_one():
    axes = panel(sheet("title").subplots(), x_label="x", y_label="y", language="ru")
    axes.plot(pd.to_datetime(["2026-01-05", "2026-02-02"]), [0.0, 1.0])
    axes.figure.canvas.draw()

    assert any(label.get_text().startswith("2026-01") for label in axes.get_xticklabels())
