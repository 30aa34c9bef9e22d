"""Whether another training finds the same signals important."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import pandas as pd

TOP = 10


def importance_stability(importances: Mapping[str, pd.Series], *, top: int = TOP) -> pd.DataFrame:
    """How alike the importances of several trainings are, pair by pair.

    Parameters
    ----------
    importances : mapping of str to Series of float
        By training (a fold, a seed, a month): the importance of each feature or family. What a
        training does not know has no importance there.
    top : int
        How many of the strongest are compared.

    Returns
    -------
    DataFrame
        ``first``, ``second``, ``rank_correlation`` (Spearman's, over what either knows) and
        ``top_shared``: which part of the strongest of one is among the strongest of the other.

    Examples
    --------
    >>> may = pd.Series({"logins": 0.4, "tone": 0.3, "nps": 0.1})
    >>> june = pd.Series({"logins": 0.5, "tone": 0.1, "nps": 0.2})
    >>> found = importance_stability({"may": may, "june": june}, top=2)
    >>> found[["rank_correlation", "top_shared"]].values.tolist()
    [[0.5, 0.5]]
    """
    table = pd.DataFrame(dict(importances))
    table = table.mask(table.isna(), 0.0)
    kept = min(top, len(table))
    strongest = {name: set(table[name].nlargest(kept).index) for name in table}
    ranks = table.rank()
    return pd.DataFrame(
        [
            {
                "first": first,
                "second": second,
                "rank_correlation": float(ranks[first].corr(ranks[second])),
                "top_shared": len(strongest[first] & strongest[second]) / kept,
            }
            for first, second in combinations(table.columns, 2)
        ]
    )
