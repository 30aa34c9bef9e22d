"""Rebalancing the classes against leaving them, with the probabilities set right again."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any, get_args

import pandas as pd
from scipy.special import logit

import churnml as ch
from churnml.config import Sampler
from churnml.evaluation.bench import exits_of
from churnml.evaluation.forward import Fitting, fold_fits, inner_block
from churnml.evaluation.paired import paired_figures
from churnml.model.calibration import fit_platt
from churnml.model.examples import Examples
from churnml.model.sampling import MINORITY_SHARE
from churnml.splits import ForwardFolds

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import BEGIN, END, put  # noqa: E402

SEEDS = (1, 2, 3)
#: Every second to fourth week teaches the same difference in so much less time.
MAX_ROWS = 20_000
#: Each data set: its folder, dataset.toml and study.
SETS = {
    "world": (None, None, "../studies/half_year.toml"),
    "oulad": ("oulad", "../oulad/dataset.toml", "../oulad/study.toml"),
    "retail90lead": (
        "online_retail", "../online_retail/dataset.toml", "../online_retail/retail90lead.toml"
    ),
    "cdnow90lead": ("cdnow", "../cdnow/dataset.toml", "../cdnow/cdnow90lead.toml"),
}  # fmt: skip
#: Columns of the tables: the figure and its decimals.
SHOWN = {
    "AP": ("average_precision", 4),
    "lift": ("lift_at_10pct", 2),
    "queue": ("recall_at_lead_21d", 3),
    "Brier": ("brier", 4),
    "ECE": ("ece", 4),
    "slope": ("calibration_slope", 2),
}
CORRECTIONS = {"prior_correction": "prior", "platt": "prior, then Platt"}
log = logging.getLogger("imbalance")


def untouched(examples: Examples, folds: ForwardFolds, sampler: Sampler) -> bool:
    """Whether the sampler leaves the training rows as they are: leavers are no minority there."""
    rows = examples.train_rows(examples.window, folds=folds, tested=folds.starts[0])
    share = (examples.labels[examples.window] == "churned")[rows].mean()
    resamples = sampler not in ("none", "scale_pos_weight")
    return bool(resamples and share >= MINORITY_SHARE / (1 + MINORITY_SHARE))


def scores_of(examples: Examples, folds: ForwardFolds, fitting: Fitting) -> dict[str, pd.Series]:
    """Tested rows by the fitted models, as they are and recalibrated on an earlier block."""
    labels = examples.labels[examples.window]
    inner = inner_block(examples, folds=folds, tested=folds.starts[0], fitting=fitting)
    churned = (labels.loc[inner.index] == "churned").to_numpy()
    platt = fit_platt(logit(inner.to_numpy()), churned)
    fits = fold_fits(examples, folds=folds, fitting=fitting)
    prior = pd.concat([model.predict(examples.features[rows]) for model, rows in fits])
    recalibrated = platt.probability(logit(prior.to_numpy()))
    return {"prior_correction": prior, "platt": pd.Series(recalibrated, prior.index)}


def tried(name: str, data: Path, cache: Path, resamples: int) -> dict[str, Any]:
    """All samplers on one data set: figures after each correction, differences from none."""
    folder, description, study = SETS[name]
    study = ch.read_study(HERE / study)
    dataset = ch.open_dataset(
        data / folder if folder else Path(study.data),
        dataset_file=HERE / description if description else None,
    )
    examples, folds = ch.prepare(dataset, study=study, cache=cache / name, say=log.info)
    found, seconds = {"prior_correction": {}, "platt": {}}, {}
    for sampler in get_args(Sampler):
        if untouched(examples, folds, sampler):
            log.info("%s %s: resamples nothing, as none", name, sampler)
            continue
        started, columns = time.process_time(), {}
        for seed in SEEDS:
            fitting = Fitting(None, sampler, seed, seeds=1, max_rows=MAX_ROWS)
            columns[seed] = scores_of(examples, folds, fitting)
        for correction, by_sampler in found.items():
            by_sampler[sampler] = pd.DataFrame({s: c[correction] for s, c in columns.items()})
        seconds[sampler] = round(time.process_time() - started)
        log.info("%s %s: %d CPU seconds", name, sampler, seconds[sampler])
    tested = found["platt"]["none"].index
    labels = examples.labels[examples.window].loc[tested]
    exits = exits_of(dataset, study, window=examples.window)
    tables = [
        paired_figures(scores, labels, exits=exits, resamples=resamples).assign(
            correction=correction, data=name
        )
        for correction, scores in found.items()
    ]
    table = pd.concat(tables).rename(columns={"key": "sampler"})
    return {
        "rows": len(tested),
        "base_rate": float((labels == "churned").sum() / (labels != "unknown").sum()),
        "cpu_seconds": seconds,
        "figures": json.loads(table.to_json(orient="records", double_precision=6)),
    }


def cell(line: pd.Series, digits: int, *, first: bool) -> str:
    """A figure with its error, and its difference from none with the error of that."""
    if pd.isna(line["value"]):
        return "–"
    text = f"{line['value']:.{digits}f} ± {line['standard_error']:.{digits}f}"
    if not first:
        text += f" ({line['difference']:+.{digits}f} ± {line['difference_error']:.{digits}f})"
    return text.replace("-", "\u2212")


def tables(results: dict[str, Any]) -> str:
    """The tables of the README, from what was found."""
    lines = []
    for name, found in results.items():
        figures = pd.DataFrame(found["figures"])
        lines += [
            f"**{name}**: {found['rows']:,} tested rows, {found['base_rate']:.1%} leave",
            "",
            f"| corrected by | sampler | {' | '.join(SHOWN)} |",
            "|---" * (2 + len(SHOWN)) + "|",
        ]
        for (correction, sampler), part in figures.groupby(["correction", "sampler"], sort=False):
            by_name = part.set_index("figure").reindex([figure for figure, _ in SHOWN.values()])
            cells = [
                cell(by_name.loc[figure], digits, first=sampler == "none")
                for figure, digits in SHOWN.values()
            ]
            lines.append(f"| {CORRECTIONS[correction]} | {sampler} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Run the chosen data sets and keep what the others had found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path, help="folder that holds oulad, online_retail, cdnow")
    options.add_argument("--only", nargs="+", choices=SETS, default=list(SETS))
    options.add_argument("--cache", type=Path, default=Path("mlruns/cache/imbalance"))
    options.add_argument("--resamples", type=int, default=100)
    chosen = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    path = HERE / "results.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in chosen.only:
        results[name] = tried(name, chosen.data, chosen.cache, chosen.resamples)
        lines = [f"{json.dumps(key)}: {json.dumps(found)}" for key, found in results.items()]
        path.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    put(f"{BEGIN}\n{tables(results)}{END}", into=HERE / "README.md")


if __name__ == "__main__":
    main()
