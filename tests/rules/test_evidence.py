"""The rows behind a feature: those it counts, the newest five, nothing that was not known."""

from datetime import timedelta

import pandas as pd
import pytest

from churnml.explanation.evidence import evidence_of
from churnml.explanation.open_problem import open_problems
from churnml.features import catalogue

T0 = pd.Timestamp("2026-03-02")
DAY = timedelta(days=1)
ROLES = {"events": {"login": ["login"]}}
PAIRS = pd.MultiIndex.from_tuples([("ann", T0), ("bob", T0)], names=["customer_id", "as_of"])


def ago(days):
    return T0 - days * DAY


def dataset(dataset_of, tables):
    people = [{"customer_id": who, "signed_up_at": ago(700)} for who in ("ann", "bob")]
    return dataset_of({"customers": people, **tables}, until="2027-01-01", description=ROLES)


def behind(data, name, pairs=PAIRS):
    """Ids and days ago of the evidence of ann."""
    feature = next(f for f in catalogue(data) if f.name == name)
    rows = evidence_of(data, feature, pairs).get(("ann", T0), [])
    return [(row["table"], row["id"], (T0 - row["at"]).days) for row in rows]


def ticket(key, opened, **more):
    return {"ticket_id": key, "customer_id": "ann", "opened_at": ago(opened), **more}


def step(key, kind, days, **more):
    return {"ticket_id": key, "event_time": ago(days), "kind": kind, **more}


def event(days, name="login", who="ann", **more):
    return {"customer_id": who, "event_time": ago(days), "name": name, **more}


def test_the_newest_five_rows_of_the_window_and_of_the_customer(dataset_of):
    rows = [event(days) for days in (1, 3, 5, 6, 8, 20, 27, 29)]
    data = dataset(dataset_of, {"events": [*rows, event(2, who="bob"), event(2, "search")]})

    assert behind(data, "logins_28d") == [("events", "login", d) for d in (1, 3, 5, 6, 8)]
    assert behind(data, "logins_7d") == [("events", "login", d) for d in (1, 3, 5, 6)]


@pytest.mark.parametrize(
    ("days", "known", "seen"), [(0, 0, False), (1, 0, False), (1, 0.5, True), (28, 28, True),
                                (28.5, 28.5, False)]
)  # fmt: skip
def test_a_row_is_evidence_only_before_the_as_of_and_once_known(dataset_of, days, known, seen):
    data = dataset(dataset_of, {"events": [event(days, known_at=ago(known))]})

    assert bool(behind(data, "logins_28d")) is seen


def test_a_later_column_is_not_read_before_its_time(dataset_of):
    solved = ticket("T1", 9, resolved_at=ago(-1), csat=1.0, csat_at=ago(-1))
    rated = ticket("T2", 9, resolved_at=ago(5), csat=1.0, csat_at=ago(4))
    data = dataset(dataset_of, {"tickets": [solved, rated]})

    assert behind(data, "low_ticket_csat_182d") == [("tickets", "T2", 4)]


def test_open_tickets_are_those_whose_last_known_step_left_them_open(dataset_of):
    data = dataset(
        dataset_of,
        {
            "tickets": [ticket("T1", 20), ticket("T2", 15), ticket("T3", 10)],
            "ticket_events": [
                step("T1", "resolved", 12), step("T1", "reopened", 6),
                step("T2", "resolved", 3), step("T3", "resolved", 2, known_at=ago(0)),
            ],
        },
    )  # fmt: skip

    assert behind(data, "unresolved_ticket_age") == [("tickets", "T3", 10), ("tickets", "T1", 20)]
    assert behind(data, "tickets_reopened_28d") == [("ticket_events", "T1", 6)]


def test_overdue_invoices_are_those_not_paid_as_far_as_known(dataset_of):
    def bill(key, due, **more):
        return {"invoice_id": key, "customer_id": "ann", "issued_at": ago(due + 14), "amount": 9.0,
                "due_at": ago(due), **more}  # fmt: skip

    bills = [bill("I1", 20, paid_at=ago(18)), bill("I2", 10), bill("I3", 5, paid_at=ago(-2)),
             bill("I4", -3)]  # fmt: skip
    data = dataset(dataset_of, {"invoices": bills})

    assert behind(data, "overdue_invoices") == [("invoices", "I3", 5), ("invoices", "I2", 10)]


def test_a_share_shows_the_rows_of_its_part(dataset_of):
    sent = [
        {"customer_id": "ann", "sent_at": ago(d), "kind": kind, "opened_at": opened}
        for d, kind, opened in ((9, "campaign", None), (7, "check_in", ago(6)))
    ]
    data = dataset(dataset_of, {"outreach": sent})

    assert behind(data, "open_rate_28d") == [("outreach", "check_in", 7)]


def test_a_recency_shows_the_last_row(dataset_of):
    data = dataset(dataset_of, {"events": [event(9), event(30)]})

    assert behind(data, "days_since_event") == [("events", "login", 9)]


def test_every_feature_of_every_family_has_a_query_that_runs(dataset_of):
    data = dataset(dataset_of, {"events": [event(3)], "tickets": [ticket("T1", 3)]})

    for feature in catalogue(data):
        found = evidence_of(data, feature, PAIRS).get(("ann", T0), [])
        assert len(found) <= 5
        assert all(set(row) == {"table", "id", "at"} for row in found)


def message(key, days, author="customer", **more):
    return {"message_id": key, "customer_id": "ann", "sent_at": ago(days), "author": author,
            "text": "?", **more}  # fmt: skip


def test_a_message_waits_from_the_first_after_our_last_answer(dataset_of):
    talk = [message("M1", 9), message("M2", 8, "staff"), message("M3", 5), message("M4", 2),
            message("M5", 1, "staff", known_at=ago(0))]  # fmt: skip
    data = dataset(dataset_of, {"messages": talk})

    found = open_problems(data, PAIRS)
    assert set(found) == {("ann", T0)}
    problem = found["ann", T0]
    assert (problem["table"], problem["id"], problem["since"]) == ("messages", "M3", ago(5))
    assert problem["text_en"].replace("\u00a0", " ") == (
        "The customer's message of 25 February has no answer (5 days)"
    )
    assert problem["text_ru"].replace("\u00a0", " ") == (
        "Сообщение клиента от 25 февраля осталось без ответа (5 дней)"
    )


def test_the_oldest_open_ticket_comes_before_any_message(dataset_of):
    tables = {"messages": [message("M1", 20)], "tickets": [ticket("T1", 21), ticket("T2", 3)],
              "ticket_events": [step("T2", "replied", 2)]}  # fmt: skip
    problem = open_problems(dataset(dataset_of, tables), PAIRS)["ann", T0]

    assert problem["id"] == "T1"
    assert (
        problem["text_en"].replace("\u00a0", " ") == "Ticket T1 is open since 9 February (21 days)"
    )
    assert problem["text_ru"].replace("\u00a0", " ") == "Обращение T1 открыто с 9 февраля (21 день)"


def test_what_is_answered_resolved_or_long_ago_is_no_problem(dataset_of):
    tables = {"messages": [message("M1", 40)], "tickets": [ticket("T1", 9)],
              "ticket_events": [step("T1", "resolved", 1)]}  # fmt: skip

    assert open_problems(dataset(dataset_of, tables), PAIRS) == {}
