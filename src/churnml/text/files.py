"""Files of messages and of labels: every cell as the text that stands there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from churnml.errors import InputError


def read_rows(path: Path) -> pd.DataFrame:
    """The rows of a Parquet, CSV or JSON lines file.

    CSV cells are text, empty ones missing; nothing is guessed, so ids keep their zeros.

    Raises
    ------
    InputError
        If the file is absent, of another format, damaged, or not UTF-8.
    """
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".csv": _read_csv,
        ".jsonl": _read_jsonl,
    }
    if path.suffix not in readers:
        raise InputError(f"{path} has the suffix '{path.suffix}'; expected {', '.join(readers)}.")
    try:
        return readers[path.suffix](path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8."
        ) from None
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None


def _read_csv(path: Path) -> pd.DataFrame:
    # "NA" and "null" are words that customers write; only an empty cell is missing.
    frame = pd.read_csv(
        path, dtype="object", keep_default_na=False, na_values=[""], encoding="utf-8-sig"
    )
    return frame.where(frame.notna(), None)


def _read_jsonl(path: Path) -> pd.DataFrame:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return pd.DataFrame([json.loads(line) for line in lines if line.strip()])
