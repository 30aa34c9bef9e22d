"""Life stories and what the label says of them. Every story is at risk on 2026-01-01."""

import pandas as pd
import pytest

from churnml import snapshots
from churnml.labels import label, spells, with_exits
from churnml.snapshots import take_snapshots
from churnml.windows import LabelWindow

AS_OF = pd.Timestamp("2026-01-01")
UNTIL = "2026-12-01"
WINDOW = LabelWindow(lead_days=21, horizon_days=28, delay_days=14)


def days(number: float) -> str:
    return str(AS_OF + pd.Timedelta(days=number))


def story(dataset_of, *subscriptions, until=UNTIL, churn=None):
    """One customer whose subscriptions begin and end so many days after the as_of."""
    rows = [
        {"subscription_id": str(number), "customer_id": "a", "started_at": days(start),
         "ended_at": days(end) if end is not None else None,
         "end_reason": reason[0] if reason else None}
        for number, (start, end, *reason) in enumerate(subscriptions)
    ]  # fmt: skip
    return dataset_of(
        {"customers": [{"customer_id": "a", "signed_up_at": days(-400)}], "subscriptions": rows},
        until=until,
        description={"churn": {"kind": "contract", **(churn or {})}},
    )


def label_of(dataset) -> str:
    return label(dataset, take_snapshots(dataset, [AS_OF]), window=WINDOW).item()


@pytest.mark.parametrize(
    ("subscriptions", "expected"),
    [
        ([(-100, None)], "stayed"),
        ([(-100, 20.999)], "left_early"),
        ([(-100, 21)], "churned"),
        ([(-100, 48.999)], "churned"),
        ([(-100, 49)], "stayed"),
        ([(-100, 0)], "left_early"),
        ([(-100, -0.001)], None),
        ([(-100, 0.001)], "left_early"),
        ([(-100, 30), (43.9, None)], "stayed"),
        ([(-100, 30), (44, None)], "churned"),
        ([(-100, 30), (30, None)], "stayed"),
        ([(-100, 30), (-50, 35)], "churned"),
        ([(-100, 30), (-50, None)], "stayed"),
        ([(-100, 5), (15, 30)], "churned"),
        ([(-100, 5), (25, 30)], "left_early"),
        ([(-100, 30, "involuntary")], "unknown"),
        ([(-100, 49, "involuntary")], "stayed"),
        ([(-100, 10, "involuntary")], "unknown"),
        ([(-100, -40), (-20, None)], "stayed"),
    ],
)  # fmt: skip
def test_a_contract_story_gets_the_label_of_its_spell(dataset_of, subscriptions, expected):
    dataset = story(dataset_of, *subscriptions)

    if expected is None:
        assert take_snapshots(dataset, [AS_OF]).empty
    else:
        assert label_of(dataset) == expected


@pytest.mark.parametrize(
    ("subscriptions", "expected"),
    [
        ([(0, None)], "unknown"),
        ([(-0.001, None)], "stayed"),
        ([(-100, -40), (0, 30)], "unknown"),
        ([(-100, -40), (-0.001, 30)], "churned"),
    ],
)
def test_what_begins_at_the_as_of_is_not_known_then(dataset_of, subscriptions, expected):
    asked = pd.DataFrame({"customer_id": ["a"], "as_of": [AS_OF]})

    assert label(story(dataset_of, *subscriptions), asked, window=WINDOW).item() == expected


def test_an_involuntary_end_is_an_exit_where_the_company_says_so(dataset_of):
    dataset = story(dataset_of, (-100, 30, "involuntary"), churn={"involuntary": "exit"})

    assert label_of(dataset) == "churned"


@pytest.mark.parametrize(("until", "expected"), [(62.999, "unknown"), (63, "churned")])
def test_a_label_is_unknown_until_window_and_grace_have_passed(dataset_of, until, expected):
    assert label_of(story(dataset_of, (-100, 30), until=days(until))) == expected


def test_a_renewal_at_the_same_instant_is_no_exit_without_grace(dataset_of):
    dataset = story(dataset_of, (-100, 30), (30, None), churn={"grace_days": 0})

    assert spells(dataset)["exit_at"].isna().all()


def test_a_customer_inside_the_grace_is_not_at_risk(dataset_of):
    dataset = story(dataset_of, (-100, -3), (5, None))

    assert take_snapshots(dataset, [AS_OF]).empty


def test_a_win_back_starts_a_new_spell_with_its_own_exit(dataset_of):
    dataset = story(dataset_of, (-100, -40), (-20, 30))

    found = spells(dataset)

    assert found["exit_at"].tolist() == [pd.Timestamp(days(-40)), pd.Timestamp(days(30))]
    assert take_snapshots(dataset, [AS_OF])["spell_started_at"].item() == pd.Timestamp(days(-20))


def test_an_end_that_lies_ahead_does_not_end_the_risk(dataset_of):
    dataset = story(dataset_of, (-100, 3))

    assert len(take_snapshots(dataset, [AS_OF])) == 1


def test_a_subscription_not_yet_known_puts_nobody_at_risk(dataset_of):
    rows = {"subscription_id": "1", "customer_id": "a", "started_at": days(-5), "known_at": days(0)}
    dataset = dataset_of(
        {"customers": [{"customer_id": "a", "signed_up_at": days(-9)}], "subscriptions": [rows]},
        until=UNTIL,
    )

    assert take_snapshots(dataset, [AS_OF]).empty


def shopper(dataset_of, *purchases, kind="inactivity", until=UNTIL):
    return dataset_of(
        {
            "customers": [{"customer_id": "a", "signed_up_at": days(-400)}],
            "events": [
                {"customer_id": "a", "event_time": days(day), "name": "purchase"}
                for day in purchases
            ],
        },
        until=until,
        description={"churn": {"kind": kind, "silence_days": 90, "activity": ["purchase"]}},
    )


@pytest.mark.parametrize(("known", "at_risk"), [(-1, 1), (0, 0)])
def test_an_activity_not_yet_known_puts_nobody_at_risk(dataset_of, known, at_risk):
    bought = {"customer_id": "a", "event_time": days(-5), "name": "purchase"}
    dataset = dataset_of(
        {
            "customers": [{"customer_id": "a", "signed_up_at": days(-9)}],
            "events": [{**bought, "known_at": days(known)}],
        },
        until=UNTIL,
        description={"churn": {"kind": "inactivity", "silence_days": 90, "activity": ["purchase"]}},
    )

    assert len(take_snapshots(dataset, [AS_OF])) == at_risk


SILENT = LabelWindow(lead_days=21, horizon_days=28, delay_days=90)


@pytest.mark.parametrize(
    ("purchases", "expected"),
    [
        ([-30, 21], "churned"),
        ([-30, 20], "left_early"),
        ([-30, 21, 110.9], "stayed"),
        ([-30, 21, 111], "churned"),
        ([-30], "unknown"),
        ([-30, 0], "left_early"),
    ],
)  # fmt: skip
def test_silence_is_an_exit_at_the_last_activity(dataset_of, purchases, expected):
    dataset = shopper(dataset_of, *purchases)

    assert label(dataset, take_snapshots(dataset, [AS_OF]), window=SILENT).item() == expected


@pytest.mark.parametrize(("purchase", "at_risk"), [(-89.999, True), (-90, False)])
def test_the_silent_are_at_risk_until_the_silence_is_complete(dataset_of, purchase, at_risk):
    assert len(take_snapshots(shopper(dataset_of, purchase), [AS_OF])) == at_risk


@pytest.mark.parametrize(
    ("purchases", "expected"),
    [
        ([-5, 21], "stayed"), ([-5, 20.999], "churned"), ([-5, 48.999], "stayed"),
        ([-5, 49], "churned"), ([-300], "churned"), ([-5, 3, 30], "stayed"),
    ],
)  # fmt: skip
def test_absence_is_no_activity_in_the_window(dataset_of, purchases, expected):
    dataset = shopper(dataset_of, *purchases, kind="absence")
    window = LabelWindow(lead_days=21, horizon_days=28)

    assert label(dataset, take_snapshots(dataset, [AS_OF]), window=window).item() == expected


def test_exits_are_aligned_with_the_snapshots_whatever_their_order(dataset_of):
    dataset = story(dataset_of, (-100, -40), (-20, 30))
    snapshots = pd.DataFrame(
        {"customer_id": ["a", "a"], "as_of": [AS_OF, AS_OF - pd.Timedelta(days=60)]}, index=[7, 3]
    )

    found = with_exits(dataset, snapshots)

    assert found.index.tolist() == [7, 3]
    assert found["exit_at"].tolist() == [pd.Timestamp(days(30)), pd.Timestamp(days(-40))]


@pytest.mark.parametrize("kind", ["contract", "inactivity", "absence"])
def test_a_customer_who_is_not_in_the_data_has_no_known_label(dataset_of, kind):
    contract = kind == "contract"
    dataset = story(dataset_of, (-9, None)) if contract else shopper(dataset_of, 5, kind=kind)
    stranger = pd.DataFrame({"customer_id": ["'+7"], "as_of": [AS_OF]})

    assert label(dataset, stranger, window=SILENT).item() == "unknown"


@pytest.mark.parametrize("kind", ["contract", "inactivity"])
def test_many_as_ofs_in_one_statement_are_each_as_if_alone(dataset_of, monkeypatch, kind):
    begun = [(-100, -40), (-20, 5), (-60, -55), (30, None), (40, 45)]
    people = [{"customer_id": f"{n}", "signed_up_at": days(-400)} for n in range(len(begun))]
    subscriptions = [
        {"subscription_id": str(n), "customer_id": f"{n % 2}", "started_at": days(start),
         "ended_at": days(end) if end is not None else None}
        for n, (start, end) in enumerate(begun)
    ]  # fmt: skip
    events = [{"customer_id": f"{n}", "event_time": days(start), "name": "x"}
              for n, (start, _) in enumerate(begun)]  # fmt: skip
    dataset = dataset_of(
        {"customers": people, "subscriptions": subscriptions, "events": events},
        until=UNTIL, description={"churn": {"kind": kind}},
    )  # fmt: skip
    as_ofs = [pd.Timestamp(days(number)) for number in range(-120, 60, 15)]
    together = take_snapshots(dataset, as_ofs)
    monkeypatch.setattr(snapshots, "_ROWS", 1)
    alone = take_snapshots(dataset, as_ofs)

    assert 0 < together["as_of"].nunique() < len(as_ofs)
    pd.testing.assert_frame_equal(together, alone)
