"""By what rows and exits are cut, on tables drawn by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from churnml.evaluation.cuts import BANDS, Cuts, cuts
from churnml.labels import spells

AS_OF = "2026-03-02"
UNTIL = "2026-09-01"


def cut_rows(dataset, rows: list[tuple[str, str]]) -> Cuts:
    """The cuts of rows given as (customer, as_of)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "as_of"])
    frame["as_of"] = pd.to_datetime(frame["as_of"]).astype("datetime64[us]")
    return cuts(dataset, frame, spells(dataset))


def customer(name: str, **columns: object) -> dict[str, object]:
    return {"customer_id": name, "signed_up_at": "2025-01-01", **columns}


def subscription(name: str, started: str = "2025-01-01", **columns: object) -> dict[str, object]:
    return {
        "subscription_id": f"{name}-{started}", "customer_id": name, "started_at": started,
        **columns,
    }  # fmt: skip


def change(name: str, at: str, value: str, **columns: object) -> dict[str, object]:
    return {
        "customer_id": name, "changed_at": at, "attribute": "segment", "value": value, **columns,
    }  # fmt: skip


def segments(dataset_of, changes: list[dict[str, object]], rows: list[tuple[str, str]]):
    dataset = dataset_of(
        {
            "customers": [customer("a", segment="today"), customer("b", segment="today")],
            "subscriptions": [subscription("a"), subscription("b")],
            "attribute_changes": changes,
        },
        until=UNTIL,
    )
    return cut_rows(dataset, rows).rows["segment"].tolist()


def test_a_segment_is_the_last_one_known_at_the_as_of_and_never_that_of_today(dataset_of):
    changes = [change("a", "2026-01-01", "small"), change("a", AS_OF, "large")]

    found = segments(dataset_of, changes, [("a", AS_OF), ("a", "2026-03-03"), ("b", AS_OF)])

    assert found == ["small", "large", "unknown"]


def test_a_change_that_had_not_arrived_at_the_as_of_does_not_count(dataset_of):
    changes = [
        change("a", "2026-01-01", "small"),
        change("a", "2026-02-01", "large", known_at=AS_OF),
    ]

    assert segments(dataset_of, changes, [("a", AS_OF), ("a", "2026-03-03")]) == ["small", "large"]


def test_an_older_change_that_arrives_late_does_not_undo_a_newer_one(dataset_of):
    changes = [
        change("a", "2026-02-01", "large"),
        change("a", "2026-01-01", "small", known_at="2026-02-20"),
    ]

    assert segments(dataset_of, changes, [("a", AS_OF), ("b", AS_OF)]) == ["large", "unknown"]


def test_a_plan_without_changes_on_record_is_the_one_subscribed_to_at_the_as_of(dataset_of):
    dataset = dataset_of(
        {
            "customers": [customer("a", plan="today")],
            "subscriptions": [
                subscription("a", plan="basic", ended_at="2026-03-05"),
                subscription("a", "2026-03-05", plan="gold"),
            ],
        },
        until=UNTIL,
    )

    found = cut_rows(dataset, [("a", AS_OF), ("a", "2026-03-05"), ("a", "2026-03-06")])

    assert found.rows["plan"].tolist() == ["basic", "basic", "gold"]


def test_only_lasting_attributes_with_few_values_are_slices(dataset_of):
    people = [
        customer(f"c{n}", region=f"r{n % 2}", industry=f"i{n}", channel="web") for n in range(20)
    ]
    dataset = dataset_of(
        {"customers": people, "subscriptions": [subscription(f"c{n}") for n in range(20)]},
        until=UNTIL,
        description={"customers": {"immutable": ["region", "industry", "channel", "absent"]}},
    )

    found = cut_rows(dataset, [(f"c{n}", AS_OF) for n in range(20)]).rows

    # Twenty industries tell single customers, one channel tells nothing.
    assert list(found) == ["region"]


@pytest.mark.parametrize(
    ("started", "band"),
    [("2025-12-03", 0), ("2025-12-02", 1), ("2025-03-02", 1), ("2025-03-01", 2)],
)
def test_tenure_runs_in_bands_from_the_start_of_the_spell(dataset_of, started: str, band: int):
    dataset = dataset_of(
        {
            "customers": [customer(name, signed_up_at="2020-01-01") for name in "abc"],
            "subscriptions": [
                subscription("a", started),
                subscription("b", "2026-03-01"),
                subscription("c", "2020-01-01"),
            ],
        },
        until=UNTIL,
    )

    found = cut_rows(dataset, [("a", AS_OF), ("b", AS_OF), ("c", AS_OF)]).rows["tenure"]

    assert found.tolist() == [BANDS[band], BANDS[0], BANDS[2]]


def test_an_owner_who_never_changed_is_the_one_of_today(dataset_of):
    new_owner = {**change("b", "2026-02-01", "olga"), "attribute": "owner"}
    later_owner = {**change("c", "2026-04-01", "olga"), "attribute": "owner"}
    dataset = dataset_of(
        {
            "customers": [customer("a", owner="ivan"), customer("b", owner="olga"),
                          customer("c", owner="olga")],
            "subscriptions": [subscription(name) for name in "abc"],
            "attribute_changes": [new_owner, later_owner],
        },
        until=UNTIL,
    )  # fmt: skip

    rows = [("a", AS_OF), ("b", "2026-01-05"), ("b", AS_OF), ("c", AS_OF)]

    assert cut_rows(dataset, rows).rows["owner"].tolist() == ["ivan", "unknown", "olga", "unknown"]


EXIT = "2026-04-01"
#: 28 days before the exit, to the second.
EDGE, BEFORE_EDGE = "2026-03-04 00:00:00", "2026-03-03 23:59:59"


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("tickets", {"opened_at": EDGE}, "loud"),
        ("tickets", {"opened_at": BEFORE_EDGE}, "silent"),
        ("tickets", {"opened_at": "2026-03-31 23:59:59"}, "loud"),
        ("tickets", {"opened_at": EXIT}, "silent"),
        ("surveys", {"answered_at": EDGE, "kind": "exit"}, "loud"),
        ("surveys", {"answered_at": BEFORE_EDGE, "kind": "exit"}, "silent"),
        ("surveys", {"answered_at": EXIT, "kind": "exit"}, "silent"),
        ("surveys", {"answered_at": EDGE, "kind": "nps"}, "silent"),
    ],
)
def test_a_leaver_is_loud_with_a_ticket_or_an_exit_survey_in_the_28_days_before(
    dataset_of, table: str, row: dict[str, object], said: str
):
    other = {"ticket_id": "t0", "customer_id": "b", "opened_at": "2026-03-20"}
    own = {"customer_id": "a", **({"ticket_id": "t1"} if table == "tickets" else {}), **row}
    tables = {"tickets": [other], "surveys": []}
    dataset = dataset_of(
        {
            "customers": [customer("a"), customer("b")],
            "subscriptions": [subscription("a", ended_at=EXIT), subscription("b", ended_at=EXIT)],
            **tables,
            table: [*tables[table], own],
        },
        until=UNTIL,
    )

    assert cut_rows(dataset, [("a", AS_OF)]).exits["leavers"].tolist() == [said, "loud"]


COLD, WARM = "Это безобразие, мы крайне недовольны!", "Спасибо, всё отлично работает!"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"sent_at": EDGE, "text": COLD}, "loud"),
        ({"sent_at": BEFORE_EDGE, "text": COLD}, "silent"),
        ({"sent_at": "2026-03-31 23:59:59", "text": COLD}, "loud"),
        ({"sent_at": EXIT, "text": COLD}, "silent"),
        ({"sent_at": EDGE, "text": WARM}, "silent"),
        ({"sent_at": EDGE, "text": COLD, "author": "staff"}, "silent"),
        ({"sent_at": EDGE, "text": COLD, "customer_id": "c"}, "silent"),
    ],
)
def test_a_leaver_is_loud_with_a_negative_message_of_their_own_in_the_28_days_before(
    dataset_of, tmp_path, monkeypatch, row: dict[str, object], said: str
):
    monkeypatch.chdir(tmp_path)  # where scores of texts are kept
    kept = {"message_id": "m0", "customer_id": "b", "author": "customer", "sent_at": "2026-03-20",
            "text": COLD}  # fmt: skip
    dataset = dataset_of(
        {
            "customers": [customer("a"), customer("b")],
            "subscriptions": [subscription("a", ended_at=EXIT), subscription("b", ended_at=EXIT)],
            "messages": [kept, {**kept, "message_id": "m1", "customer_id": "a", **row}],
        },
        until=UNTIL,
    )

    assert cut_rows(dataset, [("a", AS_OF)]).exits["leavers"].tolist() == [said, "loud"]


def test_a_message_before_two_exits_makes_both_loud(dataset_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = {"message_id": "m", "customer_id": "a", "author": "customer", "sent_at": "2026-03-05",
               "text": COLD}  # fmt: skip
    ends = [("2025-01-01", "2026-03-06"), ("2026-03-10", EXIT)]
    dataset = dataset_of(
        {
            "customers": [customer("a")],
            "subscriptions": [
                {**subscription("a", start, ended_at=end), "subscription_id": start}
                for start, end in ends
            ],
            "messages": [message],
        },
        until=UNTIL,
        description={"churn": {"grace_days": 0}},
    )

    assert cut_rows(dataset, [("a", AS_OF)]).exits["leavers"].tolist() == ["loud", "loud"]


def test_without_tickets_and_messages_nobody_is_called_silent(dataset_of):
    dataset = dataset_of(
        {"customers": [customer("a")], "subscriptions": [subscription("a", ended_at=EXIT)]},
        until=UNTIL,
    )

    assert list(cut_rows(dataset, [("a", AS_OF)]).exits) == []


@pytest.mark.parametrize("feed", ["tickets", "messages"])
def test_a_leaver_outside_of_a_feed_is_unknown(dataset_of, feed: str):
    ticket = {"ticket_id": "t0", "customer_id": "b", "opened_at": "2026-03-20"}
    dataset = dataset_of(
        {
            "customers": [customer("a"), customer("b")],
            "subscriptions": [subscription("a", ended_at=EXIT), subscription("b", ended_at=EXIT)],
            "tickets": [ticket],
        },
        until=UNTIL,
    )
    dataset.connection.execute(f"insert into coverage values ('a', '{feed}', false)")

    assert cut_rows(dataset, [("a", AS_OF)]).exits["leavers"].tolist() == ["unknown", "loud"]
