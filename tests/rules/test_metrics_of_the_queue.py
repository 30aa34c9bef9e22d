"""What an alert is worth: hand-drawn lives of customers, with exact answers."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from churnml.alerting import Policy
from churnml.errors import InputError
from churnml.evaluation import queue_metrics

MONDAY = pd.Timestamp("2026-01-05")
LONG_AFTER = MONDAY + pd.Timedelta(days=1000)
#: Every row with a score is alerted once; the quiet time then lasts for the whole test.
ONCE = Policy(q=1, quiet_days=10_000)
WEEKS = 20


def day(number: float) -> pd.Timestamp:
    return MONDAY + pd.Timedelta(days=number)


def seen(customer: str, alerts: tuple[int, ...], *, rows: range = range(0, 7 * WEEKS, 7)):
    """Weekly rows of a customer; only the days to alert have a score."""
    return [(customer, day(d), 1.0 if d in alerts else math.nan) for d in rows]


def scores(*lives: list) -> pd.DataFrame:
    rows = [row for life in lives for row in life]
    return pd.DataFrame(rows, columns=["customer_id", "as_of", "score"])


def spells(*rows: tuple[str, float, float | None]) -> pd.DataFrame:
    """Customer, day of the start and day of the exit."""
    table = [
        (customer, day(start), pd.NaT if end is None else day(end)) for customer, start, end in rows
    ]
    return pd.DataFrame(table, columns=["customer_id", "started_at", "exit_at"])


def figures(
    scored: pd.DataFrame,
    lives: pd.DataFrame,
    *,
    policy: Policy = ONCE,
    until: pd.Timestamp = LONG_AFTER,
    delay_days: int = 14,
) -> dict[str, float]:
    return queue_metrics(scored, lives, policy, observed_until=until, delay_days=delay_days)


@pytest.mark.parametrize(
    ("notice", "useful", "followed", "late"),
    [
        (0, 0, 1, 1),
        (20, 0, 1, 1),
        (20.99, 0, 1, 1),
        (21, 1, 1, 0),
        (83, 1, 1, 0),
        (83.99, 1, 1, 0),
        (84, 0, 0, 0),
        (90, 0, 0, 0),
    ],
)
def test_useful_is_a_notice_of_21_to_84_days(notice: float, useful: int, followed: int, late: int):
    found = figures(scores(seen("a", (35,))), spells(("a", -100, 35 + notice)))

    assert found["n_exits"] == 1
    assert found["recall_at_lead_21d"] == useful
    assert found["alert_precision"] == followed
    assert found["alert_precision_in_time"] == useful
    assert found["late_alerts"] == late
    assert found["median_lead_days"] == pytest.approx(notice if followed else math.nan, nan_ok=True)


@pytest.mark.parametrize(
    ("exit_day", "counted"),
    [(27.99, 0), (28, 1), (100, 1), (7 * (WEEKS - 1) + 6.99, 1), (7 * (WEEKS - 1) + 7, 0)],
)
def test_exits_count_from_28_days_after_the_first_as_of_until_7_days_after_the_last(
    exit_day: float, counted: int
):
    found = figures(scores(seen("a", ())), spells(("a", -100, exit_day)))

    assert found["n_exits"] == counted


@pytest.mark.parametrize(("first_row", "counted"), [(42, 1), (49, 0)])
def test_exits_count_of_customers_seen_at_least_28_days(first_row: int, counted: int):
    newcomer = seen("a", (), rows=range(first_row, 70, 7))

    found = figures(scores(seen("other", ()), newcomer), spells(("a", first_row - 1, 70)))

    assert found["n_exits"] == counted


def test_rows_of_the_spell_before_do_not_make_a_win_back_seen():
    rows = [*range(0, 35, 7), *range(105, 126, 7)]
    twice = [("a", day(d), math.nan) for d in rows]
    lives = spells(("a", -100, 34), ("a", 104, 125))

    found = figures(scores(seen("other", ()), twice), lives)

    assert found["n_exits"] == 1


def test_a_win_back_is_a_new_spell_and_both_exits_count():
    rows = [*range(0, 42, 7), *range(63, 126, 7)]
    alerts = (7, 70)
    life = [("a", day(d), 1.0 if d in alerts else math.nan) for d in rows]
    lives = spells(("a", -100, 40), ("a", 60, 120))

    found = figures(scores(seen("other", ()), life), lives, policy=Policy(q=1))

    assert found["n_exits"] == 2
    assert found["recall_at_lead_21d"] == 1
    assert found["median_lead_days"] == (33 + 50) / 2


def test_an_alert_speaks_for_the_exit_of_its_own_spell_only():
    life = seen("a", (14,))
    lives = spells(("a", -100, 10), ("a", 80, 95))

    found = figures(scores(life), lives)

    assert found["n_alerts"] == 1
    assert found["alert_precision"] == 0


def test_an_alert_after_a_silent_exit_is_a_miss():
    found = figures(scores(seen("a", (56,))), spells(("a", -100, 50)))

    assert found["n_exits"] == 1
    assert found["recall_at_lead_21d"] == 0
    assert found["alert_precision"] == 0
    assert found["late_alerts"] == 0


def test_an_as_of_at_which_a_spell_starts_belongs_to_the_spell_before():
    found = figures(scores(seen("a", (56,))), spells(("a", -100, 40), ("a", 56, 90)))

    assert found["alert_precision"] == 0


def test_an_exit_caught_twice_counts_once_by_its_first_alert():
    found = figures(
        scores(seen("a", (0, 56)), seen("b", ())),
        spells(("a", -100, 80), ("b", -100, 80)),
        policy=Policy(q=1),
    )

    assert found["n_alerts"] == 2
    assert found["n_exits"] == 2
    assert found["recall_at_lead_21d"] == 0.5
    assert found["median_lead_days"] == 80
    assert found["alert_precision"] == 1


def test_a_late_alert_counts_in_the_median_and_not_in_recall():
    found = figures(
        scores(seen("a", (70,)), seen("b", (35,))), spells(("a", -100, 80), ("b", -100, 80))
    )

    assert found["recall_at_lead_21d"] == 0.5
    assert found["median_lead_days"] == (10 + 45) / 2


def test_an_early_alert_and_a_late_one_make_the_early_notice():
    found = figures(
        scores(seen("a", (14, 70))), spells(("a", -100, 80)), policy=Policy(q=1, quiet_days=56)
    )

    assert found["recall_at_lead_21d"] == 1
    assert found["median_lead_days"] == 66
    assert found["alert_precision_in_time"] == 0.5


def test_the_curve_counts_exits_from_day_63_on_by_minimum_notice():
    found = figures(
        scores(seen("a", (28,)), seen("b", (35,)), seen("c", ())),
        spells(("a", -100, 28 + 35), ("b", -100, 35 + 27), ("c", -100, 100)),
    )

    assert [found[f"lead_recall_{week}"] for week in range(1, 9)] == [0.5] * 5 + [0.0] * 3
    assert found["n_exits"] == 3
    assert found["recall_at_lead_21d"] == 2 / 3


def test_a_notice_of_84_days_or_more_is_no_notice_on_the_curve():
    found = figures(scores(seen("a", (0,))), spells(("a", -100, 84)))

    assert [found[f"lead_recall_{week}"] for week in range(1, 9)] == [0.0] * 8


@pytest.mark.parametrize(("until", "judged"), [(0 + 84 + 14, True), (0 + 84 + 13.99, False)])
def test_precision_judges_alerts_whose_84_days_and_label_delay_are_over(until: float, judged: bool):
    found = figures(scores(seen("a", (0,))), spells(("a", -100, None)), until=day(until))

    assert found["alert_precision"] == 0 if judged else math.isnan(found["alert_precision"])


def test_precision_leaves_out_alerts_that_cannot_be_judged_yet():
    found = figures(
        scores(seen("a", (0,)), seen("b", (70,))),
        spells(("a", -100, 60), ("b", -100, None)),
        until=day(100),
    )

    assert found["n_alerts"] == 2
    assert found["alert_precision"] == 1


def test_alerts_per_week_divides_by_the_weeks_of_the_tested_as_ofs():
    weekly = figures(scores(seen("a", (0,)), seen("b", (7,))), spells(("a", -100, None)))
    daily = figures(scores(seen("a", (0, 1, 2), rows=range(28))), spells(("a", -100, None)))

    assert weekly["alerts_per_week"] == 2 / WEEKS
    assert daily["alerts_per_week"] == 1 / 4


def test_exits_of_strangers_to_the_test_do_not_count():
    found = figures(scores(seen("a", ())), spells(("a", -100, None), ("stranger", -100, 60)))

    assert found["n_exits"] == 0
    assert math.isnan(found["recall_at_lead_21d"])


def test_a_row_without_a_score_still_counts_as_seen():
    found = figures(scores(seen("a", (63,))), spells(("a", -100, 70)))

    assert found["n_exits"] == 1


@pytest.mark.parametrize(
    "broken",
    [
        spells(("a", 50, 40)),
        spells(("a", 0, 40)).assign(started_at=pd.NaT),
        spells(("a", 0, 40)).drop(columns="exit_at"),
    ],
)
def test_spells_without_meaning_are_refused(broken: pd.DataFrame):
    with pytest.raises(InputError):
        figures(scores(seen("a", ())), broken.astype({"started_at": "datetime64[us]"}))
