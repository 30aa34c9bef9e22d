"""How far a row must look back: the same test rows scored by features of bounded windows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from churnml.config import Study
from churnml.evaluation.bench import RESAMPLES, Bench
from churnml.features.lookback import lookback_weeks
from churnml.model.examples import Examples
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds

LOOKBACK_WEEKS = (1, 2, 4, 12, 26)


def window_sufficiency(
    dataset: Dataset,
    examples: Examples,
    *,
    folds: ForwardFolds,
    study: Study,
    weeks: Sequence[int] = LOOKBACK_WEEKS,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Figures by the longest window that a feature may have, on the same test rows.

    The look-back of a feature follows from its expression. Features without any window (days
    since the last row, what is open or in force, totals since ever) need a state rather than a
    history; each bound is tried with them and without.

    Parameters
    ----------
    weeks : sequence of int
        Bounds; features with a longer window are left out.

    Returns
    -------
    DataFrame
        ``weeks`` (infinity: no bound), ``since_ever`` (features without a window are kept),
        ``features`` (how many are left), then the columns of ``paired_figures``; differences are
        from all features.

    Examples
    --------
    >>> table = ch.window_sufficiency(
    ...     dataset, examples, folds=folds, study=study, weeks=(4,), resamples=10
    ... )
    >>> sorted(set(table["weeks"]))
    [4.0, inf]
    """
    bench = Bench.of(dataset, examples, folds=folds, study=study, resamples=resamples)
    bounds = sorted({float(bound) for bound in weeks}, reverse=True)
    settings = [(bound, ever) for bound in (math.inf, *bounds) for ever in (True, False)]
    kept = {setting: _bounded(examples, *setting) for setting in settings}
    kept = {setting: part for setting, part in kept.items() if part.catalogue}
    table = bench.figures({setting: bench.forward_scores(part) for setting, part in kept.items()})
    table.insert(0, "weeks", [setting[0] for setting in table["key"]])
    table.insert(1, "since_ever", [setting[1] for setting in table["key"]])
    table.insert(2, "features", [len(kept[setting].catalogue) for setting in table["key"]])
    order = ["figure", "since_ever", "weeks"]
    return table.drop(columns="key").sort_values(order, ignore_index=True)


def _bounded(examples: Examples, weeks: float, since_ever: bool) -> Examples:
    """The examples with the features that look back no further."""
    return examples.only(
        [
            feature
            for feature in examples.catalogue
            if ((far := lookback_weeks(feature.value)) == math.inf and since_ever)
            or (far <= weeks and far < math.inf)
        ]
    )
