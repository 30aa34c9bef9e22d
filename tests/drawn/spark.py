"""Apache Spark in tests: what they need, and a session of two executors beside the driver."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: For ``pytestmark``: a cluster starts, and each table of a statement is a job.
NEEDED = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("java") is None, reason="Spark needs Java 17 or newer, and none was found"
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None, reason="needs the extra churnml[spark]"
    ),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
#: Two processes beside the driver, a core and a gigabyte each; small data needs no compiled code.
CLUSTER = {
    "spark.master": "local-cluster[2,1,1024]",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@contextmanager
def cluster(warehouse: Path) -> Iterator[None]:
    """A Spark that runs, for whoever asks for one; its catalog lies in the folder."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable  # read when a context starts
    builder = SparkSession.builder.appName("churnml tests")
    for key, value in CLUSTER.items():
        builder = builder.config(key, value)
    session = builder.config("spark.sql.warehouse.dir", str(warehouse)).getOrCreate()
    yield
    session.stop()
