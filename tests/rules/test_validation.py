"""Late data, history, look-back, labels and other splits, on a company drawn in the test."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import churnml as ch
from churnml.alerting.queue import Policy
from churnml.config import Study
from churnml.errors import InputError
from churnml.evaluation.label_sensitivity import rank_agreement
from churnml.evaluation.leads import queue_metrics
from churnml.evaluation.paired import Exits, paired_figures
from churnml.evaluation.rows import row_metrics
from churnml.evaluation.split_gap import FORWARD, RANDOM_ROWS
from churnml.features import catalogue
from churnml.features.algebra import EVER, LAST_4_WEEKS, NEXT_4_WEEKS, PRIOR_12_WEEKS, Rows
from churnml.features.lookback import lookback_weeks
from churnml.features.operators import OwnBaseline, count, days_since, percentile, ratio, trend
from churnml.features.row_sources import EVENTS
from churnml.sources.arrival import arriving_later
from churnml.sources.description import Description
from churnml.windows import DAY

START = pd.Timestamp("2025-01-06")
WEEKS, CUSTOMERS = 56, 120
UNTIL = START + WEEKS * 7 * DAY
STUDY = Study.model_validate({"folds": {"blocks": 1, "test_every_days": 84}, "seed": 3})
#: A few signals are enough to learn from, and quick.
KEPT = ("events_7d", "events_28d", "active_days_84d", "days_since_event", "tenure_days")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """Customers use the product on some days; who will leave uses it less for six weeks before."""
    rng = np.random.default_rng(11)
    folder = tmp_path_factory.mktemp("company")
    names = [f"c{number:03}" for number in range(CUSTOMERS)]
    leaves = rng.random(CUSTOMERS) < 0.5
    exits = START + pd.to_timedelta(rng.integers(100, WEEKS * 7 + 60, CUSTOMERS), unit="D")
    exits = exits.where(leaves, pd.NaT)
    starts = START - 30 * DAY
    pd.DataFrame({"customer_id": names, "signed_up_at": starts}).to_parquet(
        folder / "customers.parquet"
    )
    pd.DataFrame(
        {"subscription_id": names, "customer_id": names, "started_at": starts,
         "ended_at": exits.where(exits < UNTIL)}
    ).to_parquet(folder / "subscriptions.parquet")  # fmt: skip
    days = pd.date_range(START, UNTIL, inclusive="left")
    grid = pd.MultiIndex.from_product([names, days], names=["customer_id", "event_time"])
    events = grid.to_frame(index=False)
    end = events["customer_id"].map(dict(zip(names, exits, strict=True)))
    fading = events["event_time"] >= end - 42 * DAY
    used = rng.random(len(events)) < np.where(fading, 0.08, 0.45)
    gone = events["event_time"] >= end
    kept = events[used & ~gone].assign(name="view", event_time=lambda e: e["event_time"] + DAY / 2)
    kept.to_parquet(folder / "events.parquet")
    (folder / "dataset.toml").write_text('[churn]\nkind = "contract"\ngrace_days = 14\n')
    return ch.open_dataset(folder)


@pytest.fixture(scope="module")
def studied(company, tmp_path_factory):
    examples, folds = ch.prepare(
        company, study=STUDY, cache=tmp_path_factory.mktemp("cache"), say=lambda _: None
    )
    kept = tuple(feature for feature in examples.catalogue if feature.name in KEPT)
    few = replace(examples, features=examples.features[[f.name for f in kept]], catalogue=kept)
    return company, few, folds


def asked(question, studied, **choices) -> pd.DataFrame:
    dataset, examples, folds = studied
    return question(dataset, examples, folds=folds, study=STUDY, resamples=20, **choices)


def one(table: pd.DataFrame, **where) -> pd.Series:
    found = table[np.logical_and.reduce([table[name] == value for name, value in where.items()])]
    [line] = found.to_dict("records")
    return line


# several scores on the same rows


@pytest.fixture(scope="module")
def scored(studied):
    """Two made-up scores of the tested rows and what they are judged by."""
    dataset, examples, folds = studied
    as_ofs = examples.as_ofs
    rows = np.asarray((as_ofs >= folds.starts[0]) & (as_ofs < folds.until))
    labels = examples.labels[examples.window][rows]
    rng = np.random.default_rng(1)
    better = pd.Series(
        np.where(labels == "churned", 0.3, 0.1) + rng.random(len(labels)) / 2, labels.index
    )
    worse = pd.Series(rng.random(len(labels)), labels.index)
    exits = Exits(ch.find_spells(dataset), Policy(q=0.05, seed=4), dataset.observed_until, 14)
    return {"better": better, "worse": worse}, labels, exits


def test_paired_figures_are_those_of_each_score_alone(scored):
    scores, labels, exits = scored
    table = paired_figures(scores, labels, exits=exits, resamples=10)
    for key, probability in scores.items():
        frame = probability.rename("probability").reset_index()
        alone = row_metrics(frame, labels.reset_index(drop=True)) | queue_metrics(
            frame, exits.spells, exits.policy, observed_until=exits.observed_until,
            delay_days=exits.delay_days,
        )  # fmt: skip
        for figure, value in table[table["key"] == key].set_index("figure")["value"].items():
            assert value == pytest.approx(alone[figure]), (key, figure)


def test_a_difference_is_from_the_first_and_none_from_itself(scored):
    scores, labels, exits = scored
    table = paired_figures(scores, labels, exits=exits, resamples=30)
    first = one(table, key="better", figure="average_precision")
    second = one(table, key="worse", figure="average_precision")

    assert (first["difference"], first["difference_low"], first["difference_high"]) == (0, 0, 0)
    assert second["difference"] == second["value"] - first["value"]
    assert second["difference_high"] < 0
    assert second["low"] < second["value"] < second["high"]


def test_what_two_scores_share_cancels_in_their_difference(scored):
    scores, labels, exits = scored
    nearly = scores["better"] + 1e-3 * scores["worse"]
    table = paired_figures(
        {"better": scores["better"], "nearly": nearly / 2}, labels, exits=exits, resamples=50
    )
    line = one(table, key="nearly", figure="average_precision")

    assert line["difference_error"] < line["standard_error"] / 5


def test_fits_with_other_seeds_are_averaged(scored):
    scores, labels, exits = scored
    both = pd.DataFrame(scores)
    table = paired_figures({"both": both, **scores}, labels, exits=exits, resamples=5)
    values = [one(table, key=key, figure="brier")["value"] for key in ("both", "better", "worse")]

    assert values[0] == pytest.approx((values[1] + values[2]) / 2)
    assert one(table, key="both", figure="brier")["between_fits"] > 0


def test_scores_of_other_rows_are_refused(scored):
    scores, labels, exits = scored
    with pytest.raises(InputError, match="of other rows"):
        paired_figures({"a": scores["better"], "b": scores["worse"][::-1]}, labels, exits=exits)


# how much history


def test_a_history_of_so_many_weeks_has_so_many_as_ofs(studied):
    _, examples, folds = studied
    table = asked(ch.learning_curve, studied, weeks=(6, 10, 99))
    newest = folds.starts[0] - 63 * DAY
    for weeks in (6, 10):
        as_ofs = [newest - number * 7 * DAY for number in range(weeks)]
        rows = examples.as_ofs.isin(as_ofs) & examples.population.to_numpy()
        known = (examples.labels[examples.window] != "unknown").to_numpy()

        assert one(table, weeks=weeks, figure="brier")["train_rows"] == (rows & known).sum()
    assert sorted(table["weeks"].unique())[:2] == [6, 10]
    assert table.loc[table["whole"], "difference"].dropna().eq(0).all()


def test_no_shorter_history_is_said_in_words(studied):
    with pytest.raises(InputError, match="none of the lengths 99"):
        asked(ch.learning_curve, studied, weeks=(99,))


# how far a feature looks back

STREAM = Rows(EVENTS)


@pytest.mark.parametrize(
    ("expr", "weeks"),
    [
        (count(STREAM, LAST_4_WEEKS), 4),
        (ratio(count(STREAM, LAST_4_WEEKS), count(STREAM, PRIOR_12_WEEKS)), 24),
        (count(STREAM, NEXT_4_WEEKS), 0),
        (count(STREAM, EVER), math.inf),
        (days_since(STREAM), math.inf),
        (trend(STREAM, weeks=8), 8),
        (percentile(count(STREAM, LAST_4_WEEKS)), 4),
        (OwnBaseline(STREAM).ratio(LAST_4_WEEKS), 30),
    ],
)
def test_the_look_back_follows_from_the_expression(expr, weeks):
    assert lookback_weeks(expr) == weeks


def test_names_promise_no_more_than_the_expressions_read():
    # The names are not read by the package; here they are the second, plainer source.
    for feature in catalogue(Description()):
        for days in (7, 14, 28, 84):
            if feature.name.endswith(f"_{days}d") and "_next_" not in feature.name:
                assert lookback_weeks(feature.value) >= days / 7, feature.name


def test_bounds_leave_out_what_looks_back_further(studied):
    table = asked(ch.window_sufficiency, studied, weeks=(1, 4))
    counted = {
        (weeks, ever): one(table, weeks=weeks, since_ever=ever, figure="brier")["features"]
        for weeks, ever in [(1.0, False), (4.0, False), (math.inf, False), (1.0, True),
                            (4.0, True), (math.inf, True)]
    }  # fmt: skip

    # tenure reads no rows; then events_7d, events_28d, active_days_84d; days_since_event since ever
    assert list(counted.values()) == [2, 3, 4, 3, 4, 5]
    assert one(table, weeks=math.inf, since_ever=True, figure="brier")["difference"] == 0


# late data


def test_rows_that_arrive_later_are_missing_from_the_newest_days_alone(studied):
    dataset, examples, _ = studied
    snapshots = ch.take_snapshots(dataset, list(examples.as_ofs.unique()[-3:]))
    [feature] = [feature for feature in examples.catalogue if feature.name == "events_7d"]

    late = ch.compute_features(arriving_later(dataset, days=3), snapshots, features=[feature])

    events = dataset.frame("events")
    for customer, as_of in late.index[::17]:
        own = events.loc[events["customer_id"] == customer, "event_time"]
        seen = (own >= as_of - 7 * DAY) & (own + 3 * DAY < as_of)
        assert late.loc[(customer, as_of), "events_7d"] == seen.sum()


def test_late_data_change_neither_who_is_at_risk_nor_what_became_of_them(studied):
    dataset, examples, _ = studied
    late = arriving_later(dataset, days=7)
    as_ofs = list(examples.as_ofs.unique()[-2:])
    snapshots = ch.take_snapshots(dataset, as_ofs)

    pd.testing.assert_frame_equal(ch.take_snapshots(late, as_ofs), snapshots)
    for name in ("events", "subscriptions"):
        assert len(late.frame(name)) == len(dataset.frame(name))
    assert late.digest != dataset.digest


def test_late_arrivals_compare_both_ways_of_training(studied):
    table = asked(ch.late_arrivals, studied, days=(7,))
    lines = {
        key: one(table, delay_days=key[0], training=key[1], figure="average_precision")
        for key in [(0, "as late"), (7, "as late"), (0, "on time"), (7, "on time")]
    }

    assert lines[0, "as late"]["value"] == lines[0, "on time"]["value"]
    assert lines[0, "as late"]["difference"] == 0
    # who learnt that a silent week is a bad sign takes a late week for one
    assert lines[7, "on time"]["value"] < lines[0, "on time"]["value"]


# what leaving means


def test_every_definition_has_its_own_base_rate_and_exits(studied):
    dataset, examples, folds = studied
    table = asked(
        ch.label_sensitivity, studied, grace_days=(30,), lead_days=(), horizon_days=(14, 56)
    )
    lines = table[table["figure"] == "brier"].set_index(["varied", "days"])

    assert list(lines.index) == [
        ("grace_days", 14), ("grace_days", 30), ("lead_days", 21), ("horizon_days", 14),
        ("horizon_days", 28), ("horizon_days", 56),
    ]  # fmt: skip
    assert lines.loc["horizon_days", "base_rate"].is_monotonic_increasing
    assert lines[lines["default"]]["rank_agreement"].tolist() == pytest.approx([1, 1, 1])
    # by hand: exits 21 to 35 days after a tested as_of, closed under the longest definition
    spells = ch.find_spells(dataset).dropna(subset=["exit_at"])
    as_ofs = examples.as_ofs.unique()
    longest = 21 + 56 + 14
    tested = as_ofs[(as_ofs >= folds.starts[0]) & (as_ofs <= UNTIL - longest * DAY)]
    assert len(tested)
    notice = [(exit_at - tested) / DAY for exit_at in spells["exit_at"]]
    expected = sum(bool(((days >= 21) & (days < 35)).any()) for days in notice)
    assert lines.loc[("horizon_days", 14), "exits"] == expected


def test_a_definition_that_nothing_tested_can_close_is_refused(studied):
    with pytest.raises(InputError, match="longest definition"):
        asked(ch.label_sensitivity, studied, horizon_days=(400,))


def test_agreement_is_within_the_as_of():
    index = pd.MultiIndex.from_product(
        [list("abcdefghij"), [START, START + 7 * DAY]], names=["customer_id", "as_of"]
    )
    first = pd.Series(np.arange(20.0), index)
    level = pd.Series(index.get_level_values("as_of") == START, index) * 100.0

    assert rank_agreement(first, first + level)["rank_agreement"] == pytest.approx(1)
    assert rank_agreement(first, -first)["rank_agreement"] == pytest.approx(-1)
    assert rank_agreement(first, first + level)["shared_top"] == 1
    assert rank_agreement(first, -first)["shared_top"] == 0


# what other splits promise


def test_a_random_split_takes_a_fingerprint_for_a_signal(studied):
    dataset, examples, folds = studied
    customers, names = pd.factorize(examples.features.index.get_level_values("customer_id"))
    dice = np.random.default_rng(2).random((len(names), len(KEPT)))
    # Who somebody is says nothing of the future, and much of the neighbouring weeks.
    marked = replace(
        examples,
        features=pd.DataFrame(
            dice[customers], index=examples.features.index, columns=examples.features.columns
        ),
        catalogue=tuple(replace(feature, risk=0) for feature in examples.catalogue),
    )

    table = asked(ch.split_gap, (dataset, marked, folds), parts=2)

    gap = one(table, split=RANDOM_ROWS, figure="average_precision")
    assert gap["difference"] > 0.05
    assert gap["difference_low"] > 0
    assert one(table, split=FORWARD, figure="brier")["difference"] == 0
    unpurged = one(table, split="forward_unpurged", figure="brier")
    assert unpurged["train_rows"] > one(table, split=FORWARD, figure="brier")["train_rows"]


# ways of fitting


def test_ways_of_fitting_are_judged_on_the_same_rows_against_the_first(studied):
    recipe = ch.Fitting.of(STUDY, parameters=None)
    ways = {"recipe": recipe, "again": recipe, "weighted": replace(recipe, sampler="smote")}
    table = asked(ch.compare_fittings, studied, fittings=ways)

    again = table[table["tried"] == "again"]
    assert again["difference"].dropna().eq(0).all()
    assert one(table, tried="weighted", figure="brier")["difference"] != 0
    assert list(table["tried"].unique()) == list(ways)
    with pytest.raises(InputError, match="nothing to compare"):
        asked(ch.compare_fittings, studied, fittings={})


def test_what_a_feature_adds_is_judged_by_leaving_it_out(studied):
    choices = {"all": [], "again": (), "without": ["events_7d", "events_28d", "active_days_84d"]}
    table = asked(ch.compare_features, studied, dropped=choices)

    assert table[table["tried"] == "again"]["difference"].dropna().eq(0).all()
    assert one(table, tried="without", figure="average_precision")["difference"] != 0
    with pytest.raises(InputError, match="No feature is called luck"):
        asked(ch.compare_features, studied, dropped={"all": [], "less": ["luck"]})
