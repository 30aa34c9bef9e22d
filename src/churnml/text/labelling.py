"""Which messages to label next: where the model is least sure, no two alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.text.cleaning import clean
from churnml.text.columns import OK
from churnml.text.linear.model import LinearText, vectorizers
from churnml.text.linear.scorer import answers
from churnml.text.scoring import TextScorer

#: Messages more alike than this teach the same.
ALIKE = 0.6
_POOL = 2_000


def label_next(
    messages: pd.DataFrame, *, lexicon: TextScorer, model: LinearText | None, most: int
) -> pd.DataFrame:
    """The messages whose labels would teach most, the first first.

    With a model: the smaller the distance between its two likeliest classes, the sooner. Without:
    messages in which the word lists find something, the strongest tone first, since of what is
    rare every example counts.

    Parameters
    ----------
    messages : DataFrame
        ``message_id`` and ``text``.
    most : int

    Returns
    -------
    DataFrame
        ``message_id``, ``text``, ``uncertainty``, ``suggested``.
    """
    texts = [clean(text) for text in messages["text"]]
    first = {text.text: row for row, text in reversed(list(enumerate(texts))) if text.status == OK}
    rows = np.array(sorted(first.values()), dtype=np.intp)
    words = [texts[row].text for row in rows]
    gated = lexicon.score([texts[row] for row in rows])
    if model is not None and len(rows):
        p = model.probabilities(words, gated)
        likeliest = np.sort(p, axis=1)
        uncertainty = 1 - (likeliest[:, -1] - likeliest[:, -2])
        said = answers(p, model.classes)
    else:
        uncertainty = np.abs(gated["tone"].to_numpy(dtype=float))
        said = np.where(gated["tone"] <= 0, "negative", "positive")
    order = np.argsort(-uncertainty, kind="stable")[:_POOL]
    chosen = order[_unlike([words[n] for n in order], most=most)]
    return pd.DataFrame(
        {
            "message_id": messages["message_id"].to_numpy()[rows[chosen]],
            "text": [words[n] for n in chosen],
            "uncertainty": uncertainty[chosen],
            "suggested": said[chosen],
        }
    )


def _unlike(words: list[str], *, most: int) -> npt.NDArray[np.intp]:
    """Positions in order, without those too much like one before."""
    if not words:
        return np.empty(0, dtype=np.intp)
    matrix = vectorizers()[0].fit_transform(words)
    kept: list[int] = []
    for row in range(len(words)):
        if len(kept) == most:
            break
        if not kept or (matrix[kept] @ matrix[row].T).max() < ALIKE:
            kept.append(row)
    return np.array(kept, dtype=np.intp)
