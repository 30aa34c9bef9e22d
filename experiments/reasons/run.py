"""How true reasons are: on simulated companies, against the planted cause of each exit.

Example: python experiments/reasons/run.py
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import churnml as ch
from churnml.alerting.queue import Policy
from churnml.evaluation.bench import Bench
from churnml.explanation.causes import OWN_SHARE
from churnml.explanation.quality import LESS_DAYS, OTHER_SEED, reason_quality
from churnml.explanation.truth import Truth
from churnml.features.cache import code_digest
from churnml.windows import DAY

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import BEGIN, END, put, rounded  # noqa: E402

STUDY = HERE / "../studies/half_year.toml"
#: Each world: the arguments of ``churnml simulate``.
WORLDS: dict[str, dict[str, int]] = {
    "default": {"customers": 2000, "weeks": 104, "seed": 7},
    "another seed": {"customers": 700, "weeks": 90, "seed": 101},
    "causes drawn anew": {"customers": 700, "weeks": 90, "seed": 201, "causes_seed": 201},
}
MAX_ROWS = 15_000
EXPLAINED_ROWS = 2_000
#: How strong an effect must be, of the strongest cause's, to be a cause's own.
SHARES = (0.5, OWN_SHARE, 0.9)
NAMES = {
    "cause_named": "cause among the first three reasons (≥ 80 %)",
    "cause_named_by_chance": "… of an alert of another cause",
    "contradicting": "reasons that contradict (≤ 10 %)",
    "untold": "alerts without a reason",
    "vague": "alerts with a reason that names nothing",
    "lowering": "reasons whose own signal lowers the score",
    "stability_other_seed": "same topics with another seed",
    "stability_month_less": "same topics with a month less data",
}
log = logging.getLogger("reasons")


def main() -> None:
    """Simulate and judge the chosen worlds; keep what was found of the others."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", nargs="+", choices=WORLDS, default=list(WORLDS))
    options.add_argument("--tables", action="store_true", help="only write the tables again")
    chosen = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    path = HERE / "results.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in [] if chosen.tables else chosen.only:
        with tempfile.TemporaryDirectory(prefix="churnml_") as work:
            known[name] = judged(Path(work), WORLDS[name])
        log.info("%s: done", name)
        path.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    ordered = {each: known[each] for each in WORLDS if each in known}
    put(results_block(ordered), into=HERE / "README.md")


def judged(folder: Path, world: dict[str, int]) -> dict[str, Any]:
    """Reasons and importances of one world."""
    ch.simulate(folder / "company", **world)
    study = ch.read_study(STUDY)
    study = study.model_copy(
        update={"model": study.model.model_copy(update={"max_rows": MAX_ROWS})}
    )
    dataset = ch.open_dataset(folder / "company" / "data")
    examples, folds = ch.prepare(dataset, study=study, cache=folder / "cache", say=log.info)
    bench = Bench.of(dataset, examples, folds=folds, study=study)
    found = reason_quality(
        dataset, Truth.beside(folder / "company" / "data"), examples, folds=folds,
        fitting=bench.fitting, policy=Policy.of(study.alerts, seed=study.seed), shares=SHARES,
    )  # fmt: skip
    return rounded(
        {
            "date": datetime.now(tz=UTC).date().isoformat(),
            "code": code_digest(),
            **world,
            "reasons": {str(share): one.as_json() for share, one in found.items()},
            "importance": steadiness(bench),
        }
    )


def steadiness(bench: Bench) -> dict[str, Any]:
    """How alike the importances of trainings with another seed or less data are."""
    start, fitting = bench.folds.starts[0], bench.fitting
    fits = {
        "model": (fitting, start),
        "other_seed": (replace(fitting, seed=fitting.seed + OTHER_SEED), start),
        "month_less": (fitting, start - LESS_DAYS * DAY),
    }
    rows = bench.examples.features[bench.examples.as_ofs >= start].iloc[:EXPLAINED_ROWS]
    known = bench.examples.catalogue
    features, families = {}, {}
    for name, (way, tested) in fits.items():
        ensemble = way.fit(bench.examples, folds=bench.folds, tested=tested)
        contributions = ch.explain(ensemble, rows)
        features[name] = ch.feature_importance(contributions, features=known)["importance"]
        families[name] = ch.family_importance(contributions, features=known)
    return {
        "features": ch.importance_stability(features).to_dict("records"),
        "families": ch.importance_stability(families, top=5).to_dict("records"),
        "by_family": families["model"].to_dict(),
    }


def results_block(results: dict[str, Any]) -> str:
    """The tables in Markdown with their markers."""
    about = "; ".join(f"{name}: {one['date']}, code {one['code']}" for name, one in results.items())
    return "\n\n".join(
        [BEGIN, _quality(results), _by_cause(results), _sharper(results), _steady(results), about,
         END]
    )  # fmt: skip


def _quality(results: dict[str, Any]) -> str:
    rows = []
    for figure, words in NAMES.items():
        found = [one["reasons"][str(OWN_SHARE)] for one in results.values()]
        rows.append([words, *(_with_band(one.get(figure)) for one in found)])
    counts = [
        f"{one['traced']} of {one['useful_alerts']} of {one['alerts']}"
        for one in (one["reasons"][str(OWN_SHARE)] for one in results.values())
    ]
    rows.append(["alerts: traced of useful of all", *counts])
    return _table(["figure", *results], rows)


def _by_cause(results: dict[str, Any]) -> str:
    found = {
        name: {line["cause"]: line for line in one["reasons"][str(OWN_SHARE)]["by_cause"]}
        for name, one in results.items()
    }
    causes = sorted({cause for lines in found.values() for cause in lines})
    rows = [
        [cause, *(_of(lines[cause]) if cause in lines else "–" for lines in found.values())]
        for cause in causes
    ]
    return _table(["cause named, by cause", *results], rows)


def _of(line: dict[str, Any]) -> str:
    return f"{round(line['named'] * line['n'])} of {line['n']}"


def _sharper(results: dict[str, Any]) -> str:
    rows = []
    for share in SHARES:
        found = [one["reasons"][str(share)] for one in results.values()]
        cells = [
            f"{one['cause_named']['value']:.0%}, by chance "
            f"{one['cause_named_by_chance']['value']:.0%}"
            for one in found
        ]
        rows.append([f"at least {share:.0%}", *cells])
    return _table(["own: of the strongest cause's effect", *results], rows)


def _steady(results: dict[str, Any]) -> str:
    rows = []
    for level, words in (("features", "features, top 10"), ("families", "families, top 5")):
        for name, other in (("other_seed", "another seed"), ("month_less", "a month less data")):
            lines = [
                next(
                    line
                    for line in one["importance"][level]
                    if (line["first"], line["second"]) == ("model", name)
                )
                for one in results.values()
            ]
            cells = [
                f"{line['rank_correlation']:.2f}, {line['top_shared']:.0%} shared" for line in lines
            ]
            rows.append([f"{words}; {other}", *cells])
    return _table(["importance: rank correlation", *results], rows)


def _with_band(figure: dict[str, Any] | None) -> str:
    if figure is None or figure["value"] is None:
        return "–"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
