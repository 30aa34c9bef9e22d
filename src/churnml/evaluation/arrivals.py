"""What late data costs: training and scoring as if every row had arrived some days later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from churnml.config import Study
from churnml.evaluation.bench import RESAMPLES, Bench
from churnml.features import compute_features
from churnml.model.examples import Examples
from churnml.snapshots import take_snapshots
from churnml.sources.arrival import arriving_later
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds

DELAY_DAYS = (0, 1, 3, 7)
AS_LATE = "as late"
ON_TIME = "on time"


def late_arrivals(
    dataset: Dataset,
    examples: Examples,
    *,
    folds: ForwardFolds,
    study: Study,
    days: Sequence[int] = DELAY_DAYS,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Figures by the days that rows arrive later than they do, on the same test rows.

    A score then lacks the newest rows of every feed. Two models face it: one that learnt from
    tables just as late (``as late``), and one that learnt from a history that was filled in
    meanwhile (``on time``), as it happens when arrival times are not kept.

    Parameters
    ----------
    days : sequence of int
        Delays beside 0, which is always there.

    Returns
    -------
    DataFrame
        ``delay_days``, ``training`` (as late, on time), then the columns of ``paired_figures``;
        differences are from no delay.

    Examples
    --------
    >>> table = ch.late_arrivals(
    ...     dataset, examples, folds=folds, study=study, days=(7,), resamples=10
    ... )
    >>> sorted(set(table["delay_days"]))
    [0, 7]
    """
    bench = Bench.of(dataset, examples, folds=folds, study=study, resamples=resamples)
    snapshots = take_snapshots(dataset, list(examples.as_ofs.unique()))
    late = {
        delay: compute_features(
            arriving_later(dataset, days=delay), snapshots, features=examples.catalogue
        ).loc[examples.features.index]
        for delay in sorted(set(days) - {0})
    }
    on_time = bench.scores(examples, folds=folds, tables=late)
    scores = {(0, AS_LATE): on_time[None]}
    for delay, features in late.items():
        scores[delay, AS_LATE] = bench.forward_scores(replace(examples, features=features))
        scores[delay, ON_TIME] = on_time[delay]
    table = bench.figures(scores)
    punctual = table[[key == (0, AS_LATE) for key in table["key"]]]
    # Without a delay both ways of training are one.
    table = pd.concat([table, punctual.assign(key=[(0, ON_TIME)] * len(punctual))])
    table.insert(0, "delay_days", [delay for delay, _ in table["key"]])
    table.insert(1, "training", [training for _, training in table["key"]])
    order = ["figure", "training", "delay_days"]
    return table.drop(columns="key").sort_values(order, ignore_index=True)
