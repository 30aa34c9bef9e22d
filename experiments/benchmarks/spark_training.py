"""How well a model ranks whose boosters two executors of Spark fitted, beside one machine's.

One simulated company, one split: trained on what had closed before the first test block, tested on
all later rows with a known label. For every seed the recipe is fitted twice on the same rows, once
with boosters of ``xgboost.spark``.

Example: python experiments/benchmarks/spark_training.py --customers 400 --seeds 8
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats
from sklearn.metrics import average_precision_score

from churnml.config import Study
from churnml.labels import CHURNED, UNKNOWN
from churnml.model.cluster import FEATURES, Everyone
from churnml.model.ensemble import fit_ensemble
from churnml.model.examples import prepare
from churnml.sources import open_dataset
from churnml.sources.spark import on_spark
from churnml.sources.world import simulate

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import about, put  # noqa: E402

RESULT = HERE / "results" / "spark_training.json"
BEGIN, END = "<!-- spark training: begin -->", "<!-- spark training: end -->"
#: Two processes beside the driver, a core and a gigabyte each.
MASTER = "local-cluster[2,1,1024]"
RESAMPLES = 1000


def main(words: Sequence[str] | None = None) -> None:
    """Fit, compare, write the JSON and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--world-seed", type=int, default=7)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="churnml_bench_") as work:
        found = measure(asked, Path(work))
    document = {
        **about(__file__, asked), "cores": os.cpu_count(), "xgboost": version("xgboost"),
        "pyspark": version("pyspark"), "master": MASTER, **found,
    }  # fmt: skip
    RESULT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    put(f"{BEGIN}\n{told(document)}\n{END}", into=HERE / "README.md")
    say(told(document))


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Average precision of both for every seed, and the differences."""
    simulate(folder / "world", customers=asked.customers, seed=asked.world_seed)
    dataset = open_dataset(folder / "world" / "data")
    examples, folds = prepare(dataset, study=Study(), cache=folder / "cache")
    tested = folds.starts[0]
    labels = examples.labels[examples.window]
    later = examples.counted & (labels != UNKNOWN).to_numpy() & (examples.as_ofs >= tested)
    table = examples.features[later]
    churned = (labels == CHURNED).to_numpy()[later]
    rows = {head: examples.train_rows(head, folds=folds, tested=tested) for head in examples.heads}
    how = {"folds": folds, "tested": tested}
    bare = replace(examples, features=pd.DataFrame(index=examples.features.index))
    scores: dict[str, list[np.ndarray]] = {"here": [], "there": []}
    seconds: dict[str, list[float]] = {"here": [], "there": []}
    with on_spark(dataset, master=MASTER).home(dataset.connection) as backend:
        whole = pa.Table.from_pandas(examples.features.reset_index(), preserve_index=False)
        backend.load(FEATURES, whole)
        for seed in range(asked.seeds):
            places = {"here": None, "there": Everyone(backend, bare, rows)}
            for name, elsewhere in places.items():
                began = time.perf_counter()
                model = fit_ensemble(examples, seed=seed, elsewhere=elsewhere, **how)
                seconds[name].append(round(time.perf_counter() - began, 1))
                scores[name].append(model.logit(table))
            say(f"  seed {seed}: {[round(ap(churned, scores[n][-1]), 5) for n in scores]}")
    customers = pd.factorize(table.index.get_level_values("customer_id"))[0]
    return {
        "training_rows": int(rows[examples.window].sum()), "columns": examples.features.shape[1],
        "tested_rows": len(churned), "tested_positives": int(churned.sum()), "seconds": seconds,
        **compared(scores, churned, customers),
    }  # fmt: skip


def compared(
    scores: dict[str, list[np.ndarray]], churned: np.ndarray, customers: np.ndarray
) -> dict[str, Any]:
    """Figures of both, and their difference: from seed to seed, and over resampled customers."""
    values = {name: [ap(churned, one) for one in found] for name, found in scores.items()}
    gaps = np.array(values["there"]) - np.array(values["here"])
    mean = {name: np.mean(found, axis=0) for name, found in scores.items()}
    rng = np.random.default_rng(0)
    count = customers.max() + 1
    drawn = []
    for _ in range(RESAMPLES):
        weight = np.bincount(rng.integers(count, size=count), minlength=count)[customers]
        drawn.append(ap(churned, mean["there"], weight) - ap(churned, mean["here"], weight))
    half = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps))
    return {
        "average_precision": {name: [round(v, 5) for v in found] for name, found in values.items()},
        "mean": {name: round(float(np.mean(found)), 5) for name, found in values.items()},
        "sd_between_seeds": round(float(np.std(values["here"], ddof=1)), 5),
        "gap": round(float(gaps.mean()), 5),
        "gap_over_seeds": [round(float(gaps.mean() + side * half), 5) for side in (-1, 1)],
        "gap_over_customers": [round(float(q), 5) for q in np.quantile(drawn, [0.025, 0.975])],
        "correlation_of_logits": round(float(np.corrcoef(mean["there"], mean["here"])[0, 1]), 5),
    }


def ap(churned: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Average precision."""
    return float(average_precision_score(churned, score, sample_weight=weight))


def told(found: dict[str, Any]) -> str:
    """The figures in Markdown."""
    lines = [["boosters fitted by", "average precision, mean of the seeds", "s for a fit"],
             ["---"] * 3]  # fmt: skip
    for name, words in (("here", "one machine"), ("there", "two executors")):
        spent = np.median(found["seconds"][name])
        lines.append([words, f"{found['mean'][name]:.4f}", f"{spent:.1f}"])
    seeds, customers = (
        "[{:+.4f}, {:+.4f}]".format(*found[f"gap_over_{name}"]) for name in ("seeds", "customers")
    )
    return (
        f"{found['date']}, {found['cores']} cores, XGBoost {found['xgboost']}, PySpark "
        f"{found['pyspark']}, {found['master']}; {found['training_rows']:,} rows × "
        f"{found['columns']} features, tested on {found['tested_rows']:,} rows with "
        f"{found['tested_positives']:,} leavers; `{found['command']}`\n\n"
        + "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
        + f"\n\nDifference {found['gap']:+.4f}: 95 % interval over seeds {seeds}, over customers "
        f"{customers}. Standard deviation between seeds on one machine "
        f"{found['sd_between_seeds']:.4f}; correlation of the log-odds "
        f"{found['correlation_of_logits']:.4f}."
    )


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
