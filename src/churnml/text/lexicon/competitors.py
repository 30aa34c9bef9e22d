"""Whether a text speaks of a competitor: by the tenant's names, by known makers in context."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from churnml.text.lexicon.lists import Lists
from churnml.text.lexicon.names import expression_of, first_words, spellings
from churnml.text.lexicon.phrases import PLACEHOLDER, Phrase, phrase, plain
from churnml.text.lexicon.words import Stems

#: Stands for a name in the text and in the phrases.
_VENDOR = PLACEHOLDER.rstrip("*")
_CAPITALISED = re.compile(r"(?<![\w.@/-])[A-ZА-ЯЁ][\w&+-]{1,24}(?:\.(?:com|ru|io))?")
_INITIAL = re.compile(r"(?:\A|[.!?\n])\W{0,4}\Z")


class Competitors:
    """Names of competitors and the words that make a mention of a name one of them.

    Parameters
    ----------
    lists : Lists
    names : sequence of sequences of str
        The tenant's competitors, each with its aliases.
    integrations : sequence of str
        Systems that the product works with; naming one is no mention of a competitor, unless the
        words around compare with it or speak of moving to it.
    """

    def __init__(
        self, lists: Lists, *, names: Sequence[Sequence[str]], integrations: Sequence[str]
    ) -> None:
        connected = {plain(name) for name in integrations}
        sure = [group for group in names if not connected & {plain(name) for name in group}]
        open_ = [group for group in names if group not in sure]
        own = [spelling for group in sure for spelling in spellings(group)]
        makers = [*open_, *lists.competitors.makers]
        known = [*own, *(spelling for group in makers for spelling in spellings(group))]
        self._first: Stems[bool] = Stems()
        for word in first_words(known):
            self._first.add(word, True)
        self._own = expression_of(own)
        self._known = expression_of(known)
        sets = lists.sets
        self._contexts = [phrase(source, sets) for source in lists.competitors.contexts]
        self._connections = [phrase(source, sets) for source in lists.competitors.integrations]
        ordinary = plain(lists.competitors.ordinary).split()
        self._ordinary: Stems[bool] = Stems()
        for word in (*ordinary, *(part for name in connected for part in name.split())):
            self._ordinary.add(word, True)

    def may_be_named(self, words: Iterable[str]) -> bool:
        """Whether a plain word may begin a name."""
        return any(self._first.best(word) for word in words)

    def named(self, text: str) -> bool:
        """Whether a plain text speaks of a competitor by name."""
        own = self._own.sub(_VENDOR, text)
        if own != text and _VENDOR in _without(own, self._connections):
            return True
        named = self._known.sub(_VENDOR, text)
        if named == text:
            return False
        alone = _without(named, self._connections)
        return any(context.expression.search(alone) for context in self._contexts)

    def newcomer(self, text: str, phrases: Iterable[Phrase]) -> bool:
        """Whether one of the phrases compares with any capitalised name of the original text."""
        named = _CAPITALISED.sub(lambda found: self._as_vendor(found), text)
        low = _without(plain(named), self._connections)
        return _VENDOR in low and any(p.expression.search(low) for p in phrases)

    def _as_vendor(self, found: re.Match[str]) -> str:
        word = found.group()
        before = found.string[max(0, found.start() - 6) : found.start()]
        # Any word is capitalised at the start of a sentence.
        return word if self._ordinary.best(plain(word)) or _INITIAL.search(before) else _VENDOR


def _without(text: str, phrases: Iterable[Phrase]) -> str:
    for one in phrases:
        text = one.expression.sub(" ", text)
    return text
