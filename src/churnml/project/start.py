"""Start a project folder around a company's files; nothing that is there is touched."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from churnml.errors import InputError
from churnml.project.notebook import as_ipynb
from churnml.sources.guessing import Guess, guess_mapping
from churnml.sources.guessing.files import SUFFIXES
from churnml.sources.guessing.writing import description_toml

DESCRIPTION = "dataset.toml"
STUDY = "experiments/studies/default.toml"
NOTEBOOK = "notebooks/01_first_look"


@dataclass(frozen=True)
class Project:
    """What was written, what was guessed, and which commands come next.

    Parameters
    ----------
    folder : Path
    written : tuple of Path
        Relative to the folder, the mapping first.
    guess : Guess, optional
        None where there were no files to guess from.
    commands : tuple of str
        To be run in the folder.
    """

    folder: Path
    written: tuple[Path, ...]
    guess: Guess | None
    commands: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The JSON document of ``churnml init``."""
        nothing: dict[str, Any] = {
            "data": None,
            "tables": [],
            "unused": [],
            "churn": None,
            "open": [],
        }
        return {
            "project": str(self.folder),
            "written": [path.as_posix() for path in self.written],
            **(nothing if self.guess is None else self.guess.as_json()),
            "next": [f"cd {self.folder}", *self.commands],
        }


def start_project(folder: Path, sources: Sequence[Path] = ()) -> Project:
    """Write a project folder, with a mapping guessed from the files.

    The files stay where they are. The mapping lies beside them where they lie in the folder, else
    in the folder itself.

    Parameters
    ----------
    folder : Path
    sources : sequence of Path
        CSV, JSON or Parquet files, or folders of such; default: those in the folder.

    Raises
    ------
    InputError
        If a file to be written is there already, or no table is among the sources.

    Examples
    --------
    >>> project = ch.start_project(Path("acme"), [data])
    >>> (Path("acme") / project.written[0]).name
    'dataset.toml'
    """
    inside = [] if sources else _tables_inside(folder)
    guess = guess_mapping([*sources, *inside]) if sources or inside else None
    data, description = _places(folder, guess)
    texts = _texts(folder, guess, data=data, description=description)
    if there := [path for path in texts if (folder / path).exists()]:
        raise InputError(
            f"{', '.join(map(str, there))} in {folder} would be overwritten. Give a new folder, "
            "or move what is there away."
        )
    try:
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error}). Give another folder.") from None
    return Project(folder, tuple(texts), guess, commands(data, description))


def _tables_inside(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*")
                  if path.is_file() and path.name.endswith(SUFFIXES))  # fmt: skip


def _places(folder: Path, guess: Guess | None) -> tuple[str, Path]:
    """The data as seen from the folder, and where the mapping goes."""
    if guess is None:
        return "data", Path("data", DESCRIPTION)
    data = Path(os.path.relpath(guess.root, folder.resolve())).as_posix()
    inside = guess.root.is_relative_to(folder.resolve())
    return data, Path(data, DESCRIPTION) if inside else Path(DESCRIPTION)


def commands(data: str, description: Path) -> tuple[str, ...]:
    """What comes next, in the folder of the project."""
    option = "" if description.parent.as_posix() == data else f" --dataset {description}"
    data = shlex.quote(data)
    return (
        f"churnml check {data}{option}",
        f"churnml train{option} --trials 0 --out model",
        f"churnml score {data}{option} --as-of $(date +%F) --model model --out scores.parquet",
        f"churnml alerts scores.parquet --data {data}{option} --policy policy.toml --state alerts"
        " --out alerts.csv",
        "jupyter lab notebooks",
    )


def _texts(folder: Path, guess: Guess | None, *, data: str, description: Path) -> dict[Path, str]:
    """Every file of the project, by its place in the folder."""
    name = folder.resolve().name
    beside = (
        "" if description.parent.as_posix() == data else f', dataset_file=Path("../{description}")'
    )
    values = {
        "name": name, "data": data, "toml": json.dumps(data, ensure_ascii=False),
        "description": description.as_posix(), "dataset_file": beside,
        "commands": "\n".join(commands(data, description)),
    }  # fmt: skip
    mapping = (
        _template("dataset.toml", values) if guess is None else description_toml(guess, name=name)
    )
    notebook = _template("first_look.py.txt", values)
    return {
        description: mapping,
        Path(STUDY): _template("study.toml", values),
        Path("policy.toml"): _template("policy.toml", values),
        Path(f"{NOTEBOOK}.py"): notebook,
        Path(f"{NOTEBOOK}.ipynb"): as_ipynb(notebook),
        Path("README.md"): _template("README.md", values),
        Path(".gitignore"): _template("gitignore.txt", values),
    }


def _template(name: str, values: dict[str, str]) -> str:
    text = files("churnml.project").joinpath("templates", name).read_text(encoding="utf-8")
    return Template(text).substitute(values)
