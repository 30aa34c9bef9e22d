"""Figures of what drives scores: both languages, values in their units, no cause claimed."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.features.declaration import Family, Feature, Unit
from churnml.report.attribution import (
    beeswarm_figure,
    dependence_figure,
    family_importance_figure,
    importance_over_time_figure,
    importance_stability_figure,
    waterfall_figure,
)
from churnml.report.attribution.dependence import medians
from churnml.report.attribution.words import WORDS, in_unit

CATALOGUE = tuple(
    Feature(
        name=name, value=None, title={"en": en, "ru": ru}, unit=unit, family=family, risk=risk
    )
    for name, en, ru, unit, family, risk in (
        ("logins", "Logins", "Входы", Unit.COUNT, Family.USAGE, -1),
        ("age", "Paid $5, then waited", "Возраст счёта", Unit.DAYS, Family.BILLING, 1),
        ("open_rate", "Letters opened", "Открытые письма", Unit.SHARE, Family.OUTREACH, -1),
        ("plan", "Plan", "Тариф", Unit.CATEGORY, Family.PROFILE, 0),
    )
)  # fmt: skip
NAMES = [feature.name for feature in CATALOGUE]
DAYS = pd.date_range("2026-01-05", periods=4, freq="7D")
INDEX = pd.MultiIndex.from_product(
    [[f"c{n}" for n in range(20)], DAYS], names=["customer_id", "as_of"]
)
RNG = np.random.default_rng(0)
CONTRIBUTIONS = pd.DataFrame(
    RNG.normal(0, [1, 0.5, 0.1, 0.2], (80, 4)), columns=NAMES, index=INDEX
).assign(bias=-3.0)
VALUES = pd.DataFrame(
    {
        "logins": RNG.poisson(4, 80).astype(float),
        "age": np.where(RNG.random(80) < 0.3, np.nan, 12.0),
        "open_rate": RNG.random(80),
        "plan": "basic",
    },
    index=INDEX,
)
LANGUAGES = pytest.mark.parametrize("language", ["en", "ru"])
NO_CAUSE = {"en": "not proven", "ru": "не доказана"}


def shown(figure: Figure) -> str:
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


@LANGUAGES
def test_the_beeswarm_names_features_by_title_and_shows_unknown_values(language):
    text = shown(beeswarm_figure(CONTRIBUTIONS, VALUES, features=CATALOGUE, language=language))

    assert {"en": "Paid \\$5, then waited", "ru": "Возраст счёта"}[language] in text.splitlines()
    assert NO_CAUSE[language] in text.lower()


@LANGUAGES
def test_families_are_bars_with_their_numbers(language):
    importance = pd.Series({"usage": 0.5, "billing": 0.25})
    text = shown(family_importance_figure(importance, language=language)).splitlines()

    assert {"en": {"usage", "0.25"}, "ru": {"использование", "0,25"}}[language] <= set(text)


@LANGUAGES
def test_importance_over_time_says_who_led_first_and_last(language):
    over_time = pd.DataFrame({"usage": [3.0, 2, 1, 1], "billing": [1.0, 1, 2, 3]}, index=DAYS)
    text = shown(importance_over_time_figure(over_time, language=language))

    expected = {
        "en": "usage at first, billing in the end", "ru": "сначала использование, под конец оплата",
    }  # fmt: skip
    assert expected[language] in text
    assert "2026-01-05" in text


def test_families_beyond_the_fifth_are_one_line_and_their_mean():
    over_time = pd.DataFrame({f"f{n}": [9.0 - n] * 4 for n in range(7)}, index=DAYS)
    figure = importance_over_time_figure(over_time)

    assert "the others" in shown(figure)
    assert figure.axes[0].lines[-1].get_ydata().tolist() == [3.5] * 4


@LANGUAGES
def test_the_waterfall_leads_from_the_usual_to_this_customer_in_business_units(language):
    row = pd.Series(
        {"logins": 1.0, "age": 0.5, "open_rate": -0.25, "plan": 0.0, "bias": -3.0},
        name=("<Acme>", DAYS[0]),
    )
    values = pd.Series({"logins": 2.0, "age": 12.0, "open_rate": 0.25, "plan": "basic"})
    text = shown(waterfall_figure(row, values, features=CATALOGUE, top=3, language=language))

    expected = {
        "en": {"<Acme>: 15% instead of 4.7%", "Logins: 2", "Letters opened: 25%", "+1.00",
               "\N{MINUS SIGN}0.25", "profile: the other signals (1)",
               "usual customer: 4.7%", "this customer: 15%"},
        "ru": {"<Acme>: 15\u00a0% вместо 4,7\u00a0%", "Входы: 2",
               "Открытые письма: 25\u00a0%", "+1,00"},
    }  # fmt: skip
    assert expected[language] <= set(text.splitlines())
    assert NO_CAUSE[language] in text


def test_bars_of_the_waterfall_that_lower_are_hatched():
    row = pd.Series(
        {"logins": 1.0, "age": -0.5, "bias": -3.0}, name=("c", DAYS[0])
    )  # fmt: skip
    values = pd.Series({"logins": 2.0, "age": 3.0})
    axes = waterfall_figure(row, values, features=CATALOGUE).axes[0]

    assert [bar.get_hatch() for bar in axes.patches[:2]] == [None, "////"]


@LANGUAGES
def test_dependence_has_the_unit_on_its_axis_and_a_lane_for_unknown_values(language):
    feature = CATALOGUE[1]
    figure = dependence_figure(CONTRIBUTIONS, VALUES, feature=feature, language=language)
    text = shown(figure).splitlines()

    assert {"en": "Paid \\$5, then waited, days", "ru": "Возраст счёта, дней"}[language] in text
    assert WORDS[language]["unknown"] in text


def test_medians_of_few_distinct_values_are_one_for_each():
    value = np.repeat([0.0, 1.0, 2.0], 20)
    middle, height = medians(value, value * 2 + np.tile([-1.0, 1.0], 30))

    assert middle.tolist() == [0.0, 1.0, 2.0]
    assert height.tolist() == [0.0, 2.0, 4.0]


@LANGUAGES
def test_stability_says_how_many_of_the_strongest_stay(language):
    first = pd.Series({"logins": 0.4, "age": 0.3, "open_rate": 0.1})
    second = pd.Series({"logins": 0.4, "age": 0.1, "open_rate": 0.3})
    figure = importance_stability_figure(
        {"June": first, "July": second}, features=CATALOGUE, top=2, language=language
    )
    text = shown(figure)

    assert {"en": "1 of 2 strongest", "ru": "1 из 2 главных"}[language] in text
    assert {"June", "July"} <= set(text.splitlines())
    assert len({line.get_marker() for line in figure.axes[0].lines}) == 2


def test_families_are_compared_by_their_order():
    same = pd.Series({"usage": 0.4, "billing": 0.3})
    text = shown(importance_stability_figure({"a": same, "b": same}, features=()))

    assert "rank correlation of 1.00" in text
    assert "usage" in text.splitlines()


@pytest.mark.parametrize(
    ("value", "unit", "en", "ru"),
    [
        (float("nan"), Unit.COUNT, "unknown", "неизвестно"),
        (1234.0, Unit.MONEY, "1,234", "1\u202f234"),
        (0.5, Unit.RATIO, "×0.5", "×0,5"),
        (-2.345, Unit.DEVIATIONS, "−2.35\u202fsd", "−2,35\u202fст. откл."),
        (12.25, Unit.HOURS, "12.2\u202fh", "12,2\u202fч"),
        (0.0, Unit.FLAG, "no", "нет"),
        (0.9, Unit.PERCENTILE, "rank 90%", "место 90\u00a0%"),
        (-0.001, Unit.SCORE, "0", "0"),
        ("$ basic", Unit.CATEGORY, "\\$ basic", "\\$ basic"),
    ],
)
def test_values_are_told_in_their_units(value, unit, en, ru):
    assert (in_unit(value, unit, "en"), in_unit(value, unit, "ru")) == (en, ru)


def test_figures_without_anything_to_show_are_refused():
    nothing = CONTRIBUTIONS.iloc[:0]
    with pytest.raises(InputError):
        beeswarm_figure(nothing, VALUES.iloc[:0], features=CATALOGUE)
    with pytest.raises(InputError):
        family_importance_figure(pd.Series(dtype=float))
    with pytest.raises(InputError):
        importance_over_time_figure(pd.DataFrame({"usage": [1.0]}, index=DAYS[:1]))
    with pytest.raises(InputError):
        waterfall_figure(nothing.sum().drop("bias"), VALUES.iloc[0], features=CATALOGUE)
    with pytest.raises(InputError):
        importance_stability_figure({"one": pd.Series({"a": 1.0})}, features=())
    with pytest.raises(InputError, match="holds words"):
        dependence_figure(CONTRIBUTIONS, VALUES, feature=CATALOGUE[3])
    with pytest.raises(InputError, match="unknown in all"):
        dependence_figure(CONTRIBUTIONS, VALUES.assign(age=np.nan), feature=CATALOGUE[1])
