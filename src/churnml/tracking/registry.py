"""Versions of the model: challenger, champion, the one before, and the bundle behind an address."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from churnml.errors import InputError
from churnml.tracking.store import alone, is_local, open_store, refused, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models.model import ModelInfo

MODEL = "churnml"
CHAMPION = "champion"
CHALLENGER = "challenger"
#: Whichever champion there is; no version has this name.
ANY = "any"
CHAMPION_URI = f"models:/{MODEL}@{CHAMPION}"

BUNDLE = "bundle"  # folder of the bundle among the artifacts of a run
_BEFORE = "champion_before"  # tag of a version: the champion it took over from
_PROMOTED_AT, _PROMOTED_BECAUSE = "promoted_at", "promoted_because"
_ROLLED_BACK_AT, _ROLLED_BACK_BECAUSE = "rolled_back_at", "rolled_back_because"
_KEPT_BACK_BECAUSE = "kept_back_because"
_LONGEST_TAG = 5000  # MLflow's limit on the value of a tag


@dataclass(frozen=True)
class RegisteredModel:
    """A version of the model in the registry.

    Parameters
    ----------
    version : str
        Number within the registered model ``churnml``.
    run_id : str
        The training that made it.
    uri : str
        ``models:/churnml/<version>``.
    promoted_at, promoted_because : str
        When (UTC) and why it became the champion; empty: it never was.
    """

    version: str
    run_id: str
    uri: str
    promoted_at: str = ""
    promoted_because: str = ""


def resolve(uri: str) -> Path:
    """Folder of the bundle behind a model's address; the path itself where it is one.

    Parameters
    ----------
    uri : str
        ``models:/churnml@champion``, ``models:/churnml/3``, ``runs:/<run_id>`` or a folder.

    Raises
    ------
    InputError
        If no such model, version, alias, run or folder exists.
    """
    if not uri.startswith(("models:/", "runs:/")):
        return _folder(Path(uri))
    with open_store() as client, refused(uri):
        if uri == CHAMPION_URI and _champion(client) is None:
            _say_what_waits(client)
        return _bundle_of(client, _run_of(client, uri))


def _say_what_waits(client: MlflowClient) -> None:
    """Refuse in words where models were trained and none of them is in use.

    Raises
    ------
    InputError
        With the newest version, why it was kept back, and the ways on.
    """
    from mlflow.exceptions import MlflowException

    try:
        newest = client.get_model_version_by_alias(MODEL, CHALLENGER)
    except MlflowException:
        return  # nothing was trained; the address is refused as any other
    why = (newest.tags or {}).get(_KEPT_BACK_BECAUSE, "")
    raise InputError(
        f"A model was trained (version {newest.version}) but not put into use"
        f"{f': {why}' if why else '.'} To read its scores all the same, give "
        f"`--model models:/{MODEL}/{newest.version}` or the folder of its bundle; to put it into "
        f"use, run `churnml promote {newest.version}`."
    )


def keep_back(version: str, *, because: str) -> None:
    """Remember with a version why it was not put into use.

    Parameters
    ----------
    version : str
    because : str
        A sentence.
    """
    with open_store() as client:
        _stamp(client, version, {_KEPT_BACK_BECAUSE: because})


def champion() -> RegisteredModel | None:
    """Version in use, or None before the first promotion."""
    with open_store() as client:
        return _champion(client)


def promote(version: str, *, because: str = "", over: str | None = ANY) -> bool:
    """Make a version the champion; remember when, why and which one it takes over from.

    Parameters
    ----------
    version : str
    because : str
        The reason, kept with the version.
    over : str, optional
        Version that must be the champion still, None: that there is none. Default: whichever is.

    Returns
    -------
    bool
        False, and nothing changed, where another version has become the champion meanwhile.

    Raises
    ------
    InputError
        If the version does not exist.
    """
    with open_store() as client, refused(f"models:/{MODEL}/{version}"), alone():
        before = _champion(client)
        number = None if before is None else before.version
        if over not in (ANY, number):
            return False
        run_id = client.get_model_version(MODEL, version).run_id
        if before is not None and before.version != version:
            client.set_model_version_tag(MODEL, version, _BEFORE, before.version)
        _stamp(client, version, {_PROMOTED_AT: _now(), _PROMOTED_BECAUSE: because})
        client.set_registered_model_alias(MODEL, CHAMPION, version)
        client.set_tag(run_id, "promoted", "true")
    return True


def rollback(*, because: str = "") -> RegisteredModel:
    """Put the champion before this one back, and return it.

    Raises
    ------
    InputError
        If there is no champion, none before it, or the one before is not whole any more.
    """
    with open_store() as client, alone():
        now = _champion(client)
        if now is None:
            raise InputError(f"No champion to roll back from in {tracking_uri()}. Train first.")
        before = client.get_model_version(MODEL, now.version).tags.get(_BEFORE)
        if before is None:
            raise InputError(f"Version {now.version} is the first champion; none stands before it.")
        with refused(f"models:/{MODEL}/{before}"):
            found = _registered(client.get_model_version(MODEL, before))
            _bundle_of(client, found.run_id)  # what cannot be opened must not go into use
        _stamp(client, now.version, {_ROLLED_BACK_AT: _now(), _ROLLED_BACK_BECAUSE: because})
        client.set_registered_model_alias(MODEL, CHAMPION, before)
        return found


def _stamp(client: MlflowClient, version: str, tags: dict[str, str]) -> None:
    for name, value in tags.items():
        client.set_model_version_tag(MODEL, version, name, value[:_LONGEST_TAG])


def _now() -> str:
    """The store's own clock, as MLflow stamps its rows; no figure depends on it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def register(client: MlflowClient, run_id: str, logged: ModelInfo) -> RegisteredModel:
    """Register a logged model as the next version, with the alias ``challenger``."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(MODEL)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(
        MODEL, source=logged.model_uri, run_id=run_id, model_id=logged.model_id
    )
    client.set_registered_model_alias(MODEL, CHALLENGER, version.version)
    return _registered(version)


def _registered(version: ModelVersion) -> RegisteredModel:
    number, tags = str(version.version), version.tags or {}
    return RegisteredModel(
        number,
        str(version.run_id),
        f"models:/{MODEL}/{number}",
        tags.get(_PROMOTED_AT, ""),
        tags.get(_PROMOTED_BECAUSE, ""),
    )


def _champion(client: MlflowClient) -> RegisteredModel | None:
    from mlflow.exceptions import MlflowException

    try:
        return _registered(client.get_model_version_by_alias(MODEL, CHAMPION))
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _run_of(client: MlflowClient, uri: str) -> str:
    kind, _, rest = uri.partition(":/")
    rest = rest.strip("/")
    if kind == "runs":
        return rest.split("/")[0]
    name, at, alias = rest.partition("@")
    if at:
        return str(client.get_model_version_by_alias(name, alias).run_id)
    name, _, version = rest.partition("/")
    return str(client.get_model_version(name, version).run_id)


def _bundle_of(client: MlflowClient, run_id: str) -> Path:
    """Local folder of a run's bundle: in place where the store is local, else fetched once."""
    import mlflow
    from mlflow.utils.file_utils import local_file_uri_to_path

    artifacts = client.get_run(run_id).info.artifact_uri
    if is_local():
        path = Path(local_file_uri_to_path(artifacts)) / BUNDLE
        if not path.is_dir():
            raise InputError(f"The files of run {run_id} are gone: {path} is no folder.")
        return path
    uri = f"runs:/{run_id}/{BUNDLE}"
    kept = Path.cwd() / "mlruns" / "bundles" / f"run-{run_id}"
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".fetch-") as aside:
            fetched = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=aside)
            Path(fetched).rename(kept)
    return kept


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise InputError(
            f"{path} is no folder. Give the folder of a bundle, {CHAMPION_URI}, "
            f"models:/{MODEL}/<version> or runs:/<run_id>."
        )
    return path
