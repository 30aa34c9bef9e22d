"""A small panel of customers to learn from, and a search on it, which a process may run alone."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from churnml.features import Family, Feature, Unit
from churnml.model.examples import Examples
from churnml.model.search_storage import Place
from churnml.model.tuning import Tuned, tune
from churnml.splits import ForwardFolds
from churnml.windows import DAY, LabelWindow

START = pd.Timestamp("2025-01-06")
WINDOW = LabelWindow(21, 28, 14)
WIDE = LabelWindow(7, 77, 14)
TESTED = START + 30 * 7 * DAY
FOLDS = ForwardFolds(WINDOW, (TESTED,), TESTED + 60 * DAY)


def panel(*, customers: int = 150, weeks: int = 40, seed: int = 3) -> Examples:
    """Leavers have more of ``strain``; ``noise`` says nothing; a category leans a little."""
    rng = np.random.default_rng(seed)
    as_ofs = [START + number * 7 * DAY for number in range(weeks)]
    index = pd.MultiIndex.from_product(
        [[f"c{number:03}" for number in range(customers)], as_ofs], names=["customer_id", "as_of"]
    )
    strain = rng.normal(size=len(index))
    churned = rng.random(len(index)) < 1 / (1 + np.exp(3.0 - 1.5 * strain))
    features = pd.DataFrame(
        {
            "strain": np.where(rng.random(len(index)) < 0.1, np.nan, strain),
            "noise": rng.normal(size=len(index)),
            "constant": 1.0,
            "sector": np.where(rng.random(len(index)) < 0.5, "retail", "bank"),
            "country": np.where(churned ^ (rng.random(len(index)) < 0.3), "north", "south"),
        },
        index=index,
    )
    labels = pd.Series(np.where(churned, "churned", "stayed"), index=index)
    return Examples(
        features=features,
        labels={WINDOW: labels, WIDE: labels},
        population=pd.Series(True, index=index),
        catalogue=tuple(feature(name) for name in features),
        silent_churn=False,
    )


def feature(name: str) -> Feature:
    """A feature that only has a name; more of ``strain`` can only be riskier."""
    return Feature(
        name=name, value=None, title={"en": name, "ru": name}, unit=Unit.SCORE,
        family=Family.USAGE, risk=1 if name == "strain" else 0,
    )  # fmt: skip


def searched(place: Place, *, trials: int, **choices) -> Tuned:
    """The search of seed 1 on the panel."""
    return tune(
        panel(), folds=FOLDS, tested=TESTED, trials=trials, seed=1, place=place, name="s", **choices
    )


if __name__ == "__main__":  # one of several machines: address of the database, trials
    searched(Place(url=sys.argv[1], grace_seconds=4), trials=int(sys.argv[2]))
