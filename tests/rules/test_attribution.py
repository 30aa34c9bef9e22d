"""Attribution: SHAP values add up, agree with the shap library, and are summed as stated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnml.explanation import (
    explain,
    family_importance,
    feature_importance,
    importance_over_time,
    importance_stability,
    interactions,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.model import boosting
from churnml.model.ensemble import Ensemble, fit_ensemble
from churnml.model.examples import Examples
from churnml.splits import ForwardFolds
from churnml.windows import DAY, LabelWindow

WINDOW = LabelWindow(21, 28, 0)
START = pd.Timestamp("2025-01-06")
TESTED = START + 30 * 7 * DAY
FOLDS = ForwardFolds(WINDOW, (TESTED,), TESTED + 60 * DAY)
NAMES = ("logins", "tone", "unpaid", "sector")


def feature(name: str, family: Family, unit: Unit = Unit.COUNT) -> Feature:
    return Feature(
        name=name, value=None, title={"en": f"en {name}", "ru": f"ru {name}"}, unit=unit,
        family=family,
    )  # fmt: skip


CATALOGUE = (
    feature("logins", Family.USAGE), feature("tone", Family.CONVERSATION),
    feature("unpaid", Family.USAGE), feature("sector", Family.PROFILE, Unit.CATEGORY),
)  # fmt: skip


def rows(count: int, *, as_ofs: int = 20) -> pd.MultiIndex:
    days = [START + week * 7 * DAY for week in range(as_ofs)]
    return pd.MultiIndex.from_product(
        [[f"c{n}" for n in range(count)], days], names=["customer_id", "as_of"]
    )


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    """Exits that two signals announce together, one of them often unknown; three sectors."""
    rng, index = np.random.default_rng(3), rows(120)
    logins, tone = rng.poisson(3, len(index)), rng.normal(size=len(index))
    risk = -2.5 + 1.5 * ((logins < 2) & (tone < 0)) + 0.8 * (tone < -1)
    churned = rng.random(len(index)) < 1 / (1 + np.exp(-risk))
    features = pd.DataFrame(
        {
            "logins": logins.astype(float),
            "tone": np.where(rng.random(len(index)) < 0.3, np.nan, tone),
            "unpaid": rng.exponential(200.0, len(index)).round(),
            "sector": rng.choice(["bank", "shop", "school"], len(index)),
        },
        index=index,
    )
    labels = pd.Series(np.where(churned, "churned", "stayed"), index=index)
    examples = Examples(
        features=features, labels={WINDOW: labels, LabelWindow(14, 42, 0): labels},
        population=pd.Series(True, index=index), catalogue=CATALOGUE, silent_churn=False,
    )  # fmt: skip
    chosen = boosting.Parameters(trees=40, min_child_weight=2.0, colsample_bytree=1.0)
    return fit_ensemble(
        examples, folds=FOLDS, tested=TESTED, seed=7, seeds=2, parameters=chosen
    )  # fmt: skip


def drawn(values: list[tuple[float, float, float, str]]) -> pd.DataFrame:
    index = rows(len(values), as_ofs=1)
    return pd.DataFrame(values, columns=list(NAMES), index=index)


NUMBERS = st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6, width=32))
ROWS = st.lists(
    st.tuples(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["bank", "shop", "school", "new"])),
    min_size=1, max_size=6,
)  # fmt: skip


@given(values=ROWS)
@settings(max_examples=40, deadline=None)
def test_contributions_of_any_row_add_up_to_its_log_odds(ensemble, values):
    features = drawn(values)
    contributions = ensemble.contributions(features)

    assert contributions.sum(axis=1).to_numpy() == pytest.approx(ensemble.logit(features), abs=1e-4)


@given(values=ROWS)
@settings(max_examples=15, deadline=None)
def test_interactions_of_a_signal_add_up_to_its_contribution(ensemble, values):
    features = drawn(values)
    contributions = ensemble.contributions(features)
    found = ensemble.interactions(features)

    assert [*ensemble.feature_names, "bias"] == list(contributions.columns)
    assert found.sum(axis=2) == pytest.approx(contributions.to_numpy(), abs=1e-3)
    assert found == pytest.approx(found.transpose(0, 2, 1), abs=1e-4)


def test_the_booster_explains_itself_as_the_shap_library_does(ensemble):
    shap = pytest.importorskip("shap")
    rng = np.random.default_rng(1)
    features = drawn(
        [(float(rng.poisson(3)), rng.normal(), rng.exponential(200), "bank") for _ in range(50)]
    )
    matrix = ensemble.preparation.matrix(features)
    booster = ensemble.heads[0].boosters[0]

    ours = boosting.contributions(booster, matrix, columns=ensemble.preparation.columns)
    theirs = shap.TreeExplainer(booster).shap_values(matrix)

    assert ours[:, :-1] == pytest.approx(theirs, abs=1e-5)


def test_signals_that_are_read_together_are_the_first_pair(ensemble):
    rng = np.random.default_rng(2)
    features = drawn(
        [(float(rng.poisson(3)), rng.normal(), rng.exponential(200), "shop") for _ in range(300)]
    )
    found = interactions(ensemble, features, most_rows=40)

    assert {found.loc[0, "first"], found.loc[0, "second"]} == {"logins", "tone"}
    assert (found["rows"] == 40).all()


def test_an_explanation_that_does_not_add_up_is_refused(ensemble):
    class Parted:
        def contributions(self, features):
            return ensemble.contributions(features) + 0.01

        def logit(self, features):
            return ensemble.logit(features)

    with pytest.raises(ArithmeticError, match="miss the log-odds"):
        explain(Parted(), drawn([(1.0, 0.0, 0.0, "bank")]))


#: Two customers, two as_ofs; usage is logins and unpaid, which cancel in the first row.
CONTRIBUTIONS = pd.DataFrame(
    {
        "logins": [0.4, -0.2, 0.2, 0.0],
        "tone": [0.1, 0.1, -0.1, 0.3],
        "unpaid": [-0.4, -0.2, 0.0, 0.0],
        "sector": 0.0,
        "bias": -3.0,
    },
    index=rows(2, as_ofs=2),
)


def test_the_importance_of_a_feature_is_its_mean_absolute_contribution():
    found = feature_importance(CONTRIBUTIONS, features=CATALOGUE)

    assert list(found.index) == ["logins", "tone", "unpaid", "sector"]
    assert found["importance"].to_list() == pytest.approx([0.2, 0.15, 0.15, 0.0])
    assert found["share"].to_list() == pytest.approx([0.4, 0.3, 0.3, 0.0])
    assert found.loc["tone", ["family", "title_ru"]].to_list() == ["conversation", "ru tone"]


def test_within_a_row_the_features_of_a_family_cancel():
    found = family_importance(CONTRIBUTIONS, features=CATALOGUE)

    assert found.to_dict() == pytest.approx({"usage": 0.15, "conversation": 0.15, "profile": 0.0})


def test_importance_over_time_is_that_of_the_rows_of_each_as_of():
    found = importance_over_time(CONTRIBUTIONS, features=CATALOGUE)

    assert list(found.index) == [START, START + 7 * DAY]
    assert found["usage"].to_list() == pytest.approx([0.1, 0.2])
    assert found["conversation"].to_list() == pytest.approx([0.1, 0.2])


def test_what_a_training_does_not_know_has_no_importance_in_it():
    before = pd.Series({"logins": 0.3, "tone": 0.2})
    after = pd.Series({"logins": 0.3, "tone": 0.2, "unpaid": 0.5})
    found = importance_stability({"before": before, "after": after}, top=1)

    assert found[["first", "second", "top_shared"]].values.tolist() == [["before", "after", 0.0]]
    assert found["rank_correlation"].to_list() == pytest.approx([-0.5])


def test_every_pair_of_trainings_is_compared():
    same = pd.Series({"logins": 0.3, "tone": 0.2})
    found = importance_stability(dict.fromkeys(("a", "b", "c"), same))

    assert found[["first", "second"]].values.tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert found["rank_correlation"].to_list() == pytest.approx([1.0, 1.0, 1.0])
    assert found["top_shared"].to_list() == [1.0, 1.0, 1.0]
