"""Where a search is kept: a journal of one process at a time, or a database that several share."""

from __future__ import annotations

import fcntl
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churnml.errors import InputError

if TYPE_CHECKING:
    import optuna

    from churnml.model.examples import Say


#: Seconds without a sign of life after which the others doubt that a machine lives.
GRACE_SECONDS = 90

_DRIVER = "postgresql+psycopg"


@dataclass(frozen=True)
class Place:
    """Where the search is kept.

    Parameters
    ----------
    journal : Path, optional
        A file on this machine; None: the search is not kept.
    url : str, optional
        A PostgreSQL database instead, ``postgresql://user@host/database``, for several machines.
    grace_seconds : int
        So long after its last sign of life a machine's settings are tried by the others.
    """

    journal: Path | None = None
    url: str | None = None
    grace_seconds: int = GRACE_SECONDS

    @property
    def beat_seconds(self) -> int:
        """Seconds from one sign of life to the next."""
        return max(1, self.grace_seconds // 4)


@contextmanager
def open_study(place: Place, *, name: str, say: Say) -> Iterator[optuna.Study]:
    """The Optuna study of this name; what an earlier process left unfinished is still in it.

    Raises
    ------
    InputError
        If the place cannot be opened, read or written.
    """
    with warnings.catch_warnings():  # bars that nobody sees ask for widgets in a notebook
        warnings.filterwarnings("ignore", message="IProgress not found")
        import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if place.url is not None:
        with _database(place.url, place, name=name) as study:
            yield study
    elif place.journal is not None:
        with _journal(place.journal, name=name, say=say) as study:
            yield study
    else:
        yield optuna.create_study(study_name=name, direction="maximize")


@contextmanager
def _journal(path: Path, *, name: str, say: Say) -> Iterator[optuna.Study]:
    import optuna
    from optuna.storages import JournalStorage

    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    with file:
        _wait_for(file.fileno(), say=say)
        storage = JournalStorage(_Lines(path, say=say))
        yield optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The journal of the search {path} cannot be written ({error}). What was tried before "
            "is kept: mend it and start again."
        ) from None


def _wait_for(descriptor: int, *, say: Say) -> None:
    """One search at a time; the lock ends with the process, however it ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(
            "another training with the same data, study and code is searching; waiting for what it "
            "finds"
        )
        fcntl.flock(descriptor, fcntl.LOCK_EX)


class _Lines:
    """Optuna's journal format, for the one process that holds the lock.

    Optuna's own file backend locks and syncs at each of some ten lines of a trial, and cannot read
    a file whose last line was cut by a full disk. Here the whole lines before the cut are kept.
    """

    def __init__(self, path: Path, *, say: Say) -> None:
        self._path = path
        with _writing(path):
            self._logs = _whole_lines(path, say=say)

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        """The lines from this number on."""
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write them, and know them as a reader of the file would."""
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        with _writing(self._path), self._path.open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
        self._logs += [json.loads(line) for line in lines]


def _whole_lines(path: Path, *, say: Say) -> list[dict[str, Any]]:
    """The readable beginning; what follows it, cut or damaged, is moved away."""
    content = path.read_bytes()
    logs, good = [], 0
    for line in content.splitlines(keepends=True):
        try:
            log = json.loads(line)
        except ValueError:
            break
        if not (line.endswith(b"\n") and isinstance(log, dict)):
            break
        logs.append(log)
        good += len(line)
    if good < len(content):
        aside = path.with_suffix(".damaged")
        aside.write_bytes(content[good:])
        os.truncate(path, good)
        say(
            f"the journal {path} was cut or damaged: {len(logs)} lines kept, the rest is in {aside}"
        )
    return logs


@contextmanager
def _database(url: str, place: Place, *, name: str) -> Iterator[optuna.Study]:
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    address = _address(url)
    try:
        # ask and tell with our own heartbeats is more than optuna expects
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", message="Heartbeat of storage is supposed")
            storage = _tables(address.render_as_string(hide_password=False), place)
            try:
                yield optuna.create_study(
                    storage=storage, study_name=name, direction="maximize", load_if_exists=True
                )
            finally:
                storage.remove_session()
                storage.engine.dispose()
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise InputError(_fails(address, error)) from None


def check_storage(url: str) -> None:
    """Refuse at once what would be found out only after the features are made.

    Raises
    ------
    InputError
        If the address is none of PostgreSQL, the driver is not there, or nobody answers.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    address = _address(url)
    engine = create_engine(address)
    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        raise InputError(_fails(address, error)) from None
    finally:
        engine.dispose()


def _fails(address: Any, error: BaseException) -> str:
    cause = str(getattr(error, "orig", None) or error.__cause__ or error).strip().splitlines()[0]
    return (
        f"The search's storage {address.render_as_string(hide_password=True)} fails: {cause}. What "
        "was tried is kept there: start again when it answers."
    )


def _tables(url: str, place: Place) -> optuna.storages.RDBStorage:
    """Optuna's tables, made where they are not there; two machines may make them at once."""
    import optuna
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    for last in (False, False, True):
        try:
            return optuna.storages.RDBStorage(
                url,
                engine_kwargs={"pool_pre_ping": True},
                heartbeat_interval=place.beat_seconds,
                grace_period=place.grace_seconds,
                heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
            )
        except (IntegrityError, ProgrammingError):
            if last:
                raise
    raise AssertionError


def _address(url: str) -> Any:
    """The address with the driver that is installed.

    Raises
    ------
    InputError
        If it is none of PostgreSQL, or the driver is not there.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        address = make_url(url)
    except ArgumentError:
        address = None
    if address is None or address.get_backend_name() != "postgresql" or not address.database:
        raise InputError(
            "The search's storage is not an address of PostgreSQL; expected "
            "postgresql://user@host/database in CHURNML_STORAGE (the password there, in PGPASSWORD "
            "or in ~/.pgpass)."
        )
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise InputError(
            "A storage in PostgreSQL needs psycopg: pip install 'churnml[postgres]'."
        ) from None
    return address.set(drivername=_DRIVER)
