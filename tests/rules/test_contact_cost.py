"""A dearer contact earns its price less, and from some price on nobody is worth one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from churnml.config import Study
from churnml.evaluation.contact_cost import profit_by_contact_cost
from churnml.windows import LabelWindow

MONDAY = pd.Timestamp("2026-01-05")
BEFORE = MONDAY - pd.Timedelta(days=350)
WEEKS = pd.date_range(MONDAY, periods=12, freq="7D").as_unit("us")
NAMES = [f"c{number:02}" for number in range(20)]


@pytest.fixture
def weighed(dataset_of):
    """The table of 20 customers of 1,200 a year; the three of highest score leave in June."""

    def weigh(costs):
        contracts = [
            {
                "subscription_id": name, "customer_id": name, "started_at": BEFORE,
                "ended_at": pd.Timestamp("2026-06-01") if name < "c03" else None, "mrr": 100.0,
                "known_at": BEFORE,
            }
            for name in NAMES
        ]  # fmt: skip
        customers = [{"customer_id": n, "signed_up_at": BEFORE} for n in NAMES]
        tables = {"customers": customers, "subscriptions": contracts}
        dataset = dataset_of(tables, until="2027-01-01")
        index = pd.MultiIndex.from_product([NAMES, WEEKS], names=["customer_id", "as_of"])
        names = index.get_level_values("customer_id")
        scores = pd.DataFrame({"model": np.where(names < "c03", 0.8, 0.01)}, index=index)
        labels = pd.Series(np.where(names < "c03", "churned", "stayed"), index=index)
        proof = SimpleNamespace(scores=scores, labels=labels)
        examples = SimpleNamespace(window=LabelWindow(21, 28, 14))
        return profit_by_contact_cost(
            dataset, examples, proof, study=Study(), costs=costs, resamples=3
        )

    return weigh


def test_the_same_alerts_earn_less_by_what_a_contact_costs_more(weighed):
    earned = weighed([5, 15, 65])["profit_per_contact"]

    assert earned.diff().dropna().tolist() == pytest.approx([-10, -50])


def test_the_three_who_leave_are_worth_a_contact_until_it_costs_more_than_they_may_bring(weighed):
    shares = weighed([5, 15, 5_000])["optimal_share"]

    assert shares.tolist() == pytest.approx([0.15, 0.15, 0.0])
