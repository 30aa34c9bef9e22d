"""What the columns of a file hold: times and how they are written, numbers, words, keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

#: So many rows of a file are looked at.
SAMPLE_ROWS = 20_000
#: So many different values decide what a column is, and this share of them has to fit.
_VALUES, _SHARE = 300, 0.95
#: A column with at most so many values holds words of a list.
FEW = 60
ISO = "iso"
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?\s?(Z|UTC|[+-]\d\d:?(\d\d)?)?")
_DAY_FIRST = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y")
_OTHERS = ("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%y", "%d %b %Y", "%b %d, %Y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
_PLAIN = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d{1,3}(([\s\u00a0\u202f.]\d{3})*|\d*)(,\d+)?\s?[€$£₽]?")
_FLAGS = {"true", "false", "t", "f", "0", "1", "yes", "no", "y", "n"}


@dataclass(frozen=True)
class ColumnProfile:
    """What one column holds.

    Parameters
    ----------
    name : str
    times : tuple of str
        "iso", or formats of strptime that together read it; empty: it holds no times.
    unclear : bool
        Day first and month first both read it.
    decimal : str
        "." or "," where it holds numbers, else "".
    whole : bool
        Numbers without a fraction.
    flag : bool
    distinct : float
        Different values as a share of the rows; 1: no value twice, none missing.
    filled : float
        Share of rows with a value.
    words : tuple of str
        Its values, lower case, if there are few.
    written : tuple of str
        The same as they are written, which is how names of events are compared.
    """

    name: str
    times: tuple[str, ...] = ()
    unclear: bool = False
    decimal: str = ""
    whole: bool = False
    flag: bool = False
    distinct: float = 0.0
    filled: float = 1.0
    words: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


def profile_columns(sample: pd.DataFrame) -> tuple[ColumnProfile, ...]:
    """The profile of each column of a sample of rows."""
    return tuple(_profile(str(name), sample[name]) for name in sample)


def _profile(name: str, column: pd.Series) -> ColumnProfile:
    held = column.dropna()
    texts = held.astype(str).str.strip()
    texts = texts[texts != ""]
    different = texts.drop_duplicates()
    values = different.iloc[:: len(different) // _VALUES + 1].tolist()
    few = sorted(different.tolist()) if len(different) <= FEW else []
    times, unclear = _times(column, values)
    return ColumnProfile(
        name=name,
        times=times,
        unclear=unclear,
        decimal=_decimal(column, values),
        whole=bool(values) and all(re.fullmatch(r"[+-]?\d+(\.0+)?", value) for value in values),
        flag=bool(values) and {value.lower() for value in values} <= _FLAGS,
        distinct=len(different) / max(len(column), 1),
        filled=len(texts) / max(len(column), 1),
        words=tuple(sorted({value.lower() for value in few})),
        written=tuple(few),
    )


def _times(column: pd.Series, values: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """How the values are written, if they are times, and whether that is unclear."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return (ISO,), False
    if not values or pd.api.types.is_float_dtype(column.dtype):
        return (), False
    if _fits(values, _ISO):
        return (ISO,), False
    for families in (_DAY_FIRST, _MONTH_FIRST, _OTHERS):
        for date in families:
            formats = tuple(date + clock for clock in _CLOCKS)
            read = [each for each in formats if _reads(values, each).any()]
            if read and _together(values, read) and _plausible(values, read):
                swapped = [_swapped(date) + each.removeprefix(date) for each in read]
                slashed = date in _DAY_FIRST and "." not in date  # nobody writes 12.31.2025
                return tuple(read), slashed and _together(values, swapped)
    return (), False


def _swapped(date: str) -> str:
    """Day and month the other way round."""
    return date.translate(str.maketrans("dm", "md"))


def _reads(values: Sequence[str], time_format: str) -> pd.Series:
    read = pd.to_datetime(pd.Series(values), format=time_format, errors="coerce")
    return pd.Series(read.notna())


def _together(values: Sequence[str], formats: Sequence[str]) -> bool:
    read = pd.concat([_reads(values, each) for each in formats], axis=1).any(axis=1)
    return bool(read.mean() >= _SHARE)


def _plausible(values: Sequence[str], formats: Sequence[str]) -> bool:
    """Numbers such as 1234567 may be read as dates; a company's dates lie within a lifetime."""
    read = pd.to_datetime(pd.Series(values), format=formats[0], errors="coerce").dropna()
    return bool(read.empty or (read.dt.year.between(1970, 2100)).all())


def _decimal(column: pd.Series, values: Sequence[str]) -> str:
    if pd.api.types.is_bool_dtype(column.dtype) or not values:
        return ""
    if pd.api.types.is_numeric_dtype(column.dtype) or _fits(values, _PLAIN):
        return "."
    return "," if _fits(values, _COMMA) else ""


def _fits(values: Sequence[str], pattern: re.Pattern[str]) -> bool:
    return sum(bool(pattern.fullmatch(value)) for value in values) >= _SHARE * len(values)
