"""Feature tables kept by digest of data, snapshots, features and code, so that a rerun is quick."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

import churnml
from churnml.features.declaration import Feature, feature_digest
from churnml.features.engine import compute_features
from churnml.sources.dataset import Dataset

#: Parts of the package that decide what a feature table holds.
MADE_BY = ("features", "text", "sources", "snapshots.py", "contract.py", "windows.py")
#: Older tables are dropped: one for each of the last few studies is enough.
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
    """The features of the snapshots kept, from the cache where the same was computed before.

    A half-written or damaged file is computed again. ``fitted`` is the digest of a model whose
    answers the dataset holds: the data and the code of features alone do not tell it.
    """
    key = _key(dataset, snapshots.assign(kept=kept), features) + fitted[:8]
    path = folder / f"features_{key}.parquet"
    try:
        return pd.read_parquet(path)
    except (OSError, pa.ArrowInvalid):
        table = compute_features(dataset, snapshots, features=features, kept=kept)
    # The cache is a comfort: a full disk must not cost the run, whose table is in hand.
    with contextlib.suppress(OSError):
        _keep(table, path)
        _drop_old(folder)
    return table


def _keep(table: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        table.to_parquet(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _key(dataset: Dataset, snapshots: pd.DataFrame, features: Sequence[Feature]) -> str:
    rows = pd.util.hash_pandas_object(snapshots, index=False).to_numpy().tobytes()
    parts = [
        dataset.digest,
        feature_digest(features),
        code_digest(*MADE_BY),
        dataset.description.model_dump_json(),
    ]
    return hashlib.sha256("|".join(parts).encode() + rows).hexdigest()[:24]


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


def _drop_old(folder: Path) -> None:
    tables = sorted(folder.glob("features_*.parquet"), key=lambda path: path.stat().st_mtime)
    for path in tables[:-KEPT]:
        path.unlink(missing_ok=True)
