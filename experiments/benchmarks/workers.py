"""Whether several workers find settings as good as one does.

The trials of a search depend on the number of its workers, since TPE learns from the trials that
have ended. So the best value is compared over many seeds, each searched by one worker and by two,
on the same inner folds.

Example: python experiments/benchmarks/workers.py --customers 300 --trials 20 --seeds 10
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from churnml.config import Study
from churnml.model.examples import prepare
from churnml.model.search_storage import Place
from churnml.model.tuning import tune
from churnml.sources import open_dataset
from churnml.sources.world import simulate

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import about  # noqa: E402

RESULT = HERE / "results" / "workers.json"


def main(words: Sequence[str] | None = None) -> None:
    """Search, compare, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="churnml_bench_") as work:
        best = measure(asked, Path(work))
    document = {**about(__file__, asked), **compared(best)}
    RESULT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(json.dumps(document, indent=1) + "\n")


def measure(asked: argparse.Namespace, folder: Path) -> dict[int, list[float]]:
    """The best mean average precision of each seed, by number of workers."""
    simulate(folder / "world", customers=asked.customers)
    dataset = open_dataset(folder / "world" / "data")
    examples, folds = prepare(dataset, study=Study(), cache=folder / "cache")
    best: dict[int, list[float]] = {1: [], 2: []}
    for seed in range(asked.seeds):
        for workers, found in best.items():
            tuned = tune(
                examples, folds=folds, tested=folds.starts[0], trials=asked.trials, seed=seed,
                workers=workers, place=Place(folder / f"{seed}_{workers}.journal"),
            )  # fmt: skip
            found.append(round(float(tuned.trials["average_precision"].max()), 6))
        sys.stderr.write(f"  seed {seed}: {best[1][-1]}, {best[2][-1]}\n")
    return best


def compared(best: dict[int, list[float]]) -> dict[str, Any]:
    """Two workers less one, seed by seed, with the interval of Student's t."""
    one, two = (np.array(found) for found in best.values())
    less = two - one
    low, high = stats.ttest_1samp(less, 0.0).confidence_interval()
    return {
        "one": one.tolist(),
        "two": two.tolist(),
        "spread_of_one": round(float(one.std(ddof=1)), 4),
        "difference": round(float(less.mean()), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
    }


if __name__ == "__main__":
    main()
