"""Whether a text speaks of a competitor: by the tenant's names, by known makers in context."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from churnml.text.lexicon.lists import Lists
from churnml.text.lexicon.names import expression_of, first_word, spellings
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
        every = [*dict.fromkeys(known)]
        #: Stems, one of which begins every mention, with the number of the name.
        self.first_words = [(first_word(name), n) for n, name in enumerate(every)]
        self._names = [(expression_of(name), name in own) for name in every]
        sets = lists.sets
        self._contexts = [phrase(source, sets) for source in lists.competitors.contexts]
        self._connections = [phrase(source, sets) for source in lists.competitors.integrations]
        ordinary = plain(lists.competitors.ordinary).split()
        self._ordinary: Stems[bool] = Stems()
        for word in (*ordinary, *(part for name in connected for part in name.split())):
            self._ordinary.add(word, True)

    def named(self, text: str, numbers: Iterable[int]) -> bool:
        """Whether a plain text speaks of a competitor by one of the names that may be in it."""
        named = text
        for number in sorted(numbers):
            expression, sure = self._names[number]
            before, named = named, expression.sub(_VENDOR, named)
            if sure and named != before:
                alone = _without(expression.sub(_VENDOR, text), self._connections)
                if _VENDOR in alone:
                    return True
        if named == text:
            return False
        alone = _without(named, self._connections)
        return any(context.expression.search(alone) for context in self._contexts)

    def newcomer(self, text: str, phrases: Iterable[Phrase]) -> bool:
        """Whether one of the phrases compares with any capitalised name of the original text."""
        named = _CAPITALISED.sub(lambda found: self._as_vendor(found), text)
        low = plain(named)
        if _VENDOR not in low:
            return False
        alone = _without(low, self._connections)
        return _VENDOR in alone and any(p.expression.search(alone) for p in phrases)

    def _as_vendor(self, found: re.Match[str]) -> str:
        word = found.group()
        before = found.string[max(0, found.start() - 6) : found.start()]
        # Any word is capitalised at the start of a sentence.
        return word if self._ordinary.best(plain(word)) or _INITIAL.search(before) else _VENDOR


def _without(text: str, phrases: Iterable[Phrase]) -> str:
    for one in phrases:
        text = one.expression.sub(" ", text)
    return text
