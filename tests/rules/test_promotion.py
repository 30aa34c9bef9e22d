"""When a model is promoted: a signal before the first test, better than a rule, not worse."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from churnml.config import Promotion
from churnml.evaluation.forward import Fitting, inner_block
from churnml.evaluation.promotion import best_rule, compare, find_signal, newest_closed
from churnml.features import Family, Feature, Unit
from churnml.model.bundle import Bundle
from churnml.model.examples import Examples
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
