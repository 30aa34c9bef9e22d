"""Tiers, value at risk and priority, on tables small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churnml.alerting.tiers import SLA_HOURS, counts, counts_by_kind, priority, tiers
from churnml.config import Tiers, parse
from churnml.errors import InputError

MONDAY = pd.Timestamp("2026-01-05")


def frame(probability: list[float], *, week: int = 0) -> pd.DataFrame:
    names = [f"c{number:03d}" for number in range(len(probability))]
    as_of = MONDAY + pd.Timedelta(days=7 * week)
    return pd.DataFrame({"customer_id": names, "as_of": as_of, "probability": probability})


def test_by_capacity_the_top_one_two_and_seven_percent_of_every_as_of():
    scores = pd.concat(
        [frame([i / 1000 for i in range(100)]), frame([i / 100 for i in range(50)], week=1)]
    ).reset_index(drop=True)
    tier = tiers(scores, Tiers())
    first, second = tier[:100], tier[100:]

    assert counts(first) == {"critical": 1, "high": 2, "medium": 7, "low": 90}
    assert counts(second) == {"critical": 1, "high": 1, "medium": 3, "low": 45}
    assert first[99] == "critical"
    assert first[97] == "high"
    assert first[90] == "medium"
    assert first[89] == "low"


def test_equal_probabilities_do_not_make_a_tier_larger():
    scores = frame([0.5] * 100)
    mixed = scores.sample(frac=1, random_state=3)

    assert counts(tiers(scores, Tiers())) == {"critical": 1, "high": 2, "medium": 7, "low": 90}
    assert tiers(mixed, Tiers()).sort_index().tolist() == tiers(scores, Tiers()).tolist()
    assert tiers(scores, Tiers(), seed=1).tolist() != tiers(scores, Tiers()).tolist()


def test_by_probability_the_cuts_of_the_source():
    scores = frame([1.0, 0.8, 0.799, 0.6, 0.599, 0.3, 0.299, 0.0])
    expected = ["critical", "critical", "high", "high", "medium", "medium", "low", "low"]

    assert tiers(scores, Tiers(by="probability")).tolist() == expected


def test_both_ways_are_counted_so_that_nobody_chooses_blindly():
    found = counts_by_kind(frame([i / 200 for i in range(100)]), Tiers())

    assert found["capacity"] == {"critical": 1, "high": 2, "medium": 7, "low": 90}
    assert found["probability"] == {"critical": 0, "high": 0, "medium": 40, "low": 60}


def test_who_has_no_probability_has_no_tier_and_is_not_counted():
    scores = frame([np.nan, *[i / 100 for i in range(100)]])

    for by in ("capacity", "probability"):
        tier = tiers(scores, Tiers(by=by))
        assert tier[0] is None
        assert sum(counts(tier).values()) == 100
    assert counts(tiers(scores, Tiers()))["critical"] == 1


def test_the_lowest_tier_has_no_deadline():
    assert SLA_HOURS == {"critical": 24, "high": 48, "medium": 168}


@pytest.mark.parametrize("bad", [{"cuts": [0.3, 0.6, 0.8]}, {"shares": [0.5, 0.4, 0.3]}])
def test_tiers_that_mean_nothing_are_refused(bad: dict):
    with pytest.raises(InputError, match="falling cuts"):
        parse(Tiers, bad, where="study")


def ordered(probability: list[float], revenue: list[float], **raised: list[float]) -> list[float]:
    nothing = [np.nan] * len(probability)
    return priority(
        frame(probability),
        annual_revenue=pd.Series(revenue),
        days_since_login=pd.Series(raised.get("login", nothing)),
        open_ticket_days=pd.Series(raised.get("ticket", nothing)),
    ).round(6).tolist()  # fmt: skip


def test_priority_is_risk_times_the_rank_of_the_value():
    assert ordered([0.2, 0.2, 0.4, 0.1], [100, 400, 200, 300]) == [0.05, 0.2, 0.2, 0.075]


def test_an_unknown_value_counts_as_middling():
    assert ordered([0.2, 0.2, 0.2], [100, np.nan, 400]) == [0.1, 0.1, 0.2]
    assert ordered([0.2], [np.nan]) == [0.1]


def test_silence_and_an_open_ticket_raise_the_priority_from_above_their_days():
    same = [100.0] * 4
    login, ticket = [30, 31, 5, 31], [7, 7, 8, 8]
    found = ordered([0.4] * 4, same, login=login, ticket=ticket)
    middle = 0.4 * 0.625  # four equal values share the rank

    assert found == pytest.approx([middle, 1.5 * middle, 1.3 * middle, 1.95 * middle])


def test_the_priority_never_exceeds_one():
    assert ordered([0.9], [100], login=[90], ticket=[90]) == [1.0]


def test_the_multipliers_leave_the_probability_alone():
    scores = frame([0.4, 0.9])
    before = scores.copy()
    months = pd.Series([90.0, 90.0])
    priority(scores, annual_revenue=months, days_since_login=months, open_ticket_days=months)

    pd.testing.assert_frame_equal(scores, before)
