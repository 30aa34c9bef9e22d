"""Five questions to an honest validation, asked of a simulated company and of real students."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

import churnml as ch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import BEGIN, END, put  # noqa: E402

#: Each data set: its folder, dataset.toml and study.
SETS = {
    "world": (None, None, "../studies/half_year.toml"),
    "oulad": ("oulad", "../oulad/dataset.toml", "../oulad/study.toml"),
}
#: Every second to fourth week teaches the same difference in so much less time. A learning curve
#: counts weeks and is not thinned.
MAX_ROWS = 20_000
#: The questions, and the columns that their tables show.
SHOWN = {
    "late_arrivals": ("training", "delay_days"),
    "learning_curve": ("weeks", "train_rows", "train_leavers"),
    "window_sufficiency": ("since_ever", "weeks", "features"),
    "label_sensitivity": (
        "varied",
        "days",
        "default",
        "base_rate",
        "exits",
        "rank_agreement",
        "shared_top",
    ),
    "split_gap": ("split", "train_rows", "train_leavers"),
}
DIGITS = 5
log = logging.getLogger("validation")


def asked(
    name: str, data: Path, cache: Path, resamples: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables of all questions on one data set, one after the other."""
    folder, description, study_file = SETS[name]
    study = ch.read_study(HERE / study_file)
    dataset = ch.open_dataset(
        data / folder if folder else Path(study.data),
        dataset_file=HERE / description if description else None,
    )
    examples, folds = ch.prepare(dataset, study=study, cache=cache / name, say=log.info)
    model = study.model.model_copy(update={"max_rows": MAX_ROWS})
    thinned = study.model_copy(update={"model": model})
    for question in SHOWN:
        started = time.process_time()
        table = getattr(ch, question)(
            dataset, examples, folds=folds, resamples=resamples,
            study=study if question == "learning_curve" else thinned,
        )  # fmt: skip
        seconds = round(time.process_time() - started)
        records = json.loads(table.to_json(orient="records", double_precision=DIGITS))
        log.info("%s %s: %d CPU seconds", name, question, seconds)
        yield question, {"cpu_seconds": seconds, "table": records}


def with_interval(line: pd.Series) -> str:
    """A figure with its interval, and the difference with its own."""
    text = f"{line['value']:.3f} [{line['low']:.3f}, {line['high']:.3f}]"
    if abs(line.get("difference", 0.0)) > 0:
        low, high = line["difference_low"], line["difference_high"]
        text += f" ({line['difference']:+.3f} [{low:+.3f}, {high:+.3f}])"
    return text.replace("-", "\u2212")


def plain(value: object) -> str:
    """A setting as a reader says it; no bound is null in JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "any" if pd.isna(value) else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def tables(results: dict[str, Any]) -> str:
    """The tables of the README, from what was found."""
    lines = []
    for name, answers in results.items():
        for question, answer in answers.items():
            table = pd.DataFrame(answer["table"])
            table = table[table["figure"] == "average_precision"]
            lifts = pd.DataFrame(answer["table"]).query("figure == 'lift_at_10pct'")
            shown = SHOWN[question]
            lines += [
                f"**{name}: {question.replace('_', ' ')}**",
                "",
                f"| {' | '.join(column.replace('_', ' ') for column in shown)} | AP | lift |",
                "|---" * (len(shown) + 2) + "|",
            ]
            for (_, line), lift in zip(table.iterrows(), lifts["value"], strict=True):
                cells = [*(plain(line[column]) for column in shown), with_interval(line)]
                lines.append(f"| {' | '.join([*cells, f'{lift:.2f}'])} |")
            lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Ask the chosen data sets and keep what the others had answered."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path, help="folder that holds oulad")
    options.add_argument("--only", nargs="+", choices=SETS, default=list(SETS))
    options.add_argument("--cache", type=Path, default=Path("mlruns/cache/validation"))
    options.add_argument("--resamples", type=int, default=100)
    chosen = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    path = HERE / "results.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in chosen.only:
        for question, answer in asked(name, chosen.data, chosen.cache, chosen.resamples):
            results.setdefault(name, {})[question] = answer
            lines = [f"{json.dumps(key)}: {json.dumps(found)}" for key, found in results.items()]
            path.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    put(f"{BEGIN}\n{tables(results)}{END}", into=HERE / "README.md")


if __name__ == "__main__":
    main()
