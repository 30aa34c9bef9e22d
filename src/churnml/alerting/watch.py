"""The watch-list: the most valuable customers at the newest as_of, whatever their risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from churnml.sources.dataset import Dataset

COLUMNS = (
    "customer_id", "name", "annual_revenue", "probability", "probability_before", "tier", "health",
    "value_at_risk", "priority",
)  # fmt: skip


@dataclass(frozen=True)
class WatchList:
    """The customers to keep in sight.

    Parameters
    ----------
    as_of : Timestamp
    table : DataFrame
        ``COLUMNS``, the most valuable first; ``probability_before`` is that of the as_of before.
    """

    as_of: pd.Timestamp
    table: pd.DataFrame

    def records(self) -> list[dict[str, Any]]:
        """Plain rows; unknown as None."""
        plain = self.table.astype("object")
        rows = plain.where(plain.notna(), None).to_dict("records")
        return [{str(name): value for name, value in row.items()} for row in rows]


def watch_list(scores: pd.DataFrame, dataset: Dataset, *, top: int) -> WatchList:
    """The most valuable customers of the newest as_of; without revenue those most at risk.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of, probability (or score), optional health, tier, value_at_risk, priority.
    dataset : Dataset
        For the names.
    top : int
    """
    rows = scores.assign(probability=scores.get("probability", scores.get("score")))
    as_ofs = sorted(rows["as_of"].unique())
    now = rows[rows["as_of"] == as_ofs[-1]].reindex(columns=list(COLUMNS))
    before = rows[rows["as_of"] == as_ofs[-2]] if len(as_ofs) > 1 else rows.iloc[:0]
    earlier = before.set_index("customer_id")["probability"]
    names = dataset.connection.cursor().sql("select customer_id, name from customers").df()
    known = names.set_index("customer_id")["name"]
    now = now.assign(
        name=now["customer_id"].map(known).astype("object"),
        probability_before=now["customer_id"].map(earlier).astype("float64"),
        # The score file holds the product; risk is never 0, so the revenue comes back exactly.
        annual_revenue=now["value_at_risk"].astype("float64") / now["probability"],
    )
    order = ["annual_revenue", "probability", "customer_id"]
    ranked = now.sort_values(order, ascending=[False, False, True], na_position="last")
    return WatchList(pd.Timestamp(as_ofs[-1]), ranked.head(top).reset_index(drop=True))
