"""What a new week and a changed feature cost, when the earlier values are in the cache.

Builds the features of all weeks but the last of a simulated company, then of all weeks, then with
one feature declared anew. Each step is what the monthly run does; the values are compared with a
build without a cache.

Example: python experiments/benchmarks/incremental.py --customers 2000 --weeks 104
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from churnml.features import Feature, catalogue, compute_features
from churnml.features.algebra import Rows, Window
from churnml.features.cache import cached_features
from churnml.features.operators import count
from churnml.features.row_sources import EVENTS
from churnml.snapshots import take_snapshots
from churnml.sources import open_dataset
from churnml.sources.dataset import Dataset
from churnml.sources.world import simulate
from churnml.windows import weekly

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import about  # noqa: E402

RESULT = HERE / "results" / "incremental.json"


def main(words: Sequence[str] | None = None) -> None:
    """Measure, compare, write the JSON and a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--weeks", type=int, default=104)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="churnml_bench_") as work:
        folder = Path(work)
        simulate(folder / "world", customers=asked.customers, weeks=asked.weeks)
        dataset = open_dataset(folder / "world" / "data")
        found = measure(dataset, folder / "cache", weeks=asked.weeks - 14)
    document = {**about(__file__, asked), **found}
    RESULT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(json.dumps(document, indent=1) + "\n")


def measure(dataset: Dataset, folder: Path, *, weeks: int) -> dict[str, object]:
    """Processor and wall seconds of each step, and whether the last table is the uncached one."""
    last = dataset.observed_until.normalize()
    as_ofs = weekly(last - pd.Timedelta(weeks=weeks), last)
    features = [one for one in catalogue(dataset) if one.family.value != "conversation"]
    another = dataclasses.replace(features[0], value=count(Rows(EVENTS), Window(2)))
    build(dataset, folder / "warm", as_ofs[:2], features)
    steps = {
        "all weeks but one": (as_ofs[:-1], features),
        "one week more": (as_ofs, features),
        "one feature declared anew": (as_ofs, [another, *features[1:]]),
        "nothing new": (as_ofs, [another, *features[1:]]),
    }
    found: dict[str, object] = {}
    table = pd.DataFrame()
    for name, (times, chosen) in steps.items():
        began, used = time.perf_counter(), time.process_time()
        table = build(dataset, folder / "kept", times, chosen)
        found[name] = {
            "wall": round(time.perf_counter() - began, 2),
            "cpu": round(time.process_time() - used, 2),
        }
    snapshots = take_snapshots(dataset, as_ofs)
    plain = compute_features(dataset, snapshots, features=[another, *features[1:]])
    pd.testing.assert_frame_equal(table, plain, check_exact=True)
    return {"rows": len(table), "features": len(features), "equal": True, "steps": found}


def build(
    dataset: Dataset, folder: Path, as_ofs: Sequence[pd.Timestamp], features: Sequence[Feature]
) -> pd.DataFrame:
    """The table of these weeks, as the monthly run makes it."""
    snapshots = take_snapshots(dataset, as_ofs)
    everyone = pd.Series(True, index=snapshots.index)
    return cached_features(dataset, snapshots, features=features, kept=everyone, folder=folder)


if __name__ == "__main__":
    main()
