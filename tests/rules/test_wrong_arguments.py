"""A wrong argument is answered with what was expected, what came and the line that mends it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import churnml as ch
from churnml.errors import InputError
from churnml.splits import ForwardFolds
from drawn.panel import FOLDS, TESTED, panel

T = pd.Timestamp("2026-01-05")
WINDOW = ch.LabelWindow(21, 28, 14)
KEYED = pd.DataFrame({"customer_id": ["a"], "as_of": [T], "x": [1.0]})


@pytest.fixture
def dataset(dataset_of):
    subscription = {"subscription_id": "s", "customer_id": "a", "started_at": "2025-01-01"}
    customer = {"customer_id": "a", "signed_up_at": "2025-01-01"}
    return dataset_of(
        {"customers": [customer], "subscriptions": [subscription]}, until="2026-02-01"
    )


def said(call) -> str:
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


@pytest.mark.parametrize(
    ("as_ofs", "expected"),
    [
        ("2026-01-05", "expected a list of Timestamps, got str '2026-01-05'"),
        (T, "or one in brackets"),
        (["2026-01-05"], "churnml.instant('2026-01-05', zone=dataset.description.timezone)"),
        ([T.tz_localize("Europe/Moscow")], "moment.tz_convert('UTC').tz_localize(None)"),
        ([T.date()], "an as_of in as_ofs is date; expected a naive UTC Timestamp"),
        ([pd.NaT], "an as_of in as_ofs is NaTType"),
    ],
)
def test_a_time_that_is_no_naive_instant_says_how_to_make_one(dataset, as_ofs, expected):
    assert expected in said(lambda: ch.take_snapshots(dataset, as_ofs))


def test_the_line_that_mends_a_text_does_mend_it(dataset):
    as_of = ch.instant("2026-01-05", zone=dataset.description.timezone)

    assert len(ch.take_snapshots(dataset, [as_of])) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: ch.take_snapshots("data", [T]),
        lambda: ch.compute_features(Path("data"), KEYED),
        lambda: ch.label("data", KEYED, window=WINDOW),
        lambda: ch.prepare("data", study=ch.read_study()),
        lambda: ch.find_spells("data"),
        lambda: ch.features_for("data", SimpleNamespace(feature_digest=""), [T]),
    ],
)
def test_a_path_instead_of_a_dataset_says_to_open_it(call):
    assert "churnml.open_dataset('data')" in said(call)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: ch.simulate(5), "out is int 5; expected a path"),
        (lambda: ch.open_dataset(5), "data is int 5; expected a path"),
        (lambda: ch.queue(1), "scores are int; expected a DataFrame with customer_id, as_of"),
        (lambda: ch.instant("banana"), "'banana' is no time"),
        (lambda: ch.instant([T, T], zone="UTC"), "is no time"),
        (lambda: ch.instant("2026-01-05"), "zone=dataset.description.timezone"),
        (lambda: ch.weekly(T, T - ch.windows.DAY), "2026-01-04 00:00:00, before first, 2026-01-05"),
        (lambda: ch.weekly("2026-01-05", T), "first is str '2026-01-05'"),
    ],
)
def test_what_a_newcomer_gives_by_mistake_is_answered_in_words(call, expected):
    assert expected in said(call)


def test_a_text_is_a_path_and_an_instant_with_its_zone_needs_no_other(tmp_path):
    ch.simulate(str(tmp_path / "world"), customers=30, weeks=20, seed=7)
    name = str(tmp_path / "world" / "data" / "dataset.toml")

    dataset = ch.open_dataset(str(tmp_path / "world" / "data"), dataset_file=name)
    assert dataset.description.name == "simulated-saas"
    assert ch.instant("2026-01-05T00:00+03:00") == pd.Timestamp("2026-01-04 21:00")
    assert ch.weekly(T, T).empty


def test_a_path_instead_of_a_study_says_to_read_it(dataset):
    assert "read_study(Path('s.toml'))" in said(lambda: ch.prepare(dataset, study="s.toml"))


def test_snapshots_whose_keys_are_in_the_index_say_how_to_get_them_out(dataset):
    indexed = KEYED.set_index(["customer_id", "as_of"])
    for call in (
        lambda: ch.compute_features(dataset, indexed),
        lambda: ch.label(dataset, indexed, window=WINDOW),
    ):
        assert "frame.reset_index()" in said(call)
    assert len(ch.compute_features(dataset, indexed.reset_index())) == 1


def test_snapshots_without_their_columns_name_who_makes_them(dataset):
    population = ch.read_study().population
    message = said(lambda: ch.in_population(dataset, KEYED, population=population))

    assert "spell_started_at is missing" in message
    assert "take_snapshots" in message
    assert "got list" in said(lambda: ch.label(dataset, [T], window=WINDOW))


@pytest.mark.parametrize(
    "call",
    [
        lambda frame: list(ForwardFolds(WINDOW, (T,), T).split(frame)),
        lambda frame: ch.score(None, frame),
        lambda frame: ch.explain(None, frame),
    ],
)
def test_features_without_their_index_say_how_to_get_it(call):
    assert "frame.set_index(['customer_id', 'as_of'])" in said(lambda: call(KEYED))
    assert "compute_features" in said(lambda: call(KEYED[["x"]]))
    assert "expected a DataFrame, got Series" in said(lambda: call(KEYED["x"]))


def test_a_bundle_instead_of_its_ensemble_says_so():
    bundle = SimpleNamespace(ensemble=None)
    rows = KEYED.set_index(["customer_id", "as_of"])

    assert "pass bundle.ensemble" in said(lambda: ch.explain(bundle, rows))


def test_folds_of_a_text_for_a_time_say_so():
    folds = ch.read_study().folds
    message = said(
        lambda: ch.forward_folds(folds, window=WINDOW, history_from="2025-01-01", observed_until=T)
    )

    assert message.startswith("history_from is str '2025-01-01'")


def test_what_is_no_dataset_says_what_is(dataset):
    for call in (
        lambda: ch.take_snapshots(KEYED, [T]),
        lambda: ch.find_spells(None),
        lambda: ch.prepare(KEYED, study=ch.read_study()),
    ):
        assert "expected what churnml.open_dataset(folder) returns" in said(call)


def test_what_is_no_bundle_says_how_to_come_to_one(dataset):
    rows = KEYED.set_index(["customer_id", "as_of"])
    for call in (
        lambda: ch.score(SimpleNamespace(heads=()), rows),
        lambda: ch.score_everyone(dataset, "model", [T], study=ch.read_study()),
    ):
        assert "churnml.Bundle.load(folder)" in said(call)
    assert "nowhere holds no model" in said(lambda: ch.Bundle.load("nowhere"))
    assert "path is int 5; expected a path" in said(lambda: ch.Bundle.load(5))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda proof: ch.headline_figure(proof), "Of a proof that is proof.judged"),
        (lambda proof: ch.rivals_figure(proof), "Of a proof that is proof.judged"),
        (lambda proof: ch.recall_by_load_figure(proof), "got SimpleNamespace"),
        (lambda proof: ch.profit_curve_figure(proof), "Of a proof that is proof.money"),
        (lambda proof: ch.reliability_figure(proof), "churnml.read_record(folder).reliability"),
    ],
)
def test_a_figure_given_a_whole_proof_says_which_part_it_draws(call, expected):
    assert expected in said(lambda: call(SimpleNamespace()))


def test_what_is_no_policy_says_how_to_make_one():
    scores = KEYED.rename(columns={"x": "score"})
    for call in (
        lambda: ch.queue(scores, 0.02),
        lambda: ch.queue(scores, ch.read_study().alerts),
        lambda: ch.evaluate(
            scores,
            pd.Series(["stayed"]),
            None,
            window=WINDOW,
            policy=ch.read_study().alerts,
            observed_until=T + pd.Timedelta(days=365),
        ),
    ):
        assert "churnml.Policy.of(study.alerts, seed=study.seed)" in said(call)
    assert "q is '0.02'; expected a share" in said(lambda: ch.Policy(q="0.02"))


def test_scores_that_are_a_series_say_how_to_make_them_a_table():
    series = KEYED.set_index(["customer_id", "as_of"])["x"]

    assert "series.rename('probability').reset_index()" in said(lambda: ch.queue(series))


def test_a_row_instead_of_a_table_stays_a_table_in_two_brackets():
    row = panel().features.iloc[0]
    model = ch.fit(panel(), folds=FOLDS, tested=TESTED, seed=1)

    assert "features.iloc[[0]]" in said(lambda: model.predict(row))


@pytest.mark.parametrize("given", [[ch.read_study()], {}])
def test_what_is_compared_has_names(given):
    arguments = {"folds": FOLDS, "study": ch.read_study()}
    fittings = said(lambda: ch.compare_fittings(None, None, fittings=given, **arguments))
    features = said(lambda: ch.compare_features(None, None, dropped=given, **arguments))

    assert "churnml.Fitting.of(study, parameters=None)" in fittings
    assert "{'all': [], 'without tone': ['tone_28d']}" in features


def test_a_training_is_told_of_a_study_and_a_folder_as_texts_alike(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()

    assert "a study is wanted" in said(lambda: ch.run_training(tmp_path, study="s.toml"))
    assert "exists and is no bundle" in said(
        lambda: ch.run_training(tmp_path, out=str(tmp_path / "taken"))
    )
    assert ch.read_record(str(tmp_path)) is None
