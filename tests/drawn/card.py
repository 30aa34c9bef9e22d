"""A small training drawn by hand, with evil values where the data may hold any text."""

import pandas as pd

from churnml.report.card import CardFacts, TableFact
from churnml.report.card.facts import FamilyFact
from churnml.sources.description import Churn

EVIL = '<script>alert("x")</script> | [a](javascript:b)'
DAY = pd.Timestamp("2026-01-05")
METRICS = {
    "average_precision": 0.2431, "roc_auc": 0.81, "lift_at_10pct": 4.2, "recall_at_lead_21d": 0.83,
    "alert_precision": 0.34, "median_lead_days": 41.0, "alerts_per_week": 23.5, "brier": 0.0212,
    "ece": 0.0041, "calibration_slope": 0.97,
}  # fmt: skip
CURVE = {str(week): 0.9 - 0.05 * week for week in range(1, 9)}


def content(**changes):
    found = {
        "dataset": "acme", "study_digest": "s" * 16, "promoted": True, "notes": [],
        "reason": "Promoted: the first model.", "metrics": METRICS,
        "intervals": {"average_precision": [0.2, 0.29]}, "base_rate": 0.031, "n_rows": 12_345,
        "n_positive": 382, "n_exits": 200, "lead_recall": CURVE,
        "baselines": {
            "random": {"average_precision": 0.031, "recall_at_lead_21d": 0.13,
                       "lead_recall": CURVE},
            "recency": {"average_precision": 0.11, "recall_at_lead_21d": 0.58},
        },
        "slices": [
            {"slice": "segment", "value": EVIL, "n_exits": 31, "recall_at_lead_21d": 0.7,
             "random_recall_at_lead_21d": 0.1, "alert_precision": 0.3,
             "intervals": {"recall_at_lead_21d": [0.5, 0.9]}},
            {"slice": "segment", "value": "tiny", "n_exits": 2, "recall_at_lead_21d": None},
        ],
        "folds": [{"test_from": "2025-06-02T00:00:00", "test_until": "2025-08-02T00:00:00"}],
        "tuning": "The recipe is kept.", "comparison": None,
        "alerts": {"q": 0.02, "quiet_days": 56},
        "treated": {"rows": 7, "customers": 3, "handling": "keep", "average_precision": 0.24,
                    "average_precision_without": 0.26},
    }  # fmt: skip
    return found | changes


def facts(**changes):
    found = {
        "tables": (TableFact("events", 1_000_000, DAY, DAY), TableFact("tickets", 0, None, None)),
        "timezone": "UTC", "churn": Churn(grace_days=14), "snapshots": 20_000,
        "in_population": 18_000, "customers": 500, "first": DAY, "last": DAY,
        "population": {"min_tenure_days": 28},
        "families": (FamilyFact("usage", 40, 0.6, ({"en": EVIL, "ru": "Входы"},)),),
        "fit": {
            "window": [21, 49], "heads": [[21, 49], [14, 56]], "seeds": 2, "sampler": "none",
            "rows": 9_000, "positives": 300, "features": 120, "data_until": DAY,
            "parameters": {"max_depth": 3, "eta": 0.05},
        },
        "digests": {"model": "m" * 16, "data": "d" * 16, "features": "f" * 16},
    }  # fmt: skip
    return CardFacts(**(found | changes))
