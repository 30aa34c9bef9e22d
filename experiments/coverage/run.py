"""Whether 95 % intervals of one population contain what the same model reaches on all people."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from people import CUSTOMERS, WINDOW, draw, fit, observed_until, scored, world_of

from churnml.alerting import Policy
from churnml.evaluation import evaluate, queue_metrics, row_metrics

WORLDS = range(1, 11)
#: Seeds of people: to fit on, the populations that are judged, the parts of the large one.
FITTED = range(9_000, 9_002)
SMALL = range(100, 120)
LARGE = range(1_000, 1_050)
POLICY = Policy()
FIGURES = ("recall_at_lead_21d", "alert_precision", "average_precision")
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


def cases(work: Path, worlds: range, *, resamples: int) -> Iterator[dict[str, object]]:
    """Figure, interval and truth of every small population."""
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
