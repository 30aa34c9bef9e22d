"""The weeks ahead on drawn customers: which week counts, what the score binds, when exits come."""

import json

import numpy as np
import pandas as pd
import pytest

from churnml.evaluation.ahead import forward_weeks, weekly_calibration
from churnml.labels import exit_days
from churnml.model.horizons import (
    WeeksAhead,
    exit_day_quantiles,
    fit_weeks_ahead,
    tied,
    unconditional,
    week_outcomes,
    weeks_needed,
)
from churnml.splits import ForwardFolds
from churnml.windows import DAY, LabelWindow

T = pd.Timestamp("2025-01-06")
WINDOW = LabelWindow(21, 28, 14)


def at(*customers: str, as_of: pd.Timestamp = T) -> pd.MultiIndex:
    return pd.MultiIndex.from_product([customers, [as_of]], names=["customer_id", "as_of"])


def drawn(customers: int = 6000, *, as_of: pd.Timestamp = T, seed: int = 0):
    """True weekly curve, the score that follows from it, and exits drawn from it."""
    rng = np.random.default_rng(seed)
    pull = rng.normal(-3.5, 1.0, customers)
    hazard = 1 / (1 + np.exp(-(pull[:, None] - np.linspace(0, 0.5, 12)[None, :])))
    curve = unconditional(hazard)
    leaves = rng.random((customers, 12)) < hazard
    week = np.where(leaves.any(axis=1), leaves.argmax(axis=1), np.nan)
    index = at(*(f"c{number:04}" for number in range(customers)), as_of=as_of)
    exits = pd.DataFrame({"notice_days": 7 * week + 3, "observed_days": np.inf}, index=index)
    return curve, pd.Series(curve[:, 3:7].sum(axis=1), index=index), exits


def test_a_week_is_half_open_and_counts_once_the_delay_has_passed():
    exits = pd.DataFrame(
        {"notice_days": [0.0, 7.0, 20.99, np.nan], "observed_days": np.inf}, index=at(*"abcd")
    )
    outcomes = week_outcomes(exits, known=T + 35 * DAY, delay_days=14, weeks=4)

    # 35 days on, less 14 until an exit is certain: three weeks are closed, the fourth is not.
    assert outcomes.closed.tolist() == [[True, True, True, False]] * 4
    assert outcomes.left.astype(int).tolist() == [
        [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0],
    ]  # fmt: skip
    assert outcomes.watched.astype(int).tolist() == [
        [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0],
    ]  # fmt: skip


def test_a_censored_customer_is_watched_until_then_and_a_stranger_never():
    exits = pd.DataFrame(
        {"notice_days": [np.nan, np.nan], "observed_days": [15.0, 0.0]}, index=at(*"ab")
    )
    outcomes = week_outcomes(exits, known=T + 365 * DAY, delay_days=0, weeks=3)

    assert outcomes.watched.tolist() == [[True, True, False], [False, False, False]]


def test_days_until_the_exit_of_hand_drawn_customers(dataset_of):
    def subscription(customer, end, reason="voluntary"):
        return {
            "subscription_id": customer, "customer_id": customer, "started_at": "2024-01-01",
            "ended_at": end, "end_reason": reason,
        }  # fmt: skip

    dataset = dataset_of(
        {
            "customers": [{"customer_id": c, "signed_up_at": "2024-01-01"} for c in "abcd"],
            "subscriptions": [
                subscription("a", "2025-01-16"), subscription("b", None),
                subscription("c", "2025-01-20", "involuntary"), subscription("d", "2024-12-01"),
            ],
        },
        until="2026-01-01",
    )  # fmt: skip
    snapshots = at(*"abcd").to_frame(index=False)

    found = exit_days(dataset, snapshots)

    assert found["notice_days"].tolist()[0] == 10
    assert found["notice_days"].isna().tolist() == [False, True, True, True]
    assert found["observed_days"].tolist() == [np.inf, np.inf, 14.0, 0.0]


def test_absence_has_no_weeks_ahead(dataset_of):
    dataset = dataset_of(
        {"events": [{"customer_id": "a", "event_time": "2024-01-01", "name": "purchase"}]},
        until="2025-01-01", description={"churn": {"kind": "absence"}},
    )  # fmt: skip

    assert exit_days(dataset, at("a").to_frame(index=False)) is None


def test_the_label_window_of_the_curve_holds_the_score():
    _, score, exits = drawn()
    fitted = fit_weeks_ahead(score, exits, known=T + 365 * DAY, window=WINDOW)
    other = pd.Series([1e-6, 0.02, 0.4, 0.97])
    curve = fitted.curve(other).to_numpy()

    assert curve[:, 3:7].sum(axis=1) == pytest.approx(other.to_numpy(), abs=1e-12)
    assert (curve >= 0).all()
    assert (curve.sum(axis=1) <= 1 + 1e-12).all()


def test_a_window_that_cuts_weeks_counts_them_by_their_days():
    window = LabelWindow(10, 30)
    curve = np.full((1, 12), 0.01)
    found = tied(curve, np.array([0.2]), window=window)[0]
    # Days 10 to 40: four of the second week, all of weeks three to five, five of the sixth. The
    # part of a week inside is scaled by s, the part outside by t.
    mass = 0.01 * 30 / 7
    s, t = 0.2 / mass, 0.8 / (1 - mass)

    assert found[1] == pytest.approx(0.01 * (4 * s + 3 * t) / 7)
    assert found[2] == pytest.approx(0.01 * s)
    assert found[5] == pytest.approx(0.01 * (5 * s + 2 * t) / 7)
    assert found[0] == pytest.approx(0.01 * t)


@pytest.mark.parametrize(("days", "weeks"), [(49, 12), (84, 12), (85, 13), (111, 16)])
def test_a_curve_reaches_to_the_end_of_the_label_window(days, weeks):
    assert weeks_needed(LabelWindow(0, days)) == weeks


def test_the_fitted_curve_is_near_the_true_one():
    curve, score, exits = drawn(customers=40_000)
    fitted = fit_weeks_ahead(score, exits, known=T + 365 * DAY, window=WINDOW)
    found = fitted.curve(score).to_numpy()

    assert found.mean(axis=0) == pytest.approx(curve.mean(axis=0), rel=0.1)
    risky = score.to_numpy() > np.quantile(score, 0.9)
    assert found[risky].mean(axis=0) == pytest.approx(curve[risky].mean(axis=0), rel=0.15)


def test_scores_that_were_too_low_as_a_whole_move_no_week():
    curve, score, exits = drawn(customers=40_000)
    too_low = 1 / (1 + np.exp(-(np.log(score / (1 - score)) - 0.7)))
    fitted = fit_weeks_ahead(too_low, exits, known=T + 365 * DAY, window=WINDOW)

    assert fitted.curve(score).mean().to_numpy() == pytest.approx(curve.mean(axis=0), rel=0.1)


def test_weeks_that_were_not_closed_teach_nothing():
    _, score, exits = drawn()
    known = T + 49 * DAY + 14 * DAY
    later = exits.assign(notice_days=exits["notice_days"].where(exits["notice_days"] < 49))

    fitted = fit_weeks_ahead(score, exits, known=known, window=WINDOW)

    assert fitted == fit_weeks_ahead(score, later, known=known, window=WINDOW)


def test_too_few_exits_teach_nothing():
    _, score, exits = drawn(customers=40)

    assert fit_weeks_ahead(score, exits, known=T + 365 * DAY, window=WINDOW) is None


def test_quarters_of_the_days_until_the_exit_by_hand():
    curve = pd.DataFrame([[0.1, 0.1] + [0.0] * 10, [0.02] * 12])
    found = exit_day_quantiles(curve)

    assert found.iloc[0].tolist() == pytest.approx([3.5, 7.0, 10.5])
    assert found.iloc[1].tolist() == pytest.approx([21.0, 42.0, 63.0])


def test_a_curve_survives_json():
    fitted = WeeksAhead((-1.0, 0.2, 0.1, 0.0, 0.9, 0.01, -0.02), 12, WINDOW)

    assert WeeksAhead.from_json(json.loads(json.dumps(fitted.as_json()))) == fitted


def test_what_was_said_and_what_came_by_week():
    exits = pd.DataFrame(
        {"notice_days": [3.0, 8.0, np.nan, np.nan], "observed_days": np.inf}, index=at(*"abcd")
    )
    curve = pd.DataFrame(np.full((4, 12), 0.1), index=exits.index)

    found = weekly_calibration(curve, exits, known=T + 28 * DAY, window=WINDOW, seed=1)

    assert found["1"]["observed"] == 0.25
    assert found["2"]["observed"] == 0.25
    assert found["1"]["predicted"] == pytest.approx(0.1)
    assert found["3"] == {"predicted": None, "observed": None, "interval": None, "rows": 0}


def test_a_fold_learns_from_earlier_folds_only():
    starts = (T, T + 200 * DAY)
    parts = [drawn(seed=seed, as_of=when) for seed, when in enumerate((T - 100 * DAY, *starts))]
    scores = [part[1] for part in parts]
    exits = pd.concat([part[2] for part in parts])
    tested = pd.concat(scores[1:])
    fold = pd.Series(np.repeat([1, 2], len(scores[0])), index=tested.index)
    arguments = {
        "folds": ForwardFolds(WINDOW, starts, starts[1] + 60 * DAY),
        "observed_until": starts[1] + 200 * DAY, "window": WINDOW, "seed": 0,
    }  # fmt: skip

    whole = forward_weeks(scores[0], tested, fold, exits, **arguments)
    # What became of the first fold changes the second fold's curve, not its own.
    other = exits.copy()
    other.loc[scores[1].index, "notice_days"] = 3.0
    changed = forward_weeks(scores[0], tested, fold, other, **arguments)

    same = whole.curve.eq(changed.curve).all(axis=1)
    assert same[fold == 1].all()
    assert not same[fold == 2].any()
    without = forward_weeks(pd.Series(dtype=float), tested, fold, exits, **arguments)
    assert len(without.curve) == len(scores[2])


def test_a_fold_learns_only_from_weeks_that_were_closed_when_it_began():
    # 60 days on, less 14 until an exit is certain: six weeks of the inner block are closed.
    _, inner, before = drawn(as_of=T - 60 * DAY)
    _, tested, after = drawn(seed=1)
    arguments = {
        "folds": ForwardFolds(WINDOW, (T,), T + 60 * DAY),
        "observed_until": T + 200 * DAY, "window": WINDOW, "seed": 0,
    }  # fmt: skip
    fold = pd.Series(1, index=tested.index)
    later = before.assign(notice_days=before["notice_days"].where(before["notice_days"] < 42, 80.0))

    known, poisoned = (
        forward_weeks(inner, tested, fold, pd.concat([part, after]), **arguments).curve
        for part in (before, later)
    )

    pd.testing.assert_frame_equal(known, poisoned, check_exact=True)
