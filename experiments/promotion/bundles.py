"""The promotion rule on real bundles: trained a quarter apart, compared on other customers."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from trials import average_precision, blur_for, summary, trial

from churnml.config import Study
from churnml.evaluation.forward import Fitting
from churnml.evaluation.promotion import newest_closed
from churnml.labels import label
from churnml.model.boosting import Parameters
from churnml.model.examples import prepare
from churnml.scoring import features_at
from churnml.sources import open_dataset
from churnml.sources.world import simulate
from churnml.windows import DAY

HERE = Path(__file__).parent
WEEKS, SEED = 70, 7  # one company; population seeds give it other customers
TRAINED_ON, COMPARED_ON = 100, (101, 102)
CUSTOMERS, COMPARED_CUSTOMERS = 1_200, 5_000
SIZES = (500, 2_000, 4_000)  # of some 5,000 at risk in the compared weeks
TRIALS, RESAMPLES = 50, 200
FAST = Parameters(trees=80)


@dataclass(frozen=True)
class Scored:
    """Log-odds of champion and challenger on the compared weeks, and what became of the rows."""

    champion: pd.Series
    challenger: pd.Series
    labels: pd.Series

    def drawn(self, customers: int, *, blur: float, rng: np.random.Generator) -> tuple:
        """The rows of so many customers, and the challenger with noise of its own."""
        codes, known = pd.factorize(self.labels.index.get_level_values("customer_id"))
        chosen = np.isin(codes, rng.choice(len(known), size=customers, replace=False))
        noise = blur * rng.normal(size=len(known))[codes]
        champion = self.champion[chosen].rename("score").reset_index()
        challenger = (self.challenger + noise)[chosen].rename("score").reset_index()
        return champion, challenger, self.labels[chosen].reset_index(drop=True)


def main(folder: Path) -> None:
    """Simulate, train twice, compare on other customers, count."""
    study = Study()
    simulate(
        folder / "own", customers=CUSTOMERS, weeks=WEEKS, seed=SEED, population_seed=TRAINED_ON
    )
    own = open_dataset(folder / "own" / "data")
    examples, folds = prepare(own, study=study, cache=folder / "cache", say=lambda _: None)
    weeks = newest_closed(examples, observed_until=own.observed_until)
    fitting = Fitting(FAST, "none", seed=study.seed, seeds=2, max_rows=study.model.max_rows)
    # A quarter before the right edge: the champion saw data until the week before the comparison.
    trained = own.observed_until - 91 * DAY
    champion = fitting.fit(examples, folds=folds, tested=trained)
    challenger = fitting.fit(examples, folds=folds, tested=weeks[0])
    parts = []
    for population in COMPARED_ON:
        place = folder / f"others{population}"
        simulate(
            place, customers=COMPARED_CUSTOMERS, weeks=WEEKS, seed=SEED, population_seed=population
        )
        others = open_dataset(place / "data")
        features = features_at(others, list(weeks), features=examples.catalogue)
        snapshots = features.index.to_frame(index=False)
        labels = label(others, snapshots, window=examples.window).set_axis(features.index)
        frame = pd.DataFrame({
            "champion": champion.logit(features), "challenger": challenger.logit(features),
            "label": labels,
        })  # fmt: skip
        index = frame.index.set_levels(
            [f"{population}-{one}" for one in frame.index.levels[0]], level="customer_id"
        )
        parts.append(frame.set_axis(index))
    table = pd.concat(parts)
    scored = Scored(table["champion"], table["challenger"], table["label"])
    write(scored, weeks=weeks, trained=trained)


def write(scored: Scored, *, weeks: pd.DatetimeIndex, trained: pd.Timestamp) -> None:
    """Repeat the comparison on draws of the customers, and add what was found to results.json."""
    people = pd.factorize(scored.labels.index.get_level_values("customer_id"))[0]
    noise = np.random.default_rng(0).normal(size=people.max() + 1)[people]

    def precision(blur: float) -> float:
        return average_precision(scored.labels, scored.challenger + blur * noise)

    results = []
    for loss in (0.0, 0.10):
        blur = blur_for(loss, precision=precision, highest=6.0)
        for customers in SIZES:
            found = summary(
                trial(
                    scored.drawn(customers, blur=blur, rng=np.random.default_rng(number)),
                    seed=number, resamples=RESAMPLES,
                )
                for number in range(TRIALS)
            )  # fmt: skip
            results.append({"customers": customers, "loss": loss, **found})
    path = HERE / "results.json"
    content = json.loads(path.read_text("utf-8")) if path.exists() else {}
    content["bundles"] = {
        "champion_until": str(trained.date()),
        "compared_weeks": [str(week.date()) for week in weeks],
        "customers": int(people.max() + 1),
        "champion": average_precision(scored.labels, scored.champion),
        "challenger": average_precision(scored.labels, scored.challenger),
        "base_rate": float((scored.labels == "churned").mean()),
        "correlation": float(np.corrcoef(scored.champion, scored.challenger)[0, 1]),
        "results": results,
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as aside:
            main(Path(aside))
