"""The search beside the recipe: same trials whatever is killed, cut, shared or run side by side."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
import xgboost
from rich.console import Console

from churnml.config import Study
from churnml.errors import InputError
from churnml.model import trial
from churnml.model.boosting import Parameters, fit_booster, staged_margins
from churnml.model.device import device_for, gpu_found
from churnml.model.search_storage import Place, open_study
from churnml.model.trial import ROUNDS, average_precision, evaluate
from churnml.model.tuning import fold_arrays, inner_folds
from churnml.model.workers import Task, Workers, crew_of
from churnml.prepared import Prepared
from churnml.report.terminal import Stages
from drawn.panel import FOLDS, TESTED, panel, searched

STATES = optuna.trial.TrialState
SILENT = Stages(Console(quiet=True))


@pytest.fixture(scope="module")
def arrays():
    examples = panel()
    return fold_arrays(examples, folds=inner_folds(examples, folds=FOLDS, tested=TESTED))


@pytest.fixture(scope="module")
def whole():
    """The trials of a search that nothing happened to."""
    return searched(Place(), trials=4).trials


def test_margins_of_all_rounds_are_those_that_the_booster_predicts_one_by_one(arrays):
    fold = arrays[0].matrices()
    booster = fit_booster(fold.train, parameters=Parameters(trees=9), seed=1, monotone=())
    first = staged_margins(booster, fold.test, rounds=range(4), before=None)
    later = staged_margins(booster, fold.test, rounds=range(4, 9), before=first[:, -1])

    for number, column in enumerate(np.hstack([first, later]).T):
        said = booster.predict(fold.test, output_margin=True, iteration_range=(0, number + 1))
        assert (column == said).all()


@pytest.mark.parametrize(
    ("score", "churned", "expected"),
    [
        ([3, 2, 1, 0], [1, 1, 0, 0], 1.0),
        # one hit and one miss at each of two scores: precision is 1/2 all along
        ([1, 1, 0, 0], [1, 0, 1, 0], 0.5),
        # a miss, then the only hit: precision is recall / (recall + 1), its area 1 - ln 2
        ([2, 1], [0, 1], 1 - np.log(2)),
        ([5, 5, 5, 5], [1, 0, 0, 0], 0.25),
    ],
)
def test_average_precision_is_the_area_between_the_points(score, churned, expected):
    found = average_precision(np.array(score, np.float32), np.array(churned, bool))

    assert found == pytest.approx(expected, abs=1e-12)


def test_average_precision_is_that_of_xgboost_to_the_last_bit():
    rng = np.random.default_rng(5)
    for places in (0, 1, 6):  # many equal scores, some, none
        score = rng.normal(-2, 1, 700).round(places).astype(np.float32)
        churned = rng.random(700) < 1 / (1 + np.exp(-score))
        data = xgboost.DMatrix(np.zeros((700, 1)), churned, base_margin=score)
        nothing = xgboost.Booster({"objective": "binary:logistic", "eval_metric": "aucpr"}, [data])

        assert average_precision(score, churned) == float(nothing.eval(data).split(":")[1])


@pytest.mark.parametrize("patience", [2, trial.PATIENCE])
def test_a_trial_finds_what_early_stopping_of_xgboost_finds(arrays, monkeypatch, patience):
    monkeypatch.setattr(trial, "PATIENCE", patience)
    inner = [fold.matrices() for fold in arrays]
    for setting in (Parameters(), Parameters(max_depth=5, eta=0.1, min_child_weight=1.0)):
        worth = evaluate(inner, setting, seed=7)
        for number, (fold, numbers) in enumerate(zip(inner, arrays, strict=True)):
            test = xgboost.DMatrix(
                numbers.test, numbers.test_target, feature_names=fold.test.feature_names
            )
            booster = xgboost.train(
                setting.booster(seed=7, monotone=fold.monotone), fold.train, ROUNDS,
                evals=[(test, "test")], early_stopping_rounds=patience, verbose_eval=False,
            )  # fmt: skip
            assert worth.values[number] == booster.best_score
            assert worth.rounds[number] == booster.best_iteration + 1


def test_a_search_that_was_cut_off_walks_on_as_if_it_had_not_been(tmp_path, whole):
    searched(Place(tmp_path / "cut"), trials=2)
    resumed = searched(Place(tmp_path / "cut"), trials=4)

    pd.testing.assert_frame_equal(resumed.trials, whole)


@pytest.mark.parametrize("lines", [1, 9, 13, 22], ids="after {} lines".format)
def test_a_journal_cut_within_a_line_is_kept_up_to_there_and_the_search_walks_on(
    tmp_path, whole, lines
):
    journal, said = tmp_path / "s.journal", []
    searched(Place(journal), trials=4)
    content = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(content[:lines]) + content[lines][:20])
    resumed = searched(Place(journal), trials=4, say=said.append)

    pd.testing.assert_frame_equal(resumed.trials, whole)
    assert (tmp_path / "s.damaged").read_bytes() == content[lines][:20]
    assert f"{lines} lines kept" in said[0]


def test_what_follows_damage_within_a_journal_is_put_aside(tmp_path, whole):
    journal = tmp_path / "s.journal"
    searched(Place(journal), trials=4)
    content = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*content[:12], b"\0" * 50 + b"\n", *content[13:]]))

    pd.testing.assert_frame_equal(searched(Place(journal), trials=4).trials, whole)


def test_a_disk_that_fills_up_is_said_in_words_and_the_search_walks_on_later(tmp_path, whole):
    place = Place(tmp_path / "s.journal")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_500, limits[1]))
    try:
        with pytest.raises(InputError, match=r"journal .* cannot be written .* kept"):
            searched(place, trials=4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert (tmp_path / "s.journal").stat().st_size == 2_500
    pd.testing.assert_frame_equal(searched(place, trials=4).trials, whole)


def test_a_second_search_waits_for_the_first_and_finds_the_same(tmp_path, whole):
    place, said, found = Place(tmp_path / "s.journal"), [], []
    with open_study(place, name="other", say=said.append):
        second = threading.Thread(
            target=lambda: found.append(searched(place, trials=4, say=said.append))
        )
        second.start()
        while not said:
            time.sleep(0.01)
        assert not found
    second.join()

    assert "another training" in said[0]
    pd.testing.assert_frame_equal(found[0].trials, whole)


def test_the_recipe_is_the_first_trial_and_stays_unless_clearly_beaten(tmp_path):
    found = searched(Place(tmp_path / "journal"), trials=1)

    assert len(found.trials) == 2
    assert found.is_recipe == found.reason.startswith("The recipe is kept")


def test_two_workers_make_the_same_trials_every_time_and_though_one_is_killed(tmp_path):
    calm = searched(Place(tmp_path / "calm"), trials=6, workers=2).trials
    said, killed = [], []

    def kill(done, best):
        if done == 3:
            killed.append(children()[0])
            os.kill(killed[0], signal.SIGKILL)

    hit = searched(
        Place(tmp_path / "hit"), trials=6, workers=2, progress=kill, say=said.append
    ).trials

    assert said == [f"worker {killed[0]} ended with signal 9; another one tries its setting again"]
    assert len(hit) == 7
    pd.testing.assert_frame_equal(hit, calm)


def children():
    """Workers of this process."""
    found = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return [int(line.split()[0]) for line in found.stdout.splitlines() if "model.workers" in line]


def test_workers_that_only_die_end_the_search_with_what_to_do(tmp_path):
    with Workers(tmp_path, size=1, seed="no number", device="cpu", say=lambda line: None) as crew:
        crew.give(Task(0, Parameters()))
        with pytest.raises(InputError, match=r"3 workers .* exit code 1.*fewer --workers"):
            crew.take(within=None)


def test_workers_end_with_the_search(arrays):
    with crew_of(arrays, size=2, seed=1, device="cpu", say=lambda line: None):
        assert len(children()) == 2
    assert children() == []


def test_a_gpu_that_was_asked_for_and_is_not_there_is_said():
    if gpu_found():
        assert device_for("cuda") == device_for("auto") == "cuda"
        return
    said = []
    with pytest.raises(InputError, match=r'device = "cuda", but XGBoost finds no GPU.*"auto"'):
        device_for("cuda")
    assert device_for("auto", say=said.append) == "cpu"
    assert said == ["no GPU found; boosters are fitted on the processor"]


def test_nothing_is_read_where_the_gpu_or_the_storage_is_not_there():
    study = Study.model_validate({"model": {"device": "cuda"}})
    kept = {"dataset_file": None, "as_of": None, "stages": SILENT}
    if not gpu_found():
        with pytest.raises(InputError, match="no GPU"):
            Prepared.of(Path("nowhere"), study=study, **kept)
    pytest.importorskip("psycopg")
    with pytest.raises(InputError, match=r"storage postgresql\S+u:\*\*\*@localhost:1/d fails"):
        Prepared.of(
            Path("nowhere"), study=Study(), storage="postgresql://u:pw@localhost:1/d", **kept
        )
    with pytest.raises(InputError, match="not an address of PostgreSQL"):
        Prepared.of(Path("nowhere"), study=Study(), storage="mysql://h/d", **kept)


@pytest.fixture
def database(postgres, request):
    """A database of this test's own."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    name = f"search_{abs(hash(request.node.name)) % 10**8}"
    postgres.run(f"create database {name}")
    return postgres.address(name)


def machine(address, *, trials):
    """A process that stands for another machine: itself and one worker."""
    paths = [str(Path(__file__).parents[1]), *sys.path]
    return subprocess.Popen(
        [sys.executable, "-m", "drawn.panel", address, str(trials)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)},
    )


def test_a_database_keeps_a_search_like_a_journal(database, whole):
    place = Place(url=database)
    searched(place, trials=2)

    assert len(searched(place, trials=4).trials) == len(whole)


@pytest.mark.slow
def test_machines_share_a_search_and_one_that_is_killed_loses_nothing(database):
    trials, place = 14, Place(url=database, grace_seconds=4)
    victim = machine(database, trials=trials)
    with open_study(place, name="s", say=lambda line: None) as study:
        while not study.get_trials(states=[STATES.COMPLETE]):
            time.sleep(0.05)
        other = machine(database, trials=trials)
        while not study.get_trials(states=[STATES.RUNNING]):
            time.sleep(0.01)
        victim.kill()
        victim.wait()
        assert other.wait() == 0
        finished = study.get_trials(states=[STATES.COMPLETE])
        lost = study.get_trials(states=[STATES.RUNNING, STATES.WAITING])

    assert len(finished) == trials + 1
    assert len({tuple(one.params.items()) for one in finished}) == trials + 1
    assert lost == []
