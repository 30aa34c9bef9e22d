"""Text files in UTF-8: what is not is rewritten aside, line by line."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_CHUNK = 1 << 22
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def as_utf8(path: Path, *, scratch: Path) -> tuple[Path, int]:
    """The file itself if it is UTF-8, else a UTF-8 copy, and how many lines had to be recoded.

    A line that is not UTF-8 is read as Windows-1251 if that yields mostly Cyrillic letters, else
    as Windows-1252 (Latin-1).

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
        cyrillic = line.decode("cp1251", errors="replace")
        foreign = [letter for letter in cyrillic if letter > "\x7f"]
        letters = sum("Ѐ" <= letter <= "ӿ" for letter in foreign)
        if letters * 2 > len(foreign):
            return cyrillic, True
        return line.decode("cp1252", errors="replace"), True
