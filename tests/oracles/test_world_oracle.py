"""The oracle of the simulated world against plain matrix products and against what happens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from churnml.sources.world.chain import (
    FIRST_STAGE,
    HEALTHY,
    RECOVERING,
    STAGES,
    TENURES,
    Chain,
    oracle_table,
)
from churnml.sources.world.panel import build_panel
from churnml.sources.world.parameters import WEEK
from churnml.sources.world.paths import INVOLUNTARY, VOLUNTARY, Paths, draw_paths
from churnml.sources.world.people import People, draw_people
from churnml.sources.world.simulation import Setting, draw_setting

#: Every eighth boundary: label windows of the same customer do not overlap.
APART = 8


@pytest.fixture(scope="module")
def setting() -> Setting:
    return draw_setting("saas", weeks=60, seed=7)


def population(setting: Setting, seed: int, *, customers: int = 8000) -> tuple[People, Paths]:
    rng = np.random.default_rng([seed, 2, 0])
    people = draw_people(setting.world, setting.words, np.arange(customers), rng)
    return people, draw_paths(setting.chain, setting.world, people.types, rng)


def rows(
    setting: Setting, people: People, paths: Paths, *, window: range = range(3, 7)
) -> pd.DataFrame:
    """Probability and outcome of everybody at risk at every boundary with a closed window."""
    weeks = setting.world.weeks - 7
    customer, week = np.nonzero(paths.states[:, : weeks + 1] >= 0)
    tenure = np.minimum(paths.tenure[customer, week], TENURES - 1)
    chance = setting.oracle[week, people.types[customer], tenure, paths.states[customer, week]]
    spells = paths.spells
    left = spells.end_kind == VOLUNTARY
    exits = {
        (int(who), int(end // WEEK) - ahead)
        for who, begin, end in zip(
            spells.customer[left], spells.start[left], spells.end[left], strict=True
        )
        for ahead in window
        if (int(end // WEEK) - ahead) * WEEK >= begin
    }
    happened = [pair in exits for pair in zip(customer.tolist(), week.tolist(), strict=True)]
    return pd.DataFrame(
        {"customer": customer, "week": week, "chance": chance, "happened": happened}
    )


def weekly_matrix(chain: Chain, kind: int, week: int, tenure: int) -> np.ndarray:
    """The transition matrix of one customer in one week, written out."""
    matrix = chain.fixed.copy()
    chances = chain.base[kind] * chain.season[week] * chain.tenure[min(tenure, TENURES - 1)]
    for row, factor in ((HEALTHY, 1.0), (RECOVERING, chain.relapse)):
        for cause, chance in enumerate(chances[:-1]):
            matrix[row, FIRST_STAGE + STAGES * cause] = chance * factor
        matrix[row, -2] = chances[-1] * factor
        matrix[row, -1] = chain.involuntary
    matrix[RECOVERING, HEALTHY] = chain.settle
    for row in (HEALTHY, RECOVERING):
        matrix[row, row] = 1 - matrix[row].sum()
    return matrix


@pytest.mark.parametrize(
    ("kind", "week", "tenure"), [(0, 0, 0), (4, 13, 5), (8, 47, 77), (2, 58, 78), (5, 60, 20)]
)
def test_the_oracle_is_the_matrix_product_of_seven_weeks(
    setting: Setting, kind: int, week: int, tenure: int
):
    chain = setting.chain
    product = np.eye(chain.n_states)
    gone_by = []
    for ahead in range(7):
        product = product @ weekly_matrix(chain, kind, week + ahead, tenure + ahead)
        gone_by.append(product[:, -2].copy())
    expected = gone_by[6] - gone_by[2]
    expected[-2:] = 0

    found = oracle_table(chain, setting.world.weeks)[week, kind, tenure]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_rows_of_every_matrix_are_distributions(setting: Setting):
    for kind in range(len(setting.chain.base)):
        matrix = weekly_matrix(setting.chain, kind, 50, 10)
        assert (matrix >= 0).all()
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-12)


def calibration(table: pd.DataFrame) -> pd.Series:
    """Standardised difference between exits and their expected number, by band of probability."""
    bands = pd.cut(table["chance"], [0, 0.003, 0.01, 0.05, 0.12, 0.18, 0.25, 0.32, 0.4, 1])
    grouped = table.groupby(bands, observed=True)
    spread = grouped["chance"].apply(lambda chance: np.sqrt((chance * (1 - chance)).sum()))
    return (grouped["happened"].sum() - grouped["chance"].sum()) / spread


def test_what_the_oracle_says_happens_as_often_as_it_says(setting: Setting):
    drawn = [rows(setting, *population(setting, seed)) for seed in range(4)]
    table = pd.concat(drawn)
    apart = table[table["week"] % APART == 4]

    assert calibration(apart).abs().max() < 3.5
    assert abs(table["chance"].mean() / table["happened"].mean() - 1) < 0.06


def test_an_oracle_that_is_off_by_a_week_would_be_found_out(setting: Setting):
    drawn = [rows(setting, *population(setting, seed), window=range(2, 6)) for seed in range(4)]
    table = pd.concat(drawn)

    assert calibration(table[table["week"] % APART == 4]).abs().max() > 4


def difficulty(seed: int) -> tuple[float, float]:
    setting = draw_setting("saas", weeks=104, seed=seed)
    table = rows(setting, *population(setting, seed, customers=2000))
    return float(table["happened"].mean()), float(
        average_precision_score(table["happened"], table["chance"])
    )


def test_the_default_world_is_as_hard_as_promised():
    base_rate, precision = difficulty(7)

    assert 0.015 <= base_rate <= 0.03
    assert 0.30 <= precision <= 0.40


def test_the_oracle_stays_exact_when_causes_are_drawn_anew():
    setting = draw_setting("saas", weeks=60, seed=7, causes_seed=4)
    drawn = [rows(setting, *population(setting, seed)) for seed in range(4)]
    table = pd.concat(drawn)

    assert calibration(table[table["week"] % APART == 4]).abs().max() < 3.5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_other_worlds_are_about_as_hard(seed: int):
    base_rate, precision = difficulty(seed)

    assert 0.013 <= base_rate <= 0.03
    assert 0.27 <= precision <= 0.45


def test_most_episodes_end_well(setting: Setting):
    _, paths = population(setting, 3, customers=2000)
    sick = paths.states >= FIRST_STAGE
    began = (sick[:, 1:] & (paths.states[:, :-1] >= 0) & ~sick[:, :-1]).sum()
    recovered = ((paths.states[:, 1:] == RECOVERING) & sick[:, :-1]).sum()

    assert 0.5 < recovered / began < 0.8


def test_lives_fall_ill_as_often_as_the_chain_says(setting: Setting):
    """Recovering customers fall back more often than healthy ones fall ill."""
    chain = setting.chain
    for state, factor in ((HEALTHY, 1.0), (RECOVERING, chain.relapse)):
        expected = observed = 0.0
        for seed in range(4):
            people, paths = population(setting, seed)
            who, week = np.nonzero(paths.states[:, :-1] == state)
            rates = np.empty(len(who))
            for at in range(setting.world.weeks):
                here = week == at
                chances = chain.onsets(people.types[who[here]], at, paths.tenure[who[here], at])
                rates[here] = chances[:, :-1].sum(axis=1)
            expected += factor * rates.sum()
            observed += (paths.states[who, week + 1] >= FIRST_STAGE).sum()
        assert abs(observed - expected) < 3.5 * np.sqrt(expected)


def test_returns_begin_after_the_grace_and_forced_ends_do_not_return(setting: Setting):
    _, paths = population(setting, 2, customers=2000)
    spells = paths.spells
    again = np.flatnonzero(np.diff(spells.customer) == 0)

    assert len(again) > 20
    assert (spells.start[again + 1] - spells.end[again] > 14 * 86_400).all()
    assert (spells.end_kind[again] == VOLUNTARY).all()
    assert (spells.end_kind == INVOLUNTARY).sum() > 5


def test_what_shows_in_a_week_follows_from_the_state_at_its_end_or_before(setting: Setting):
    people, paths = population(setting, 4, customers=300)
    panel = build_panel(setting.world, people, paths, np.random.default_rng(1))
    after = paths.states[panel.customer, panel.week + 1]
    before = paths.states[panel.customer, panel.week]

    assert (panel.state == np.where(after >= 0, after, before).clip(min=0)).all()
    assert (panel.strength[panel.state == HEALTHY] == 0).all()
    assert (panel.ends <= (panel.week + 1) * WEEK).all()


def test_forced_ends_are_no_exits(setting: Setting):
    forced = np.zeros(setting.chain.n_states)
    forced[setting.chain.involuntary_state] = 1

    assert (setting.oracle @ forced == 0).all()
