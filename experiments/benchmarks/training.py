"""What a search of settings costs beside bare fits of the same boosters on the same matrices.

churnml: ``tune`` from the feature table on, with its journal: inner folds, matrices, choosing
settings, fits, early stopping. bare: ``xgboost.train`` with the settings and rounds of those trials
on matrices that are there already, no test looked at. early_stopping: the same trials by XGBoost's
own early stopping on a test matrix of quantiles; its best value must be that of churnml. workers:
the search by that many processes.

Example: python experiments/benchmarks/training.py --customers 300 --trials 50 --rounds 2
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from churnml.config import Study
from churnml.model.boosting import Parameters
from churnml.model.examples import prepare
from churnml.model.search_storage import Place
from churnml.model.trial import PATIENCE, ROUNDS, FoldArrays
from churnml.model.tuning import Tuned, fold_arrays, inner_folds, tune
from churnml.sources import open_dataset
from churnml.sources.world import simulate

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import about, put  # noqa: E402

RESULT = HERE / "results" / "training.json"
BEGIN, END = "<!-- training: begin -->", "<!-- training: end -->"
SETTING = ("max_depth", "eta", "min_child_weight", "subsample", "colsample_bytree", "reg_lambda")


def main(words: Sequence[str] | None = None) -> None:
    """Measure, compare the best values, write the JSON and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 4])
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="churnml_bench_") as work:
        found = measure(asked, Path(work))
    document = {
        **about(__file__, asked), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1),
        "xgboost": xgboost.__version__, **found,
    }  # fmt: skip
    RESULT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    put(f"{BEGIN}\n{table(document)}\n{END}", into=HERE / "README.md")


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Seconds of every contender, rounds interleaved, and what each found best."""
    simulate(folder / "world", customers=asked.customers, seed=asked.seed)
    dataset = open_dataset(folder / "world" / "data")
    examples, folds = prepare(dataset, study=Study(), cache=folder / "cache")
    tested = folds.starts[0]
    arrays = fold_arrays(examples, folds=inner_folds(examples, folds=folds, tested=tested))
    seconds: dict[str, list[tuple[float, float]]] = {}
    best: dict[str, float] = {}

    def search(name: str, workers: int) -> Tuned:
        journal = folder / f"{name}_{len(seconds.get(name, []))}.journal"
        began = clocks()
        tuned = tune(
            examples, folds=folds, tested=tested, trials=asked.trials, seed=asked.seed,
            workers=workers, place=Place(journal),
        )  # fmt: skip
        seconds.setdefault(name, []).append(since(began))
        best[name] = float(tuned.trials["average_precision"].max())
        say(f"  {name}: {seconds[name][-1]} best {best[name]}")
        return tuned

    stopped: list[list[int]] = []
    for _ in range(asked.rounds):
        tuned = search("churnml", 1)
        settings = [Parameters(**row) for row in tuned.trials[list(SETTING)].to_dict("records")]
        if not stopped:
            began = clocks()
            best["early_stopping"], stopped = early_stopping(arrays, settings, asked.seed)
            seconds["early_stopping"] = [since(began)]
        inner = [fold.matrices() for fold in arrays]
        began = clocks()
        for setting, rounds in zip(settings, stopped, strict=True):
            for fold, count in zip(inner, rounds, strict=True):
                chosen = setting.booster(seed=asked.seed, monotone=fold.monotone)
                xgboost.train(chosen, fold.train, num_boost_round=count)
        seconds.setdefault("bare", []).append(since(began))
        say(f"  bare: {seconds['bare'][-1]}")
    for workers in asked.workers:
        search(f"{workers} workers", workers)
    return {
        "matrices": [[*fold.train.shape, len(fold.test)] for fold in arrays],
        "boosting_rounds": int(np.sum(stopped)),
        "contenders": {name: figures(name, seconds, best) for name in seconds},
    }


def early_stopping(
    arrays: Sequence[FoldArrays], settings: Sequence[Parameters], seed: int
) -> tuple[float, list[list[int]]]:
    """Best mean value, and the rounds that were fitted in each fold, as XGBoost itself stops."""
    inner = [fold.matrices() for fold in arrays]
    tests = [
        xgboost.QuantileDMatrix(
            one.test, one.test_target, ref=fold.train, feature_names=fold.train.feature_names,
            max_bin=128,
        )
        for one, fold in zip(arrays, inner, strict=True)
    ]  # fmt: skip
    values, fitted = [], []
    for setting in settings:
        boosters = [
            xgboost.train(
                setting.booster(seed=seed, monotone=fold.monotone), fold.train, ROUNDS,
                evals=[(test, "test")], early_stopping_rounds=PATIENCE, verbose_eval=False,
            )
            for fold, test in zip(inner, tests, strict=True)
        ]  # fmt: skip
        values.append(float(np.mean([booster.best_score for booster in boosters])))
        fitted.append([booster.num_boosted_rounds() for booster in boosters])
    return max(values), fitted


def clocks() -> tuple[float, float]:
    """Wall and processor seconds so far, ended workers included."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), time.process_time() + children.ru_utime + children.ru_stime


def since(began: tuple[float, float]) -> tuple[float, float]:
    """Wall and processor seconds since then."""
    wall, cpu = clocks()
    return round(wall - began[0], 2), round(cpu - began[1], 2)


def figures(
    name: str, seconds: dict[str, list[tuple[float, float]]], best: dict[str, float]
) -> dict[str, Any]:
    """Medians, and ratios to the bare fits of the same round."""
    found: dict[str, Any] = {"runs": len(seconds[name]), "best": best.get(name)}
    for place, key in enumerate(("wall", "cpu")):
        own, bare = ([run[place] for run in seconds[who]] for who in (name, "bare"))
        ratios = sorted(one / low for one, low in zip(own, bare, strict=False))
        found |= {
            key: round(statistics.median(own), 2),
            f"{key}_ratio": round(statistics.median(ratios), 3),
            f"{key}_ratio_range": [round(ratios[0], 3), round(ratios[-1], 3)],
        }
    return found


def table(found: dict[str, Any]) -> str:
    """The figures in Markdown."""
    sizes = ", ".join(f"{rows:,} × {columns} ({tests:,})" for rows, columns, tests in
                      found["matrices"])  # fmt: skip
    head = ["contender", "s", "cpu s", "of bare: s", "cpu s", "best average precision"]
    lines = [head, ["---"] * len(head)]
    for name, one in found["contenders"].items():
        low, high = one["cpu_ratio_range"]
        best = "" if one["best"] is None else f"{one['best']:.6f}"
        lines.append([name, f"{one['wall']:.1f}", f"{one['cpu']:.1f}", f"{one['wall_ratio']:.2f}",
                      f"{one['cpu_ratio']:.2f} [{low:.2f}–{high:.2f}]", best])  # fmt: skip
    return (
        f"{found['date']}, {found['cores']} cores, load {found['load']}; training rows × columns "
        f"(test rows) of the inner folds: {sizes}; {found['boosting_rounds']:,} boosting rounds; "
        f"`{found['command']}`\n\n" + "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    )


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
