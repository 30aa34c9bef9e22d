"""A dataset with its messages heard: the table ``message_scores`` beside the canonical ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from churnml.sources.dataset import Dataset
from churnml.text.cache import ScoreCache
from churnml.text.dialogue import dialogue
from churnml.text.lexicon import lexicon_of
from churnml.text.scoring import TextScorer, score_messages

#: The table: one row for each message with its scores, its style and its place in the dialogue.
MESSAGE_SCORES = "message_scores"
CACHE = Path("mlruns/cache/text")
_FRAME = "churnml_message_scores"


def heard(
    dataset: Dataset,
    *,
    scorer: TextScorer | None = None,
    risk: Mapping[str, float] | None = None,
    cache: Path = CACHE,
) -> Dataset:
    """The dataset with the table ``message_scores``, if it has messages.

    Customers' messages are scored; of ours only style and dialogue are told. Known texts come from
    the cache, so a rerun scores nothing.

    Parameters
    ----------
    dataset : Dataset
    scorer : TextScorer, optional
        Default: the word lists with the competitors of the description.
    risk : mapping of str to float, optional
        What each message says about leaving, by message_id, from a fitted model; default: unknown.
    cache : Path
        Folder of scores already known.
    """
    if "messages" not in dataset.tables or MESSAGE_SCORES in dataset.tables:
        return dataset
    connection = dataset.connection.cursor()
    messages = connection.execute(
        "select message_id, customer_id, contact_id, author, sent_at, known_at, "
        "coalesce(text, '') as text from messages "
        "order by customer_id, sent_at, message_id"
    ).df()
    scorer = scorer or lexicon_of(dataset.description)
    scores = score_messages(messages, scorer, cache=ScoreCache(cache))
    theirs = (messages["author"] == "customer").to_numpy()
    told = messages["message_id"].map(risk or {}).astype("float64")
    said = scores.drop(columns="scorer").assign(**dialogue(messages), risk=told)
    # What we or a bot wrote has no tone towards us.
    said.loc[~theirs, ["tone", "formality"]] = float("nan")
    connection.register(_FRAME, _plain(said))
    connection.execute(f"create or replace table {MESSAGE_SCORES} as select * from {_FRAME}")
    connection.unregister(_FRAME)
    return replace(dataset, tables=dataset.tables | {MESSAGE_SCORES})


def tone_of(dataset: Dataset, messages: pd.DataFrame) -> pd.Series:
    """Tone of some messages of the dataset, aligned with them; NaN where it cannot be read.

    Parameters
    ----------
    dataset : Dataset
    messages : DataFrame
        ``message_id`` and ``text``.
    """
    scorer = lexicon_of(dataset.description)
    found = score_messages(messages, scorer, cache=ScoreCache(CACHE))["tone"]
    return found.set_axis(messages.index)


def _plain(said: pd.DataFrame) -> pd.DataFrame:
    """Nullable flags as objects, which DuckDB reads as booleans with nulls."""
    flags = said.select_dtypes("boolean").columns
    return said.astype(dict.fromkeys(flags, "object")).where(said.notna(), None)
