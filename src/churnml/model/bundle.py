"""The model as a folder of data: boosters as UBJ, everything else JSON, a sha256 of each part."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd

import churnml
from churnml import arguments, markup
from churnml.config import Study
from churnml.errors import InputError
from churnml.features import feature_digest
from churnml.features.cache import code_digest
from churnml.model.boosting import Parameters
from churnml.model.calibration import Calibrator
from churnml.model.ensemble import Ensemble, Head
from churnml.model.examples import Examples
from churnml.model.horizons import WeeksAhead
from churnml.model.linear import Linear
from churnml.model.message_risk import MessageRisk
from churnml.model.needs import check_dataset
from churnml.model.preparation import Preparation
from churnml.sources.dataset import Dataset
from churnml.windows import LabelWindow

#: 2 added calibration.json and weeks_ahead.json; a bundle of 1 has neither and reads as raw.
#: 3 added beside.json and its share; an older bundle has no second opinion.
FORMAT = 3
READABLE = (1, 2, 3)
_MANIFEST = "bundle.json"
_MESSAGE_RISK = "message_risk.npy"


@dataclass(frozen=True)
class Bundle:
    """A fitted model with everything that says where it came from.

    Parameters
    ----------
    ensemble : Ensemble
    dataset : str
        Name of the dataset it was trained on.
    study : dict
        The choices it was trained with.
    feature_names : tuple of str
        Features it needs, in catalogue order.
    feature_digest, data_digest : str
    data_from, data_until : Timestamp
        First as_of and right edge of the data it saw.
    metrics : dict
        Out-of-time figures of the run that made it.
    calibrator : Calibrator
        From the ensemble's log-odds to the probability; raw unless one won on later rows.
    weeks_ahead : WeeksAhead, optional
        In which week an exit is how likely; None without dated exits, or with too few.
    message_risk : MessageRisk, optional
        What single messages say about leaving; some features come from it.
    own_features : tuple of str
        Features that its maker declared beside the catalogue; who scores must bring them.
    digest : str
        Of all parts; empty before the bundle is saved.

    Examples
    --------
    >>> _ = bundle.save(Path("model"))
    >>> ch.Bundle.load(Path("model")).feature_names == bundle.feature_names
    True
    """

    ensemble: Ensemble
    dataset: str
    study: Mapping[str, Any]
    feature_names: tuple[str, ...]
    feature_digest: str
    data_digest: str
    data_from: pd.Timestamp
    data_until: pd.Timestamp
    metrics: Mapping[str, Any]
    calibrator: Calibrator = field(default_factory=Calibrator)
    weeks_ahead: WeeksAhead | None = None
    message_risk: MessageRisk | None = None
    own_features: tuple[str, ...] = ()
    digest: str = ""

    @classmethod
    def of(cls, ensemble: Ensemble, examples: Examples, *, dataset: Dataset, study: Study) -> Self:
        """A model fitted on these examples with where it came from; raw, and not yet judged.

        Parameters
        ----------
        ensemble : Ensemble
        examples : Examples
        dataset : Dataset
        study : Study
        """
        check_dataset(examples, dataset)
        names = tuple(examples.features.columns)
        return cls(
            ensemble=ensemble,
            dataset=dataset.description.name,
            study=study.model_dump(mode="json"),
            feature_names=names,
            feature_digest=feature_digest(examples.catalogue),
            data_digest=dataset.digest,
            data_from=examples.as_ofs.min(),
            data_until=dataset.observed_until,
            metrics={},
            message_risk=examples.message_risk,
            own_features=tuple(one.name for one in dataset.own_features if one.name in names),
        )

    def __repr__(self) -> str:
        """In a line: of which data it is, and how many features it needs."""
        return (
            f"<Bundle {self.digest[:8] or 'unsaved'}: {self.dataset} until "
            f"{self.data_until:%Y-%m-%d}, {len(self.feature_names)} features>"
        )

    def _repr_html_(self) -> str:
        """How a notebook shows it: what it was trained on, and how good it was out of time."""
        told = ("average_precision", "recall_at_lead_21d", "alert_precision", "median_lead_days")
        figures = {name: self.metrics[name] for name in told if self.metrics.get(name) is not None}
        return markup.card(
            f"Model {self.digest[:12] or '(not saved)'}",
            markup.facts(
                {
                    "dataset": self.dataset,
                    "saw as_ofs from": markup.date(self.data_from),
                    "saw data until": markup.date(self.data_until),
                    "features": len(self.feature_names),
                    "calibration": self.calibrator.method,
                }
                | figures
            ),
        )

    def predict(self, features: pd.DataFrame) -> pd.Series:
        """Probability of leaving in the label window, indexed by (customer_id, as_of)."""
        probability = self.calibrator.probability(self.ensemble.logit(features))
        return pd.Series(probability, index=features.index, name="probability")

    def save(self, path: Path | str) -> Bundle:
        """Write the bundle as a folder, all or nothing, and return it with its digest.

        Raises
        ------
        InputError
            If something other than a bundle is at the path.
        """
        path = check_folder(path)
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        before = aside.with_name(aside.name + ".before")
        try:
            self._write(aside)
            aside.chmod(0o755)  # a scoring service may run as another user
            if path.exists():
                path.rename(before)
            aside.rename(path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            shutil.rmtree(before, ignore_errors=True)
        return type(self).load(path)

    def _write(self, folder: Path) -> None:
        heads = []
        for head in self.ensemble.heads:
            files = []
            for number, booster in enumerate(head.boosters):
                name = f"head_{head.window.lead_days}_{head.window.end_days}_{number}.ubj"
                booster.save_model(folder / name)
                files.append(name)
            window = [head.window.lead_days, head.window.horizon_days, head.window.delay_days]
            heads.append({"window": window, "boosters": files, "shifts": list(head.shifts)})
        if self.message_risk is not None:
            self.message_risk.save(folder / _MESSAGE_RISK)
        _write_json(folder / "preparation.json", self.ensemble.preparation.as_json())
        _write_json(folder / "linear.json", self.ensemble.linear.as_json())
        _write_json(
            folder / "ensemble.json",
            {
                "heads": heads,
                "level": self.ensemble.level,
                "share": self.ensemble.share,
                "parameters": asdict(self.ensemble.parameters),
            },
        )
        if self.ensemble.beside is not None:
            _write_json(folder / "beside.json", self.ensemble.beside.as_json())
        _write_json(folder / "calibration.json", self.calibrator.as_json())
        if self.weeks_ahead is not None:
            _write_json(folder / "weeks_ahead.json", self.weeks_ahead.as_json())
        _write_json(folder / _MANIFEST, self._manifest(folder))

    def _manifest(self, folder: Path) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "churnml": churnml.__version__,
            "code_digest": code_digest(),
            "dataset": self.dataset,
            "study": dict(self.study),
            "feature_names": list(self.feature_names),
            "feature_digest": self.feature_digest,
            "own_features": list(self.own_features),
            "data_digest": self.data_digest,
            "data_from": self.data_from.isoformat(),
            "data_until": self.data_until.isoformat(),
            "metrics": dict(self.metrics),
            "parts": {part.name: _sha256(part) for part in sorted(folder.iterdir())},
        }

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The bundle of a folder; every part is checked against its sha256 before it is opened.

        Raises
        ------
        InputError
            If the folder is no bundle, of another format, or a part is missing or altered.
        """
        path = arguments.located(path, what="path")
        manifest = _read_manifest(path)
        parts = manifest["parts"]
        return cls(
            ensemble=_read_ensemble(path, parts),
            dataset=manifest["dataset"],
            study=manifest["study"],
            feature_names=tuple(manifest["feature_names"]),
            feature_digest=manifest["feature_digest"],
            data_digest=manifest["data_digest"],
            data_from=pd.Timestamp(manifest["data_from"]),
            data_until=pd.Timestamp(manifest["data_until"]),
            metrics=manifest["metrics"],
            calibrator=Calibrator.from_json(_read_json(path / "calibration.json"))
            if "calibration.json" in parts
            else Calibrator(),
            weeks_ahead=WeeksAhead.from_json(_read_json(path / "weeks_ahead.json"))
            if "weeks_ahead.json" in parts
            else None,
            message_risk=MessageRisk.load(path / _MESSAGE_RISK) if _MESSAGE_RISK in parts else None,
            own_features=tuple(manifest.get("own_features", ())),
            digest=_sha256(path / _MANIFEST)[:16],
        )


def check_folder(path: Path | str) -> Path:
    """The place of a bundle, or a refusal where none can be written, before any work is done.

    Raises
    ------
    InputError
        If something other than a bundle is there, or the folder cannot be written.
    """
    path = arguments.located(path, what="path")
    taken = path.exists() and not (path / _MANIFEST).is_file()
    if taken and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path} exists and is no bundle. Give another folder.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}). Give another folder.") from None
    return path


def _read_ensemble(path: Path, parts: Mapping[str, str]) -> Ensemble:
    import xgboost

    content = _read_json(path / "ensemble.json")
    heads = []
    for part in content["heads"]:
        boosters = []
        for name in part["boosters"]:
            booster = xgboost.Booster()
            booster.load_model(path / name)
            boosters.append(booster)
        heads.append(Head(LabelWindow(*part["window"]), tuple(boosters), tuple(part["shifts"])))
    return Ensemble(
        preparation=Preparation.from_json(_read_json(path / "preparation.json")),
        heads=tuple(heads),
        linear=Linear.from_json(_read_json(path / "linear.json")),
        level=content["level"],
        parameters=Parameters(**content["parameters"]),
        beside=Linear.from_json(_read_json(path / "beside.json"))
        if "beside.json" in parts
        else None,
        share=content.get("share", 0.0),
    )


def _read_manifest(path: Path) -> dict[str, Any]:
    if not (path / _MANIFEST).is_file():
        raise InputError(
            f"{path} holds no model (no {_MANIFEST}). Give the folder that `churnml train` "
            "printed, or a registry address such as models:/churnml@champion."
        )
    manifest = _read_json(path / _MANIFEST)
    if manifest.get("format") not in READABLE:
        readable = " and ".join(str(number) for number in READABLE)
        raise InputError(
            f"{path} has bundle format {manifest.get('format')}, this version reads {readable}. "
            "Train again with this version."
        )
    for name, expected in manifest["parts"].items():
        part = path / name
        if not part.is_file() or _sha256(part) != expected:
            raise InputError(
                f"{part} is {'altered' if part.is_file() else 'missing'}: its sha256 is not that "
                "in bundle.json. Restore the bundle from MLflow or train again."
            )
    return manifest


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_json(path: Path, content: Any) -> None:
    # The order of keys is kept: categories of a preparation are columns of its matrix.
    path.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}). Train again.") from None
    return content
