"""CSV files as SQL without any guess: UTF-8, columns of the header, every value text."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from churnml.sources.workshop import literal, quoted

_DELIMITERS = ",;\t|"
_CHUNK = 1 << 22
#: Letters above ASCII in both code pages, and words of nothing else.
_LETTERS = re.compile(rb"[\xa8\xb8\xc0-\xff]")
_WORDS = re.compile(
    rb"(?<![A-Za-z\xa8\xb8\xc0-\xff])[\xa8\xb8\xc0-\xff]+(?![A-Za-z\xa8\xb8\xc0-\xff])"
)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Readable:
    """A text file as UTF-8, and how it was written.

    Parameters
    ----------
    path : Path
        The file itself, or a copy in UTF-8.
    encoding : str, optional
        What it had to be read as; None: it is UTF-8.
    lines : int
        Lines below the heading that had to be recoded.
    doubtful : bool
        Some lines are UTF-8 and others are not, or a letter is none in that encoding.
    """

    path: Path
    encoding: str | None = None
    lines: int = 0
    doubtful: bool = False


_SPOKEN = {"cp1251": "Windows-1251", "cp1252": "Windows-1252 (Latin-1)", "utf-16": "UTF-16"}


def as_utf8(path: Path, *, scratch: Path) -> Readable:
    """The file itself if it is UTF-8, else a UTF-8 copy.

    Lines that are not UTF-8 are all read alike, as Windows-1251 or as Windows-1252 (Latin-1),
    whichever the file as a whole speaks for: an id of one Cyrillic letter is the same in each row.

    Parameters
    ----------
    path : Path
        Plain or gzipped text.
    scratch : Path
        Folder for the copy.

    Raises
    ------
    OSError, EOFError
        If the file cannot be read or its compression is broken.
    """
    with _opened(path) as file:
        start = file.read(2)
    if start in _UTF16:
        return _rewritten(path, scratch, encoding="utf-16")
    return Readable(path) if _is_utf8(path) else _rewritten(path, scratch, encoding=None)


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _opened(path) as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _rewritten(path: Path, scratch: Path, *, encoding: str | None) -> Readable:
    copies = scratch / "utf8"
    copies.mkdir(exist_ok=True)
    copy = copies / f"{len(list(copies.iterdir()))}_{path.name.removesuffix('.gz')}"
    recoded = 0
    doubtful = False
    known = _codepage(path) if encoding is None else encoding
    lines = _mixed_lines(path, known) if encoding is None else _lines(path, known)
    with copy.open("w", encoding="utf-8", newline="") as out:
        for place, (line, changed) in enumerate(lines):
            out.write(line)
            recoded += changed and place > 0
            doubtful |= "\ufffd" in line if changed else not line.isascii()
    return Readable(copy, _SPOKEN[known], recoded, doubtful)


def _lines(path: Path, encoding: str) -> Iterator[tuple[str, bool]]:
    with _opened(path) as file, codecs.getreader(encoding)(file) as reader:
        yield from ((line, True) for line in reader)


def _codepage(path: Path) -> str:
    """The encoding of the lines that are not UTF-8, by the letters of all of them.

    An accented letter stands among plain ones (Café), a Cyrillic word stands by itself (Нева, К12).
    """
    letters = alone = 0
    with _opened(path) as file:
        for line in file:
            if _as_utf8(line) is None:
                letters += len(_LETTERS.findall(line))
                alone += sum(len(word) for word in _WORDS.findall(line))
    return "cp1251" if 2 * alone > letters else "cp1252"


def _mixed_lines(path: Path, codepage: str) -> Iterator[tuple[str, bool]]:
    with _opened(path) as file:
        for line in file:
            text = _as_utf8(line)
            known = line.decode(codepage, errors="replace") if text is None else text
            yield known, text is None


def _as_utf8(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


def csv_relation(paths: list[Path]) -> str:
    """SQL for the rows of UTF-8 CSV files, in order; columns are joined by name.

    Only the delimiter is guessed, from the header: leading zeros and odd dates stay what they are.

    Raises
    ------
    ValueError
        If a file has no header or names a column twice.
    """
    by_header: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        by_header.setdefault(_header(path), []).append(path)
    return " union all by name ".join(
        f"select * from {_reader(list(header), files)}" for header, files in by_header.items()
    )


def _header(path: Path) -> tuple[str, ...]:
    """The delimiter, then the names of the columns."""
    with _opened(path) as file:
        line = file.readline().decode("utf-8-sig").rstrip("\r\n")
    if not line.strip():
        raise ValueError(f"{path.name} has no header line")
    delimiter = max(_DELIMITERS, key=line.count)
    names = next(csv.reader([line], delimiter=delimiter))
    names = [name or f"column{place}" for place, name in enumerate(names)]
    if len({name.lower() for name in names}) < len(names):
        raise ValueError(f"{path.name} names a column twice: {line}")
    return (delimiter, *names)


def _reader(header: list[str], paths: list[Path]) -> str:
    delimiter, *names = header
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    files = ", ".join(literal(path) for path in paths)
    return (
        f"read_csv([{files}], columns = {{{columns}}}, auto_detect = false, header = true, "
        f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', max_line_size = 16000000)"
    )
