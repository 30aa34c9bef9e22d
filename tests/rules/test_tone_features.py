"""Features of what was said, on conversations drawn by hand with the scores of their messages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from churnml.features import compute_features
from churnml.features.tone import tone
from churnml.text.columns import MARKERS, STYLE

AS_OF = pd.Timestamp("2026-06-01")
FLAGS = ("greeting", "thanks", "emoji", "ty", "vy", "link", "asked_again", "canned", "new_sender")


@pytest.fixture
def features_of(dataset_of):
    """Features at the as_of from rows (customer, days before, columns of the scores)."""

    def compute(*rows, names=None):
        customers = sorted({row[0] for row in rows})
        messages = [
            {"message_id": f"m{n}", "customer_id": customer,
             "author": said.get("author", "customer"),
             "sent_at": AS_OF - pd.Timedelta(days=days), "text": "x",
             "recipients": said.get("recipients")}
            for n, (customer, days, said) in enumerate(rows)
        ]  # fmt: skip
        signed = [{"customer_id": c, "signed_up_at": pd.Timestamp("2025-01-01")} for c in customers]
        dataset = dataset_of({"messages": messages, "customers": signed}, until="2026-07-01")
        plain = dict.fromkeys((*MARKERS, *FLAGS), False) | dict.fromkeys(STYLE[6:], 0.0)
        plain |= {"status": "ok", "lang": "ru", "tone": None, "formality": 0.0, "category": None,
                  "asked_before": 0, "risk": None}  # fmt: skip
        scores = pd.DataFrame(
            [{"message_id": f"m{n}", **plain,
              **{k: v for k, v in said.items() if k not in ("author", "recipients")}}
             for n, (_, _, said) in enumerate(rows)]
        ).astype({"tone": float, "formality": float, "risk": float})  # fmt: skip
        dataset.connection.register("drawn_scores", scores)
        dataset.connection.execute("create table message_scores as select * from drawn_scores")
        dataset = replace(dataset, tables=dataset.tables | {"message_scores"})
        snapshots = pd.DataFrame({"customer_id": customers, "as_of": AS_OF})
        chosen = [f for f in tone() if names is None or f.name in names]
        return compute_features(dataset, snapshots, features=chosen).droplevel("as_of")

    return compute


def test_a_fall_of_tone_is_measured_in_its_own_standard_error(features_of):
    warm = [("a", 40 + 10 * n, {"tone": 0.8 if n % 2 else 0.6}) for n in range(8)]
    calm = [("b", 40 + 10 * n, {"tone": 0.0}) for n in range(8)]
    cold = [("a", 3, {"tone": 0.3}), ("a", 2, {"tone": 0.3}), ("b", 3, {"tone": 0.0})]
    found = features_of(*warm, *calm, *cold)
    # by hand: cohort mean .35; usual = (8 * .7 + 4 * .35) / 12; variance .255 - .35 ** 2
    usual, spread = (5.6 + 1.4) / 12, np.sqrt((8 * 0.5 * (0.64 + 0.36)) / 16 - 0.35**2)

    assert found.loc["a", "tone_usual"] == pytest.approx(usual)
    assert found.loc["a", "tone_change_28d"] == pytest.approx(0.3 - usual)
    assert found.loc["a", "tone_deviation_4w"] == pytest.approx(
        (0.3 - usual) / (spread * np.sqrt(1 / 2 + 1 / 12))
    )
    assert found.loc["a", "tone_drop"] > 0 > found.loc["b", "tone_drop"] - 1


def test_without_recent_messages_there_is_no_tone_and_no_change(features_of):
    found = features_of(("a", 60, {"tone": 0.5}), ("b", 3, {"tone": 0.5}))

    assert found.loc["a", ["tone_mean_28d", "tone_change_28d", "tone_deviation_4w"]].isna().all()
    assert found.loc["a", "tone_last"] == 0.5
    assert found.loc["a", "negative_messages_28d"] == 0


def test_unreadable_messages_have_no_tone_and_no_markers_but_are_counted_as_such(features_of):
    unread = {"lang": "other"} | dict.fromkeys(MARKERS)
    found = features_of(("a", 3, unread), ("a", 4, {"tone": 0.2}))

    assert found.loc["a", "scored_messages_84d"] == 1
    assert found.loc["a", "unread_language_share_84d"] == 0.5
    assert found.loc["a", "said_export_request_28d"] == 0


def test_our_own_messages_say_nothing_of_the_customer(features_of):
    found = features_of(
        ("a", 3, {"tone": -1.0, "author": "staff", "canned": True}),
        ("a", 4, {"tone": 0.5}),
        ("a", 5, {"author": "staff", "link": True, "characters": 90}),
    )

    assert found.loc["a", "tone_mean_28d"] == 0.5
    assert found.loc["a", "canned_answer_share_84d"] == 0.5
    assert found.loc["a", "answered_by_link_share_84d"] == 0.5


def test_markers_are_counted_dated_and_combined(features_of):
    found = features_of(
        ("a", 2, {"export_request": True}), ("a", 9, {"export_request": True}),
        ("a", 20, {"price_complaint": True}), ("a", 70, {"price_complaint": True}),
        ("b", 2, {"export_request": True}), ("b", 60, {"competitor_mention": True}),
    )  # fmt: skip

    assert found["said_export_request_28d"].tolist() == [2, 1]
    assert found["days_since_price_complaint"].tolist()[0] == 20
    assert found["export_with_price_or_competitor"].tolist() == [1, 0]
    assert found["markers_28d"].tolist() == [2, 1]
    assert found["markers_first_28d"].tolist() == [1, 1]


def test_the_familiar_address_that_turns_formal_is_seen(features_of):
    before = [("a", 40 + n, {"ty": True}) for n in range(3)]
    found = features_of(
        *before, ("a", 3, {"vy": True}), ("b", 40, {"vy": True}), ("b", 3, {"vy": True})
    )

    assert found["familiar_to_formal_address"].tolist() == [1, 0]


def test_lost_greetings_and_questions_asked_three_times(features_of):
    found = features_of(
        ("a", 50, {"greeting": True, "thanks": True}), ("a", 45, {"greeting": True}),
        ("a", 3, {"asked_before": 2, "asked_again": True}), ("a", 9, {"asked_before": 1}),
    )  # fmt: skip

    assert found.loc["a", ["greeting_lost", "thanks_lost"]].tolist() == [1.0, 0.5]
    assert found.loc["a", ["repeated_questions_28d", "asked_three_times_28d"]].tolist() == [2, 1]
    assert found.loc["a", "asked_again_after_answer_28d"] == 1


def test_a_new_voice_counts_only_where_others_wrote_before(features_of):
    found = features_of(
        ("a", 50, {}), ("a", 3, {"new_sender": True, "category": "billing"}),
        ("b", 3, {"new_sender": True}),
        ("a", 4, {"recipients": "legal@acme.com"}),
    )  # fmt: skip

    assert found["new_sender_28d"].tolist() == [1, 0]
    assert found["new_sender_asks_about_money_28d"].tolist() == [1, 0]
    assert found["finance_or_legal_in_copy_28d"].tolist() == [1, 0]


def test_the_message_of_the_as_of_itself_is_not_heard(features_of):
    found = features_of(("a", 0, {"tone": -1.0}), ("a", 1, {"tone": 0.5}))

    assert found.loc["a", "tone_last"] == 0.5
