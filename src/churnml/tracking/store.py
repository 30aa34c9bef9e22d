"""The MLflow store: where it is, its creation without races, its opening."""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from churnml.errors import InputError

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "churnml"

_LOCK_SECONDS = 600.0  # the schema of a fresh store takes a quarter of a minute on a busy machine
_ENVIRONMENT = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",  # a bundle is data; nothing else is opened
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing leaves the machine
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout belongs to --json
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}


def tracking_uri() -> str:
    """Address of the store: ``MLFLOW_TRACKING_URI``, else SQLite in mlruns/ where we work."""
    default = Path.cwd() / "mlruns" / "mlflow.db"
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{default.as_posix()}"


@contextmanager
def open_store() -> Iterator[MlflowClient]:
    """Open the store; the process's own MLflow address is put back afterwards.

    Raises
    ------
    InputError
        If the store cannot be reached, created or read.
    """
    _prepare_mlflow()
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    named, uri = os.environ.get("MLFLOW_TRACKING_URI"), tracking_uri()
    try:
        try:
            client = _opened(uri)
        except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise InputError(
                f"The MLflow store {uri} cannot be opened: {_first_line(error)} "
                "Expected a tracking server or an SQLite file; set MLFLOW_TRACKING_URI."
            ) from None
        yield client
    finally:
        mlflow.set_tracking_uri(named)


def _prepare_mlflow() -> None:
    """Set what MLflow reads when it is imported, and keep its notes off the terminal."""
    os.environ.update(_ENVIRONMENT)

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _opened(uri: str) -> MlflowClient:
    import mlflow

    database = _sqlite_file(uri)
    if database is not None:
        _create(database)
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    client.search_experiments(max_results=1)
    return client


def _sqlite_file(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _create(database: Path) -> None:
    """Create the schema aside and rename it: killed half-way, or two at once, nothing is broken."""
    if database.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    database.parent.mkdir(parents=True, exist_ok=True)
    with _alone(database.with_suffix(".lock")):
        if database.exists():
            return
        with tempfile.TemporaryDirectory(dir=database.parent, prefix=".new-store-") as aside:
            fresh = Path(aside) / database.name
            store = SqlAlchemyStore(f"sqlite:///{fresh.as_posix()}", artifacts_of(database))
            store.engine.dispose()
            fresh.rename(database)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold an exclusive lock that the operating system frees when the process dies."""
    connection = sqlite3.connect(lock, timeout=_LOCK_SECONDS, isolation_level=None)
    try:
        connection.execute("begin exclusive")
        yield
    finally:
        connection.close()


@contextmanager
def alone() -> Iterator[None]:
    """No second run changes the champion meanwhile; on a server, which has no lock, as good as."""
    database = _sqlite_file(tracking_uri())
    if database is None:
        yield
        return
    with _alone(database.with_suffix(".lock")):
        yield


def artifacts_of(database: Path) -> str:
    """Where the artifacts of an SQLite store lie: beside it."""
    return (database.parent / "artifacts").absolute().as_uri()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def refused(uri: str) -> Iterator[None]:
    """MLflow's refusal of an address, in words."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise InputError(
            f"{uri} is not in the MLflow store {tracking_uri()}: {_first_line(error)}. Run "
            "`churnml train` first, or give the folder of a bundle, models:/churnml/<version> or "
            "runs:/<run_id>."
        ) from None


def experiment_id(client: MlflowClient) -> str:
    """Identifier of the experiment; two runs that create it at once get the same one."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        database = _sqlite_file(tracking_uri())
        try:
            place = None if database is None else artifacts_of(database)
            return str(client.create_experiment(EXPERIMENT, artifact_location=place))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(EXPERIMENT)
    return str(found.experiment_id)


def is_local() -> bool:
    """Whether the artifacts lie on this machine, so that they are read in place."""
    return _sqlite_file(tracking_uri()) is not None
