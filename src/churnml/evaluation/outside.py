"""Any score file under the same yardstick: so that models from elsewhere can be compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from churnml.alerting.policy import Policy
from churnml.alerting.surroundings import surroundings
from churnml.config import Study
from churnml.errors import InputError
from churnml.evaluation.cuts import cuts
from churnml.evaluation.money import MoneyFigures, Purse
from churnml.evaluation.result import Evaluation
from churnml.evaluation.yardstick import evaluate, evaluate_random
from churnml.labels import UNKNOWN, label, spells
from churnml.sources.dataset import Dataset
from churnml.spoken import counted
from churnml.windows import LabelWindow


@dataclass(frozen=True)
class Judged:
    """Figures of a score file, and of chance on the same rows."""

    score: Evaluation
    random: Evaluation
    money: MoneyFigures
    money_of_random: MoneyFigures
    policy: Policy

    def as_json(self) -> dict[str, Any]:
        """The JSON document of ``churnml evaluate``."""
        random = self.random.as_json()
        kept = ("lead_recall", "intervals", "lead_recall_intervals")
        beside = {**random["metrics"], **{name: random[name] for name in kept}}
        beside["money"] = self.money_of_random.brief()
        return {
            **self.score.as_json(),
            "baselines": {"random": beside},
            "money": self.money.as_json(),
            "policy": asdict(self.policy),
        }


def judge_file(
    path: Path, dataset: Dataset, *, study: Study, policy: Policy | None = None
) -> Judged:
    """Figures of a score file on the data that shows what happened.

    Parameters
    ----------
    path : Path
        Parquet, CSV or JSON lines: customer_id, as_of, and probability or score.
    dataset : Dataset
    study : Study
        Label window, load and seed.
    policy : Policy, optional
        The alert policy that is replayed; default: the study's.

    Raises
    ------
    InputError
        If the file cannot be read, lacks columns, repeats rows or has no row with a closed label.
    """
    scores = read_scores(path)
    window = LabelWindow(
        study.label.lead_days, study.label.horizon_days, dataset.description.churn.delay_days
    )
    closed = window.closed(scores["as_of"], observed_until=dataset.observed_until)
    if not closed.any():
        raise InputError(
            f"No label of {path} is closed: its last as_of is {scores['as_of'].max():%Y-%m-%d}, a "
            f"label needs {window.closing_days} days and the data ends at "
            f"{dataset.observed_until:%Y-%m-%d}. Judge older scores, or bring later data."
        )
    tested = scores[closed].reset_index(drop=True)
    labels = label(dataset, tested, window=window)
    policy = policy or Policy.of(study.alerts, seed=study.seed)
    arguments: dict[str, Any] = {
        "window": window,
        "policy": policy,
        "observed_until": dataset.observed_until,
        "surroundings": surroundings(dataset, tested, policy=policy) if policy.has_gates else None,
        "seed": study.seed,
    }
    _refuse_strangers(labels, path)
    exits = spells(dataset)
    purse = Purse.of(
        dataset, tested, labels, spells=exits, window=window, study=study, policy=policy,
        surroundings=arguments["surroundings"],
    )  # fmt: skip
    return Judged(
        evaluate(tested, labels, exits, cuts=cuts(dataset, tested, exits), **arguments),
        evaluate_random(tested, labels, exits, **arguments),
        purse.weigh(tested),
        purse.weigh_random(tested),
        policy,
    )


def _refuse_strangers(labels: pd.Series, path: Path) -> None:
    if (labels == UNKNOWN).all():
        raise InputError(
            f"No row of {path} has a known label: none of its customers is at risk in this data "
            "at its as_ofs. Check that customer_id is written as in the data (leading zeros)."
        )


def read_scores(path: Path, *, beside: tuple[str, ...] = ()) -> pd.DataFrame:
    """A score file as a frame with naive UTC as_ofs; further columns are kept where named.

    Raises
    ------
    InputError
        If the file cannot be read, lacks columns or ids, repeats rows, or holds no numbers.
    """
    readers = {
        ".parquet": pd.read_parquet,
        ".csv": _read_csv,
        ".jsonl": lambda file: pd.read_json(file, lines=True, dtype={"customer_id": "str"}),
    }
    if path.suffix not in readers:
        raise InputError(f"{path} has the suffix '{path.suffix}'; expected {', '.join(readers)}.")
    if not path.exists():
        raise InputError(
            f"{path} does not exist. `churnml score DATA --as-of T --out {path}` makes one."
        )
    try:
        frame = readers[path.suffix](path)
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} cannot be read as a score file: {error}.") from None
    _check_columns(frame, path)
    wanted = ("customer_id", "as_of", "score", "probability", *beside)
    kept = [name for name in wanted if name in frame]
    frame = frame[kept].assign(
        customer_id=frame["customer_id"].astype("str"), as_of=_as_ofs(frame["as_of"], path)
    )
    twice = frame.duplicated(["customer_id", "as_of"])
    if twice.any():
        raise InputError(
            f"{path} repeats a customer_id and as_of in {counted(int(twice.sum()), 'row')}; "
            "expected one score for each."
        )
    for name in {"score", "probability"} & set(kept):
        _check_values(frame[name], name, path)
    return frame


def _as_ofs(as_of: pd.Series, path: Path) -> pd.Series:
    """Naive UTC; text must be ISO 8601, for of 01/02/2026 nobody knows the month."""
    is_text = pd.api.types.is_string_dtype(as_of)
    try:
        times = pd.to_datetime(as_of, utc=True, format="ISO8601" if is_text else None)
    except ValueError:
        first = as_of[as_of.notna()].iloc[0]
        raise InputError(
            f"{path}: the column as_of holds what is no time in ISO 8601; expected 2026-01-05 or "
            f"2026-01-05T00:00:00Z, the first is {first!r}."
        ) from None
    return times.dt.tz_localize(None).astype("datetime64[us]")


def _check_values(values: pd.Series, name: str, path: Path) -> None:
    """A score is a finite number or missing; a probability lies within [0, 1]."""
    if not values.notna().any():
        raise InputError(f"{path}: the column {name} is empty in every row; expected numbers.")
    if not pd.api.types.is_numeric_dtype(values.dtype):
        raise InputError(f"{path}: {name} is of type {values.dtype}; expected numbers.")
    if np.isinf(values).any():
        raise InputError(
            f"{path}: {name} is infinite in {counted(int(np.isinf(values).sum()), 'row')}; "
            "expected numbers, or nothing where there is no score."
        )
    if name == "probability" and not values.dropna().between(0, 1).all():
        raise InputError(
            f"{path}: probability reaches from {values.min():g} to {values.max():g}; expected "
            "values within [0, 1]. Give uncalibrated numbers as the column score alone."
        )


def _read_csv(path: Path) -> pd.DataFrame:
    """A CSV file; the quote that keeps an id from running as a formula is taken off."""
    frame = pd.read_csv(path, dtype={"customer_id": "str"})
    if "customer_id" in frame:
        frame["customer_id"] = frame["customer_id"].str.replace(r"^'(?=[=+\-@])", "", regex=True)
    return frame


def _check_columns(frame: pd.DataFrame, path: Path) -> None:
    absent = [name for name in ("customer_id", "as_of") if name not in frame]
    if not {"score", "probability"} & set(frame.columns):
        absent.append("probability or score")
    if absent:
        raise InputError(
            f"{path} lacks {', '.join(absent)}; it has {', '.join(map(str, frame.columns))}."
        )
    if frame.empty:
        raise InputError(f"{path} holds no rows.")
    for name in ("customer_id", "as_of"):
        if frame[name].isna().any():
            missing = int(frame[name].isna().sum())
            raise InputError(
                f"{path}: {name} is missing in {counted(missing, 'row')}; each needs one."
            )
