"""Reasons: topics by their summed contribution, each play once, each told by a telling signal."""

import numpy as np
import pandas as pd
import pytest

from churnml.config import Alerts, Study
from churnml.explanation import reasons
from churnml.explanation.changes import Peers
from churnml.explanation.choosing import choose
from churnml.explanation.past import Past
from churnml.explanation.reasons import explained
from churnml.explanation.telling import is_composite, says_the_same, told_by
from churnml.explanation.topics import Topic, topics
from churnml.features import catalogue
from churnml.features.algebra import LAST_4_WEEKS, Rows
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.operators import count
from churnml.features.row_sources import EVENTS
from churnml.sources.description import Description


def feature(name, family, play, risk=1):
    value = count(Rows(EVENTS, f"name = '{name}'"), LAST_4_WEEKS)
    return Feature(name=name, value=value, title={"en": name, "ru": f"ru {name}"}, unit=Unit.COUNT,
                   family=family, risk=risk, play=play)  # fmt: skip


TALK, HELP = Family.CONVERSATION, Family.SUPPORT
FEATURES = (
    feature("tone", TALK, "write"), feature("greetings", TALK, "write"),
    feature("usual_tone", TALK, "write", risk=0), feature("asked_export", TALK, "migrate"),
    feature("export_tickets", HELP, "migrate"), feature("reopened", HELP, "mend"),
    feature("industry", Family.PROFILE, "call", risk=0),
)  # fmt: skip


def said(**values):
    row = {one.name: 0.0 for one in FEATURES} | values | {"bias": -3.0}
    return reasons(pd.DataFrame([row]), features=FEATURES).iloc[0]


def names(**values):
    return [one["feature"] for one in said(**values)]


def test_topics_of_one_family_are_told_apart_by_their_plays():
    assert names(tone=0.5, greetings=0.4, asked_export=0.3, reopened=0.2) == [
        "tone", "asked_export", "reopened",
    ]  # fmt: skip


def test_a_play_is_told_once_whatever_the_family():
    assert names(asked_export=0.3, export_tickets=0.4, reopened=0.1) == [
        "export_tickets", "reopened",
    ]  # fmt: skip


def test_many_weak_signals_of_a_topic_outweigh_a_single_stronger_one():
    found = said(tone=0.2, greetings=0.2, reopened=0.3)

    assert [one["feature"] for one in found] == ["tone", "reopened"]
    assert found[0]["contribution"] == pytest.approx(0.4)


def test_what_speaks_against_a_topic_counts():
    assert names(tone=0.3, greetings=-0.4, reopened=0.1) == ["reopened"]


def test_a_signal_of_no_known_direction_is_no_reason_and_adds_to_none():
    found = said(tone=0.1, usual_tone=0.4, reopened=0.3, industry=0.9)

    assert [one["feature"] for one in found] == ["reopened", "tone"]
    assert found[1]["contribution"] == pytest.approx(0.1)


def test_reasons_stop_where_nothing_raises_the_score():
    assert names(tone=-0.2) == []


NOW = pd.Timestamp("2026-03-02")
TELLERS = {one.name: (one,) for one in FEATURES}


def life(values):
    """The thirteen weeks of ann, for each feature."""
    pairs = pd.MultiIndex.from_tuples([("ann", NOW)], names=["customer_id", "as_of"])
    return Past(pairs, tuple(values), np.array(list(values.values()), dtype="float64").T[None])


def told_of_life(weights, usual=0.0, **weeks):
    """The reasons, for contributions and thirteen weekly values of each feature."""
    row = {one.name: 0.0 for one in FEATURES} | weights | {"bias": -3.0}
    found = topics(pd.DataFrame([row]), features=FEATURES)[0]
    lives = {one.name: weeks.get(one.name, [usual] * 13) for one in FEATURES}
    usually = pd.Series({one.name: usual for one in FEATURES})
    return choose(found, TELLERS, life(lives), 0, usual=usually)


def chosen(weights, usual=0.0, **weeks):
    """Feature, earlier and present level of each reason."""
    told = told_of_life(weights, usual, **weeks)
    return [(one.feature.name, one.change.was, one.change.now) for one in told]


def stepped(was, now, weeks=3):
    return [was] * (13 - weeks) + [now] * weeks


def test_a_topic_is_told_by_its_strongest_signal_that_went_the_risky_way():
    found = chosen({"tone": 0.6, "greetings": 0.5}, tone=stepped(5, 2), greetings=stepped(1, 4))

    assert found == [("greetings", 1, 4)]


def test_a_reopened_ticket_that_the_linear_member_counts_as_safer_is_no_reason():
    assert chosen({"reopened": -0.3}, reopened=stepped(0, 3)) == []
    assert chosen({"reopened": 0.3}, reopened=stepped(3, 0)) == []


def test_what_stands_on_the_risky_side_of_the_usual_is_told_unchanged():
    assert chosen({"reopened": 0.3}, usual=1.0, reopened=[4] * 13) == [("reopened", 4, 4)]
    assert chosen({"reopened": 0.3}, usual=4.0, reopened=[4] * 13) == []


def test_a_topic_that_nothing_tells_makes_room_for_the_next():
    found = chosen(
        {"tone": 0.6, "asked_export": 0.4, "reopened": 0.3},
        asked_export=stepped(0, 3), reopened=stepped(0, 2),
    )  # fmt: skip

    assert [name for name, _, _ in found] == ["asked_export", "reopened"]


def test_a_customer_of_few_weeks_is_told_by_a_level_and_called_new():
    lives = {one.name: [np.nan] * 10 + [1.0] * 3 for one in FEATURES}
    late = {"reopened": [np.nan] * 12 + [4]}
    new = told_of_life({"tone": 0.6, "reopened": 0.3}, 1.0, **(lives | late))
    lives["tone"] = [np.nan] * 8 + [1.0] * 5
    known = told_of_life({"tone": 0.6, "reopened": 0.3}, 1.0, **(lives | late))

    assert [(one.feature.name, one.peers) for one in new] == [("reopened", Peers(1.0, True))]
    assert [(one.feature.name, one.peers) for one in known] == [("reopened", Peers(1.0, False))]


def test_a_level_that_moved_away_from_leaving_is_not_told_even_if_nothing_else_is():
    assert chosen({"reopened": 0.3}, usual=1.0, reopened=stepped(9, 3)) == []
    assert chosen({"reopened": 0.3}, usual=1.0, reopened=stepped(3, 4)) == [("reopened", 3, 4)]


def test_an_unchanged_level_is_told_beside_the_usual_one_and_a_change_is_not():
    stood = told_of_life({"reopened": 0.3}, usual=1.0, reopened=[4] * 13)
    went = told_of_life({"reopened": 0.3}, usual=1.0, reopened=stepped(0, 4))

    assert [one.peers for one in (*stood, *went)] == [Peers(1.0), None]


ROLES = {"login": ["login"], "key": ["report"], "pricing": ["price"], "export": ["export"]}
KNOWN = {f.name: f for f in catalogue(Description.model_validate({"events": ROLES}))}


def test_what_counts_other_signals_is_told_by_those_whose_direction_is_known():
    told = told_by(KNOWN["three_signals_together"], tuple(KNOWN.values()))
    flag = told_by(KNOWN["export_with_price_or_competitor"], tuple(KNOWN.values()))

    assert {"events_28d", "exports_28d", "champions_left_84d", "nps_last"} <= {
        one.name for one in told
    }
    assert all(one.risk and not is_composite(one.value) for one in told)
    assert [one.name for one in flag] == ["export_with_price_or_competitor"]


def test_what_counts_other_signals_comes_last_whatever_it_weighs():
    features = (*FEATURES, KNOWN["signals_together"])
    row = {one.name: 0.0 for one in features} | {"signals_together": 2.0, "tone": 0.1, "bias": -3.0}
    found = topics(pd.DataFrame([row]), features=features)[0]

    assert [(one.play, one.vague) for one in found] == [("write", False), ("account_review", True)]


def test_what_counts_other_signals_is_told_as_the_topic_of_the_part_that_changed():
    names = ("signals_together", "overdue_invoices", "exports_28d")
    values = {"signals_together": stepped(1, 3), "overdue_invoices": [2] * 13,
              "exports_28d": stepped(0, 5)}  # fmt: skip
    topic = Topic("relationship", "account_review", 0.7, names[:1], (0.7,), vague=True)
    tellers = {names[0]: [KNOWN["overdue_invoices"], KNOWN["exports_28d"]]}
    [told] = choose([topic], tellers, life(values), 0, usual=pd.Series(dict.fromkeys(names, 9.0)))

    assert (told.feature.name, told.topic.weight) == ("exports_28d", 0.7)
    assert (told.topic.family, told.topic.play) == ("adoption", "migration_talk")


@pytest.mark.parametrize(("q", "count"), [(0.02, 72), (0.005, 50), (0.2, 400)])
def test_whoever_may_be_alerted_is_explained(q, count):
    index = pd.MultiIndex.from_product([range(400), [NOW]], names=["customer_id", "as_of"])
    study = Study(alerts=Alerts(q=q))

    assert explained(pd.Series(np.arange(400.0), index), study=study).sum() == count


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("events_28d", "days_since_event", True),
        ("logins_28d", "events_28d", True),
        ("functions_used_28d", "logins_7d", True),
        ("events_28d", "pricing_views_28d", False),
        ("logins_28d", "key_use_28d", False),
        ("tone_mean_28d", "said_export_request_28d", False),
        ("tickets_reopened_28d", "export_tickets_28d", False),
    ],
)
def test_two_reasons_do_not_tell_the_same_rows(one, other, same):
    roles = {"login": ["login"], "key": ["report"], "pricing": ["price"]}
    known = {f.name: f for f in catalogue(Description.model_validate({"events": roles}))}

    assert says_the_same(known[one], known[other]) is same
    assert says_the_same(known[other], known[one]) is same


def test_counts_that_move_as_by_chance_are_no_reason():
    assert chosen({"reopened": 0.3}, usual=9.0, reopened=stepped(4, 6)) == []
    assert chosen({"reopened": 0.3}, usual=9.0, reopened=stepped(0, 1)) == [("reopened", 0, 1)]
