"""Feature values kept by what they are made of, so that only what is new is computed.

A value depends on the data as known at its as_of, on who is at risk then, on its declaration and
on the code. So a new week adds its own rows, a changed feature its own column, and a correction
what it touches; all else is read.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

import churnml
from churnml.features.algebra import reads, tables_of
from churnml.features.asked import Asked, ask
from churnml.features.declaration import Feature, feature_digest
from churnml.features.engine import compute_features
from churnml.features.kept_files import Columns, KeptFiles
from churnml.features.known import known_digests
from churnml.features.plan import in_words
from churnml.features.row_sources import SCORED_MESSAGES
from churnml.sources.dataset import Dataset
from churnml.text.hearing import MESSAGE_SCORES, heard

#: Parts of the package that decide what a feature table holds.
MADE_BY = ("features", "text", "sources", "snapshots.py", "contract.py", "windows.py")


def cached_features(
    dataset: Dataset,
    snapshots: pd.DataFrame,
    *,
    features: Sequence[Feature],
    kept: pd.Series,
    folder: Path,
    fitted: str = "",
) -> pd.DataFrame:
    """The features of the snapshots kept, computed as far as they are not in the cache.

    A half-written or damaged file is computed again. ``fitted`` is the digest of a model that says
    something of the messages.
    """
    if any(reads(feature.value, SCORED_MESSAGES) for feature in features):
        dataset = heard(dataset)
    asked = ask(snapshots, kept)
    weeks = _weeks(asked)
    keys = _keys(dataset, asked, weeks, features, fitted=fitted)
    files = KeptFiles(folder)
    places = {time: rows[asked.kept[rows]] for time, rows in weeks.items()}
    stored = {time: files.read(time, keys[time], rows=len(places[time])) for time in weeks}
    for absent, times in _absent(stored, features).items():
        chosen = [feature for feature in features if feature.name in absent]
        now = pd.Series(snapshots["as_of"].isin(list(times)))
        made = compute_features(dataset, snapshots[now], features=chosen, kept=kept[now.to_numpy()])
        for time, columns in _by_time(made).items():
            stored[time] |= columns
            # The cache is a comfort: a full disk must not cost the run, whose table is in hand.
            with contextlib.suppress(OSError):
                files.write(time, keys[time], columns)
    with contextlib.suppress(OSError):
        files.drop_old()
    return _table(asked, places, stored, features)


def _weeks(asked: Asked) -> dict[pd.Timestamp, np.ndarray]:
    """Places of the snapshots of each as_of that has a wanted one, all of them."""
    codes, times = pd.factorize(asked.times, sort=True)
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    found = zip(pd.DatetimeIndex(times), parts, strict=True)
    return {time: rows for time, rows in found if asked.kept[rows].any()}


def _keys(
    dataset: Dataset,
    asked: Asked,
    weeks: dict[pd.Timestamp, np.ndarray],
    features: Sequence[Feature],
    *,
    fitted: str,
) -> dict[pd.Timestamp, dict[str, str]]:
    """For each as_of the key of each feature; under the empty name that of the snapshots."""
    known = known_digests(dataset, list(weeks))
    shared = "|".join(
        [code_digest(*MADE_BY), dataset.description.model_dump_json(), *sorted(dataset.tables)]
    )
    about = [(feature, feature_digest([feature]), _read_by(feature, known)) for feature in features]
    names = pd.util.hash_array(asked.customers.to_numpy(dtype=object), categorize=False)
    found: dict[pd.Timestamp, dict[str, str]] = {}
    for time, rows in weeks.items():
        state = known.loc[time].to_dict()
        people = _digest(shared, str(time), _people(asked, rows, names))
        found[time] = {"": people}
        for feature, declared, tables in about:
            made_of = [state[table] for table in tables]
            if MESSAGE_SCORES in tables:
                made_of.append(fitted)
            found[time][feature.name] = _digest(people, declared, *made_of)
    return found


def _read_by(feature: Feature, known: pd.DataFrame) -> list[str]:
    """Tables that a feature depends on, coverage and sign-ups always."""
    tables = {*tables_of(feature.value), "customers", "coverage"}
    if reads(feature.value, SCORED_MESSAGES):
        tables.add(MESSAGE_SCORES)
    return [table for table in known if table in tables]


def _people(asked: Asked, rows: np.ndarray, names: np.ndarray) -> str:
    """Digest of who is there, who is wanted, and when their tenure began."""
    digest = hashlib.sha256(names[asked.c[rows]].tobytes())
    digest.update(asked.kept[rows].tobytes())
    if asked.spell is not None:
        digest.update(asked.spell[rows].tobytes())
    return digest.hexdigest()


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]


def _absent(
    stored: dict[pd.Timestamp, Columns], features: Sequence[Feature]
) -> dict[frozenset[str], list[pd.Timestamp]]:
    """As_ofs by the features that they lack."""
    found: dict[frozenset[str], list[pd.Timestamp]] = {}
    for time, columns in stored.items():
        lacking = frozenset(feature.name for feature in features) - frozenset(columns)
        if lacking:
            found.setdefault(lacking, []).append(time)
    return found


def _by_time(made: pd.DataFrame) -> dict[pd.Timestamp, Columns]:
    """The columns of each as_of, in the order of the customers."""
    codes, times = pd.factorize(made.index.get_level_values("as_of"), sort=True)
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    columns = {name: _column(made[name]).take(pa.array(order)) for name in made}
    return {
        time: {name: column.slice(start, count) for name, column in columns.items()}
        for time, start, count in zip(times, starts.tolist(), counts.tolist(), strict=True)
    }


def _column(values: pd.Series) -> pa.Array:
    """Numbers as they are, NaN included; words with null where unknown."""
    if values.dtype == np.float64:
        return pa.array(values.to_numpy(), from_pandas=False)
    return pa.array(values, pa.string(), from_pandas=True)


def _table(
    asked: Asked,
    places: dict[pd.Timestamp, np.ndarray],
    stored: dict[pd.Timestamp, Columns],
    features: Sequence[Feature],
) -> pd.DataFrame:
    """All as_ofs in one table in the order of the snapshots."""
    rows = np.concatenate(list(places.values()))
    order = np.argsort(rows)
    position = np.empty(len(rows), np.int64)
    position[order] = np.arange(len(rows))
    ends = np.cumsum([len(here) for here in places.values()])
    into = dict(zip(places, np.split(position, ends[:-1]), strict=True))
    numbers = [feature.name for feature in features if not in_words(feature.value)]
    matrix = np.empty((len(numbers), len(rows)))
    for line, name in zip(matrix, numbers, strict=True):
        for time, to in into.items():
            line[to] = stored[time][name].to_numpy(zero_copy_only=False)
    table = pd.DataFrame(matrix.T, columns=numbers, copy=False)
    for place, feature in enumerate(features):
        if in_words(feature.value):
            words = pa.chunked_array([stored[time][feature.name] for time in places])
            table.insert(place, feature.name, words.take(pa.array(order)).to_pandas())
    return table.set_axis(asked.index(rows[order]))


def code_digest(*parts: str) -> str:
    """Sixteen hexadecimal digits that change with any line of these parts; default: of all.

    Word lists and presets (TOML) count like code.
    """
    digest = hashlib.sha256()
    folder = Path(churnml.__file__).parent
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.suffix in (".py", ".toml") and (not parts or name.parts[0] in parts):
            digest.update(name.as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
