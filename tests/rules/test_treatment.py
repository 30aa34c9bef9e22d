"""Rows that a save play reached: which they are, and how they count in training."""

import numpy as np
import pandas as pd
import pytest

from churnml.config import Model, Study, Treated
from churnml.errors import InputError
from churnml.model.ensemble import fit_ensemble
from churnml.model.examples import Examples
from churnml.model.treatment import Treatment, check_weighting, find_treatment, untreated
from churnml.splits import ForwardFolds
from churnml.windows import DAY, LabelWindow

WINDOW = LabelWindow(21, 28, 14)
AS_OF = pd.Timestamp("2025-06-02")


def plays(*rows):
    """Interventions drawn as (customer, days from the as_of, arm, experiment)."""
    return [
        {
            "intervention_id": str(number), "customer_id": who, "assigned_at": AS_OF + day * DAY,
            "arm": arm, "experiment": experiment,
        }
        for number, (who, day, arm, experiment) in enumerate(rows)
    ]  # fmt: skip


def found(dataset_of, assigned, customers, **choice):
    dataset = dataset_of({"interventions": plays(*assigned)}, until="2026-01-01")
    snapshots = pd.DataFrame({"customer_id": customers, "as_of": [AS_OF] * len(customers)})
    return find_treatment(dataset, snapshots, window=WINDOW, choice=Treated(**choice))


@pytest.mark.parametrize(
    ("day", "reached"),
    [(-85, False), (-84, True), (-1, True), (0, True), (48, True), (49, False)],
)
def test_a_play_reaches_a_row_from_84_days_before_until_the_label_window_ends(
    dataset_of, day, reached
):
    treatment = found(dataset_of, [("ann", day, "treatment", "desk")], ["ann", "bob"])

    assert treatment.treated.tolist() == [reached, False]
    assert treatment.weight.tolist() == [1.0, 1.0]


def test_a_play_without_an_arm_is_a_treatment_and_the_control_arm_is_none(dataset_of):
    rows = [("ann", 3, None, None), ("bob", 3, "control", "desk")]
    treatment = found(dataset_of, rows, ["ann", "bob", "cid"])

    assert treatment.treated.tolist() == [True, False, False]
    assert treatment.control.tolist() == [False, True, False]


def test_who_was_held_back_and_later_treated_is_treated(dataset_of):
    rows = [("ann", -20, "control", "desk"), ("ann", 10, "treatment", "desk")]
    treatment = found(dataset_of, rows, ["ann"])

    assert (treatment.treated.item(), treatment.control.item()) == (True, False)


def test_excluded_rows_weigh_nothing(dataset_of):
    rows = [("ann", 3, "treatment", "desk"), ("bob", 3, "control", "desk")]
    treatment = found(dataset_of, rows, ["ann", "bob", "cid"], rows="exclude")

    assert treatment.weight.tolist() == [0.0, 1.0, 1.0]
    assert treatment.as_json() == {
        "handling": "exclude", "rows": 1, "customers": 1, "control_rows": 1,
    }  # fmt: skip


def test_the_control_arm_stands_in_for_the_treated_of_its_own_experiment(dataset_of):
    treated = [(f"t{number}", 3, "treatment", "desk") for number in range(6)]
    held = [(f"c{number}", 3, "control", "desk") for number in range(2)]
    others = [("x", 3, "treatment", "mail"), ("y", 3, "treatment", None)]
    customers = [who for who, *_ in (*treated, *held, *others)] + ["nobody"]
    treatment = found(dataset_of, [*treated, *held, *others], customers, rows="weight")

    assert treatment.weight.tolist() == [0.0] * 6 + [4.0, 4.0] + [0.0, 0.0] + [1.0]


def test_weights_without_a_control_arm_are_refused_in_words(dataset_of):
    with pytest.raises(InputError, match=r"needs a control arm: 1 treated row.*'keep'"):
        found(dataset_of, [("ann", 3, "treatment", "desk")], ["ann"], rows="weight")


def test_weights_and_resampling_exclude_each_other():
    study = Study(model=Model(sampler="smote"), treated=Treated(rows="weight"))

    with pytest.raises(InputError, match="resampled rows have no weight"):
        check_weighting(study)
    check_weighting(study.model_copy(update={"model": Model()}))


def test_without_the_table_nobody_was_treated(dataset_of):
    dataset = dataset_of({"events": []}, until="2026-01-01")
    snapshots = pd.DataFrame({"customer_id": ["ann"], "as_of": [AS_OF]})
    treatment = find_treatment(dataset, snapshots, window=WINDOW, choice=Treated(rows="exclude"))

    assert not treatment.treated.any()
    assert treatment.as_json()["handling"] == "keep"


def drawn(handling: str) -> tuple[Examples, Treatment]:
    """Half of the rows are treated and never leave; one in five of the others does."""
    rng = np.random.default_rng(3)
    as_ofs = [AS_OF + number * 7 * DAY for number in range(10)]
    customers = [f"c{number:03}" for number in range(200)]
    index = pd.MultiIndex.from_product([customers, as_ofs], names=["customer_id", "as_of"])
    reached = pd.Series(np.arange(len(index)) % 2 == 0, index=index)
    churned = (rng.random(len(index)) < 0.2) & ~reached.to_numpy()
    features = pd.DataFrame({"noise": rng.normal(size=len(index))}, index=index)
    weight = pd.Series(1.0, index=index)
    if handling == "exclude":
        weight[reached] = 0.0
    treatment = Treatment(reached, ~reached & False, weight, handling)
    labels = pd.Series(np.where(churned, "churned", "stayed"), index=index)
    everyone = pd.Series(True, index=index)
    examples = Examples(
        features, {WINDOW: labels}, everyone, (), silent_churn=False, treatment=treatment
    )
    return examples, treatment


@pytest.mark.parametrize(
    ("handling", "low", "high"), [("keep", 0.08, 0.12), ("exclude", 0.17, 0.23)]
)
def test_excluded_rows_teach_the_model_nothing(handling, low, high):
    examples, _ = drawn(handling)
    until = AS_OF + 200 * DAY
    folds = ForwardFolds(WINDOW, (until,), until + DAY)
    said = fit_ensemble(examples, folds=folds, tested=until, seed=1).predict(examples.features)

    assert low < said.mean() < high


def test_a_weight_counts_as_that_many_rows():
    examples, treatment = drawn("keep")
    until = AS_OF + 200 * DAY
    folds = ForwardFolds(WINDOW, (until,), until + DAY)
    weight = treatment.weight.where(~treatment.treated, 3.0)
    heavy = Examples(
        examples.features, examples.labels, examples.population, (), silent_churn=False,
        treatment=Treatment(treatment.treated, treatment.control, weight, "weight"),
    )  # fmt: skip
    churned = (examples.labels[WINDOW] == "churned").to_numpy()
    said = fit_ensemble(heavy, folds=folds, tested=until, seed=1).predict(examples.features)

    assert np.average(said, weights=weight) == pytest.approx(np.average(churned, weights=weight))


def test_untreated_rows_all_count_once():
    index = pd.MultiIndex.from_tuples([("ann", AS_OF)], names=["customer_id", "as_of"])

    assert untreated(index).as_json() == {
        "handling": "keep", "rows": 0, "customers": 0, "control_rows": 0,
    }  # fmt: skip
