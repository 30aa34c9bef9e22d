"""Nothing is left out: command, setting, figure, feature and name say what they are."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import churnml as ch
from churnml.config import Study
from churnml.evaluation.meaning import FIGURES
from churnml.features import catalogue
from churnml.reference import command_tables, figure_table, settings_table, write_reference
from churnml.reference.python_names import write_python_names
from churnml.reference.tables import _fields
from churnml.sources.description import Description

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
MONDAY = pd.Timestamp("2025-01-06")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    write_reference(folder)
    return folder


def named(grid) -> list[str]:
    return [row[0].text for row in grid.rows]


@pytest.mark.parametrize("root", [Study, Description])
def test_every_setting_says_what_it_means(root):
    silent = [key for key, field in _fields(root) if not (field.description or "").strip()]

    assert silent == []


def test_settings_are_told_with_limits_and_defaults():
    rows = {row[0].text: row[2:] for row in settings_table().rows}

    assert rows["label.lead_days"] == ("integer ≥ 0", "21")
    assert rows["alerts.q"] == ("number > 0 < 1", "0.02")
    assert rows["alerts.persist.weeks"] == ("integer > 0", "required")
    assert rows["population.active_within_days"] == ("integer > 0 or none", "none")
    assert rows["folds.scheme"] == ("expanding, rolling", '"expanding"')


def test_every_figure_that_is_measured_is_explained_and_no_other():
    as_ofs = [MONDAY + pd.Timedelta(weeks=week) for week in range(20)]
    rows = [(name, as_of) for as_of in as_ofs for name in "abcdef"]
    scores = pd.DataFrame(rows, columns=["customer_id", "as_of"])
    scores["probability"] = [0.9 if name == "a" else 0.1 for name in scores["customer_id"]]
    labels = pd.Series(["churned" if name == "a" else "stayed" for name, _ in rows])
    spells = pd.DataFrame({
        "customer_id": list("abcdef"), "started_at": MONDAY - pd.Timedelta(days=90),
        "exit_at": [as_ofs[-1], *[pd.NaT] * 5],
    })  # fmt: skip
    judged = ch.evaluate(
        scores, labels, spells, window=ch.LabelWindow(21, 28), policy=ch.Policy(q=0.2),
        observed_until=as_ofs[-1] + pd.Timedelta(days=400), resamples=10,
    )  # fmt: skip

    assert set(FIGURES) == set(judged.metrics)
    assert named(figure_table()) == list(FIGURES)


def test_every_feature_has_its_entry(folder):
    page = (folder / "features.html").read_text(encoding="utf-8")
    absent = [one.name for one in catalogue(Description()) if f'id="{one.name}"' not in page]

    assert absent == []


def test_the_readme_names_every_command_and_no_other():
    shown = re.findall(r"^\| `churnml ([a-z]+(?: [a-z]+(?= |`))?)", README, re.MULTILINE)
    known = command_tables()
    plain = {name if name in known else name.split()[0] for name in shown}

    assert plain == set(known)


def test_every_option_of_every_command_is_on_its_page(folder):
    page = (folder / "commands.html").read_text(encoding="utf-8")

    for name, (said, _, takes) in command_tables().items():
        assert f"<h2>churnml {name}</h2>" in page
        assert said
        assert [key for key in named(takes) if f"<code>{key}</code>" not in page] == []


def test_the_index_links_every_page(folder):
    index = (folder / "index.html").read_text(encoding="utf-8")
    write_python_names(folder)
    linked = set(re.findall(r'<a href="([a-z]+\.html)"', index))

    assert linked == {path.name for path in folder.glob("*.html")}


def test_every_name_in_python_is_on_its_page(folder):
    page = write_python_names(folder).read_text(encoding="utf-8")
    names = [name for name in ch.__all__ if name != "__version__"]

    assert [name for name in names if f'id="{name}"' not in page] == []
