"""How well signals tell leavers from the others, by the weeks that are left until the exit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.errors import InputError
from churnml.evaluation.resampling import (
    RESAMPLES,
    customer_sums,
    ratio_interval,
    resampled_totals,
)
from churnml.labels import CHURNED
from churnml.model.ensemble import thinned
from churnml.model.examples import Examples
from churnml.model.linear import fit_linear
from churnml.model.preparation import fit_preparation
from churnml.splits import ForwardFolds
from churnml.windows import WEEK_DAYS

#: The linear model of all families together.
TOGETHER = "together"
WEEKS = tuple(range(13))
#: More rows than these only cost time.
_MAX_ROWS = 30_000


def family_separation(
    examples: Examples,
    *,
    folds: ForwardFolds,
    weeks: Sequence[int] = WEEKS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of the others whom a leaver outranks, by family of signals and weeks before the exit.

    For each fold and family a regularised logistic regression learns from the signals of that
    family alone, on labels closed when the test begins; it scores the tested rows. A leaver in the
    k-th week before the exit is compared with everyone else at risk at the same as_of: 0.5 is
    chance, 1 is above all. With one leaver at an as_of this is the area under the ROC curve.

    Parameters
    ----------
    examples : Examples
    folds : ForwardFolds
    weeks : sequence of int
        Whole weeks until the exit.
    resamples, seed : int
        Of the intervals, over leavers.

    Returns
    -------
    DataFrame
        ``family`` (and ``together``, all signals in one such model), ``signals`` (their number),
        ``weeks``, ``value``, ``low``, ``high`` (95%), ``exits`` behind the value. A week without a
        leaver has no line.

    Raises
    ------
    InputError
        If exits have no date.

    Examples
    --------
    >>> table = ch.family_separation(examples, folds=folds, resamples=20)
    >>> "together" in set(table["family"])
    True
    """
    notice = _notice(examples)
    scores, sizes = _family_scores(examples, folds)
    table = _separation(scores, notice.loc[scores.index], weeks, resamples, seed)
    table.insert(1, "signals", table["name"].map(sizes))
    return table.rename(columns={"name": "family"})


def signal_separation(
    examples: Examples,
    *,
    weeks: Sequence[int] = WEEKS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of the others whom a leaver outranks by one signal alone, by weeks before the exit.

    Nothing is fitted: signals are ordered by the direction that their declaration says, those
    without a direction are left out. Who has no value of a signal outranks half of the others.

    Parameters
    ----------
    examples : Examples
    weeks, resamples, seed
        As for ``family_separation``.

    Returns
    -------
    DataFrame
        ``feature``, ``title``, ``family``, ``weeks``, ``value``, ``low``, ``high``, ``exits``.

    Raises
    ------
    InputError
        If exits have no date.

    Examples
    --------
    >>> table = ch.signal_separation(examples, weeks=(3, 4), resamples=20)
    >>> table["weeks"].unique().tolist()
    [3, 4]
    """
    notice = _notice(examples)
    known = {one.name: one for one in examples.catalogue if one.risk and not one.is_category}
    inside = examples.population.to_numpy()
    signed = examples.features.loc[inside, list(known)] * [one.risk for one in known.values()]
    table = _separation(signed, notice[inside], weeks, resamples, seed)
    table.insert(1, "title", [known[name].title["en"] for name in table["name"]])
    table.insert(2, "family", [str(known[name].family) for name in table["name"]])
    return table.rename(columns={"name": "feature"})


def _notice(examples: Examples) -> pd.Series:
    if examples.exits is None:
        raise InputError(
            "Exits have no date here (kind = 'absence'), so there are no weeks before them. "
            "Describe churn as 'contract' or 'inactivity' in dataset.toml."
        )
    return examples.exits["notice_days"]


def _family_scores(
    examples: Examples, folds: ForwardFolds
) -> tuple[pd.DataFrame, Mapping[str, int]]:
    """Out-of-time margins by family on the tested rows, and the largest number of signals used."""
    parts: list[pd.DataFrame] = []
    sizes: dict[str, int] = {}
    target = (examples.labels[examples.window] == CHURNED).to_numpy()
    population, as_ofs = examples.population.to_numpy(), examples.as_ofs
    for start, end in folds.blocks():
        rows = thinned(
            examples,
            examples.train_rows(examples.window, folds=folds, tested=start),
            _MAX_ROWS,
        )
        tested = population & np.asarray((as_ofs >= start) & (as_ofs < end))
        step = fit_preparation(examples.features[rows], window=examples.window, everyone=None)
        train, test = (step.matrix(examples.features[part]) for part in (rows, tested))
        columns = _columns_by_family(examples, step.sources)
        margins = {
            family: fit_linear(train[:, own], target[rows], weight=examples.weights(rows)).logit(
                test[:, own]
            )
            for family, own in columns.items()
        }
        parts.append(pd.DataFrame(margins, index=examples.features.index[tested]))
        sizes |= {
            family: len({step.sources[column] for column in own}) for family, own in columns.items()
        }
    return pd.concat(parts), sizes


def _columns_by_family(
    examples: Examples, sources: Sequence[str]
) -> dict[str, npt.NDArray[np.intp]]:
    """Matrix columns of each family, in the order of the catalogue, and of all together."""
    family = {one.name: str(one.family) for one in examples.catalogue}
    of_column = np.array([family[name] for name in sources])
    order = dict.fromkeys(name for name in family.values() if name in of_column)
    columns = {name: np.flatnonzero(of_column == name) for name in order}
    return columns | {TOGETHER: np.arange(len(sources))}


def _separation(
    scores: pd.DataFrame,
    notice_days: pd.Series,
    weeks: Sequence[int],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """One line for each score and week: the mean share outranked, leavers resampled together."""
    left = (notice_days // WEEK_DAYS).to_numpy()
    leaving = np.isin(left, weeks)
    outranked = _outranked(scores)[leaving]
    lines = []
    for week in weeks:
        here = outranked[left[leaving] == week]
        if here.empty:
            continue
        ones = pd.Series(1.0, index=here.index)
        sums = customer_sums(pd.concat([here, ones], axis=1))
        drawn = resampled_totals(sums, resamples=resamples, seed=seed)
        for place, name in enumerate(scores):
            low, high = ratio_interval(drawn[:, place], drawn[:, -1]) or (np.nan, np.nan)
            value = float(here[name].mean())
            lines.append({"name": name, "weeks": week, "value": value, "low": low, "high": high,
                          "exits": len(here)})  # fmt: skip
    columns = ["name", "weeks", "value", "low", "high", "exits"]
    table = pd.DataFrame(lines, columns=columns)
    order = {name: place for place, name in enumerate(scores)}
    return table.sort_values("name", key=lambda each: each.map(order), kind="stable").reset_index(
        drop=True
    )


def _outranked(scores: pd.DataFrame) -> pd.DataFrame:
    """Share of the others at the same as_of with a lower score; ties, and unknown, are a half."""
    by_as_of = scores.groupby(level="as_of")
    others = by_as_of.transform("count") - 1
    share = (by_as_of.rank() - 1) / others.where(others > 0)
    return share.where(share.notna(), 0.5)
