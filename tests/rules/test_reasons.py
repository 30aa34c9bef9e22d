"""Reasons: topics by their summed contribution, each play once, each told by a telling signal."""

import numpy as np
import pandas as pd
import pytest

from churnml.config import Alerts, Study
from churnml.explanation import reasons
from churnml.explanation.past import Past
from churnml.explanation.reasons import choose, explained
from churnml.explanation.telling import says_the_same
from churnml.explanation.topics import topics
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


def chosen(weights, usual=0.0, **weeks):
    """Features that tell the reasons, for contributions and thirteen weekly values of each."""
    row = {one.name: 0.0 for one in FEATURES} | weights | {"bias": -3.0}
    found = topics(pd.DataFrame([row]), features=FEATURES)[0]
    lives = {one.name: weeks.get(one.name, [usual] * 13) for one in FEATURES}
    pairs = pd.MultiIndex.from_tuples([("ann", NOW)], names=["customer_id", "as_of"])
    values = np.array([lives[one.name] for one in FEATURES], dtype="float64").T[None]
    past = Past(pairs, tuple(lives), values)
    usually = pd.Series({one.name: usual for one in FEATURES})
    told = choose(found, TELLERS, past, 0, usual=usually)
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
