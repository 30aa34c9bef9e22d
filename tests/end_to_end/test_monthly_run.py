"""From tables to scores through the command line, as a user runs it, on a small simulated world."""

import dataclasses
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from churnml.__main__ import main
from churnml.contract import TABLES
from churnml.model.bundle import Bundle
from churnml.model.calibration import Calibrator
from churnml.sources.world import simulate

AS_OFS = ("2025-02-10", "2025-02-17")
TRAINED_AT = "2025-02-10"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate(folder / "w", customers=300, weeks=70, seed=11)
    return folder / "w"


@pytest.fixture(scope="module")
def trained(world, tmp_path_factory):
    """The training run of the module: its working directory and its JSON document."""
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = run_json(
            patch, ["train", str(world / "data"), "--as-of", TRAINED_AT, "--trials", "1"]
        )
    return folder, result


@pytest.fixture(scope="module")
def scored(trained, world, tmp_path_factory) -> pd.DataFrame:
    """Scores of all as_ofs of the module, in one go."""
    folder, result = trained
    out = tmp_path_factory.mktemp("scored") / "scores.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_json(patch, ["score", str(world / "data"), "--since", AS_OFS[0], "--until",
                         "2025-02-24", "--every", "7d", "--out", str(out),
                         "--model", result["model"]])  # fmt: skip
    return pd.read_parquet(out)


def run_json(patch: pytest.MonkeyPatch, arguments: list[str]) -> dict:
    """The JSON document that a command prints on stdout."""
    import io
    import sys

    stream = io.StringIO()
    patch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--json"])
    assert ended.value.code == 0
    return json.loads(stream.getvalue())


def cut(data: Path, to: Path, *, known_until: pd.Timestamp) -> Path:
    """A copy of the folder as known at an instant, written a second, plainer way."""
    to.mkdir(parents=True)
    shutil.copy(data / "dataset.toml", to)
    for name, table in TABLES.items():
        path = data / f"{name}.parquet"
        if not path.exists():
            continue
        frame = pd.read_parquet(path)
        own = frame[table.time]
        if name == "obligations":
            own = own.fillna(frame["due_at"])
        limit = known_until if own.dt.tz is None else known_until.tz_localize("UTC")
        kept = own < limit
        if "known_at" in frame:
            kept &= frame["known_at"].fillna(own) < limit
        frame = frame[kept].copy()
        if name == "tickets":
            asked = frame["csat_at"].fillna(frame["resolved_at"] + pd.Timedelta(days=7))
            frame.loc[~(asked < limit), "csat"] = None
        for column in table.columns:
            if column.known_from is None or column.name not in frame:
                continue
            if (name, column.name) != ("tickets", "csat"):
                frame.loc[~(frame[column.known_from] < limit), column.name] = None
        frame.to_parquet(to / path.name)
    return to


def test_training_prints_every_figure_of_its_contract(trained):
    _, result = trained
    metrics = {
        "average_precision", "roc_auc", "precision", "recall", "f1", "brier", "ece",
        "lift_at_10pct", "recall_at_lead_21d", "recall_above_random", "alert_precision",
        "median_lead_days", "alerts_per_week",
    }  # fmt: skip

    assert metrics <= set(result["metrics"])
    assert metrics <= set(result["intervals"])
    assert {one["slice"] for one in result["slices"]} >= {"leavers", "segment", "plan", "tenure"}
    assert set(result["lead_recall"]) == {str(week) for week in range(1, 9)}
    assert set(result["health"]["weights"]) == set(result["health"]["learned_weights"])
    assert {"run_id", "model", "promoted", "reason", "base_rate", "n_rows", "n_positive",
            "n_exits", "folds"} <= set(result)  # fmt: skip
    assert {
        "random", "recency", "seed_points", "health", "health_learned", "convergence", "rank_sum",
        "logistic_regression", "xgboost_default", "oracle",
    } <= set(result["baselines"])  # fmt: skip


def test_the_model_lies_where_the_document_says(trained):
    folder, result = trained

    assert (folder / result["model"] / "bundle.json").is_file()


def test_scores_equal_those_of_the_data_cut_to_what_was_known(
    trained, scored, world, tmp_path, monkeypatch
):
    folder, result = trained
    monkeypatch.chdir(folder)
    model = ["--model", result["model"]]
    for as_of in AS_OFS:
        known = cut(world / "data", tmp_path / as_of, known_until=pd.Timestamp(as_of))
        run_json(monkeypatch, ["score", str(known), "--as-of", as_of, "--out",
                               str(tmp_path / "one.parquet"), *model])  # fmt: skip
        alone = pd.read_parquet(tmp_path / "one.parquet")
        expected = scored[scored["as_of"] == pd.Timestamp(as_of, tz="UTC")]

        pd.testing.assert_frame_equal(
            alone[["customer_id", "probability"]],
            expected[["customer_id", "probability"]].reset_index(drop=True),
            check_exact=True,
        )


def test_training_twice_gives_the_same_numbers(trained, world, tmp_path, monkeypatch):
    _, first = trained
    monkeypatch.chdir(tmp_path)
    second = run_json(
        monkeypatch, ["train", str(world / "data"), "--as-of", TRAINED_AT, "--trials", "1"]
    )

    assert second["metrics"] == first["metrics"]
    assert second["model_digest"] == first["model_digest"]


def test_a_score_file_can_be_judged_from_outside(trained, world, tmp_path, monkeypatch):
    folder, result = trained
    monkeypatch.chdir(folder)
    out = tmp_path / "scores.csv"
    run_json(
        monkeypatch,
        ["score", str(world / "data"), "--since", "2024-10-07", "--until", "2025-01-27",
         "--out", str(out), "--model", result["model"]],
    )  # fmt: skip
    judged = run_json(monkeypatch, ["evaluate", str(out), str(world / "data")])

    assert judged["metrics"]["average_precision"] > judged["base_rate"]
    assert judged["baselines"]["random"]["average_precision"] is not None
    assert {one["slice"] for one in judged["slices"]} >= {"leavers", "segment", "plan", "owner"}


def test_scores_carry_reasons_in_both_languages(scored):
    top = scored.nlargest(1, "probability").iloc[0]

    assert len(top["reasons"])
    assert set(top["reasons"][0]) == {
        "feature", "family", "contribution", "text_en", "text_ru", "was", "now", "since",
        "evidence", "play", "lower_en", "lower_ru", "would_lower",
    }  # fmt: skip
    assert top["reasons"][0]["contribution"] > 0


def test_one_customer_is_explained_as_it_is_scored(trained, world, tmp_path, monkeypatch):
    folder, result = trained
    monkeypatch.chdir(folder)
    out, model = tmp_path / "scores.parquet", ["--model", result["model"]]
    run_json(monkeypatch, ["score", str(world / "data"), "--as-of", AS_OFS[0], "--out", str(out),
                           *model])  # fmt: skip
    top = pd.read_parquet(out).nlargest(1, "probability").iloc[0]
    who = ["--customer", top["customer_id"], "--as-of", AS_OFS[0], "--since", "2024-12-30"]
    told = run_json(monkeypatch, ["explain", str(world / "data"), *who, *model])

    assert told["probability"] == top["probability"]
    assert [one["text_ru"] for one in told["reasons"]] == [r["text_ru"] for r in top["reasons"]]
    assert told["probability_then"] is not None
    assert {"family", "play", "feature", "difference", "text_en"} <= set(told["change"][0])
    log_odds = told["bias"] + sum(one["contribution"] for one in told["families"])
    assert all(abs(one["difference"]) > 0 for one in told["change"])
    assert -20 < log_odds < 20


def test_training_says_how_true_the_weeks_ahead_and_the_probabilities_were(trained):
    _, result = trained

    assert set(result["weeks_ahead"]) == {str(week) for week in range(1, 9)}
    assert {"predicted", "observed", "interval"} <= set(result["weeks_ahead"]["4"])
    assert {"method", "reason", "by_segment"} <= set(result["calibration"])
    assert {one["by"] for one in result["calibration"]["by_segment"]} >= {"tenure"}


def test_scores_say_when_and_never_contradict_the_probability(scored):
    weeks = pd.DataFrame(scored["weeks_ahead"].tolist())

    # Weeks four to seven are the label window, [21, 49) days.
    assert weeks[[3, 4, 5, 6]].sum(axis=1).to_numpy() == pytest.approx(
        scored["probability"].to_numpy(), abs=1e-12
    )
    quarters = scored[["exit_days_p25", "exit_days_p50", "exit_days_p75"]]
    assert (quarters.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    assert quarters.min(axis=None) > 0
    assert quarters.max(axis=None) < 84


def test_a_model_that_is_far_off_is_recalibrated_and_ranks_as_before(
    trained, world, tmp_path, monkeypatch
):
    folder, result = trained
    monkeypatch.chdir(folder)
    monkeypatch.setattr("churnml.evaluation.calibrators.MIN_LEAVERS", 1)
    bundle = Bundle.load(Path(result["model"]))
    seen_until = pd.Timestamp("2024-08-05")
    wrong = Calibrator("platt", ((4.0, 1.0),))
    off = dataclasses.replace(bundle, calibrator=wrong, data_until=seen_until)
    off.save(tmp_path / "off")
    new = tmp_path / "new"

    said = run_json(
        monkeypatch,
        ["recalibrate", str(world / "data"), "--model", str(tmp_path / "off"), "--out", str(new)],
    )

    assert said["accepted"]
    assert said["reason"].startswith("Recalibrated.")
    renewed = Bundle.load(new)
    assert renewed.calibrator.method == said["method"] != "isotonic"
    assert renewed.data_until > seen_until
    assert (tmp_path / "off" / "ensemble.json").read_bytes() == (new / "ensemble.json").read_bytes()


def test_a_model_without_newer_labels_is_left_alone(trained, world, monkeypatch):
    folder, result = trained
    monkeypatch.chdir(folder)

    said = run_json(monkeypatch, ["recalibrate", str(world / "data"), "--model", result["model"]])

    assert not said["accepted"]
    assert said["reason"].startswith("Kept")
    assert said["model"] == result["model"]


def test_every_day_scores_become_alerts_once_and_evaluation_counts_the_same(
    trained, world, tmp_path, monkeypatch
):
    folder, _ = trained
    monkeypatch.chdir(folder)
    data, policy = str(world / "data"), tmp_path / "policy.toml"
    policy.write_text(
        'q = 0.05\nenter = 0.2\nexit = 0.3\nsuppress = ["intervention", "outage", "holiday"]\n'
        "owner_capacity = 2\ncontrol_share = 0.1\n"
    )
    whole, week_only = tmp_path / "all.parquet", tmp_path / "week.parquet"
    # That weeks scored alone have the scores of weeks scored together is a test of its own.
    said = run_json(monkeypatch, ["score", data, "--since", "2024-10-07", "--until", "2024-12-02",
                                  "--every", "7d", "--out", str(whole)])  # fmt: skip
    scores = pd.read_parquet(whole)
    for number, (_, part) in enumerate(scores.groupby("as_of")):
        part.to_parquet(week_only)
        call = ["alerts", str(week_only), "--data", data, "--policy", str(policy), "--state",
                str(tmp_path / "state"), "--out", str(tmp_path / "alerts.parquet")]  # fmt: skip
        first = run_json(monkeypatch, call)
        if number in (0, 5):
            assert {**first, "new": 0} == run_json(monkeypatch, call)
    judged = run_json(monkeypatch, ["evaluate", str(whole), data, "--policy", str(policy)])
    alerts = pd.read_parquet(tmp_path / "alerts.parquet")

    assert sum(said["by_tier"].values()) == said["rows"] == len(scores)
    assert scores[["health", "tier", "value_at_risk", "priority"]].notna().all().all()
    assert judged["policy"]["owner_capacity"] == 2
    assert judged["n_alerts"] == len(alerts) > 5
    assert alerts["reasons_ru"].notna().any()
    assert set(alerts["status"]) <= {"open", "closed"}
