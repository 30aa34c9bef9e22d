"""Sessions of Apache Spark: started or found, with the settings that the statements rely on."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from churnml.errors import InputError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Where Spark runs; without it, what Spark's own configuration says, else this machine.
MASTER = "CHURNML_SPARK_MASTER"
_STARTED_WITH = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
#: Instants without a zone, and errors instead of silent nulls.
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.ansi.enabled": "true",
}
_SHUFFLED = "spark.sql.shuffle.partitions"
#: Parts of a shuffle where the configuration does not say; Spark's own 200 are for large clusters.
_TASKS_PER_CORE = 4


def spark_session(master: str | None = None) -> SparkSession:
    """A session with settings of its own on the Spark that runs, or on one that is started.

    Raises
    ------
    InputError
        If PySpark or Java is missing, or Spark does not start.
    """
    _check_installed()
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    master = master or os.environ.get(MASTER)
    builder = SparkSession.builder.appName("churnml")
    for key, value in _STARTED_WITH.items():
        builder = builder.config(key, value)
    try:
        with without_warnings():
            started = (builder.master(master) if master else builder).getOrCreate()
            return set_up(started.newSession())
    except (PySparkException, Py4JError) as error:
        raise InputError(
            f"Spark did not start{f' at {master}' if master else ''}: {first_line(error)}. Name "
            f"its master in {MASTER}, such as local[4] or spark://host:7077; it needs Java 17 or "
            "newer."
        ) from None


@contextmanager
def without_warnings() -> Iterator[None]:
    """PySpark says of every call that it does not know pandas 3 yet; what we call of it works."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        yield


def set_up(session: SparkSession) -> SparkSession:
    """The session with the settings that the statements rely on."""
    for key, value in _SETTINGS.items():
        session.conf.set(key, value)
    context = session.sparkContext
    if not context.getConf().contains(_SHUFFLED):
        session.conf.set(_SHUFFLED, str(_TASKS_PER_CORE * context.defaultParallelism))
    return session


def first_line(error: Exception) -> str:
    """What an error says first, without its stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def _check_installed() -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise InputError(
            "Spark needs the package pyspark, which is not installed. Install churnml[spark]."
        )
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home, "bin")) if home else None) is None:
        raise InputError(
            "Spark needs Java 17 or newer, and no java was found"
            f"{f' in JAVA_HOME {home}' if home else ' on the PATH'}. Install it, or name its "
            "folder in JAVA_HOME."
        )
