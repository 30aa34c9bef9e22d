"""Who is alerted and when, on tables small enough to check by eye."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from churnml.alerting import Policy, advance, queue
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
        (lambda f: f.assign(as_of=f["as_of"].where(f["score"] > 1)), "missing in 1 row;"),
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


def names_by_week(scores: pd.DataFrame, policy: Policy, **held: object) -> dict[float, str]:
    """Customers alerted by week, joined."""
    surroundings = pd.DataFrame(held, dtype="object") if held else None
    alerts = queue(scores, policy, surroundings=surroundings)
    week = (alerts["as_of"] - MONDAY) / pd.Timedelta(days=7)
    return alerts.groupby(week)["customer_id"].apply("".join).to_dict()


def weekly(*lines: str) -> pd.DataFrame:
    """Each line is a week: its customers by falling score."""
    return frame(
        *[
            (name, week, len(line) - place)
            for week, line in enumerate(lines)
            for place, name in enumerate(line)
        ]
    )


def test_an_edge_alerts_only_who_enters_from_below():
    scores = weekly("abcd", "abcd", "abcd", "bacd", "abcd")
    policy = Policy(q=0.25, quiet_days=0)

    assert names_by_week(scores, policy) == {0: "a", 1: "a", 2: "a", 3: "b", 4: "a"}
    assert names_by_week(scores, replace(policy, enter=0.25)) == {0: "a", 3: "b", 4: "a"}


def test_who_entered_when_the_load_was_full_is_alerted_while_still_inside():
    scores = weekly("abcd", "abcd", "abcd")

    assert names_by_week(scores, Policy(q=0.25, quiet_days=0, enter=0.5)) == {0: "a", 1: "b"}


def test_between_the_bands_a_customer_has_not_left():
    scores = weekly("abcd", "bacd", "abcd", "bcda", "abcd")
    policy = Policy(q=0.25, quiet_days=0, enter=0.25, exit=0.5)

    assert names_by_week(scores, policy) == {0: "a", 1: "b", 4: "a"}


def test_a_single_high_week_is_not_persistent():
    scores = weekly("abcd", "bacd", "bcad", "bcda", "cbda")
    policy = Policy(q=0.25, quiet_days=0, persist=(2, 3, 0.25))

    assert names_by_week(scores, policy) == {2: "b", 3: "b", 4: "b"}


def test_who_is_held_back_leaves_the_place_to_the_next_and_comes_later():
    scores = weekly("abcd", "abcd")
    held = ["intervention", None, None, None, None, None, None, None]

    policy = Policy(q=0.25, suppress=("intervention",))
    assert names_by_week(scores, policy, held=held, owner=[None] * 8) == {0: "b", 1: "a"}


def test_an_owner_gets_no_more_than_the_capacity_and_no_owner_has_none():
    scores = weekly("abcdef")
    policy = Policy(q=1, owner_capacity=1)
    owner = ["ann", "ann", "bob", None, None, "bob"]

    assert names_by_week(scores, policy, owner=owner, held=[None] * 6) == {0: "acde"}


def test_the_control_arm_takes_its_place_in_the_queue_and_is_not_delivered():
    scores = frame(*[(f"c{i}", 0, float(i)) for i in range(200)])
    policy = Policy(q=0.5, control_share=0.3, seed=4)
    delivered = queue(scores, policy)["customer_id"].tolist()
    plain = queue(scores, replace(policy, control_share=0))["customer_id"].tolist()

    assert delivered == [name for name in plain if not policy.in_control(name)]
    assert 0.15 < 1 - len(delivered) / len(plain) < 0.45
    assert queue(scores, policy)["rank"].tolist() == list(range(1, len(delivered) + 1))


def test_a_load_of_a_week_is_not_raised_every_day():
    scores = frame(*[(name, day / 7, 1.0) for day in range(15) for name in "abcdefghij"])
    daily = queue(scores, Policy(q=0.1))
    weekly_load = queue(scores, Policy(q=0.1, load_days=7))

    assert len(daily) == 10
    days = ((weekly_load["as_of"] - MONDAY) / pd.Timedelta(days=1)).tolist()
    assert days == [0, 7, 14]


def test_who_was_passed_over_is_named_with_the_reason():
    scores = weekly("abcd", "abcd", "abcd")
    policy = Policy(q=0.25, persist=(2, 2, 0.75))

    kept = advance(scores, policy).kept
    week = (kept["as_of"] - MONDAY) / pd.Timedelta(days=7)
    said = [f"{name} {when:.0f} {why}" for name, when, why in zip(
        kept["customer_id"], week, kept["reason"], strict=True)]  # fmt: skip

    assert said == ["a 0 persistence", "a 2 quiet"]
