"""Readable phrases: ``if (not)? fixed by {day} ... leave*`` becomes a linear-time expression."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from churnml.errors import InputError

#: Stands in phrases for any name of a company; no message holds it.
PLACEHOLDER = "vendor*"
#: Words of a plain text, with their apostrophes.
WORD = re.compile(r"\w+(?:'\w+)*")
_PIECE = re.compile(r"\.{2,4}|\)\?|\}\?|[()|^$/#?]|\{\w+\}?|[^\s()|{}?^$/#]+")
#: Between two words of a phrase: blanks, commas, quotes, dashes; never the end of a sentence.
_BETWEEN = r"[^\w.!?\n]{1,4}"
_GAPS = {
    "..": r"[^.!?\n]{0,20}?", "...": r"[^.!?\n]{0,40}?", "....": r"[^.!?\n]{0,90}?",
    "/": r"\W{1,5}",
}  # fmt: skip
_FIXED = {
    "^": r"(?:\A|[.!?\n])\W{0,4}", "$": r"[^\w.!?\n]{0,3}(?:[.!?\n]|\Z)",
    "?": r"[^.!?\n]{0,90}\?", "#": r"(?<!\w)\d{1,7}(?!\w)",
}  # fmt: skip
#: So many more words are asked for before an expression is tried.
_OTHERS = 2
#: Longest end that a star stands for.
_ENDING = r"\w{0,14}"
_SPELLING = str.maketrans({"’": "'", "‘": "'", "`": "'", "–": "-", "—": "-", "‑": "-", "ё": "е"})


def plain(text: str) -> str:
    """The text as phrases and words are looked up in it: lower case, one kind of dash and quote.

    Examples
    --------
    >>> plain("Ещё  НЕТ — don’t")
    "еще  нет - don't"
    """
    return text.lower().translate(_SPELLING)


@dataclass(frozen=True)
class Phrase:
    """A phrase, the words of which one must be there for it to match, and its expression.

    Parameters
    ----------
    source : str
    anchors : tuple of str
        One of these words must be there; a star at the end stands for any ending.
    others : tuple of tuples of str
        And one of each of these.
    pattern : str
    """

    source: str
    anchors: tuple[str, ...]
    others: tuple[tuple[str, ...], ...]
    pattern: str

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """Compiled when first needed: most phrases are never said."""
        return re.compile(self.pattern)


@dataclass(frozen=True)
class _Part:
    pattern: str
    anchors: tuple[str, ...] = ()
    others: tuple[tuple[str, ...], ...] = ()
    gap: bool = False
    fixed: bool = False
    optional: bool = False


def phrase(source: str, sets: Mapping[str, str]) -> Phrase:
    """The phrase of its readable form.

    Words stand as written and ``word*`` for any ending; ``(a|b c)`` is a choice, ``(…)?`` may be
    absent, ``{name}`` is a choice kept under ``[sets]``; ``..``, ``...`` and ``....`` are gaps of
    20, 40 and 90 characters within a sentence, ``/`` also crosses its end; ``#`` is a number,
    ``^`` and ``$`` the start and end of a sentence, ``?`` alone the end of a question. Repeats are
    bounded and not nested, so the time grows with the length of the text only.

    Raises
    ------
    InputError
        If it cannot be read or no word in it is certain.

    Examples
    --------
    >>> found = phrase("if (not)? fixed ... leav*", {})
    >>> bool(found.expression.search("if not fixed by friday, we are leaving"))
    True
    >>> found.anchors
    ('fixed',)
    """
    reader = _Reader(source, sets)
    part = reader.choice(depth=0)
    if not part.anchors and PLACEHOLDER not in source:
        raise InputError(f"The phrase '{source}' has no word that must be there; add one.")
    return Phrase(source, part.anchors, part.others, part.pattern)


class _Reader:
    """Reads one phrase from its pieces."""

    def __init__(self, source: str, sets: Mapping[str, str]) -> None:
        self.source, self.sets = source, sets
        self.pieces = _PIECE.findall(plain(source))
        self.place = 0

    def choice(self, *, depth: int) -> _Part:
        """Alternatives up to the closing bracket or the end."""
        ways = [self.sequence()]
        while self._next() == "|":
            self.place += 1
            ways.append(self.sequence())
        closing = self._next()
        if (closing is None) != (depth == 0):
            raise InputError(f"The phrase '{self.source}' has brackets that do not match.")
        self.place += 1
        # One way without a certain word makes the whole choice uncertain.
        sure = all(way.anchors for way in ways)
        anchors = tuple(dict.fromkeys(a for way in ways for a in way.anchors)) if sure else ()
        pattern = f"(?:{'|'.join(way.pattern for way in ways)})" if depth or ways[1:] else None
        others = () if ways[1:] else ways[0].others
        optional = closing == ")?"
        return _Part(pattern or ways[0].pattern, anchors, others, optional=optional)

    def sequence(self) -> _Part:
        """Parts that follow each other."""
        parts = list(self._parts())
        if not parts:
            raise InputError(f"The phrase '{self.source}' has an empty choice.")
        certain = [
            part.anchors
            for part in parts
            if part.anchors and not part.optional and PLACEHOLDER not in part.anchors
        ]
        rarest, *others = sorted(certain, key=_rarity, reverse=True) or [()]
        return _Part(_joined(parts), rarest, tuple(others[:_OTHERS]))

    def _parts(self) -> Iterator[_Part]:
        while (piece := self._next()) not in (None, "|", ")", ")?"):
            self.place += 1
            if piece == "(":
                yield self.choice(depth=1)
            elif piece.startswith("{"):
                yield self._set(piece)
            elif piece in _GAPS:
                yield _Part(_GAPS[piece], gap=True)
            elif piece in _FIXED:
                yield _Part(_FIXED[piece], fixed=piece in "^$?")
            else:
                yield _word(piece)

    def _set(self, piece: str) -> _Part:
        name = piece.strip("{}")
        if name not in self.sets:
            known = ", ".join(sorted(self.sets))
            raise InputError(f"The phrase '{self.source}' names the set {piece}; known: {known}.")
        found = _Reader(self.sets[name], self.sets).choice(depth=0)
        optional = self._next() == "}?"
        self.place += optional
        return _Part(f"(?:{found.pattern})", found.anchors, optional=optional)

    def _next(self) -> str | None:
        return self.pieces[self.place] if self.place < len(self.pieces) else None


def _word(piece: str) -> _Part:
    stem = piece.rstrip("*")
    starred = stem != piece
    parts = WORD.findall(stem)
    # Of a hyphenated word the longest part is the anchor; only the last may be open.
    anchors = [part + "*" * (starred and n == len(parts) - 1) for n, part in enumerate(parts)]
    ending = _ENDING + r"(?!\w)" if starred else r"(?!\w)"
    return _Part(
        rf"(?<!\w){re.escape(stem)}{ending}", (max(anchors, key=_length),) if anchors else ()
    )


def _length(anchor: str) -> float:
    """Letters that are certain; a whole word is better than a stem."""
    return len(anchor) - 1.5 * anchor.endswith("*")


def _rarity(anchors: tuple[str, ...]) -> float:
    """Long words are rarer than short ones; a choice is as frequent as its words together."""
    return min(len(anchor) for anchor in anchors) - 0.15 * len(anchors)


def _joined(parts: list[_Part]) -> str:
    """The parts with what may stand between them; what is optional brings its own gap."""
    pattern, gap, begun = "", "", False
    for part in parts:
        if part.gap:
            gap = part.pattern
        elif part.fixed:
            pattern, gap, begun = pattern + gap + part.pattern, "", False
        elif part.optional:
            between = gap or _BETWEEN
            pattern += f"(?:{between}{part.pattern})?" if begun else f"(?:{part.pattern}{between})?"
        else:
            pattern += (gap or _BETWEEN if begun else gap) + part.pattern
            gap, begun = "", True
    return pattern + gap
