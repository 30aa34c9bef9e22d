"""Messages in, scored messages out: cleaned, each text once, known ones from the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pandas as pd

from churnml.errors import InputError
from churnml.text.cache import ScoreCache, content_key
from churnml.text.cleaning import Cleaned, clean
from churnml.text.columns import (
    BUDGET,
    COLUMNS,
    FAILED,
    OF_THE_SCORER,
    OF_THE_TEXT,
    OK,
    UNSUPPORTED,
    typed,
    unknown,
)
from churnml.text.style import style

#: What was read; everything else was not, and has no score.
READABLE = (OK, UNSUPPORTED)


class TextScorer(Protocol):
    """From what customers wrote to tone, formality, markers and category.

    A pure function of the text: no customer, no date, hence nothing of the future.
    """

    @property
    def name(self) -> str:
        """Name in the column ``scorer``."""

    @property
    def version(self) -> str:
        """Changes whenever the same text may get another score."""

    def score(self, texts: Sequence[Cleaned]) -> pd.DataFrame:
        """The columns ``OF_THE_SCORER``, one row for each text in their order."""


def score_messages(
    messages: pd.DataFrame, scorer: TextScorer, *, cache: ScoreCache | None = None
) -> pd.DataFrame:
    """The scores of messages, one row for each in their order: see ``score_and_count``."""
    return score_and_count(messages, scorer, cache=cache)[0]


def score_and_count(
    messages: pd.DataFrame, scorer: TextScorer, *, cache: ScoreCache | None = None
) -> tuple[pd.DataFrame, int]:
    """The scores of messages, one row for each in their order, and how many were known before.

    Parameters
    ----------
    messages : DataFrame
        ``message_id`` and ``text``.
    scorer : TextScorer
    cache : ScoreCache, optional

    Returns
    -------
    DataFrame
        The columns of ``churnml.text.columns.COLUMNS``.
    int
        Messages whose text the cache knew.

    Raises
    ------
    InputError
        If a column is missing or a message_id is there twice.
    """
    _check(messages)
    raw = [_as_text(text) for text in messages["text"]]
    keys = _Keys(f"{scorer.name}:{scorer.version}", raw)
    known = cache.scores(keys.of.values()) if cache is not None else _nothing()
    missing = [text for text in dict.fromkeys(raw) if keys.of[text] not in known.index]
    fresh = _fresh(missing, scorer).assign(key=[keys.of[text] for text in missing])
    if cache is not None:
        # What failed may succeed next time, so it is not remembered.
        good = fresh[~fresh["status"].isin((FAILED, BUDGET))]
        cache.remember(good, keys.links(messages["message_id"], good["key"]))
    parts = [part for part in (known.reset_index(), fresh) if len(part)]
    by_key = pd.concat(parts).set_index("key") if parts else known
    found = by_key.loc[[keys.of[text] for text in raw], list(OF_THE_TEXT)]
    found = found.assign(message_id=messages["message_id"].to_numpy(), scorer=scorer.name)
    cached = sum(keys.of[text] in known.index for text in raw)
    return typed(found[list(COLUMNS)].reset_index(drop=True)), cached


def _as_text(raw: object) -> str:
    """Bytes as they are read, nothing as nothing: equal content has one key."""
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "replace")
    return raw if isinstance(raw, str) else ""


class _Keys:
    """Keys of the raw texts; hashing is quicker than cleaning, so known ones are not cleaned."""

    def __init__(self, identity: str, raw: Sequence[str]) -> None:
        self.raw = raw
        self.of = {text: content_key(text, scorer=identity) for text in dict.fromkeys(raw)}

    def links(self, message_ids: pd.Series, keys: pd.Series) -> pd.DataFrame:
        """Which message has which of these keys."""
        every = pd.DataFrame(
            {"message_id": message_ids.astype("str"), "key": [self.of[text] for text in self.raw]}
        )
        return every[every["key"].isin(set(keys))]


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=list(OF_THE_TEXT), index=pd.Index([], name="key"))


def _fresh(raw: Sequence[str], scorer: TextScorer) -> pd.DataFrame:
    """Scores of texts that are not known yet, in their order."""
    texts = [clean(text) for text in raw]
    rows = [unknown(text.status, text.lang) | style(text.text) for text in texts]
    places = [place for place, text in enumerate(texts) if text.status in READABLE]
    said = scorer.score([texts[place] for place in places])[list(OF_THE_SCORER)]
    for place, row in zip(places, said.to_dict("records"), strict=True):
        rows[place] |= row
    return pd.DataFrame(rows, columns=list(OF_THE_TEXT))


def _check(messages: pd.DataFrame) -> None:
    absent = [name for name in ("message_id", "text") if name not in messages]
    if absent:
        there = ", ".join(map(str, messages.columns))
        raise InputError(
            f"Messages need the columns message_id and text; absent: {', '.join(absent)}; "
            f"there are: {there}."
        )
    twice = messages["message_id"].astype("str").duplicated()
    if twice.any():
        raise InputError(
            f"Rows that repeat a message_id: {int(twice.sum())}, e.g. "
            f"{messages.loc[twice, 'message_id'].iloc[0]}; expected each message once."
        )
