"""The descriptions and studies under experiments/, without the data they describe."""

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from churnml.config import parse, read_study, read_toml
from churnml.sources.description import Description

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
NAMES = ("cdnow", "online_retail", "oulad", "ravenstack")
DATASETS = sorted(path for name in NAMES for path in (EXPERIMENTS / name).glob("dataset*.toml"))
STUDIES = sorted(
    path
    for name in NAMES
    for path in (EXPERIMENTS / name).glob("*.toml")
    if not path.name.startswith("dataset")
)


def described(path: Path) -> Description:
    return parse(Description, read_toml(path), where=str(path))


def short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", DATASETS, ids=short)
def test_every_statement_of_a_description_is_one_select(path):
    statements = [source.sql for source in described(path).tables.values() if source.sql]
    assert statements
    for statement in statements:
        trees = sqlglot.parse(statement, dialect="duckdb")
        assert [isinstance(tree, exp.Query) for tree in trees] == [True]


@pytest.mark.parametrize("path", DATASETS, ids=short)
def test_files_are_named_relative_to_the_folder_of_the_data(path):
    for source in described(path).tables.values():
        for tree in sqlglot.parse(source.sql or "select 1", dialect="duckdb"):
            tables = [table.name for table in tree.find_all(exp.Table)]
            assert not [name for name in tables if name.startswith("/") or ".." in name]


@pytest.mark.parametrize("path", STUDIES, ids=short)
def test_every_study_reads_and_tests_whole_weeks_in_one_block(path):
    folds = read_study(path).folds
    if folds.test_from is None:
        return
    days = (folds.test_until - folds.test_from).days
    assert days == folds.test_every_days
    assert days % 7 == 0


@pytest.mark.parametrize("path", DATASETS, ids=short)
def test_a_description_reads_no_column_that_knows_the_end(path):
    description = described(path)
    text = " ".join(source.sql or "" for source in description.tables.values())
    known_only_at_the_end = ("final_result", "churn_flag", "is_reactivation", "escalation_flag")
    assert not [name for name in known_only_at_the_end if name in text]
    assert not {"segment", "plan", "seats"} & set(description.customers.immutable)


def test_both_readings_of_online_retail_have_the_same_tables():
    absence, inactivity = (
        described(EXPERIMENTS / "online_retail" / name)
        for name in ("dataset.toml", "dataset_inactivity.toml")
    )
    assert absence.tables == inactivity.tables
    assert absence.events == inactivity.events
    assert (absence.churn.kind, inactivity.churn.kind) == ("absence", "inactivity")


@pytest.mark.parametrize("name", NAMES)
def test_the_command_of_a_readme_names_files_that_are_there(name):
    text = (EXPERIMENTS / name / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"experiments/[\w/]+\.toml", text)
    assert {"--dataset", "--config"} <= set(re.findall(r"--\w+", text))
    assert named
    assert all((EXPERIMENTS.parent / each).is_file() for each in named)
