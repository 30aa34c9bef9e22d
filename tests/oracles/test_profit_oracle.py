"""Expected maximum profit against the package empulse, and against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from empulse.metrics import empb_score, empc_score, mpc_score
from scipy.stats import beta as beta_distribution

from churnml.errors import InputError
from churnml.evaluation.profit import (
    Contacts,
    Offer,
    empirical_profit,
    expected_maximum_profit,
    hull,
    maximum_profit,
)

#: Both draw a Beta by other means; the profit itself is in the thousands.
EQUAL = {"rel": 1e-6, "abs": 1e-6}


def case(seed: int) -> dict:
    """A base of 1 to 2,000 customers: ties, one class only, all the same, rare leavers."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 3, 10, 100, 2000]))
    leaving = (rng.random(n) < rng.choice([0.0, 0.02, 0.3, 0.9, 1.0])).astype(int)
    coarse, fine = rng.integers(0, int(rng.choice([1, 5])), n).astype(float), rng.random(n)
    scores = (fine if rng.random() < 0.5 else coarse) + leaving * rng.choice([0.0, 0.3, 1.0])
    alpha, beta = rng.uniform(1, 10, 2)
    return {
        "leaving": leaving, "scores": scores, "values": rng.lognormal(7, 1, n),
        "alpha": alpha, "beta": beta, "fraction": rng.choice([0.0, rng.uniform(0, 0.2)]),
        "contact": rng.choice([0.0, rng.uniform(0, 100)]), "accept": rng.uniform(0, 1),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(120))
def test_the_best_profit_and_share_with_own_values_are_those_of_empulse(seed):
    one = case(seed)
    offer = Offer(one["alpha"], one["beta"], one["fraction"], one["contact"])
    found = empirical_profit(
        Contacts.of(one["scores"]),
        offer.gains(one["leaving"] > 0, one["values"]),
        np.ones(len(one["scores"])),
    )
    terms = {
        "clv": one["values"], "alpha": one["alpha"], "beta": one["beta"],
        "incentive_fraction": one["fraction"], "contact_cost": one["contact"],
    }  # fmt: skip
    expected = empb_score(one["leaving"], one["scores"], **terms)

    assert found.profit == pytest.approx(expected, **EQUAL)
    if expected > 1e-9:  # where nothing earns, contacting nobody and anybody may tie by rounding
        share = empb_score.optimal_rate(one["leaving"], one["scores"], **terms)
        assert found.share == pytest.approx(share, **EQUAL)


@pytest.mark.parametrize("seed", range(120))
def test_the_best_profit_with_one_value_is_that_of_empulse_with_and_without_chance(seed):
    one = case(seed)
    clv = float(one["values"].mean())
    shared = {
        "clv": clv, "incentive_cost": one["fraction"] * clv, "contact_cost": one["contact"],
    }  # fmt: skip
    contacts, leaving = Contacts.of(one["scores"]), one["leaving"].astype(float)
    weights = np.ones(len(leaving))
    fixed = maximum_profit(contacts, leaving, weights, accept_rate=one["accept"], **shared)
    drawn = expected_maximum_profit(
        contacts, leaving, weights, accept_alpha=one["alpha"], accept_beta=one["beta"], **shared
    )
    both = (one["leaving"], one["scores"])
    chance = {"alpha": one["alpha"], "beta": one["beta"]}

    assert fixed.profit == pytest.approx(
        mpc_score(*both, accept_rate=one["accept"], **shared), **EQUAL
    )
    assert drawn.profit == pytest.approx(empc_score(*both, **chance, **shared), **EQUAL)
    if drawn.profit > 1e-9:
        rate = empc_score.optimal_rate(*both, **chance, **shared)
        assert drawn.share == pytest.approx(rate, **EQUAL)


def plain_best(one: dict, copies: np.ndarray) -> float:
    """Contact from the highest score down, tie by tie; every customer as often as drawn."""
    rate = one["alpha"] / (one["alpha"] + one["beta"])
    total = best = 0.0
    for score in sorted(set(one["scores"].tolist()), reverse=True):
        for number in np.flatnonzero(one["scores"] == score):
            value = one["values"][number]
            kept = rate * (1 - one["fraction"]) * value
            lost = one["fraction"] * value
            gain = (kept if one["leaving"][number] else -lost) - one["contact"]
            total += copies[number] * gain
        best = max(best, total)
    return best / copies.sum()


@pytest.mark.parametrize("seed", range(40))
def test_a_weight_of_n_is_the_customer_n_times(seed):
    one = case(seed)
    copies = np.random.default_rng(seed).integers(0, 4, len(one["scores"])).astype(float)
    copies[0] += 1
    offer = Offer(one["alpha"], one["beta"], one["fraction"], one["contact"])
    gains = offer.gains(one["leaving"] > 0, one["values"])
    found = empirical_profit(Contacts.of(one["scores"]), gains, copies)

    assert found.profit == pytest.approx(plain_best(one, copies), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_the_expected_maximum_is_the_mean_over_drawn_chances_to_accept(seed):
    one = case(seed)
    clv = float(one["values"].mean())
    shared = {"clv": clv, "incentive_cost": one["fraction"] * clv, "contact_cost": one["contact"]}
    contacts, leaving = Contacts.of(one["scores"]), one["leaving"].astype(float)
    weights = np.ones(len(leaving))
    chances = beta_distribution.ppf((np.arange(400) + 0.5) / 400, one["alpha"], one["beta"])
    best = [
        maximum_profit(contacts, leaving, weights, accept_rate=chance, **shared).profit
        for chance in chances
    ]
    found = expected_maximum_profit(
        contacts, leaving, weights, accept_alpha=one["alpha"], accept_beta=one["beta"], **shared
    )

    assert found.profit == pytest.approx(np.mean(best), rel=2e-3, abs=1e-6 * clv)


@pytest.mark.parametrize("seed", range(20))
def test_every_point_lies_on_or_below_the_hull_and_no_corner_is_missing(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 5, 500, 5000]))
    x, y = (np.append(0, np.cumsum(rng.integers(0, 3, n))).astype(float) for _ in range(2))
    moved = np.append(True, (np.diff(x) > 0) | (np.diff(y) > 0))
    x, y = x[moved], y[moved]
    corners = hull(x, y)

    assert corners[0] == 0
    assert corners[-1] == len(x) - 1
    for first, last in itertools.pairwise(corners):
        run, rise = x[last] - x[first], y[last] - y[first]
        assert ((y - y[first]) * run <= (x - x[first]) * rise + 1e-6).all()


def test_scores_that_are_missing_are_refused():
    with pytest.raises(InputError, match="missing"):
        Contacts.of(np.array([0.1, np.nan]))
    with pytest.raises(InputError, match="at least one"):
        Contacts.of(np.array([]))
