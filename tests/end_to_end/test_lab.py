"""`make lab`: MLflow's pages are there beside the command, also before any run, and end with it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from churnml.tracking import beside

#: Stands for JupyterLab: waits until the link answers, then tells what it saw.
COMMAND = """
import os, sys, time, urllib.error, urllib.request
for _ in range(240):
    try:
        status = urllib.request.urlopen("http://127.0.0.1:{port}", timeout=5).status
        break
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        time.sleep(0.5)
print(status, os.environ["MLFLOW_TRACKING_URI"])
sys.exit(3)
"""


def port_of(first: int) -> int:
    return beside._free_port(first)


@pytest.mark.slow
def test_where_no_run_is_stored_the_pages_open_beside_the_command_and_end_with_it(tmp_path: Path):
    port = port_of(beside.PORT)
    command = [sys.executable, "-c", COMMAND.format(port=port)]
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    ran = subprocess.run(
        [sys.executable, "-m", "churnml.tracking.beside", *command],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.returncode == 3, "the exit code is that of the command"
    assert re.search(rf"The runs in MLflow: http://127.0.0.1:{port}\n", ran.stderr)
    assert ran.stdout.split() == ["200", f"sqlite:///{tmp_path}/mlruns/mlflow.db"]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5)


def test_a_port_that_is_taken_is_passed_over():
    with socket.socket() as taken:
        taken.bind((beside.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert port_of(port) > port


def test_a_tracking_server_has_pages_of_its_own():
    with beside.pages("http://mlflow.example:5000") as link:
        assert link == "http://mlflow.example:5000"
