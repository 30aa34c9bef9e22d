"""What a single message says about leaving: a linear model over words, fitted forward in time.

A message is scored by a model that has seen neither its customer nor anything that was not certain
before the message: models are fitted at the starts of calendar blocks, each on messages whose
label had closed by then, and without one group of customers at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from churnml.features.cache import code_digest
from churnml.labels import spells
from churnml.sources.dataset import Dataset
from churnml.text.hearing import CACHE, heard
from churnml.text.normal import folded, normal
from churnml.windows import DAY, LabelWindow

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: The sender leaves in [21, 77) days.
LEAD_DAYS, HORIZON_DAYS = 21, 56
GROUPS = 4
BLOCK_DAYS = 91
#: Hashed words: nothing of what customers wrote is kept in the model, no name either.
DIMENSIONS = 2**15
MIN_MESSAGES = 500
MIN_POSITIVES = 30
_INVERSE_PENALTY = 0.5
#: A closer fit takes three times as long and ranks messages no better.
_TOLERANCE = 1e-2
_LONGEST = 2_000


@dataclass(frozen=True)
class MessageRisk:
    """Fitted models by block and group of customers.

    Parameters
    ----------
    starts : array of datetime64, shape (n_blocks,)
        A message sent from then on, and before the next start, is scored by the block's models.
    weights : array of float32, shape (n_blocks, GROUPS, DIMENSIONS)
    biases : array, shape (n_blocks, GROUPS)
    """

    starts: npt.NDArray[np.datetime64]
    weights: npt.NDArray[np.float32]
    biases: Floats

    def score(self, messages: pd.DataFrame) -> pd.Series:
        """Probability that the sender leaves in the window; NaN before the first block.

        Parameters
        ----------
        messages : DataFrame
            ``customer_id``, ``sent_at``, ``text``.

        Returns
        -------
        Series of float, aligned with ``messages``
        """
        block = np.searchsorted(self.starts, messages["sent_at"].to_numpy(), side="right") - 1
        group = groups_of(messages["customer_id"])
        risk = np.full(len(messages), np.nan)
        words = matrix_of(messages["text"])
        for number in range(len(self.starts)):
            for own in range(GROUPS):
                rows = np.flatnonzero((block == number) & (group == own))
                if len(rows):
                    margin = words[rows] @ self.weights[number, own] + self.biases[number, own]
                    risk[rows] = 1.0 / (1.0 + np.exp(-margin))
        return pd.Series(risk, index=messages.index, name="risk")

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with any number."""
        parts = (self.starts.astype("int64"), self.weights, self.biases)
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write the numbers, nothing pickled; equal numbers are equal bytes (an archive is not)."""
        with path.open("wb") as file:
            for part in (self.starts.astype("int64"), self.weights, self.biases):
                np.save(file, part, allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The models that ``save`` wrote."""
        with path.open("rb") as file:
            starts, weights, biases = (np.load(file, allow_pickle=False) for _ in range(3))
        return cls(starts.astype("datetime64[us]"), weights, biases)


def fit_message_risk(dataset: Dataset, *, delay_days: int) -> MessageRisk | None:
    """The models of a dataset; None where messages or leavers are too few.

    Parameters
    ----------
    dataset : Dataset
        Its messages and spells; what lies after ``observed_until`` is not there.
    delay_days : int
        Days after an exit until it is certain.
    """
    if "messages" not in dataset.tables or dataset.description.churn.kind == "absence":
        return None
    messages = messages_of(dataset)
    messages = messages[messages["author"] == "customer"].reset_index(drop=True)
    window = LabelWindow(LEAD_DAYS, HORIZON_DAYS, delay_days)
    left = _left(messages, spells(dataset), window)
    closes = messages["sent_at"] + window.closing_days * DAY
    known = np.maximum(closes.to_numpy(), messages["known_at"].to_numpy())
    words, group = matrix_of(messages["text"]), groups_of(messages["customer_id"])
    starts, weights, biases = [], [], []
    for start in _block_starts(messages, window, until=dataset.observed_until):
        rows = (known <= start.to_numpy()) & ~np.isnan(left)
        if rows.sum() < MIN_MESSAGES or left[rows].sum() < MIN_POSITIVES:
            continue
        fitted = [_fit(words[rows & (group != own)], left[rows & (group != own)])
                  for own in range(GROUPS)]  # fmt: skip
        starts.append(start.to_numpy())
        weights.append(np.stack([weight for weight, _ in fitted]))
        biases.append([bias for _, bias in fitted])
    if not starts:
        return None
    return MessageRisk(np.array(starts, "datetime64[us]"), np.stack(weights), np.array(biases))


def cached_message_risk(dataset: Dataset, *, folder: Path) -> MessageRisk | None:
    """The models of a dataset, from the cache where they were fitted before."""
    path = folder / f"message_risk_{dataset.digest[:16]}_{code_digest('model', 'text')}.npy"
    try:
        return MessageRisk.load(path)
    except (OSError, ValueError, EOFError):
        risk = fit_message_risk(dataset, delay_days=dataset.description.churn.delay_days)
    # The cache is a comfort: a full disk must not cost the run.
    with contextlib.suppress(OSError):
        if risk is not None:
            folder.mkdir(parents=True, exist_ok=True)
            aside = path.with_suffix(f".{os.getpid()}.tmp")
            risk.save(aside)
            aside.replace(path)
    return risk


def with_message_risk(
    dataset: Dataset, risk: MessageRisk | None, *, cache: Path = CACHE
) -> Dataset:
    """The dataset with its messages heard, and what each says about leaving."""
    if risk is None or "messages" not in dataset.tables:
        return heard(dataset, cache=cache)
    return heard(dataset, risk=_by_message(messages_of(dataset), risk), cache=cache)


def messages_of(dataset: Dataset) -> pd.DataFrame:
    """The messages that risk is told from: who wrote when, known from when on, and the text."""
    return (
        dataset.connection.cursor()
        .execute(
            "select message_id, customer_id, author, sent_at, known_at, text from messages "
            "order by sent_at, message_id"
        )
        .df()
    )


def groups_of(customers: pd.Series) -> Integers:
    """The group of each customer: by a hash of the id, the same for ever."""
    codes, known = pd.factorize(customers.astype("str"))
    group = [zlib.crc32(name.encode()) % GROUPS for name in known]
    return np.asarray(np.array(group, dtype=np.int64)[codes])


def matrix_of(texts: pd.Series) -> csr_matrix:
    """Hashed words and pairs of words of each text, shape (n_texts, DIMENSIONS)."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        n_features=DIMENSIONS, ngram_range=(1, 2), lowercase=False, alternate_sign=False,
        token_pattern=r"(?u)[^\W\d_]{2,}", dtype=np.float32,
    )  # fmt: skip
    codes, known = pd.factorize(texts.astype("object").where(texts.notna(), ""))
    words = [folded(normal(str(text)[:_LONGEST])) for text in known]
    return csr_matrix(hashing.transform(words))[codes] if words else csr_matrix((0, DIMENSIONS))


def _left(messages: pd.DataFrame, ends: pd.DataFrame, window: LabelWindow) -> Floats:
    """1 where the sender left in the window, 0 where not, NaN where that is not known."""
    found = pd.merge_asof(
        messages[["customer_id", "sent_at"]].reset_index(),
        ends.sort_values("started_at", kind="stable"),
        left_on="sent_at", right_on="started_at", by="customer_id", allow_exact_matches=False,
    ).set_index("index").loc[messages.index]  # fmt: skip
    notice = (found["exit_at"] - found["sent_at"]) / DAY
    censored = (found["censored_at"] - found["sent_at"]) / DAY
    unknown = found["started_at"].isna() | (notice < 0) | (censored < window.end_days)
    return np.asarray(window.contains(notice).astype(float).where(~unknown, np.nan))


def _block_starts(
    messages: pd.DataFrame, window: LabelWindow, *, until: pd.Timestamp
) -> pd.DatetimeIndex:
    """Calendar blocks, counted from a fixed day: later data does not move them."""
    if messages.empty:
        return pd.DatetimeIndex([])
    first = messages["sent_at"].min() + window.closing_days * DAY
    origin = pd.Timestamp("2000-01-03").as_unit("us")
    blocks = int(np.ceil((first - origin) / (BLOCK_DAYS * DAY)))
    begin = origin + blocks * BLOCK_DAYS * DAY
    return pd.date_range(begin, until, freq=BLOCK_DAYS * DAY, inclusive="left")


def _fit(words: csr_matrix, left: Floats) -> tuple[npt.NDArray[np.float32], float]:
    from sklearn.linear_model import LogisticRegression

    if not 0 < left.sum() < len(left):
        return np.zeros(DIMENSIONS, np.float32), -np.inf
    model = LogisticRegression(
        C=_INVERSE_PENALTY, solver="liblinear", tol=_TOLERANCE, random_state=0
    )
    model.fit(words, left > 0)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def _by_message(messages: pd.DataFrame, risk: MessageRisk) -> dict[str, float]:
    theirs = messages[messages["author"] == "customer"]
    return dict(zip(theirs["message_id"], risk.score(theirs), strict=True))
