"""The MLflow pages beside another program: started with it, its link told, gone with it.

``python -m churnml.tracking.beside jupyter lab`` is what ``make lab`` runs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from churnml.tracking.store import open_store, tracking_uri

HOST = "127.0.0.1"
PORT = 5000
_SECONDS_TO_END = 10.0


def run_beside(command: Sequence[str]) -> int:
    """The exit code of the command, which logs to the store that the pages show.

    Where no run is stored yet, an empty store is made. The command is told the store by
    ``MLFLOW_TRACKING_URI``: a notebook works in a folder of its own and would make another.

    Parameters
    ----------
    command : sequence of str
    """
    with open_store():
        store = tracking_uri()
    with pages(store) as link:
        sys.stderr.write(f"\n  The runs in MLflow: {link}\n\n")
        sys.stderr.flush()
        child = subprocess.Popen(command, env=os.environ | {"MLFLOW_TRACKING_URI": store})
        # The keys Ctrl-C are for the command, which may ask whether it is meant.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        return child.wait()


@contextmanager
def pages(store: str, *, port: int = PORT) -> Iterator[str]:
    """Serve the pages of a store on this machine only; yields their link.

    Parameters
    ----------
    store : str
        A server, whose own pages are linked, or ``sqlite:///FILE``.
    port : int
        The first that is tried; a free one follows where it is taken.
    """
    if store.startswith(("http://", "https://")):
        yield store
        return
    free = _free_port(port)
    log = Path(store.removeprefix("sqlite:///")).with_name("pages.log")
    # One worker and no job runner: each loads all of MLflow, and here is one reader.
    command = ["-m", "mlflow", "ui", "--host", HOST, "--port", str(free), "--workers", "1"]
    with log.open("wb") as said:
        server = subprocess.Popen(
            [sys.executable, *command, "--backend-store-uri", store],
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # MLflow starts workers; all of them end together
        )
    try:
        yield f"http://{HOST}:{free}"
    finally:
        _end(server)


def _free_port(first: int) -> int:
    for port in range(first, first + 50):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if tried.connect_ex((HOST, port)) != 0:
                return port
    return first


def _end(server: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
            server.wait(_SECONDS_TO_END)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    sys.exit(run_beside(sys.argv[1:]))
