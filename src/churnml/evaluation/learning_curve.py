"""How much history is enough: the same test rows scored by models of the newest weeks alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from churnml.config import Study
from churnml.errors import InputError
from churnml.evaluation.bench import RESAMPLES, Bench
from churnml.model.examples import Examples
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds
from churnml.windows import WEEK_DAYS

HISTORY_WEEKS = (8, 16, 26, 39, 52, 78, 104)


def learning_curve(
    dataset: Dataset,
    examples: Examples,
    *,
    folds: ForwardFolds,
    study: Study,
    weeks: Sequence[int] = HISTORY_WEEKS,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Figures by the length of the history that trains, on the same test rows.

    A history of w weeks are the as_ofs of the newest w weeks whose label was closed when the test
    began. The features of these rows still look back as far as they always do: this is about
    how many past outcomes are learnt from, ``window_sufficiency`` about how far a row looks back.

    Parameters
    ----------
    weeks : sequence of int
        Lengths; those as long as all that is there, or with too few leavers, are left out.

    Returns
    -------
    DataFrame
        ``weeks``, ``whole`` (all that is there), ``train_rows`` and ``train_leavers`` of the last
        fold, then the columns of ``paired_figures``; differences are from the whole history.

    Raises
    ------
    InputError
        If no shorter history can be learnt from.

    Examples
    --------
    >>> table = ch.learning_curve(
    ...     dataset, examples, folds=folds, study=study, weeks=(16,), resamples=10
    ... )
    >>> "difference" in table
    True
    """
    bench = Bench.of(dataset, examples, folds=folds, study=study, resamples=resamples)
    rows = examples.train_rows(examples.window, folds=folds, tested=folds.starts[-1])
    span = examples.as_ofs[rows].max() - examples.as_ofs[rows].min()
    whole = int(span.days // WEEK_DAYS) + 1
    lengths = {
        length: newest
        for length in sorted(set(weeks), reverse=True)
        if length < whole and bench.can_train(examples, folds=(newest := _newest(folds, length)))
    }
    if not lengths:
        raise InputError(
            f"The last fold learns from {whole} weeks; none of the lengths "
            f"{', '.join(map(str, weeks))} is shorter and has leavers enough. Give others."
        )
    chosen = {whole: folds, **lengths}
    scores = {length: bench.forward_scores(folds=newest) for length, newest in chosen.items()}
    learnt = pd.DataFrame(
        [
            {"weeks": length, "whole": length == whole} | bench.learnt_from(examples, folds=newest)
            for length, newest in chosen.items()
        ]
    )
    table = bench.figures(scores).rename(columns={"key": "weeks"})
    return learnt.merge(table, on="weeks").sort_values(["figure", "weeks"], ignore_index=True)


def _newest(folds: ForwardFolds, weeks: int) -> ForwardFolds:
    """The folds that train on so many weekly as_ofs, counted back from the last closed one."""
    # The last closed as_of may lie up to six days before the instant at which labels close.
    return replace(folds, train_days=folds.window.closing_days + WEEK_DAYS * weeks - 1)
