"""Which way to the weeks ahead is truest: a stage after the score, a hazard, boosters, AFT."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from candidates import accelerated_failure, booster_per_week, stacked_hazard
from judging import judge

from churnml.config import Study, read_study
from churnml.evaluation.forward import Fitting, inner_block
from churnml.labels import UNKNOWN
from churnml.model.examples import prepare
from churnml.model.horizons import fit_weeks_ahead, tied
from churnml.sources import open_dataset

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
OULAD = HERE.parent / "oulad"
RIVALS = {
    "stacked_hazard": stacked_hazard,
    "booster_per_week": booster_per_week,
    "accelerated_failure": accelerated_failure,
}


def compare(data: Path, *, description: Path | None, study: Study) -> dict[str, object]:
    """Every candidate on the same tested rows of a dataset, each fitted on earlier folds only."""
    dataset = open_dataset(data, dataset_file=description)
    examples, folds = prepare(dataset, study=study, cache=Path("mlruns/cache"), say=_say)
    fitting, window = Fitting.of(study, parameters=None), examples.window
    seen = inner_block(examples, folds=folds, tested=folds.starts[0], fitting=fitting)
    scores: list[pd.Series] = []
    curves: dict[str, list[np.ndarray]] = {}
    for start, end in folds.blocks():
        ensemble = fitting.fit(examples, folds=folds, tested=start)
        within = (examples.as_ofs >= start) & (examples.as_ofs < end)
        features = examples.features[examples.population.to_numpy() & np.asarray(within)]
        score = ensemble.predict(features)
        stage = fit_weeks_ahead(seen, examples.exits.loc[seen.index], known=start, window=window)
        found = {"second_stage": stage.curve(score).to_numpy()}
        for name, rival in RIVALS.items():
            arguments = {"tested": start, "scored": features, "seed": study.seed}
            found[name] = rival(examples, ensemble, **arguments)
            found[f"{name}_tied"] = tied(found[name], score.to_numpy(), window=window)
            _say(f"{name}, fold from {start:%Y-%m-%d}")
        for name, curve in found.items():
            curves.setdefault(name, []).append(curve)
        scores.append(score)
        seen = pd.concat([seen, score])
    tested = pd.concat(scores)
    labels = examples.labels[window].loc[tested.index]
    known = (labels != UNKNOWN).to_numpy()
    return judge(
        tested[known], {name: np.vstack(parts)[known] for name, parts in curves.items()},
        labels[known], examples.exits.loc[tested.index][known], window=window,
        known=dataset.observed_until,
    )  # fmt: skip


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main() -> None:
    """Compare on the simulated world and on OULAD, and write the results beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", type=Path, default=Path("data/demo/data"))
    parser.add_argument("--oulad", type=Path, help="folder of OULAD; left out without it")
    chosen = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if chosen.oulad is not None:
        study = read_study(OULAD / "study.toml")
        results["oulad"] = compare(chosen.oulad, description=OULAD / "dataset.toml", study=study)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    results["world"] = compare(chosen.world, description=None, study=Study())
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
