"""What public functions are given: the right kind of thing, or an error that says what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.address import Address, is_address
from churnml.errors import InputError

KEYS = ("customer_id", "as_of")


def located(place: Any, *, what: str) -> Path:
    """The path that a path or a text names.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(place, str | Path):
        return Path(place)
    raise InputError(f"{what} is {_kind(place)}; expected a path, such as Path('company').")


def present(data: Any) -> Path | Address:
    """Where the source lies: a path at which there is something, or an address of PostgreSQL.

    Raises
    ------
    InputError
        If there is nothing at that path, or the address is none or holds a password.
    """
    text = str(data)
    if isinstance(data, str) and is_address(text):
        return Address.written(text)
    if text.startswith(("postgresql:/", "postgres:/")):
        raise InputError("An address of PostgreSQL is a text, not a path: give it as a str.")
    if "://" in text or text.startswith("spark:"):
        raise InputError(
            f"{text.split(':')[0]}:… is no folder of tables. Expected a folder, a DuckDB file or "
            "an address of PostgreSQL, postgresql://user@host/database. For tables of Spark give "
            'the folder of a dataset.toml that says [server] spark = "schema".'
        )
    path = located(data, what="data")
    if path.exists():
        return path
    raise InputError(
        f"{path} does not exist. Expected a folder with one Parquet or CSV file per table, a "
        "DuckDB file, or an address of PostgreSQL, postgresql://user@host/database."
    )


def opened(dataset: Any) -> None:
    """Refuse a path, or anything else, where an opened dataset is wanted.

    Raises
    ------
    InputError
    """
    if isinstance(dataset, str | Path):
        raise InputError(
            f"'{dataset}' is a path; a dataset is wanted. Open it: "
            f"dataset = churnml.open_dataset({str(dataset)!r})."
        )
    if not hasattr(dataset, "observed_until"):
        raise InputError(
            f"dataset is {_kind(dataset)}; expected what churnml.open_dataset(folder) returns."
        )


def chosen(study: Any) -> None:
    """Refuse a path where a study is wanted.

    Raises
    ------
    InputError
    """
    if isinstance(study, str | Path):
        raise InputError(
            f"'{study}' is a path; a study is wanted. Read it: churnml.read_study(Path('{study}'))."
        )


def indexed(frame: Any, *, what: str) -> None:
    """Refuse a table that is not indexed by (customer_id, as_of).

    Raises
    ------
    InputError
        Saying what came, and the line that mends it where the columns are there.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"{what}: expected a DataFrame, got {_kind(frame)}.")
    if set(KEYS) <= set(frame.index.names):
        return
    mend = "Make it with compute_features, or name the levels of its index so."
    if set(KEYS) <= set(frame.columns):
        mend = "The columns are there: frame.set_index(['customer_id', 'as_of'])."
    raise InputError(
        f"{what}: expected a DataFrame indexed by (customer_id, as_of); its index is "
        f"{_listed(frame.index.names)}. {mend}"
    )


def with_columns(frame: Any, wanted: Sequence[str], *, what: str, made_by: str) -> None:
    """Refuse a table without these columns.

    Raises
    ------
    InputError
        Saying what came, who makes such a table, and the line that mends it where there is one.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"{what}: expected a DataFrame as of {made_by}, got {_kind(frame)}.")
    absent = [name for name in wanted if name not in frame]
    if not absent:
        return
    mend = f"Make it with {made_by}, or name the columns so."
    if set(absent) <= set(frame.index.names):
        mend = "They are in the index: frame.reset_index()."
    raise InputError(
        f"{what} need the columns {', '.join(wanted)}; {', '.join(absent)} is missing, there are "
        f"{_listed(frame.columns)}. {mend}"
    )


def snapshots(frame: Any, *more: str) -> None:
    """Refuse what are no snapshots: a customer and a naive UTC time in every row.

    Raises
    ------
    InputError
        Saying what came, and the line that mends it.
    """
    with_columns(frame, (*KEYS, *more), what="Snapshots", made_by="take_snapshots")
    for name in {"as_of", "spell_started_at"} & set(frame.columns):
        kind = frame[name].dtype
        if isinstance(kind, pd.DatetimeTZDtype):
            raise InputError(
                f"Snapshot times are naive UTC here; {name} has the zone {kind.tz}. "
                "Convert with .dt.tz_convert('UTC').dt.tz_localize(None)."
            )
        if not pd.api.types.is_datetime64_any_dtype(kind) and len(frame):
            raise InputError(
                f"Snapshot times are naive UTC here; {name} is of type {kind}, with "
                f"'{frame[name].iloc[0]}' first. Make snapshots with take_snapshots, or convert "
                f"ISO times in UTC: frame['{name}'] = pandas.to_datetime(frame['{name}'])."
            )
    if frame[list(KEYS)].isna().any(axis=None):
        raise InputError("Snapshots hold an empty customer_id or as_of. Remove these rows.")


def window(given: Any, *, delay_days: int) -> None:
    """Refuse what is no label window, or one that closes before an exit can be certain.

    Raises
    ------
    InputError
        Saying which to give.
    """
    right = f"delay_days={delay_days}), the label delay of this dataset."
    if not hasattr(given, "closing_days"):
        raise InputError(
            f"window is {_kind(given)}; expected "
            f"churnml.LabelWindow(lead_days=21, horizon_days=28, {right}"
        )
    if given.delay_days < delay_days:
        raise InputError(
            f"The window closes {given.delay_days} days after its end, but an exit is certain "
            f"after {delay_days} days only: who has just left would count as staying. Give "
            f"churnml.LabelWindow({given.lead_days}, {given.horizon_days}, {right}"
        )


def aligned(values: Any, rows: pd.Index, *, what: str, to: str) -> None:
    """Refuse values whose rows are others than these, or in another order.

    Raises
    ------
    InputError
        Naming both and the line that mends it.
    """
    if not isinstance(values, pd.Series | pd.DataFrame):
        raise InputError(
            f"{what}: expected a Series indexed as {to}, got {_kind(values)}. If the order is the "
            f"same: pandas.Series(values, index=…)."
        )
    if values.index is rows or values.index.equals(rows):
        return
    raise InputError(
        f"{what} and {to} must have the same rows in the same order; there are {len(values):,} and "
        f"{len(rows):,}, and their indexes differ. Bring them together: {what}.loc[{to}.index], or "
        "select from both with the same condition."
    )


def row_by_row(values: Any, frame: pd.DataFrame, *, what: str) -> None:
    """Refuse values whose index says that they stand in another order than a frame's rows.

    An index that has nothing to do with the frame's says nothing: the values go row by row.

    Raises
    ------
    InputError
    """
    if not isinstance(values, pd.Series):
        raise InputError(
            f"{what}: expected a Series, row by row as the scores, got {_kind(values)}. "
            "Make it one: pandas.Series(values)."
        )
    if len(values) != len(frame):
        return  # another check says how many there are
    keyed = tuple(values.index.names) == KEYS
    rows = pd.MultiIndex.from_frame(frame[list(KEYS)]) if keyed else frame.index
    if values.index.equals(rows) or not (keyed or _same_rows(values.index, rows)):
        return
    raise InputError(
        f"{what} stand in another order than the scores, or are of other rows: their indexes "
        "differ. Give them row by row as in the scores, e.g. labels.loc[scores.index]."
    )


def _same_rows(one: pd.Index, other: pd.Index) -> bool:
    return len(one) == len(other) and bool(one.isin(other).all() and one.is_unique)


def bundle(given: Any) -> None:
    """Refuse an ensemble or a path where a bundle is wanted.

    Raises
    ------
    InputError
    """
    if not hasattr(given, "feature_digest"):
        raise InputError(
            f"bundle is {_kind(given)}; expected a churnml.Bundle. Of a folder: "
            "churnml.Bundle.load(folder); of a fitted model: churnml.Bundle.of(model, examples, "
            "dataset=dataset, study=study)."
        )


def policy(given: Any) -> None:
    """Refuse a load or a study's [alerts] where a policy is wanted.

    Raises
    ------
    InputError
    """
    if not hasattr(given, "has_gates"):
        raise InputError(
            f"policy is {_kind(given)}; expected churnml.Policy(q=0.02), or that of a study: "
            "churnml.Policy.of(study.alerts, seed=study.seed)."
        )


def by_name(given: Any, *, what: str, such_as: str) -> None:
    """Refuse anything but a mapping of names to what a figure draws.

    Raises
    ------
    InputError
    """
    if not isinstance(given, Mapping):
        raise InputError(
            f"{what}: expected a mapping of names, with a 'model' among them; got {_kind(given)}. "
            f"Of a proof that is {such_as}."
        )


def moments(as_ofs: Any, *, what: str = "as_ofs") -> None:
    """Refuse anything but naive UTC Timestamps; a text is a time in a zone that it does not say.

    Raises
    ------
    InputError
        Saying how to make them.
    """
    if isinstance(as_ofs, str) or not isinstance(as_ofs, Iterable):
        raise InputError(
            f"{what}: expected a list of Timestamps, got {_kind(as_ofs)}. Give several: "
            "list(churnml.weekly(first, until)), or one in brackets."
        )
    for each in as_ofs:
        moment(each, what=f"an as_of in {what}")


def moment(value: Any, *, what: str) -> None:
    """Refuse anything but one naive UTC Timestamp.

    Raises
    ------
    InputError
        Saying how to make one.
    """
    if isinstance(value, pd.Timestamp) and value.tzinfo is None:
        return
    if isinstance(value, pd.Timestamp):
        raise InputError(
            f"{what} is {value}, which carries a zone; expected naive UTC: "
            "moment.tz_convert('UTC').tz_localize(None)."
        )
    raise InputError(
        f"{what} is {_kind(value)}; expected a naive UTC Timestamp. Of a date in the dataset's "
        f"zone: churnml.instant({str(value)!r}, zone=dataset.description.timezone)."
    )


def _kind(value: Any) -> str:
    shown = f" {value!r}" if isinstance(value, str | int | float) else ""
    return f"{type(value).__name__}{shown}"


def _listed(names: Iterable[Any]) -> str:
    found = [str(name) for name in names]
    return ", ".join(found[:6]) + (", …" if len(found) > 6 else "")
