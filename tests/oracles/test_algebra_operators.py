"""Every operator of the algebra against a plain loop over the rows that were known."""

from __future__ import annotations

import math
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churnml.features import Family, Feature, Unit, compute_features, computing
from churnml.features import operators as o
from churnml.features.algebra import (
    BASELINE,
    EVER,
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_WEEK,
    NEXT_4_WEEKS,
    PRIOR_4_WEEKS,
    Latest,
    Rows,
    TenureDays,
    Window,
    timely,
)
from churnml.features.row_sources import EVENTS, INVOICES, OBLIGATIONS, SURVEYS, TICKET_STEPS

T0 = pd.Timestamp("2026-03-02 07:00")
AS_OFS = [T0 + timedelta(weeks=week) for week in range(4)]
WEEK = timedelta(weeks=1)
ZONE = "America/New_York"

# Whole weeks before T0 are the edges of all windows; half the times fall there or next to them.
moments = st.one_of(
    st.builds(
        lambda weeks, nudge: T0 + weeks * WEEK + timedelta(microseconds=nudge),
        st.integers(-13, 4), st.sampled_from([-1, 0, 1]),
    ),
    st.integers(-32 * 168, 4 * 168).map(lambda hours: T0 + timedelta(hours=hours)),
)  # fmt: skip
delays = st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(days=-3),
                          timedelta(days=6), timedelta(days=17), timedelta(days=100)])  # fmt: skip
people = st.sampled_from(["ann", "bob"])
numbers = st.sampled_from([0.0, 0.1, 0.25, 7.0, None])


@st.composite
def events(draw):
    own = draw(moments)
    return {
        "customer_id": draw(people), "event_time": own, "known_at": own + draw(delays),
        "name": draw(st.sampled_from(["a", "b"])), "value": draw(numbers),
        "user_id": draw(st.sampled_from(["u", "v", None])),
    }  # fmt: skip


@st.composite
def duties(draw):
    own, due = draw(moments), draw(moments)
    return {
        "customer_id": draw(people), "announced_at": own, "known_at": own + draw(delays),
        "due_at": due, "done_at": draw(st.one_of(st.none(), moments)), "weight": draw(numbers),
    }  # fmt: skip


@pytest.fixture(params=["sql", "kernel"], autouse=True)
def _both_ways(request, monkeypatch):
    """Every oracle judges the SQL and, where it can, the block kernel."""
    monkeypatch.setattr(computing, "KERNEL_ROWS", 10**9 if request.param == "sql" else 0)


CUSTOMERS = [
    {"customer_id": "ann", "signed_up_at": T0 - 100 * WEEK},
    {"customer_id": "bob", "signed_up_at": T0 - 10 * WEEK},
]
SNAPSHOTS = pd.DataFrame(
    [{"customer_id": who, "as_of": at} for who in ("ann", "bob") for at in AS_OFS]
)
plain = settings(
    max_examples=12, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def computed(dataset_of, tables, **values):
    dataset = dataset_of(
        {"customers": CUSTOMERS, **tables}, until="2027-01-01", description={"timezone": ZONE}
    )
    title = {"en": "x", "ru": "y"}
    features = [
        Feature(name, value, title, Unit.COUNT, Family.USAGE) for name, value in values.items()
    ]
    return compute_features(dataset, SNAPSHOTS, features=features)


def known_at_time(rows, time, as_of, *later):
    clocks = (time, "known_at", *later)
    return [row for row in rows if all(row[c] is not None and row[c] < as_of for c in clocks)]


def local_day(time):
    return time.tz_localize("UTC").tz_convert(ZONE).date()


def compare(found, expected):
    for (who, as_of), row in found.iterrows():
        for name, value in expected(who, as_of).items():
            if value is None:
                assert math.isnan(row[name]), (name, who, as_of, row[name])
            else:
                assert row[name] == pytest.approx(value, rel=1e-12), (name, who, as_of)


def inside(rows, time, as_of, window):
    start, end = window.start, window.end
    low = pd.Timestamp.min if start is None else as_of - start * WEEK
    return [row for row in rows if low <= row[time] < as_of - end * WEEK]


@plain
@given(rows=st.lists(events(), min_size=1, max_size=25))
def test_counts_sums_means_and_distinct_values_of_windows(dataset_of, rows):
    a = Rows(EVENTS, "name = 'a'")
    found = computed(
        dataset_of, {"events": rows},
        count=o.count(a, LAST_4_WEEKS), prior=o.count(a, PRIOR_4_WEEKS), ever=o.count(a),
        total=o.total(a, "value", LAST_4_WEEKS), mean=o.mean(a, "value", LAST_12_WEEKS),
        users=o.distinct(a, "user_id", LAST_4_WEEKS), days=o.active_days(a, LAST_4_WEEKS),
        days_prior=o.active_days(a, PRIOR_4_WEEKS), days_ever=o.active_days(a),
    )  # fmt: skip

    def expected(who, as_of):
        everyone = known_at_time(rows, "event_time", as_of)
        mine = [row for row in everyone if row["customer_id"] == who and row["name"] == "a"]

        def alive(window):
            return bool(inside(everyone, "event_time", as_of, window))

        def recent(window):
            return inside(mine, "event_time", as_of, window)

        def days(window):
            return len({local_day(row["event_time"]) for row in recent(window)})

        values = [row["value"] for row in recent(LAST_12_WEEKS) if row["value"] is not None]
        four = recent(LAST_4_WEEKS)
        users = {row["user_id"] for row in four} - {None}
        now, before = alive(LAST_4_WEEKS), alive(PRIOR_4_WEEKS)
        return {
            "count": len(four) if now else None,
            "prior": len(recent(PRIOR_4_WEEKS)) if before else None,
            "ever": len(mine) if everyone else None,
            "total": sum(row["value"] or 0 for row in four) if now else None,
            "mean": sum(values) / len(values) if values else None,
            "users": len(users) if now else None,
            "days": days(LAST_4_WEEKS) if now else None,
            "days_prior": days(PRIOR_4_WEEKS) if before else None,
            "days_ever": days(EVER) if everyone else None,
        }

    compare(found, expected)


@plain
@given(rows=st.lists(events(), min_size=1, max_size=20))
def test_recency_age_last_value_and_rows_known_in_time(dataset_of, rows):
    every = Rows(EVENTS)
    found = computed(
        dataset_of, {"events": rows},
        since=o.days_since(every), age=o.age(every), span=o.span(every),
        last=o.last(every, "value"), timely=o.count(timely(every), LAST_4_WEEKS),
        later=o.later_than(every.only("name = 'a'"), every.only("name = 'b'")),
    )  # fmt: skip

    def expected(who, as_of):
        everyone = known_at_time(rows, "event_time", as_of)
        mine = [row for row in everyone if row["customer_id"] == who]
        times = sorted(row["event_time"] for row in mine)
        valued = [row for row in mine if row["value"] is not None]
        newest = max(((row["event_time"], row["value"]) for row in valued), default=(None, None))
        weeks_ago = [(as_of - row["event_time"]) / WEEK for row in mine]
        ends = [as_of - (math.ceil(week) - 1) * WEEK for week in weeks_ago]
        in_time = [
            row for row, end in zip(mine, ends, strict=True)
            if row["known_at"] < end and row["event_time"] >= as_of - 4 * WEEK
        ]  # fmt: skip
        newest_of = {
            name: max((t["event_time"].floor("s") for t in mine if t["name"] == name), default=None)
            for name in "ab"
        }
        later = None
        if newest_of["a"] is not None:
            later = newest_of["b"] is None or newest_of["a"] > newest_of["b"]
        here = bool(inside(everyone, "event_time", as_of, LAST_4_WEEKS))
        return {
            "since": (local_day(as_of) - local_day(times[-1])).days if times else None,
            "age": (local_day(as_of) - local_day(times[0])).days if times else None,
            "span": (local_day(times[-1]) - local_day(times[0])).days if times else None,
            "last": newest[1],
            "timely": len(in_time) if here else None,
            "later": None if later is None else float(later),
        }

    compare(found, expected)


@plain
@given(rows=st.lists(duties(), min_size=1, max_size=20))
def test_what_stands_open_runs_in_a_row_or_falls_due(dataset_of, rows):
    rows = [{**row, "obligation_id": f"o{number:02}"} for number, row in enumerate(rows)]
    due = Rows(OBLIGATIONS).dated("due_at")
    settled = Rows(OBLIGATIONS).dated("GREATEST(due_at, done_at)")
    found = computed(
        dataset_of, {"obligations": rows},
        missed=o.standing(due, settled), weight=o.standing_total(due, settled, "weight"),
        run=o.streak(due, done="done_at", tie="obligation_id"),
        ahead=o.count(due, NEXT_4_WEEKS), missed_then=o.standing(due, settled, ago=2),
    )  # fmt: skip

    def expected(who, as_of):
        everyone = known_at_time(rows, "announced_at", as_of)
        mine = [row for row in everyone if row["customer_id"] == who]

        def done(row, by):
            return row["done_at"] is not None and row["done_at"] < by

        passed = sorted(
            (r for r in mine if r["due_at"] < as_of),
            key=lambda r: (r["due_at"], r["obligation_id"]),
        )
        open_ = [row for row in passed if not done(row, as_of)]
        run = 0
        for row in reversed(passed):
            if done(row, as_of):
                break
            run += 1
        then = as_of - 2 * WEEK
        before = [row for row in mine if row["due_at"] < then and not done(row, then)]
        soon = [row for row in mine if as_of <= row["due_at"] < as_of + 4 * WEEK]
        values = {
            "missed": len(open_), "run": run, "ahead": len(soon), "missed_then": len(before),
            "weight": sum(round((row["weight"] or 0) * 100) for row in open_) / 100,
        }  # fmt: skip
        return values if everyone else dict.fromkeys(values)

    compare(found, expected)


@st.composite
def tickets(draw):
    own = draw(moments)
    solved = draw(st.one_of(st.none(), st.integers(0, 60 * 24)))
    return {
        "customer_id": draw(people), "opened_at": own, "known_at": own + draw(delays),
        "resolved_at": None if solved is None else own + timedelta(hours=solved),
    }  # fmt: skip


@plain
@given(rows=st.lists(tickets(), min_size=1, max_size=15))
def test_open_things_and_the_age_of_the_oldest(dataset_of, rows):
    rows = [{**row, "ticket_id": f"t{number}"} for number, row in enumerate(rows)]
    steps, tie = Rows(TICKET_STEPS), "CASE step WHEN 'opened' THEN 0 ELSE 2 END"
    how = {"by": "ticket_id", "still": "step <> 'resolved'", "since": "opened_at", "tie": tie}
    still = "CASE WHEN step <> 'resolved' THEN 1 ELSE 0 END"
    found = computed(
        dataset_of, {"tickets": rows},
        open=Latest(steps, still, 1, "ticket_id", tie, needs_row=False),
        oldest=o.oldest_age(steps, **how), old=o.older_than(steps, 7, **how),
    )  # fmt: skip

    def expected(who, as_of):
        everyone = known_at_time(rows, "opened_at", as_of)
        open_ = [
            (local_day(as_of) - local_day(row["opened_at"])).days
            for row in everyone
            if row["customer_id"] == who
            and not (row["resolved_at"] is not None and row["resolved_at"] < as_of)
        ]
        return {
            "open": len(open_) if everyone else None,
            "oldest": max(open_, default=None),
            "old": sum(days > 7 for days in open_) if everyone else None,
        }

    compare(found, expected)


@plain
@given(rows=st.lists(events(), min_size=1, max_size=30))
def test_own_baseline_is_shrunk_to_the_cohort_of_the_same_as_of(dataset_of, rows):
    own = o.OwnBaseline(Rows(EVENTS))
    found = computed(
        dataset_of, {"events": rows},
        ratio=own.ratio(LAST_4_WEEKS), deviation=own.deviation(LAST_WEEK),
        strength=own.onset, age=own.onset_age,
        percentile=o.percentile(o.count(Rows(EVENTS), LAST_4_WEEKS)),
    )  # fmt: skip
    signed = {row["customer_id"]: row["signed_up_at"] for row in CUSTOMERS}

    def expected(who, as_of):
        everyone = known_at_time(rows, "event_time", as_of)

        def ago(row):
            return math.ceil((as_of - row["event_time"]) / WEEK)

        feed = max((ago(row) for row in everyone), default=0)

        def exposed(one, window):
            since = min(feed, math.ceil((as_of - signed[one]) / WEEK))
            return max(0, min(window.start - window.end, since - window.end))

        def counted(one, window):
            alive = inside(everyone, "event_time", as_of, window)
            mine = [row for row in alive if row["customer_id"] == one]
            in_time = [r for r in mine if r["known_at"] < as_of - (ago(r) - 1) * WEEK]
            return len(in_time) if alive else None

        pooled = {one: (counted(one, BASELINE), exposed(one, BASELINE)) for one in ("ann", "bob")}
        late = sorted(len([r for r in inside(everyone, "event_time", as_of, LAST_4_WEEKS)
                           if r["customer_id"] == one]) for one in ("ann", "bob"))  # fmt: skip
        mine = len([r for r in inside(everyone, "event_time", as_of, LAST_4_WEEKS)
                    if r["customer_id"] == who])  # fmt: skip
        alive = bool(inside(everyone, "event_time", as_of, LAST_4_WEEKS))
        tied = late[0] == late[1]
        rank = 0.5 if tied else (0.25 if mine == late[0] else 0.75)
        unknown = dict.fromkeys(("ratio", "deviation", "strength", "age"))
        unknown["percentile"] = rank if alive else None
        weeks = sum(exposure for _, exposure in pooled.values())
        if pooled[who][0] is None or weeks == 0:
            return unknown
        cohort = sum(number for number, _ in pooled.values()) / weeks
        rate = (pooled[who][0] + 4 * cohort) / (pooled[who][1] + 4)

        def against(window):
            return counted(who, window), rate * exposed(who, window)

        drops = {}
        for age in range(1, 15):
            number, mu = against(Window(age))
            if number is not None:
                logarithm = number * math.log(number / mu) if 0 < number < mu else 0.0
                drops[age] = max(0.0, logarithm + mu - number) if number < mu else 0.0
        four, mu_four = against(LAST_4_WEEKS)
        one, mu_one = against(LAST_WEEK)
        strongest = max(drops.values(), default=None)
        found_age = [age for age, gain in drops.items() if strongest and gain >= strongest - 1e-12]
        return {
            "percentile": unknown["percentile"],
            "ratio": None if four is None or mu_four == 0 else four / mu_four,
            "deviation": None if one is None else (one - mu_one) / math.sqrt(mu_one + 1),
            "strength": strongest,
            "age": found_age[0] if found_age else None,
        }

    compare(found, expected)


def test_arithmetic_knows_what_it_does_not_know(dataset_of):
    row = {"customer_id": "ann", "event_time": T0 - WEEK, "name": "a", "value": 3.0}
    others = [
        {"customer_id": "bob", "event_time": T0 - week * WEEK, "name": "a"} for week in (2, 3)
    ]
    some = o.count(Rows(EVENTS), LAST_4_WEEKS)
    none = o.days_since(Rows(EVENTS, "name = 'never'"))
    found = computed(
        dataset_of, {"events": [row, *others]},
        divided=some / (some - some), unknown=none + 1.0, compared=none > 1.0, held=some >= 1.0,
        least=o.minimum(some, none), most=o.maximum(some, none, some + 5.0),
        two=o.k_of_n(some > 0.0, none > 0.0, some > 100.0), all_unknown=o.k_of_n(none > 0.0),
        both=o.both(some > 0.0, some > 2.0), trend=o.trend(Rows(EVENTS), weeks=3),
        ratio=o.ratio(some, some - some), tenure=TenureDays(),
    ).loc[("ann", T0)]  # fmt: skip

    assert found.drop(["trend", "tenure"]).to_dict() == pytest.approx(
        {
            "divided": math.nan, "unknown": math.nan, "compared": math.nan, "held": 1, "least": 1,
            "most": 6, "two": 1, "all_unknown": math.nan, "both": 0, "ratio": 2,
        },
        nan_ok=True,
    )  # fmt: skip
    assert found["trend"] == pytest.approx(1 / (1 / 3 * 2)), "one row, in the newest of 3 weeks"
    assert found["tenure"] == 700


def test_money_is_summed_in_whole_cents(dataset_of):
    rows = [
        {"customer_id": "ann", "invoice_id": str(n), "issued_at": T0 - WEEK, "amount": 0.1}
        for n in range(3)
    ]
    found = computed(dataset_of, {"invoices": rows}, sum=o.money(Rows(INVOICES), "amount"))

    assert found["sum"].loc[("ann", T0)] == 0.3, "and not 0.30000000000000004"


def test_a_peer_group_shares_its_mean(dataset_of):
    scores = [
        {"customer_id": who, "answered_at": T0 - WEEK, "kind": "nps", "score": 9.0}
        for who in ("ann", "ann", "bob")
    ]
    people_ = [{**row, "industry": "steel"} for row in CUSTOMERS]
    value = o.cohort_mean(o.count(Rows(SURVEYS)), by="industry")
    found = computed(dataset_of, {"customers": people_, "surveys": scores}, mean=value)

    assert found["mean"].tolist() == [1.5] * 8
