"""Feature values kept by what they are made of, so that only what is new is computed.

A value depends on the data as known at its as_of, on who is at risk then, on its declaration and
on the code. So a new week adds its own rows, a changed feature its own column, and a correction
what it touches; all else is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import churnml
from churnml.features.algebra import reads, tables_of
from churnml.features.asked import Asked, ask
from churnml.features.declaration import Feature, feature_digest
from churnml.features.engine import compute_features
from churnml.features.known import known_digests
from churnml.features.row_sources import SCORED_MESSAGES
from churnml.sources.dataset import Dataset
from churnml.text.hearing import MESSAGE_SCORES, heard

#: Parts of the package that decide what a feature table holds.
MADE_BY = ("features", "text", "sources", "snapshots.py", "contract.py", "windows.py")
#: Files of as_ofs that were not asked for are dropped beyond so many times those that were.
KEPT = 4


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
    stored = {time: _stored(folder, time, keys[time]) for time in weeks}
    for absent, times in _absent(stored, features).items():
        chosen = [feature for feature in features if feature.name in absent]
        now = pd.Series(snapshots["as_of"].isin(list(times)))
        made = compute_features(dataset, snapshots[now], features=chosen, kept=kept[now.to_numpy()])
        at = made.index.get_level_values("as_of")
        for time in times:
            stored[time] = pd.concat(
                [stored[time], made[at == time].reset_index(drop=True)], axis=1
            )
            # The cache is a comfort: a full disk must not cost the run, whose table is in hand.
            with contextlib.suppress(OSError):
                _keep(stored[time], folder, time, keys[time])
    with contextlib.suppress(OSError):
        _drop_old(folder, used=[_path(folder, time, keys[time]) for time in weeks])
    return _table(asked, weeks, stored, features)


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
    found: dict[pd.Timestamp, dict[str, str]] = {}
    for time, rows in weeks.items():
        state = known.loc[time].to_dict()
        people = _digest(shared, str(time), _people(asked, rows))
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


def _people(asked: Asked, rows: np.ndarray) -> str:
    """Digest of who is there, who is wanted, and when their tenure began."""
    frame = pd.DataFrame({"id": asked.customers[asked.c[rows]], "kept": asked.kept[rows]})
    if asked.spell is not None:
        frame["spell"] = asked.spell[rows]
    return hashlib.sha256(
        pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()
    ).hexdigest()


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]


def _path(folder: Path, time: pd.Timestamp, keys: dict[str, str]) -> Path:
    return folder / f"features_{time:%Y%m%dT%H%M%S}_{keys['']}.parquet"


def _stored(folder: Path, time: pd.Timestamp, keys: dict[str, str]) -> pd.DataFrame:
    """Columns of one as_of that are still true, by feature."""
    path = _path(folder, time, keys)
    try:
        schema = pq.read_schema(path)
        wanted = {f"{name}|{key}": name for name, key in keys.items()}
        there = [column for column in schema.names if column in wanted]
        os.utime(path)
        return pd.read_parquet(path, columns=there).rename(columns=wanted)
    except (OSError, pa.ArrowInvalid):
        return pd.DataFrame()


def _absent(
    stored: dict[pd.Timestamp, pd.DataFrame], features: Sequence[Feature]
) -> dict[frozenset[str], list[pd.Timestamp]]:
    """As_ofs by the features that they lack."""
    found: dict[frozenset[str], list[pd.Timestamp]] = {}
    for time, columns in stored.items():
        lacking = frozenset(feature.name for feature in features) - frozenset(columns)
        if lacking:
            found.setdefault(lacking, []).append(time)
    return found


def _keep(columns: pd.DataFrame, folder: Path, time: pd.Timestamp, keys: dict[str, str]) -> None:
    """Write the columns of one as_of beside those of other studies, aside and then in place."""
    path = _path(folder, time, keys)
    path.parent.mkdir(parents=True, exist_ok=True)
    named = columns.rename(columns={name: f"{name}|{keys[name]}" for name in columns})
    with contextlib.suppress(OSError, pa.ArrowInvalid):
        others = pd.read_parquet(path)
        strange = [column for column in others if column.split("|")[0] not in columns]
        named = pd.concat([named, others[strange]], axis=1)
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        named.to_parquet(aside, index=False)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _table(
    asked: Asked,
    weeks: dict[pd.Timestamp, np.ndarray],
    stored: dict[pd.Timestamp, pd.DataFrame],
    features: Sequence[Feature],
) -> pd.DataFrame:
    """All as_ofs in one table in the order of the snapshots."""
    names = [feature.name for feature in features]
    rows = np.concatenate([rows[asked.kept[rows]] for rows in weeks.values()])
    together = pd.concat([stored[time][names] for time in weeks], ignore_index=True)
    order = np.argsort(rows)
    return together.take(order).set_axis(asked.index(rows[order]))


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


def _drop_old(folder: Path, *, used: Sequence[Path]) -> None:
    tables = sorted(folder.glob("features_*.parquet"), key=lambda path: path.stat().st_mtime)
    unused = [path for path in tables if path not in set(used)]
    for path in unused[: max(0, len(tables) - KEPT * len(used))]:
        path.unlink(missing_ok=True)
