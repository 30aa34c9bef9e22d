"""What is shown to be typed can be typed: lines of README and guides are taken, README's run."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pandas as pd
import pytest
from typer.main import get_command

from churnml.commands import app
from churnml.sources.world import simulate

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
TEXTS = [README, *sorted((ROOT / ".github" / "guide").glob("*.md"))]
FENCE = re.compile(r"^```(?:sh|bash)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
CRON = re.compile(r"^[\d*]+ [\d*]+ [\d*]+ [\d*]+ [\d*]+ +")


def lines(text: Path) -> Iterator[str]:
    """The lines of the shell blocks, without comments and the time of a cron table."""
    for block in FENCE.findall(text.read_text(encoding="utf-8")):
        for line in block.splitlines():
            yield CRON.sub("", line.split("  #")[0].split(" # ")[0]).strip()


def commands() -> Iterator[str]:
    """Every call of churnml in README and guides, from its name on."""
    for text in TEXTS:
        for line in lines(text):
            for part in re.split(r"&&|[|]{2}|;", line):
                if match := re.search(r"(?:^|/|-m )churnml(?:\.(train))? (.*)", part.strip()):
                    yield f"{match[1] or ''} {match[2]}".split(" > ")[0].strip()


@pytest.mark.parametrize("typed", sorted(set(commands())))
def test_every_shown_command_is_understood(typed, tmp_path, monkeypatch):
    for folder in ("here/acme", "exports"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    arguments, command, parent = shlex.split(typed), get_command(app), None
    while hasattr(command, "commands"):
        assert arguments[0] in command.commands, arguments[0]
        name = arguments.pop(0)
        parent = click.Context(command, info_name=name, parent=parent)
        command = command.commands[name]

    command.make_context(command.name, arguments, parent=parent)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_every_link_leads_to_a_file(text):
    found = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text.read_text(encoding="utf-8"))
    local = [link for link in found if not link.startswith(("http:", "https:"))]

    assert [link for link in local if not (text.parent / link).exists()] == []


def test_the_readme_is_read_in_five_minutes():
    prose = re.sub(r"```.*?```|^\|.*?$", "", README.read_text(encoding="utf-8"),
                   flags=re.DOTALL | re.MULTILINE)  # fmt: skip

    assert len(prose.split()) < 5 * 240


def test_the_table_of_results_is_that_of_the_experiments():
    place = ROOT / ".github" / "readme.py"
    spec = importlib.util.spec_from_file_location("readme", place)
    readme = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(readme)

    assert readme.results() in README.read_text(encoding="utf-8"), "make pictures writes it"


def test_the_make_targets_are_there():
    shown = {line.split()[1] for line in lines(README) if line.startswith("make ")}
    shown |= set(re.findall(r"`make ([a-z-]+)", README.read_text(encoding="utf-8")))
    dry = subprocess.run(
        ["make", "-n", *sorted(shown)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert dry.returncode == 0, dry.stderr


@pytest.mark.slow
def test_what_the_readme_runs_every_day_runs(tmp_path):
    """Month and day on a small company: train, score, alerts, report; study without tuning."""
    simulate(tmp_path / "world", customers=350, weeks=70, seed=7)
    shutil.move(tmp_path / "world" / "data", tmp_path / "acme")
    (tmp_path / "policy.toml").write_text("[alerts]\nq = 0.02\n")
    (tmp_path / "experiments" / "studies").mkdir(parents=True)
    (tmp_path / "experiments" / "studies" / "default.toml").write_text("[tuning]\ntrials = 0\n")
    newest = pd.read_parquet(tmp_path / "world/truth/clean/events.parquet")["event_time"].max()
    section = README.read_text(encoding="utf-8").split("## Every month, every day")[1]
    script = "\n".join(
        CRON.sub("", line) for block in FENCE.findall(section.split("\n## ")[0])
        for line in block.splitlines()
    )  # fmt: skip
    for shown, meant in (
        ("cd /srv/churnml && ", ""), (".venv/bin/python", f'"{sys.executable}"'),
        (".venv/bin/churnml", "churnml"), ("2026-11-01", f"{newest:%Y-%m-%d}"),
        (r"$(date +\%F)", f"{newest:%Y-%m-%d}"),
    ):  # fmt: skip
        script = script.replace(shown, meant)
    defined = f'set -e\nchurnml() {{ "{sys.executable}" -W ignore -m churnml "$@"; }}\n'
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    answer = subprocess.run(
        ["bash", "-c", defined + script], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert len(pd.read_parquet(tmp_path / "scores.parquet")) > 100
    assert (tmp_path / "alerts.csv").stat().st_size > 0
    assert "<h1" in (tmp_path / "report.html").read_text(encoding="utf-8")
