"""Which planted leaks the audit finds, and whether it is silent on clean worlds.

python experiments/audit/run.py --out /tmp/audit-worlds [--quick]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import plants

from churnml.config import read_study
from churnml.evaluation.audit import Audit, audit_tables, examine
from churnml.sources.world import simulate

HERE = Path(__file__).parent
#: customers, weeks, seed of the worlds that are planted, and of those that stay clean.
CLEAN = ((500, 60, 41), (500, 104, 42), (700, 78, 43), (1000, 70, 44), (600, 90, 45),
         (800, 60, 46), (1000, 104, 47), (2000, 78, 48))  # fmt: skip
#: The same for the planted ones, and the shares of leavers (or rows) that a plant touches.
PLANTED = {(500, 70, 31): (1.0, 0.5, 0.25)}


def world(folder: Path, size: tuple[int, int, int]) -> Path:
    """The simulated world of that size, made once."""
    customers, weeks, seed = size
    out = folder / f"w{customers}_{weeks}_{seed}"
    if not (out / "data").exists():
        simulate(out, world="saas", customers=customers, weeks=weeks, seed=seed)
    return out


def named(audit: Audit, table: str, word: str) -> bool:
    """Whether an alarm names the table and the word of the plant."""
    told = [f"{one.table} {one.column} {one.value} {one.message}" for one in audit.alarms]
    return any(table in text and word in text for text in told)


def planted(folder: Path, sizes: list[tuple[int, int, int]]) -> list[dict[str, object]]:
    """Every plant at every strength on every world."""
    rows = []
    for size in sizes:
        source = world(folder, size)
        for name, (_, table, word) in plants.PLANTS.items():
            for strength in PLANTED[size]:
                suffix = "csv" if strength == 0.5 else "parquet"
                data = plants.plant(source, folder / "planted", name, strength=strength,
                                    seed=size[2], suffix=suffix)  # fmt: skip
                start = time.process_time()
                audit = audit_tables(data, study=read_study(None))
                rows.append(
                    {
                        "plant": name, "customers": size[0], "weeks": size[1], "seed": size[2],
                        "strength": strength, "format": suffix,
                        "found": named(audit, table, word), "alarms": len(audit.alarms),
                        "checks": sorted({one.check for one in audit.alarms}),
                        "cpu_seconds": round(time.process_time() - start, 1),
                    }
                )  # fmt: skip
                sys.stderr.write(f"{rows[-1]}\n")
    shutil.rmtree(folder / "planted", ignore_errors=True)
    return rows


def clean(folder: Path, sizes: tuple[tuple[int, int, int], ...]) -> list[dict[str, object]]:
    """The whole doctor on clean worlds, and the harmless plant on its tables."""
    rows = []
    for size in sizes:
        source = world(folder, size)
        start = time.process_time()
        audit = examine(source / "data", dataset_file=None, study=read_study(None),
                        cache=folder / "cache", say=lambda line: None)  # fmt: skip
        spent = round(time.process_time() - start, 1)
        data = plants.plant(source, folder / "planted", "refund_event_honest", seed=size[2])
        harmless = audit_tables(data, study=read_study(None))
        rows.append(
            {
                "customers": size[0], "weeks": size[1], "seed": size[2],
                "alarms": [one.message for one in audit.alarms],
                "alarms_on_honest_known_at": [one.message for one in harmless.alarms],
                "cpu_seconds": spent,
            }
        )  # fmt: skip
        sys.stderr.write(f"{rows[-1]}\n")
    return rows


def main() -> None:
    """Run both tables and write results.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="Folder for the worlds.")
    parser.add_argument("--quick", action="store_true", help="One small world of each kind.")
    given = parser.parse_args()
    few = 1 if given.quick else None
    results = {"clean": clean(given.out, CLEAN[:few]),
               "planted": planted(given.out, list(PLANTED)[:few])}  # fmt: skip
    target = given.out if given.quick else HERE
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (target / "results.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
