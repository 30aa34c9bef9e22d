"""What listening adds: the same rows scored with the conversation, parts of it, and without.

Example: python experiments/conversation/run.py
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import churnml as ch
from churnml.evaluation.bench import Bench
from churnml.features import Feature
from churnml.features.cache import code_digest
from churnml.features.declaration import Family
from churnml.model.examples import Examples

HERE = Path(__file__).parent
STUDY = HERE / "../studies/half_year.toml"
#: Each world: the arguments of ``churnml simulate``.
WORLDS: dict[str, dict[str, int]] = {
    "default": {"customers": 2000, "weeks": 104, "seed": 7},
    "default, smaller": {"customers": 700, "weeks": 80, "seed": 7},
    "another seed": {"customers": 700, "weeks": 80, "seed": 31},
    "causes drawn anew": {"customers": 700, "weeks": 80, "seed": 31, "causes_seed": 205},
}
MAX_ROWS = 15_000
FIGURES = ("average_precision", "roc_auc", "recall_at_lead_21d")
DIGITS = 5
log = logging.getLogger("conversation")


def is_learned(feature: Feature) -> bool:
    """Whether a fitted model of single messages is behind the feature."""
    return feature.name.startswith(("message_risk_", "alarming_messages_"))


def is_heard(feature: Feature) -> bool:
    """Whether the feature is of what was said or written."""
    return feature.family == Family.CONVERSATION


#: Each set: the features that it leaves out. The first is what the others are compared with.
SETS: dict[str, Callable[[Feature], bool]] = {
    "without the conversation": is_heard,
    "with message risk alone": lambda one: is_heard(one) and not is_learned(one),
    "with all but message risk": is_learned,
    "with the conversation": lambda _: False,
}


def main() -> None:
    """Simulate and judge the chosen worlds; keep what was found of the others."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", nargs="+", choices=WORLDS, default=list(WORLDS))
    options.add_argument("--resamples", type=int, default=400)
    chosen = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    path = HERE / "results.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in chosen.only:
        with tempfile.TemporaryDirectory(prefix="churnml_") as work:
            known[name] = judged(Path(work), WORLDS[name], resamples=chosen.resamples)
        log.info("%s: done", name)
        write({name: known[name] for name in WORLDS if name in known})


def judged(folder: Path, world: dict[str, int], *, resamples: int) -> dict[str, Any]:
    """Figures of every set on the tested rows of one world."""
    ch.simulate(folder / "company", **world)
    study = ch.read_study(STUDY)
    study = study.model_copy(
        update={"model": study.model.model_copy(update={"max_rows": MAX_ROWS})}
    )
    dataset = ch.open_dataset(folder / "company" / "data")
    examples, folds = ch.prepare(dataset, study=study, cache=folder / "cache", say=log.info)
    bench = Bench.of(dataset, examples, folds=folds, study=study, resamples=resamples)
    parts = {name: without(examples, left_out) for name, left_out in SETS.items()}
    table = bench.figures({name: bench.forward_scores(part) for name, part in parts.items()})
    table = table[table["figure"].isin(FIGURES)]
    counts = bench.learnt_from(examples, folds=folds)
    records = json.loads(table.to_json(orient="records", double_precision=DIGITS))
    features = {name: len(part.catalogue) for name, part in parts.items()}
    about = {"date": datetime.now(tz=UTC).date().isoformat(), "code": code_digest()}
    return {**about, **world, **counts, "features": features, "table": records}


def without(examples: Examples, left_out: Callable[[Feature], bool]) -> Examples:
    """The examples without these features."""
    return examples.only([feature for feature in examples.catalogue if not left_out(feature)])


def write(results: dict[str, Any]) -> None:
    """The results, and between the marks of the README their table."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (HERE / "results.json").write_text(text + "\n", encoding="utf-8")
    path = HERE / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition("<!-- table -->\n")
    after = rest[rest.index("<!-- end -->") :]
    path.write_text(f"{before}<!-- table -->\n{tables(results)}{after}", encoding="utf-8")


def tables(results: dict[str, Any]) -> str:
    """The results as Markdown: a line a world and set, then the mean difference of all worlds."""
    lines = ["| world | features | average precision | recall with 21 days of notice |",
             "|---|---|---|---|"]  # fmt: skip
    for world, found in results.items():
        for name, count in found["features"].items():
            by_figure = {one["figure"]: one for one in found["table"] if one["key"] == name}
            cells = [said(by_figure[figure]) for figure in (FIGURES[0], FIGURES[2])]
            lines.append(f"| {world} | {name} ({count}) | {' | '.join(cells)} |")
    for name in list(SETS)[1:]:
        cells = [pooled(results, name, figure) for figure in (FIGURES[0], FIGURES[2])]
        lines.append(f"| mean of all worlds | {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def pooled(results: dict[str, Any], name: str, figure: str) -> str:
    """The mean difference over the worlds, each counting alike, with its normal 95 % interval."""
    found = [
        one
        for world in results.values()
        for one in world["table"]
        if one["key"] == name and one["figure"] == figure
    ]
    mean = sum(one["difference"] for one in found) / len(found)
    error = math.sqrt(sum(one["difference_error"] ** 2 for one in found)) / len(found)
    text = f"{mean:+.3f} [{mean - 1.96 * error:+.3f}, {mean + 1.96 * error:+.3f}]"
    return text.replace("-", "\N{MINUS SIGN}")


def said(line: dict[str, Any]) -> str:
    """A figure with its interval, and its difference from the first set with its own."""
    text = f"{line['value']:.3f} [{line['low']:.3f}, {line['high']:.3f}]"
    if line["difference"]:
        low, high = line["difference_low"], line["difference_high"]
        text += f"; {line['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
    return text.replace("-", "\N{MINUS SIGN}")


if __name__ == "__main__":
    main()
