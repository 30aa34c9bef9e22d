"""Calibrators and their acceptance: what each recovers, when none is taken, what stays additive."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from churnml.evaluation.calibrators import calibration_by_segment, choose_calibrator, judge
from churnml.evaluation.refinement import segments
from churnml.model.calibration import FITS, Calibrator, fit_beta, fit_isotonic, fit_platt
from churnml.windows import DAY, LabelWindow

START = pd.Timestamp("2025-01-06")
WINDOW = LabelWindow(21, 28, 14)


def scored(
    *, slope: float = 1.0, shift: float = 0.0, late: tuple[float, float] | None = None,
    customers: int = 300, weeks: int = 40, seed: int = 0,
) -> tuple[pd.Series, pd.Series]:  # fmt: skip
    """Raw log-odds, and labels whose true log-odds are shift + slope × raw; or late from then."""
    rng = np.random.default_rng(seed)
    as_ofs = [START + 7 * number * DAY for number in range(weeks)]
    index = pd.MultiIndex.from_product(
        [[f"c{number:03}" for number in range(customers)], as_ofs], names=["customer_id", "as_of"]
    )
    raw = rng.normal(-2.0, 1.2, len(index))
    true = shift + slope * raw
    if late is not None:
        after = np.asarray(index.get_level_values("as_of") >= as_ofs[20])
        true = np.where(after, late[0] + late[1] * raw, true)
    left = rng.random(len(index)) < 1 / (1 + np.exp(-true))
    return pd.Series(raw, index=index), pd.Series(left, index=index)


def test_raw_changes_nothing():
    raw = np.array([-5.0, 0.0, 2.0])

    assert (Calibrator().logit(raw) == raw).all()


def test_platt_recovers_the_line():
    raw, left = scored(slope=0.6, shift=-0.3)
    [(intercept, slope)] = fit_platt(raw.to_numpy(), left.to_numpy()).numbers

    assert intercept == pytest.approx(-0.3, abs=0.15)
    assert slope == pytest.approx(0.6, abs=0.08)


def test_platt_on_few_leavers_stays_near_a_slope_of_one():
    raw, left = scored(slope=3.0, customers=2, weeks=20)
    [(_, slope)] = fit_platt(raw.to_numpy(), left.to_numpy()).numbers

    assert 1.0 <= slope < 2.0


def test_beta_calibration_of_calibrated_scores_is_the_identity():
    raw, left = scored(customers=2000)
    grid = np.linspace(-4, 1, 6)

    assert fit_beta(raw.to_numpy(), left.to_numpy()).logit(grid) == pytest.approx(grid, abs=0.15)


@pytest.mark.parametrize("method", FITS)
def test_no_calibrator_turns_a_ranking_round(method):
    raw, left = scored(slope=-0.5)
    found = FITS[method](raw.to_numpy(), left.to_numpy()).logit(np.linspace(-6, 3, 50))

    assert (np.diff(found) >= -1e-9).all()


@pytest.mark.parametrize("method", FITS)
def test_a_calibrator_survives_json_to_the_last_bit(method):
    raw, left = scored(customers=30)
    fitted = FITS[method](raw.to_numpy(), left.to_numpy())
    loaded = Calibrator.from_json(json.loads(json.dumps(fitted.as_json())))

    assert (loaded.logit(raw.to_numpy()) == fitted.logit(raw.to_numpy())).all()


def test_isotonic_agrees_with_the_share_of_each_step():
    raw = np.array([-2.0, -2.0, -2.0, -2.0, 1.0, 1.0])
    left = np.array([True, False, False, False, True, False])

    found = fit_isotonic(raw, left).probability(np.array([-2.0, 1.0, 9.0]))

    assert found == pytest.approx([0.25, 0.5, 0.5])


def test_only_a_line_keeps_shap_values_additive():
    raw, left = scored(customers=50)
    fits = {name: fit(raw.to_numpy(), left.to_numpy()) for name, fit in FITS.items()}

    assert fits["platt"].slope == fits["platt"].numbers[0][1]
    assert fits["beta"].slope is None
    assert fits["isotonic"].slope is None
    assert Calibrator().slope == 1.0


def test_a_calibrator_is_accepted_where_scores_are_overconfident():
    choice = choose_calibrator(*scored(slope=0.6, shift=-0.6), window=WINDOW, seed=1)

    assert choice.calibrator.method in ("platt", "beta", "isotonic")
    assert all(trial.log_loss_gain > 0 for trial in choice.trials)
    assert choice.judged != choice.calibrator


def test_calibrated_scores_are_left_alone():
    choice = choose_calibrator(*scored(), window=WINDOW, seed=1)

    assert choice.calibrator.method == "raw"
    assert choice.reason.startswith("Raw: no calibrator wins")


def test_a_season_that_passed_is_not_learnt():
    """The Christmas trap: the older block is off, the later one is not."""
    choice = choose_calibrator(*scored(shift=1.0, late=(0.0, 1.0)), window=WINDOW, seed=1)

    assert choice.calibrator.method == "raw"
    assert all(trial.log_loss_gain < 0 for trial in choice.trials)


def test_labels_that_close_after_the_later_block_begins_fit_nothing():
    raw, left = scored(slope=0.6)
    as_ofs = raw.index.get_level_values("as_of")
    begins = as_ofs.max() - int(0.4 * 39 * 7) * DAY
    between = (as_ofs > begins - 63 * DAY) & (as_ofs < begins)
    poisoned = left.where(~between, True)

    judged = choose_calibrator(raw, poisoned, window=WINDOW, seed=1).judged

    assert judged == choose_calibrator(raw, left, window=WINDOW, seed=1).judged


def test_too_few_leavers_decide_nothing():
    choice = choose_calibrator(*scored(slope=0.5, customers=20), window=WINDOW, seed=1)

    assert "are needed in each" in choice.reason
    assert choice.calibrator.method == "raw"


def test_the_gain_agrees_with_scikit_learn():
    from sklearn.metrics import brier_score_loss, log_loss

    raw, left = scored(slope=0.7, customers=50)
    calibrator = Calibrator("platt", ((0.1, 0.7),))
    before, after = Calibrator().probability(raw), calibrator.probability(raw.to_numpy())

    trial = judge(calibrator, raw, left, seed=0)

    assert trial.log_loss_gain == pytest.approx(log_loss(left, before) - log_loss(left, after))
    assert trial.brier_gain == pytest.approx(
        brier_score_loss(left, before) - brier_score_loss(left, after)
    )
    assert trial.lower < trial.log_loss_gain


def test_a_winner_must_not_lose_in_squared_error():
    trial = judge(Calibrator("platt", ((0.0, 1.0),)), *scored(customers=20), seed=0)

    assert not trial.wins
    assert dataclasses.replace(trial, lower=0.1, brier_gain=0.1).wins
    assert not dataclasses.replace(trial, lower=0.1, brier_gain=-0.1).wins


def test_expected_and_observed_by_segment_by_hand():
    index = pd.MultiIndex.from_product([list("abcd"), [START]], names=["customer_id", "as_of"])
    said = pd.Series([0.5, 0.5, 0.1, 0.1], index=index)
    left = pd.Series([True, False, False, False], index=index)
    region = pd.Series(["north", "north", "south", None], index=index, dtype="object")

    north, south = calibration_by_segment(said, left, {"region": region}, seed=0)

    assert north["by"], north["segment"] == ("region", "north")
    assert (north["rows"], north["customers"]) == (2, 2)
    assert (north["expected"], north["observed"], north["ratio"]) == (1.0, 1, 1.0)
    assert (south["rows"], south["expected"], south["ratio"]) == (1, pytest.approx(0.1), 0.0)
    assert south["interval"] is None


def test_segments_are_frequent_values_and_bands_of_tenure():
    index = pd.MultiIndex.from_product(
        [[f"c{number}" for number in range(401)], [START]], names=["customer_id", "as_of"]
    )
    features = pd.DataFrame(
        {"region": ["north"] * 200 + ["south"] * 200 + ["rare"], "tenure_days": 90.0}, index=index
    )
    found = segments(features)

    assert found["region"].dropna().unique().tolist() == ["north", "south"]
    assert found["tenure"].unique().tolist() == ["90 to 364 days"]


def test_a_calibrator_in_use_is_what_must_be_beaten():
    raw, left = scored(slope=0.6, shift=-0.6)
    current = Calibrator("platt", ((-0.6, 0.6),))

    choice = choose_calibrator(raw, left, window=WINDOW, seed=1, current=current)

    assert choice.calibrator is current
    assert choice.reason.startswith("Platt: no calibrator wins")
    assert {trial.method for trial in choice.trials} >= {"raw", "platt", "beta"}


def test_a_calibrator_whose_season_is_over_is_taken_back():
    raw, left = scored()
    choice = choose_calibrator(
        raw, left, window=WINDOW, seed=1, current=Calibrator("platt", ((1.5, 1.0),))
    )

    [(intercept, slope)] = choice.calibrator.numbers or ((0.0, 1.0),)
    assert choice.trials[0].log_loss_gain > 0
    assert (intercept, slope) == pytest.approx((0.0, 1.0), abs=0.1)
