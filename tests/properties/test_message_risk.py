"""The risk of a message comes from other customers, and from what was certain before it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churnml.model import message_risk
from churnml.model.message_risk import MessageRisk, fit_message_risk, groups_of, messages_of

FIRST = pd.Timestamp("2024-01-01")
UNTIL = pd.Timestamp("2025-06-01")
LEAVING = "нам нужна полная выгрузка базы, мы переходим к другим"
STAYING = "подскажите, как настроить отчёт по складу"


def company(customers: int = 36):
    """Every third customer leaves; in the ten weeks before, they talk of leaving."""
    rng = np.random.default_rng(3)
    subscriptions, messages = [], []
    for number in range(customers):
        name = f"c{number}"
        leaves = FIRST + pd.Timedelta(days=int(rng.integers(150, 480))) if number % 3 == 0 else None
        subscriptions.append(
            {"subscription_id": f"s{number}", "customer_id": name, "started_at": FIRST,
             "ended_at": leaves, "end_reason": "voluntary"}
        )  # fmt: skip
        for week in range(72):
            sent = FIRST + pd.Timedelta(days=7 * week + 1, hours=number % 24)
            if leaves is not None and sent >= leaves:
                break
            close = leaves is not None and sent >= leaves - pd.Timedelta(days=70)
            messages.append(
                {"message_id": f"{name}-{week}", "customer_id": name, "author": "customer",
                 "sent_at": sent, "text": LEAVING if close and rng.random() < 0.7 else STAYING}
            )  # fmt: skip
    return subscriptions, messages


@pytest.fixture(autouse=True)
def _few_are_enough(monkeypatch):
    monkeypatch.setattr(message_risk, "MIN_MESSAGES", 100)
    monkeypatch.setattr(message_risk, "MIN_POSITIVES", 10)


@pytest.fixture
def fitted(dataset_of):
    """Risk of every message of drawn tables, by message_id."""

    def fit(subscriptions, messages, until=UNTIL):
        rows = {"subscriptions": subscriptions, "messages": messages}
        dataset = dataset_of(rows, until=str(until))
        risk = fit_message_risk(dataset, delay_days=14)
        assert risk is not None
        drawn = messages_of(dataset)
        return pd.Series(risk.score(drawn).to_numpy(), index=drawn["message_id"])

    return fit


def test_words_before_an_exit_are_told_from_others(fitted):
    subscriptions, messages = company()
    risk = fitted(subscriptions, messages)
    text = pd.Series({row["message_id"]: row["text"] for row in messages})

    assert risk[text == LEAVING].mean() > 2 * risk[text == STAYING].mean()


def test_the_first_messages_have_no_risk_for_want_of_closed_labels(fitted):
    subscriptions, messages = company()
    sent = pd.Series({row["message_id"]: row["sent_at"] for row in messages})
    risk = fitted(subscriptions, messages)

    assert risk[sent < FIRST + pd.Timedelta(days=91)].isna().all()
    assert risk[sent > FIRST + pd.Timedelta(days=420)].notna().all()


def test_what_became_of_a_customer_changes_no_risk_of_its_own_messages(fitted):
    subscriptions, messages = company()
    left = FIRST + pd.Timedelta(days=200)
    others = [row for row in messages if row["customer_id"] != "c0"]
    # A win-back: only who writes again after the exit could be told by it.
    own = [
        {"message_id": f"c0-{week}", "customer_id": "c0", "author": "customer", "text": LEAVING,
         "sent_at": FIRST + pd.Timedelta(days=7 * week + 1)}
        for week in range(72) if not 200 <= 7 * week + 1 < 230
    ]  # fmt: skip
    back = {**subscriptions[0], "subscription_id": "again", "ended_at": None,
            "started_at": left + pd.Timedelta(days=30)}  # fmt: skip
    exits = [{**subscriptions[0], "ended_at": left}, back, *subscriptions[1:]]
    stays = [{**subscriptions[0], "ended_at": None}, *subscriptions[1:]]
    ids = [row["message_id"] for row in own]
    before = fitted(exits, [*others, *own])[ids]
    after = fitted(stays, [*others, *own])[ids]

    assert before.notna().sum() > 30
    pd.testing.assert_series_equal(before, after)


def test_what_comes_later_changes_no_risk(fitted):
    subscriptions, messages = company()
    whole = fitted(subscriptions, messages)
    cut = FIRST + pd.Timedelta(days=400)
    known = [row for row in messages if row["sent_at"] < cut]
    ended = [
        {**s, "ended_at": None if s["ended_at"] is None or s["ended_at"] >= cut else s["ended_at"]}
        for s in subscriptions
    ]
    early = fitted(ended, known, until=cut)

    pd.testing.assert_series_equal(early, whole[early.index])


def test_saved_models_score_as_they_did(dataset_of, tmp_path):
    subscriptions, messages = company()
    dataset = dataset_of({"subscriptions": subscriptions, "messages": messages}, until=str(UNTIL))
    risk = fit_message_risk(dataset, delay_days=14)
    risk.save(tmp_path / "risk.npy")
    again = MessageRisk.load(tmp_path / "risk.npy")
    drawn = messages_of(dataset)

    again.save(tmp_path / "again.npy")
    written = (tmp_path / "risk.npy").read_bytes()

    assert (tmp_path / "again.npy").read_bytes() == written
    assert again.digest == risk.digest
    assert np.array_equal(again.score(drawn), risk.score(drawn), equal_nan=True)


def test_groups_depend_on_the_id_alone():
    names = pd.Series([f"c{n}" for n in range(40)])

    assert groups_of(names).tolist() == groups_of(names[::-1]).tolist()[::-1]
    assert set(groups_of(names)) == {0, 1, 2, 3}


def test_without_messages_or_dated_exits_there_is_no_risk(dataset_of):
    subscriptions, messages = company(6)
    silent = dataset_of({"subscriptions": subscriptions}, until=str(UNTIL))
    absence = dataset_of(
        {"messages": messages}, until=str(UNTIL), description={"churn": {"kind": "absence"}}
    )

    assert fit_message_risk(silent, delay_days=14) is None
    assert fit_message_risk(absence, delay_days=0) is None
