"""The fitted model as plain data: vocabularies as JSON, numbers as npz, a sha256 of each."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.errors import InputError
from churnml.text.columns import MARKERS

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

Numbers = npt.NDArray[np.float64]

FORMAT = 1
_NUMBERS, _WORDS, _MANIFEST = "numbers.npz", "words.json", "text_model.json"
#: Pieces of words across spaces and whole words: small, and as good as ten times more.
_LETTERS = {"analyzer": "char_wb", "ngram_range": (3, 5), "max_features": 60_000}
_TOKENS = {"analyzer": "word", "ngram_range": (1, 2), "max_features": 20_000,
           "token_pattern": r"(?u)\b\w+\b"}  # fmt: skip


def vectorizers() -> tuple[TfidfVectorizer, TfidfVectorizer]:
    """The two views of a text, not fitted."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    shared: dict[str, Any] = {"lowercase": True, "sublinear_tf": True, "dtype": np.float32}
    return TfidfVectorizer(**_LETTERS, **shared), TfidfVectorizer(**_TOKENS, **shared)


def hints(gated: pd.DataFrame) -> Numbers:
    """What the word lists say, as columns: tone and its two sides, formality, each marker.

    Two hundred own labels with these are worth a thousand without.
    """
    tone = np.nan_to_num(gated["tone"].to_numpy(dtype=float))
    formality = np.nan_to_num(gated["formality"].to_numpy(dtype=float))
    markers = gated[list(MARKERS)].astype("boolean").to_numpy(dtype=float, na_value=0.0)
    sides = np.stack([tone, np.maximum(tone, 0), np.minimum(tone, 0), formality], axis=1)
    return np.hstack([sides, markers])


@dataclass(frozen=True)
class LinearText:
    """A logistic regression over letters, words and hints.

    Parameters
    ----------
    target : str
        ``tone``, ``category`` or the name of a marker.
    classes : tuple of str
        Its values, in the order of the columns of ``probabilities``.
    letters, tokens : tuple of str
        Vocabularies in column order.
    idf : array, shape (n_letters + n_tokens,)
    coefficients : array, shape (n_classes, n_letters + n_tokens + n_hints)
    intercepts : array, shape (n_classes,)
    slope : float
        Of the temperature that makes the probabilities true.
    threshold : float
        Of a marker: the probability from which on it is there. Of a category: below this
        probability of the likeliest there is no answer.
    lexicon : str
        Name and version of the word lists it was fitted with.
    """

    target: str
    classes: tuple[str, ...]
    letters: tuple[str, ...]
    tokens: tuple[str, ...]
    idf: Numbers
    coefficients: Numbers
    intercepts: Numbers
    slope: float
    threshold: float
    lexicon: str

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with any number."""
        parts = [self.idf.tobytes(), self.coefficients.tobytes(), self.intercepts.tobytes()]
        parts.append(repr((self.target, self.slope, self.threshold, self.lexicon)).encode())
        return hashlib.sha256(b"".join(parts)).hexdigest()[:16]

    def matrix(self, texts: Sequence[str], gated: pd.DataFrame) -> csr_matrix:
        """Rows of the texts: letters, words, hints."""
        from scipy.sparse import csr_matrix, hstack

        parts, at = [], 0
        for vectorizer, words in zip(vectorizers(), (self.letters, self.tokens), strict=True):
            vectorizer.set_params(vocabulary={word: n for n, word in enumerate(words)})
            vectorizer.idf_ = self.idf[at : at + len(words)]
            parts.append(vectorizer.transform(texts))
            at += len(words)
        return hstack([*parts, csr_matrix(hints(gated))], format="csr")

    def probabilities(self, texts: Sequence[str], gated: pd.DataFrame) -> Numbers:
        """Calibrated probability of each class, shape (n_texts, n_classes)."""
        if not len(texts):
            return np.empty((0, len(self.classes)))
        margin = self.matrix(texts, gated) @ self.coefficients.T + self.intercepts
        return softmax(self.slope * np.asarray(margin))

    def save(self, folder: Path) -> None:
        """Write the model as a folder, all or nothing.

        Raises
        ------
        InputError
            If something other than a text model is there.
        """
        if folder.exists() and not (folder / _MANIFEST).is_file() and any(folder.iterdir()):
            raise InputError(f"{folder} exists and holds no text model. Give another --out.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as aside:
            made = Path(aside) / "made"
            made.mkdir()
            self._write(made)
            if folder.exists():
                folder.rename(Path(aside) / "before")
            made.rename(folder)

    def _write(self, folder: Path) -> None:
        names = ("idf", "coefficients", "intercepts")
        np.savez_compressed(folder / _NUMBERS, **{name: getattr(self, name) for name in names})
        words = {"letters": self.letters, "tokens": self.tokens, "classes": self.classes}
        _write_json(folder / _WORDS, words)
        manifest = {
            "format": FORMAT, "target": self.target, "slope": self.slope,
            "threshold": self.threshold, "lexicon": self.lexicon,
            "parts": {name: _sha256(folder / name) for name in (_NUMBERS, _WORDS)},
        }  # fmt: skip
        _write_json(folder / _MANIFEST, manifest)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model of a folder; each part is checked against its sha256 first.

        Raises
        ------
        InputError
            If the folder is no text model, of another format, or a part is missing or altered.
        """
        manifest = _manifest(folder)
        for name, expected in manifest["parts"].items():
            part = folder / name
            if not part.is_file() or _sha256(part) != expected:
                raise InputError(
                    f"{part} is {'altered' if part.is_file() else 'missing'}. Train the text model "
                    "again."
                )
        words = json.loads((folder / _WORDS).read_text(encoding="utf-8"))
        with np.load(folder / _NUMBERS, allow_pickle=False) as numbers:
            arrays = {name: numbers[name] for name in numbers.files}
        return cls(
            target=manifest["target"], classes=tuple(words["classes"]),
            letters=tuple(words["letters"]), tokens=tuple(words["tokens"]), **arrays,
            slope=manifest["slope"], threshold=manifest["threshold"], lexicon=manifest["lexicon"],
        )  # fmt: skip


def softmax(margin: Numbers) -> Numbers:
    """Probabilities of the classes of each row."""
    exponent = np.exp(margin - margin.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(
            f"{folder} holds no text model. Give the folder that `churnml text train` wrote."
        ) from None
    if found.get("format") != FORMAT:
        raise InputError(f"{folder} has another format. Train the text model again.")
    return found


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
