"""Worlds that no feature was designed on, and how much of the oracle is reached there.

Example: python experiments/worlds/run.py
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import BEGIN, END, churnml, kept, put  # noqa: E402

CUSTOMERS, WEEKS = 700, 90
RIVALS = {
    "recency": "recency",
    "seed_points": "seed points",
    "rank_sum": "rank sum",
    "logistic_regression": "logistic regression",
    "xgboost_default": "XGBoost as it comes",
    "random": "chance",
}


@dataclass(frozen=True)
class World:
    """A simulated company; with a causes_seed its causes are drawn anew."""

    seed: int
    causes_seed: int | None = None

    @property
    def name(self) -> str:
        """Its seeds in words."""
        anew = "as designed" if self.causes_seed is None else f"causes {self.causes_seed}"
        return f"seed {self.seed}, {anew}"

    def simulated(self, folder: Path) -> Path:
        """Its data, written under the folder."""
        seeds = ["--seed", str(self.seed)]
        if self.causes_seed is not None:
            seeds += ["--causes-seed", str(self.causes_seed)]
        size = ["--customers", str(CUSTOMERS), "--weeks", str(WEEKS)]
        churnml(["simulate", "company", *size, *seeds], folder=folder)
        return folder / "company" / "data"


WORLDS = (World(201, causes_seed=201), World(101))


def main(words: Sequence[str] | None = None) -> None:
    """Simulate and train every world, or only write the table again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", action="store_true", help="only write the table again")
    results = HERE / "results.json"
    if not parser.parse_args(words).tables:
        found: list[dict[str, Any]] = []
        for world in WORLDS:
            found.append(judged(world))
            text = json.dumps({"worlds": found}, indent=1, ensure_ascii=False, sort_keys=True)
            results.write_text(text + "\n", encoding="utf-8")
    block = results_block(json.loads(results.read_text(encoding="utf-8")))
    put(block, into=HERE / "README.md")


def judged(world: World) -> dict[str, Any]:
    """The figures of one world."""
    sys.stderr.write(f"{world.name}\n")
    with tempfile.TemporaryDirectory(prefix="churnml_") as work:
        folder = Path(work)
        data = world.simulated(folder)
        config = ["--config", str(HERE / "study.toml")]
        found = json.loads(churnml(["train", str(data), *config, "--json"], folder=folder))
    figures = kept(found, command="python experiments/worlds/run.py")
    for name in ("by_q", "folds", "notes", "lead_recall_intervals"):
        figures.pop(name, None)
    return {"world": world.name, "share_of_oracle_recall": share_of_recall(figures), **figures}


def share_of_recall(figures: dict[str, Any]) -> float:
    """The recall of the queue as a share of the oracle's."""
    best = figures["baselines"]["oracle"]["recall_at_lead_21d"]
    return float(round(figures["metrics"]["recall_at_lead_21d"] / best, 6))


def results_block(found: dict[str, Any]) -> str:
    """Three tables in Markdown with their markers: model and oracle, then all rivals."""
    worlds = found["worlds"]
    first = worlds[0]
    about = (
        f"{first['date']}, {CUSTOMERS:,} customers, {WEEKS} weeks each; code "
        f"{first['code']['digest']}."
    )
    return "\n\n".join([
        BEGIN, about, _against_oracle(worlds),
        f"Average precision beside the rivals:\n\n{_beside(worlds, 'average_precision')}",
        "Recall with 21 days of notice, on 2 % of the customers a week:\n\n"
        f"{_beside(worlds, 'recall_at_lead_21d')}",
        END,
    ])  # fmt: skip


def _against_oracle(worlds: Sequence[dict[str, Any]]) -> str:
    head = ["world", "exits", "AP", "oracle's", "share", "recall ≥ 21 d", "oracle's", "share"]
    rows = []
    for each in worlds:
        best = each["baselines"]["oracle"]
        rows.append([
            each["world"], f"{each['n_exits']}",
            *_with_band(each, "average_precision"), f"{best['average_precision']:.3f}",
            f"{each['share_of_oracle']:.0%}",
            *_with_band(each, "recall_at_lead_21d"), f"{best['recall_at_lead_21d']:.3f}",
            f"{each['share_of_oracle_recall']:.0%}",
        ])  # fmt: skip
    for words, group in (
        ("**mean, as designed**", [each for each in worlds if "designed" in each["world"]]),
        ("**mean, drawn anew**", [each for each in worlds if "designed" not in each["world"]]),
    ):
        shares = [
            f"**{sum(each[name] for each in group) / len(group):.0%}**"
            for name in ("share_of_oracle", "share_of_oracle_recall")
        ]
        rows.append([words, "", "", "", shares[0], "", "", shares[1]])
    return _table(head, rows)


def _with_band(each: dict[str, Any], name: str) -> list[str]:
    low, high = each["intervals"][name]
    return [f"{each['metrics'][name]:.3f} [{low:.3f}, {high:.3f}]"]


def _beside(worlds: Sequence[dict[str, Any]], figure: str) -> str:
    rows = [
        [
            each["world"],
            f"**{each['metrics'][figure]:.3f}**",
            *(f"{each['baselines'][name][figure]:.3f}" for name in RIVALS),
        ]
        for each in worlds
    ]
    return _table(["world", "churnml", *RIVALS.values()], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
