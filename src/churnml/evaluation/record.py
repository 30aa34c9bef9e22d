"""What a bundle keeps of its proof, so that a report tells the training's own figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from churnml import arguments
from churnml.alerting.policy import Policy
from churnml.alerting.surroundings import surroundings
from churnml.config import Money as Terms
from churnml.config import Study
from churnml.errors import InputError
from churnml.evaluation.calibration import reliability
from churnml.evaluation.exits import exit_outcomes
from churnml.evaluation.forward import MODEL
from churnml.evaluation.money import MoneyFigures
from churnml.evaluation.proof import Proof
from churnml.evaluation.result import Evaluation
from churnml.evaluation.tier_outcomes import tier_outcomes
from churnml.labels import CHURNED, UNKNOWN, spells
from churnml.sources.dataset import Dataset

#: Beside the bundle's parts, as the model card is.
FILE = "proof.json"
FORMAT = 1
HEALTH = "health"
_EXACT: dict[str, Any] = {
    "orient": "records", "date_format": "iso", "date_unit": "us", "double_precision": 15,
}  # fmt: skip
_MONEY_REST = ("currency", "intervals", "by_q", "profit_curve", "assumptions", "notes")


@dataclass(frozen=True)
class ProofRecord:
    """The proof of a bundle as it was when it was trained.

    Parameters
    ----------
    document : mapping
        What ``churnml train`` printed of the proof and the verdict.
    tiers : tuple of mapping
        Records of ``tier_outcomes``.
    exits : DataFrame
        As ``exit_outcomes`` returns it; empty without dated exits.
    reliability : DataFrame
        Bins of the calibration figure; empty where one class is missing.
    """

    document: Mapping[str, Any]
    tiers: tuple[Mapping[str, Any], ...]
    exits: pd.DataFrame
    reliability: pd.DataFrame

    @property
    def judged(self) -> dict[str, Evaluation]:
        """Figures of the model and, as far as they are kept, of what stands beside it."""
        return _judged(self.document)

    @property
    def money(self) -> dict[str, MoneyFigures]:
        """The same scores in money."""
        own = self.document.get("money")
        if not own:
            return {}
        parts = {name: part["money"] for name, part in self.document["baselines"].items()}
        return {name: _money(part, own) for name, part in {MODEL: own, **parts}.items()}


def read_judged(path: Path) -> dict[str, Evaluation]:
    """The model and what stands beside it, from a kept document of ``churnml train --json``.

    Parameters
    ----------
    path : Path
        The whole document, or the part that experiments keep in ``results/``.

    Raises
    ------
    InputError
        If the file is no such document.

    Examples
    --------
    >>> text = '{"metrics": {"roc_auc": 0.7}, "baselines": {}}'
    >>> _ = Path("training.json").write_text(text)
    >>> ch.read_judged(Path("training.json"))["model"].metrics
    {'roc_auc': 0.7}
    """
    try:
        place = arguments.located(path, what="path")
        return _judged(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no result of a training ({type(error).__name__}: {error}). Give what "
            "`churnml train --json` printed."
        ) from None


def _judged(document: Mapping[str, Any]) -> dict[str, Evaluation]:
    names = [field.name for field in fields(Evaluation)]
    model: dict[str, Any] = {name: document.get(name) for name in names}
    found = {MODEL: Evaluation(**model | {"metrics": document["metrics"]})}
    for name, part in document["baselines"].items():
        beside: dict[str, Any] = {key: part.get(key) for key in names} | {"metrics": part}
        found[name] = Evaluation(**beside)
    return found


def record(
    proof: Proof, document: Mapping[str, Any], dataset: Dataset, *, study: Study, delay_days: int
) -> ProofRecord:
    """What is worth keeping of a finished proof.

    Parameters
    ----------
    proof : Proof
    document : mapping
        The document of the training.
    dataset : Dataset
    study : Study
    delay_days : int
        The label delay.
    """
    scores = proof.scores[MODEL].rename("probability").reset_index()
    if HEALTH in proof.scores:
        scores[HEALTH] = 100.0 - proof.scores[HEALTH].to_numpy()
    ends, policy = spells(dataset), Policy.of(study.alerts, seed=study.seed)
    exits = pd.DataFrame()
    if len(ends) and proof.model.n_exits:
        around = surroundings(dataset, scores, policy=policy) if policy.has_gates else None
        exits = exit_outcomes(
            scores, ends, policy, observed_until=dataset.observed_until, delay_days=delay_days,
            surroundings=around,
        )  # fmt: skip
    known = proof.labels != UNKNOWN
    positive = proof.labels[known] == CHURNED
    both = 0 < positive.sum() < len(positive)
    bins = reliability(proof.scores.loc[known, MODEL], positive) if both else pd.DataFrame()
    tiers = tier_outcomes(proof.scores[MODEL], proof.labels, study.tiers, seed=study.seed)
    return ProofRecord(document, tiers, exits, bins)


def write_record(folder: Path, kept: ProofRecord) -> Path:
    """Write the record into the bundle's folder, whole or not at all; return its path."""
    body = json.dumps(
        {
            "document": kept.document,
            "tiers": kept.tiers,
            "exits": json.loads(kept.exits.to_json(**_EXACT)),
            "reliability": json.loads(kept.reliability.to_json(**_EXACT)),
        },
        ensure_ascii=False, allow_nan=False, default=str,
    )  # fmt: skip
    head = json.dumps({"format": FORMAT, "sha256": _digest(body)})
    path = folder / FILE
    aside = path.with_name(f".{FILE}.tmp")
    aside.write_text(f"{head}\n{body}\n", encoding="utf-8")
    aside.replace(path)
    return path


def read_record(folder: Path | str) -> ProofRecord | None:
    """The record of a bundle; None where an older training left none.

    Parameters
    ----------
    folder : Path or str
        Of the bundle.

    Raises
    ------
    InputError
        If the file is truncated, altered or of another format.

    Examples
    --------
    >>> _ = bundle.save(Path("model"))
    >>> ch.read_record(Path("model")) is None
    True
    """
    path = arguments.located(folder, what="folder") / FILE
    if not path.is_file():
        return None
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        header, body = json.loads(head), body.removesuffix("\n")
        whole = header["format"] == FORMAT and header["sha256"] == _digest(body)
        content = json.loads(body) if whole else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(_damaged(path, f"{type(error).__name__}: {error}")) from None
    if not whole:
        raise InputError(_damaged(path, "its checksum or format does not fit"))
    exits = pd.DataFrame(content["exits"])
    for name in ("exit_at", "alerted_at", "seen_at"):
        if name in exits:
            exits[name] = pd.to_datetime(exits[name]).dt.tz_localize(None).astype("datetime64[us]")
    return ProofRecord(
        content["document"], tuple(content["tiers"]), exits, pd.DataFrame(content["reliability"])
    )


def _damaged(path: Path, why: str) -> str:
    return f"{path} is damaged ({why}). Restore the bundle from MLflow, or train again."


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _money(part: Mapping[str, Any], own: Mapping[str, Any]) -> MoneyFigures:
    """Money figures from their JSON; what only the model has is left out of the others."""
    curve = part.get("profit_curve") or {}
    return MoneyFigures(
        currency=own["currency"],
        terms=Terms.model_validate(own["assumptions"]),
        figures={
            name: value
            for name, value in part.items()
            if name not in _MONEY_REST and not isinstance(value, dict)
        },
        intervals=part.get("intervals") or {},
        by_q=part.get("by_q"),
        profit_curve={
            share: (at["profit"], tuple(at["interval"]) if at["interval"] else None)
            for share, at in curve.items()
        },
        notes=(),
    )
