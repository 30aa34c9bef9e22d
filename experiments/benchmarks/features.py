"""From events in Parquet to a feature table in Parquet: churnml, its peers and the limit.

Every contender runs in a process of its own; the rounds are interleaved, so that ratios are of
one run. What a contender wrote is compared with a brute-force oracle before its time counts.

Example: python experiments/benchmarks/features.py --size small --rounds 3
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import job
import pyarrow.dataset as ds
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
sys.path.insert(0, str(HERE.parent))

from isolated import BEGIN, END, put  # noqa: E402

#: Contender: the module it is in, what it must import, the largest size that it is asked to do.
CONTENDERS = {
    "limit": ("peers", "pyarrow", "xl"),
    "churnml": ("ours", "churnml", "xl"),
    "churnml_sql": ("ours", "churnml", "medium"),
    "churnml_gated": ("ours", "churnml", "large"),
    "churnml_frame": ("ours", "churnml", "medium"),
    "churnml_spark": ("ours", "pyspark", "small"),
    "duck_window": ("peers", "duckdb", "medium"),
    "polars_hand": ("peers", "polars", "large"),
    "fight_churn": ("peers", "duckdb", "small"),
    "duck_naive": ("peers", "duckdb", "small"),
    "featuretools": ("peers", "featuretools", "tiny"),
}
ORDER = list(job.SIZES)
#: Modules are compiled once and kept, as everywhere that does not forbid it: the first run does it.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PYTHONWARNINGS"] = "ignore"  # featuretools warns of its own code some thousand times


def main(words: Sequence[str] | None = None) -> None:
    """Measure what was asked for, write the JSON and the table."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="See README.md beside.")
    parser.add_argument("--size", choices=ORDER, default="small")
    parser.add_argument(
        "--rounds", type=int, default=3, help="0: the run that is checked is the one that counts"
    )
    parser.add_argument("--only", nargs="*", help="contenders; default: all that do this size")
    parser.add_argument("--folder", type=Path, help="keep the drawn events here for the next run")
    parser.add_argument(
        "--peers", type=Path, help="python of an environment with polars and featuretools"
    )
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tables", action="store_true", help="only write the tables again")
    asked = parser.parse_args(words)
    if asked.run:
        module = importlib.import_module(CONTENDERS[asked.run][0])
        getattr(module, asked.run)(asked.folder, asked.out, job.SIZES[asked.size][1])
        asked.out.with_suffix(".peak").write_text(str(peak_mb()), encoding="utf-8")
    elif not asked.tables:
        with tempfile.TemporaryDirectory(prefix="churnml_bench_") as work:
            measure(asked, (asked.folder or Path(work)) / asked.size)
    if not asked.run:
        write_tables()


def measure(asked: argparse.Namespace, folder: Path) -> None:
    """Draw, check, time."""
    size = asked.size
    say(f"{size}: {job.SIZES[size][0]:,} events of {job.SIZES[size][1]:,} customers")
    events = job.draw(size, folder)
    expected = job.oracle(events, job.sample(size))
    pythons = {name: interpreter(name, asked.peers) for name in chosen(asked)}
    there = {name: python for name, python in pythons.items() if python is not None}
    checks = {name: "not installed" for name in pythons if name not in there}
    timed: dict[str, list[dict[str, float]]] = {name: [] for name in there}
    for name in [name for name in there if name != "limit"]:
        ran, checks[name] = tried(name, there[name], folder, size, expected)
        say(f"  {name}: {checks[name]} ({ran['wall']:.1f} s, first run)")
        if not asked.rounds:
            timed[name].append(ran)
    if "limit" in there:
        checks["limit"] = "–"
        if not asked.rounds:
            timed["limit"].append(run("limit", there["limit"], folder, size))
    for number in range(asked.rounds):
        for name, python in there.items():
            ran = run(name, python, folder, size)
            timed[name].append(ran)
            say(f"  round {number + 1} {name}: {ran['wall']:.2f} s, {ran['cpu']:.2f} cpu")
    keep(asked, checks, timed)


def chosen(asked: argparse.Namespace) -> list[str]:
    """The contenders asked for; those that would take too long at this size only by name."""
    if asked.only:
        return list(asked.only)
    return [
        name for name, (*_, most) in CONTENDERS.items()
        if ORDER.index(most) >= ORDER.index(asked.size)
    ]  # fmt: skip


def interpreter(name: str, peers: Path | None) -> Path | None:
    """A python that has what the contender needs; None, said aloud, where there is none."""
    needs = CONTENDERS[name][1]
    for python in (Path(sys.executable), peers):
        if python is None:
            continue
        asked = [str(python), "-c", f"import {needs}"]
        if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return python
    say(f"  SKIPPED {name}: {needs} is not installed; give --peers (README.md)")
    return None


def tried(
    name: str, python: Path, folder: Path, size: str, expected: dict[str, Any]
) -> tuple[dict[str, float], str]:
    """One run that does not count, and what the oracle says of what it wrote."""
    out = folder / f"{name}.parquet"
    ran = run(name, python, folder, size, out=out)
    found = job.check(size, out, expected)
    if name.startswith("churnml") and found == "exact":
        first = [f"C{number:07d}" for number in range(min(1000, job.SIZES[size][1]))]
        rows = ds.dataset(out).to_table(filter=ds.field("customer_id").isin(first))
        pq.write_table(rows, folder / job.BLOCK)
    out.unlink()
    return ran, found


def run(
    name: str, python: Path, folder: Path, size: str, *, out: Path | None = None
) -> dict[str, float]:
    """Seconds, processor seconds, peak memory and size of the output of one process."""
    target = out or folder / f"{name}.timed.parquet"
    command = [str(python), str(HERE / "features.py"), "--run", name, "--size", size,
               "--folder", str(folder), "--out", str(target)]  # fmt: skip
    began = time.perf_counter()
    process = subprocess.Popen(command, env=ENVIRONMENT)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if status != 0:
        sys.exit(f"{name} ended with status {status}; see above.")
    written = target.stat().st_size
    peak = target.with_suffix(".peak").read_text(encoding="utf-8")
    target.with_suffix(".peak").unlink()
    if out is None:
        target.unlink()
    shutil.rmtree(target.with_suffix(".spill"), ignore_errors=True)
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime,
            "peak_mb": float(peak), "out_mb": written / 2**20}  # fmt: skip


def keep(
    asked: argparse.Namespace, checks: dict[str, str], timed: dict[str, list[dict[str, float]]]
) -> None:
    """Write the figures of this size."""
    import churnml
    from churnml.features.cache import code_digest

    limits = timed.get("limit", [])
    found = {}
    for name, check in checks.items():
        runs = timed.get(name, [])
        figures = {key: round(statistics.median(r[key] for r in runs), 3) for key in runs[0]} \
            if runs else {}  # fmt: skip
        for key in ("wall", "cpu"):
            if runs and limits and name != "limit":
                ratios = sorted(r[key] / low[key] for r, low in zip(runs, limits, strict=True))
                figures[f"{key}_ratio"] = round(statistics.median(ratios), 2)
                figures[f"{key}_ratio_range"] = [round(ratios[0], 2), round(ratios[-1], 2)]
        found[name] = {"check": check, "runs": len(runs), **figures}
    document = {
        "size": asked.size, "events": job.SIZES[asked.size][0],
        "customers": job.SIZES[asked.size][1], "rows": job.SIZES[asked.size][1] * len(job.AS_OFS),
        "date": datetime.now(tz=UTC).date().isoformat(), "cores": os.cpu_count(),
        "load": [round(value, 1) for value in os.getloadavg()], "python": platform.python_version(),
        "code": {"version": churnml.__version__, "digest": code_digest("features")},
        "command": "python experiments/benchmarks/features.py " + " ".join(
            [f"--size {asked.size} --rounds {asked.rounds}",
             *(["--only", *asked.only] if asked.only else [])]),
        "contenders": found,
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{asked.size}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_tables() -> None:
    """Put the tables of all sizes between the markers of the README, and show them."""
    blocks = [
        table(json.loads((RESULTS / f"{size}.json").read_text(encoding="utf-8")))
        for size in ORDER
        if (RESULTS / f"{size}.json").is_file()
    ]
    text = "\n\n".join(blocks)
    put(f"{BEGIN}\n{text}\n{END}", into=HERE / "README.md")
    say(text)


def table(found: dict[str, Any]) -> str:
    """One size in Markdown."""
    about = (
        f"**{found['size']}** ({found['date']}, {found['cores']} cores, load "
        f"{found['load'][0]}): {found['events']:,} events → {found['rows']:,} rows × 56; "
        f"`{found['command']}`"
    )
    head = ["contender", "s", "cpu s", "of the limit: s", "cpu s", "peak MB", "file MB", "check"]
    lines = [head, ["---"] * len(head)]
    lines += [line(name, one) for name, one in found["contenders"].items()]
    return about + "\n\n" + "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def line(name: str, one: dict[str, Any]) -> list[str]:
    """A contender's row."""
    if not one["runs"]:
        return [name, *[""] * 6, one["check"]]

    def ratio(key: str) -> str:
        if f"{key}_ratio" not in one:
            return "1"
        low, high = one[f"{key}_ratio_range"]
        return f"{one[f'{key}_ratio']:.2f} [{low:.2f}–{high:.2f}]"

    peak = "" if one["peak_mb"] is None else f"{one['peak_mb']:.0f}"
    return [name, f"{one['wall']:.2f}", f"{one['cpu']:.2f}", ratio("wall"), ratio("cpu"),
            peak, f"{one['out_mb']:.1f}", one["check"]]  # fmt: skip


def peak_mb() -> float:
    """Most memory that this program ever had; what rusage says began before it was started."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
