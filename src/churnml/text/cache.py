"""Scores of texts that were scored before, by content: a text is scored and paid for once.

The texts themselves are not kept, only a digest of each with its scores, and which messages had
that text, so that a message can be forgotten.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from churnml.text.columns import OF_THE_TEXT


def content_key(text: str, *, scorer: str, redaction: str = "") -> str:
    """What identifies the score of a text: the scorer with its version, the redaction, the text.

    Parameters
    ----------
    text : str
    scorer : str
        Name and version, and of a language model the model and the prompt.
    redaction : str
        Version of the redaction where the scorer saw redacted text.
    """
    parts = "\x1f".join((scorer, redaction, text))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class ScoreCache:
    """A folder of Parquet parts; writers never touch each other's files.

    Parameters
    ----------
    folder : Path
    """

    folder: Path

    def scores(self, keys: Iterable[str]) -> pd.DataFrame:
        """The known ones among these keys: ``OF_THE_TEXT``, indexed by key."""
        wanted = set(keys)
        parts = [part[part["key"].isin(wanted)] for part in self._parts("scores")]
        found = pd.concat(parts) if parts else pd.DataFrame(columns=["key", *OF_THE_TEXT])
        return found.drop_duplicates("key", keep="last").set_index("key")

    def remember(self, scores: pd.DataFrame, messages: pd.DataFrame) -> None:
        """Keep scores of texts, and which message had which text.

        Parameters
        ----------
        scores : DataFrame
            ``key`` and ``OF_THE_TEXT``.
        messages : DataFrame
            ``message_id`` and ``key``.
        """
        if len(scores):
            self._write(scores[["key", *OF_THE_TEXT]], "scores")
        if len(messages):
            self._write(messages[["message_id", "key"]], "messages")

    def forget(self, message_ids: Sequence[str]) -> int:
        """Erase what is known of these messages; scores go where no other message has the text.

        Returns
        -------
        int
            Number of messages that were known.
        """
        parts = list(self._parts("messages"))
        if not parts:
            return 0
        links = pd.concat(parts).drop_duplicates()
        gone = links["message_id"].isin(set(message_ids))
        orphans = set(links.loc[gone, "key"]) - set(links.loc[~gone, "key"])
        known = pd.concat(list(self._parts("scores")) or [pd.DataFrame(columns=["key"])])
        self._replace("messages", links[~gone])
        self._replace("scores", known[~known["key"].isin(orphans)])
        return int(links.loc[gone, "message_id"].nunique())

    def _parts(self, kind: str) -> Iterable[pd.DataFrame]:
        for path in sorted(self.folder.glob(f"{kind}_*.parquet")):
            try:
                yield pd.read_parquet(path)
            except (OSError, pa.ArrowInvalid):
                # A damaged part costs its scores, not the run; they are made again.
                path.unlink(missing_ok=True)

    def _write(self, part: pd.DataFrame, kind: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256("".join(part["key"]).encode()).hexdigest()[:16]
        path = self.folder / f"{kind}_{digest}_{os.getpid()}.parquet"
        aside = path.with_suffix(".tmp")
        try:
            part.to_parquet(aside, index=False)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        return path

    def _replace(self, kind: str, whole: pd.DataFrame) -> None:
        """One new part instead of all: written first, so that an interruption loses nothing."""
        old = set(self.folder.glob(f"{kind}_*.parquet"))
        kept = {self._write(whole, kind)} if len(whole) else set()
        for path in old - kept:
            path.unlink(missing_ok=True)
