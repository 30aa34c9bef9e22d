"""Apache Spark, where one machine does not do: the statements of the features run on a cluster."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import duckdb

from churnml.sources.backend import Backend, Home
from churnml.sources.dataset import Dataset
from churnml.sources.spark.session import MASTER, set_up, spark_session
from churnml.sources.spark.shelf import WORK, Shelf
from churnml.sources.spark.statements import OnSpark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["MASTER", "WORK", "OnSpark", "SparkHome", "on_spark", "spark_home", "spark_session"]


def on_spark(dataset: Dataset, *, master: str | None = None, work: str | None = None) -> Dataset:
    """The same dataset; the statements of its features run on Apache Spark.

    Parameters
    ----------
    dataset : Dataset
    master, work : str, optional
        As of ``spark_home``.

    Raises
    ------
    InputError
        If PySpark or Java is missing, or Spark does not start.

    Examples
    --------
    >>> ch.on_spark(dataset, master="local[4]")  # doctest: +SKIP
    """
    return replace(dataset, home=spark_home(master=master, work=work))


def spark_home(*, master: str | None = None, work: str | None = None) -> Home:
    """Apache Spark as the home of a dataset: a session that runs is used, else one is started.

    Parameters
    ----------
    master : str, optional
        Such as ``spark://host:7077``, ``yarn`` or ``local[4]``. Default: ``CHURNML_SPARK_MASTER``,
        else Spark's own configuration.
    work : str, optional
        Folder or address that the driver and all executors see; tables lie there as Parquet.
        Default: ``CHURNML_SPARK_WORK``, else a temporary folder, which does where all run on this
        machine.

    Raises
    ------
    InputError
        If PySpark or Java is missing, or Spark does not start.
    """
    return SparkHome(spark_session(master), work)


@dataclass(frozen=True)
class SparkHome:
    """Opens backends on one session; canonical tables are written out once.

    Parameters
    ----------
    session : SparkSession
    work : str, optional
        Folder or address that all see.
    """

    session: SparkSession
    work: str | None
    #: By connection, folders of its canonical tables.
    written: weakref.WeakKeyDictionary[duckdb.DuckDBPyConnection, dict[str, str]] = field(
        default_factory=weakref.WeakKeyDictionary
    )
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shelf", Shelf.of(self.work))

    @contextmanager
    def __call__(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Backend]:
        """As of Home."""
        with connection.cursor() as cursor:
            written = self.written.setdefault(connection, {})
            session = set_up(self.session.newSession())
            backend = OnSpark(session, self.shelf, cursor, written)
            try:
                yield backend
            finally:
                backend.close()
