"""Intervals by customer, the yardstick as a whole, and the paired comparison."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from churnml.alerting import Policy
from churnml.errors import InputError
from churnml.evaluation import (
    PairedDifference,
    evaluate,
    evaluate_random,
    paired_difference,
    random_scores,
)
from churnml.evaluation.intervals import bootstrap, percentile_interval
from churnml.evaluation.leads import outlook, queue_figures, scored_keys
from churnml.evaluation.reference import chances
from churnml.windows import LabelWindow

MONDAY = pd.Timestamp("2026-01-05")
WINDOW = LabelWindow(lead_days=21, horizon_days=28, delay_days=14)
POLICY = Policy(q=0.05)
OBSERVED_UNTIL = MONDAY + pd.Timedelta(days=400)
NAMES = {
    "average_precision", "roc_auc", "precision", "recall", "f1", "brier", "ece", "lift_at_10pct",
    "recall_at_lead_21d", "recall_above_random", "alert_precision", "median_lead_days",
    "alerts_per_week",
}  # fmt: skip


def story(people: int = 80, weeks: int = 26, *, seed: int = 1) -> dict[str, object]:
    """Weekly rows of customers of whom a third leave, with a score that knows something."""
    rng = np.random.default_rng(seed)
    names = np.array([f"c{i:03}" for i in range(people)])
    leaves_on = np.where(rng.random(people) < 0.35, rng.integers(20, 240, people), 10_000)
    number, week = np.tile(np.arange(people), weeks), np.repeat(np.arange(weeks), people)
    notice = leaves_on[number] - 7 * week
    kept = notice >= 0
    number, week, notice = number[kept], week[kept], notice[kept]
    churned = (notice >= 21) & (notice < 49)
    probability = 1 / (1 + np.exp(3 - 2 * churned - rng.normal(size=len(notice))))
    scores = pd.DataFrame(
        {
            "customer_id": names[number],
            "as_of": MONDAY + pd.to_timedelta(7 * week, unit="D"),
            "score": probability,
            "probability": probability,
        }
    )
    labels = pd.Series(np.where(churned, "churned", np.where(notice < 21, "left_early", "stayed")))
    exits = MONDAY + pd.to_timedelta(np.where(leaves_on < 10_000, leaves_on, np.nan), unit="D")
    spells = pd.DataFrame(
        {"customer_id": names, "started_at": MONDAY - pd.Timedelta(days=9), "exit_at": exits}
    )
    return {"scores": scores, "labels": labels, "spells": spells}


def leaves(document: object, path: str = "") -> dict[str, object]:
    """The values of nested JSON by their path."""
    if isinstance(document, dict):
        parts = [leaves(value, f"{path}.{name}") for name, value in document.items()]
    elif isinstance(document, list):
        parts = [leaves(value, f"{path}.{place}") for place, value in enumerate(document)]
    else:
        return {path: document}
    return {name: value for part in parts for name, value in part.items()}


def judged(life: dict[str, object], **changes: object):
    arguments = {
        "window": WINDOW, "policy": POLICY, "observed_until": OBSERVED_UNTIL, "resamples": 60,
    }  # fmt: skip
    return evaluate(**{**life, **arguments, **changes})


@pytest.fixture(scope="module")
def life() -> dict[str, object]:
    return story()


@pytest.fixture(scope="module")
def evaluation(life):
    return judged(life)


def test_every_figure_of_the_contract_is_there_with_an_interval_around_it(evaluation):
    assert set(evaluation.metrics) >= NAMES
    for name in NAMES - {"late_alerts"}:
        low, high = evaluation.intervals[name]
        assert low <= evaluation.metrics[name] <= high, name
    assert list(evaluation.lead_recall) == [str(week) for week in range(1, 9)]
    assert list(evaluation.by_q) == ["0.005", "0.01", "0.02", "0.05"]
    assert evaluation.by_q["0.05"]["recall_at_lead_21d"] == evaluation.metrics["recall_at_lead_21d"]
    assert evaluation.notes == ()


def test_the_json_is_plain_and_has_the_names_of_the_contract(evaluation):
    document = json.loads(json.dumps(evaluation.as_json(), allow_nan=False))

    assert set(document) >= {
        "metrics", "intervals", "base_rate", "n_rows", "n_positive", "n_exits", "lead_recall",
    }  # fmt: skip
    assert document["intervals"]["average_precision"] == list(
        evaluation.intervals["average_precision"]
    )


def test_the_same_seed_gives_the_same_evaluation(life, evaluation):
    assert judged(life).as_json() == evaluation.as_json()
    assert judged(life, seed=1).as_json()["intervals"] != evaluation.as_json()["intervals"]


def test_the_order_of_rows_and_spells_plays_no_part(life, evaluation):
    order = np.random.default_rng(5).permutation(len(life["scores"]))
    shuffled = {
        "scores": life["scores"].iloc[order],
        "labels": life["labels"].iloc[order],
        "spells": life["spells"].iloc[::-1],
    }

    again, once = leaves(judged(shuffled).as_json()), leaves(evaluation.as_json())

    assert list(again) == list(once)
    for path, value in once.items():
        near = value if value is None else pytest.approx(value, rel=1e-9)
        assert again[path] == near, path


def test_the_headline_is_unmoved_by_scores_of_another_scale(life, evaluation):
    monotone = {**life, "scores": life["scores"].assign(score=lambda f: np.log(f["score"]))}

    again = judged(monotone)

    assert again.metrics["recall_at_lead_21d"] == evaluation.metrics["recall_at_lead_21d"]
    assert again.metrics["average_precision"] == pytest.approx(
        evaluation.metrics["average_precision"]
    )


def test_recall_above_random_is_the_share_of_what_chance_leaves(evaluation):
    recall = evaluation.metrics["recall_at_lead_21d"]
    random = evaluation.metrics["random_recall_at_lead_21d"]

    assert evaluation.metrics["recall_above_random"] == pytest.approx(
        (recall - random) / (1 - random)
    )
    assert 0 < random < recall


def test_chance_is_measured_by_the_same_yardstick(life, evaluation):
    random = evaluate_random(
        life["scores"], life["labels"], life["spells"], window=WINDOW, policy=POLICY,
        observed_until=OBSERVED_UNTIL, resamples=40,
    )  # fmt: skip

    assert set(random.metrics) == set(evaluation.metrics)
    assert random.metrics["recall_above_random"] == 0
    assert random.metrics["recall_at_lead_21d"] == (evaluation.metrics["random_recall_at_lead_21d"])
    assert random.metrics["alerts_per_week"] == pytest.approx(
        evaluation.metrics["alerts_per_week"], rel=0.1
    )
    assert random.metrics["roc_auc"] == pytest.approx(0.5, abs=0.08)
    assert random.metrics["brier"] is None


def test_chance_catches_what_its_formula_says():
    people, weeks, q = 200, 40, 0.02
    names = [f"c{i}" for i in range(people)]
    rows = pd.DataFrame(
        {
            "customer_id": np.tile(names, weeks),
            "as_of": np.repeat(pd.date_range(MONDAY, periods=weeks, freq="7D"), people),
        }
    )
    last_day = 7 * (weeks - 1)
    spells = pd.DataFrame(
        {
            "customer_id": names,
            "started_at": MONDAY - pd.Timedelta(days=9),
            "exit_at": MONDAY + pd.Timedelta(days=last_day),
        }
    )
    ahead = outlook(rows, spells, observed_until=OBSERVED_UNTIL, delay_days=14)
    keys = scored_keys(ahead, rows.assign(score=1.0))

    found = chances(ahead, keys, {"": Policy(q=q, quiet_days=0)}, seed=0, draws=50)[""]

    # Nine weekly as_ofs lie 21 to 83 days before the exit, each alerts 4 of 200 customers.
    assert found.figures["recall_at_lead_21d"] == pytest.approx(1 - 0.98**9, abs=0.01)


def test_a_customer_drawn_twice_counts_as_two():
    life = story(people=30)
    ahead = outlook(life["scores"], life["spells"], observed_until=OBSERVED_UNTIL, delay_days=14)
    everyone_alerted = np.nonzero(scored_keys(ahead, life["scores"]) > -np.inf)
    lines, columns = everyone_alerted
    doubled = np.repeat(np.arange(30), 2)
    twice = (np.repeat(lines, 2), np.concatenate([[2 * c, 2 * c + 1] for c in columns]))

    once_figures = queue_figures(ahead, lines, columns)
    twice_figures = queue_figures(ahead, *twice, doubled)

    assert twice_figures["n_alerts"] == 2 * once_figures["n_alerts"]
    assert twice_figures["late_alerts"] == 2 * once_figures["late_alerts"]
    for name in ("recall_at_lead_21d", "alert_precision", "median_lead_days", "lead_recall_4"):
        assert twice_figures[name] == pytest.approx(once_figures[name]), name


def test_intervals_are_wider_where_rows_of_a_customer_repeat():
    number = np.repeat(np.arange(20), 20)
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{i:02}" for i in number],
            "as_of": MONDAY + pd.to_timedelta(7 * np.tile(np.arange(20), 20), unit="D"),
            "score": number / 20,
        }
    )
    strangers = rows.assign(customer_id=[f"r{i}" for i in range(len(rows))])
    labels = pd.Series(np.where(number < 7, "churned", "stayed"))

    def width(scores: pd.DataFrame) -> float:
        found = judged({"scores": scores, "labels": labels, "spells": None}, resamples=200)
        low, high = found.intervals["base_rate"]
        return high - low

    # Twenty equal rows a customer: the interval is the square root of twenty times as wide, and
    # once more because seven people tell less of their spread than 140 (Student's t).
    few = (7 / 6) ** 0.5 * 2.447 / 1.96
    assert width(strangers) > 0.05
    assert width(rows) == pytest.approx(20**0.5 * few * width(strangers), rel=0.2)


def test_without_dated_exits_there_are_no_queue_figures(life):
    for spells in (None, life["spells"].iloc[:0]):
        found = judged({**life, "spells": spells}, resamples=20)

        assert found.metrics["recall_at_lead_21d"] is None
        assert found.metrics["average_precision"] is not None
        assert found.lead_recall is None
        assert found.n_exits is None
        assert any("no dated exits" in note for note in found.notes)


def test_one_class_only_is_said_and_does_not_fail(life):
    stayed = life["labels"].where(life["labels"] != "churned", "stayed")

    found = judged({**life, "labels": stayed}, resamples=20)

    assert found.metrics["average_precision"] is None
    assert found.intervals["average_precision"] is None
    assert any("one class is missing" in note for note in found.notes)


def test_one_customer_at_one_as_of_is_enough_not_to_fail():
    scores = pd.DataFrame({"customer_id": ["a"], "as_of": [MONDAY], "probability": [0.5]})
    spells = pd.DataFrame(
        {
            "customer_id": ["a"],
            "started_at": [MONDAY - pd.Timedelta(days=1)],
            "exit_at": [pd.NaT],
        }
    ).astype({"exit_at": "datetime64[us]"})

    found = judged({"scores": scores, "labels": pd.Series(["stayed"]), "spells": spells})

    assert found.n_alerts == 1
    assert found.metrics["alert_precision"] == 0
    assert found.metrics["recall_at_lead_21d"] is None


def test_a_label_known_too_early_is_refused(life):
    with pytest.raises(InputError, match="before it can be known"):
        judged(life, observed_until=MONDAY + pd.Timedelta(days=100))


def test_unscored_rows_are_counted_in_a_note(life):
    holes = life["scores"].assign(score=lambda f: f["score"].mask(f.index < 3))

    found = judged({**life, "scores": holes}, resamples=10)

    assert any(note.startswith("3 labelled rows") for note in found.notes)


def test_an_interval_needs_the_figure_in_most_resamples():
    assert percentile_interval(np.array([1.0, np.nan, np.nan])) is None
    assert percentile_interval(np.array([1.0, 2.0, np.nan])) == (1.025, 1.975)
    assert percentile_interval(np.array([])) is None


def test_a_bootstrap_draws_as_many_customers_as_there_are():
    sizes = bootstrap(
        lambda drawn, _: {"size": float(len(drawn)), "highest": float(drawn.max())},
        n_customers=5, resamples=50, seed=0,
    )  # fmt: skip

    assert set(sizes["size"]) == {5.0}
    assert sizes["highest"].max() == 4


def test_the_same_score_does_not_differ_from_itself(life):
    found = paired_difference(life["scores"], life["scores"], life["labels"], resamples=50)

    assert (found.mean, found.standard_error, found.lower) == (0, 0, 0)
    assert found.not_worse_by(0.02)


def test_a_random_challenger_is_worse_and_the_champion_is_not(life):
    random = life["scores"].assign(score=random_scores(life["scores"], seed=1))

    worse = paired_difference(life["scores"], random, life["labels"], resamples=100)
    better = paired_difference(random, life["scores"], life["labels"], resamples=100)

    assert not worse.not_worse_by(0.02)
    assert better.not_worse_by(0.02)
    assert better.mean == pytest.approx(better.challenger - better.champion)
    assert better.lower < better.mean


@pytest.mark.parametrize(("lower", "passes"), [(-0.0019, True), (-0.0021, False)])
def test_the_bound_decides_and_not_the_mean(lower: float, passes: bool):
    found = PairedDifference(
        champion=0.1,
        challenger=0.11,
        mean=0.01,
        standard_error=0.01,
        lower=lower,
        upper=0.05,
        confidence=0.9,
    )

    assert found.not_worse_by(0.02) is passes


def test_too_little_data_for_a_bound_is_not_a_pass(life):
    stayed = pd.Series("stayed", index=life["labels"].index)

    found = paired_difference(life["scores"], life["scores"], stayed, resamples=10)

    assert not found.not_worse_by(0.02)


def test_the_comparison_needs_the_same_rows(life):
    with pytest.raises(InputError, match="same rows"):
        paired_difference(life["scores"], life["scores"].iloc[::-1], life["labels"])


def test_an_evaluation_cannot_be_changed(evaluation):
    with pytest.raises(dataclasses.FrozenInstanceError):
        evaluation.n_rows = 3
