"""Commands of churnml run in an empty folder with a store of their own, and what is kept."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
_MARKER = re.compile(r"<!-- .+? -->")


def churnml(words: Sequence[str], *, folder: Path) -> str:
    """What a command of churnml writes to stdout, run in that folder with a store of its own."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
    command = [sys.executable, "-m", "churnml", *words]
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"`churnml {' '.join(words)}` ended with {done.returncode}; see above.")
    return done.stdout.decode("utf-8")


def kept(found: dict[str, Any], *, command: str) -> dict[str, Any]:
    """The part of a training's document that is a result, with date, command and code."""
    import churnml as package
    from churnml.features.cache import code_digest

    figures = (
        "dataset", "study_digest", "model_digest", "observed_until", "signal", "signal_found",
        "promoted", "reason", "tuning", "metrics", "intervals", "base_rate", "n_rows", "n_positive",
        "n_positive_customers", "n_customers", "n_exits", "n_alerts", "lead_recall",
        "lead_recall_intervals", "lead_recall_random", "by_q", "baselines", "folds", "notes",
        "share_of_oracle",
    )  # fmt: skip
    about = {
        "date": datetime.now(tz=UTC).date().isoformat(),
        "command": command,
        "code": {"version": package.__version__, "digest": code_digest()},
    }
    return about | {name: rounded(found[name]) for name in figures if name in found}


def rounded(value: Any) -> Any:
    """The same with six decimals: what differs between machines is not worth a line."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def about(script: str, asked: argparse.Namespace) -> dict[str, str]:
    """Date, and the command that gives the figures again."""
    given = [
        f"--{name.replace('_', '-')} {' '.join(map(str, np.atleast_1d(value)))}"
        for name, value in vars(asked).items()
    ]
    path = Path(script).resolve().relative_to(Path(__file__).resolve().parents[1])
    return {
        "date": datetime.now(tz=UTC).date().isoformat(),
        "command": " ".join(["python", path.as_posix(), *given]),
    }


def put(block: str, *, into: Path) -> None:
    """Replace what stands between two markers of a README; the block begins and ends with them."""
    begin, *_, end = _MARKER.findall(block)
    before, rest = into.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    into.write_text(f"{before}{block}{after}", encoding="utf-8")
