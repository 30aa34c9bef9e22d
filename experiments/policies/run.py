"""What each option of the alert policy costs and saves, by replay on the default world."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.alerting import Policy
from churnml.alerting.surroundings import surroundings
from churnml.config import Study
from churnml.evaluation import evaluate
from churnml.health import health, health_features, read_preset
from churnml.labels import label, spells
from churnml.scoring import features_at
from churnml.sources import open_dataset
from churnml.windows import DAY, LabelWindow, weekly

HERE = Path(__file__).parent
WEEKS = 40
RESAMPLES = 200
SEED = Study().seed
POLICIES = {
    "default: 2 %, 56 days quiet": Policy(seed=SEED),
    "edges: entering the top 5 %": Policy(seed=SEED, enter=0.05),
    "bands: enter 5 %, leave 15 %": Policy(seed=SEED, enter=0.05, exit=0.15),
    "persistence: 2 of 3 weeks in the top 10 %": Policy(seed=SEED, persist=(2, 3, 0.1)),
    "no alert in an open intervention": Policy(seed=SEED, suppress=("intervention",)),
    "no alert in outages and holidays": Policy(seed=SEED, suppress=("outage", "holiday")),
    "at most 3 alerts an owner a week": Policy(seed=SEED, owner_capacity=3),
    "control arm of 10 %": Policy(seed=SEED, control_share=0.1),
}
FIGURES = ("alerts_per_week", "recall_at_lead_21d", "recall_above_random", "alert_precision")


def main() -> None:
    """Score by health, replay every policy, write results.json and the table of the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/demo/data"))
    results = replayed(parser.parse_args().data)
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    readme = HERE / "README.md"
    head, _, rest = readme.read_text(encoding="utf-8").partition("<!-- table -->\n")
    tail = rest.partition("<!-- end -->")[2]
    text = f"{head}<!-- table -->\n{table(results)}<!-- end -->{tail}"
    readme.write_text(text, encoding="utf-8")


def replayed(data: Path) -> dict[str, Any]:
    """Figures with intervals of every policy, on the last weeks whose labels are closed."""
    dataset, study, preset = open_dataset(data), Study(), read_preset("default")
    window = LabelWindow(
        study.label.lead_days, study.label.horizon_days, dataset.description.churn.delay_days
    )
    last = dataset.observed_until - window.closing_days * DAY
    as_ofs = list(weekly(last - (WEEKS - 1) * 7 * DAY, last + DAY))
    features = features_at(dataset, as_ofs, features=health_features(dataset, preset))
    rows = features.index.to_frame(index=False)
    rows["score"] = 100.0 - health(features, preset)["health"].to_numpy()
    labels, exits = label(dataset, rows, window=window), spells(dataset)
    found = {}
    for name, policy in POLICIES.items():
        judged = evaluate(
            rows, labels, exits, window=window, policy=policy,
            observed_until=dataset.observed_until, loads=(), resamples=RESAMPLES, seed=SEED,
            surroundings=surroundings(dataset, rows, policy=policy),
        )  # fmt: skip
        found[name] = {
            figure: {"value": judged.metrics[figure], "interval": judged.intervals[figure]}
            for figure in FIGURES
        }
    first, final = f"{as_ofs[0]:%Y-%m-%d}", f"{as_ofs[-1]:%Y-%m-%d}"
    return {"rows": len(rows), "first": first, "last": final, "policies": found}


def table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = ["| policy | alerts a week | recall in time | above random | alert precision |",
             "|---|---|---|---|---|"]  # fmt: skip
    for name, figures in results["policies"].items():
        cells = [said(figures[figure], share=figure != FIGURES[0]) for figure in FIGURES]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def said(figure: dict[str, Any], *, share: bool) -> str:
    """A figure with its interval, shares in percent."""
    unit = 100 if share else 1
    if pd.isna(figure["value"]):
        return "–"
    low, high = (unit * bound for bound in figure["interval"])
    return f"{unit * figure['value']:.0f} [{low:.0f}, {high:.0f}]"


if __name__ == "__main__":
    main()
