"""The last weeks scored at once: what the queue is replayed on, and what the timelines draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from churnml.config import Study
from churnml.features import Feature, catalogue
from churnml.model.bundle import Bundle
from churnml.scoring import listened, needed_features, score_weeks
from churnml.sources.dataset import Dataset
from churnml.windows import DAY, WEEK_DAYS, weekly

#: Half a year: alerts of 84 days, and the quiet time of those before them.
WEEKS = 26
#: Apart from the features of training, whose as_ofs are others: neither drops the other's.
CACHE = Path("mlruns/cache/weeks")


@dataclass(frozen=True)
class PastWeeks:
    """Scores and features of everyone at risk at the last weekly as_ofs.

    Parameters
    ----------
    dataset : Dataset
        Its messages heard as the bundle heard them.
    scores : DataFrame
        As ``score_everyone`` returns them.
    table : DataFrame indexed by (customer_id, as_of), aligned with the scores
        The model's features.
    features : tuple of Feature
        What its columns mean.
    catalogue : DataFrame indexed by (customer_id, as_of), aligned with the scores
        Every feature of the data: what reasons ask of the past.
    """

    dataset: Dataset
    scores: pd.DataFrame
    table: pd.DataFrame
    features: tuple[Feature, ...]
    catalogue: pd.DataFrame

    @property
    def as_ofs(self) -> tuple[pd.Timestamp, ...]:
        """The as_ofs with anybody at risk, the newest last."""
        return tuple(pd.Timestamp(moment) for moment in sorted(self.scores["as_of"].unique()))

    @property
    def now(self) -> pd.DataFrame:
        """The scores of the newest as_of."""
        return self.scores[self.scores["as_of"] == self.as_ofs[-1]]


def weeks_until(as_of: pd.Timestamp, *, count: int = WEEKS) -> list[pd.Timestamp]:
    """So many weekly as_ofs, the last of them the one given."""
    first = as_of - pd.Timedelta(days=WEEK_DAYS * (count - 1))
    return list(weekly(first, as_of + DAY))


def score_past_weeks(
    dataset: Dataset,
    bundle: Bundle,
    as_ofs: Sequence[pd.Timestamp],
    *,
    study: Study,
    cache: Path = CACHE,
) -> PastWeeks:
    """Everyone at risk at these as_ofs, scored with what was known then.

    Features are read from the cache where an earlier call left them: the next week of a report, or
    its other language, computes only what is new.

    Raises
    ------
    InputError
        If nobody is at risk, or the model needs features that are not there.
    """
    heard = listened(dataset, bundle)
    every, known = catalogue(heard), needed_features(heard, bundle)
    scores, table = score_weeks(
        heard, bundle, as_ofs, study=study, features=(*every, *known), folder=cache
    )
    own = table[list(bundle.feature_names)]
    return PastWeeks(heard, scores.reset_index(drop=True), own, known, table)
