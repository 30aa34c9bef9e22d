"""What the queue catches and earns in money: hand-drawn lives of customers, with exact answers."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from churnml.alerting import Policy
from churnml.config import Money
from churnml.errors import InputError
from churnml.evaluation.money import Purse, by_value
from churnml.features import annual_revenue
from churnml.report.money_figures import profit_curve_figure, value_by_budget_figure
from churnml.report.money_terminal import money_table

MONDAY = pd.Timestamp("2026-01-05")
WEEKS = 20
#: One load for everything: whoever has a score is alerted, once.
ALL_ONCE = Policy(q=0.999, quiet_days=10_000)
TERMS = Money(incentive_fraction=0.1, contact_cost=10, accept_alpha=1, accept_beta=1)


def day(number: float) -> pd.Timestamp:
    return MONDAY + pd.Timedelta(days=number)


def rows(*alerts: tuple[str, tuple[int, ...]]) -> pd.DataFrame:
    """Weekly rows of customers; only the days to alert have a score."""
    table = [
        (who, day(d), 1.0 if d in days else math.nan)
        for who, days in alerts
        for d in range(0, 7 * WEEKS, 7)
    ]
    return pd.DataFrame(table, columns=["customer_id", "as_of", "score"])


def purse(scores: pd.DataFrame, revenue: dict[str, float] | None, exits: dict[str, float], **more):
    values = None if revenue is None else scores["customer_id"].map(revenue).astype(float)
    spells = pd.DataFrame(
        [(who, day(-100), day(exits[who]) if who in exits else pd.NaT)
         for who in scores["customer_id"].unique()],
        columns=["customer_id", "started_at", "exit_at"],
    )  # fmt: skip
    fields = {
        "revenue": values, "labels": pd.Series("stayed", index=scores.index), "spells": spells,
        "currency": "EUR", "terms": TERMS, "policy": ALL_ONCE, "observed_until": day(1000),
        "delay_days": 14, "seed": 1,
    }  # fmt: skip
    return Purse(**{**fields, **more})


def figures(scores, revenue, exits, **more):
    return purse(scores, revenue, exits, **more).weigh(scores, resamples=5).figures


def test_revenue_caught_is_that_of_exits_with_an_alert_in_time_per_100_contacts():
    scores = rows(("in_time", (35,)), ("late", (49,)), ("stays", (35,)), ("missed", ()))
    revenue = {"in_time": 1000, "late": 500, "stays": 300, "missed": 200}
    found = figures(scores, revenue, {"in_time": 65, "late": 65, "missed": 65})

    assert found["value_at_risk_caught_per_100_contacts"] == pytest.approx(100 * 1000 / 3)
    assert found["share_of_value_caught"] == pytest.approx(1000 / 1700)


def test_a_contact_in_time_keeps_half_and_every_other_contact_costs():
    scores = rows(("in_time", (35,)), ("late", (49,)), ("stays", (35,)))
    revenue = {"in_time": 1000, "late": 500, "stays": 300}
    found = figures(scores, revenue, {"in_time": 65, "late": 65})
    gains = [0.5 * 900 - 10, -50 - 10, -30 - 10]

    assert found["profit_per_contact"] == pytest.approx(np.mean(gains))
    assert found["profit_per_week"] == pytest.approx(sum(gains) / WEEKS)
    assert found["contacts_per_week"] == pytest.approx(3 / WEEKS)


@pytest.mark.parametrize(("notice", "caught"), [(20.99, 0), (21, 1), (83.99, 1), (84, 0)])
def test_in_time_is_a_notice_of_21_to_84_days(notice: float, caught: int):
    found = figures(rows(("a", (35,))), {"a": 100.0}, {"a": 35 + notice})

    assert found["value_at_risk_caught_per_100_contacts"] == 100 * 100 * caught


def test_a_second_alert_of_the_same_exit_catches_nothing_more_but_costs():
    scores = rows(("a", (0, 56)))
    found = figures(scores, {"a": 1000}, {"a": 80}, policy=Policy(q=0.999, quiet_days=56))

    assert found["value_at_risk_caught_per_100_contacts"] == pytest.approx(100 * 1000 / 2)
    assert found["profit_per_contact"] == pytest.approx((440 - 110) / 2)


def test_an_exit_is_worth_what_was_known_when_it_could_last_be_saved():
    scores = rows(("a", (7,)))
    falling = pd.Series(np.arange(WEEKS, 0, -1) * 100.0)  # week 0: 2000, week 6: 1400
    made = replace(purse(scores, {}, {"a": 63}), revenue=falling)
    found = made.weigh(scores, resamples=5).figures

    assert found["value_at_risk_caught_per_100_contacts"] == 100 * 1400
    assert found["profit_per_contact"] == pytest.approx(0.5 * 0.9 * 1900 - 10)


def test_alerts_too_young_to_be_judged_are_no_contacts_yet():
    scores = rows(("a", (0,)), ("b", (70,)))
    found = figures(scores, {"a": 100, "b": 900}, {"a": 60}, observed_until=day(100))
    nothing = figures(scores, {"a": 100, "b": 900}, {"a": 60}, observed_until=day(90))

    assert found["value_at_risk_caught_per_100_contacts"] == 100 * 100
    assert nothing["value_at_risk_caught_per_100_contacts"] is None
    assert nothing["profit_per_contact"] is None


def test_unknown_revenue_is_left_out_and_said():
    scores = rows(("a", (35,)), ("b", (35,)))
    found = purse(scores, {"a": 1000}, {"a": 65, "b": 65}).weigh(scores, resamples=5)

    assert found.figures["share_of_value_caught"] == 1
    assert found.figures["profit_per_contact"] == pytest.approx(440)
    assert any("unknown revenue" in note for note in found.notes)


def test_without_mrr_revenue_is_missing_and_everyone_is_worth_the_same():
    scores = rows(("a", (35,)), ("b", (35,)))
    found = purse(scores, None, {"a": 65}).weigh(scores, resamples=5)

    assert found.figures["value_at_risk_caught_per_100_contacts"] is None
    assert found.figures["share_of_value_caught"] is None
    assert found.intervals["value_at_risk_caught_per_100_contacts"] is None
    assert found.by_q["0.05"]["share_of_value_caught"] is None
    assert found.figures["profit_per_contact"] == pytest.approx((0.45 * 3000 - 10 - 310) / 2)
    assert any("no mrr" in note for note in found.notes)
    with pytest.raises(InputError, match="mrr"):
        value_by_budget_figure({"model": found}, q=0.999)


def test_years_multiply_what_a_customer_is_worth_and_not_the_revenue():
    scores = rows(("a", (35,)))
    found = figures(scores, {"a": 1000}, {"a": 65}, terms=TERMS.model_copy(update={"years": 3.0}))

    assert found["profit_per_contact"] == pytest.approx(0.45 * 3000 - 10)
    assert found["value_at_risk_caught_per_100_contacts"] == 100 * 1000


def test_without_dated_exits_rows_are_judged_and_the_queue_is_not():
    scores = rows(("a", (35,)), ("b", (35,)))
    labels = pd.Series(np.where(scores["customer_id"] == "a", "churned", "stayed"))
    found = purse(scores, {"a": 1000, "b": 1000}, {}, labels=labels, spells=None)
    found = found.weigh(scores.assign(score=labels == "churned"), resamples=20)

    assert found.by_q is None
    assert found.figures["profit_per_contact"] is None
    assert found.figures["empb"] == pytest.approx(440 / 2)
    assert found.figures["optimal_share"] == pytest.approx(0.5)
    assert any("no dated exits" in note for note in found.notes)


@pytest.fixture(scope="module")
def company():
    """300 customers, of whom the risky leave; scores that know the risk with some noise."""
    rng = np.random.default_rng(3)
    risk = rng.normal(0, 1.5, 300)
    leaves = rng.random(300) < 1 / (1 + np.exp(3 - 2 * risk))
    exits = {f"c{n}": float(rng.uniform(40, 135)) for n in np.flatnonzero(leaves)}
    scores = rows(*((f"c{n}", ()) for n in range(300)))
    number = scores["customer_id"].str[1:].astype(int)
    scores["score"] = 1 / (1 + np.exp(4 - 2 * risk[number] - rng.normal(0, 0.3, len(scores))))
    scores["probability"] = scores["score"]
    notice = pd.Series([exits.get(who, math.inf) for who in scores["customer_id"]]) - (
        (scores["as_of"] - MONDAY) / pd.Timedelta(days=1)
    )
    labels = pd.Series(np.where((notice >= 21) & (notice < 49), "churned", "stayed"))
    kept = notice >= 0
    scores, labels = scores[kept].reset_index(drop=True), labels[kept].reset_index(drop=True)
    revenue = dict(zip([f"c{n}" for n in range(300)], rng.lognormal(8, 1, 300), strict=True))
    made = purse(
        scores, revenue, exits, labels=labels, policy=Policy(q=0.02), terms=Money(), currency="EUR"
    )
    return scores, made, made.weigh(scores, resamples=60)


def test_a_score_that_knows_the_risk_earns_and_chance_does_not(company):
    scores, made, found = company
    chance = made.weigh_random(scores, resamples=20)
    name = "value_at_risk_caught_per_100_contacts"

    assert found.figures[name] > 2 * chance.figures[name]
    assert found.figures["empb"] > chance.figures["empb"]
    assert found.figures["profit_per_contact"] > chance.figures["profit_per_contact"]
    assert 0 < found.figures["optimal_share"] < 0.5


def test_every_figure_lies_in_its_interval_and_the_queue_at_its_own_load_is_the_headline(company):
    _, _, found = company
    for name, band in found.intervals.items():
        assert band[0] <= found.figures[name] <= band[1], name
    for name, value in found.by_q["0.02"].items():
        if name != "intervals":
            assert value == found.figures[name]


def test_value_at_risk_is_probability_times_revenue_a_week(company):
    scores, made, found = company
    expected = (scores["probability"] * made.revenue).sum() / scores["as_of"].nunique()
    lost = made.revenue[made.labels == "churned"].sum() / scores["as_of"].nunique()

    assert found.figures["value_at_risk"] == pytest.approx(expected)
    assert found.figures["value_lost"] == pytest.approx(lost)


def test_the_same_call_gives_the_same_figures(company):
    scores, made, found = company

    assert made.weigh(scores, resamples=60) == found


def test_risk_times_value_ranks_the_large_first_and_without_revenue_the_risk_alone(company):
    scores, _, _ = company
    two = scores.iloc[:2].assign(score=[0.2, 0.1], as_of=MONDAY)
    ranked = by_value(two, pd.Series([100.0, 1000.0]))

    assert ranked["score"].tolist() == [20.0, 100.0]
    assert by_value(two, None) is two
    assert by_value(two, pd.Series([100.0, np.nan]))["score"].tolist() == [20.0, 10.0]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_figures_and_the_table_say_currency_and_assumptions(company, language):
    scores, made, found = company
    money = {"model": found, "random": made.weigh_random(scores, resamples=20)}
    curve = texts(profit_curve_figure(money, language=language))
    budget = texts(value_by_budget_figure(money, q=0.02, language=language))

    assert "EUR" in curve
    sign = {"en": "%", "ru": "\u00a0%"}[language]
    assert f"30{sign}" in curve
    assert f"{100 * found.figures['share_of_value_caught']:.0f}{sign}" in budget
    document = {"money": found.as_json(), "baselines": {"random": {"money": found.brief()}}}
    assert "EUR" in str(money_table(document).title)
    said = str(money_table(document).caption)
    assert "a contact costs 15, an offer 5% of the customer's value, 30% accept it" in said
    assert "kept is worth 1 year of revenue" in said
    assert "([money])" in said


def texts(figure: mpl.figure.Figure) -> str:
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def test_annual_revenue_is_twelve_times_the_mrr_as_known_then(dataset_of):
    def contract(number, start, end, mrr, known_at=None):
        row = {
            "subscription_id": number, "customer_id": "ann", "started_at": day(start),
            "ended_at": None if end is None else day(end), "mrr": mrr,
        }  # fmt: skip
        return row if known_at is None else {**row, "known_at": day(known_at)}

    tables = {
        "customers": [{"customer_id": "ann", "signed_up_at": day(-400)}],
        "subscriptions": [
            contract("1", -300, 20, 100.0), contract("2", 20, None, 40.0),
            contract("3", 0, None, 7.0, known_at=30),
        ],
    }  # fmt: skip
    snapshots = pd.DataFrame({"customer_id": "ann", "as_of": [day(14), day(21), day(35)]})

    found = annual_revenue(dataset_of(tables, until="2027-01-01"), snapshots)
    assert found.tolist() == [1200, 480, 564]
    free = [{**row, "mrr": None} for row in tables["subscriptions"]]
    unpriced = dataset_of({**tables, "subscriptions": free}, until="2027-01-01")
    assert annual_revenue(unpriced, snapshots) is None
    partly = dataset_of(
        {**tables, "subscriptions": [free[0], tables["subscriptions"][1]]}, until="2027-01-01"
    )
    assert annual_revenue(partly, snapshots).isna().tolist() == [True, False, False]
