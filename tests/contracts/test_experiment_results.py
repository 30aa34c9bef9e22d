"""The tables in the READMEs under experiments/ say what the result files say, and nothing else."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from churnml.errors import InputError
from churnml.evaluation.record import read_judged

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def loaded(path):
    name = "_".join(("experiments", *path.relative_to(EXPERIMENTS).with_suffix("").parts))
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def runner():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXPERIMENTS)
        yield loaded(EXPERIMENTS / "run.py")


@pytest.fixture(scope="module")
def worlds():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXPERIMENTS)
        yield loaded(EXPERIMENTS / "worlds" / "run.py")


def readme(folder):
    return (EXPERIMENTS / folder / "README.md").read_text(encoding="utf-8")


def results():
    """Those of trainings; a benchmark has figures of another kind."""
    return sorted(
        path
        for path in EXPERIMENTS.glob("*/results/*.json")
        if "metrics" in json.loads(path.read_text(encoding="utf-8"))
    )


def numbers(text):
    return [float(found) for found in re.findall(r"\d+\.\d+", text)]


def test_every_study_has_a_folder_a_file_and_markers(runner):
    for run in runner.RUNS:
        named = [word for word in run.arguments(Path("DATA")) if word.startswith("experiments/")]
        assert all((EXPERIMENTS.parent / word).is_file() for word in named)
        assert readme(run.folder).count(runner.BEGIN) == 1
        assert readme(run.folder).count(runner.END) == 1


def test_no_study_of_a_public_set_is_forgotten(runner):
    known = {(run.folder, run.study) for run in runner.RUNS}
    there = {
        (folder, path.stem)
        for folder in {folder for folder, _ in known}
        for path in (EXPERIMENTS / folder).glob("*.toml")
        if not path.stem.startswith("dataset")
    }
    assert there <= known


@pytest.mark.parametrize("path", results(), ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_a_readme_shows_the_figures_of_its_result_file(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    block = readme(path.parts[-3]).split(f"**{path.stem}** (")[1]
    shown = re.search(r"\| \*\*churnml\*\* \|([^\n]*)", block)[1]
    low, high = found["intervals"]["average_precision"]
    precision = found["metrics"]["average_precision"]
    assert numbers(shown)[:3] == [round(each, 4) for each in (precision, low, high)]
    assert block.startswith(f"{found['date']}): {found['n_rows']:,} rows")


def test_the_tables_are_exactly_those_that_the_runner_writes(runner):
    for folder in {run.folder for run in runner.RUNS}:
        assert runner.results_block(folder) in readme(folder)


def test_a_result_says_when_and_by_which_command_and_code_it_came():
    for path in results():
        found = json.loads(path.read_text(encoding="utf-8"))
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", found["date"])
        assert found["command"].startswith("churnml train ")
        assert set(found["code"]) == {"version", "digest"}
        assert "average_precision" in found["baselines"]["random"]


def drawn(precision):
    figures = {"average_precision": precision, "roc_auc": None}
    return {
        "date": "2026-01-31", "n_rows": 1200, "n_positive": 30, "n_positive_customers": 12,
        "reason": "Kept.", "metrics": figures, "intervals": {"average_precision": [0.1, 0.2]},
        "baselines": {"random": {"average_precision": 0.025, "intervals": {}}},
    }  # fmt: skip


def test_a_table_shows_what_was_measured_and_leaves_out_what_was_not(runner):
    assert runner.results_table("weekly", drawn(0.15)) == (
        "**weekly** (2026-01-31): 1,200 rows, 30 churned (12 people). Kept.\n\n"
        "|  | average precision |\n| --- | --- |\n"
        "| **churnml** | 0.1500 [0.1000, 0.2000] |\n| chance | 0.0250 |"
    )


def test_no_store_of_models_in_use_is_touched(runner, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://in-use.example")
    seen = {}

    def note(command, *, cwd, env, **_):
        seen.update(cwd=cwd, uri=env["MLFLOW_TRACKING_URI"])
        return subprocess.CompletedProcess(command, 0, stdout=b"{}")

    monkeypatch.setattr(subprocess, "run", note)
    runner.train(runner.RUNS[0], tmp_path / "data", folder=tmp_path)
    assert seen == {"cwd": tmp_path, "uri": f"sqlite:///{tmp_path / 'mlflow.db'}"}


def test_the_tables_of_the_word_lists_are_exactly_those_that_their_runner_writes(monkeypatch):
    monkeypatch.syspath_prepend(EXPERIMENTS)
    tables = loaded(EXPERIMENTS / "text" / "tables.py")
    found = json.loads((EXPERIMENTS / "text" / "results.json").read_text(encoding="utf-8"))
    assert tables.block(found) in readme("text")
    assert tables.SCORERS.keys() == found["uci_sentences"].keys()


def test_the_tables_of_the_log_at_a_server_are_exactly_those_that_their_runner_writes():
    postgres = loaded(EXPERIMENTS / "benchmarks" / "postgres.py")
    found = json.loads(postgres.RESULT.read_text(encoding="utf-8"))
    assert postgres.block(found) in readme("benchmarks")


judged = pytest.mark.skipif(
    not (EXPERIMENTS / "worlds" / "results.json").is_file(),
    reason="experiments/worlds/run.py was not run yet",
)


@judged
def test_the_table_of_worlds_is_exactly_the_one_that_its_runner_writes(worlds):
    found = json.loads((EXPERIMENTS / "worlds" / "results.json").read_text(encoding="utf-8"))
    assert worlds.results_block(found) in readme("worlds")


@judged
def test_every_world_was_judged_beside_its_oracle_and_every_rule(worlds):
    found = json.loads((EXPERIMENTS / "worlds" / "results.json").read_text(encoding="utf-8"))
    assert [each["world"] for each in found["worlds"]] == [world.name for world in worlds.WORLDS]
    for each in found["worlds"]:
        assert set(worlds.RIVALS) <= set(each["baselines"])
        precision = each["metrics"]["average_precision"]
        best = each["baselines"]["oracle"]["average_precision"]
        assert each["share_of_oracle"] == pytest.approx(precision / best, abs=1e-4)


def test_a_kept_result_reads_back_as_the_model_and_its_rivals(tmp_path):
    file = EXPERIMENTS / "oulad" / "results" / "study.json"
    document = json.loads(file.read_text(encoding="utf-8"))

    judged = read_judged(file)

    assert set(judged) == {"model", *document["baselines"]}
    assert judged["model"].metrics == document["metrics"]
    assert judged["model"].n_rows == document["n_rows"]
    rank_sum = document["baselines"]["rank_sum"]
    assert judged["rank_sum"].metrics["roc_auc"] == rank_sum["roc_auc"]
    assert judged["rank_sum"].intervals == rank_sum["intervals"]


@pytest.mark.parametrize("text", [None, "{", "{}", "[1]", '{"metrics": {}}'])
def test_what_is_no_result_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "result.json").write_text(text, encoding="utf-8")

    with pytest.raises(InputError, match="no result of a training"):
        read_judged(tmp_path / "result.json")
