"""How true reasons are: which topics tell a cause, what a trace is, what contradicts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churnml.alerting.queue import Policy
from churnml.config import Features, Folds, Study
from churnml.evaluation.audit import Audit
from churnml.evaluation.forward import Fitting
from churnml.explanation.audit import examine_reasons, reasons_check, with_reasons
from churnml.explanation.causes import SHOWS_IN, own_topics
from churnml.explanation.changes import Change
from churnml.explanation.choosing import Told
from churnml.explanation.quality import ReasonQuality, judge, reason_quality
from churnml.explanation.topics import Topic, topic_of
from churnml.explanation.truth import Moves, Truth, own_moves, useful_alerts
from churnml.features.catalogue import catalogue
from churnml.features.declaration import Family, Feature, Unit
from churnml.model.boosting import Parameters
from churnml.model.examples import prepare
from churnml.sources import open_dataset
from churnml.sources.description import Description
from churnml.sources.world import simulate
from churnml.sources.world.parameters import SHIFTS, draw_world
from churnml.windows import DAY

MONDAY = pd.Timestamp("2026-03-02")
WEEK = 7 * DAY
USAGE, PLAN = ("usage", "usage_coaching"), ("billing", "right_sized_plan")
TICKETS, SILENT = ("support", "support_escalation"), ("support", "check_in_call")


def test_a_cause_is_known_by_what_it_shifts_nearly_most():
    causes = {
        "fade": {"share": 0.5, "segments": [1.0], "sessions": 0.10, "pricing": 1.2},
        "price": {"share": 0.5, "sessions": 0.40, "pricing": 8.0},
        "quiet": {"sessions": 0.15, "tickets": 0.2},
        "pain": {"tickets": 5.0, "tone": -1.0},
    }
    found = own_topics(causes)

    assert USAGE in found["fade"] and USAGE in found["quiet"]  # noqa: PT018
    assert found["price"] == {PLAN}
    assert found["pain"] == {TICKETS, ("conversation", "personal_message")}
    assert SILENT in found["quiet"] and TICKETS not in found["quiet"]  # noqa: PT018


def test_a_lower_share_lets_weaker_effects_tell_a_cause():
    causes = {"a": {"pricing": 16.0}, "b": {"pricing": 4.0}}

    assert own_topics(causes)["b"] == frozenset()
    assert own_topics(causes, share=0.5)["b"] == {PLAN}


def test_every_effect_of_the_world_has_topics_and_every_topic_has_features():
    world = draw_world("saas", weeks=52, rng=np.random.default_rng(0))
    known = {topic_of(one) for one in catalogue(Description())}

    assert set(world.effects) <= set(SHOWS_IN)
    assert set(SHIFTS) <= set(SHOWS_IN)
    told = {topic for topics in SHOWS_IN.values() for topic in topics}
    assert told <= known


EXITS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "exit_at": [MONDAY + 21 * DAY, MONDAY + 84 * DAY, MONDAY + 30 * DAY, MONDAY + 30 * DAY],
        "cause": ["price", "price", "sudden", "silence"],
        "signal_began_at": [MONDAY - WEEK, MONDAY - WEEK, pd.NaT, MONDAY - WEEK],
    }
)


def test_useful_is_an_alert_21_to_84_days_before_an_exit_that_shows():
    alerts = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b", "c", "d", "e"],
            "as_of": [MONDAY, MONDAY + DAY, MONDAY, MONDAY + DAY, MONDAY, MONDAY, MONDAY],
        }
    )
    found = useful_alerts(alerts, EXITS).sort_values("customer_id")

    assert found[["customer_id", "notice_days", "cause"]].values.tolist() == [
        ["a", 21.0, "price"], ["b", 83.0, "price"], ["d", 30.0, "silence"],
    ]  # fmt: skip


#: Six weeks before the signal, then one after it, at which the alert lies.
WEEKS = [MONDAY - number * WEEK for number in range(6, 0, -1)]
VALUES = pd.DataFrame(
    {
        "logins": [10.0, 12.0, 10.0, 12.0, 10.0, 12.0, 5.0],
        "silence": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0],
        "price": [0.0] * 7,
        "nps": [np.nan] * 6 + [3.0],
    },
    index=pd.MultiIndex.from_product([["a"], [*WEEKS, MONDAY]], names=["customer_id", "as_of"]),
)
CASE = pd.DataFrame({"customer_id": ["a"], "as_of": MONDAY, "signal_began_at": WEEKS[-1]})


def test_a_move_is_measured_from_the_mean_of_the_own_weeks_before_the_signal():
    found = own_moves(CASE, VALUES)

    assert found.weeks.to_list() == [6]
    assert found.change.loc[0, ["logins", "silence", "price"]].to_list() == [-6.0, 2.0, 0.0]
    assert found.deviations.loc[0, "logins"] == pytest.approx(-6.0 / np.std([10, 12] * 3, ddof=1))
    assert found.deviations.loc[0, "silence"] == np.inf
    assert found.deviations.loc[0, "price"] == 0.0
    assert pd.isna(found.change.loc[0, "nps"])


def test_weeks_after_the_signal_and_older_than_half_a_year_are_no_baseline():
    began = CASE.assign(signal_began_at=WEEKS[2])
    old = CASE.assign(as_of=MONDAY, signal_began_at=WEEKS[0] + 27 * WEEK)

    assert own_moves(began, VALUES).weeks.to_list() == [3]
    assert own_moves(old, VALUES).weeks.to_list() == [5]


def moved(**deviations: list[float]) -> Moves:
    table = pd.DataFrame(deviations)
    return Moves(table, table, pd.Series(9, index=table.index))


FEATURES = tuple(
    Feature(
        name=name, value=None, title={"en": name, "ru": name}, unit=Unit.COUNT,
        family=Family(topic[0]), risk=risk, play=topic[1],
    )
    for name, topic, risk in (
        ("logins", USAGE, -1), ("pricing", PLAN, 1), ("reopened", TICKETS, 1),
        ("tickets", TICKETS, 0),
    )
)  # fmt: skip
KNOWN_BY = {"price": frozenset({PLAN}), "fade": frozenset({USAGE})}


def said(name: str, risk: int = 0) -> Told:
    """The reason that this feature tells; a direction of its own where it has none."""
    feature = next(one for one in FEATURES if one.name == name)
    topic = Topic(*topic_of(feature), 1.0, (name,))
    return Told(topic, replace(feature, risk=feature.risk or risk), Change(1.0, 2.0, MONDAY, 9))


def judged(told, moves, causes=("price", "fade")):
    told = [[one if isinstance(one, Told) else said(one) for one in names] for names in told]
    cases = pd.DataFrame({"customer_id": ["a", "b"], "as_of": MONDAY, "cause": list(causes),
                          "notice_days": 30.0})  # fmt: skip
    return judge(cases, told, moves=moves, known_by=KNOWN_BY, features=FEATURES)


def test_a_cause_is_named_by_a_reason_of_its_topics_and_traced_by_a_move_of_one_deviation():
    found = judged(
        [["logins", "pricing"], ["reopened"]],
        moved(logins=[-0.5, -0.9], pricing=[1.0, 3.0], reopened=[0.0, -2.0]),
    )

    assert found["traced"].to_list() == [True, False]
    assert found["named"].to_list() == [True, False]


def test_a_reason_that_moved_away_from_leaving_contradicts_and_an_unknown_move_does_not():
    found = judged(
        [["logins", "reopened"], ["pricing", "logins"]],
        moved(logins=[0.1, -2.0], pricing=[0.0, np.nan], reopened=[0.0, 0.0]),
    )

    assert found["told"].to_list() == [2, 1]
    assert found["against"].to_list() == [1, 0]


def test_chance_is_how_often_the_reasons_of_other_causes_would_name_this_one():
    found = judged([["logins"], ["pricing"]], moved(logins=[-2.0, -2.0], pricing=[2.0, 2.0]))
    alone = judged([["logins"], ["pricing"]], moved(logins=[-2.0] * 2, pricing=[2.0] * 2),
                   causes=("price", "price"))  # fmt: skip

    assert found["named"].to_list() == [False, False]
    assert found["named_by_chance"].to_list() == [1.0, 1.0]
    assert alone["named_by_chance"].isna().all()


def test_without_four_weeks_before_the_signal_nothing_is_judged():
    moves = replace(moved(logins=[2.0, -2.0]), weeks=pd.Series([4, 3]))
    found = judged([["logins"], ["logins"]], moves)

    assert found["told"].to_list() == [1, 0]
    assert found["against"].to_list() == [1, 0]
    assert not found["traced"].any()


def test_a_reason_told_by_a_number_of_no_direction_moves_as_the_signal_that_it_tells():
    more = moved(tickets=[2.0, 2.0])
    found = judged([[said("tickets", 1)], [said("tickets", -1)]], more)

    assert found["against"].to_list() == [0, 1]


def quality(*, named: int, against: int, count: int = 25) -> ReasonQuality:
    cases = pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(count)],
            "cause": "price",
            "traced": True,
            "named": np.arange(count) < named,
            "named_by_chance": 0.2,
            "told": 2,
            "against": (np.arange(count) < against).astype(int),
        }
    )
    overlap = pd.DataFrame({"customer_id": ["c0", "c1"], "other_seed": [1.0, 0.5]})
    telling = pd.DataFrame({"customer_id": ["c0", "c1"], "untold": [False, True],
                            "vague": [True, False], "told": [4, 0],
                            "lowering": [1, 0]})  # fmt: skip
    return ReasonQuality(cases, overlap, telling, seed=1)


def test_the_figures_are_shares_with_their_intervals_and_numbers():
    found = quality(named=20, against=5).figures()

    assert found["cause_named"]["value"] == 0.8
    assert found["cause_named"]["low"] < 0.8 < found["cause_named"]["high"]
    assert found["contradicting"]["value"] == 0.1
    assert (found["cause_named"]["n"], found["contradicting"]["n"]) == (25, 50)
    assert found["stability_other_seed"]["value"] == 0.75
    assert [found[name]["value"] for name in ("untold", "vague", "lowering")] == [0.5, 0.5, 0.25]


def test_figures_of_nothing_are_unknown():
    nothing = quality(named=0, against=0, count=0)

    assert nothing.figures()["cause_named"] == {"value": None, "low": None, "high": None, "n": 0}


@pytest.mark.parametrize(
    ("named", "against", "passed", "count"),
    [(20, 5, True, 0), (19, 5, False, 1), (20, 6, False, 1), (0, 25, False, 2)],
)
def test_the_doctor_wants_four_causes_in_five_named_and_one_contradiction_in_ten(
    named, against, passed, count
):
    findings, check = reasons_check(quality(named=named, against=against))

    assert check.passed is passed
    assert [one.severity for one in findings] == ["warning"] * count


def test_from_few_alerts_nothing_is_concluded_and_without_a_truth_nothing_is_said():
    _, check = reasons_check(quality(named=5, against=0, count=19))
    audit = Audit((), ())

    assert check.passed is None
    assert with_reasons(audit, None) == audit
    assert with_reasons(audit, quality(named=20, against=5)).checks[0].passed


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reasons")
    simulate(folder / "w", customers=220, weeks=44, seed=9)
    return folder / "w"


def test_the_reasons_of_a_world_are_held_against_its_truth(world, tmp_path):
    dataset = open_dataset(world / "data")
    needed = {"days_since_activity", "tenure_days"}
    few = [one.name for one in catalogue(dataset)[::3] if one.name not in needed]
    drop = [one.name for one in catalogue(dataset) if one.name not in {*few[::2], *needed}]
    study = Study(folds=Folds(blocks=1, test_every_days=70), features=Features(drop=tuple(drop)))
    examples, folds = prepare(dataset, study=study, cache=tmp_path, say=lambda _: None)
    fitting = Fitting.of(study, parameters=Parameters(max_depth=2, trees=20))
    truth = Truth.beside(world / "data")
    found = reason_quality(
        dataset, truth, examples, folds=folds, fitting=fitting, policy=Policy(q=0.05, seed=1),
        shares=(0.5, 0.9),
    )  # fmt: skip
    told = found[0.5].as_json()

    assert set(found[0.5].overlap) == {"customer_id", "other_seed", "month_less"}
    assert found[0.9].cases["named"].sum() <= found[0.5].cases["named"].sum()
    assert told["alerts"] >= told["useful_alerts"] >= told["traced"] > 0
    assert len(found[0.5].telling) == told["alerts"]
    assert json.dumps(told)


def test_without_a_truth_beside_the_data_there_is_no_quality(tmp_path):
    study = Study()

    assert Truth.beside(tmp_path / "data") is None
    assert (
        examine_reasons(tmp_path, dataset_file=None, study=study, cache=tmp_path, say=print) is None
    )
