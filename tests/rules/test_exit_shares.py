"""The share that leaves by the value of one signal: drawn rows, exact shares, robust intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churnml.errors import InputError
from churnml.evaluation.shares import exit_shares
from churnml.features import Family, Feature, Unit
from churnml.model.examples import Examples
from churnml.report.exit_shares_figure import exit_shares_figure
from churnml.windows import LabelWindow

WINDOW = LabelWindow(21, 28, delay_days=0)
DAY = pd.Timestamp("2026-01-05")


def examples(drawn: list[tuple[str, float, str]], *, population: list[bool] | None = None):
    """Rows of (customer, value, label), a week apart."""
    customers, values, labels = zip(*drawn, strict=True)
    weeks = [DAY + pd.Timedelta(weeks=place) for place in range(len(drawn))]
    index = pd.MultiIndex.from_arrays([customers, weeks], names=["customer_id", "as_of"])
    feature = Feature(
        name="pauses", value=None, title={"en": "Pauses", "ru": "Паузы"}, unit=Unit.COUNT,
        family=Family.USAGE, risk=0, play="check_in_call",
    )  # fmt: skip
    return Examples(
        features=pd.DataFrame({"pauses": values, "plan": "a"}, index=index),
        labels={WINDOW: pd.Series(labels, index=index)},
        population=pd.Series(population or [True] * len(drawn), index=index),
        catalogue=(feature,),
        silent_churn=False,
    )


DRAWN = [
    ("a", 0.0, "stayed"), ("a", 0.0, "stayed"), ("b", 0.0, "churned"), ("b", 0.0, "left_early"),
    ("c", 3.0, "churned"), ("c", 4.0, "churned"), ("d", 4.0, "churned"), ("d", 5.0, "stayed"),
    ("e", np.nan, "stayed"), ("e", 5.0, "unknown"),
]  # fmt: skip


def test_shares_are_counted_in_bands_and_what_is_not_known_is_a_band_of_its_own():
    table = exit_shares(examples(DRAWN), "pauses", bands=2)

    assert table["band"].tolist() == ["0", "3 – 5", "unknown"]
    assert table["rows"].tolist() == [4, 4, 1]
    assert table["customers"].tolist() == [2, 2, 1]
    assert table["share"].tolist() == pytest.approx([1 / 4, 3 / 4, 0])
    assert table.attrs == {"title": {"en": "Pauses", "ru": "Паузы"}, "base_rate": 4 / 9}


def test_equal_values_stay_together():
    table = exit_shares(examples(DRAWN[:4]), "pauses")

    assert table["band"].tolist() == ["0"]
    assert table["rows"].tolist() == [4]


def test_a_value_that_most_rows_have_is_no_band_with_others():
    many = [(str(n), float(max(0, n - 7)), "stayed") for n in range(10)]

    assert exit_shares(examples(many), "pauses")["band"].tolist() == ["0", "1 – 2"]


def test_rows_outside_the_population_and_with_an_open_label_are_left_out():
    inside = [True] * 8 + [False, True]
    table = exit_shares(examples(DRAWN, population=inside), "pauses", bands=2)

    assert table["rows"].sum() == 8


def test_an_interval_knows_that_a_customer_is_one_whatever_the_number_of_rows():
    once = [(str(n), 1.0, "churned" if n % 4 == 0 else "stayed") for n in range(40)]
    alone, often = (exit_shares(examples(drawn), "pauses") for drawn in (once, once * 25))

    p, se = 0.25, np.sqrt(0.25 * 0.75 / 39)  # the textbook's standard error, n - 1 below
    assert alone[["share", "low", "high"]].iloc[0].tolist() == pytest.approx(
        [p, p - 1.959964 * se, p + 1.959964 * se], abs=1e-6
    )
    assert often["low"].iloc[0] == pytest.approx(alone["low"].iloc[0])


@pytest.mark.parametrize("name", ["pause", "plan"])
def test_a_signal_that_is_not_there_or_no_number_is_refused(name):
    with pytest.raises(InputError, match=f"no numeric feature '{name}'; there are pauses"):
        exit_shares(examples(DRAWN), name)


@pytest.mark.parametrize(("language", "said"), [("en", "not known"), ("ru", "неизвестно")])
def test_the_figure_names_the_signal_the_bands_and_their_size(language, said):
    drawn = exit_shares_figure(exit_shares(examples(DRAWN), "pauses", bands=2), language=language)
    drawn.canvas.draw()
    ticks = [each.get_text() for each in drawn.axes[0].get_xticklabels()]

    assert ticks[1].startswith("3 – 5\n")
    assert ticks[2].startswith(said)
    share = "25.0%" if language == "en" else "25,0\xa0%"
    assert share in {each.get_text() for each in drawn.axes[0].texts}
