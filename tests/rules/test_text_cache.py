"""A text is scored once, whoever sends it; a message can be forgotten."""

from __future__ import annotations

import pandas as pd
import pytest

from churnml.errors import InputError
from churnml.model import examples
from churnml.text.cache import ScoreCache
from churnml.text.columns import COLUMNS, MARKERS, OF_THE_SCORER
from churnml.text.scoring import score_messages


class Counting:
    """A scorer that remembers what it was asked."""

    name = "counting"

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.asked: list[str] = []

    def score(self, texts):
        self.asked += [text.text for text in texts]
        row = {"status": "ok", "lang": "en", "tone": 0.5, "formality": 0.0, "category": "other"}
        rows = [row | dict.fromkeys(MARKERS, False) for _ in texts]
        return pd.DataFrame(rows, columns=list(OF_THE_SCORER))


def drawn(**texts):
    return pd.DataFrame({"message_id": list(texts), "text": list(texts.values())})


def test_equal_texts_are_scored_once_and_remembered(tmp_path):
    first, second = Counting(), Counting()
    messages = drawn(a="same words", b="same words", c="other words")
    one = score_messages(messages, first, cache=ScoreCache(tmp_path))
    two = score_messages(messages, second, cache=ScoreCache(tmp_path))

    assert (first.asked, second.asked) == (["same words", "other words"], [])
    pd.testing.assert_frame_equal(one, two)
    assert list(one.columns) == list(COLUMNS)


def test_another_version_of_the_scorer_scores_again(tmp_path):
    score_messages(drawn(a="words"), Counting("1"), cache=ScoreCache(tmp_path))
    newer = Counting("2")
    score_messages(drawn(a="words"), newer, cache=ScoreCache(tmp_path))

    assert newer.asked == ["words"]


def test_the_cache_holds_no_text(tmp_path):
    score_messages(drawn(a="a very private sentence"), Counting(), cache=ScoreCache(tmp_path))

    assert not [p for p in tmp_path.iterdir() if b"private" in p.read_bytes()]


def test_a_forgotten_message_takes_its_score_along_unless_another_has_the_text(tmp_path):
    cache = ScoreCache(tmp_path)
    score_messages(drawn(a="shared", b="shared", c="own"), Counting(), cache=cache)
    gone = cache.forget(["a", "c", "unknown"])
    again = Counting()
    score_messages(drawn(b="shared", c="own"), again, cache=cache)

    assert gone == 2
    assert again.asked == ["own"]


def test_a_dataset_is_heard_beside_the_other_caches_and_nowhere_else(
    dataset_of, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    message = {"message_id": "1", "customer_id": "a", "sent_at": "2026-01-05",
               "author": "customer", "text": "thanks"}  # fmt: skip
    tables = {"messages": [message], "subscriptions": [
        {"subscription_id": "1", "customer_id": "a", "started_at": "2026-01-01"}]}  # fmt: skip
    dataset = dataset_of(tables, until="2026-02-01")

    examples._listened(dataset, folder=tmp_path / "cache")

    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert list((tmp_path / "cache" / "text").rglob("*.parquet"))


def test_a_damaged_part_is_scored_again(tmp_path):
    cache = ScoreCache(tmp_path)
    score_messages(drawn(a="words"), Counting(), cache=cache)
    for path in tmp_path.glob("scores_*"):
        path.write_bytes(b"half")
    again = Counting()
    score_messages(drawn(a="words"), again, cache=cache)

    assert again.asked == ["words"]


def test_what_cannot_be_read_has_unknown_markers_not_false(tmp_path):
    scores = score_messages(drawn(a="", b="fine words here"), Counting())

    assert scores["status"].tolist() == ["empty", "ok"]
    assert scores.loc[0, list(MARKERS)].isna().all()
    assert pd.isna(scores.loc[0, "tone"])


def test_a_message_that_is_there_twice_is_refused():
    with pytest.raises(InputError, match="repeat a message_id"):
        score_messages(pd.concat([drawn(a="x"), drawn(a="y")]), Counting())
