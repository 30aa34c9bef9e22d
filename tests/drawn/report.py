"""A stakeholder report drawn by hand: three alerts, two misses, every text as hostile as asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from churnml.config import Money
from churnml.evaluation.record import ProofRecord
from churnml.features.algebra import LAST_4_WEEKS, Rows
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.operators import count
from churnml.features.row_sources import EVENTS
from churnml.health import read_preset
from churnml.report.stakeholder.facts import (
    AlertFact,
    CallFact,
    CustomerFact,
    DataNotes,
    Drivers,
    Lane,
    MissFact,
    Person,
    Quote,
    ReportFacts,
    Standing,
)
from churnml.sources.dataset import Finding
from churnml.spoken import Spoken
from churnml.windows import LabelWindow

EVIL = '<script>alert(1)</script><img src=x onerror=alert(2)>" onclick="alert(3)'
BIDI = "\u202eevil\u202c \u0645\u0631\u062d\u0628\u0627 🙂"
LONG = "ю" * 10_000
AS_OF = pd.Timestamp("2025-12-29")
WEEKS = tuple(AS_OF - pd.Timedelta(days=7 * back) for back in reversed(range(26)))
CURVE = {str(week): 0.95 - 0.06 * week for week in range(1, 9)}
BANDS = {week: [value - 0.05, value + 0.05] for week, value in CURVE.items()}


def reason(text: str = "Logins: 12 a week before, 3 now", **changes: Any) -> dict[str, Any]:
    found = {
        "feature": "logins_28d", "family": "usage", "contribution": 0.8, "text_en": text,
        "text_ru": "Входы: было 12 в неделю, стало 3", "was": 12.0, "now": 3.0,
        "since": pd.Timestamp("2025-10-13", tz="UTC"), "play": "usage_coaching",
        "evidence": [{"table": "tickets", "id": EVIL, "at": pd.Timestamp("2025-12-01", tz="UTC")}],
        "lower_en": "logins back at about 12 a week", "lower_ru": "входы снова около 12 в неделю",
        "would_lower": 0.1,
    }  # fmt: skip
    return found | changes


def person(number: int, name: str | None, **changes: Any) -> Person:
    found = {"owner": "csm-01", "segment": "mid"} | changes
    return Person(f"C{number}", name, found["owner"], found["segment"])


def standing(as_of: pd.Timestamp, probability: float, tier: str) -> Standing:
    return Standing(as_of, probability, tier, 41.0, 12_345.6)


def alert(who: Person, *, weeks_ago: int, probability: float, tier: str, **changes: Any):
    raised = AS_OF - pd.Timedelta(days=7 * weeks_ago)
    found = {
        "alert_id": f"a-{who.customer_id}-{weeks_ago}", "person": who,
        "then": standing(raised, probability, tier), "now": standing(AS_OF, 0.21, tier),
        "is_new": weeks_ago == 0, "rank": 1, "priority": 0.3,
        "deadline": raised + pd.Timedelta(days=1), "play": "usage_coaching",
        "reasons": (reason(),),
    }  # fmt: skip
    return AlertFact(**(found | changes))


def customer(own: tuple[AlertFact, ...], **changes: Any) -> CustomerFact:
    lanes = (
        Lane("score", tuple(0.01 * week for week in range(26))),
        Lane("usage", (*(10.0 for _ in range(24)), None, 2.0)),
        Lane("tone", (None, 0.5, None, *(-0.1 for _ in range(23)))),
        Lane("tickets", (0.0, *(2.0 for _ in range(24)), None)),
        Lane("invoices", (0.0,) * 26),
    )
    found = {
        "person": own[0].person, "alerts": own, "now": own[0].now, "reasons": own[0].reasons,
        "open_problem": {"text_en": f"Ticket open for 20 days: {EVIL}", "text_ru": "Обращение",
                         "table": "tickets", "id": "T-1", "since": AS_OF},
        "changes": ({"difference": 0.4, "text_en": "Fewer logins", "text_ru": "Входов меньше"},),
        "quotes": (Quote(AS_OF, EVIL, is_cut=False), Quote(AS_OF, BIDI + LONG[:160], is_cut=True)),
        "lanes": lanes,
    }  # fmt: skip
    return CustomerFact(**(found | changes))


def document(**changes: Any) -> dict[str, Any]:
    metrics = {
        "average_precision": 0.24, "recall_at_lead_21d": 0.8276, "alert_precision": 0.346,
        "median_lead_days": 40.1, "alerts_per_week": 23.96, "lift_at_10pct": 7.9,
    }  # fmt: skip
    money = {"value_at_risk_caught_per_100_contacts": 213_891.4, "share_of_value_caught": 0.85,
             "intervals": {"value_at_risk_caught_per_100_contacts": [100_000.0, 400_000.0]},
             "by_q": None}  # fmt: skip
    rule = {**metrics, "average_precision": 0.14, "recall_at_lead_21d": 0.7034}
    chance = {**metrics, "average_precision": 0.02, "recall_at_lead_21d": 0.1287}
    rest = {"lead_recall": CURVE, "lead_recall_intervals": BANDS, "intervals": {}, "money": money}
    found = {
        "metrics": metrics, "lead_recall": CURVE, "lead_recall_intervals": BANDS,
        "intervals": {"recall_at_lead_21d": [0.7543, 0.9079], "alert_precision": [0.30, 0.40]},
        "lead_recall_random": dict.fromkeys(CURVE, 0.15), "q": 0.02, "by_q": {}, "n_rows": 33_617,
        "n_exits": 5, "n_exits_on_curve": 3, "notes": [], "slices": [], "signal_found": True,
        "promoted": True, "reason": "Promoted: the first model.", "reason_ru": "Принята: первая.",
        "baselines": {"random": {**chance, **rest}, "health": {**rule, **rest}},
        "money": {**money, "currency": "EUR", "assumptions": Money().model_dump(), "notes": [],
                  "profit_curve": {}},
        "folds": [{"test_from": "2025-05-05T00:00:00", "test_until": "2025-10-27T00:00:00"}],
        "health": {"learned_weights": None},
    }  # fmt: skip
    return found | changes


def proof(**changes: Any) -> ProofRecord:
    outcomes = ["in_time", "in_time", "in_time", "late", "missed"]
    exits = pd.DataFrame({"customer_id": list("abcde"), "outcome": outcomes})
    shares = {"critical": 0.32, "high": 0.23, "medium": 0.11, "low": 0.004}
    tiers = tuple(
        {"tier": tier, "rows": 350, "customers": 140, "left": 112, "customers_left": 50,
         "share": share, "interval": [0.8 * share, 1.2 * share]}
        for tier, share in shares.items()
    )  # fmt: skip
    bins = pd.DataFrame({"probability": [0.01, 0.2], "share": [0.012, 0.18], "low": [0.01, 0.15],
                         "high": [0.02, 0.22], "rows": [900, 100]})  # fmt: skip
    return ProofRecord(document(**changes), tiers, exits, bins)


def drivers() -> Drivers:
    rng = np.random.default_rng(1)
    features = tuple(
        Feature(name, count(Rows(EVENTS), LAST_4_WEEKS), {"en": f"{name} {EVIL}", "ru": name},
                Unit.COUNT, family, -1)
        for name, family in (("logins_28d", Family.USAGE), ("tickets_28d", Family.SUPPORT))
    )  # fmt: skip
    names = [feature.name for feature in features]
    values = pd.DataFrame(rng.random((30, 2)), columns=names)
    pushed = pd.DataFrame(rng.normal(size=(30, 2)), columns=names)
    return Drivers(pushed.assign(bias=0.1), values, features)


def facts(**changes: Any) -> ReportFacts:
    evil, long_, plain = person(1, EVIL), person(2, BIDI + LONG), person(3, "Ёлка & Co")
    alerts = (
        alert(evil, weeks_ago=0, probability=0.44, tier="critical"),
        alert(long_, weeks_ago=3, probability=0.2, tier="medium", now=None,
              reasons=(reason("Open tickets: 5", family="support"),)),
        alert(plain, weeks_ago=5, probability=0.31, tier="high"),
    )  # fmt: skip
    missed = {
        "exit_at": pd.Timestamp("2025-09-08"), "seen_at": pd.Timestamp("2025-08-18"),
        "probability": 0.002, "health": 71.0, "colour": "green", "place": 465, "best_place": 300,
        "of": 1_325, "notice_days": None,
    }  # fmt: skip
    found = {
        "dataset": "acme", "currency": "EUR", "as_of": AS_OF, "model_digest": "m" * 16,
        "data_until": AS_OF, "window": LabelWindow(21, 28, 14), "q": 0.02, "quiet_days": 56,
        "tiers_by": "capacity", "tier_edges": {"critical": 0.01, "high": 0.02, "medium": 0.07},
        "preset": read_preset("default"), "n_features": 357, "at_risk": 1_410,
        "value_at_risk": 181_011.0, "weeks": WEEKS, "alerts": alerts,
        "tiers_now": {"critical": 15, "high": 28, "medium": 98, "low": 1_269},
        "suppressed": {"quiet": 60}, "customers": tuple(customer((one,)) for one in alerts),
        "drivers": drivers(), "proof": proof(),
        "misses": (MissFact(plain, outcome="missed", said=EVIL, **missed),
                   MissFact(person(5, None), outcome="late", said=None,
                            **(missed | {"notice_days": 14.2}))),
        "calls": (CallFact(person(9, EVIL), standing(AS_OF, 0.01, "low")),),
        "notes": DataNotes(
            tables=(("events", 1_000_000, AS_OF, AS_OF), ("tickets", 0, None, None)),
            findings=(
                Finding("events", "dead_feed", 0, "error", Spoken(f"dead {EVIL}", f"пуст {EVIL}")),
            ),
            notices=(Spoken(EVIL, EVIL),),
        ),
    }  # fmt: skip
    return ReportFacts(**(found | changes))


def crowd(count: int) -> ReportFacts:
    """A report of a busy week: that many alerted customers, each with all that a section holds."""
    usage = reason(
        "Active days in the last four weeks: 19 before, 6 now; its peers have 17",
        lower_en="active days back at about 19", evidence=None,
    )  # fmt: skip
    support = reason("Tickets open for more than ten days: 0 before, 3 now", family="support")
    told = (usage, support | {"evidence": [{"table": "tickets", "id": "T-20418", "at": AS_OF}] * 5},
            reason("Invoices overdue: 0 before, 2 now", family="payments", evidence=None),
            reason("Tone: 0.31 before, −0.42 now", family="text", evidence=None))  # fmt: skip
    said = "We have asked for the export three times and nobody has answered; is anybody there?"
    alerts = tuple(
        alert(person(number, f"Customer and Sons {number}"), weeks_ago=number % 8, reasons=told,
              probability=0.1 + 0.004 * number, tier=("critical", "high", "medium")[number % 3])
        for number in range(1, count + 1)
    )  # fmt: skip
    customers = tuple(
        customer((one,), quotes=tuple(Quote(AS_OF, said, is_cut=False) for _ in range(3)),
                 changes=({"difference": 0.4, "text_en": "Logins: 12 before, 3 now",
                           "text_ru": "Входы: было 12, стало 3"},) * 3)
        for one in alerts
    )  # fmt: skip
    return facts(alerts=alerts, customers=customers)
