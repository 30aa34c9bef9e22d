"""Every study on every data set: trained, written to results/, shown in the README of its folder.

Each study is trained in an empty working folder with an MLflow store of its own, so that no model
in use is compared, replaced or even seen.

Example: python experiments/run.py --only oulad
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isolated import BEGIN, END, churnml, kept, put

HERE = Path(__file__).resolve().parent

#: Rows of the table, in this order, with the words for them.
SCORES = {
    "model": "**churnml**",
    "rank_sum": "rank sum of the obvious signals",
    "recency": "days since the last activity",
    "seed_points": "seed points",
    "health": "health score",
    "health_learned": "health score, weights learned",
    "convergence": "signals that turn together",
    "bg_nbd": "BG/NBD",
    "logistic_regression": "logistic regression",
    "xgboost_default": "XGBoost as it comes",
    "random": "chance",
    "oracle": "oracle",
}
#: Columns: the heading and the decimals of each figure.
FIGURES = {
    "average_precision": ("average precision", 4),
    "roc_auc": ("ROC AUC", 3),
    "lift_at_10pct": ("lift, top tenth", 2),
    "recall_at_lead_21d": ("recall ≥ 21 d", 3),
    "alert_precision": ("alert precision", 3),
    "ece": ("calibration error", 4),
}


@dataclass(frozen=True)
class Run:
    """One study and the data it is trained on.

    Parameters
    ----------
    folder : str
        Folder under experiments/.
    study : str
        Name of the study file there, without its suffix; for a simulated company of one under
        experiments/studies.
    dataset : str, optional
        Description of the data beside the study; None: a simulated company.
    """

    folder: str
    study: str
    dataset: str | None = "dataset.toml"

    @property
    def results(self) -> Path:
        """The file of figures."""
        return HERE / self.folder / "results" / f"{self.study}.json"

    def arguments(self, data: Path) -> list[str]:
        """What follows ``churnml train``, relative to the repository."""
        if self.dataset is None:
            return [str(data), "--config", f"experiments/studies/{self.study}.toml"]
        beside = f"experiments/{self.folder}"
        described = ["--dataset", f"{beside}/{self.dataset}"]
        return [str(data / self.folder), *described, "--config", f"{beside}/{self.study}.toml"]


RUNS = (
    Run("oulad", "study"),
    Run("online_retail", "retail90lead"),
    Run("online_retail", "retail90"),
    Run("online_retail", "inactivity", dataset="dataset_inactivity.toml"),
    Run("cdnow", "cdnow90lead"),
    Run("cdnow", "cdnow90"),
    Run("ravenstack", "study"),
    Run("default_world", "default", dataset=None),
)


def main(words: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="See experiments/README.md.")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("CHURNML_DATA", HERE.parent.parent / "shared" / "data")),
        help="folder of the public data sets (default: CHURNML_DATA, else ../shared/data)",
    )
    parser.add_argument("--only", help="a folder under experiments/, or the name of one study")
    parser.add_argument("--tables", action="store_true", help="only write the tables again")
    asked = parser.parse_args(words)
    runs = [run for run in RUNS if asked.only in (None, "", run.folder, run.study)]
    if not runs:
        parser.error(f"no study is called {asked.only!r}; there are {_names()}")
    for run in runs:
        if not asked.tables:
            sys.stderr.write(f"{run.folder}/{run.study}\n")
            write_results(run, data=asked.data)
        write_table(run.folder)


def _names() -> str:
    return ", ".join(sorted({name for run in RUNS for name in (run.folder, run.study)}))


def write_results(run: Run, *, data: Path) -> None:
    """Train the study and keep its figures."""
    with tempfile.TemporaryDirectory(prefix="churnml_") as work:
        folder = Path(work)
        if run.dataset is None:
            churnml(["simulate", "company"], folder=folder)
            found = train(run, folder / "company" / "data", folder=folder)
            shown = Path("company/data")
        else:
            found = train(run, data, folder=folder)
            shown = Path("DATA")
    command = " ".join(["churnml train", *run.arguments(shown)])
    text = json.dumps(kept(found, command=command), indent=1, ensure_ascii=False, sort_keys=True)
    run.results.parent.mkdir(exist_ok=True)
    run.results.write_text(text + "\n", encoding="utf-8")


def train(run: Run, data: Path, *, folder: Path) -> dict[str, Any]:
    """The JSON document of ``churnml train``, run in that folder."""
    words = [str(HERE.parent / word) if word.startswith("experiments/") else word
             for word in run.arguments(data.resolve())]  # fmt: skip
    document: dict[str, Any] = json.loads(churnml(["train", *words, "--json"], folder=folder))
    return document


def write_table(folder: str) -> None:
    """Put the tables of all results of a folder between the markers of its README."""
    put(results_block(folder), into=HERE / folder / "README.md")


def results_block(folder: str) -> str:
    """The tables of a folder with their markers."""
    parts = [
        results_table(run.study, json.loads(run.results.read_text(encoding="utf-8")))
        for run in RUNS
        if run.folder == folder and run.results.is_file()
    ]
    return "\n\n".join([BEGIN, *parts, END])


def results_table(study: str, found: dict[str, Any]) -> str:
    """One study in Markdown: its rows, and every score under every figure with 95 % intervals."""
    scores = {"model": {**found["metrics"], "intervals": found["intervals"]}, **found["baselines"]}
    figures = [name for name in FIGURES if found["metrics"].get(name) is not None]
    exits = f", {found['n_exits']:,} exits that recall counts" if found.get("n_exits") else ""
    about = (
        f"**{study}** ({found['date']}): {found['n_rows']:,} rows, {found['n_positive']:,} churned "
        f"({found['n_positive_customers']:,} people){exits}."
    )
    head = ["", *(FIGURES[name][0] for name in figures)]
    rows = [
        [words, *(_cell(scores[score], name) for name in figures)]
        for score, words in SCORES.items()
        if score in scores
    ]
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{about} {found['reason']}{_share(found)}\n\n{table}"


def _share(found: dict[str, Any]) -> str:
    share = found.get("share_of_oracle")
    return "" if share is None else f" Share of the oracle's average precision: {share:.0%}."


def _cell(figures: dict[str, Any], name: str) -> str:
    value, decimals = figures.get(name), FIGURES[name][1]
    if value is None:
        return ""
    band = figures["intervals"].get(name)
    if band is None:
        return f"{value:.{decimals}f}"
    return f"{value:.{decimals}f} [{band[0]:.{decimals}f}, {band[1]:.{decimals}f}]"


if __name__ == "__main__":
    main()
