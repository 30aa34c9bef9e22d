"""The share that leaves by the value of one signal, with intervals by customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm

from churnml.errors import InputError
from churnml.evaluation.relative_risk import Outcomes
from churnml.labels import CHURNED, UNKNOWN

if TYPE_CHECKING:
    from churnml.alerting.queue import Floats
    from churnml.model.examples import Examples

#: The band of rows of which the value is not known.
NOT_KNOWN = "unknown"
_NORMAL = float(norm.ppf(0.975))


def exit_shares(examples: Examples, feature: str, *, bands: int = 5) -> pd.DataFrame:
    """How many leave in the label window, by the value that a signal had before.

    Looks at all rows whose label is known, whenever: it describes, it does not judge a model.

    Parameters
    ----------
    examples : Examples
    feature : str
        A numeric one.
    bands : int
        About so many of equal size; equal values stay together.

    Returns
    -------
    DataFrame
        ``band`` (its least and greatest value), ``rows``, ``customers``, ``share`` and its 95%
        interval ``low``, ``high``, by customer; the last band may be ``unknown``. In ``attrs``:
        ``title`` of the feature by language, ``base_rate``.

    Raises
    ------
    InputError
        If there is no such numeric feature.

    References
    ----------
    .. [1] D. A. Binder, "On the variances of asymptotically normal estimators from complex
       surveys", International Statistical Review 51(3), 1983.

    Examples
    --------
    >>> list(ch.exit_shares(examples, "logins_28d", bands=3).columns[:4])
    ['band', 'rows', 'customers', 'share']
    """
    known = (examples.labels[examples.window] != UNKNOWN).to_numpy()
    rows = known & examples.population.to_numpy(dtype=bool)
    values = _numeric(examples, feature)[rows]
    exits = (examples.labels[examples.window][rows] == CHURNED).to_numpy(dtype=bool)
    customers = values.index.get_level_values("customer_id")
    outcomes = Outcomes(exits, pd.factorize(customers, sort=True)[0].astype(np.int64))
    numbers = np.ceil(values.rank(pct=True).to_numpy(dtype=float) * bands)  # ties share a rank
    wanted = [*np.unique(numbers[~np.isnan(numbers)]), np.nan]
    found = [
        {"band": _name(values[inside]), **_share(outcomes, inside)}
        for inside in (np.isnan(numbers) if np.isnan(one) else numbers == one for one in wanted)
        if inside.any()
    ]
    table = pd.DataFrame(found)
    titles = {one.name: dict(one.title) for one in examples.catalogue}
    table.attrs = {"title": titles[feature], "base_rate": float(exits.mean())}
    return table


def _numeric(examples: Examples, feature: str) -> pd.Series:
    if feature not in examples.features or not pd.api.types.is_numeric_dtype(
        examples.features[feature]
    ):
        numeric = examples.features.select_dtypes("number").columns
        raise InputError(
            f"There is no numeric feature '{feature}'; there are {', '.join(numeric[:5])} and "
            f"{max(len(numeric) - 5, 0)} others, see `churnml features --list`."
        )
    return examples.features[feature]


def _name(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    if pd.isna(low):
        return NOT_KNOWN
    return f"{low:.3g}" if low == high else f"{low:.3g} – {high:.3g}"


def _share(outcomes: Outcomes, inside: np.ndarray) -> dict[str, float]:
    """A ratio of sums over customers, with its linearised variance."""
    rows: Floats = outcomes.per_customer(inside)
    hits = outcomes.per_customer(inside & outcomes.exits)
    there = rows > 0
    count, share = int(there.sum()), hits.sum() / rows.sum()
    spread = np.square(hits - share * rows)[there].sum() * count / max(count - 1, 1)
    half = _NORMAL * np.sqrt(spread) / rows.sum() if count > 1 else np.nan
    return {
        "rows": int(rows.sum()), "customers": count, "share": float(share),
        "low": float(max(share - half, 0.0)), "high": float(min(share + half, 1.0)),
    }  # fmt: skip
