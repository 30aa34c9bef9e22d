"""When a model is promoted: a signal before the first test, better than a rule, not worse."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from churnml.config import Promotion
from churnml.evaluation.forward import Fitting, inner_block
from churnml.evaluation.intervals import PairedDifference
from churnml.evaluation.promotion import (
    Comparison,
    best_rule,
    compare,
    find_signal,
    judge,
    newest_closed,
)
from churnml.features import Family, Feature, Unit
from churnml.model.bundle import Bundle
from churnml.model.examples import Examples
from churnml.model.treatment import Treatment
from churnml.splits import ForwardFolds
from churnml.windows import DAY, LabelWindow

START = pd.Timestamp("2025-01-06")
WINDOW = LabelWindow(21, 28, 14)
TESTED = START + 40 * 7 * DAY
FOLDS = ForwardFolds(WINDOW, (TESTED,), TESTED + 60 * DAY)
FITTING = Fitting(None, "none", seed=7, seeds=1, max_rows=500_000)
UNTIL = START + 60 * 7 * DAY


def panel(*, strength: float) -> Examples:
    """120 customers for 60 weeks; ``strain`` drives exits with the given strength."""
    rng = np.random.default_rng(5)
    as_ofs = [START + number * 7 * DAY for number in range(60)]
    index = pd.MultiIndex.from_product(
        [[f"c{number:03}" for number in range(120)], as_ofs], names=["customer_id", "as_of"]
    )
    strain = rng.normal(size=len(index))
    churned = rng.random(len(index)) < 1 / (1 + np.exp(2.5 - strength * strain))
    features = pd.DataFrame({"strain": strain, "noise": rng.normal(size=len(index))}, index=index)
    catalogue = tuple(
        Feature(name=name, value=None, title={"en": name, "ru": name}, unit=Unit.SCORE,
                family=Family.USAGE)
        for name in features
    )  # fmt: skip
    labels = pd.Series(np.where(churned, "churned", "stayed"), index=index)
    everyone = pd.Series(True, index=index)
    return Examples(features, {WINDOW: labels}, everyone, catalogue, silent_churn=False)


@pytest.mark.parametrize(("strength", "found"), [(1.0, True), (0.0, False)])
def test_a_signal_is_found_where_there_is_one_and_only_there(strength, found):
    examples = panel(strength=strength)
    inner = inner_block(examples, folds=FOLDS, tested=TESTED, fitting=FITTING)
    signal = find_signal(inner, examples.labels[WINDOW], examples=examples, seed=7)

    assert signal.found == found
    assert ("No usable signal" in signal.sentence()) != found


def test_the_inner_block_ends_before_the_first_test():
    examples = panel(strength=1.0)
    inner = inner_block(examples, folds=FOLDS, tested=TESTED, fitting=FITTING)

    assert inner.index.get_level_values("as_of").max() <= TESTED - WINDOW.closing_days * DAY


def test_the_best_rule_is_the_one_with_the_highest_precision():
    precisions = {"recency": 0.1, "rank_sum": 0.3, "seed_points": None, "random": 0.9}

    assert best_rule(precisions) == ("rank_sum", 0.3)


def test_the_newest_closed_weeks_are_four():
    weeks = newest_closed(panel(strength=1.0), observed_until=UNTIL)

    assert list(weeks) == [UNTIL - (63 + 7 * number) * DAY for number in (3, 2, 1, 0)]


def champion(examples: Examples, *, data_until: pd.Timestamp, blind: bool = False) -> Bundle:
    seen = examples
    if blind:
        mixed = examples.features.sample(frac=1.0, random_state=1).set_axis(examples.features.index)
        seen = dataclasses.replace(examples, features=mixed)
    return Bundle(
        ensemble=FITTING.fit(seen, folds=FOLDS, tested=data_until), dataset="drawn", study={},
        feature_names=tuple(examples.features.columns), feature_digest="", data_digest="",
        data_from=START, data_until=data_until, metrics={},
    )  # fmt: skip


def verdict(examples: Examples, bundle: Bundle):
    return compare(
        examples, champion=bundle, seen=examples.features, folds=FOLDS, fitting=FITTING,
        observed_until=UNTIL, promotion=Promotion(),
    )  # fmt: skip


def test_a_champion_that_saw_the_newest_weeks_is_kept():
    examples = panel(strength=1.0)
    found = verdict(examples, champion(examples, data_until=UNTIL))

    assert not found.promoted
    assert "nothing new to compare on" in found.reason


def test_a_challenger_that_learnt_more_replaces_a_blind_champion():
    examples = panel(strength=1.0)
    found = verdict(examples, champion(examples, data_until=TESTED, blind=True))

    assert found.promoted
    assert "not worse" in found.reason


def test_a_blind_challenger_does_not_replace_a_seeing_champion():
    examples = panel(strength=1.0)
    bundle = champion(examples, data_until=TESTED)
    mixed = np.asarray(examples.as_ofs < TESTED)
    labels = examples.labels[WINDOW].copy()
    labels[mixed] = labels[mixed].sample(frac=1.0, random_state=2).to_numpy()
    found = verdict(dataclasses.replace(examples, labels={WINDOW: labels}), bundle)

    assert not found.promoted
    assert found.reason.startswith("Kept")


def compared(*, mean: float, error: float, lower: float, upper: float) -> Comparison:
    """A comparison against a champion of average precision 0.2, of which 0.004 may be lost."""
    difference = PairedDifference(
        champion=0.2, challenger=0.2 + mean, mean=mean, standard_error=error, lower=lower,
        upper=upper, confidence=0.9,
    )  # fmt: skip
    return Comparison(difference, 0.02, TESTED, TESTED, rows=400, positives=40, leavers=15)


@pytest.mark.parametrize(
    ("mean", "error", "lower", "upper", "promoted", "said"),
    [
        (0.000, 0.0010, -0.0013, 0.0013, True, "Promoted: not worse"),
        (0.010, 0.0200, -0.0156, 0.0356, False, "too little data for the margin"),
        (-0.010, 0.0200, -0.0356, 0.0156, False, "too little data for the margin"),
        (-0.050, 0.0200, -0.0756, -0.0244, False, "Kept: the challenger is worse"),
        (-0.0035, 0.0010, -0.0048, -0.0022, False, "Kept: the challenger may be worse"),
        (0.000, 0.0010, math.nan, math.nan, False, "too little data for the margin"),
    ],
)
def test_too_little_data_is_told_from_a_worse_ranking(mean, error, lower, upper, promoted, said):
    verdict = judge(compared(mean=mean, error=error, lower=lower, upper=upper))

    assert verdict.promoted is promoted
    assert said in verdict.reason


def test_how_many_customers_an_equal_model_would_need_is_said():
    # the bound lies 0.016 below the mean, four times the 0.004 allowed: sixteen times the data
    verdict = judge(compared(mean=0.0, error=0.0125, lower=-0.016, upper=0.016))

    assert "about 16 times the customers" in verdict.reason
    assert verdict.comparison.as_json()["leavers"] == 15


def test_the_margin_is_refused_at_its_edge():
    assert not judge(compared(mean=0.0, error=0.003, lower=-0.004, upper=0.004)).promoted


def test_a_champion_is_judged_on_its_own_features_where_the_study_dropped_some():
    examples = panel(strength=1.0)
    bundle = champion(examples, data_until=TESTED)
    fewer = dataclasses.replace(examples, features=examples.features[["noise"]])
    found = compare(
        fewer, champion=bundle, seen=examples.features, folds=FOLDS, fitting=FITTING,
        observed_until=UNTIL, promotion=Promotion(),
    )  # fmt: skip

    assert not found.promoted
    assert found.comparison.difference.champion > found.comparison.difference.challenger


def test_treated_rows_that_do_not_train_are_not_compared_either():
    examples = panel(strength=1.0)
    index = examples.features.index
    reached = pd.Series(index.get_level_values("customer_id") < "c060", index=index)
    nobody = pd.Series(False, index=index)
    weight = pd.Series(1.0, index=index).where(~reached, 0.0)
    left_out = dataclasses.replace(
        examples, treatment=Treatment(reached, nobody, weight, "exclude")
    )
    found = verdict(left_out, champion(examples, data_until=TESTED))

    assert found.comparison.rows == 60 * 4
