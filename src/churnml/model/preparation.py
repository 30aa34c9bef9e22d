"""From the feature table to a matrix: categories and purchase process, fitted inside the fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.errors import InputError
from churnml.model.bg_nbd import BgNbd, fit_bg_nbd
from churnml.windows import LabelWindow

Matrix = npt.NDArray[np.float32]

#: A value of a categorical column gets a column of its own from this share of training rows on.
MIN_CATEGORY_SHARE = 0.01
MAX_CATEGORIES = 20

PURCHASE_COLUMNS = ("purchase_repeat_days", "purchase_recency_days", "purchase_age_days")
NO_PURCHASE = "no_purchase_log_odds"
_SURE = 1e-6
_WEEK = 7.0  # BG/NBD is fitted in weeks, as its sources do; days make the optimum flat


@dataclass(frozen=True)
class Preparation:
    """Fitted step from features to matrix columns.

    Parameters
    ----------
    numeric : tuple of str
        Feature columns taken as they are; columns without one known value are left out.
    categories : mapping of str to tuple of str
        Categorical features and the values that have a 0/1 column.
    purchases : BgNbd, optional
        Purchase process behind the column ``no_purchase_log_odds``.
    window : LabelWindow
        Days for which its probability of no purchase is asked.
    """

    numeric: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    purchases: BgNbd | None
    window: LabelWindow

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the matrix columns."""
        return (*self.numeric, *self._indicators(), *((NO_PURCHASE,) if self.purchases else ()))

    @property
    def sources(self) -> tuple[str, ...]:
        """The feature each matrix column comes from, in the same order."""
        indicators = tuple(name for name, values in self.categories.items() for _ in values)
        process = ("purchase_recency_days",) if self.purchases else ()
        return (*self.numeric, *indicators, *process)

    def _indicators(self) -> tuple[str, ...]:
        return tuple(
            f"{name}={value}" for name, values in self.categories.items() for value in values
        )

    def matrix(self, features: pd.DataFrame) -> Matrix:
        """The matrix of these snapshots, shape (n_snapshots, n_columns); NaN is unknown.

        Raises
        ------
        InputError
            If features that the model was trained with are absent, or there is no table.
        """
        if not isinstance(features, pd.DataFrame):
            raise InputError(
                f"features: expected a DataFrame, got {type(features).__name__}. A single row "
                "stays a table in two brackets: features.iloc[[0]]."
            )
        absent = [name for name in (*self.numeric, *self.categories) if name not in features]
        if absent:
            raise InputError(
                f"The model needs {len(self.numeric) + len(self.categories)} features; "
                f"{len(absent)} are absent: {', '.join(absent[:5])}. "
                "Compute features with the version of churnml in bundle.json, or train again."
            )
        parts = [features[list(self.numeric)].to_numpy(dtype=np.float32)]
        for name, values in self.categories.items():
            column = features[name].astype("object").to_numpy()
            parts.append(np.stack([column == value for value in values], axis=1).astype(np.float32))
        if self.purchases is not None:
            silent = no_purchase_probability(self.purchases, features, window=self.window)
            # Log-odds, because both learners add in log-odds; clipped, as 0 and 1 are possible.
            odds = np.clip(silent, _SURE, 1 - _SURE)
            parts.append(np.log(odds / (1 - odds)).astype(np.float32)[:, None])
        return np.hstack(parts)

    def as_json(self) -> dict[str, Any]:
        """Everything needed to restore the step."""
        return {
            "numeric": list(self.numeric),
            "categories": {name: list(values) for name, values in self.categories.items()},
            "purchases": self.purchases.as_json() if self.purchases else None,
            "window": [self.window.lead_days, self.window.horizon_days, self.window.delay_days],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The step that ``as_json`` described."""
        purchases = content["purchases"]
        return cls(
            numeric=tuple(content["numeric"]),
            categories={name: tuple(values) for name, values in content["categories"].items()},
            purchases=BgNbd.from_json(purchases) if purchases else None,
            window=LabelWindow(*content["window"]),
        )


def fit_preparation(
    features: pd.DataFrame, *, window: LabelWindow, everyone: pd.DataFrame | None
) -> Preparation:
    """The step fitted on the training rows of a fold.

    Parameters
    ----------
    features : DataFrame indexed by (customer_id, as_of)
        The training rows.
    window : LabelWindow
    everyone : DataFrame indexed by (customer_id, as_of), optional
        Given where exits are silent (inactivity, absence) and BG/NBD applies: all snapshots known
        when the test begins, the population's and the others', because a purchase process fitted
        on recent buyers alone would not know those who stopped.
    """
    categorical = [name for name in features if not pd.api.types.is_numeric_dtype(features[name])]
    numeric = [name for name in features if name not in categorical]
    known = features[numeric].nunique()
    return Preparation(
        numeric=tuple(name for name in numeric if known[name] > 1),
        categories={name: values for name in categorical if (values := _frequent(features[name]))},
        purchases=None if everyone is None else _fit_purchases(everyone),
        window=window,
    )


def _frequent(column: pd.Series) -> tuple[str, ...]:
    shares = column.value_counts(normalize=True).head(MAX_CATEGORIES)
    return tuple(sorted(str(value) for value in shares.index[shares >= MIN_CATEGORY_SHARE]))


def _fit_purchases(features: pd.DataFrame) -> BgNbd | None:
    if any(name not in features for name in PURCHASE_COLUMNS):
        return None
    # One row for each customer, the newest: the process is of customers, not of snapshots.
    newest = features[list(PURCHASE_COLUMNS)].dropna().groupby(level="customer_id").tail(1)
    if len(newest) < 50 or (newest["purchase_repeat_days"] > 0).sum() < 20:
        return None
    repeats, recency, age = (newest[name].to_numpy(dtype=float) for name in PURCHASE_COLUMNS)
    return fit_bg_nbd(repeats, recency / _WEEK, age / _WEEK)


def no_purchase_probability(
    purchases: BgNbd, features: pd.DataFrame, *, window: LabelWindow
) -> npt.NDArray[np.float64]:
    """P(no purchase in the label window) of each snapshot; NaN before the first purchase."""
    repeats, recency, age = (features[name].to_numpy(dtype=float) for name in PURCHASE_COLUMNS)
    known = ~np.isnan(repeats)
    probability = np.full(len(features), np.nan)
    probability[known] = purchases.p_no_purchase(
        repeats[known],
        recency[known] / _WEEK,
        age[known] / _WEEK,
        lead_days=window.lead_days / _WEEK,
        horizon_days=window.horizon_days / _WEEK,
    )
    return probability
