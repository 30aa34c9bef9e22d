"""Whether 95 % intervals of one population contain what the same model reaches on all people."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from people import CUSTOMERS, WINDOW, draw, fit, observed_until, scored, world_of

from churnml import alerting, evaluation
from churnml.alerting import Policy
from churnml.evaluation import evaluate, queue_metrics, row_metrics

WORLDS = range(1, 11)
#: Seeds of people: to fit on, the populations that are judged, the parts of the large one.
FITTED = range(9_000, 9_002)
SMALL = range(100, 120)
LARGE = range(1_000, 1_050)
POLICY = Policy()
FIGURES = (
    "recall_at_lead_21d", "alert_precision", "average_precision", "alert_precision_in_time",
    "median_lead_days", "roc_auc", "lift_at_10pct", "brier", "ece", "calibration_slope",
)  # fmt: skip
RESULTS = Path(__file__).with_name("results.json")


def simulate(work: Path, worlds: range) -> None:
    """Write scores and spells of every population that is not there yet."""
    for world in worlds:
        wanted = [seed for seed in (*SMALL, *LARGE) if not _files(work, world, seed)[1].exists()]
        if not wanted:
            continue
        setting = world_of(world)
        model = fit(setting, population_seeds=FITTED)
        for seed in wanted:
            population = draw(setting, population_seed=seed)
            scores, exits = _files(work, world, seed)
            scores.parent.mkdir(parents=True, exist_ok=True)
            scored(population, model).to_parquet(scores)
            population.spells.to_parquet(exits)


def _files(work: Path, world: int, seed: int) -> tuple[Path, Path]:
    folder = work / f"world-{world:02}"
    return folder / f"{seed}-scores.parquet", folder / f"{seed}-spells.parquet"


def _read(work: Path, world: int, seeds: range) -> tuple[pd.DataFrame, pd.DataFrame]:
    scores, exits = zip(*(_files(work, world, seed) for seed in seeds), strict=True)
    return (
        pd.concat([pd.read_parquet(file) for file in scores], ignore_index=True),
        pd.concat([pd.read_parquet(file) for file in exits], ignore_index=True),
    )


def truths(work: Path, world: int) -> dict[str, float | None]:
    """What model and policy reach when the people of fifty populations stand in one queue."""
    rows, exits = _read(work, world, LARGE)
    scores, labels = rows.drop(columns="label"), rows["label"]
    queue = queue_metrics(
        scores, exits, POLICY,
        observed_until=observed_until(world_of(world)), delay_days=WINDOW.delay_days,
    )  # fmt: skip
    return queue | row_metrics(scores, labels)


def cases(work: Path, worlds: range, *, resamples: int) -> pd.DataFrame:
    """Figure, interval and truth of every small population; a world is judged once per code."""
    parts = []
    for world in worlds:
        kept = work / f"world-{world:02}" / f"cases-{resamples}-{_code()}.parquet"
        if not kept.exists():
            judged = pd.DataFrame(judge(work, range(world, world + 1), resamples=resamples))
            judged.to_parquet(kept)
        parts.append(pd.read_parquet(kept))
    return pd.concat(parts, ignore_index=True)


def _code() -> str:
    """Digest of the code that the intervals come from."""
    files = [
        file for part in (evaluation, alerting) for file in Path(part.__file__).parent.glob("*.py")
    ]
    text = b"".join(file.read_bytes() for file in sorted(files))
    return hashlib.sha256(text).hexdigest()[:12]


def judge(work: Path, worlds: range, *, resamples: int) -> Iterator[dict[str, object]]:
    """The cases of some worlds, computed."""
    for world in worlds:
        truth = truths(work, world)
        until = observed_until(world_of(world))
        for seed in SMALL:
            rows, exits = _read(work, world, range(seed, seed + 1))
            judged = evaluate(
                rows.drop(columns="label"), rows["label"], exits,
                window=WINDOW, policy=POLICY, observed_until=until, loads=(),
                resamples=resamples, seed=seed,
            )  # fmt: skip
            for name in FIGURES:
                low, high = judged.intervals[name] or (np.nan, np.nan)
                yield {
                    "world": world, "population": seed, "figure": name,
                    "value": judged.metrics[name], "low": low, "high": high,
                    "truth": truth[name], "n_exits": judged.n_exits, "n_alerts": judged.n_alerts,
                }  # fmt: skip


def table(found: pd.DataFrame) -> list[dict[str, object]]:
    """How often the interval contained the truth, over all cases of each figure."""
    judged = found.assign(
        covered=(found["low"] <= found["truth"]) & (found["truth"] <= found["high"]),
        too_high=found["low"] > found["truth"],
        too_low=found["high"] < found["truth"],
        width=found["high"] - found["low"],
    )
    groups = judged.groupby("figure", sort=False)
    means = groups[["covered", "too_high", "too_low", "width", "value", "truth", "n_exits"]].mean()
    by_world = judged.pivot_table(values="covered", index="figure", columns="world")
    return [
        {
            "figure": figure,
            "cases": int(groups.size()[figure]),
            "contained": int(groups["covered"].sum()[figure]),
            **{name: round(float(value), 4) for name, value in row.items()},
            "covered_by_world": {str(w): float(v) for w, v in by_world.loc[figure].items()},
        }
        for figure, row in means.iterrows()
    ]


def main() -> None:
    """Simulate what is missing, judge, and write the results beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("mlruns/coverage"), help="work folder")
    parser.add_argument("--worlds", type=int, default=len(WORLDS), help="how many worlds")
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    worlds = WORLDS[: options.worlds]
    simulate(options.work, worlds)
    found = cases(options.work, worlds, resamples=options.resamples)
    document = {
        "worlds": len(worlds),
        "populations": len(SMALL),
        "customers": CUSTOMERS,
        "customers_of_the_truth": CUSTOMERS * len(LARGE),
        "resamples": options.resamples,
        "q": POLICY.q,
        "figures": table(found),
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for row in document["figures"]:
        sys.stdout.write(f"{row['figure']}: {row['contained']} of {row['cases']}\n")


if __name__ == "__main__":
    main()
