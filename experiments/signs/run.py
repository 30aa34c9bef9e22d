"""Whether weights of the linear member may go against what their signals are known to mean.

Example: python experiments/signs/run.py ../shared/data
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

import churnml as ch
from churnml.alerting.queue import Policy, queue
from churnml.evaluation.bench import exits_of
from churnml.evaluation.forward import Fitting
from churnml.evaluation.paired import paired_figures
from churnml.features.cache import code_digest
from churnml.labels import CHURNED
from churnml.model.boosting import monotone_signs
from churnml.model.ensemble import Ensemble, thinned
from churnml.model.examples import Examples
from churnml.model.linear import PENALTY_SHARE, Linear
from churnml.splits import ForwardFolds

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import BEGIN, END, put, rounded  # noqa: E402

#: Every second to fourth week teaches the same difference in so much less time.
MAX_ROWS = 20_000
RESAMPLES = 200
FREE, BOUND = "free", "bound"
#: Simulated companies: the arguments of ``churnml simulate``.
WORLDS: dict[str, dict[str, int]] = {
    "default world": {"customers": 2000, "weeks": 104, "seed": 7},
    "another seed": {"customers": 700, "weeks": 90, "seed": 101},
    "causes drawn anew": {"customers": 700, "weeks": 90, "seed": 201, "causes_seed": 201},
}
#: Public sets: folder, dataset.toml and study.
PUBLIC = {
    "oulad": ("oulad", "../oulad/dataset.toml", "../oulad/study.toml"),
    "retail90lead": (
        "online_retail", "../online_retail/dataset.toml", "../online_retail/retail90lead.toml"
    ),
}  # fmt: skip
#: Columns of the table: the figure and its decimals.
SHOWN = {
    "average precision": ("average_precision", 4),
    "lift": ("lift_at_10pct", 2),
    "recall of the queue": ("recall_at_lead_21d", 3),
}
log = logging.getLogger("signs")


def main() -> None:
    """Run the chosen data sets and keep what the others had found."""
    sets = [*WORLDS, *PUBLIC]
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path, help="folder that holds oulad and online_retail")
    options.add_argument("--only", nargs="+", choices=sets, default=sets)
    chosen = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    path = HERE / "results.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in chosen.only:
        with tempfile.TemporaryDirectory(prefix="churnml_") as work:
            results[name] = rounded(tried(name, chosen.data, Path(work)))
        text = json.dumps(results, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        log.info("%s: done", name)
    put(
        block(
            {name: results[name] for name in sets if name in results},
        ),
        into=HERE / "README.md",
    )


def tried(name: str, data: Path, work: Path) -> dict[str, Any]:
    """The ensemble with free and with bound weights on one data set, the boosters the same."""
    if name in WORLDS:
        ch.simulate(work / "company", **WORLDS[name])
        study = ch.read_study(HERE / "../studies/half_year.toml")
        dataset = ch.open_dataset(work / "company" / "data")
    else:
        folder, description, toml = PUBLIC[name]
        study = ch.read_study(HERE / toml)
        dataset = ch.open_dataset(data / folder, dataset_file=HERE / description)
    examples, folds = ch.prepare(dataset, study=study, cache=work / "cache", say=log.info)
    fitting = replace(Fitting.of(study, parameters=None), max_rows=MAX_ROWS)
    parts: dict[str, list[pd.Series]] = {FREE: [], BOUND: []}
    pushed: dict[str, list[pd.DataFrame]] = {FREE: [], BOUND: []}
    for start, end in folds.blocks():
        models = both(examples, folds, fitting, start)
        tested = examples.population.to_numpy() & np.asarray(
            (examples.as_ofs >= start) & (examples.as_ofs < end)
        )
        for way, model in models.items():
            parts[way].append(model.predict(examples.features[tested]))
            pushed[way].append(pushes(model, examples, tested))
    scores = {way: pd.concat(found) for way, found in parts.items()}
    labels = examples.labels[examples.window].loc[scores[FREE].index]
    exits = exits_of(dataset, study, window=examples.window)
    figures = paired_figures(scores, labels, exits=exits, resamples=RESAMPLES)
    policy = Policy.of(study.alerts, seed=study.seed)
    return {
        "date": datetime.now(tz=UTC).date().isoformat(),
        "code": code_digest(),
        "rows": len(labels),
        "figures": json.loads(figures.to_json(orient="records")),
        "against": {
            way: against(pd.concat(pushed[way]), scores[way], policy) for way in (FREE, BOUND)
        },
    }


def both(
    examples: Examples, folds: ForwardFolds, fitting: Fitting, start: pd.Timestamp
) -> dict[str, Ensemble]:
    """The model of a fold, its linear member fitted with free and with bound weights."""
    fitted = fitting.fit(examples, folds=folds, tested=start)
    seen = examples.train_rows(examples.window, folds=folds, tested=start)
    rows = thinned(examples, seen, fitting.max_rows)
    target = (examples.labels[examples.window] == CHURNED).to_numpy()[rows]
    matrix, weight = fitted.preparation.matrix(examples.features[rows]), examples.weights(rows)
    signs = np.array(monotone_signs(fitted.preparation.sources, examples.risk))
    counts = np.ones(len(target)) if weight is None else weight
    return {
        FREE: replace(fitted, linear=solved(fitted.linear, matrix, target, counts, 0 * signs)),
        BOUND: replace(fitted, linear=solved(fitted.linear, matrix, target, counts, signs)),
    }


def solved(linear: Linear, matrix: Any, target: Any, counts: Any, signs: Any) -> Linear:
    """The regression of least penalised loss among those whose weights have the allowed signs.

    By L-BFGS-B: R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
    constrained optimization", SIAM J. Sci. Comput. 16 (1995).
    """
    plain = replace(linear, weight=np.ones(len(signs)), bias=0.0)
    standard = plain.contributions(matrix)[:, :-1]
    share, total = float(np.average(target, weights=counts)), float(counts.sum())
    penalty = PENALTY_SHARE * max(total * share * (1.0 - share), 1.0) / total

    def loss(point: Any) -> tuple[float, Any]:
        margin = standard @ point[:-1] + point[-1]
        wrong = counts / total * (expit(margin) - target)
        missed = float(counts / total @ (np.logaddexp(0.0, margin) - target * margin))
        slope = np.append(standard.T @ wrong + penalty * point[:-1], wrong.sum())
        return missed + 0.5 * penalty * float(point[:-1] @ point[:-1]), slope

    bounds = [(0.0 if sign > 0 else None, 0.0 if sign < 0 else None) for sign in (*signs, 0)]
    start, options = np.zeros(len(signs) + 1), {"maxiter": 300, "gtol": 1e-4}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return replace(linear, weight=found[:-1], bias=float(found[-1]))


def pushes(model: Ensemble, examples: Examples, rows: Any) -> pd.DataFrame:
    """Log-odds by which the linear member raises each score, and the part of wrong weights.

    A weight is wrong if it goes against the declared direction of its feature.
    """
    matrix = model.preparation.matrix(examples.features[rows])
    signs = np.array(monotone_signs(model.preparation.sources, examples.risk))
    parts = np.maximum(model.linear.contributions(matrix)[:, :-1], 0.0)
    wrong = signs * model.linear.weight < 0
    found = {"raised": parts[:, signs != 0].sum(axis=1), "wrong": parts[:, wrong].sum(axis=1)}
    return pd.DataFrame(found, index=examples.features.index[rows])


def against(pushed: pd.DataFrame, scores: pd.Series, policy: Policy) -> float:
    """Of the log-odds that the linear member adds to alerted scores, the part of wrong weights."""
    alerts = queue(scores.rename("score").reset_index(), policy)
    rows = pushed.loc[pd.MultiIndex.from_frame(alerts[["customer_id", "as_of"]])]
    return float(rows["wrong"].sum() / rows["raised"].sum())


def block(results: dict[str, Any]) -> str:
    """The table of the README with its markers."""
    head = ["data", *SHOWN, "raised by wrong weights"]
    lines = [head, ["---"] * len(head)]
    for name, found in results.items():
        figures = pd.DataFrame(found["figures"]).set_index(["figure", "key"])
        cells = [
            cell(figures.loc[figure], digits) if figure in figures.index else "–"
            for figure, digits in SHOWN.values()
        ]
        wrong = found["against"]
        lines.append([name, *cells, f"{wrong[FREE]:.0%} → {wrong[BOUND]:.0%}"])
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    about = "; ".join(f"{name}: {one['date']}, code {one['code']}" for name, one in results.items())
    return f"{BEGIN}\n\n{table}\n\n{about}\n\n{END}"


def cell(lines: pd.DataFrame, digits: int) -> str:
    """The figure with free weights, with bound ones, and the difference with its error."""
    free, bound = lines.loc[FREE], lines.loc[BOUND]
    if pd.isna(free["value"]):
        return "–"
    text = f"{free['value']:.{digits}f} → {bound['value']:.{digits}f}"
    text += f" ({bound['difference']:+.{digits}f} ± {bound['difference_error']:.{digits}f})"
    return text.replace("-", "\u2212")


if __name__ == "__main__":
    main()
