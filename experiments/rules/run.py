"""Which rules in plain words hold later, and that none survives where there is nothing to find.

Example: python experiments/rules/run.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from isolated import BEGIN, END, churnml, put, rounded  # noqa: E402

MOST = 5


def main() -> None:
    """Mine every data set, write results.json and the tables of the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    public = parser.parse_args().data.resolve()
    sets: dict[str, list[str]] = {
        "default_world": [str(ROOT / "data" / "demo" / "data")],
        "oulad": _public(public, "oulad", "oulad"),
        "ravenstack": _public(public, "ravenstack", "ravenstack"),
    }
    results: dict[str, Any] = {}
    for name, arguments in sets.items():
        with tempfile.TemporaryDirectory() as folder:
            answer = churnml(["rules", *arguments, "--json"], folder=Path(folder))
        results[name] = rounded(json.loads(answer))
        sys.stderr.write(f"{name}: {len(results[name]['rules'])} rules confirmed\n")
    (HERE / "results.json").write_text(
        json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    put(f"{BEGIN}\n{table(results)}{END}", into=HERE / "README.md")


def _public(data: Path, folder: str, name: str) -> list[str]:
    place = ROOT / "experiments" / name
    study = ["--config", str(place / "study.toml")]
    return [str(data / folder), "--dataset", str(place / "dataset.toml"), *study]


def table(results: dict[str, Any]) -> str:
    """What was looked at and what held, as Markdown."""
    lines = ["| data | conditions looked at | found earlier | tried later | confirmed |",
             "|---|---|---|---|---|"]  # fmt: skip
    for name, found in results.items():
        tried = len(found["rules"]) + len(found["not_confirmed"])
        counts = (found["looked_at"], found["discovered"], tried, len(found["rules"]))
        lines.append(f"| {name} | " + " | ".join(f"{count:,}" for count in counts) + " |")
    for name, found in results.items():
        if found["rules"]:
            lines += ["", f"**{name}**, the first {MOST}:", ""]
            lines += [f"{n}. {rule['text_en']}" for n, rule in enumerate(found["rules"][:MOST], 1)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
