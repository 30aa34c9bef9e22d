"""What knowing the day of renewal adds, on a company whose customers leave at renewals only.

Example: python experiments/renewals/run.py
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import churnml as ch

sys.path.insert(0, str(Path(__file__).parents[1]))
from isolated import about, put

HERE = Path(__file__).parent
STUDY = HERE / "../studies/half_year.toml"
FIRST = pd.Timestamp("2024-01-01")
#: Days from one renewal to the next, and the share of customers with it.
PERIODS, SHARES = (30, 365), (0.6, 0.4)
#: Who cooled is gone at the next renewal in three of five cases, others in one of a hundred.
LEAVES_COOLED, LEAVES_WARM = 0.6, 0.01
COOLING_PER_DAY = 1 / 500
SETS = {
    "without the day of renewal": ["days_to_period_end", "days_to_anniversary"],
    "with it": [],
}
FIGURES = ("average_precision", "roc_auc", "recall_at_lead_21d")
log = logging.getLogger("renewals")


def company(folder: Path, *, customers: int, weeks: int, seed: int) -> None:
    """Two tables: contracts that end at renewals, and days of use that fade after cooling."""
    chance = np.random.default_rng(seed)
    days = 7 * weeks
    contracts, used = [], []
    for number in range(customers):
        period = int(chance.choice(PERIODS, p=SHARES))
        began = int(chance.integers(-365, days - 90))
        cooled = began + 30 + chance.exponential(1 / COOLING_PER_DAY)
        renewal = began + period
        while renewal < days:
            left = chance.random() < (LEAVES_COOLED if cooled < renewal - 21 else LEAVES_WARM)
            if left and renewal > 0:
                break
            renewal += period
        gone = renewal < days
        contracts.append((f"c{number:04}", began, renewal if gone else None, period))
        here = np.arange(max(began, 0), min(renewal, days))
        rate = np.where(here < cooled, 0.6, 0.6 * 0.985 ** np.maximum(here - cooled, 0.0))
        used.append(pd.DataFrame(
            {"customer_id": f"c{number:04}", "day": here[chance.random(len(here)) < rate]}
        ))  # fmt: skip
    write(folder, contracts, pd.concat(used), days=days)


def write(
    folder: Path, contracts: list[tuple[str, int, int | None, int]], used: pd.DataFrame, *,
    days: int,
) -> None:  # fmt: skip
    """The tables under their names in the contract."""
    table = pd.DataFrame(contracts, columns=["customer_id", "began", "gone", "billing_days"])
    pd.DataFrame({
        "subscription_id": table["customer_id"], "customer_id": table["customer_id"],
        "started_at": FIRST + pd.to_timedelta(table["began"], unit="D"),
        "ended_at": FIRST + pd.to_timedelta(table["gone"], unit="D"),
        "billing_days": table["billing_days"],
    }).to_parquet(folder / "subscriptions.parquet")  # fmt: skip
    at = FIRST + pd.to_timedelta(used["day"] * 24 + 10, unit="h")
    pd.DataFrame({"customer_id": used["customer_id"], "event_time": at, "name": "use"}).to_parquet(
        folder / "events.parquet"
    )
    until = FIRST + pd.Timedelta(days=days)
    (folder / "dataset.toml").write_text(
        f'name = "renewals"\nobserved_until = {until:%Y-%m-%d}\n', encoding="utf-8"
    )


def judged(folder: Path, *, resamples: int) -> pd.DataFrame:
    """Figures of the recipe with and without, on the same tested rows."""
    study = ch.read_study(STUDY)
    dataset = ch.open_dataset(folder)
    examples, folds = ch.prepare(dataset, study=study, cache=folder / "cache", say=log.info)
    found = ch.compare_features(
        dataset, examples, folds=folds, study=study, dropped=SETS, resamples=resamples
    )
    return found[found["figure"].isin(FIGURES)]


def said(line: pd.Series) -> str:
    """A figure with its interval, and its difference from the first set with its own."""
    text = f"{line['value']:.3f} [{line['low']:.3f}, {line['high']:.3f}]"
    if line["tried"] != next(iter(SETS)):
        low, high = line["difference_low"], line["difference_high"]
        text += f"; {line['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
    return text.replace("-", "\N{MINUS SIGN}")


def main() -> None:
    """Draw the company, compare, and write the results beside this file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=800)
    options.add_argument("--weeks", type=int, default=80)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--resamples", type=int, default=400)
    asked = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory(prefix="churnml_") as work:
        company(Path(work), customers=asked.customers, weeks=asked.weeks, seed=asked.seed)
        found = judged(Path(work), resamples=asked.resamples)
    source = about(__file__, asked)
    content = source | {"table": json.loads(found.to_json(orient="records", double_precision=5))}
    (HERE / "results.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    told = found.assign(said=found.apply(said, axis=1)).set_index(["tried", "figure"])["said"]
    lines = [
        f"| {name} | {' | '.join(told[name, figure] for figure in FIGURES)} |" for name in SETS
    ]
    head = (
        "| features | average precision | ROC AUC | alerted 3–12 weeks ahead |\n|---|---|---|---|"
    )
    put(
        "<!-- results: begin -->\n"
        + "\n".join([f"`{source['command']}`, {source['date']}:", "", head, *lines])
        + "\n<!-- results: end -->",
        into=HERE / "README.md",
    )


if __name__ == "__main__":
    main()
