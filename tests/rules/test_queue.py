"""Who is alerted and when, on tables small enough to check by eye."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from churnml.alerting import Policy, queue
from churnml.errors import InputError

MONDAY = pd.Timestamp("2026-01-05")


def weeks(number: float) -> pd.Timestamp:
    return MONDAY + pd.Timedelta(days=7) * number


def frame(*rows: tuple[str, float, float]) -> pd.DataFrame:
    """Rows of customer, week and score."""
    return pd.DataFrame(
        [(customer, weeks(week), score) for customer, week, score in rows],
        columns=["customer_id", "as_of", "score"],
    )


def alerted(scores: pd.DataFrame, policy: Policy) -> list[tuple[str, float]]:
    """Customer and week of every alert, in the order of the queue."""
    alerts = queue(scores, policy)
    week = (alerts["as_of"] - MONDAY) / pd.Timedelta(days=7)
    return list(zip(alerts["customer_id"], week, strict=True))


@pytest.mark.parametrize(
    ("q", "eligible", "load"),
    [(0.02, 1, 1), (0.02, 50, 1), (0.02, 51, 2), (0.02, 100, 2), (0.07, 100, 7), (1, 3, 3)],
)
def test_the_load_is_the_share_of_the_eligible_rounded_up(q: float, eligible: int, load: int):
    assert Policy(q=q).load(eligible) == load


def test_the_highest_scores_of_a_week_are_alerted_and_ranked():
    scores = frame(("a", 0, 0.2), ("b", 0, 0.9), ("c", 0, 0.5), ("d", 0, 0.1))

    alerts = queue(scores, Policy(q=0.5))

    assert alerts.columns.tolist() == ["customer_id", "as_of", "score", "rank"]
    assert alerts["customer_id"].tolist() == ["b", "c"]
    assert alerts["score"].tolist() == [0.9, 0.5]
    assert alerts["rank"].tolist() == [1, 2]


def test_nobody_is_alerted_again_until_the_quiet_time_is_over():
    scores = frame(*[("a", week, 0.9) for week in range(10)])

    assert alerted(scores, Policy(q=1, quiet_days=56)) == [("a", 0), ("a", 8)]


def test_quiet_for_exactly_the_quiet_days_is_quiet_long_enough():
    second_before = 8 - 1 / (7 * 24 * 3600)

    assert alerted(frame(("a", 0, 1), ("a", 8, 1)), Policy(q=1)) == [("a", 0), ("a", 8)]
    assert alerted(frame(("a", 0, 1), ("a", second_before, 1)), Policy(q=1)) == [("a", 0)]


def test_the_quiet_time_runs_from_the_last_alert():
    scores = frame(*[("a", week, 1) for week in (0, 8, 12, 16)])

    assert alerted(scores, Policy(q=1)) == [("a", 0), ("a", 8), ("a", 16)]


def test_the_quiet_customers_are_not_counted_into_the_load():
    first = [(name, 0, score) for name, score in zip("abcd", (4, 3, 2, 1), strict=True)]
    second = [(name, 1, score) for name, score in zip("abcd", (4, 3, 2, 1), strict=True)]

    alerts = alerted(frame(*first, *second), Policy(q=0.5))

    assert alerts == [("a", 0), ("b", 0), ("c", 1)]


def test_a_row_without_a_score_is_never_alerted_and_not_counted():
    scores = frame(("a", 0, np.nan), ("b", 0, 0.1), ("c", 0, np.nan))

    assert alerted(scores, Policy(q=0.5)) == [("b", 0)]


def test_equal_scores_are_ordered_by_the_hash_and_not_by_the_order_of_rows():
    scores = frame(*[(f"customer {i}", 0, 0.5) for i in range(40)])
    policy = Policy(q=0.1)

    first = alerted(scores, policy)

    assert alerted(scores.iloc[::-1], policy) == first
    assert [customer for customer, _ in first] != [f"customer {i}" for i in range(4)]
    assert alerted(scores, Policy(q=0.1, seed=1)) != first


def test_the_order_of_equal_scores_is_the_same_in_another_process():
    code = (
        "import pandas as pd; from churnml.alerting import Policy, queue;"
        "day = pd.Timestamp('2026-01-05');"
        "ids = [f'customer {i}' for i in range(40)];"
        "frame = pd.DataFrame({'customer_id': ids, 'as_of': day, 'score': 0.5});"
        "print(queue(frame, Policy(q=0.1))['customer_id'].tolist())"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    here = alerted(frame(*[(f"customer {i}", 0, 0.5) for i in range(40)]), Policy(q=0.1))

    assert process.stdout.decode().strip() == str([customer for customer, _ in here])
    assert [customer for customer, _ in here] == [
        "customer 1", "customer 36", "customer 32", "customer 17",
    ]  # fmt: skip


def test_alerts_raised_earlier_count_for_the_quiet_time():
    scores = frame(*[(name, week, 1) for name in "ab" for week in range(12)])
    policy = Policy(q=0.5)
    whole = queue(scores, policy)

    before = queue(scores[scores["as_of"] < weeks(5)], policy)
    after = queue(scores[scores["as_of"] >= weeks(5)], policy, earlier=before)

    assert pd.concat([before, after], ignore_index=True).equals(whole)


def test_a_probability_ranks_where_there_is_no_score():
    scores = frame(("a", 0, 0.2), ("b", 0, 0.9)).rename(columns={"score": "probability"})

    assert alerted(scores, Policy(q=0.5)) == [("b", 0)]


def test_no_rows_raise_no_alerts():
    assert queue(frame(("a", 0, 1)).iloc[:0], Policy()).empty


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda f: f.drop(columns="as_of"), "absent: as_of"),
        (lambda f: f.drop(columns="score"), "score or probability"),
        (lambda f: pd.concat([f, f]), "more than once"),
        (lambda f: f.assign(as_of=f["as_of"].dt.tz_localize("UTC")), "naive UTC"),
        (lambda f: f.assign(as_of=f["as_of"].where(f["score"] > 1)), "missing in 1 rows"),
        (lambda f: f.assign(score="high"), "expected numbers"),
    ],
)
def test_an_unusable_frame_is_refused_in_words(broken, message: str):
    with pytest.raises(InputError, match=message):
        queue(broken(frame(("a", 0, 1))), Policy())


@pytest.mark.parametrize("arguments", [{"q": 0.0}, {"q": 1.2}, {"quiet_days": -1}])
def test_a_policy_without_meaning_is_refused(arguments: dict[str, float]):
    with pytest.raises(InputError):
        Policy(**arguments)
