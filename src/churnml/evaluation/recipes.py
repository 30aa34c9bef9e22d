"""Several ways of learning from the same examples, judged on the same tested rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import pandas as pd

from churnml.config import Study
from churnml.errors import InputError
from churnml.evaluation.bench import RESAMPLES, Bench
from churnml.evaluation.forward import Fitting
from churnml.model.examples import Examples
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds


def compare_fittings(
    dataset: Dataset,
    examples: Examples,
    *,
    folds: ForwardFolds,
    study: Study,
    fittings: Mapping[str, Fitting],
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Figures of each way of fitting, forward in time, and how they differ from the first.

    Parameters
    ----------
    dataset : Dataset
    examples : Examples
    folds : ForwardFolds
    study : Study
        Of the queue.
    fittings : mapping of str to Fitting
        Parameters, sampler, seeds; the first is what the others are compared with.
    resamples : int

    Returns
    -------
    DataFrame
        ``tried``, then the columns of ``paired_figures``; differences are from the first, in the
        same resamples of customers.

    Raises
    ------
    InputError
        If there is no fitting.

    Examples
    --------
    >>> from dataclasses import replace
    >>> three = replace(fitting, seeds=3)
    >>> compared = ch.compare_fittings(
    ...     dataset, examples, folds=folds, study=study,
    ...     fittings={"one seed": fitting, "three seeds": three}, resamples=20,
    ... )
    >>> list(compared["tried"].unique())
    ['one seed', 'three seeds']
    """
    if not isinstance(fittings, Mapping) or not fittings:
        raise InputError(
            "There is nothing to compare; give each Fitting by its name: "
            "{'recipe': churnml.Fitting.of(study, parameters=None), …}."
        )
    bench = Bench.of(dataset, examples, folds=folds, study=study, resamples=resamples)
    scores = {
        name: replace(bench, fitting=fitting).forward_scores() for name, fitting in fittings.items()
    }
    return bench.figures(scores).rename(columns={"key": "tried"})


def compare_features(
    dataset: Dataset,
    examples: Examples,
    *,
    folds: ForwardFolds,
    study: Study,
    dropped: Mapping[str, Collection[str]],
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Figures of the recipe without some features, forward in time, against the first choice.

    Parameters
    ----------
    dataset : Dataset
    examples : Examples
    folds : ForwardFolds
    study : Study
    dropped : mapping of str to names of features
        What each choice leaves out; nothing: all features. The first is the reference.
    resamples : int

    Returns
    -------
    DataFrame
        ``tried``, then the columns of ``paired_figures``; differences are from the first, in the
        same resamples of customers.

    Raises
    ------
    InputError
        If there is no choice, or one leaves out a feature that is not there.

    Examples
    --------
    >>> compared = ch.compare_features(
    ...     dataset, examples, folds=folds, study=study, resamples=20,
    ...     dropped={"all": [], "without logins": ["logins_7d", "logins_28d"]},
    ... )
    >>> list(compared["tried"].unique())
    ['all', 'without logins']
    """
    if not isinstance(dropped, Mapping) or not dropped:
        raise InputError(
            "There is nothing to compare; say by name which features to leave out: "
            "{'all': [], 'without tone': ['tone_28d']}."
        )
    bench = Bench.of(dataset, examples, folds=folds, study=study, resamples=resamples)
    kept = {name: _without(examples, out) for name, out in dropped.items()}
    scores = {name: bench.forward_scores(part) for name, part in kept.items()}
    return bench.figures(scores).rename(columns={"key": "tried"})


def _without(examples: Examples, out: Collection[str]) -> Examples:
    if isinstance(out, str):
        raise InputError(f"dropped: expected a list of features, got '{out}'. Give ['{out}'].")
    if unknown := sorted(set(out) - set(examples.features.columns)):
        raise InputError(
            f"No feature is called {', '.join(unknown)}; ch.catalogue(dataset).frame() lists them."
        )
    return examples.only([one for one in examples.catalogue if one.name not in out])
