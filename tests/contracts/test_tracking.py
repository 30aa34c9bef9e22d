"""What a training leaves in MLflow, and what its addresses resolve to."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churnml import tracking
from churnml.errors import InputError
from churnml.model.boosting import Parameters
from churnml.model.bundle import Bundle
from churnml.model.ensemble import Ensemble, Head
from churnml.model.linear import fit_linear
from churnml.model.preparation import Preparation
from churnml.tracking import TrainingRecord
from churnml.windows import LabelWindow

DTYPES = {"logins_28d": "float64", "tickets_open": "float64", "region": "object"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import xgboost

    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(200, 3)).astype(np.float32)
    target = matrix[:, 0] + 0.5 * rng.normal(size=200) < 0
    window = LabelWindow(lead_days=21, horizon_days=28, delay_days=14)
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 2, "nthread": 1},
        xgboost.DMatrix(matrix, label=target),
        num_boost_round=3,
    )
    preparation = Preparation(
        numeric=("logins_28d", "tickets_open"),
        categories={"region": ("north",)},
        purchases=None,
        window=window,
    )
    whole = Bundle(
        ensemble=Ensemble(
            preparation=preparation,
            heads=(Head(window, (booster,), (0.0,)),),
            linear=fit_linear(matrix, target),
            level=0.0,
            parameters=Parameters(),
        ),
        dataset="drawn",
        study={},
        feature_names=tuple(DTYPES),
        feature_digest="f",
        data_digest="d",
        data_from=pd.Timestamp("2025-01-06"),
        data_until=pd.Timestamp("2026-01-05"),
        metrics={},
    )
    folder = tmp_path_factory.mktemp("model") / "bundle"
    whole.save(folder)
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Working folder with a store of its own; a blank and Russian letters, as on a user's disk."""
    return tmp_path_factory.mktemp("отток 1")


@pytest.fixture
def here(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(store)
    return store


def record(bundle: Path, **changes: object) -> TrainingRecord:
    from matplotlib.figure import Figure

    content: dict[str, object] = {
        "params": {"label": {"lead_days": 21, "horizon_days": 28}, "seed": 7},
        "metrics": {"average_precision": 0.25, "brier": None},
        "lead_recall": {"1": 0.7, "4": 0.4, "8": None},
        "trials": pd.DataFrame({"number": [0, 1], "value": [0.2, 0.3]}),
        "bundle": bundle,
        "dtypes": DTYPES,
        "figures": {"headline": Figure()},
        "tags": {"data_digest": "d"},
        "name": "to 2026-01-05",
    }
    return TrainingRecord(**(content | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def first(bundle: Path, store: Path) -> tracking.RegisteredModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.chdir(store)
        return tracking.log_training(record(bundle))


def client(folder: Path):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}")


def test_a_run_holds_the_study_its_figures_and_what_could_be_measured(here: Path, first):
    run = client(here).get_run(first.run_id)

    assert run.data.params == {"label.lead_days": "21", "label.horizon_days": "28", "seed": "7"}
    assert run.data.metrics == {"average_precision": 0.25, "lead_recall": 0.4}
    assert run.data.tags["data_digest"] == "d"
    assert run.info.run_name == "to 2026-01-05"
    assert run.info.status == "FINISHED"


def test_lead_recall_is_one_metric_with_the_week_as_step(here: Path, first):
    history = client(here).get_metric_history(first.run_id, "lead_recall")

    assert [(point.step, point.value) for point in history] == [(1, 0.7), (4, 0.4)]


def test_the_tuning_study_is_one_table_and_not_a_run_for_each_trial(here: Path, first):
    table = json.loads((artifacts(here, first) / "trials.json").read_text(encoding="utf-8"))
    runs = client(here).search_runs(["1"])

    assert table == {"columns": ["number", "value"], "data": [[0, 0.2], [1, 0.3]]}
    assert first.run_id in {run.info.run_id for run in runs}
    assert all("mlflow.parentRunId" not in run.data.tags for run in runs)


def artifacts(folder: Path, version: tracking.RegisteredModel) -> Path:
    return folder / "mlruns" / "artifacts" / version.run_id / "artifacts"


def test_everything_lies_under_mlruns(here: Path, first):
    assert [path.name for path in here.iterdir()] == ["mlruns"]
    assert {path.name for path in (here / "mlruns").iterdir()} == {
        "mlflow.db",
        "mlflow.lock",
        "artifacts",
    }
    assert (artifacts(here, first) / "figures" / "headline.png").stat().st_size > 0


def test_nothing_in_the_store_is_pickled(here: Path, first):
    files = [path for path in (here / "mlruns" / "artifacts").rglob("*") if path.is_file()]

    assert files
    assert [path.name for path in files if path.suffix in (".pkl", ".pickle", ".skops")] == []


@pytest.mark.parametrize("address", ["models:/churnml@challenger", "models:/churnml/1", "run"])
def test_an_address_leads_to_the_bundle(here: Path, first, bundle: Path, address: str):
    folder = tracking.resolve(f"runs:/{first.run_id}" if address == "run" else address)

    assert Bundle.load(folder).digest == Bundle.load(bundle).digest


def test_a_folder_is_its_own_address(bundle: Path):
    assert tracking.resolve(str(bundle)) == bundle


@pytest.mark.parametrize(
    "address",
    [
        "models:/churnml@nobody",
        "models:/churnml/77",
        "models:/churnml",
        "models:/another/1",
        "runs:/0123456789abcdef0123456789abcdef",
        "no/such/folder",
    ],
)
def test_an_unknown_address_is_refused_by_name(here: Path, first, address: str):
    with pytest.raises(InputError, match=address):
        tracking.resolve(address)


def test_champions_follow_each_other_and_a_rollback_walks_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Path
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)

    assert tracking.champion() is None
    with pytest.raises(InputError, match="No champion"):
        tracking.rollback()

    versions = [tracking.log_training(record(bundle)).version for _ in range(3)]
    tracking.promote("1")
    tracking.promote("3")

    assert versions == ["1", "2", "3"]
    assert tracking.champion().version == "3"
    assert tracking.rollback().version == "1"
    assert tracking.champion().version == "1"
    with pytest.raises(InputError, match="first champion"):
        tracking.rollback()
    with pytest.raises(InputError, match="models:/churnml/9"):
        tracking.promote("9")


def test_a_model_that_was_not_put_into_use_is_spoken_of_with_the_reason_and_both_ways_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Path
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="Run `churnml train` first"):
        tracking.resolve(tracking.CHAMPION_URI)
    for because in ("No signal.", "The model does not beat rank_sum."):
        tracking.keep_back(tracking.log_training(record(bundle)).version, because=because)

    with pytest.raises(InputError) as refused:
        tracking.resolve(tracking.CHAMPION_URI)

    said = str(refused.value)
    assert "(version 2) but not put into use: The model does not beat rank_sum. " in said
    assert "`--model models:/churnml/2`" in said
    assert "`churnml promote 2`" in said
    assert Bundle.load(tracking.resolve("models:/churnml/2")).digest == Bundle.load(bundle).digest
    tracking.promote("2")
    assert tracking.resolve(tracking.CHAMPION_URI) == tracking.resolve("models:/churnml/2")


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Path:
    """A store with three versions, of which the first and then the third were in use."""
    database = tmp_path_factory.mktemp("used") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
        made = [tracking.log_training(record(bundle)).version for _ in range(3)]
        tracking.promote(made[0], because="The first model.")
        tracking.promote(made[2], because="Not worse.", over=made[0])
    return database


@pytest.fixture
def versions(used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The versions of that store, in a copy of its own."""
    copy = shutil.copy(used, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{copy}")
    return ["1", "2", "3"]


def registry():
    from mlflow import MlflowClient

    return MlflowClient(tracking.tracking_uri())


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    from churnml.__main__ import main

    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_the_rollback_command_says_what_is_in_use_and_refuses_at_the_first(versions, capsys):
    code, out, _ = answer(capsys, "rollback", "--because", "recall fell", "--json")
    content = json.loads(out)

    assert code == 0
    assert content["version"] == versions[0]
    assert content["model"] == f"models:/churnml/{versions[0]}"
    assert content["replaced"] == versions[2]
    assert "Version 3 was taken out of use: recall fell." in content["reason"]
    assert "The first model." in content["reason"]
    assert tracking.champion().version == versions[0]

    code, out, err = answer(capsys, "rollback", "--json")

    assert (code, out) == (2, "")
    assert "first champion; none stands before it" in err
    assert "Traceback" not in err


def test_when_and_why_a_version_came_and_went_is_kept_with_it(versions):
    tracking.rollback(because="recall fell")
    tags = registry().get_model_version("churnml", versions[2]).tags

    assert tags["promoted_because"] == "Not worse."
    assert tags["rolled_back_because"] == "recall fell"
    assert pd.Timestamp(tags["promoted_at"]) <= pd.Timestamp(tags["rolled_back_at"])
    assert tracking.champion().promoted_because == "The first model."


def test_a_version_is_not_promoted_over_a_champion_it_was_not_compared_with(versions):
    assert not tracking.promote(versions[1], over=versions[0])
    assert not tracking.promote(versions[1], over=None)
    assert tracking.champion().version == versions[2]
    assert tracking.promote(versions[1], over=versions[2])
    assert tracking.champion().version == versions[1]


def test_a_run_says_whether_its_model_was_ever_in_use(versions):
    runs = [registry().get_model_version("churnml", each).run_id for each in versions]
    tags = [registry().get_run(run).data.tags.get("promoted") for run in runs]

    assert tags == ["true", None, "true"]


def test_a_model_whose_files_are_gone_is_not_put_back(versions, capsys):
    folder = tracking.resolve(f"models:/churnml/{versions[0]}")
    aside = folder.rename(folder.with_name("lost"))
    code, _, err = answer(capsys, "rollback")
    aside.rename(folder)

    assert code == 2
    assert "are gone" in err
    assert "Traceback" not in err
    assert tracking.champion().version == versions[2]


def test_a_version_is_promoted_by_hand_where_no_comparison_can_decide(versions, capsys):
    code, out, _ = answer(capsys, "promote", versions[1], "--because", "new tables", "--json")

    assert code == 0
    assert json.loads(out)["version"] == versions[1]
    assert json.loads(out)["replaced"] == versions[2]
    assert answer(capsys, "promote", "9")[0] == 2
    assert tracking.champion().version == versions[1]


def test_a_training_that_cannot_be_logged_whole_registers_nothing(here: Path, first, bundle: Path):
    broken = record(bundle, figures={"lost": Path("no-such-figure.png")}, name="broken")
    with pytest.raises(FileNotFoundError):
        tracking.log_training(broken)

    [run] = client(here).search_runs(["1"], "attributes.run_name = 'broken'")

    assert run.info.status == "FAILED"
    assert client(here).search_model_versions(f"run_id = '{run.info.run_id}'") == []


def test_a_store_that_is_not_one_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "notes.db").write_text("no database at all, only a note " * 50, encoding="utf-8")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'notes.db'}")

    with pytest.raises(InputError, match=r"notes\.db cannot be opened"):
        tracking.champion()


def test_the_store_named_in_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    address = f"sqlite:///{tmp_path / 'elsewhere' / 'runs.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.chdir(tmp_path)

    assert tracking.champion() is None
    assert (tmp_path / "elsewhere" / "runs.db").exists()
    assert not (tmp_path / "mlruns").exists()


def test_the_address_of_the_process_is_left_as_it_was(here: Path, first):
    tracking.champion()

    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert logging.getLogger("alembic").level == logging.ERROR


def test_the_model_asks_for_every_package_that_opening_it_imports(here: Path, first):
    code = """
import sys, importlib.metadata as metadata
import churnml.model.bundle
owners = metadata.packages_distributions()
print(*{name for top in {m.split(".")[0] for m in sys.modules} for name in owners.get(top, [])})
"""
    out, err = run_python(code, folder=here).communicate(timeout=300)
    ours = {re.split(r"[^\w.-]", name)[0].lower() for name in requires("churnml") or []}
    [model, *_] = (here / "mlruns" / "artifacts" / "models").rglob("requirements.txt")
    text = model.read_text(encoding="utf-8")
    asked = {line.split("==")[0] for line in text.splitlines()}

    assert out, err
    assert {name.lower() for name in out.split()} & ours <= asked


def run_python(code: str, *, folder: Path) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_trainings_at_once_on_a_fresh_store_both_succeed_in_silence(
    tmp_path: Path, bundle: Path
):
    code = f"""
from pathlib import Path
import pandas as pd
from churnml import tracking
made = tracking.log_training(tracking.TrainingRecord(
    params={{}}, metrics={{}}, lead_recall={{}}, trials=pd.DataFrame(),
    bundle=Path({str(bundle)!r}), dtypes={DTYPES!r}))
print(made.version)
"""
    both = [run_python(code, folder=tmp_path) for _ in range(2)]
    answers = [process.communicate(timeout=300) for process in both]

    assert [process.returncode for process in both] == [0, 0], answers
    assert sorted(out for out, _ in answers) == ["1\n", "2\n"]
    assert [err for _, err in answers] == ["", ""]


def test_the_registered_model_predicts_with_the_package_that_travels_with_it(
    here: Path, first, bundle: Path
):
    code = f"""
import sys, json, mlflow, pandas as pd
mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
model = mlflow.pyfunc.load_model({first.uri!r})
frame = pd.DataFrame({{
    "customer_id": ["a", "b"], "as_of": pd.to_datetime(["2026-01-05", "2026-01-12"]),
    "logins_28d": [-2.0, float("nan")], "tickets_open": [0.0, 1.0], "region": ["north", None]}})
answer = model.predict(frame)
print(json.dumps([sys.modules["churnml"].__file__, list(answer), answer.probability.tolist(),
                  answer.customer_id.tolist(), [str(day) for day in answer.as_of]]))
"""
    out, err = (process := run_python(code, folder=here)).communicate(timeout=300)
    assert process.returncode == 0, err
    source, columns, probability, customers, as_ofs = json.loads(out)
    frame = pd.DataFrame(
        {"logins_28d": [-2.0, np.nan], "tickets_open": [0.0, 1.0], "region": ["north", None]},
        index=pd.MultiIndex.from_arrays([["a", "b"], [0, 1]], names=["customer_id", "as_of"]),
    )

    assert columns == ["customer_id", "as_of", "probability"]
    assert customers == ["a", "b"]
    assert as_ofs == ["2026-01-05 00:00:00", "2026-01-12 00:00:00"]
    np.testing.assert_array_equal(probability, Bundle.load(bundle).predict(frame).to_numpy())
    assert "mlruns" in Path(source).parts
