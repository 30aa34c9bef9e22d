"""Features of small lives drawn by hand: what counts, from when on, and what stays unknown."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from churnml.errors import InputError
from churnml.features import catalogue, compute_features
from churnml.snapshots import take_snapshots

T0 = pd.Timestamp("2026-03-02")
DAY = timedelta(days=1)
ROLES = {"events": {"login": ["login"], "key": ["report"]}}


def ago(days, hours=0):
    return T0 - timedelta(days=days, hours=hours)


def customer(name, signed_up_at=None, **more):
    return {"customer_id": name, "signed_up_at": signed_up_at or ago(700), **more}


def event(time, name="login", who="ann", **more):
    return {"customer_id": who, "event_time": time, "name": name, **more}


def computed(dataset_of, tables, *, names=None, as_ofs=(T0,), people=("ann",), **description):
    tables = {"customers": [customer(who) for who in people], **tables}
    dataset = dataset_of(tables, until="2027-01-01", description={**ROLES, **description})
    features = [f for f in catalogue(dataset) if names is None or f.name in names]
    snapshots = pd.DataFrame([{"customer_id": who, "as_of": at} for who in people for at in as_ofs])
    return compute_features(dataset, snapshots, features=features)


def one(dataset_of, tables, **more):
    return computed(dataset_of, tables, **more).iloc[0]


@pytest.mark.parametrize(
    ("time", "known_at", "counted"),
    [
        (T0, T0, 0),
        (T0 - timedelta(microseconds=1), T0 - timedelta(microseconds=1), 1),
        (ago(1), T0, 0),
        (ago(1), T0 - timedelta(microseconds=1), 1),
        (T0, ago(3), 0),
        (ago(7), ago(7), 1),
        (ago(7) - timedelta(microseconds=1), ago(7), 0),
        (ago(6), ago(6), 1),
    ],
)
def test_an_event_counts_if_it_happened_and_was_known_strictly_before(
    dataset_of, time, known_at, counted
):
    other = event(ago(2), who="bob")
    rows = [event(time, known_at=known_at), other]

    assert one(dataset_of, {"events": rows}, names=["events_7d"]).item() == counted


def test_nothing_is_zero_and_never_is_unknown(dataset_of):
    found = one(dataset_of, {"events": [event(ago(1), who="bob"), event(ago(40), who="bob")]})

    assert found[["events_28d", "logins_28d", "active_days_28d"]].tolist() == [0, 0, 0]
    unknown = ["days_since_event", "key_share_28d", "session_minutes_28d", "purchase_age_days"]
    assert found[unknown].isna().all()


def test_an_empty_window_after_odd_amounts_is_exactly_zero(dataset_of):
    rows = [event(ago(100 + n), value=0.1 * n + 1 / 3) for n in range(50)]
    rows += [event(ago(1), who="bob")]
    names, churn = ["purchase_value_84d"], {"activity": ["login"]}

    assert one(dataset_of, {"events": rows}, names=names, churn=churn).item() == 0.0


def test_a_feed_that_is_not_there_is_unknown(dataset_of):
    found = one(dataset_of, {"events": [event(ago(1))]})

    missing = ["tickets_28d", "open_tickets", "messages_84d", "mrr", "nps_last", "missed_tasks"]
    assert found[missing].isna().all()
    assert pd.isna(found["exports_28d"]), "no event has the role export"


def test_a_window_in_which_the_feed_was_silent_for_everyone_is_unknown(dataset_of):
    rows = [event(ago(20)), event(ago(30), who="bob")]
    found = computed(dataset_of, {"events": rows}, people=("ann", "bob"),
                     names=["events_14d", "events_28d", "events_84d"])  # fmt: skip

    assert found["events_14d"].isna().all(), "the feed is dead"
    assert found["events_28d"].tolist() == [1, 0]
    assert found["events_84d"].tolist() == [1, 1]


def test_a_customer_outside_the_coverage_of_a_feed_is_unknown_there(dataset_of):
    tables = {
        "customers": [customer("ann"), customer("bob"), customer("eve")],
        "events": [event(ago(1)), event(ago(1), who="bob")],
    }
    dataset = dataset_of(tables, until="2027-01-01",
                         description={"tables": {"events": {"covers": "true"}}})  # fmt: skip
    dataset.connection.execute("insert into coverage values ('bob', 'events', false)")
    snapshots = pd.DataFrame({"customer_id": ["ann", "bob", "eve"], "as_of": T0})

    found = compute_features(dataset, snapshots)

    assert found["events_7d"].fillna(-1).tolist() == [1, -1, 0]
    assert pd.isna(found["session_minutes_28d"].iloc[1])


def test_days_are_calendar_days_of_the_dataset(dataset_of):
    rows = [event(ago(0, hours=4)), event(ago(0, hours=2)), event(ago(1, hours=4))]
    names = ["active_days_7d", "days_since_event"]

    utc = one(dataset_of, {"events": rows}, names=names)
    moscow = one(dataset_of, {"events": rows}, names=names, timezone="Europe/Moscow")

    assert utc.tolist() == [2, 1], "20:00 of two days and 22:00"
    assert moscow.tolist() == [3, 0], "23:00 of two days and 01:00 of the day of the as_of"


def test_a_ticket_is_open_until_solved_and_again_once_reopened(dataset_of):
    ticket = {"customer_id": "ann", "ticket_id": "t", "opened_at": ago(40), "category": "Billing"}
    story = [(ago(38), "resolved"), (ago(30), "reopened"), (ago(3), "resolved")]
    steps = [{"ticket_id": "t", "event_time": time, "kind": kind} for time, kind in story]
    weeks = [T0 - 7 * n * DAY for n in (6, 5, 4, 1, 0)]
    names = ["open_tickets", "unresolved_ticket_age", "tickets_open_over_7d", "reopen_rate_84d",
             "resolution_hours_84d", "billing_tickets_84d"]  # fmt: skip
    found = computed(
        dataset_of, {"tickets": [ticket], "ticket_events": steps}, names=names, as_ofs=weeks
    )

    assert found["open_tickets"].fillna(-1).tolist() == [-1, 0, 1, 1, 0]
    assert found["unresolved_ticket_age"].fillna(-1).tolist() == [-1, -1, 12, 33, -1]
    assert found["tickets_open_over_7d"].fillna(-1).tolist() == [-1, 0, 1, 1, 0]
    assert found["reopen_rate_84d"].iloc[-1] == 0.5, "solved twice, reopened once"
    assert found["resolution_hours_84d"].iloc[-1] == 24 * (2 + 37) / 2
    assert found["billing_tickets_84d"].iloc[-1] == 1


def test_a_ticket_whose_solution_became_known_late_is_open_until_then(dataset_of):
    ticket = {"customer_id": "ann", "ticket_id": "t", "opened_at": ago(20)}
    solved = {"ticket_id": "t", "event_time": ago(15), "kind": "resolved", "known_at": ago(2)}
    weeks = [T0 - 7 * n * DAY for n in (2, 1, 0)]
    found = computed(dataset_of, {"tickets": [ticket], "ticket_events": [solved]},
                     names=["open_tickets"], as_ofs=weeks)  # fmt: skip

    assert found["open_tickets"].tolist() == [1, 1, 0]


def test_money_follows_the_open_subscriptions_and_their_cuts(dataset_of):
    rows = [
        {"subscription_id": "1", "started_at": ago(300), "ended_at": ago(60), "mrr": 100.0},
        {"subscription_id": "2", "started_at": ago(60), "ended_at": None, "mrr": 80.0},
    ]
    rows = [{**row, "customer_id": "ann", "seats": 5} for row in rows]
    names = ["mrr", "mrr_change_1m", "mrr_change_3m", "downgrades_84d", "days_since_downgrade"]
    found = one(dataset_of, {"subscriptions": rows}, names=names)

    assert found.to_dict() == {
        "mrr": 80, "mrr_change_1m": 1, "mrr_change_3m": 0.8, "downgrades_84d": 1,
        "days_since_downgrade": 60,
    }  # fmt: skip


RENEWALS = ["days_to_period_end", "days_to_anniversary"]


@pytest.mark.parametrize(
    ("days", "period", "expected"),
    [
        (100, 30, (20, 265.25)),
        (90, 30, (30, 275.25)),
        (700, 365, (30, 30.5)),
        (100, None, (math.nan, 265.25)),
    ],
)
def test_the_end_of_the_paid_period_counts_from_the_start_of_the_spell(
    dataset_of, days, period, expected
):
    """A change of price opens another row, and the day of renewal stays."""
    rows = [
        {"subscription_id": "1", "started_at": ago(days), "ended_at": ago(40)},
        {"subscription_id": "2", "started_at": ago(40), "ended_at": None},
    ]
    rows = [{**row, "customer_id": "ann", "billing_days": period, "mrr": 1.0} for row in rows]
    tables = {"customers": [customer("ann")], "subscriptions": rows}
    dataset = dataset_of(tables, until="2027-01-01")
    features = [f for f in catalogue(dataset) if f.name in RENEWALS]
    found = compute_features(dataset, take_snapshots(dataset, [T0]), features=features)

    assert found.iloc[0].tolist() == pytest.approx(expected, nan_ok=True)


def test_an_end_that_lies_ahead_is_not_known_yet(dataset_of):
    row = {
        "customer_id": "ann", "subscription_id": "1", "started_at": ago(300), "mrr": 100.0,
        "ended_at": T0 + DAY, "known_at": ago(300),
    }  # fmt: skip

    assert one(dataset_of, {"subscriptions": [row]}, names=["mrr"]).item() == 100


def test_an_invoice_is_overdue_from_its_due_date_until_paid(dataset_of):
    invoice = {
        "customer_id": "ann", "invoice_id": "1", "issued_at": ago(60), "due_at": ago(30),
        "paid_at": ago(9), "amount": 19.99,
    }  # fmt: skip
    weeks = [T0 - 7 * n * DAY for n in (5, 4, 2, 1, 0)]
    names = ["overdue_invoices", "overdue_amount", "overdue_days", "late_payments_84d",
             "days_late_paid_182d"]  # fmt: skip
    found = computed(dataset_of, {"invoices": [invoice]}, names=names, as_ofs=weeks)

    assert found["overdue_invoices"].tolist() == [0, 1, 1, 0, 0]
    assert found["overdue_amount"].tolist() == [0, 19.99, 19.99, 0, 0]
    assert found["overdue_days"].fillna(-1).tolist() == [-1, 2, 16, -1, -1]
    assert found["late_payments_84d"].iloc[-1] == 1
    assert found["days_late_paid_182d"].iloc[-1] == 21


def test_answers_are_timed_from_the_first_question_still_open(dataset_of):
    said = [("customer", 50), ("customer", 40), ("staff", 38), ("staff", 30), ("customer", 20)]
    rows = [
        {"customer_id": "ann", "message_id": str(n), "sent_at": T0 - timedelta(hours=hours),
         "author": author, "text": "12345"}
        for n, (author, hours) in enumerate(said)
    ]  # fmt: skip
    names = ["our_reply_hours_28d", "customer_reply_hours_28d", "waits_for_our_answer",
             "message_length_28d", "customer_share_of_talk_84d"]  # fmt: skip
    found = one(dataset_of, {"messages": rows}, names=names)

    assert found.to_dict() == {
        "our_reply_hours_28d": 12, "customer_reply_hours_28d": 18, "waits_for_our_answer": 1,
        "message_length_28d": 5, "customer_share_of_talk_84d": 0.6,
    }  # fmt: skip


def test_a_session_lasts_from_its_first_to_its_last_action(dataset_of):
    minutes = [("s", 600), ("s", 590), ("s", 570), ("q", 500)]
    rows = [event(T0 - timedelta(minutes=m), session_id=s) for s, m in minutes]

    found = one(dataset_of, {"events": rows}, names=["session_minutes_28d", "sessions_28d"])

    assert found.to_dict() == {"sessions_28d": 2, "session_minutes_28d": 15}


def test_bg_nbd_inputs_count_days_of_the_churn_activity_only(dataset_of):
    bought = [event(ago(90), "buy"), event(ago(90, hours=-1), "buy"), event(ago(30), "buy")]
    rows = [*bought, event(ago(2), "look")]
    names = ["purchase_repeat_days", "purchase_recency_days", "purchase_age_days",
             "days_since_activity", "days_since_event"]  # fmt: skip
    found = one(dataset_of, {"events": rows}, names=names, churn={"activity": ["buy"]})

    assert found.to_dict() == {
        "purchase_repeat_days": 1, "purchase_recency_days": 60, "purchase_age_days": 90,
        "days_since_activity": 30, "days_since_event": 2,
    }  # fmt: skip


def test_three_alarms_together_are_told_apart_from_one(dataset_of):
    tables = {
        "events": [event(ago(100 + n)) for n in range(100)] + [event(ago(1), who="bob")],
        "contacts": [{"customer_id": "ann", "contact_id": "1", "role": "champion",
                      "active_from": ago(400), "active_until": ago(20)}],
        "surveys": [{"customer_id": "ann", "answered_at": ago(9), "kind": "nps", "score": 3.0}],
    }  # fmt: skip
    names = ["signals_together", "three_signals_together", "champion_lost"]
    found = one(dataset_of, tables, names=names)

    assert found.to_dict() == {
        "signals_together": 3, "three_signals_together": 1, "champion_lost": 1,
    }  # fmt: skip


def test_what_never_changes_is_unknown_before_it_is_known(dataset_of):
    people = [customer("ann", signed_up_at=ago(10), known_at=ago(3), region="north", plan="gold")]
    found = computed(dataset_of, {"customers": people}, as_ofs=[ago(7), T0])

    assert found["profile_region"].isna().tolist() == [True, False]
    assert found["profile_region"].iloc[1] == "north"
    assert found["days_since_sign_up"].iloc[1] == 10
    assert "profile_plan" not in found, "plan is not listed as immutable"


@pytest.fixture
def company(dataset_of):
    """Customers with some months of events, tickets and messages; snapshots with gaps."""
    rng = np.random.default_rng(5)
    people = [f"c{n}" for n in range(12)]

    def times(number):
        return [ago(float(day)) for day in rng.uniform(0, 200, number)]

    events = [event(t, str(rng.choice(["login", "report"])), str(rng.choice(people)),
                    value=float(rng.random())) for t in times(300)]  # fmt: skip
    tickets = [{"customer_id": str(rng.choice(people)), "ticket_id": str(n), "opened_at": t,
                "resolved_at": t + 5 * DAY} for n, t in enumerate(times(60))]  # fmt: skip
    messages = [{"customer_id": str(rng.choice(people)), "message_id": str(n), "sent_at": t,
                 "author": str(rng.choice(["customer", "staff"])), "text": "x" * n}
                for n, t in enumerate(times(80))]  # fmt: skip
    tables = {"customers": [customer(who) for who in people], "events": events,
              "tickets": tickets, "messages": messages}  # fmt: skip
    weeks = [T0 - 7 * n * DAY for n in range(12)]
    pairs = [(who, at) for who in people for at in weeks if rng.random() < 0.8]
    return tables, pd.DataFrame(pairs, columns=["customer_id", "as_of"])


def dataset_from(dataset_of, tables):
    return dataset_of(tables, until="2027-01-01", description=ROLES)


def test_chunks_row_order_and_threads_change_no_bit(dataset_of, company):
    tables, snapshots = company
    plain = compute_features(dataset_from(dataset_of, tables), snapshots)
    turned = {name: rows[::-1] for name, rows in tables.items()}
    dataset = dataset_from(dataset_of, turned)
    dataset.connection.execute("set threads = 1")

    chunked = compute_features(dataset, snapshots.sample(frac=1, random_state=1), chunk_customers=5)

    assert_frame_equal(plain, chunked, check_exact=True)


def test_one_as_of_alone_equals_the_same_as_of_in_a_long_or_daily_series(dataset_of, company):
    tables, snapshots = company
    dataset = dataset_from(dataset_of, tables)
    days = pd.concat([snapshots, snapshots.assign(as_of=snapshots["as_of"] - 2 * DAY)])
    together = compute_features(dataset, days)

    for as_of in (T0, T0 - 2 * DAY, T0 - 35 * DAY):
        alone = compute_features(dataset, days[days["as_of"] == as_of])
        part = together[together.index.get_level_values("as_of") == as_of]
        assert_frame_equal(part, alone, check_exact=True)


def test_leaving_rows_out_of_the_table_changes_no_rank_of_the_others(dataset_of, company):
    tables, snapshots = company
    dataset = dataset_from(dataset_of, tables)
    kept = pd.Series(np.arange(len(snapshots)) % 3 == 0, index=snapshots.index)

    found = compute_features(dataset, snapshots, kept=kept)

    wanted = pd.MultiIndex.from_frame(snapshots.loc[kept, ["customer_id", "as_of"]])
    everyone = compute_features(dataset, snapshots)
    assert_frame_equal(found, everyone[everyone.index.isin(wanted)], check_exact=True)
    alone = compute_features(dataset, snapshots[kept])
    assert not found["events_28d_percentile"].equals(alone["events_28d_percentile"])


def test_the_frame_is_sorted_numeric_and_finite(dataset_of, company):
    tables, snapshots = company
    found = compute_features(dataset_from(dataset_of, tables), snapshots.iloc[::-1])

    assert found.index.is_monotonic_increasing
    assert found.index.names == ["customer_id", "as_of"]
    numbers = found.drop(columns=[c for c in found if c.startswith("profile_")])
    assert (numbers.dtypes == "float64").all()
    assert not np.isinf(numbers.to_numpy()).any()


@pytest.mark.parametrize(
    ("snapshots", "said"),
    [
        ({"customer": ["ann"], "as_of": [T0]}, "customer_id is missing"),
        ({"customer_id": ["ann", "ann"], "as_of": [T0, T0]}, "ann at 2026-03-02"),
        ({"customer_id": ["ann", None], "as_of": [T0, T0]}, "empty customer_id"),
        ({"customer_id": ["ann"], "as_of": [T0.tz_localize("UTC")]}, "naive UTC"),
    ],
)
def test_unusable_snapshots_are_refused_with_what_to_do(dataset_of, snapshots, said):
    dataset = dataset_from(dataset_of, {"customers": [customer("ann")]})

    with pytest.raises(InputError, match=said):
        compute_features(dataset, pd.DataFrame(snapshots))


def test_no_snapshots_give_an_empty_table_with_all_columns(dataset_of):
    dataset = dataset_from(dataset_of, {"customers": [customer("ann")]})
    nobody = pd.DataFrame({"customer_id": ["ann"], "as_of": [T0]}).iloc[:0]

    found = compute_features(dataset, nobody)

    assert found.empty
    assert list(found.columns) == [feature.name for feature in catalogue(dataset)]
