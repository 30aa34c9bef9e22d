"""The word lists with one column answered by a model on own labels, where it is sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.errors import InputError
from churnml.text.cleaning import Cleaned
from churnml.text.columns import HOSTILE, HOSTILE_TONE, OK
from churnml.text.linear.model import LinearText
from churnml.text.scoring import TextScorer

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LinearScorer:
    """A text model over the word lists.

    Where the model is less sure of a category than its threshold the word lists' stays.

    Parameters
    ----------
    model : LinearText
    lexicon : TextScorer
    """

    model: LinearText
    lexicon: TextScorer
    name: str = "linear"

    def __post_init__(self) -> None:
        now = f"{self.lexicon.name}:{self.lexicon.version}"
        if self.model.lexicon != now:
            raise InputError(
                f"The text model was trained with the word lists {self.model.lexicon}, these are "
                f"{now}. Train it again with `churnml text train`."
            )

    @property
    def version(self) -> str:
        """Digest of the model and version of the word lists."""
        return f"{self.model.target}:{self.model.digest}:{self.lexicon.version}"

    def score(self, texts: Sequence[Cleaned]) -> pd.DataFrame:
        """The word lists' columns, with the model's answers in the column of its target."""
        gated = self.lexicon.score(texts)
        rows = np.flatnonzero([text.status == OK for text in texts])
        if not len(rows):
            return gated
        said = gated.iloc[rows]
        p = self.model.probabilities([texts[int(row)].text for row in rows], said)
        column = gated.columns.get_loc(self.model.target)
        found = gated.copy()
        found.iloc[rows, column] = self._answered(p, said)
        return found

    def _answered(self, p: Numbers, said: pd.DataFrame) -> pd.Series:
        before = said[self.model.target]
        if self.model.target == "tone":
            # Between the classes lies a number: how much likelier warm is than cold.
            signs = np.array([_SIGNS[name] for name in self.model.classes])
            tone = pd.Series(p @ signs, index=said.index)
            hostile = said[list(HOSTILE)].astype("boolean").any(axis=1).to_numpy(dtype=bool)
            return tone.where(~hostile, np.minimum(tone, HOSTILE_TONE))
        if self.model.target == "category":
            sure = p.max(axis=1) >= self.model.threshold
            found = pd.Series(answers(p, self.model.classes), index=said.index, dtype="object")
            return found.where(sure, before)
        there = p[:, self.model.classes.index("true")] >= self.model.threshold
        return pd.Series(there, index=said.index, dtype="boolean")


_SIGNS = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}


def answers(p: Numbers, classes: Sequence[str]) -> npt.NDArray[np.object_]:
    """The likeliest class of each row."""
    return np.array(classes, dtype=object)[p.argmax(axis=1)] if len(p) else np.empty(0, object)
