"""CSV files as SQL without any guess: UTF-8, columns of the header, every value text."""

from __future__ import annotations

import codecs
import csv
import gzip
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO

from churnml.sources.workshop import literal, quoted

_DELIMITERS = ",;\t|"
_CHUNK = 1 << 22
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def as_utf8(path: Path, *, scratch: Path) -> tuple[Path, int]:
    """The file itself if it is UTF-8, else a UTF-8 copy, and how many lines had to be recoded.

    A line that is not UTF-8 is read as Windows-1251 if its high bytes stand in runs, as in
    Cyrillic words, else as Windows-1252 (Latin-1).

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
    return (path, 0) if _is_utf8(path) else _rewritten(path, scratch, encoding=None)


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


def _rewritten(path: Path, scratch: Path, *, encoding: str | None) -> tuple[Path, int]:
    copies = scratch / "utf8"
    copies.mkdir(exist_ok=True)
    copy = copies / f"{len(list(copies.iterdir()))}_{path.name.removesuffix('.gz')}"
    recoded = 0
    with copy.open("w", encoding="utf-8", newline="") as out:
        for line, changed in _lines(path, encoding):
            out.write(line)
            recoded += changed
    return copy, recoded


def _lines(path: Path, encoding: str | None) -> Iterator[tuple[str, bool]]:
    if encoding is not None:
        with _opened(path) as file, codecs.getreader(encoding)(file) as reader:
            yield from ((line, True) for line in reader)
        return
    with _opened(path) as file:
        for line in file:
            yield _decoded(line)


def _decoded(line: bytes) -> tuple[str, bool]:
    try:
        return line.decode("utf-8"), False
    except UnicodeDecodeError:
        # Cyrillic words are runs of high bytes, accents of western languages stand alone.
        high = sum(byte > 127 for byte in line)
        paired = sum(first > 127 and second > 127 for first, second in pairwise(line))
        encoding = "cp1251" if 2 * paired >= high else "cp1252"
        return line.decode(encoding, errors="replace"), True


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
