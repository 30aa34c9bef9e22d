"""What other splits would claim: the same tested rows under random and unpurged splits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from churnml.config import Study
from churnml.evaluation.bench import RESAMPLES, Bench, Mask, counts
from churnml.model.examples import Examples
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds, Positions

FORWARD = "forward"
UNPURGED = "forward_unpurged"
RANDOM_CUSTOMERS = "random_customers"
RANDOM_ROWS = "random_rows"


def split_gap(
    dataset: Dataset,
    examples: Examples,
    *,
    folds: ForwardFolds,
    study: Study,
    parts: int = 3,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Figures that four ways of splitting report about the same tested rows.

    ``forward``: the study's folds. ``forward_unpurged``: every earlier row trains, with a label
    that was still open when the test began. ``random_customers`` and ``random_rows``: customers,
    or rows, are dealt into parts, and each part is scored by a model of the others, whose rows
    lie before, in and after the test. Only the first could have been done at the time; the
    difference of the others is what they would have promised in vain (or not, as they also learn
    from other amounts of data: ``train_rows``).

    Parameters
    ----------
    parts : int
        Number of parts of the random splits.

    Returns
    -------
    DataFrame
        ``split``, ``train_rows`` and ``train_leavers`` (of the last fold or part), then the columns
        of ``paired_figures``; differences are from ``forward``.

    Examples
    --------
    >>> table = ch.split_gap(dataset, examples, folds=folds, study=study, resamples=10)
    >>> sorted(set(table["split"]))
    ['forward', 'forward_unpurged', 'random_customers', 'random_rows']
    """
    bench = Bench.of(dataset, examples, folds=folds, study=study, resamples=resamples)
    splits = _Splits(bench, parts)
    rows, customers = splits.dealt_rows(), splits.dealt_customers()
    forward = bench.forward_scores()
    scores = {
        FORWARD: forward,
        UNPURGED: splits.unpurged().loc[forward.index],
        RANDOM_CUSTOMERS: splits.out_of_part(customers).loc[forward.index],
        RANDOM_ROWS: splits.out_of_part(rows).loc[forward.index],
    }
    learnt = {
        FORWARD: bench.learnt_from(examples, folds=folds),
        UNPURGED: splits.learnt_from(np.asarray(examples.as_ofs < folds.starts[-1])),
        RANDOM_CUSTOMERS: splits.learnt_from(customers != parts - 1),
        RANDOM_ROWS: splits.learnt_from(rows != parts - 1),
    }
    about = pd.DataFrame([{"split": split} | found for split, found in learnt.items()])
    return about.merge(bench.figures(scores).rename(columns={"key": "split"}), on="split")


class _Splits:
    """Models of rows chosen by hand, fitted as if all labels of today had been known."""

    def __init__(self, bench: Bench, parts: int) -> None:
        self.bench, self.parts = bench, parts
        self.examples = bench.examples
        self.everything = replace(bench.folds, train_days=None)
        self.today = bench.exits.observed_until
        as_ofs = self.examples.as_ofs
        inside = (as_ofs >= bench.folds.starts[0]) & (as_ofs < bench.folds.until)
        self.tested = self.examples.population.to_numpy() & np.asarray(inside)

    def dealt_rows(self) -> Positions:
        """The part of each row."""
        return self._dice().integers(self.parts, size=len(self.examples.features))

    def dealt_customers(self) -> Positions:
        """The part of each row, the same for all rows of a customer."""
        index = self.examples.features.index
        codes, known = pd.factorize(index.get_level_values("customer_id"), sort=True)
        return np.asarray(self._dice().integers(self.parts, size=len(known))[codes])

    def out_of_part(self, part: Positions) -> pd.Series:
        """Tested rows scored by the model of the other parts."""
        return pd.concat(
            [self._scored(part != number, part == number) for number in range(self.parts)]
        )

    def unpurged(self) -> pd.Series:
        """Tested rows scored by the model of all rows before their block."""
        as_ofs = self.examples.as_ofs
        return pd.concat(
            [
                self._scored(np.asarray(as_ofs < start), (as_ofs >= start) & (as_ofs < end))
                for start, end in self.bench.folds.blocks()
            ]
        )

    def learnt_from(self, chosen: Mask) -> dict[str, int]:
        masked = self._masked(chosen)
        rows = masked.train_rows(masked.window, folds=self.everything, tested=self.today)
        return counts(masked, rows)

    def _scored(self, trains: Mask, scored: Mask) -> pd.Series:
        ensemble = self.bench.fitting.fit(
            self._masked(trains), folds=self.everything, tested=self.today
        )
        return ensemble.predict(self.examples.features[np.asarray(scored) & self.tested])

    def _masked(self, chosen: Mask) -> Examples:
        return replace(self.examples, population=self.examples.population & chosen)

    def _dice(self) -> np.random.Generator:
        return np.random.default_rng(self.bench.seed)
