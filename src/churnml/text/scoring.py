"""Messages in, scored messages out: cleaned, each text once, known ones from the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pandas as pd

from churnml.errors import InputError
from churnml.text.cache import OF_THE_TEXT, ScoreCache, content_key
from churnml.text.cleaning import Cleaned, clean
from churnml.text.columns import BUDGET, COLUMNS, FAILED, OK, UNSUPPORTED, scored

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
        """The columns ``OF_THE_TEXT``, one row for each text in their order."""


def score_messages(
    messages: pd.DataFrame, scorer: TextScorer, *, cache: ScoreCache | None = None
) -> pd.DataFrame:
    """The scores of messages, one row for each in their order.

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

    Raises
    ------
    InputError
        If a column is missing or a message_id is there twice.
    """
    _check(messages)
    texts = [clean(text) for text in messages["text"]]
    ids = messages["message_id"].astype("str").tolist()
    readable = {t.text: t for t in texts if t.status in READABLE}
    by_text = _scores_of(readable, scorer, cache=cache, pairs=list(zip(ids, texts, strict=True)))
    rows: list[dict[str, object]] = []
    for message_id, text in zip(ids, texts, strict=True):
        row = by_text.get(text.text) if text.status in READABLE else None
        said = {"status": text.status, "lang": text.lang} if row is None else row
        rows.append({**said, "message_id": message_id, "scorer": scorer.name})
    return scored(rows)


def _scores_of(
    readable: dict[str, Cleaned],
    scorer: TextScorer,
    *,
    cache: ScoreCache | None,
    pairs: Sequence[tuple[str, Cleaned]],
) -> dict[str, dict[str, object]]:
    """Scores by text: from the cache what is there, from the scorer the rest."""
    identity = f"{scorer.name}:{scorer.version}"
    keys = {text: content_key(text, scorer=identity) for text in readable}
    known = cache.scores(keys.values()) if cache is not None else pd.DataFrame()
    missing = [text for text, key in keys.items() if key not in known.index]
    fresh = scorer.score([readable[text] for text in missing]).assign(
        key=[keys[text] for text in missing]
    )
    if cache is not None:
        # What failed may succeed next time, so it is not remembered.
        good = fresh[~fresh["status"].isin((FAILED, BUDGET))]
        new = set(missing)
        links = [(i, keys[t.text]) for i, t in pairs if t.text in new and t.status in READABLE]
        cache.remember(good, pd.DataFrame(links, columns=["message_id", "key"]))
    columns = ["key", *OF_THE_TEXT]
    parts = [part for part in (known.reset_index(), fresh) if len(part)]
    found = pd.concat([part[columns] for part in parts]) if parts else pd.DataFrame(columns=columns)
    records = dict(zip(found["key"], found[list(OF_THE_TEXT)].to_dict("records"), strict=True))
    return {text: records[key] for text, key in keys.items()}


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
            f"{int(twice.sum())} rows repeat a message_id, e.g. "
            f"{messages.loc[twice, 'message_id'].iloc[0]}; expected each message once."
        )


__all__ = ["COLUMNS", "READABLE", "TextScorer", "score_messages"]
