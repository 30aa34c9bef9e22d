"""Rules are mined on earlier snapshots, confirmed on later ones, and said in plain words."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from churnml.evaluation.conditions import Condition, conditions
from churnml.evaluation.relative_risk import Outcomes, benjamini_hochberg, relative_risk
from churnml.evaluation.rule_book import MinedRules
from churnml.evaluation.rules import Panel, RuleBook, find_rules
from churnml.features import catalogue
from churnml.sources.description import Description

KNOWN = {feature.name: feature for feature in catalogue(Description())}
NAMES = (
    "downgrades_182d", "days_since_activity", "tickets_28d", "mrr", "events_28d", "nps_last",
    "open_rate_84d", "days_since_downgrade",
)  # fmt: skip
FACTOR = 4.0


def panel(seed: int, *, factor: float = FACTOR, customers: int = 2000, weeks: int = 6) -> Panel:
    """Customers of whom a sixth moved to a cheaper plan: exits are so many times as likely then."""
    rng = np.random.default_rng(seed)
    keys = [
        (f"c{seed}_{number}", pd.Timestamp("2026-01-05") + pd.Timedelta(weeks=week))
        for number in range(customers) for week in range(weeks)
    ]  # fmt: skip
    index = pd.MultiIndex.from_tuples(keys, names=["customer_id", "as_of"])
    person = np.repeat(np.arange(customers), weeks)
    moved = rng.choice([0, 0, 0, 0, 0, 1], customers)
    table = {name: rng.normal(size=customers)[person] + rng.normal(size=len(person))
             for name in NAMES}  # fmt: skip
    table["downgrades_182d"] = moved[person].astype(float)
    table["tickets_28d"] = rng.poisson(1.0, len(person)).astype(float)
    table["nps_last"] = np.where(rng.random(len(person)) < 0.5, np.nan, table["nps_last"])
    # Whoever leaves does so at one moment: the last weeks before it are all followed by an exit.
    leaves = rng.random(customers) < 0.06 * np.where(moved == 1, factor, 1.0)
    exits = leaves[person] & (np.tile(np.arange(weeks), customers) >= weeks // 2)
    return Panel(pd.DataFrame(table, index=index), pd.Series(exits))


def features() -> list:
    return [KNOWN[name] for name in NAMES]


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return find_rules(features(), earlier=panel(1), later=panel(2))


def test_a_planted_rule_is_found_first_with_its_factor_inside_the_interval(book):
    first = book.rules[0]
    [condition] = first.conditions

    assert first.confirmed
    assert (condition.feature.name, condition.comparison, condition.threshold) == (
        "downgrades_182d", ">=", 1.0,
    )  # fmt: skip
    assert first.later.low < FACTOR < first.later.high
    assert first.later.low > 2


def test_the_rest_is_noise_and_is_not_confirmed(book):
    assert [rule for rule in book.rules[1:] if rule.confirmed] == []
    assert book.looked_at > 50


@pytest.mark.parametrize("seed", range(6))
def test_on_shuffled_labels_nothing_survives(seed):
    rng = np.random.default_rng(seed)
    shuffled = []
    for part in (panel(1, customers=600), panel(2, customers=600)):
        leaving = part.exits.to_numpy().reshape(600, -1)
        shuffled.append(Panel(part.features, pd.Series(rng.permutation(leaving).ravel())))
    found = find_rules(features(), earlier=shuffled[0], later=shuffled[1])

    assert [rule for rule in found.rules if rule.confirmed] == []


def test_a_rule_of_the_earlier_weeks_that_fails_later_is_not_confirmed():
    found = find_rules(features(), earlier=panel(1), later=panel(2, factor=1.0))

    assert found.rules[0].mined.low > 1
    assert not found.rules[0].confirmed


def test_two_conditions_that_matter_only_together_are_told_together():
    def joint(seed: int) -> Panel:
        part = panel(seed, factor=1.0, customers=3000, weeks=4)
        rng = np.random.default_rng(seed)
        moved = part.features["downgrades_182d"].to_numpy().reshape(3000, -1)[:, 0] == 1
        silent = rng.random(3000) < 0.3
        leaves = rng.random(3000) < 0.03 + 0.40 * (moved & silent)
        table = part.features.assign(tickets_28d=np.repeat(silent * 2.0, 4))
        return Panel(table, pd.Series(np.repeat(leaves, 4)))

    found = find_rules(features(), earlier=joint(1), later=joint(2))
    names = {condition.feature.name for condition in found.rules[0].conditions}

    assert names == {"downgrades_182d", "tickets_28d"}
    assert found.rules[0].confirmed


def by_hand(rows: list[tuple[int, bool, bool]]) -> tuple[float, float, float]:
    """Relative risk and interval from loops over (customer, inside, exit)."""
    inside, outside = ([r for r in rows if r[1] is side] for side in (True, False))
    shares = [sum(r[2] for r in part) / len(part) for part in (inside, outside)]
    hits = [sum(r[2] for r in part) for part in (inside, outside)]
    people = sorted({r[0] for r in rows})
    variance = 0.0
    for who in people:
        term = 0.0
        for side, part, sign in ((0, inside, 1), (1, outside, -1)):
            own = [r for r in part if r[0] == who]
            term += sign * (sum(r[2] for r in own) - shares[side] * len(own)) / hits[side]
        variance += term**2
    error = math.sqrt(variance * len(people) / (len(people) - 1))
    ratio = shares[0] / shares[1]
    return ratio, ratio * math.exp(-1.959964 * error), ratio * math.exp(1.959964 * error)


@pytest.mark.parametrize("seed", range(20))
def test_the_relative_risk_is_that_of_plain_loops(seed):
    rng = np.random.default_rng(seed)
    rows = [(int(rng.integers(15)), bool(rng.random() < 0.4), bool(rng.random() < 0.4))
            for _ in range(80)]  # fmt: skip
    numbers = pd.factorize(np.array([r[0] for r in rows]), sort=True)[0]
    inside, exits = (np.array([r[place] for r in rows]) for place in (1, 2))
    found = relative_risk(Outcomes(exits, numbers), inside)

    assert (found.value, found.low, found.high) == pytest.approx(by_hand(rows), rel=1e-6)
    assert found.customers == len({r[0] for r in rows if r[1]})
    assert found.leavers == len({r[0] for r in rows if r[1] and r[2]})


def test_intervals_cover_the_true_factor_although_rows_of_a_customer_agree():
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(300):
        rows = rng.integers(1, 12, 600)  # of each customer
        person = np.repeat(np.arange(600), rows)
        moved = rng.random(600) < 0.2
        leaves = rng.random(600) < 0.05 * np.where(moved, FACTOR, 1.0)
        risk = relative_risk(Outcomes(leaves[person], person), moved[person])
        covered.append(risk.low <= FACTOR <= risk.high)

    assert 0.92 <= np.mean(covered) <= 0.98


def test_without_an_exit_on_one_side_nothing_is_claimed():
    outcomes = Outcomes(np.array([True, False, False]), np.array([0, 1, 2]))
    found = relative_risk(outcomes, np.array([False, True, False]))

    assert math.isnan(found.value)
    assert found.p_value == 1


def test_the_false_discovery_rate_is_that_of_benjamini_and_hochberg_1995():
    # the fifteen p-values of their example: four are rejected at 0.05
    p_values = np.array([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
                         0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000])  # fmt: skip

    assert benjamini_hochberg(p_values, rate=0.05).sum() == 4
    assert benjamini_hochberg(np.array([]), rate=0.05).tolist() == []


@pytest.mark.parametrize(
    ("name", "comparison", "threshold", "english", "russian"),
    [
        ("downgrades_182d", ">=", 1.0, "1 or more", "не меньше 1"),
        ("logins_28d", "<=", 0.0, "none", "нет"),
        ("days_since_activity", ">=", 30.0, "30 days or more", "не меньше 30 дн."),
        ("mrr_change_3m", "<=", 0.85, "0.85 or less", "не больше 0,85"),
        ("open_rate_84d", "<=", 0.25, "25% or less", "не больше 25\u00a0%"),
        ("mrr", ">=", 1500.0, "1500 EUR or more", "не меньше 1500 EUR"),
        (
            "events_28d_percentile",
            "<=",
            0.1,
            "among the lowest 10%",
            "среди 10\u00a0% самых низких",
        ),
        ("events_own_deviation_4w", "<=", -1.25, "−1.25 or less", "не больше −1,25"),
    ],
)
def test_a_condition_is_said_in_the_unit_of_its_feature(
    name, comparison, threshold, english, russian
):
    condition = Condition(KNOWN[name], comparison, threshold)
    title = KNOWN[name].title

    assert condition.said("en", currency="EUR") == f"{title['en']}: {english}"
    assert condition.said("ru", currency="EUR") == f"{title['ru']}: {russian}"


def test_a_condition_looks_on_the_side_of_risk_and_unknown_fulfils_none():
    values = pd.Series([0.0, 1.0, 2.0, np.nan])
    found = list(conditions(KNOWN["downgrades_182d"], values))

    assert [(one.comparison, one.threshold) for one in found] == [(">=", 1.0), (">=", 2.0)]
    table = pd.DataFrame({"downgrades_182d": values})
    assert found[0].holds(table).tolist() == [False, True, True, False]
    assert {one.comparison for one in conditions(KNOWN["mrr"], values)} == {">=", "<="}
    assert list(conditions(KNOWN["mrr"], pd.Series([1.0, 1.0, np.nan]))) == []


def test_the_document_and_the_file_hold_the_confirmed_and_the_failed(book):
    found = MinedRules(book, 60, "EUR", False, panel(1), panel(2))
    document, table = found.as_json(), found.table()
    [rule] = document["rules"]

    assert rule["text_en"].startswith("Moves to a cheaper plan, last 182 days: 1 or more → ")
    assert "times as likely to leave within 60 days" in rule["text_en"]
    assert "раза чаще остальных" in rule["text_ru"]
    assert rule["interval"][0] < rule["relative_risk"] < rule["interval"][1]
    assert rule["exits"] <= rule["support_customers"]
    assert table.num_rows == len(document["rules"]) + len(document["not_confirmed"])
    assert table.column("confirmed").to_pylist()[0] is True
