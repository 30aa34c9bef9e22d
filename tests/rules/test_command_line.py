"""Bad input gets one clear message and exit code 2; nothing half-written stays behind."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from churnml.__main__ import main
from churnml.commands.base import show_notices, stdout
from churnml.model.device import gpu_found


def run(arguments, capsys) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return ended.value.code, " ".join(captured.err.split())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path


def write(folder, name, rows):
    pd.DataFrame(rows).to_csv(folder / "data" / f"{name}.csv", index=False)


CUSTOMER = {"customer_id": "a", "signed_up_at": "2025-01-01"}
SUBSCRIPTION = {"subscription_id": "s", "customer_id": "a", "started_at": "2025-01-01"}


def test_without_any_data_the_demonstration_world_is_named(folder, capsys):
    code, message = run(["train"], capsys)

    assert code == 2
    assert "churnml simulate data/demo" in message


def test_sections_of_a_file_in_brackets_are_told_as_text(folder, capsys):
    write(folder, "customers", [CUSTOMER])
    with pytest.raises(SystemExit):
        main(["check", "data"])

    assert "another [churn] kind" in _cells(capsys.readouterr().out)


def test_brackets_in_a_sentence_are_told_as_text(capsys):
    stdout.print("Drop them with [tables.tickets] sql.", soft_wrap=True)

    assert capsys.readouterr().out == "Drop them with [tables.tickets] sql.\n"


def test_what_to_know_of_the_data_is_told_in_full_by_check_and_counted_elsewhere(folder, capsys):
    write(folder, "customers", [CUSTOMER | {"status": "left"}])
    write(folder, "subscriptions", [SUBSCRIPTION])
    with pytest.raises(SystemExit):
        main(["check", "data"])
    checked = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["features", "data", "--as-of", "2025-02-01", "--out", "features.parquet"])
    elsewhere = capsys.readouterr().err

    told = [line for line in checked.splitlines() if line.startswith("note: ")]
    assert told[0].startswith("note: customers: status ignored")
    assert "note: tickets is not there; off: " in checked
    count = len(told)
    assert elsewhere.splitlines()[0] == (
        f"note: {count} things to know of the data (what is not read, what is off); "
        "`churnml check` tells them."
    )


def test_one_thing_to_know_is_told_itself(capsys):
    show_notices(["The log ends early."])
    show_notices([])

    assert capsys.readouterr().err == "note: The log ends early.\n"


def _cells(printed: str) -> str:
    """The words of a table without its lines."""
    return " ".join(printed.replace("│", " ").split())


def test_a_path_that_does_not_exist_is_named(folder, capsys):
    code, message = run(["train", "nowhere"], capsys)

    assert code == 2
    assert "nowhere" in message


def test_a_password_on_the_command_line_is_refused_and_not_repeated(folder, capsys, monkeypatch):
    monkeypatch.delenv("CHURNML_STORAGE", raising=False)
    address = "postgresql://tuner:s3cret@localhost:1/search"
    code, message = run(["train", "data", "--storage", address], capsys)

    assert code == 2
    assert "CHURNML_STORAGE" in message
    assert "s3cret" not in message


def test_a_storage_that_does_not_answer_is_named_without_its_password(folder, capsys, monkeypatch):
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    monkeypatch.setenv("CHURNML_STORAGE", "postgresql://tuner:s3cret@localhost:1/search")
    for command in ("train", "tune"):
        code, message = run([command, "data"], capsys)

        assert code == 2
        assert "localhost:1/search fails" in message
        assert "s3cret" not in message


def test_help_for_a_training_needs_the_database_of_both(folder, capsys, monkeypatch):
    monkeypatch.delenv("CHURNML_STORAGE", raising=False)
    code, message = run(["tune", "data"], capsys)

    assert code == 2
    assert "CHURNML_STORAGE=postgresql://" in message


def test_a_gpu_that_is_asked_for_and_not_there_is_said_before_anything_is_read(folder, capsys):
    if gpu_found():
        pytest.skip("there is a GPU here")
    (folder / "study.toml").write_text('[model]\ndevice = "cuda"\n')
    code, message = run(["train", "data", "--config", "study.toml"], capsys)

    assert code == 2
    assert "no GPU" in message
    assert "auto" in message


def test_an_unknown_key_of_the_study_is_named_with_the_known_ones(folder, capsys):
    (folder / "study.toml").write_text("[tuning]\nn_trails = 3\n")
    code, message = run(["train", "data", "--config", "study.toml"], capsys)

    assert code == 2
    assert "tuning.n_trails" in message
    assert "trials" in message


def test_a_study_that_is_no_toml_is_named(folder, capsys):
    (folder / "study.toml").write_text("[tuning\n")
    code, message = run(["train", "data", "--config", "study.toml"], capsys)

    assert code == 2
    assert "study.toml is not valid TOML" in message


def test_a_missing_column_is_named(folder, capsys):
    write(folder, "customers", [CUSTOMER])
    write(folder, "subscriptions", [{"subscription_id": "s", "customer_id": "a"}])
    code, message = run(["train", "data"], capsys)

    assert code == 2
    assert "started_at" in message


def test_too_little_history_says_how_much_is_needed(folder, capsys):
    write(folder, "customers", [CUSTOMER])
    write(folder, "subscriptions", [SUBSCRIPTION])
    write(folder, "events", [{"customer_id": "a", "event_time": "2025-01-05", "name": "login"}])
    code, message = run(["train", "data"], capsys)

    assert code == 2
    assert "oo little history" in message
    assert not (folder / "mlruns" / "bundles").exists()


def test_nobody_leaving_is_one_class_only(folder, capsys):
    people = [f"c{number}" for number in range(30)]
    write(folder, "customers", [{**CUSTOMER, "customer_id": name} for name in people])
    write(
        folder,
        "subscriptions",
        [{**SUBSCRIPTION, "subscription_id": name, "customer_id": name} for name in people],
    )
    days = pd.date_range("2025-01-01", periods=400, freq="D")
    write(folder, "events", [{"customer_id": name, "event_time": day, "name": "login"}
                             for name in people[:5] for day in days])  # fmt: skip
    code, message = run(["train", "data"], capsys)

    assert code == 2
    assert "ne class only" in message


def test_a_suffix_that_is_no_format_is_refused_before_any_work(folder, capsys):
    code, message = run(["score", "data", "--as-of", "2025-01-01", "--out", "scores.xlsx"], capsys)

    assert code == 2
    assert ".parquet" in message


def test_a_model_that_is_no_model_is_refused(folder, capsys):
    write(folder, "customers", [CUSTOMER])
    write(folder, "subscriptions", [SUBSCRIPTION])
    code, message = run(
        ["score", "data", "--as-of", "2025-01-01", "--out", "s.csv", "--model", "data"], capsys
    )

    assert code == 2
    assert "bundle.json" in message


def test_no_champion_yet_says_to_train(folder, capsys):
    write(folder, "customers", [CUSTOMER])
    write(folder, "subscriptions", [SUBSCRIPTION])
    code, message = run(["score", "data", "--as-of", "2025-01-01", "--out", "s.csv"], capsys)

    assert code == 2
    assert "churnml train" in message


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["features", "data"], "--as-of"),
        (["score", "data", "--since", "2025-01-01", "--out", "s.csv"], "--until"),
        (["evaluate", "scores.csv", "data"], "scores.csv"),
        (["train", "data", "--trials", "-1"], "trials"),
    ],
)
def test_a_command_that_lacks_something_says_what(folder, capsys, arguments, word):
    write(folder, "customers", [CUSTOMER])
    write(folder, "subscriptions", [SUBSCRIPTION])
    code, message = run(arguments, capsys)

    assert code == 2
    assert word in message


def test_a_score_file_of_strangers_is_refused_instead_of_judged(folder, capsys):
    write(folder, "customers", [CUSTOMER])
    write(folder, "subscriptions", [SUBSCRIPTION])
    days = pd.date_range("2025-01-02", periods=300, freq="D")
    write(folder, "events", [{"customer_id": "a", "event_time": day, "name": "x"} for day in days])
    scores = {"customer_id": ["007"], "as_of": ["2025-03-01"], "probability": [0.5]}
    pd.DataFrame(scores).to_csv(folder / "scores.csv", index=False)
    code, message = run(["evaluate", "scores.csv", "data"], capsys)

    assert code == 2
    assert "customer_id is written as in the data" in message


def test_a_place_where_no_model_can_be_written_is_refused_before_any_work(folder, capsys):
    (folder / "taken").write_text("something else")
    code, message = run(["train", "data", "--out", "taken"], capsys)

    assert code == 2
    assert "taken exists and is no bundle" in message


#: Asks every command for help in one fresh process; tells which libraries that has loaded.
ASK_ALL_FOR_HELP = """
import contextlib, io, json, sys
from churnml.commands import app
import typer

def paths(command, path):
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from paths(below, [*path, name])

loaded = {}
for path in paths(typer.main.get_command(app), []):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        app([*path, "--help"])
    assert "Usage" in said.getvalue(), path
    loaded[" ".join(path)] = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps(loaded))
"""
SLOW_TO_LOAD = {
    "duckdb", "imblearn", "jinja2", "matplotlib", "mlflow", "numpy", "optuna", "pandas", "pyarrow",
    "pydantic", "rich", "scipy", "shap", "sklearn", "sqlglot", "xgboost",
}  # fmt: skip


def test_help_loads_nothing_that_is_slow_to_load():
    asked = subprocess.run(
        [sys.executable, "-c", ASK_ALL_FOR_HELP], capture_output=True, text=True, check=True
    )
    loaded = json.loads(asked.stdout)

    assert {"", "train", "score", "text score"} <= set(loaded)
    assert set().union(*loaded.values()) & SLOW_TO_LOAD == set()
