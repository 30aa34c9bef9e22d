"""The health score on tables small enough to check by eye: what is ill, what unknown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churnml.config import parse
from churnml.errors import InputError
from churnml.health import Preset, group_risks, health, learn_weights, read_preset, risk_points
from churnml.health.preset import shipped_presets
from churnml.health.score import health_table, rows_by_colour

MONDAY = pd.Timestamp("2026-01-05")
TITLE = {"en": "x", "ru": "x"}


def features(as_of: pd.Timestamp = MONDAY, **columns: list[float]) -> pd.DataFrame:
    """A feature table of customers 0, 1, 2, … at one as_of."""
    length = len(next(iter(columns.values())))
    index = pd.MultiIndex.from_product(
        [[str(i) for i in range(length)], [as_of]], names=["customer_id", "as_of"]
    )
    return pd.DataFrame(columns, index=index)


def preset(*groups: dict, **rest: object) -> Preset:
    named = [{"title": TITLE, "weight": 1, **group} for group in groups]
    return parse(Preset, {"title": TITLE, "groups": named, **rest}, where="test")


def group(name: str, *signals: dict, **rest: object) -> dict:
    return {"name": name, "signals": list(signals), **rest}


def of(table: pd.DataFrame, chosen: Preset) -> list[float]:
    return health(table, chosen)["health"].round(6).tolist()


def test_a_ramp_runs_evenly_from_well_to_ill():
    chosen = preset(group("use", {"feature": "ratio", "well": 1.0, "ill": 0.5}))

    assert of(features(ratio=[1.5, 1.0, 0.75, 0.5, 0.0]), chosen) == [100, 100, 50, 0, 0]


def test_a_rank_is_the_share_of_customers_who_are_better_off_at_the_same_as_of():
    chosen = preset(group("silence", {"feature": "days", "rank": 1}))
    earlier = features(MONDAY - pd.Timedelta(days=7), days=[90, 80])
    table = pd.concat([features(days=[1, 1, 5, 9, 30]), earlier])

    assert of(table, chosen) == [100, 100, 50, 25, 0, 0, 100]


def test_a_step_counts_from_above_the_value_on():
    chosen = preset(group("silence", {"feature": "days", "above": 30}))

    assert of(features(days=[30, 31, np.nan]), chosen)[:2] == [100, 0]


def test_groups_weigh_as_the_preset_says():
    chosen = preset(
        group("a", {"feature": "a", "above": 0}, weight=3),
        group("b", {"feature": "b", "above": 0}, weight=1),
    )

    assert of(features(a=[0, 1, 0, 1], b=[0, 0, 1, 1]), chosen) == [100, 25, 75, 0]


def test_a_missing_group_is_left_out_and_named():
    chosen = preset(
        group("a", {"feature": "a", "above": 0}, weight=3),
        group("b", {"feature": "b", "above": 0}, weight=1),
    )
    found = health(features(a=[np.nan, 0], b=[1, 1]), chosen)

    assert found["health"].tolist() == [0, 75]
    assert found["missing"].tolist() == ["a", ""]


def test_unknown_stays_unknown_and_says_why():
    chosen = preset(group("a", {"feature": "a", "above": 0}))
    found = health(features(a=[np.nan, 0]), chosen)

    assert np.isnan(found["health"].iloc[0])
    assert found["colour"].tolist() == [None, "green"]
    assert found["reason"].tolist() == ["no signal of any group is known", None]
    counts = rows_by_colour(found["colour"])
    assert counts == {"green": 1, "yellow": 0, "red": 0, "unknown": 1}


def test_colours_begin_at_their_bounds():
    chosen = preset(
        group("a", {"feature": "a", "well": 100, "ill": 0}), green_from=70, yellow_from=40
    )
    found = health(features(a=[70, 69.9, 40, 39.9]), chosen)

    assert found["colour"].tolist() == ["green", "yellow", "yellow", "red"]


@pytest.mark.parametrize(("combine", "expected"), [("mean", 50), ("worst", 0), ("first", 100)])
def test_signals_of_a_group_combine_as_the_preset_says(combine: str, expected: float):
    signals = ({"feature": "a", "above": 0}, {"feature": "b", "above": 0})
    chosen = preset(group("g", *signals, combine=combine))
    table = features(a=[0, np.nan], b=[1, 1])

    assert of(table, chosen) == [expected, 0]


def test_a_segment_has_its_own_weights():
    chosen = preset(
        group("a", {"feature": "a", "above": 0}),
        group("b", {"feature": "b", "above": 0}),
        segments={"by": "industry", "weights": {"bank": {"a": 3}}},
    )
    table = features(a=[1, 1], b=[0, 0]).assign(profile_industry=["bank", "shop"])

    assert of(table, chosen) == [25, 50]


def test_daily_login_without_key_functions_is_never_green():
    chosen = read_preset("default")
    table = features(
        events_own_deviation_4w=[0, 0, 0], events_drop_strength=[0, 0, 0],
        days_since_activity=[0, 0, 0], active_days_28d=[28, 28, 28],
        key_use_28d=[0, 12, 15], key_use_own_deviation_4w=[0, 0, 0],
        missed_tasks_share=[0, 0, 0],
    )  # fmt: skip
    gamed, honest, _ = health(table.drop(columns="key_use_own_deviation_4w"), chosen)["health"]

    assert gamed < chosen.green_from
    assert honest == 100
    assert health(table, chosen)["colour"].tolist() == ["yellow", "green", "green"]


def test_the_points_of_the_source_are_added():
    table = features(
        billing_tickets_28d=[0, 2, 0, 1], days_since_message=[30, 3, 31, 40],
        days_since_activity=[90, 90, 0, 0],
    )  # fmt: skip

    assert risk_points(table, read_preset("seed_points")).tolist() == [0, 5, 8, 13]


def test_tone_and_price_are_read_from_what_was_written():
    table = features(
        negative_messages_28d=[0, 1, 3, 0, np.nan],
        said_price_complaint_28d=[0, 0, 1, 2, np.nan],
        billing_tickets_28d=[1, 1, 0, 0, 1], days_since_message=[3, 3, 40, 3, np.nan],
        days_since_activity=[0, 0, 0, 0, 0],
    )  # fmt: skip

    assert risk_points(table, read_preset("seed_points")).tolist() == [0, 2, 15, 5, 5]


def test_who_never_wrote_is_silent_when_the_product_is_not_used():
    table = features(days_since_message=[np.nan, np.nan], days_since_activity=[31, 3])

    assert risk_points(table, read_preset("seed_points")).tolist() == [8, 0]


def test_every_shipped_preset_can_be_read_and_has_five_to_seven_groups_or_is_a_sources():
    names = shipped_presets()

    assert names == ("default", "seed_points", "small_business")
    assert 5 <= len(read_preset("default").groups) <= 7
    assert 3 <= len(read_preset("small_business").groups) <= 5
    assert read_preset("seed_points").weights == {"tone": 2, "price": 5, "silence": 8}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": []}, "groups"),
        ({"green_from": 10}, "yellow_from lies above"),
        ({"groups": [{**group("a"), "title": TITLE, "weight": 1}] * 2}, "same name"),
        ({"groups": [{**group("a"), "title": TITLE, "weight": 0}]}, "weight above 0"),
        ({"segments": {"by": "plan", "weights": {"x": {"nobody": 1}}}}, "unknown groups: nobody"),
        ({"colour": "pink"}, "unknown key"),
    ],
)
def test_a_preset_that_means_nothing_is_refused(change: dict, message: str):
    content = {"title": TITLE, "groups": [{**group("a"), "title": TITLE, "weight": 1}]}

    with pytest.raises(InputError, match=message):
        parse(Preset, content | change, where="mine.toml")


@pytest.mark.parametrize(
    "signal", [{}, {"rank": 1, "above": 0}, {"well": 1}, {"well": 1, "ill": 1}, {"rank": 2}]
)
def test_a_signal_becomes_risk_in_exactly_one_way(signal: dict):
    with pytest.raises(InputError):
        preset(group("a", {"feature": "a", **signal}))


def test_a_preset_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(InputError, match="default, seed_points, small_business"):
        read_preset("defualt")


def test_learned_weights_find_the_group_that_goes_with_leaving_and_reward_no_illness():
    rng = np.random.default_rng(5)
    telling, empty, reverse = rng.random((3, 4000))
    churned = rng.random(4000) < 0.02 + 0.3 * telling - 0.02 * reverse
    signals = [{"feature": name, "well": 0, "ill": 1} for name in ("telling", "empty", "reverse")]
    chosen = preset(*[group(signal["feature"], signal) for signal in signals])
    table = features(telling=list(telling), empty=list(empty), reverse=list(reverse))
    learned = learn_weights(table, churned, chosen)

    assert sum(learned.values()) == pytest.approx(3)
    assert learned["telling"] > 2.5
    assert learned["reverse"] < 0.1
    assert min(learned.values()) >= 0


def test_without_a_leaver_the_hand_set_weights_stay():
    chosen = preset(group("a", {"feature": "a", "above": 0}, weight=4))

    assert learn_weights(features(a=[0, 1]), np.array([False, False]), chosen) == {"a": 4}


def test_a_row_has_the_health_of_every_group():
    chosen = preset(group("use", {"feature": "a", "well": 1, "ill": 0}), group("none"))
    table = health_table(features(a=[0.25]), chosen)

    assert table["group_use"].tolist() == [25]
    assert table["group_none"].isna().all()


def test_order_of_the_rows_plays_no_part():
    rng = np.random.default_rng(2)
    table = features(days_since_activity=list(rng.integers(0, 9, 30)), key_use_28d=[1.0] * 30)
    mixed = table.sample(frac=1, random_state=1)
    chosen = read_preset("default")

    pd.testing.assert_frame_equal(group_risks(mixed, chosen).loc[table.index],
                                  group_risks(table, chosen))  # fmt: skip
