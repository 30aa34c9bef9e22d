"""Boosters fitted by ``xgboost.spark`` on two executors are those that one machine would fit."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from churnml import catalogue, open_dataset, prepare
from churnml.config import Study, parse
from churnml.errors import InputError
from churnml.model.boosting import Parameters
from churnml.model.bundle import Bundle
from churnml.model.cluster import FEATURES, Everyone, check_cluster, fit_there
from churnml.model.ensemble import Boosting, fit_ensemble, recipe_for
from churnml.model.treatment import Treatment
from churnml.sources.spark import on_spark
from churnml.sources.world import simulate
from drawn.panel import FOLDS, TESTED, WIDE, WINDOW, panel
from drawn.spark import NEEDED, cluster

pytestmark = NEEDED

KEPT = ("active_days_28d", "logins_28d", "logins_28d_percentile", "days_since_activity",
        "tenure_days", "profile_industry")  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _cluster(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("warehouse")):
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """The data of a small company with few tables, and beside it a study of few features."""
    folder = tmp_path_factory.mktemp("company")
    simulate(folder / "w", customers=120, weeks=52, seed=7)
    for path in (folder / "w" / "data").glob("*.parquet"):
        if path.stem not in ("customers", "subscriptions", "events", "tickets"):
            path.unlink()
    dropped = [one.name for one in catalogue(open_dataset(folder / "w" / "data"))
               if one.name not in KEPT]  # fmt: skip
    (folder / "study.toml").write_text(
        f"[features]\ndrop = {json.dumps(dropped)}\n[tuning]\ntrials = 0\n[folds]\nblocks = 1\n"
        "[baselines]\nrank_sum = { logins_28d = -1 }\n[model]\nfinal_seeds = 1\n"
    )
    return folder


def everyone(dataset_of, examples):
    """The rows of the panel on Spark, as if their features had been computed there."""
    home = on_spark(dataset_of({}, until="2026-01-01")).home
    backend = home(dataset_of({}, until="2026-01-01").connection)
    rows = {head: examples.train_rows(head, folds=FOLDS, tested=TESTED) for head in examples.heads}
    bare = dataclasses.replace(examples, features=pd.DataFrame(index=examples.features.index))
    return backend, examples.features.reset_index(), bare, rows


def fitted_both_ways(dataset_of, examples, **choices):
    """The recipe with the boosters of two executors, and all of it here."""
    opened, table, bare, rows = everyone(dataset_of, examples)
    how = {"folds": FOLDS, "tested": TESTED, "seed": 7, **choices}
    with opened as backend:
        backend.load(FEATURES, pa.Table.from_pandas(table, preserve_index=False))
        there = fit_ensemble(examples, elsewhere=Everyone(backend, bare, rows), **how)
    return there, fit_ensemble(examples, **how)


def coarse(examples):
    """Few values of each number: every quantile is one of them, wherever it is looked for."""
    strain = (examples.features["strain"] * 8).round() / 8
    noise = (examples.features["noise"] * 8).round() / 8
    features = examples.features.assign(strain=strain, noise=noise)
    return dataclasses.replace(examples, features=features)


def half_weighted(examples):
    """Every second row counts three times."""
    index = examples.features.index
    nobody = pd.Series(False, index=index)
    weight = pd.Series(np.where(np.arange(len(index)) % 2, 3.0, 1.0), index=index)
    return dataclasses.replace(examples, treatment=Treatment(nobody, nobody, weight, "weight"))


@pytest.mark.parametrize("changed", [coarse, lambda panel: half_weighted(coarse(panel))],
                         ids=["alike", "weighted"])  # fmt: skip
def test_without_draws_of_rows_and_columns_boosters_are_the_same(dataset_of, changed):
    examples = changed(panel())
    rows = examples.train_rows(WINDOW, folds=FOLDS, tested=TESTED)
    whole = dataclasses.replace(
        recipe_for(examples, rows), trees=40, subsample=1.0, colsample_bytree=1.0
    )

    there, here = fitted_both_ways(dataset_of, examples, parameters=whole, seeds=2)

    assert [len(head.boosters) for head in there.heads] == [2, 2]
    assert [head.window for head in there.heads] == [WINDOW, WIDE]
    booster, expected = there.heads[0].boosters[0], here.heads[0].boosters[0]
    assert booster.num_boosted_rounds() == 40
    assert booster.feature_names == expected.feature_names
    np.testing.assert_allclose(
        there.logit(examples.features), here.logit(examples.features), atol=1e-4
    )


def test_the_recipe_with_its_draws_ranks_alike_and_can_be_saved(dataset_of, tmp_path):
    examples = panel()

    there, here = fitted_both_ways(dataset_of, examples)

    assert there.parameters == here.parameters
    found, expected = there.logit(examples.features), here.logit(examples.features)
    assert np.corrcoef(found, expected)[0, 1] > 0.99
    ladder = examples.features.head(20).assign(strain=np.linspace(-3, 3, 20), noise=0.0,
                                               sector="bank", country="north")  # fmt: skip
    margin = there.heads[0].logit(there.preparation.matrix(ladder))
    assert (np.diff(margin) >= 0).all()  # more strain can only be riskier
    bundle = Bundle(there, "panel", {}, tuple(examples.features), "", "", TESTED, TESTED, {})
    again = bundle.save(tmp_path / "model").predict(examples.features)
    np.testing.assert_array_equal(again, there.predict(examples.features))


def test_a_part_without_rows_stops_no_fit(dataset_of):
    session = on_spark(dataset_of({}, until="2026-01-01")).home.session
    parts = session.range(0, 800, numPartitions=2).where("id < 400")  # the other one is empty
    rows = parts.selectExpr("array(CAST(id AS FLOAT)) AS matrix_row", "id > 200 AS target")
    rows = rows.selectExpr("matrix_row", "CAST(target AS FLOAT) AS target")
    how = Boosting(Parameters(trees=3), ("a",), (0,), 1, 1, "none", "cpu")

    assert rows.rdd.getNumPartitions() == 2
    assert fit_there(rows, "target", how, seed=1, workers=2).num_boosted_rounds() == 3


def test_what_spark_cannot_fit_is_refused_before_anything_is_computed(dataset_of, monkeypatch):
    from pyspark import SparkConf, SparkContext

    dataset = on_spark(dataset_of({}, until="2026-01-01"))
    resampled = parse(Study, {"model": {"sampler": "smote"}}, where="the test")

    with pytest.raises(InputError, match="sampler = 'none'"):
        check_cluster(dataset, study=resampled)
    conf = SparkConf(loadDefaults=False).set("spark.dynamicAllocation.enabled", "true")
    monkeypatch.setattr(SparkContext, "getConf", lambda context: conf)
    with pytest.raises(InputError, match=r"dynamicAllocation.enabled=false"):
        check_cluster(dataset, study=Study())


def test_a_sample_of_customers_is_held_here_and_their_ranks_are_among_all(world, tmp_path):
    study = parse(Study, {**Study().model_dump(exclude_none=True),
                          "features": {"drop": read_drops(world)},
                          "baselines": {"rank_sum": {"logins_28d": -1}},
                          "model": {"proof_rows": 2_500}, "folds": {"blocks": 1}},
                  where="the test")  # fmt: skip
    dataset = open_dataset(world / "w" / "data")
    said: list[str] = []

    all_rows, _ = prepare(dataset, study=study, cache=tmp_path / "here")
    drawn, _ = prepare(on_spark(dataset), study=study, cache=tmp_path / "there", say=said.append)

    assert drawn.drawn in said
    assert "customers drawn from 1" in drawn.drawn
    assert all_rows.drawn is None
    assert len(all_rows.features) > 2_500
    assert len(drawn.features) == pytest.approx(2_500, rel=0.15)
    expected = all_rows.features.loc[drawn.features.index]
    numbers = expected.select_dtypes("number").columns
    np.testing.assert_allclose(drawn.features[numbers], expected[numbers], rtol=1e-9, atol=1e-9)
    assert (drawn.labels[drawn.window] == all_rows.labels[drawn.window][drawn.features.index]).all()


def read_drops(world: Path) -> list[str]:
    import tomllib

    drops: list[str] = tomllib.loads((world / "study.toml").read_text())["features"]["drop"]
    return drops


def run_json(capsys, *words: str) -> dict:
    from churnml.__main__ import main

    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


def test_the_commands_train_and_score_on_the_cluster(world, tmp_path, monkeypatch, capsys):
    data, study = str(world / "w" / "data"), str(world / "study.toml")
    found = {}
    for engine in ("duckdb", "spark"):
        (tmp_path / engine).mkdir()
        monkeypatch.chdir(tmp_path / engine)
        found[engine] = run_json(capsys, "train", data, "--config", study, "--engine", engine)

    # the proof is the same, for it is made of the same rows
    for name, value in found["duckdb"]["metrics"].items():
        assert found["spark"]["metrics"][name] == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert found["spark"]["n_rows"] == found["duckdb"]["n_rows"]
    here, there = (Path(tmp_path / engine / found[engine]["model"]) for engine in found)
    models = [Bundle.load(path).ensemble for path in (here, there)]
    assert models[0].preparation == models[1].preparation
    assert models[0].parameters == models[1].parameters
    parts = [set(json.loads((path / "bundle.json").read_text())["parts"]) for path in (here, there)]
    assert parts[0] == parts[1]

    scores = []
    for engine in ("duckdb", "spark"):
        out = tmp_path / f"{engine}.parquet"
        run_json(capsys, "score", data, "--as-of", "2024-12-16", "--out", str(out),
                 "--model", str(there), "--config", study, "--engine", engine)  # fmt: skip
        scores.append(pd.read_parquet(out))
    assert scores[0]["customer_id"].equals(scores[1]["customer_id"])
    for column in ("probability", "health", "value_at_risk", "priority"):
        np.testing.assert_allclose(scores[0][column], scores[1][column], rtol=1e-9, atol=1e-9)
