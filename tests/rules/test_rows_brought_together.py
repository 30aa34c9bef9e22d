"""Rows that do not belong together are refused: figures from them would be wrong and look right."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import churnml as ch
from churnml.errors import InputError
from churnml.evaluation.bench import Bench
from churnml.evaluation.forward import fold_fits
from churnml.evaluation.paired import Exits
from churnml.model.ensemble import fit_ensemble
from churnml.windows import DAY
from drawn.panel import FOLDS, TESTED, WINDOW, panel

T = pd.Timestamp("2026-01-05")


@pytest.fixture
def dataset(dataset_of):
    """Three customers; b leaves 30 days after T."""
    ends = {"b": "2026-02-04"}
    return dataset_of(
        {
            "customers": [{"customer_id": one, "signed_up_at": "2025-01-01"} for one in "abc"],
            "subscriptions": [
                {"subscription_id": one, "customer_id": one, "started_at": "2025-01-01",
                 "ended_at": ends.get(one)} for one in "abc"
            ],
            "events": [{"customer_id": "a", "event_time": "2026-01-01", "name": "login"}],
        },
        until="2026-09-01",
    )  # fmt: skip


@pytest.fixture
def snapshots(dataset):
    return ch.take_snapshots(dataset, [T, T + 7 * DAY])


def shuffled(values):
    return values.sample(frac=1, random_state=1)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (lambda one: {"features": shuffled(one.features)}, "population and features must have"),
        (lambda one: {"features": one.features[one.features["noise"] > 0]}, "6,000 and"),
        (lambda one: {"population": shuffled(one.population)}, "population and features"),
        (lambda one: {"labels": {WINDOW: shuffled(one.labels[WINDOW])}}, "labels and features"),
        (lambda one: {"labels": {WINDOW: one.labels[WINDOW].replace("stayed", np.nan)}}, "nan"),
        (lambda one: {"labels": {WINDOW: one.labels[WINDOW] == "churned"}}, "hold False, True"),
    ],
)
def test_parts_of_examples_have_the_rows_of_the_features_and_the_four_labels(part, expected):
    examples = panel()
    with pytest.raises(InputError, match=expected):
        replace(examples, **part(examples))


def test_a_column_that_nobody_declared_is_not_learnt():
    examples = panel()
    examples.features["leak"] = (examples.labels[WINDOW] == "churned").astype(float)

    with pytest.raises(InputError, match=r"leak, which the catalogue does not know.*with_features"):
        fit_ensemble(examples, folds=FOLDS, tested=TESTED, seed=1)


def test_examples_are_not_judged_by_the_exits_of_another_dataset(dataset):
    examples = replace(panel(), heard=dataset)
    other, study = replace(dataset, digest="of others"), ch.read_study()
    for call in (
        lambda: Bench.of(other, examples, folds=FOLDS, study=study),
        lambda: ch.Bundle.of(None, examples, dataset=other, study=study),
        lambda: ch.prove(other, examples, folds=FOLDS, fitting=None, study=study, data="elsewhere"),
    ):
        with pytest.raises(InputError, match="Give the dataset that was prepared"):
            call()
    assert Bench.of(dataset, examples, folds=FOLDS, study=study).examples is examples


SCORES = pd.DataFrame(
    {
        "customer_id": list("abcd") * 2, "as_of": [T] * 4 + [T + 7 * DAY] * 4,
        "probability": [0.9, 0.8, 0.2, 0.1] * 2,
    }
)  # fmt: skip
LABELS = pd.Series(["churned", "churned", "stayed", "stayed"] * 2)
KEYED = LABELS.set_axis(pd.MultiIndex.from_frame(SCORES[["customer_id", "as_of"]]))


def area(labels, scores=SCORES) -> float:
    found = ch.evaluate(
        scores, labels, None, window=WINDOW, policy=ch.Policy(), resamples=5,
        observed_until=T + 365 * DAY,
    )  # fmt: skip
    return found.metrics["roc_auc"]


@pytest.mark.parametrize("labels", [shuffled(LABELS), shuffled(KEYED), KEYED[::-1]])
def test_labels_in_another_order_than_the_scores_are_refused(labels):
    with pytest.raises(InputError, match="labels stand in another order than the scores"):
        area(labels)


def test_labels_that_belong_are_taken_however_they_are_indexed():
    late = SCORES[SCORES["as_of"] > T]

    assert area(LABELS) == area(KEYED) == 1.0
    assert area(LABELS[late.index], late) == 1.0
    assert area(LABELS[late.index].reset_index(drop=True), late) == 1.0


def test_scores_are_not_compared_by_labels_of_another_order():
    exits = Exits(pd.DataFrame(columns=["exit_at"]), ch.Policy(), T + 365 * DAY, delay_days=0)
    scores = {"one": pd.Series(SCORES["probability"].to_numpy(), KEYED.index)}

    with pytest.raises(InputError, match="labels and scores must have the same rows"):
        ch.paired_figures(scores, shuffled(KEYED), exits=exits, resamples=5)


def test_who_is_kept_is_said_row_by_row_as_the_snapshots(dataset, snapshots):
    features = ch.catalogue(dataset).pick("events_28d")
    wanted = snapshots["customer_id"] == "a"

    for kept in (shuffled(wanted), wanted[wanted], wanted.to_numpy()):
        with pytest.raises(InputError, match="kept"):
            ch.compute_features(dataset, snapshots, features=features, kept=kept)
    found = ch.compute_features(dataset, snapshots, features=features, kept=wanted)
    assert found.index.get_level_values("customer_id").tolist() == ["a", "a"]


def typed(snapshots, **kinds):
    return snapshots.astype(kinds)


@pytest.mark.parametrize(
    "alike",
    [
        lambda one: one.set_axis([0] * len(one)),  # as concat of several leaves it
        lambda one: one.rename_axis("row"),
        lambda one: one.set_index(["customer_id", "as_of"], drop=False),
        lambda one: typed(one, as_of="datetime64[ns]"),
        lambda one: typed(one, customer_id="category"),
    ],
)
@pytest.mark.parametrize("kind", ["contract", "absence"])
def test_labels_do_not_depend_on_the_index_or_on_how_keys_are_stored(
    dataset, snapshots, kind, alike
):
    churn = dataset.description.churn.model_copy(update={"kind": kind})
    dataset = replace(dataset, description=dataset.description.model_copy(update={"churn": churn}))
    window = ch.LabelWindow(21, 28, 14)
    expected = ch.label(dataset, snapshots, window=window)
    found = ch.label(dataset, alike(snapshots), window=window)

    assert found.tolist() == expected.tolist()
    assert set(expected) >= ({"churned", "stayed"} if kind == "contract" else {"churned"})


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2026-01-05", r"as_of is of type str, with '2026-01-05' first.*pandas.to_datetime"),
        (20260105, "as_of is of type int64, with '20260105' first"),
        (T.date(), "as_of is of type object"),
        (T.tz_localize("UTC"), "tz_convert"),
        (pd.NaT, "empty customer_id or as_of"),
    ],
)
def test_snapshots_whose_times_are_none_say_how_to_make_them(dataset, snapshots, as_of, expected):
    wrong = snapshots.assign(as_of=as_of)
    calls = [
        lambda: ch.compute_features(dataset, wrong),
        lambda: ch.label(dataset, wrong, window=ch.LabelWindow(21, 28, 14)),
        lambda: ch.in_population(dataset, wrong, population=ch.read_study().population),
    ]
    for call in calls:
        with pytest.raises(InputError, match=expected):
            call()


def test_a_window_that_closes_before_exits_are_certain_is_refused(dataset, snapshots):
    with pytest.raises(InputError, match=r"LabelWindow\(21, 28, delay_days=14\)"):
        ch.label(dataset, snapshots, window=ch.LabelWindow(21, 28))
    with pytest.raises(InputError, match="window is tuple; expected"):
        ch.label(dataset, snapshots, window=(21, 28))


@pytest.mark.parametrize("days", [(-1, 28, 14), (21, 0, 14), (21, 28, -1), (21, 28.5, 14)])
def test_a_window_is_whole_days_of_the_future(days):
    with pytest.raises(InputError, match="expected whole days"):
        ch.LabelWindow(*days)


@pytest.mark.parametrize("moment", ["01.02.2024", "02/01/2024", "1 Feb 2024", 20240201, 1.7e9])
def test_a_moment_that_can_be_read_in_two_ways_is_no_time(moment):
    with pytest.raises(InputError, match="is no time"):
        ch.instant(moment, zone="UTC")


def test_nobody_is_in_the_population_of_no_snapshots(dataset, snapshots):
    active = ch.read_study().population.model_copy(update={"active_within_days": 30})
    twice = pd.concat([snapshots, snapshots])

    assert ch.in_population(dataset, snapshots.iloc[:0], population=active).empty
    assert ch.in_population(dataset, twice, population=active).tolist() == (
        ch.in_population(dataset, snapshots, population=active).tolist() * 2
    )


CONTRIBUTIONS = pd.DataFrame({"noise": [0.1, -0.2], "bias": [-2.0, -2.0]}, KEYED.index[:2])
VALUES = pd.DataFrame({"noise": [1.0, 2.0]}, KEYED.index[:2])


@pytest.mark.parametrize(
    ("contributions", "values", "expected"),
    [
        (CONTRIBUTIONS, VALUES[::-1], r"Bring them together: values\.loc\[contributions\.index\]"),
        (CONTRIBUTIONS, VALUES[:1], "there are 1 and 2"),
        (VALUES, CONTRIBUTIONS, r"expected what churnml\.explain"),
        ("model", VALUES, "got str"),
    ],
)
def test_a_figure_draws_values_beside_their_own_contributions(contributions, values, expected):
    features = panel().catalogue
    noise = next(one for one in features if one.name == "noise")
    for call in (
        lambda: ch.beeswarm_figure(contributions, values, features=features),
        lambda: ch.dependence_figure(contributions, values, feature=noise),
    ):
        with pytest.raises(InputError, match=expected):
            call()


def test_a_catalogue_that_lacks_a_signal_names_it():
    for call in (
        lambda: ch.feature_importance(CONTRIBUTIONS, features=()),
        lambda: ch.family_contributions(CONTRIBUTIONS, features=()),
    ):
        with pytest.raises(InputError, match=r"lacks 1 that the model reads, such as noise"):
            call()


def test_examples_are_kept_in_a_file_and_a_dataset_is_opened_again(dataset):
    examples = replace(panel(), heard=dataset)
    kept = pickle.loads(pickle.dumps(examples))

    pd.testing.assert_frame_equal(kept.features, examples.features)
    assert (kept.catalogue, kept.heard) == (examples.catalogue, None)
    for call in (pickle.dumps, copy.deepcopy):
        with pytest.raises(InputError, match="open it again where it is needed"):
            call(dataset)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"sampler": "smot"}, r"sampler is 'smot'.*Did you mean smote\?"),
        ({"device": "gpu"}, "device is 'gpu'; expected one of cpu, cuda"),
        ({"seeds": 0}, "seeds is 0"),
        ({"parameters": {"max_depth": 3}}, "parameters are dict"),
        ({"folds": ch.read_study().folds}, "folds Folds; expected both as of"),
    ],
)
def test_what_is_no_choice_is_not_fitted_with(choice, expected):
    with pytest.raises(InputError, match=expected):
        fit_ensemble(panel(), **{"folds": FOLDS, "tested": TESTED, "seed": 1, **choice})


def test_a_study_is_changed_by_its_own_keys_only():
    study = ch.read_study().model_copy(update={"label": {"horizon_days": 14}})
    changed = study.model_copy(update={"label": {"lead_days": 7}, "seed": 3})

    assert (changed.label.lead_days, changed.label.horizon_days, changed.seed) == (7, 14, 3)
    for update, expected in (
        ({"sed": 3}, "unknown key 'sed'"),
        ({"label": {"lead": 7}}, "unknown key 'lead'; known here: horizon_days, lead_days"),
        ({"seed": -1}, "'seed' is -1"),
    ):
        with pytest.raises(InputError, match=expected):
            study.model_copy(update=update)


def test_folds_of_another_time_test_nothing_and_say_so():
    later = replace(FOLDS, starts=(TESTED + 900 * DAY,), until=TESTED + 960 * DAY)

    with pytest.raises(InputError, match="none is tested"):
        list(fold_fits(panel(), folds=later, fitting=None))


def test_examples_are_narrowed_by_names_of_their_catalogue():
    examples = panel()
    narrowed = examples.only(["strain", examples.catalogue[1]])

    assert (
        list(narrowed.features) == [one.name for one in narrowed.catalogue] == ["strain", "noise"]
    )
    with pytest.raises(InputError, match=r"No feature is called strian.*Did you mean strain\?"):
        examples.only(["strian"])


def test_exits_are_those_of_the_spells(dataset):
    with pytest.raises(InputError, match="expected a DataFrame as of"):
        ch.evaluate(
            SCORES,
            LABELS,
            dataset,
            window=WINDOW,
            policy=ch.Policy(),
            observed_until=T + 365 * DAY,
        )
