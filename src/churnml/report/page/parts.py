"""What pages are made of: headline figures with their interval, tables with their columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

#: "−0,5", "41 234", "83 % [78–91]"; a date is none.
_NUMBER = re.compile(r"[−+-]?\d[\d\s.,]*%?(?: \[[^\]]+\])?")
Tone = Literal["", "critical", "high", "medium", "low", "good", "calm", "up", "down"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that a reader sees first.

    Parameters
    ----------
    value : str
        The figure, formatted.
    text : str
        What it counts.
    at, low, high : float, optional
        Where value and interval lie on a bar from 0 to 1; without ``at`` there is no bar.
    note : str
        The interval in words, or what the figure is compared with.
    own : bool
        Whether it is the model's, drawn in the accent.
    """

    value: str
    text: str
    at: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """The heading of a column; numbers stand to the right and sort by size."""

    title: str
    kind: Literal["text", "number"] = "text"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is more than its text.

    Parameters
    ----------
    text : str
    sort : float or str, optional
        What it is sorted by; default: the text. Unknown (None for numbers) always sorts last.
    href : str
        Anchor on the same page, such as ``#customer-7``.
    chip : Tone
        Shows the text as a chip with a shape of its own.
    note : str
        A second, quiet line.
    code : bool
        A name of the machine's, set in its type.
    """

    text: str
    sort: float | str | None = None
    href: str = ""
    chip: Tone = ""
    note: str = ""
    code: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: columns, rows of text or cells, and which row is the model's own (-1: none)."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
    own: int = -1

    @classmethod
    def of(
        cls, titles: Sequence[str], rows: Sequence[Sequence[Cell | str]], *, own: int = -1
    ) -> Grid:
        """A table whose columns after the first hold numbers where every cell looks like one."""
        found = tuple(tuple(row) for row in rows)
        columns = tuple(
            Column(title, "number" if place and _numeric(found, place) else "text")
            for place, title in enumerate(titles)
        )
        return cls(columns, found, own)


def _numeric(rows: Sequence[Sequence[Cell | str]], place: int) -> bool:
    texts = [cell.text if isinstance(cell, Cell) else cell for cell in (r[place] for r in rows)]
    known = [text for text in texts if text != "–"]
    return bool(known) and all(_NUMBER.fullmatch(text) for text in known)
