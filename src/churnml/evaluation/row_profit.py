"""Profit over labelled rows: the EMPB family, the profit curve, value at risk and value lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml.alerting.queue import Floats, Integers, layout, score_column
from churnml.evaluation.profit import (
    Contacts,
    Offer,
    empirical_profit,
    expected_maximum_profit,
    maximum_profit,
)
from churnml.labels import CHURNED, UNKNOWN

#: Shares of the rows at which the profit curve is kept.
SHARES = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
OF_ROWS = ("mpc", "empc", "empb", "optimal_share", "value_at_risk", "value_lost")


@dataclass(frozen=True, slots=True)
class RowProfit:
    """Labelled rows of known revenue by falling score: the EMPB family and the profit curve."""

    contacts: Contacts | None
    customer: Integers
    leaving: Floats
    revenue: Floats
    probability: Floats
    offer: Offer
    n_as_ofs: int
    n_unknown: int

    @classmethod
    def of(
        cls, scores: pd.DataFrame, labels: pd.Series, revenue: pd.Series, *, offer: Offer
    ) -> RowProfit:
        """The rows that have a label, a score and a known revenue."""
        score = score_column(scores).to_numpy()
        known = revenue.to_numpy(dtype=float)
        labelled = (labels != UNKNOWN).to_numpy() & ~np.isnan(score)
        kept = labelled & ~np.isnan(known)
        probability = scores.get("probability", pd.Series(np.nan, index=scores.index))
        return cls(
            contacts=Contacts.of(score[kept]) if kept.any() else None,
            customer=layout(scores).row_customer[kept],
            leaving=(labels == CHURNED).to_numpy()[kept].astype(np.float64),
            revenue=known[kept],
            probability=probability.to_numpy(dtype=float)[kept],
            offer=offer,
            n_as_ofs=scores.loc[kept, "as_of"].nunique(),
            n_unknown=int((labelled & np.isnan(known)).sum()),
        )

    def figures(self, by_customer: Floats) -> dict[str, float]:
        """The figures when every customer counts so often, NaN where one cannot be computed."""
        weights = by_customer[self.customer]
        if self.contacts is None or weights.sum() == 0:
            return dict.fromkeys((*OF_ROWS, *map(curve_name, SHARES)), np.nan)
        gains = self.offer.gains(self.leaving > 0, self.revenue)
        amounts = weights * self.revenue / self.n_as_ofs
        best = empirical_profit(self.contacts, gains, weights)
        contacted = self.contacts.running(weights) / weights.sum()
        profits = self.contacts.running(gains * weights) / weights.sum()
        return {
            **self._same_value(self.contacts, weights),
            "empb": best.profit,
            "optimal_share": best.share,
            "value_at_risk": float((weights * self.probability * self.revenue).sum())
            / self.n_as_ofs,
            "value_lost": float((amounts * self.leaving).sum()),
            **{curve_name(share): float(np.interp(share, contacted, profits)) for share in SHARES},
        }

    def _same_value(self, contacts: Contacts, weights: Floats) -> dict[str, float]:
        """MPC and EMPC, in which everyone is worth the mean."""
        clv = self.offer.years * float(np.average(self.revenue, weights=weights))
        shared: dict[str, float] = {
            "clv": clv,
            "incentive_cost": self.offer.incentive_fraction * clv,
            "contact_cost": self.offer.contact_cost,
        }
        fixed = maximum_profit(
            contacts, self.leaving, weights, accept_rate=self.offer.accept_rate, **shared
        )
        drawn = expected_maximum_profit(
            contacts, self.leaving, weights, accept_alpha=self.offer.accept_alpha,
            accept_beta=self.offer.accept_beta, **shared,
        )  # fmt: skip
        return {"mpc": fixed.profit, "empc": drawn.profit}


def curve_name(share: float) -> str:
    """Name of the figure that is the profit at this share."""
    return f"curve:{share:g}"
