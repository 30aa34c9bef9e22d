"""Reasons: topics by their summed contribution, each play once, each told by a telling signal."""

import pandas as pd
import pytest

from churnml.explanation import reasons
from churnml.features.algebra import LAST_4_WEEKS, Rows
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.operators import total


def feature(name, family, play, risk=1):
    value = total(Rows("events"), "value", LAST_4_WEEKS)
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
