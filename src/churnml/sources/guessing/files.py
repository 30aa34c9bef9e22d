"""The files a company has: which belong together, and what their columns hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from churnml.errors import InputError
from churnml.sources.csv_files import as_utf8
from churnml.sources.guessing.profile import SAMPLE_ROWS, ColumnProfile, profile_columns
from churnml.sources.json_files import JSON_LINES, JSON_SUFFIXES
from churnml.sources.reading import files_below, text_relation
from churnml.sources.workshop import Workshop, first_line, literal

#: What is looked for where a folder is given.
SUFFIXES = (".parquet", ".csv", ".csv.gz", ".tsv", ".txt", *JSON_LINES)
#: What is read where a file is named: a .json in a folder is mostly settings.
_NAMED = (*SUFFIXES, *JSON_SUFFIXES)
_SHEETS = (".xlsx", ".xls", ".ods", ".xlsb", ".numbers")


@dataclass(frozen=True)
class FileProfile:
    """Files of one shape, and what their columns hold.

    Parameters
    ----------
    pattern : str
        Name or glob, relative to the folder of the data.
    title : str
        The name without suffix, dates and numbers.
    columns : tuple of ColumnProfile
    spaced : bool
        Text whose columns are told apart by blanks only.
    """

    pattern: str
    title: str
    columns: tuple[ColumnProfile, ...]
    spaced: bool = False

    @property
    def is_text(self) -> bool:
        """Whether every value is text because the file has no types."""
        return not self.pattern.endswith(".parquet")

    def column(self, name: str) -> ColumnProfile:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def common_folder(paths: Sequence[Path]) -> Path:
    """The folder below which all of these files lie."""
    folders = [path.resolve().parent for path in paths]
    shared = folders[0]
    while not all(folder.is_relative_to(shared) for folder in folders):
        shared = shared.parent
    return shared


def tables_in(sources: Sequence[Path]) -> list[Path]:
    """The files given, and the tables in the folders given.

    Raises
    ------
    InputError
        If a path is not there, or nothing among them is a table.
    """
    found: list[Path] = []
    for source in sources:
        if not source.exists():
            raise InputError(
                f"{source} does not exist. Give CSV, JSON or Parquet files, or a folder."
            )
        inside = [source] if source.is_file() else sorted(source.rglob("*"))
        readable = _NAMED if source.is_file() else SUFFIXES
        found += [path for path in inside if path.is_file() and path.name.endswith(readable)]
    if not found:
        raise InputError(
            f"No table among {', '.join(map(str, sources))}: expected files that end in "
            f"{', '.join(SUFFIXES)}."
        )
    return list(dict.fromkeys(found))


def strangers_in(sources: Sequence[Path]) -> dict[Path, str]:
    """Files that were meant but cannot be read, and what to do: named ones, and spreadsheets."""
    named = {path for path in sources if path.is_file()}
    inside = {path for folder in sources if folder.is_dir() for path in folder.rglob("*")}
    found = {}
    for path in sorted(named | inside):
        if path.name.lower().endswith(_SHEETS):
            found[path] = "it is a spreadsheet: save each sheet as CSV"
        elif path in named and not path.name.endswith(_NAMED):
            found[path] = "it is neither CSV nor JSON nor Parquet: export it as one of these"
    return found


def profile_files(
    shop: Workshop, paths: Sequence[Path]
) -> tuple[list[FileProfile], dict[str, str]]:
    """The profiles of these files, those of one shape together, and why others cannot be read.

    Parameters
    ----------
    shop : Workshop
        Its root holds all of the files.
    paths : sequence of Path
    """
    shapes: dict[tuple[object, ...], list[Path]] = {}
    broken: dict[str, str] = {}
    for path in paths:
        try:
            header = tuple(_sample(shop, path, rows=0).columns)
        except (OSError, EOFError, ValueError, duckdb.Error) as error:
            broken[str(path.resolve().relative_to(shop.root))] = first_line(error)
            continue
        if path.name.endswith(JSON_SUFFIXES):
            header = ()  # an object may lack any key, and so may all of a month
        stem, suffix = path.name.split(".", 1)
        shapes.setdefault((path.resolve().parent, _title(stem), suffix, header), []).append(path)
    profiles: list[FileProfile] = []
    for alike in shapes.values():
        for pattern, some in _patterns(shop.root, alike):
            profiles.append(_profile(shop, pattern, some))
    return profiles, broken


def _patterns(root: Path, alike: Sequence[Path]) -> list[tuple[str, list[Path]]]:
    """One glob if it finds these files and no others, else each by name; and files to look at."""
    names = [path.resolve().relative_to(root).as_posix() for path in alike]
    if len(names) > 1:
        start = _common(names)
        end = _common([name[::-1] for name in names])[::-1]
        glob = f"{start}*{end}"
        found = [path.relative_to(root).as_posix() for path in files_below(root, glob, where=glob)]
        if sorted(names) == found:
            return [(glob, [alike[0], alike[-1]])]
    return [(name, [path]) for name, path in zip(names, alike, strict=True)]


def _common(names: Sequence[str]) -> str:
    """The longest common beginning; not within a number, so that the next month matches too."""
    first, last = min(names), max(names)
    size = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
                min(len(first), len(last)))  # fmt: skip
    return first[:size].rstrip("0123456789")


def _title(stem: str) -> str:
    return re.sub(r"[\W_]*\d[\d\W_]*", " ", stem).strip() or stem


def _profile(shop: Workshop, pattern: str, paths: Sequence[Path]) -> FileProfile:
    rows = SAMPLE_ROWS // len(paths)
    sample = pd.concat([_sample(shop, path, rows=rows) for path in paths], ignore_index=True)
    title = _title(paths[0].name.split(".", 1)[0])
    if spaced := _is_spaced(sample):
        sample = _split(sample)
    return FileProfile(pattern, title, profile_columns(sample), spaced)


def _sample(shop: Workshop, path: Path, *, rows: int) -> pd.DataFrame:
    if path.suffix == ".parquet":
        relation = f"select * from read_parquet({literal(path.resolve())}, binary_as_string = true)"
    else:
        readable = [as_utf8(path.resolve(), scratch=shop.scratch).path]
        relation = text_relation(shop, readable)
    return shop.connection.execute(f"select * from ({relation}) limit {rows}").df()


def _is_spaced(sample: pd.DataFrame) -> bool:
    """One column whose heading and rows fall into the same number of words."""
    if sample.shape[1] != 1 or sample.empty:
        return False
    names = str(sample.columns[0]).split()
    sizes = sample.iloc[:, 0].dropna().astype(str).str.split().str.len()
    return len(names) > 1 and bool((sizes == len(names)).mean() >= 0.95)


def _split(sample: pd.DataFrame) -> pd.DataFrame:
    names = str(sample.columns[0]).split()
    rows = sample.iloc[:, 0].dropna().astype(str).str.split()
    return pd.DataFrame([row for row in rows if len(row) == len(names)], columns=names)
