"""How early signals tell leavers from the others: counted by hand on a few customers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import churnml as ch
from churnml.errors import InputError
from churnml.features.algebra import Rows
from churnml.features.operators import count
from churnml.features.row_sources import EVENTS
from churnml.model.examples import Examples
from churnml.splits import ForwardFolds
from churnml.windows import DAY, LabelWindow

START = pd.Timestamp("2025-01-06")
WINDOW = LabelWindow(21, 28, 0)


def feature(name: str, family: ch.Family, risk: int) -> ch.Feature:
    title = {"en": name, "ru": name}
    return ch.Feature(name, count(Rows(EVENTS)), title, ch.Unit.COUNT, family, risk)


CATALOGUE = (
    feature("strain", ch.Family.SUPPORT, 1),
    feature("use", ch.Family.USAGE, -1),
    feature("noise", ch.Family.BILLING, 0),
)


def examples_of(table: pd.DataFrame) -> Examples:
    """A table of customer_id, as_of, notice_days and the three signals."""
    rows = table.set_index(["customer_id", "as_of"]).sort_index()
    notice = rows["notice_days"]
    labels = pd.Series(np.where(notice.between(21, 48.9), "churned", "stayed"), rows.index)
    exits = pd.DataFrame({"notice_days": notice, "observed_days": np.inf})
    return Examples(
        features=rows[[one.name for one in CATALOGUE]], labels={WINDOW: labels},
        population=pd.Series(True, index=rows.index), catalogue=CATALOGUE, silent_churn=False,
        exits=exits,
    )  # fmt: skip


def week_of(strain: list[float], use: list[float], notice: list[float]) -> Examples:
    names = [f"c{number}" for number in range(len(strain))]
    return examples_of(
        pd.DataFrame(
            {"customer_id": names, "as_of": START, "notice_days": notice, "strain": strain,
             "use": use, "noise": 0.0}
        )
    )  # fmt: skip


def value(table: pd.DataFrame, name: str, weeks: int) -> float:
    [found] = table.loc[(table.iloc[:, 0] == name) & (table["weeks"] == weeks), "value"]
    return float(found)


def test_a_leaver_is_compared_with_everyone_else_of_the_same_week():
    nan = float("nan")
    drawn = week_of(strain=[5, 1, 5, 9, 0], use=[0, 3, nan, 3, 4], notice=[24, nan, nan, nan, 8])
    table = ch.signal_separation(drawn, resamples=10)

    # strain of the one in week 3: above 1 and 0, level with 5, below 9 = 2.5 of 4
    assert value(table, "strain", 3) == 2.5 / 4
    assert value(table, "strain", 1) == 0.0
    # less use is riskier; of three others whose use is known, all used more
    assert value(table, "use", 3) == 1.0
    assert value(table, "use", 1) == 0.0
    assert set(table["feature"]) == {"strain", "use"}, "without a direction nothing is said"
    assert table["exits"].eq(1).all()


def test_who_has_no_value_outranks_half():
    nan = float("nan")
    table = ch.signal_separation(week_of([nan, 1, 2], [1, 1, 1], [24, nan, nan]), resamples=10)

    assert value(table, "strain", 3) == 0.5
    assert value(table, "use", 3) == 0.5


def test_a_week_begins_on_its_day():
    days = [20.99, 21.0, 27.99, 28.0]
    table = ch.signal_separation(week_of([1, 2, 3, 4], [0] * 4, days), weeks=(2, 3), resamples=10)

    assert table.groupby("weeks")["exits"].first().to_dict() == {2: 1, 3: 2}


def test_exits_without_a_date_are_refused_in_words():
    drawn = week_of([1, 2], [1, 2], [24, float("nan")])
    with pytest.raises(InputError, match="no date"):
        ch.signal_separation(replace(drawn, exits=None))


@pytest.fixture(scope="module")
def panel() -> tuple[Examples, ForwardFolds]:
    """Leavers are strained six weeks before they go; their use says nothing."""
    rng = np.random.default_rng(5)
    grid = pd.MultiIndex.from_product([range(120), range(40)], names=["who", "week"]).to_frame()
    leaves = rng.integers(15, 60, 120)
    left = leaves[grid["who"]] - grid["week"]
    table = pd.DataFrame(
        {
            "customer_id": [f"c{who:03}" for who in grid["who"]],
            "as_of": START + pd.to_timedelta(7 * grid["week"].to_numpy(), unit="D"),
            "notice_days": 7.0 * left + 1.0,
            "strain": rng.normal(size=len(grid)) + 4.0 * (left <= 6),
            "use": rng.normal(size=len(grid)),
            "noise": 0.0,
        }
    )
    folds = ForwardFolds(WINDOW, (START + 28 * 7 * DAY,), START + 40 * 7 * DAY, None)
    return examples_of(table[(left >= 0).to_numpy()]), folds


def test_a_family_that_knows_tells_and_another_does_not(panel):
    examples, folds = panel
    table = ch.family_separation(examples, folds=folds, weeks=(4, 10), resamples=100)

    assert value(table, "support", 4) > 0.8
    assert abs(value(table, "usage", 4) - 0.5) < 0.15
    assert value(table, "support", 10) < 0.7, "before the strain there is nothing to see"
    assert list(table["family"].unique()) == ["support", "usage", "together"]
    inside = table[table["family"] == "support"]
    assert (inside["low"] < inside["value"]).all()
    assert (inside["value"] < inside["high"]).all()


def test_labels_after_the_test_began_do_not_train_a_family(panel):
    examples, folds = panel
    later = np.asarray(examples.as_ofs > folds.starts[0] - 49 * DAY)
    flipped = examples.labels[WINDOW].where(~later, "churned")
    poisoned = replace(examples, labels={WINDOW: flipped})
    asked = {"folds": folds, "weeks": (4,), "resamples": 5}

    pd.testing.assert_frame_equal(
        ch.family_separation(poisoned, **asked), ch.family_separation(examples, **asked)
    )
