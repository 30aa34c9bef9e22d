"""When few signals known beforehand speak beside the learned members, and how loudly."""

import numpy as np
import pandas as pd
import pytest

from churnml.model.linear import fit_linear, fit_slope
from churnml.model.preparation import Preparation
from churnml.model.second_opinion import obvious_signals, one_cohort, second_opinion
from churnml.windows import DAY, LabelWindow

WINDOW = LabelWindow(21, 28, 0)
START = pd.Timestamp("2026-01-05")


def index(customers: int, weeks: int) -> pd.MultiIndex:
    as_ofs = [START + 7 * number * DAY for number in range(weeks)]
    return pd.MultiIndex.from_product([range(customers), as_ofs], names=["customer_id", "as_of"])


def tenures(*, apart_days: int, customers: int = 20, weeks: int = 20) -> pd.DataFrame:
    """Customers who began so many days apart, watched weekly."""
    rows = index(customers, weeks)
    who, week = (np.asarray(codes) for codes in rows.codes)
    return pd.DataFrame({"tenure_days": who * apart_days + 7.0 * week}, index=rows)


@pytest.mark.parametrize(("apart_days", "expected"), [(0, True), (1, True), (30, False)])
def test_a_cohort_is_single_when_everyone_began_at_about_the_same_time(apart_days, expected):
    assert one_cohort(tenures(apart_days=apart_days)) is expected


def test_one_as_of_alone_is_no_cohort_that_grew_old():
    assert not one_cohort(tenures(apart_days=0, weeks=1))


def drawn(features: pd.DataFrame, purchases=None):
    """Silence speaks for leaving, use against it; the third column is noise."""
    rng = np.random.default_rng(4)
    matrix = rng.random((len(features), 3)).astype(np.float32)
    chance = 1 / (1 + np.exp(3 - 4 * matrix[:, 0] + 2 * matrix[:, 1]))
    names = ("days_since_activity_percentile", "key_use_change_28d", "noise")
    preparation = Preparation(names, {}, purchases, WINDOW)
    return matrix, rng.random(len(features)) < chance, preparation


def opinion(features, *, signals, purchases=None):
    matrix, target, preparation = drawn(features, purchases)
    return second_opinion(
        features, matrix, target, preparation=preparation, signals=signals, members=4, weight=None
    )


SIGNALS = {"days_since_activity": 1, "key_use_change_28d": -1}


def test_a_single_cohort_hears_the_obvious_signals_with_equal_weights_for_half():
    linear, share = opinion(tenures(apart_days=0, customers=100), signals=SIGNALS)

    assert share == 0.5
    assert linear.weight[0] > 0
    assert linear.weight.tolist() == [linear.weight[0], -linear.weight[0], 0.0]


def test_many_cohorts_are_left_to_what_is_learned():
    assert opinion(tenures(apart_days=30), signals=SIGNALS) == (None, 0.0)


def test_a_single_cohort_without_any_obvious_signal_is_left_alone():
    features = tenures(apart_days=0)
    assert opinion(features, signals={"overdue_days": 1}) == (None, 0.0)
    assert obvious_signals(features) == {}


def test_a_rule_that_points_the_wrong_way_says_nothing():
    matrix, target, _ = drawn(tenures(apart_days=0, customers=100))
    linear = fit_slope(matrix, target, signs=np.array([-1.0, 1.0, 0.0]))
    assert linear.weight.tolist() == [0.0, 0.0, 0.0]


def test_a_regression_on_some_columns_leaves_the_others_without_weight():
    matrix, target, _ = drawn(tenures(apart_days=0, customers=100))
    few = fit_linear(matrix, target, columns=[0])
    alone = fit_linear(matrix[:, [0]], target)
    assert few.weight[1:].tolist() == [0.0, 0.0]
    assert few.logit(matrix) == pytest.approx(alone.logit(matrix[:, [0]]))


def test_the_penalty_weighs_the_same_however_many_rows_there_are():
    matrix, target, _ = drawn(tenures(apart_days=0, customers=100))
    once = fit_linear(matrix, target)
    thrice = fit_linear(np.tile(matrix, (3, 1)), np.tile(target, 3))
    assert thrice.weight == pytest.approx(once.weight, abs=1e-3)
