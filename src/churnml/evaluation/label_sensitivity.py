"""What hangs on the definition of leaving: grace, lead and horizon moved one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from churnml.config import Label, Study
from churnml.errors import InputError
from churnml.evaluation.bench import RESAMPLES, Bench
from churnml.labels import CHURNED, UNKNOWN, label, with_exits
from churnml.model.examples import Examples, label_windows
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds
from churnml.windows import DAY, LabelWindow

GRACE_DAYS = (14, 30, 60)
LEAD_DAYS = (7, 14, 21, 28, 42, 56)
HORIZON_DAYS = (14, 28, 56, 84)
TOP_SHARE = 0.1
_KEPT = ("figure", "value", "low", "high", "standard_error")


class Leaving(NamedTuple):
    """A definition of leaving, in days."""

    grace_days: int
    lead_days: int
    horizon_days: int


def label_sensitivity(
    dataset: Dataset,
    examples: Examples,
    *,
    folds: ForwardFolds,
    study: Study,
    grace_days: Sequence[int] = GRACE_DAYS,
    lead_days: Sequence[int] = LEAD_DAYS,
    horizon_days: Sequence[int] = HORIZON_DAYS,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Base rate, exits, figures and agreement of the scores by the definition of leaving.

    One choice moves at a time, the others stay as the study and dataset.toml have them; for every
    definition the model is fitted anew, with its own purge. Features and tested as_ofs are the
    same for all: those whose label is closed under every definition tried.

    Parameters
    ----------
    grace_days, lead_days, horizon_days : sequence of int
        Values beside the default's. Only ``contract`` has a grace.

    Returns
    -------
    DataFrame
        ``varied`` (grace_days, lead_days, horizon_days), ``days``, ``default`` (the study's own
        value), ``base_rate``, ``exits`` (behind the positive rows; of ``absence`` customers),
        ``rank_agreement`` with the default's scores (Spearman's correlation within the as_of),
        ``shared_top`` (share of the default's top tenth that is in this top tenth), then
        ``figure``, ``value``, ``low``, ``high``, ``standard_error``. A definition with too few
        leavers to learn from has no lines.

    Raises
    ------
    InputError
        If no tested as_of is closed under all definitions, or the default has too few leavers.

    Examples
    --------
    >>> table = ch.label_sensitivity(
    ...     dataset, examples, folds=folds, study=study, grace_days=(14,), lead_days=(14, 21),
    ...     horizon_days=(28,), resamples=10,
    ... )
    >>> sorted(set(table.loc[table["varied"] == "lead_days", "days"]))
    [14, 21]
    """
    own = _own(dataset, study)
    moved = {"grace_days": grace_days, "lead_days": lead_days, "horizon_days": horizon_days}
    if dataset.description.churn.kind != "contract":
        del moved["grace_days"]
    lines = [
        (varied, days, own._replace(**{varied: days}))
        for varied, values in moved.items()
        for days in sorted({*values, getattr(own, varied)})
    ]
    definitions = {key: _Definition.of(dataset, study, key) for _, _, key in lines}
    common = _common(folds, [one.window for one in definitions.values()], dataset)
    tried = {key: one.tried(examples, common, resamples) for key, one in definitions.items()}
    default = tried[own]
    if default is None:
        raise InputError("The study's own label has too few leavers before the first test.")
    parts = [
        found.against(default).assign(varied=varied, days=days, default=key == own)
        for varied, days, key in lines
        if (found := tried[key]) is not None
    ]
    columns = ["varied", "days", "default", "base_rate", "exits", "rank_agreement", "shared_top"]
    return pd.concat(parts, ignore_index=True)[[*columns, *_KEPT]]


def _own(dataset: Dataset, study: Study) -> Leaving:
    delay = dataset.description.churn.delay_days
    return Leaving(delay, study.label.lead_days, study.label.horizon_days)


def _common(folds: ForwardFolds, windows: Sequence[LabelWindow], dataset: Dataset) -> ForwardFolds:
    """The folds up to the last as_of whose label is closed under every definition."""
    longest = max(window.closing_days for window in windows)
    last = dataset.observed_until - longest * DAY
    until = min(folds.until, last + pd.Timedelta(microseconds=1))
    starts = tuple(start for start in folds.starts if start < until)
    if not starts:
        raise InputError(
            f"The longest definition closes {longest} days after the as_of; the test begins on "
            f"{folds.starts[0]:%Y-%m-%d} and the data end on {dataset.observed_until:%Y-%m-%d}. "
            "Leave out the longest, or test earlier."
        )
    return replace(folds, starts=starts, until=until)


@dataclass(frozen=True)
class _Definition:
    """The dataset and the study under one definition of leaving."""

    dataset: Dataset
    study: Study

    @classmethod
    def of(cls, dataset: Dataset, study: Study, leaving: Leaving) -> _Definition:
        description = dataset.description
        if description.churn.kind == "contract":
            churn = description.churn.model_copy(update={"grace_days": leaving.grace_days})
            description = description.model_copy(update={"churn": churn})
        window = Label(lead_days=leaving.lead_days, horizon_days=leaving.horizon_days)
        return cls(
            replace(dataset, description=description), study.model_copy(update={"label": window})
        )

    @property
    def windows(self) -> tuple[LabelWindow, ...]:
        return label_windows(self.study, self.dataset.description.churn)

    @property
    def window(self) -> LabelWindow:
        return self.windows[0]

    def tried(self, examples: Examples, folds: ForwardFolds, resamples: int) -> _Tried | None:
        """The model of this definition on the tested rows; None if leavers are too few."""
        index = examples.features.index
        snapshots = index.to_frame(index=False)
        labels = {
            window: label(self.dataset, snapshots, window=window).set_axis(index)
            for window in self.windows
        }
        relabelled = replace(examples, labels=labels)
        folds = replace(folds, window=self.window)
        bench = Bench.of(
            self.dataset, relabelled, folds=folds, study=self.study, resamples=resamples
        )
        if not bench.can_train(relabelled, folds=folds):
            return None
        scores = bench.forward_scores()
        tested = labels[self.window].loc[scores.index]
        positive = tested.index[(tested == CHURNED).to_numpy()].to_frame(index=False)
        return _Tried(
            scores=scores,
            figures=bench.figures({"": scores})[[*_KEPT]],
            base_rate=float((tested == CHURNED).sum() / (tested != UNKNOWN).sum()),
            exits=self._exits(positive),
        )

    def _exits(self, positive: pd.DataFrame) -> int:
        if self.dataset.description.churn.kind == "absence":
            return int(positive["customer_id"].nunique())
        exits = with_exits(self.dataset, positive)[["customer_id", "exit_at"]]
        return len(exits.drop_duplicates())


@dataclass(frozen=True)
class _Tried:
    """What a definition led to."""

    scores: pd.Series
    figures: pd.DataFrame
    base_rate: float
    exits: int

    def against(self, default: _Tried) -> pd.DataFrame:
        """The figures with what is said once for all of them."""
        agreement = rank_agreement(default.scores, self.scores)
        return self.figures.assign(base_rate=self.base_rate, exits=self.exits, **agreement)


def rank_agreement(first: pd.Series, second: pd.Series) -> Mapping[str, float]:
    """How far two scores of the same rows agree within the as_ofs.

    Parameters
    ----------
    first, second : Series of float, indexed by (customer_id, as_of)

    Returns
    -------
    dict
        ``rank_agreement``: Spearman's correlation of the ranks within the as_of, pooled;
        ``shared_top``: share of the first's top tenth of each as_of that is in the second's.
    """
    both = pd.DataFrame({"first": first, "second": second})
    by_as_of = both.groupby(level="as_of")
    ranks = by_as_of.rank(pct=True)
    centred = ranks - ranks.groupby(level="as_of").transform("mean")
    sizes = by_as_of["first"].transform("size")
    top = by_as_of.rank(ascending=False, method="first").le(
        np.ceil(np.round(TOP_SHARE * sizes, 9)), axis=0
    )
    return {
        "rank_agreement": float(centred.corr().iloc[0, 1]),
        "shared_top": float((top["first"] & top["second"]).sum() / top["first"].sum()),
    }
