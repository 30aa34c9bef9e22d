"""What the lists know of one word: looked up by its stem once, then remembered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from churnml.text.lexicon.lists import Lists
from churnml.text.lexicon.phrases import plain

Value = TypeVar("Value")

#: How a word changes what follows.
NOTHING, NEGATION, STRONGER, WEAKER, TURN, PAUSE = range(6)
#: More different words than these are not remembered; then it begins anew.
_REMEMBERED = 100_000
_LONGEST_WORD = 40


class Stems(Generic[Value]):
    """Values by words and by stems (``stem*``)."""

    def __init__(self) -> None:
        self.words: dict[str, list[Value]] = {}
        self.stems: dict[str, list[Value]] = {}
        self.longest = 0

    def add(self, word: str, value: Value) -> None:
        """Let the word, or all words that begin with the stem, have the value too."""
        stem = word.rstrip("*")
        place = self.words if stem == word else self.stems
        place.setdefault(stem, []).append(value)
        self.longest = max(self.longest, len(stem))

    def best(self, word: str) -> Value | None:
        """Last value of the word itself, else of its longest stem."""
        found = self.words.get(word)
        for length in range(min(len(word), self.longest), 0, -1):
            if found is not None:
                break
            found = self.stems.get(word[:length])
        return found[-1] if found else None

    def every(self, word: str) -> list[Value]:
        """Values of the word and of every stem of it."""
        found = list(self.words.get(word, ()))
        for length in range(1, min(len(word), self.longest) + 1):
            found += self.stems.get(word[:length], ())
        return found


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a word.

    Parameters
    ----------
    tone : float
    role : int
        How it changes what follows.
    formality : float
    categories : tuple of (str, float)
    phrases : tuple of int
        Phrases that may match where this word is.
    groups : tuple of int
        Groups of words that phrases ask for besides.
    names : tuple of int
        Names of companies that may begin here.
    """

    tone: float = 0.0
    role: int = NOTHING
    formality: float = 0.0
    categories: tuple[tuple[str, float], ...] = ()
    phrases: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    names: tuple[int, ...] = ()


_UNKNOWN = Known()
_PAUSE = Known(role=PAUSE)


class Vocabulary:
    """Everything that the lists know of single words.

    Parameters
    ----------
    lists : Lists
    anchors, groups, names : iterables of (str, int)
        Words and stems, with the number of the phrase, the group of words, the name.
    """

    def __init__(
        self,
        lists: Lists,
        *,
        anchors: Iterable[tuple[str, int]],
        groups: Iterable[tuple[str, int]],
        names: Iterable[tuple[str, int]],
    ) -> None:
        self.tones: Stems[float] = Stems()
        self.roles: Stems[int] = Stems()
        self.formality: Stems[float] = Stems()
        self.categories: Stems[tuple[str, float]] = Stems()
        for weight, words in lists.tone.words.items():
            _add(self.tones, words, float(weight))
        for role, words in _roles(lists):
            _add(self.roles, words, role)
        for words, degree in _degrees(lists):
            _add(self.formality, words, degree)
        for name, part in lists.categories.items():
            category = (name.removesuffix("_weak"), 0.5 if name.endswith("_weak") else 1.0)
            _add(self.categories, part.words, category)
        self.phrases, self.groups, self.names = map(_numbered, (anchors, groups, names))
        self._remembered: dict[str, Known | None] = {}

    def known(self, word: str) -> Known | None:
        """What is known of a plain word or mark; None: nothing."""
        try:
            return self._remembered[word]
        except KeyError:
            if len(self._remembered) > _REMEMBERED:
                self._remembered.clear()
            found = self._looked_up(word[:_LONGEST_WORD])
            self._remembered[word[:_LONGEST_WORD]] = found
            return found

    def _looked_up(self, word: str) -> Known | None:
        if not word[0].isalnum():
            return _PAUSE
        found = Known(
            tone=self.tones.best(word) or 0.0,
            role=self.roles.best(word) or NOTHING,
            formality=self.formality.best(word) or 0.0,
            categories=tuple(dict.fromkeys(self.categories.every(word))),
            phrases=tuple(dict.fromkeys(self.phrases.every(word))),
            groups=tuple(dict.fromkeys(self.groups.every(word))),
            names=tuple(dict.fromkeys(self.names.every(word))),
        )
        return None if found == _UNKNOWN else found


def _numbered(words: Iterable[tuple[str, int]]) -> Stems[int]:
    found: Stems[int] = Stems()
    for word, number in words:
        found.add(word, number)
    return found


def _add(stems: Stems[Value], words: str, value: Value) -> None:
    for word in plain(words).split():
        stems.add(word, value)


def _roles(lists: Lists) -> tuple[tuple[int, str], ...]:
    tone = lists.tone
    return (
        (NEGATION, tone.negations), (STRONGER, tone.stronger), (WEAKER, tone.weaker),
        (TURN, tone.turns),
    )  # fmt: skip


def _degrees(lists: Lists) -> tuple[tuple[str, float], ...]:
    found = lists.formality
    return (
        (found.formal.words, 1.0), (found.informal.words, -1.0), (found.very_formal.words, 2.0),
        (found.very_informal.words, -2.0),
    )  # fmt: skip
