"""Ranking and probabilities on tables small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churnml.errors import InputError
from churnml.evaluation import (
    forward_flags,
    operating_threshold,
    random_scores,
    rank_sum,
    row_metrics,
)
from churnml.evaluation.calibration import equal_mass_bins, reliability

MONDAY = pd.Timestamp("2026-01-05")


def table(scores: list[float], *, per_week: int | None = None) -> pd.DataFrame:
    """Rows of different customers, all at one as_of or so many a week."""
    number = np.arange(len(scores))
    week = number // per_week if per_week else 0 * number
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in number],
            "as_of": MONDAY + pd.to_timedelta(7 * week, unit="D"),
            "score": scores,
        }
    )


def labels(text: str) -> pd.Series:
    """``c``hurned, ``s``tayed, left early (``l``), ``u``nknown."""
    words = {"c": "churned", "s": "stayed", "l": "left_early", "u": "unknown"}
    return pd.Series([words[letter] for letter in text])


def test_average_precision_sums_precision_at_the_hits():
    found = row_metrics(table([0.9, 0.8, 0.7, 0.6]), labels("cscs"))

    assert found["average_precision"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert found["roc_auc"] == 3 / 4
    assert found["base_rate"] == 0.5
    assert (found["n_rows"], found["n_positive"], found["n_positive_customers"]) == (4, 2, 2)


def test_equal_scores_are_one_step():
    found = row_metrics(table([0.5, 0.5, 0.5, 0.5]), labels("cscs"))

    assert found["average_precision"] == 0.5
    assert found["roc_auc"] == 0.5


def test_unknown_rows_are_left_out():
    with_unknown = row_metrics(table([0.9, 0.85, 0.8, 0.7, 0.6]), labels("cuscs"))
    without = row_metrics(table([0.9, 0.8, 0.7, 0.6]), labels("cscs"))

    assert with_unknown == without


def test_who_left_early_is_a_miss_in_the_headline_and_left_out_beside_it():
    found = row_metrics(table([0.9, 0.8, 0.7]), labels("lcs"))

    assert found["average_precision"] == 0.5
    assert found["roc_auc"] == 0.5
    assert found["average_precision_without_left_early"] == 1
    assert found["roc_auc_without_left_early"] == 1
    assert (found["n_rows"], found["base_rate"]) == (3, pytest.approx(1 / 3))


def test_a_flag_on_who_left_early_is_false_in_the_headline_and_left_out_beside_it():
    scores, flags = table([0.9 - i / 100 for i in range(20)]), pd.Series([True] * 4 + [False] * 16)

    found = row_metrics(scores, labels("lcls" + "s" * 15 + "c"), flags=flags)

    assert (found["precision"], found["recall"]) == (1 / 4, 1 / 2)
    assert found["precision_without_left_early"] == 1 / 2
    assert found["recall_without_left_early"] == 1 / 2
    assert found["f1_without_left_early"] == 1 / 2
    # The top tenth of 20 rows is two, one of them left early; of the other 18 it is two as well.
    assert found["lift_at_10pct"] == pytest.approx((1 / 2) / (2 / 20))
    assert found["lift_at_10pct_without_left_early"] == pytest.approx((1 / 2) / (2 / 18))


def test_precision_recall_and_f1_are_those_of_the_given_flags():
    flags = pd.Series([True, True, True, False])

    found = row_metrics(table([0.9, 0.8, 0.7, 0.6]), labels("cssc"), flags=flags)

    assert found["precision"] == pytest.approx(1 / 3)
    assert found["recall"] == 0.5
    assert found["f1"] == pytest.approx(0.4)


def test_lift_pools_the_top_tenth_of_every_as_of():
    first = [0.9 - i / 100 for i in range(10)]
    second = [0.2 - i / 100 for i in range(10)]
    found = row_metrics(table(first + second, per_week=10), labels("csssssssss" + "scssssssss"))

    assert found["lift_at_10pct"] == pytest.approx((1 / 2) / (2 / 20))


def test_the_top_tenth_is_rounded_up_to_whole_rows():
    found = row_metrics(table([0.9 - i / 100 for i in range(11)]), labels("scsssssssss"))

    assert found["lift_at_10pct"] == pytest.approx((1 / 2) / (1 / 11))


def test_of_a_tie_across_the_edge_of_the_tenth_the_expected_share_is_taken():
    found = row_metrics(table([0.5] * 10), labels("cccccsssss"))

    assert found["lift_at_10pct"] == pytest.approx(1)


def test_brier_and_calibration_error_compare_probabilities_with_what_came():
    probability = [0.1] * 10 + [0.4] * 10
    rows = table(probability).assign(probability=probability)

    found = row_metrics(rows, labels("csssssssss" + "ccsssssssss"[:10]))

    expected_brier = (0.9**2 + 9 * 0.1**2 + 2 * 0.6**2 + 8 * 0.4**2) / 20
    assert found["brier"] == pytest.approx(expected_brier)
    assert found["ece"] == pytest.approx(0.5 * 0.0 + 0.5 * 0.2)


def test_the_slope_is_one_where_every_probability_comes_true():
    probability = [0.2] * 10 + [0.6] * 10
    rows = table(probability).assign(probability=probability)

    found = row_metrics(rows, labels("ccssssssss" + "ccccccssss"))

    assert found["calibration_slope"] == pytest.approx(1)
    assert found["ece"] == pytest.approx(0)


def test_the_slope_is_one_half_where_logits_are_twice_too_far_out():
    def stretched(p: float) -> float:
        odds = (p / (1 - p)) ** 2
        return odds / (1 + odds)

    probability = [stretched(0.2)] * 10 + [stretched(0.6)] * 10
    rows = table(probability).assign(probability=probability)

    found = row_metrics(rows, labels("ccssssssss" + "ccccccssss"))

    assert found["calibration_slope"] == pytest.approx(0.5)


def test_a_score_alone_has_no_calibration():
    found = row_metrics(table([0.9, 0.1]), labels("cs"))

    assert [found[name] for name in ("brier", "ece", "calibration_slope")] == [None] * 3


@pytest.mark.parametrize("text", ["ccc", "sss", "uuu"])
def test_one_class_has_no_ranking_and_does_not_fail(text: str):
    rows = table([0.9, 0.5, 0.1]).assign(probability=[0.9, 0.5, 0.1])

    found = row_metrics(rows, labels(text))

    assert found["average_precision"] is None
    assert found["roc_auc"] is None
    assert found["calibration_slope"] is None
    assert (found["brier"] is None) == (text == "uuu")


@pytest.mark.parametrize("probability", [[0.3] * 4, [0.9, 0.1, 0.9, 0.1], [0.0, 1.0, 0.0, 1.0]])
def test_no_slope_is_invented_where_the_likelihood_has_no_maximum(probability: list[float]):
    rows = table(probability).assign(probability=probability)

    assert row_metrics(rows, labels("cscs"))["calibration_slope"] is None


def test_equal_probabilities_share_a_bin():
    bins = equal_mass_bins(np.array([0.1] * 15 + [0.9] * 5))

    assert set(bins[:15]) == {3}
    assert set(bins[15:]) == {8}


def test_reliability_counts_by_bins_of_equal_mass():
    probability = pd.Series(np.linspace(0.01, 0.4, 40))

    found = reliability(probability, pd.Series([True] * 4 + [False] * 36), bins=4)

    assert found["rows"].tolist() == [10] * 4
    assert found["share"].tolist() == [0.4, 0, 0, 0]
    assert (found["low"] <= found["share"]).all()
    assert (found["high"] >= found["share"]).all()


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (table([0.9, 0.1]), "csc"),
        (table([0.9, 0.1]).assign(probability=[1.2, 0.1]), "cs"),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows: pd.DataFrame, text: str):
    with pytest.raises(InputError):
        row_metrics(rows, labels(text))


def test_a_strange_label_is_refused_by_name():
    with pytest.raises(InputError, match="perhaps"):
        row_metrics(table([0.9]), pd.Series(["perhaps"]))


def test_the_operating_threshold_flags_the_share_rounded_up():
    scores = pd.Series([0.1, 0.2, 0.3, 0.4, 0.5, np.nan])

    assert operating_threshold(scores, q=0.2) == 0.5
    assert operating_threshold(scores, q=0.21) == 0.4
    with pytest.raises(InputError):
        operating_threshold(scores[scores.isna()], q=0.2)


def test_forward_flags_take_the_threshold_of_earlier_as_ofs():
    rows = table([0.1, 0.2, 0.9, 0.8, 0.85, 0.1], per_week=2)

    assert forward_flags(rows, q=0.5).tolist() == [False, True, True, True, True, False]
    assert forward_flags(rows.iloc[::-1], q=0.5).tolist() == [False, True, True, True, True, False]


def test_the_rank_sum_averages_ranks_within_the_as_of_and_puts_the_missing_in_the_middle():
    signals = pd.DataFrame({"silence": [1, 2, 3, 4, 900, 800], "use": [4, 3, 2, None, 5, 5]})
    as_ofs = pd.Series([MONDAY] * 4 + [MONDAY + pd.Timedelta(days=7)] * 2)

    found = rank_sum(signals, as_ofs, signs={"silence": 1, "use": -1})

    first = [(1 / 8 + 1 / 6) / 2, (3 / 8 + 3 / 6) / 2, (5 / 8 + 5 / 6) / 2, (7 / 8 + 0.5) / 2]
    assert found.tolist() == pytest.approx([*first, (0.75 + 0.5) / 2, (0.25 + 0.5) / 2])


def test_the_rank_sum_names_the_signals_it_misses():
    with pytest.raises(InputError, match="calls"):
        rank_sum(pd.DataFrame({"a": [1.0]}), pd.Series([MONDAY]), signs={"calls": 1})


def test_random_scores_depend_on_the_row_and_the_seed_and_not_on_its_place():
    rows = table([0.0] * 20, per_week=5)
    dice = random_scores(rows, seed=3)

    assert random_scores(rows.iloc[::-1], seed=3).sort_index().equals(dice)
    assert not random_scores(rows, seed=4).equals(dice)
    assert dice.between(0, 1).all()
