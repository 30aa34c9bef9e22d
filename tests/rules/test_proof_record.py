"""What a bundle keeps of its proof: every exit's story, tiers by what came, and nothing altered."""

import json

import pandas as pd
import pytest

from churnml.alerting import Policy
from churnml.config import Money, Tiers
from churnml.errors import InputError
from churnml.evaluation.exits import exit_outcomes
from churnml.evaluation.leads import queue_metrics
from churnml.evaluation.record import FILE, ProofRecord, read_record, write_record
from churnml.evaluation.tier_outcomes import tier_outcomes

FIRST = pd.Timestamp("2026-01-05")
WEEKS = [FIRST + pd.Timedelta(days=7 * week) for week in range(14)]
UNTIL = pd.Timestamp("2026-12-01")
# 23 customers; at every as_of one is alerted (q = 0.04), the highest not alerted before.
LEFT = {"early": "2026-03-16", "late": "2026-03-20", "unseen": "2026-03-23"}


def scored():
    """``early`` is highest from the first week, ``late`` from the ninth, ``unseen`` never."""
    rows = []
    for week, as_of in enumerate(WEEKS):
        for number in range(20):
            rows.append((f"stays_{number}", as_of, 0.1 + number / 100, 90.0))
        for name, exit_at in LEFT.items():
            if as_of < pd.Timestamp(exit_at):
                high = {"early": week >= 0, "late": week >= 9, "unseen": False}[name]
                rows.append((name, as_of, 0.9 if high else 0.01, 70.0))
    return pd.DataFrame(rows, columns=["customer_id", "as_of", "probability", "health"])


def spells():
    return pd.DataFrame(
        {
            "customer_id": list(LEFT),
            "started_at": pd.Timestamp("2025-01-01"),
            "exit_at": pd.to_datetime(list(LEFT.values())),
        }
    )


def outcomes():
    policy = Policy(q=0.04, quiet_days=365)
    return exit_outcomes(scored(), spells(), policy, observed_until=UNTIL, delay_days=0)


def test_each_exit_is_announced_in_time_or_late_or_not_at_all():
    found = outcomes().set_index("customer_id")

    assert found["outcome"].to_dict() == {"early": "in_time", "late": "late", "unseen": "missed"}
    assert found.loc["early", "alerted_at"] == FIRST
    assert found.loc["early", "notice_days"] == 70
    assert found.loc["late", "notice_days"] == 11
    assert pd.isna(found.loc["unseen", "alerted_at"])


def test_a_missed_customer_is_shown_as_last_seen_three_weeks_before():
    missed = outcomes().set_index("customer_id").loc["unseen"]

    assert missed["seen_at"] == pd.Timestamp("2026-03-02")  # exactly 21 days before 2026-03-23
    assert (missed["probability"], missed["health"]) == (0.01, 70.0)
    assert (missed["place"], missed["of"]) == (23, 23)


def test_the_share_announced_in_time_is_the_recall_of_the_yardstick():
    policy = Policy(q=0.04, quiet_days=365)
    figures = queue_metrics(scored(), spells(), policy, observed_until=UNTIL, delay_days=0)
    found = outcomes()

    assert len(found) == figures["n_exits"] == 3
    assert (found["outcome"] == "in_time").mean() == figures["recall_at_lead_21d"]


def test_tiers_count_known_rows_and_people_and_unknown_ones_only_take_a_place():
    index = pd.MultiIndex.from_product(
        [[f"c{n:02d}" for n in range(10)], WEEKS[:2]], names=["customer_id", "as_of"]
    )
    number = index.get_level_values(0).str[1:].astype(int)
    probability = pd.Series((10 - number) / 10, index=index)
    labels = pd.Series("stayed", index=index)
    labels[("c00", WEEKS[0])] = "churned"
    labels[("c00", WEEKS[1])] = "unknown"
    labels[("c01", WEEKS[1])] = "churned"
    choice = Tiers(shares=(0.1, 0.1, 0.3))

    critical, high, medium, low = tier_outcomes(probability, labels, choice, seed=1)

    assert (critical["rows"], critical["left"], critical["share"]) == (1, 1, 1.0)
    assert (high["rows"], high["customers"], high["left"], high["customers_left"]) == (2, 1, 1, 1)
    assert (medium["rows"], medium["left"], medium["share"]) == (6, 0, 0.0)
    assert low["rows"] == 10
    assert medium["interval"][1] == pytest.approx(1 - 0.025 ** (1 / 3))  # three people, none left


def kept(**changes):
    band = [0.7, 0.9]
    metrics = {"average_precision": 0.2, "recall_at_lead_21d": 1 / 3, "alert_precision": 0.25}
    money = {"value_at_risk_caught_per_100_contacts": 5.5, "intervals": {}, "by_q": None}
    document = {
        "metrics": metrics, "intervals": {"recall_at_lead_21d": band}, "n_rows": 7, "q": 0.02,
        "lead_recall": {"1": 0.9}, "notes": ["none"], "slices": [],
        "baselines": {"random": {**metrics, "lead_recall": {"1": 0.1}, "intervals": {},
                                 "money": money}},
        "money": {**money, "currency": "EUR", "assumptions": Money().model_dump(),
                  "profit_curve": {"0.1": {"profit": 1.0, "interval": [0.5, 1.5]}}, "notes": []},
    }  # fmt: skip
    tiers = ({"tier": "critical", "rows": 4, "left": 1, "share": 0.25, "interval": [0.1, 0.5]},)
    bins = pd.DataFrame({"probability": [1 / 3], "share": [0.3], "low": [0.2], "high": [0.4],
                         "rows": [10]})  # fmt: skip
    return ProofRecord(document | changes, tiers, outcomes(), bins)


def test_a_record_is_read_back_to_the_last_digit(tmp_path):
    write_record(tmp_path, kept())

    back = read_record(tmp_path)

    assert back is not None
    assert json.loads(json.dumps(back.document)) == json.loads(json.dumps(kept().document))
    assert back.tiers == kept().tiers
    pd.testing.assert_frame_equal(back.exits, outcomes(), check_dtype=False)
    pd.testing.assert_frame_equal(back.reliability, kept().reliability)
    assert back.judged["model"].metrics["recall_at_lead_21d"] == 1 / 3
    assert back.judged["random"].lead_recall == {"1": 0.1}
    assert back.money["random"].figures["value_at_risk_caught_per_100_contacts"] == 5.5
    assert back.money["model"].profit_curve["0.1"] == (1.0, (0.5, 1.5))


def test_a_bundle_without_a_record_has_none_and_an_altered_one_is_refused(tmp_path):
    assert read_record(tmp_path) is None

    path = write_record(tmp_path, kept())
    path.write_text(path.read_text().replace('"n_rows": 7', '"n_rows": 8'))

    with pytest.raises(InputError, match=rf"{FILE} is damaged"):
        read_record(tmp_path)
