"""What is mended in an interval that resamples alone give."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

from churnml.alerting import Policy
from churnml.alerting.queue import replay, tie_breakers
from churnml.evaluation.bands import Leavers, intervals_of
from churnml.evaluation.board import board_of
from churnml.evaluation.intervals import percentile_interval
from churnml.evaluation.leads import outlook, queue_figures, scored_keys

MONDAY = pd.Timestamp("2026-01-05")
#: Resampled values 0.400, 0.401, ..., 0.600: the middle 95 % is [0.405, 0.595].
SPREAD = np.linspace(0.4, 0.6, 201)
MANY = Leavers(rows=10**9, exits=10**9, customers=10**9)


def band(figure: str, values: np.ndarray, value: float, **changes: object) -> tuple[float, float]:
    """The interval of one figure; by default of so many people that nothing is widened."""
    options = {"leavers": MANY, "rounding": {}, **changes}
    return intervals_of({figure: values}, {figure: value}, **options)[figure]


@pytest.mark.parametrize("people", [2, 5, 12, 80, 3000])
def test_few_people_widen_an_interval_as_students_t_says(people: int):
    values = norm.ppf((np.arange(200_000) + 0.5) / 200_000)

    low, high = percentile_interval(values, people=people)

    expected = math.sqrt(people / (people - 1)) * t.ppf(0.975, people - 1)
    assert high == pytest.approx(min(expected, values[-1]), abs=1e-3)
    assert low == pytest.approx(-high, abs=1e-9)


def test_one_person_leaves_the_whole_range_of_the_resamples():
    assert percentile_interval(SPREAD, people=1) == (0.4, 0.6)
    assert percentile_interval(SPREAD, people=0) == (0.4, 0.6)


def test_exits_carry_the_queue_positive_people_the_rows_and_everybody_the_load():
    leavers = Leavers(rows=2, exits=10**9, customers=10**9)

    assert band("recall_at_lead_21d", SPREAD, 0.5, leavers=leavers) == pytest.approx((0.405, 0.595))
    assert band("alerts_per_week", SPREAD, 0.5, leavers=leavers) == pytest.approx((0.405, 0.595))
    assert band("average_precision", SPREAD, 0.5, leavers=leavers) == pytest.approx((0.4, 0.6))


def test_a_slice_is_as_wide_as_its_own_people_make_it():
    figures = {"plan=team:recall_at_lead_21d": 0.5, "plan=team:n_exits": 2.0,
               "plan=team:average_precision": 0.5, "plan=team:n_people": 2.0}  # fmt: skip
    resampled = {name: SPREAD for name in figures if "n_" not in name}

    found = intervals_of(resampled, figures, leavers=MANY, rounding={})

    assert set(found) == set(resampled)
    assert all(interval == pytest.approx((0.4, 0.6)) for interval in found.values())


def test_all_or_none_caught_keep_the_exact_bound_of_so_many_exits():
    all_caught = np.ones(100)
    leavers = Leavers(rows=0, exits=29, customers=500)

    low, high = band("recall_at_lead_21d", all_caught, 1.0, leavers=leavers)
    assert (low, high) == (pytest.approx(0.025 ** (1 / 29)), 1)
    assert band("recall_at_lead_21d", 0 * all_caught, 0.0, leavers=leavers) == (
        0,
        pytest.approx(1 - 0.025 ** (1 / 29)),
    )
    assert band("recall_at_lead_21d", SPREAD, 0.5, leavers=MANY) == pytest.approx((0.405, 0.595))


def test_a_precision_of_nothing_is_bounded_by_the_alerts_that_were_judged():
    figures = {"alert_precision": 0.0, "n_judged": 50.0}

    found = intervals_of({"alert_precision": np.zeros(9)}, figures, leavers=MANY, rounding={})

    assert found["alert_precision"] == (0, pytest.approx(1 - 0.025 ** (1 / 50)))


def test_noise_is_taken_off_a_calibration_error_and_not_added_twice():
    low, high = band("ece", SPREAD, 0.45)

    assert (low, high) == pytest.approx((2 * 0.45 - 0.595, 2 * 0.45 - 0.405))
    assert band("ece", SPREAD, 0.3) == pytest.approx((0.005, 0.3))
    assert band("ece", SPREAD, 0.1) == pytest.approx((0, 0.1))


def test_an_interval_reaches_as_far_as_the_exact_load_moves_the_figure():
    def moved(by: float) -> tuple[float, float]:
        return band("recall_at_lead_21d", SPREAD, 0.5, rounding={"recall_at_lead_21d": by})

    assert moved(-0.02) == pytest.approx((0.385, 0.595))
    assert moved(0.02) == pytest.approx((0.405, 0.615))
    assert moved(0.9) == pytest.approx((0.405, 1))
    assert moved(math.nan) == pytest.approx((0.405, 0.595))


def test_what_too_few_resamples_have_stays_without_an_interval():
    assert band("recall_at_lead_21d", np.full(9, np.nan), 1.0) is None


def test_the_exact_load_is_the_mean_of_the_loads_below_the_rounded_one():
    people, weeks, q = 230, 30, 0.02
    rng = np.random.default_rng(0)
    names = [f"c{i:03}" for i in range(people)]
    rows = pd.DataFrame(
        {
            "customer_id": np.tile(names, weeks),
            "as_of": np.repeat(pd.date_range(MONDAY, periods=weeks, freq="7D"), people),
            "score": rng.random(people * weeks),
        }
    )
    gone = np.where(rng.random(people) < 0.5, rng.integers(30, 230, people), np.nan)
    spells = pd.DataFrame(
        {
            "customer_id": names,
            "started_at": MONDAY - pd.Timedelta(days=9),
            "exit_at": MONDAY + pd.to_timedelta(gone, unit="D"),
        }
    )
    until = MONDAY + pd.Timedelta(days=500)
    ahead = outlook(rows, spells, observed_until=until, delay_days=14)
    policy = Policy(q=q, quiet_days=0)
    keys = scored_keys(ahead, rows) + tie_breakers(ahead.grid.customers, seed=0)
    board = board_of(ahead, (keys,), policy, (), None, loads=(), seed=0)
    everyone = np.arange(people)
    figures = board.figures(keys, everyone)

    found = board.rounding(keys, everyone, figures)

    # 2 % of 230 is 4.6: five alerts a week are sent, the exact load is four or five.
    assert figures["alerts_per_week"] == 5
    assert found["alerts_per_week"] == pytest.approx(-0.4, abs=0.05)
    recalls = [
        queue_figures(ahead, *replay(keys, ahead.grid.times, Policy(q=k / people, quiet_days=0)))
        for k in (4, 5)
    ]
    four, five = (one["recall_at_lead_21d"] for one in recalls)
    assert found["recall_at_lead_21d"] == pytest.approx(0.4 * (four - five), abs=0.01)
