"""Figures about validation draw in both languages, and can be read without colour."""

from __future__ import annotations

import io
import math
import re

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.figure import Figure

import churnml as ch
from churnml.errors import InputError
from churnml.report.folds_figure import FILLS
from churnml.report.validation_captions import CAPTIONS
from churnml.splits import ForwardFolds
from churnml.windows import DAY, LabelWindow

START = pd.Timestamp("2025-01-06")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ru"])


def texts(figure: Figure) -> str:
    rendered = io.BytesIO()
    figure.savefig(rendered, format="png", dpi=60)
    assert rendered.getvalue().startswith(b"\x89PNG")
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def line(value: float, difference: float = 0.0, **about: object) -> dict[str, object]:
    numbers = {"value": value, "low": value - 0.05, "high": value + 0.05, "difference": difference}
    return {**about, "figure": "average_precision", **numbers}


TABLES = {
    "late_arrivals": [
        line(0.2, delay_days=0, training="as late"),
        line(0.15, -0.05, delay_days=7, training="as late"),
        line(0.2, delay_days=0, training="on time"),
        line(0.1, -0.1, delay_days=7, training="on time"),
    ],
    "learning_curve": [line(0.15, -0.05, weeks=8), line(0.2, weeks=26)],
    "window_sufficiency": [
        line(value, weeks=weeks, since_ever=ever)
        for ever in (False, True)
        for weeks, value in ((4.0, 0.18), (math.inf, 0.2))
    ],
    "label_sensitivity": [
        line(0.2, varied=varied, days=days, default=days == 14, base_rate=days / 1000)
        for varied in ("grace_days", "lead_days")
        for days in (14, 30)
    ],
    "split_gap": [
        line(0.2, split="forward"),
        line(0.19, -0.01, split="forward_unpurged"),
        line(0.25, 0.05, split="random_customers"),
        line(0.31, 0.11, split="random_rows"),
    ],
}  # fmt: skip
SAYS = {
    "late_arrivals": r"7 .*\u22120\.050",
    "learning_curve": r"0\.150.* 8 .*0\.200.* 26",
    "window_sufficiency": r"4 .*90\u00a0?%",
    "label_sensitivity": r"1[.,]4\u00a0?%",
    "split_gap": r"\+0\.110",
}


@LANGUAGES
@pytest.mark.parametrize("name", TABLES)
def test_a_figure_says_in_its_title_what_was_found(name, language):
    draw = getattr(ch, f"{name}_figure")

    shown = texts(draw(pd.DataFrame(TABLES[name]), figure="average_precision", language=language))

    assert re.search(SAYS[name], shown), shown
    assert ("точность" in shown) == (language == "ru")


def test_a_gap_to_the_other_side_is_shown_as_it_is():
    table = pd.DataFrame(TABLES["split_gap"])
    table.loc[3, ["value", "difference"]] = [0.15, -0.05]

    assert "promised \u22120.050 of average precision" in texts(
        ch.split_gap_figure(table, figure="average_precision")
    )


@pytest.mark.parametrize("name", TABLES)
def test_a_figure_that_the_table_lacks_is_refused_by_name(name):
    with pytest.raises(InputError, match="no figure 'luck'"):
        getattr(ch, f"{name}_figure")(pd.DataFrame(TABLES[name]), figure="luck")


def folds_and_rows(train_days: int | None = None) -> tuple[ForwardFolds, pd.DataFrame]:
    as_ofs = [START + number * 7 * DAY for number in range(40)]
    index = pd.MultiIndex.from_product([["a", "b"], as_ofs], names=["customer_id", "as_of"])
    starts = (START + 25 * 7 * DAY, START + 32 * 7 * DAY)
    window = LabelWindow(21, 28, 14)
    return ForwardFolds(window, starts, START + 40 * 7 * DAY, train_days), pd.DataFrame(index=index)


@LANGUAGES
def test_the_folds_lie_on_the_calendar_with_their_rows(language):
    folds, rows = folds_and_rows()
    figure = ch.folds_figure(folds, rows, language=language)
    shown = texts(figure)
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in figure.axes[0].patches]

    assert " 63 " in shown
    for number, fold in folds.summary(rows).iterrows():
        for count in (fold["train_rows"], fold["purged_rows"], fold["test_rows"]):
            assert str(count) in shown.splitlines(), number
        edges = [mpl.dates.date2num(fold[name]) for name in ("train_last", "test_from")]
        assert any(bar == pytest.approx(edges) for bar in bars)
    assert CAPTIONS[language]["purge"] in shown
    assert CAPTIONS[language]["older"] not in shown


def test_a_rolling_window_shows_what_is_left_out():
    folds, rows = folds_and_rows(train_days=120)

    assert CAPTIONS["en"]["older"] in texts(ch.folds_figure(folds, rows))


def test_stretches_are_told_apart_without_colour():
    looks = {(fill.hatch, fill.colour == "white") for fill in FILLS.values()}

    assert len(looks) == len(FILLS)


def test_a_notebook_shows_a_figure_by_itself():
    folds, rows = folds_and_rows()

    assert ch.folds_figure(folds, rows)._repr_png_().startswith(b"\x89PNG")


def test_both_languages_caption_the_same():
    assert set(CAPTIONS["en"]) == set(CAPTIONS["ru"])


@LANGUAGES
def test_families_stand_in_panels_and_the_best_at_three_weeks_in_the_title(language):
    lines = [
        {"family": family, "weeks": weeks, "value": value, "low": value - 0.1, "high": value + 0.1}
        for family, value in (("usage", 0.6), ("support", 0.8), ("together", 0.9))
        for weeks in range(6)
    ]
    figure = ch.family_separation_figure(pd.DataFrame(lines), language=language)

    assert [axes.get_title(loc="left") for axes in figure.axes] == {
        "en": ["usage", "support"], "ru": ["использование", "поддержка"],
    }[language]  # fmt: skip
    assert re.search({"en": "3 weeks.*support.*80%", "ru": "3 нед.*поддержка.*80\u00a0%"}[language],
                     texts(figure))  # fmt: skip
    with pytest.raises(InputError, match="no family"):
        ch.family_separation_figure(pd.DataFrame(lines).iloc[-1:])


@LANGUAGES
def test_ways_of_fitting_stand_below_each_other_with_the_furthest_in_the_title(language):
    lines = [
        {**line(0.2 + gap, gap, tried=name), "figure": figure}
        for figure in ("average_precision", "ece")
        for name, gap in (("recipe", 0.0), ("smote", -0.03))
    ]
    table = pd.DataFrame(lines)
    figure = ch.fittings_figure(table, language=language)

    assert re.search("recipe.*smote, \u22120\\.030", texts(figure))
    assert len(figure.axes) == 2
    assert "0.200" in texts(ch.fittings_figure(table.iloc[[0]], figures=["average_precision"]))
    with pytest.raises(InputError, match="no figure 'luck'"):
        ch.fittings_figure(table, figures=["luck"])
