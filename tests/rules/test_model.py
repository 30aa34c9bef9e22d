"""The recipe on a small drawn panel: who trains, what adds up, what survives a round trip."""

import dataclasses
import json

import numpy as np
import pytest

from churnml.errors import InputError
from churnml.model.bundle import Bundle
from churnml.model.ensemble import fit_ensemble
from churnml.model.examples import Examples
from churnml.model.sampling import samples
from churnml.windows import DAY
from drawn.panel import FOLDS, START, TESTED, WIDE, WINDOW, feature, panel


def fitted(examples: Examples, **choices):
    return fit_ensemble(examples, folds=FOLDS, tested=TESTED, seed=7, **choices)


def test_the_model_finds_what_drives_exits():
    examples = panel()
    probability = fitted(examples).predict(examples.features)
    churned = examples.labels[WINDOW] == "churned"

    assert probability[churned].mean() > 2 * probability[~churned].mean()


def test_probabilities_of_training_rows_have_their_true_mean():
    examples = panel()
    rows = examples.train_rows(WINDOW, folds=FOLDS, tested=TESTED)
    churned = (examples.labels[WINDOW] == "churned")[rows]

    assert fitted(examples).predict(examples.features[rows]).mean() == pytest.approx(
        churned.mean(), abs=1e-6
    )


def test_contributions_add_up_to_the_log_odds():
    examples = panel()
    ensemble = fitted(examples, seeds=2)
    contributions = ensemble.contributions(examples.features)

    assert set(contributions.columns) == {"strain", "noise", "sector", "country", "bias"}
    assert contributions.sum(axis=1).to_numpy() == pytest.approx(
        ensemble.logit(examples.features), abs=1e-4
    )


def one_cohort() -> Examples:
    """All customers began with the panel; strain is what is known to matter."""
    examples = panel()
    age = (examples.as_ofs - START) / DAY
    features = examples.features.assign(tenure_days=np.asarray(age, dtype=float))
    return dataclasses.replace(
        examples, features=features, catalogue=tuple(feature(name) for name in features)
    )


def test_contributions_add_up_with_a_second_opinion_and_a_bundle_keeps_it(tmp_path):
    examples = one_cohort()
    ensemble = fitted(examples, signals={"strain": 1})
    assert ensemble.beside is not None
    assert ensemble.share == 0.5

    contributions = ensemble.contributions(examples.features)
    assert contributions.sum(axis=1).to_numpy() == pytest.approx(
        ensemble.logit(examples.features), abs=1e-4
    )
    whole = dataclasses.replace(bundle_of(examples), ensemble=ensemble)
    loaded = whole.save(tmp_path / "model")
    assert (loaded.predict(examples.features) == whole.predict(examples.features)).all()


def test_a_score_does_not_depend_on_who_else_is_scored():
    examples = panel()
    ensemble = fitted(examples)
    together = ensemble.predict(examples.features)
    alone = ensemble.predict(examples.features.iloc[[1234]])

    assert alone.item() == together.iloc[1234]


def test_each_head_is_purged_by_its_own_window():
    examples = panel()

    newest = {
        head: examples.as_ofs[examples.train_rows(head, folds=FOLDS, tested=TESTED)].max()
        for head in examples.heads
    }

    assert newest[WINDOW] == TESTED - 63 * DAY
    assert newest[WIDE] == TESTED - 98 * DAY


def test_unknown_labels_and_outsiders_never_train():
    examples = panel()
    labels = examples.labels[WINDOW].copy()
    labels.iloc[:5] = "unknown"
    population = examples.population.copy()
    population.iloc[5:8] = False
    examples = dataclasses.replace(
        examples, labels={WINDOW: labels, WIDE: labels}, population=population
    )

    assert not examples.train_rows(WINDOW, folds=FOLDS, tested=TESTED)[:8].any()


def test_labels_after_the_test_began_change_nothing():
    examples = panel()
    later = np.asarray(examples.as_ofs > TESTED - 63 * DAY)
    flipped = examples.labels[WINDOW].where(~later, "churned")
    wide = examples.labels[WIDE].where(np.asarray(examples.as_ofs <= TESTED - 98 * DAY), "churned")
    poisoned = dataclasses.replace(examples, labels={WINDOW: flipped, WIDE: wide})

    expected = fitted(examples).predict(examples.features)

    assert (fitted(poisoned).predict(examples.features) == expected).all()


def test_one_class_only_says_what_is_missing():
    examples = panel()
    stayed = examples.labels[WINDOW].where(examples.labels[WINDOW] == "stayed", "stayed")

    with pytest.raises(InputError, match="One class only"):
        fitted(dataclasses.replace(examples, labels={WINDOW: stayed}))


@pytest.mark.parametrize("sampler", ["scale_pos_weight", "undersample", "smote", "easy_ensemble"])
def test_resampling_is_corrected_before_a_probability_is_read(sampler):
    examples = panel()
    rows = np.asarray(examples.as_ofs >= TESTED)
    share = (examples.labels[WINDOW] == "churned")[rows].mean()

    mean = fitted(examples, sampler=sampler).predict(examples.features[rows]).mean()

    assert mean == pytest.approx(share, rel=0.25)


def test_undersampling_keeps_every_leaver():
    rng = np.random.default_rng(0)
    target = rng.random(2000) < 0.05
    matrix = rng.normal(size=(2000, 3)).astype(np.float32)

    [sample] = samples(matrix, target, sampler="undersample", rng=rng)

    assert sample.target.sum() == target.sum()
    assert sample.target.mean() == pytest.approx(1 / 6, abs=0.01)


def bundle_of(examples: Examples) -> Bundle:
    return Bundle(
        ensemble=fitted(examples), dataset="drawn", study={}, feature_digest="f", data_digest="d",
        feature_names=tuple(examples.features.columns), data_from=START, data_until=TESTED,
        metrics={"average_precision": 0.3},
    )  # fmt: skip


def test_a_bundle_survives_the_disk_to_the_last_bit(tmp_path):
    examples = panel()
    bundle = dataclasses.replace(bundle_of(examples), own_features=("strain",))
    loaded = bundle.save(tmp_path / "model")

    assert (loaded.predict(examples.features) == bundle.predict(examples.features)).all()
    assert (loaded.data_until, loaded.own_features) == (TESTED, ("strain",))


def test_an_altered_part_is_refused(tmp_path):
    bundle_of(panel()).save(tmp_path / "model")
    part = tmp_path / "model" / "linear.json"
    content = json.loads(part.read_text()) | {"bias": 9.0}
    part.write_text(json.dumps(content))

    with pytest.raises(InputError, match="altered"):
        Bundle.load(tmp_path / "model")


def test_a_missing_feature_is_named(tmp_path):
    examples = panel()

    with pytest.raises(InputError, match=r"absent: strain"):
        fitted(examples).predict(examples.features.drop(columns="strain"))


def test_a_bundle_holds_no_pickle(tmp_path):
    bundle_of(panel()).save(tmp_path / "model")

    assert {path.suffix for path in (tmp_path / "model").iterdir()} == {".ubj", ".json"}
