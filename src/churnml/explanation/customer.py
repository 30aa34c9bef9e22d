"""Why one customer scores as it does: SHAP values beside the values they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml import arguments, markup
from churnml.errors import InputError
from churnml.explanation.attribution import declared_of, explain
from churnml.features import Feature
from churnml.model.ensemble import Ensemble
from churnml.spoken import percent

#: So many signals a notebook shows; the table has all.
_SHOWN = 10


@dataclass(frozen=True)
class CustomerExplanation:
    """The score of one snapshot, taken apart. Associations, not causes.

    Parameters
    ----------
    customer_id : str
    as_of : Timestamp
    probability : float
        Of the ensemble, before any calibrator.
    bias : float
        Log-odds that everybody starts from; with the contributions it adds up to the score's.
    signals : DataFrame indexed by feature
        ``title``, ``family``, ``value`` and ``contribution`` in log-odds, the strongest first.
    """

    customer_id: str
    as_of: pd.Timestamp
    probability: float
    bias: float
    signals: pd.DataFrame

    def __repr__(self) -> str:
        risk = percent(self.probability, digits=1)
        return f"<CustomerExplanation: {self.customer_id} at {self.as_of:%Y-%m-%d}, risk {risk}>"

    @property
    def families(self) -> pd.Series:
        """Contributions summed by family, the strongest first."""
        summed = self.signals.groupby("family")["contribution"].sum()
        return summed.sort_values(key=lambda each: -each.abs(), kind="stable")

    def _repr_html_(self) -> str:
        """How a notebook shows it: the strongest signals as bars, then the families."""
        shown = self.signals.head(_SHOWN)
        rows = list(shown[["title", "value", "contribution"]].itertuples(index=False, name=None))
        families = [(name, float("nan"), each) for name, each in self.families.items()]
        return markup.card(
            f"Customer {self.customer_id}",
            _bars(rows, head=("signal", "value", "lowers | raises", "log-odds")),
            markup.folded("By family", _bars(families, head=("family", "", "", "log-odds"))),
            said=f"Risk {percent(self.probability, digits=1)} at {markup.date(self.as_of)}. "
            "Bars are associations in the model, not causes.",
        )


def _bars(rows: Sequence[tuple[str, object, float]], *, head: Sequence[str]) -> markup.Html:
    most = max((abs(each) for _, _, each in rows), default=0.0)
    cells = [
        (name, value, markup.bar(each, most=most), markup.number(each, 2))
        for name, value, each in rows
    ]
    return markup.table(cells, head=head, right=3)


def explain_customer(
    ensemble: Ensemble,
    features: pd.DataFrame,
    customer_id: str,
    *,
    catalogue: Sequence[Feature],
    as_of: pd.Timestamp | None = None,
) -> CustomerExplanation:
    """What raises and what lowers the score of one customer.

    Parameters
    ----------
    ensemble : Ensemble
    features : DataFrame indexed by (customer_id, as_of)
    customer_id : str
    catalogue : sequence of Feature
        For titles and families.
    as_of : Timestamp, optional
        Default: the newest of this customer.

    Returns
    -------
    CustomerExplanation

    Raises
    ------
    InputError
        If the features have no such customer or no such as_of.

    Examples
    --------
    >>> riskiest = model.predict(newest).idxmax()[0]
    >>> told = ch.explain_customer(model, newest, riskiest, catalogue=examples.catalogue)
    >>> told.customer_id == riskiest
    True
    """
    arguments.indexed(features, what="features")
    if not isinstance(customer_id, str):
        raise InputError(f"customer_id is {customer_id!r}; expected one id, a text.")
    names = features.index.get_level_values("customer_id")
    own = features[names == customer_id]
    if own.empty:
        near = ", ".join(sorted(set(names))[:3])
        raise InputError(f"No features of customer {customer_id!r}; there are {near} and others.")
    moments = own.index.get_level_values("as_of")
    chosen = moments.max() if as_of is None else as_of
    row = own[moments == chosen]
    if row.empty:
        raise InputError(
            f"Customer {customer_id!r} has no features at {chosen}; it has "
            f"{markup.date(moments.min())} to {markup.date(moments.max())}."
        )
    contributions = explain(ensemble, row).iloc[0]
    signals = contributions.drop("bias").rename("contribution").to_frame()
    known = declared_of(signals.index, features=catalogue)
    signals.insert(0, "title", [feature.title["en"] for feature in known])
    signals.insert(1, "family", [str(feature.family) for feature in known])
    signals.insert(2, "value", row.iloc[0].astype(object).reindex(signals.index))
    strongest = signals.sort_values("contribution", key=lambda each: -np.abs(each), kind="stable")
    probability = float(ensemble.predict(row).iloc[0])
    return CustomerExplanation(
        customer_id, pd.Timestamp(chosen), probability, float(contributions["bias"]), strongest
    )
