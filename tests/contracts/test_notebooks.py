"""Notebooks argue and the package computes; what is shown was run, top to bottom."""

from __future__ import annotations

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from churnml.sources.world import simulate

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "notebooks").glob("*.py"))
NAMES = [path.stem for path in SOURCES]
#: One for each public data set; the data are not in the repository.
PUBLIC = sorted((ROOT / "experiments").glob("*/notebook.py"))
SETS = [path.parent.name for path in PUBLIC]
DATA = Path(os.environ.get("CHURNML_DATA", ROOT.parent / "shared" / "data"))
CELL_LINES = 25
#: What a browser still shows at once.
LARGEST = 400_000


@pytest.fixture(params=[*SOURCES, *PUBLIC], ids=[*NAMES, *SETS])
def source(request: pytest.FixtureRequest) -> Path:
    return request.param


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert NAMES == [
        "01_departures",
        "02_signals_and_lead",
        "03_own_features",
        "04_honest_validation",
        "05_tuning_and_imbalance",
        "06_lead_time_budget_profit",
        "07_explanations",
        "08_tone",
        "09_your_own_data",
    ]
    assert SETS == ["cdnow", "online_retail", "oulad", "ravenstack"]


def test_a_notebook_defines_nothing_and_its_cells_are_short(source: Path):
    cells = [cell.source for cell in code_cells(jupytext.read(source))]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    defined = [
        node.name for c in cells for node in ast.walk(ast.parse(c)) if isinstance(node, kinds)
    ]

    assert defined == []
    assert max(len(cell.splitlines()) for cell in cells) <= CELL_LINES


def test_every_title_is_a_question(source: Path):
    titles = re.findall(r"^# #+ (.*)$", source.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(titles) >= 4
    assert [title for title in titles if not title.endswith("?")] == []


def test_what_is_reviewed_is_what_is_read(source: Path):
    reviewed = [(c.cell_type, c.source) for c in jupytext.read(source).cells]
    read = [(c.cell_type, c.source) for c in jupytext.read(source.with_suffix(".ipynb")).cells]

    assert reviewed == read


def test_what_is_read_was_run_in_order_without_an_error(source: Path):
    cells = code_cells(jupytext.read(source.with_suffix(".ipynb")))
    outputs = [output for cell in cells for output in cell.outputs]

    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}
    assert any("image/png" in output.get("data", {}) for output in outputs)


def test_a_notebook_is_small_enough_to_be_read_on_the_web(source: Path):
    assert source.with_suffix(".ipynb").stat().st_size < LARGEST


@pytest.mark.parametrize("path", PUBLIC, ids=SETS)
def test_without_the_data_a_notebook_ends_with_one_clear_message(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CHURNML_DATA", str(tmp_path))
    monkeypatch.chdir(path.parent)

    with pytest.raises(
        SystemExit, match=f"Set CHURNML_DATA to the folder that holds {path.parent.name}/"
    ):
        runpy.run_path(path.name)


@pytest.mark.slow
@pytest.mark.parametrize("path", PUBLIC, ids=SETS)
def test_a_notebook_of_public_data_runs_from_top_to_bottom(path: Path, tmp_path: Path):
    if not (DATA / path.parent.name).is_dir():
        pytest.skip(f"{DATA} does not hold {path.parent.name}")
    folder = tmp_path / "experiments" / path.parent.name
    shutil.copytree(path.parent, folder)
    environment = os.environ | {"CHURNML_DATA": str(DATA.resolve()), "MPLBACKEND": "Agg"}
    answer = subprocess.run(
        [sys.executable, path.name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world, the notebooks and the default study, laid out as in the repository."""
    folder = tmp_path_factory.mktemp("project")
    simulate(folder / "world", customers=200, weeks=60, seed=7)
    for name in ("studies", "text"):
        shutil.copytree(ROOT / "experiments" / name, folder / "experiments" / name)
    (folder / "notebooks").mkdir()
    for path in SOURCES:
        shutil.copy(path, folder / "notebooks")
    return folder


#: The others take more than a few seconds.
QUICK = ("01_departures",)


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES],
)
def test_a_notebook_runs_from_top_to_bottom_on_another_world(project: Path, name: str):
    # a plain run in the folder of the notebooks: what a kernel would do, without its start
    script = project / "notebooks" / f"{name}.py"
    environment = os.environ | {"CHURNML_DEMO": "../world", "MPLBACKEND": "Agg"}
    answer = subprocess.run(
        [sys.executable, script.name],
        cwd=script.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
