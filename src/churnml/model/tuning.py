"""The search beside the recipe: small, forward in time, resumable, and humble about noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.labels import CHURNED, UNKNOWN
from churnml.model import boosting
from churnml.model.boosting import Device, Parameters
from churnml.model.ensemble import recipe_for, thinned
from churnml.model.examples import Examples, Say, silent
from churnml.model.preparation import fit_preparation
from churnml.model.search import Search, searched
from churnml.model.search_storage import Place, open_study
from churnml.model.trial import FoldArrays
from churnml.model.words import phrase
from churnml.model.workers import Crew, Here, crew_of
from churnml.splits import ForwardFolds
from churnml.spoken import Spoken
from churnml.windows import DAY

INNER_BLOCKS = 3
_MAX_ROWS = 30_000

Flags = npt.NDArray[np.bool_]

#: A search that is not kept.
NOWHERE = Place()


@dataclass(frozen=True)
class Tuned:
    """The chosen setting, whether it is the recipe's, and the study as a table."""

    parameters: Parameters
    is_recipe: bool
    trials: pd.DataFrame
    reason: Spoken

    @property
    def chosen(self) -> Parameters | None:
        """The setting for every fit; None: the recipe for the rows that each fit has."""
        return None if self.is_recipe else self.parameters


def inner_folds(examples: Examples, *, folds: ForwardFolds, tested: pd.Timestamp) -> ForwardFolds:
    """Forward folds on data that was closed before the first outer test begins.

    The tested as_ofs end where their own labels close, and cover the newest 40% of them.
    """
    window = examples.window
    as_ofs = examples.as_ofs[examples.train_rows(window, folds=folds, tested=tested)]
    last, first = as_ofs.max(), as_ofs.min()
    start = last - pd.Timedelta(days=int(0.4 * ((last - first) / DAY)))
    length = (last + DAY - start) / INNER_BLOCKS
    starts = tuple(start + number * length for number in range(INNER_BLOCKS))
    return ForwardFolds(window, starts, last + DAY, folds.train_days)


def tune(
    examples: Examples,
    *,
    folds: ForwardFolds,
    tested: pd.Timestamp,
    trials: int,
    seed: int,
    place: Place = NOWHERE,
    name: str = "churnml",
    workers: int = 1,
    device: Device = "cpu",
    progress: Callable[[int, float], None] = lambda done, best: None,
    say: Say = silent,
) -> Tuned:
    """The recipe, unless another setting beats it by more than one standard error of the folds.

    Same data and seed and as many workers: same trials, though the search was killed and started
    again. Several machines on one database share the trials as they come.

    Parameters
    ----------
    examples : Examples
    folds : ForwardFolds
    tested : Timestamp
        First as_of of the first test; only what was closed before it is searched on.
    trials : int
        Settings tried beside the recipe.
    place : Place
        Where the search is kept; a study of this name there is resumed. Default: it is not kept.
    name : str
        Digest of data, study and code.
    workers : int
        Processes that try settings side by side; with a database at least one beside this.
    device : str
        Where boosters are fitted: ``cpu`` or ``cuda``.
    progress : callable
        Called with the number of trials done and the best average precision so far.
    say : callable
        Told of what was mended and what is waited for.

    Raises
    ------
    InputError
        If the search cannot be kept, or workers die again and again.

    Examples
    --------
    >>> found = ch.tune(
    ...     examples, folds=folds, tested=dataset.observed_until, trials=1, seed=7
    ... )
    >>> len(found.trials), found.is_recipe  # the recipe itself is trial 0
    (2, True)
    """
    rows = examples.train_rows(examples.window, folds=folds, tested=tested)
    base = recipe_for(examples, rows)
    if trials == 0:
        return Tuned(base, True, pd.DataFrame(), phrase("no_trials"))
    inner = fold_arrays(examples, folds=inner_folds(examples, folds=folds, tested=tested))
    if not inner:
        return Tuned(base, True, pd.DataFrame(), phrase("too_little_history"))
    with ExitStack() as stack:
        study = stack.enter_context(open_study(place, name=name, say=say))
        crew = stack.enter_context(
            _crew(inner, workers=workers, place=place, seed=seed, device=device, say=say)
        )
        search = Search(study, place=place, trials=trials, seed=seed, recipe=base, size=crew.size)
        search.walk(crew, progress=progress)
        return _choose(search.finished, base)


@contextmanager
def _crew(
    inner: Sequence[FoldArrays], *, workers: int, place: Place, seed: int, device: Device, say: Say
) -> Iterator[Crew]:
    """Other processes for a shared search, too: this process must say that it lives meanwhile."""
    if workers == 1 and place.url is None:
        yield Here(inner, seed=seed, device=device)
        return
    with crew_of(inner, size=workers, seed=seed, device=device, say=say) as crew:
        yield crew


def _choose(finished: Sequence[Any], base: Parameters) -> Tuned:
    first = next(trial for trial in finished if trial.params == searched(base))
    best = max(finished, key=lambda trial: trial.value)
    gain = np.array(best.user_attrs["values"]) - np.array(first.user_attrs["values"])
    error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
    table = pd.DataFrame(
        [
            {"trial": number, "average_precision": trial.value, **trial.params,
             "rounds": float(np.mean(trial.user_attrs["rounds"]))}
            for number, trial in enumerate(finished)
        ]
    )  # fmt: skip
    found = phrase("gain", gain=float(gain.mean()), error=float(error), folds=len(gain))
    if best is first or gain.mean() <= error:
        return Tuned(base, True, table, phrase("recipe_kept", gain=found))
    trees = max(30, int(np.mean(best.user_attrs["rounds"]) * 1.1))
    return Tuned(Parameters(**best.params, trees=trees), False, table, phrase("tuned", gain=found))


def fold_arrays(examples: Examples, *, folds: ForwardFolds) -> list[FoldArrays]:
    """The numbers of the inner folds that have leavers enough, prepared inside each fold."""
    target = (examples.labels[examples.window] == CHURNED).to_numpy()
    usable = (examples.labels[examples.window] != UNKNOWN).to_numpy() & examples.counted
    as_ofs = examples.as_ofs
    found = []
    for start, end in folds.blocks():
        train = examples.train_rows(examples.window, folds=folds, tested=start)
        test = usable & np.asarray((as_ofs >= start) & (as_ofs < end))
        train = thinned(examples, train, _MAX_ROWS)
        if min(target[train].sum(), target[test].sum()) >= 5:
            found.append(_fold(examples, target, train=train, test=test))
    return found


def _fold(examples: Examples, target: Flags, *, train: Flags, test: Flags) -> FoldArrays:
    features = examples.features[train]
    preparation = fit_preparation(features, window=examples.window, everyone=None)
    weight = examples.weights(train)
    return FoldArrays(
        train=preparation.matrix(features),
        train_target=target[train].astype(np.float32),
        weight=np.zeros(0, np.float32) if weight is None else weight.astype(np.float32),
        test=preparation.matrix(examples.features[test]),
        test_target=target[test].astype(np.float32),
        columns=np.array(preparation.columns, dtype=np.str_),
        monotone=np.array(boosting.monotone_signs(preparation.sources, examples.risk)),
    )
