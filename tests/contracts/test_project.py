"""The repository keeps its shape: top level, defaults, a light command line, a true README."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from churnml.config import Study, parse, read_study
from churnml.sources.description import Description

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    "pyproject.toml", "notebooks", "src", "data", "experiments", "mlruns", "tests", "README.md",
    # what tools force there
    "Makefile", "uv.lock", "LICENSE", "CHANGELOG.md",
}  # fmt: skip
HEAVY = (
    "pandas",
    "numpy",
    "sklearn",
    "xgboost",
    "mlflow",
    "shap",
    "matplotlib",
    "optuna",
    "duckdb",
)
FENCE = re.compile(r"^```(?:sh|bash|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[|&;]\s*|python -m )churnml ([a-z]+)", re.MULTILINE)


def tracked() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout: what belongs to the repository is not known")
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def readme() -> str:
    """The README and the guides beside it."""
    guides = sorted((ROOT / ".github" / "guide").glob("*.md"))
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *guides))


def shown_commands() -> set[str]:
    """The commands of churnml in the README's shell blocks and in its table of commands."""
    blocks = "\n".join(FENCE.findall(readme()))
    return set(COMMAND.findall(blocks)) | set(
        re.findall(r"^\| `churnml ([a-z]+)", readme(), re.MULTILINE)
    )


def test_the_top_level_holds_what_the_design_names_and_no_more():
    top = {name.split("/")[0] for name in tracked()}

    assert {name for name in top if not name.startswith(".")} == TOP_LEVEL


def test_the_default_study_file_says_what_the_code_assumes():
    assert read_study(ROOT / "experiments" / "studies" / "default.toml") == Study()


def test_no_tracked_file_names_a_path_of_one_machine():
    # put together here, so that this file does not name one either
    paths = re.compile("|".join(f"/{folder}/" for folder in ("work", "farm", "root", "home")))
    texts = [name for name in tracked() if name != "uv.lock"]

    assert [name for name in texts if paths.search(content(name))] == []


def content(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def test_the_command_line_starts_without_the_heavy_packages():
    code = f"import sys, churnml.__main__; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"


def test_the_commands_of_the_readme_exist():
    help_text = subprocess.run(
        [sys.executable, "-m", "churnml", "--help"], capture_output=True, text=True, check=True
    ).stdout
    known = set(re.findall(r"^\W*([a-z]+)\b", help_text, re.MULTILINE))

    assert shown_commands() - known == set()
    assert shown_commands() >= {"simulate", "check", "features", "train", "score", "evaluate"}


def test_the_toml_of_the_readme_is_read():
    blocks = re.findall(r"^```toml\n(.*?)^```", readme(), re.MULTILINE | re.DOTALL)
    contents = [tomllib.loads(block) for block in blocks]
    keys = set(Description.model_fields)
    described = [
        parse(Description, content, where="README.md")
        for content in contents
        if content.keys() <= keys
    ]
    others = set().union(*contents) - keys

    assert described[0].tables["events"].columns["customer_id"] == "account"
    assert others <= {"tone", "markers", "categories", "llm"}


def test_the_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    shown = set(re.findall(r"^make ([a-z-]+)", "\n".join(FENCE.findall(readme())), re.MULTILINE))

    assert shown
    assert shown <= targets


def test_the_folders_of_the_readme_exist():
    shown = set(re.findall(r"^\| `([a-z/]+/)`", readme(), re.MULTILINE))

    assert shown
    assert [folder for folder in sorted(shown) if not (ROOT / folder).is_dir()] == []
