"""Arithmetic on arrays against the reference SQL: the same expressions, the same bits."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from churnml.features import Family, Feature, Unit, catalogue, compute_features
from churnml.features import operators as o
from churnml.features.algebra import (
    EVER,
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_WEEK,
    Choice,
    Constant,
    Function,
    Known,
    Rows,
)
from churnml.features.arrays import Cohorts
from churnml.features.row_sources import EVENTS, TICKETS
from churnml.snapshots import take_snapshots
from churnml.sources import open_dataset
from churnml.sources.backend import OnDuckDB
from churnml.sources.world import simulate

T0 = pd.Timestamp("2026-03-02")
WEEK = timedelta(weeks=1)


@contextmanager
def by_sql(connection):
    """The statements that a cluster would run, in the database at hand."""
    with connection.cursor() as cursor:
        yield OnDuckDB(cursor, spreads=True)


def values():
    rows, tickets = Rows(EVENTS), Rows(TICKETS)
    n, before = o.count(rows, LAST_4_WEEKS), o.count(rows, LAST_12_WEEKS)
    own, rated = o.OwnBaseline(rows), o.last(tickets, "csat")
    return {
        "ratio": o.ratio(n, before), "share": o.share(n, before), "mean": o.mean(rows, "value"),
        "trend": o.trend(rows, weeks=8), "since": o.days_since(rows), "age": o.age(rows),
        "later": o.later_than(rows, tickets), "least": o.minimum(rated, n, o.days_since(tickets)),
        "most": o.maximum(rated, n * -1.0), "of_n": o.k_of_n(n > 2.0, rated <= 3.0, n >= before),
        "both": o.both(n < 4.0, rated > 1.0), "known": Known(rated),
        "size": Function("abs", (n - before,)), "chosen": Choice(rated, rated * n, o.as_expr(-1.0)),
        "nothing": Constant(None) * n,
        "root": Function("sqrt", (before / 7.0,)), "ever": o.total(rows, "value", EVER),
        "rank": o.percentile(n), "rank_rated": o.percentile(rated), "plan": o.attribute("plan"),
        "cohort": o.cohort_mean(n, by="plan"), "unlike": n - o.cohort_mean(rated, by="plan"),
        "onset": own.onset, "onset_age": own.onset_age, "own": own.ratio(LAST_WEEK),
        "deviation": own.deviation(LAST_4_WEEKS), "rank_own": o.percentile(own.onset),
    }  # fmt: skip


@pytest.fixture
def company(dataset_of):
    """Forty customers of three plans and none, with events and ratings, some of them late."""
    rng = np.random.default_rng(11)
    plans = ["small", "large", "средний", None]
    people = [{"customer_id": f"{n:03}", "signed_up_at": T0 - int(rng.integers(1, 60)) * WEEK,
               "plan": plans[n % 4]} for n in range(40)]  # fmt: skip

    def when():
        time = T0 - timedelta(hours=int(rng.integers(-400, 24 * 7 * 45)))
        return time, time + timedelta(hours=int(rng.choice([0, 0, 0, 200])))

    def who():
        return f"{int(rng.integers(0, 40) * rng.random()):03}"

    events, tickets = [], []
    for number in range(900):
        time, known = when()
        events.append({"customer_id": who(), "event_time": time, "known_at": known, "name": "x",
                       "value": [None, 0.1, -3.3, 7.0][number % 4]})  # fmt: skip
    for number in range(60):
        time, known = when()
        tickets.append({"ticket_id": f"{number}", "customer_id": who(), "opened_at": time,
                        "resolved_at": time + WEEK, "csat": float(rng.integers(1, 6)),
                        "csat_at": time + WEEK, "known_at": known})  # fmt: skip
    made = dataset_of(
        {"customers": people, "events": events, "tickets": tickets}, until="2026-06-01"
    )
    return made


@pytest.mark.parametrize("kept", [None, 3], ids=["all", "a third"])
def test_every_kind_of_expression_has_the_bits_of_the_sql(company, kept):
    features = [
        Feature(name, value, {"en": "x", "ru": "y"}, Unit.COUNT, Family.USAGE)
        for name, value in values().items()
    ]
    as_ofs = [T0 - week * WEEK for week in range(6)] + [T0 - timedelta(days=2)]
    pairs = [(f"{who:03}", as_of) for who in range(42) for as_of in as_ofs]
    asked = pd.DataFrame(pairs, columns=["customer_id", "as_of"])
    wanted = None if kept is None else pd.Series(np.arange(len(asked)) % kept == 0)

    found = compute_features(company, asked, features=features, kept=wanted)

    expected = compute_features(
        replace(company, home=by_sql), asked, features=features, kept=wanted
    )
    assert_frame_equal(found, expected, check_exact=True)
    assert found["nothing"].isna().all()
    assert found.drop(columns="nothing").apply(lambda one: len(set(one)) > 1).all()


def test_ties_share_the_middle_rank_and_the_unknown_have_none():
    cohorts = Cohorts(np.array([0, 1, 0, 0, 1, 0]))

    found = cohorts.percentiles(np.array([2.0, np.nan, 1.0, 2.0, -5.0, np.nan]))

    assert np.array_equal(found, [2 / 3, np.nan, 0.5 / 3, 2 / 3, 0.5, np.nan], equal_nan=True)


def test_a_sum_is_of_the_known_of_the_same_as_of_and_word():
    cohorts = Cohorts(np.array([0, 0, 0, 1, 1, 1]))
    values = np.array([1.0, 2.0, np.nan, np.nan, 5.0, 7.0])

    assert np.array_equal(cohorts.sums(values, None), [3, 3, 3, 12, 12, 12])
    words = np.array(["a", "b", "b", "a", None, "b"], object)
    expected = [1, 2, 2, np.nan, np.nan, 7]
    assert np.array_equal(cohorts.sums(values, words), expected, equal_nan=True)


def test_logarithms_are_those_of_the_database():
    numbers = np.random.default_rng(3).lognormal(0, 3, 100_000)
    with duckdb.connect() as connection:
        connection.register("drawn", pd.DataFrame({"x": numbers}))
        expected = connection.sql("select ln(x) as y from drawn").df()["y"].to_numpy()

    from churnml.features.arrays import value_of

    made = value_of(Function("ln", (Known(Constant(None)),)), lambda expr: numbers
                    if isinstance(expr, Known) else None, len(numbers))  # fmt: skip

    assert np.array_equal(made, expected)


@pytest.mark.slow
def test_every_feature_of_a_drawn_company_has_the_bits_of_the_sql(tmp_path):
    simulate(tmp_path, customers=150, weeks=40)
    dataset = open_dataset(tmp_path / "data")
    last = dataset.observed_until.normalize()
    asked = take_snapshots(dataset, [last - week * WEEK for week in range(4)])

    found = compute_features(dataset, asked, features=catalogue(dataset))

    expected = compute_features(replace(dataset, home=by_sql), asked, features=catalogue(dataset))
    assert_frame_equal(found, expected, check_exact=True)
