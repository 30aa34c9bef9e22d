"""How right a scorer is on labelled messages: markers, tone, category, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.errors import InputError
from churnml.spoken import counted
from churnml.text.columns import MARKERS

#: From here on a tone counts as positive, from minus this on as negative.
TONE_EDGE = 0.15
_RESAMPLES = 500
_TRUE = frozenset(("true", "1", "yes", "да", "1.0"))
_FALSE = frozenset(("false", "0", "no", "нет", "0.0"))
_TONES = {"positive": 1, "neutral": 0, "negative": -1}

Numbers = npt.NDArray[np.float64]


def tone_class(tone: pd.Series) -> pd.Series:
    """-1, 0 or 1 by the edge; an unknown tone is neutral.

    Examples
    --------
    >>> tone_class(pd.Series([0.15, -0.14, -0.2])).tolist()
    [1, 0, -1]
    """
    return (tone >= TONE_EDGE).astype(int) - (tone <= -TONE_EDGE).astype(int)


def labels_of(table: pd.DataFrame) -> pd.DataFrame:
    """Labels as values: markers as booleans (unlabelled: missing), tone as -1, 0, 1.

    Parameters
    ----------
    table : DataFrame
        ``text`` and any of the markers, ``tone``, ``category``; words such as yes, true, да, 1 are
        read; tone may be a word (negative, neutral, positive) or a number.

    Raises
    ------
    InputError
        If there is no text, no label column, or a label cannot be read.
    """
    known = [name for name in (*MARKERS, "tone", "category") if name in table]
    if "text" not in table or not known:
        there = ", ".join(map(str, table.columns))
        raise InputError(
            f"Labels need the column text and one of tone, category, {', '.join(MARKERS)}; there "
            f"are: {there}."
        )
    read: dict[str, Callable[[pd.Series], pd.Series]] = {"tone": _tones, "category": _words}
    found = {name: read.get(name, _flags)(table[name]) for name in known}
    return pd.DataFrame(found, index=table.index)


def _flags(column: pd.Series) -> pd.Series:
    said = column.astype("str").str.strip().str.lower()
    flags = pd.Series(pd.NA, index=column.index, dtype="boolean")
    flags[said.isin(_TRUE)] = True
    flags[said.isin(_FALSE)] = False
    _refuse(column, flags.isna() & _filled(column), expected="true or false")
    return flags


def _tones(column: pd.Series) -> pd.Series:
    said = column.astype("str").str.strip().str.lower()
    numbers = pd.to_numeric(said, errors="coerce")
    tones = said.map(_TONES).astype("float64").where(numbers.isna(), tone_class(numbers))
    _refuse(column, tones.isna() & _filled(column), expected="negative, neutral, positive or -1…1")
    return tones


def _words(column: pd.Series) -> pd.Series:
    return column.astype("object").where(_filled(column), None)


def _filled(column: pd.Series) -> pd.Series:
    return column.notna() & (column.astype("str").str.strip() != "")


def _refuse(column: pd.Series, wrong: pd.Series, *, expected: str) -> None:
    if wrong.any():
        raise InputError(
            f"The column {column.name} cannot be read in {counted(int(wrong.sum()), 'row')}, first "
            f"'{column[wrong].iloc[0]}'; expected {expected}, or nothing where not labelled."
        )


def judge(scores: pd.DataFrame, labels: pd.DataFrame, *, seed: int = 0) -> dict[str, Any]:
    """Precision, recall and F1 of every labelled marker, and how well tone and category agree.

    Parameters
    ----------
    scores : DataFrame
        As ``score_messages`` returns them; row by row as in ``labels``.
    labels : DataFrame
        As ``labels_of`` reads them.

    Returns
    -------
    dict
        ``{marker: {precision, recall, f1, n}}`` with n labelled true; a marker that the scorer
        left unknown counts as not found. ``markers_macro_f1``: mean F1 of the markers, ``value``
        with ``low`` and ``high``, the 95% interval over resampled messages. ``tone``:
        ``macro_f1`` with ``interval``, ``spearman``, ``n``; ``category``: ``accuracy``,
        ``coverage``, ``n``.
    """
    found: dict[str, Any] = {
        name: _marker(scores[name], labels[name]) for name in MARKERS if name in labels
    }
    if found:
        found["markers_macro_f1"] = _markers(scores[list(found)], labels[list(found)], seed=seed)
    if "tone" in labels:
        found["tone"] = _tone(scores["tone"], labels["tone"], seed=seed)
    if "category" in labels:
        found["category"] = _category(scores["category"], labels["category"])
    return found


def _marker(found: pd.Series, labels: pd.Series) -> dict[str, float | int | None]:
    known = labels.notna().to_numpy()
    true = labels[known].to_numpy(dtype=bool)
    said = found[known].to_numpy(dtype=bool, na_value=False)
    hits = int((true & said).sum())
    return {
        "precision": hits / int(said.sum()) if said.any() else None,
        "recall": hits / int(true.sum()) if true.any() else None,
        "f1": 2 * hits / int(said.sum() + true.sum()) if said.any() or true.any() else None,
        "n": int(true.sum()),
        "found": int(said.sum()),
    }


def _markers(scores: pd.DataFrame, labels: pd.DataFrame, *, seed: int) -> dict[str, float | None]:
    known = labels.notna().to_numpy()
    true = labels.astype("boolean").to_numpy(dtype=bool, na_value=False)
    said = scores.astype("boolean").to_numpy(dtype=bool, na_value=False) & known
    hits, sizes = (true & said).astype(float), true.astype(float) + said
    if not sizes.any():
        return {"value": None, "low": None, "high": None}
    rng = np.random.default_rng(seed)
    times = (np.bincount(rows, minlength=len(true)) for rows in _draws(rng, len(true)))
    resampled = [_mean_f1(drawn @ hits, drawn @ sizes) for drawn in times]
    low, high = np.nanquantile(resampled, [0.025, 0.975]).tolist()
    return {"value": _mean_f1(hits.sum(axis=0), sizes.sum(axis=0)), "low": low, "high": high}


def _mean_f1(hits: Numbers, sizes: Numbers) -> float:
    """Mean over the markers that are there or said; NaN without any."""
    there = sizes > 0
    return float((2 * hits[there] / sizes[there]).mean()) if there.any() else float("nan")


def _draws(rng: np.random.Generator, n: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of every resample of n messages."""
    return (rng.integers(0, n, n) for _ in range(_RESAMPLES if n else 0))


def _tone(tone: pd.Series, labels: pd.Series, *, seed: int) -> dict[str, Any]:
    known = labels.notna().to_numpy()
    true, said = labels[known].to_numpy(dtype=int), tone_class(tone[known]).to_numpy()
    # Only the classes that are labelled: of two classes an answer "neutral" is an error.
    classes = np.unique(true)
    rng = np.random.default_rng(seed)
    drawn = _draws(rng, len(true))
    resampled = [macro_f1(true[rows], said[rows], classes) for rows in drawn]
    ranks = tone[known].rank().where(tone[known].notna())
    both = ranks.notna().to_numpy()
    varied = all(len(np.unique(part[both])) > 1 for part in (true, ranks.to_numpy()))
    return {
        "macro_f1": macro_f1(true, said, classes) if len(true) else None,
        "interval": np.quantile(resampled, [0.025, 0.975]).tolist() if resampled else None,
        "spearman": _spearman(tone[known].to_numpy()[both], true[both]) if varied else None,
        "n": len(true),
    }


def macro_f1(
    true: npt.NDArray[np.int_], said: npt.NDArray[np.int_], classes: npt.NDArray[np.int_]
) -> float:
    """Mean F1 over the classes; one that is neither there nor said counts 0."""
    scores = []
    for one in classes:
        hits = ((true == one) & (said == one)).sum()
        total = (true == one).sum() + (said == one).sum()
        scores.append(2 * hits / total if total else 0.0)
    return float(np.mean(scores))


def _spearman(left: Numbers, right: npt.NDArray[np.int_]) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(left, right).statistic)


def _category(said: pd.Series, labels: pd.Series) -> dict[str, float | int | None]:
    known = labels.notna().to_numpy()
    answered = said[known].notna().to_numpy()
    right = (said[known].to_numpy(dtype=object) == labels[known].to_numpy(dtype=object))[answered]
    return {
        "accuracy": float(right.mean()) if answered.any() else None,
        "coverage": float(answered.mean()) if known.any() else None,
        "n": int(known.sum()),
    }
