"""The default scorer: word lists and rules for Russian and English, nothing but Python."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from churnml.text.cleaning import Cleaned
from churnml.text.columns import (
    CATEGORIES,
    HOSTILE,
    HOSTILE_TONE,
    MARKERS,
    OF_THE_SCORER,
    OK,
    UNSUPPORTED,
    typed,
    unknown,
)
from churnml.text.lexicon.competitors import Competitors
from churnml.text.lexicon.lists import Lists, digest
from churnml.text.lexicon.phrases import plain
from churnml.text.lexicon.rules import (
    CATEGORY,
    FORMALITY,
    NEWCOMER,
    TONE,
    Rule,
    markers_in,
    rules_of,
)
from churnml.text.lexicon.tone import Emoji, emphasis, squeezed, tone_of_words
from churnml.text.lexicon.words import Known, Vocabulary

_TOKEN = re.compile(r"\w+(?:'\w+)*|[.!?;:,()\n]+")
#: What a marker takes from the sum of the words, hostile or not.
_MARKED = {
    "passive_aggression": -1.5, "ultimatum": -1.0, "price_complaint": -0.7, "escalation": -0.5,
    "cancellation_intent": -0.5, "repeat_contact": -0.5, "competitor_mention": -0.2,
    "budget_cut": -0.2,
}  # fmt: skip
_SMILED = -1.0
_LETTER = 2.0
#: A category needs at least this much.
_CATEGORY = 0.5
#: Of equal categories the first: a refund is asked for in the words of billing.
_ORDER = ("returns", "delivery", "account", "billing", "technical", "usage", "other")


class Lexicon:
    """Tone, formality, markers and category by word lists.

    Parameters
    ----------
    lists : Lists
    names : sequence of sequences of str
        The tenant's competitors, each with its aliases.
    integrations : sequence of str
        Systems that the product works with.
    """

    name = "lexicon"

    def __init__(
        self,
        lists: Lists,
        *,
        names: Sequence[Sequence[str]] = (),
        integrations: Sequence[str] = (),
    ) -> None:
        #: Changes with the lists, the names and the rules.
        self.version = digest(lists.model_dump(mode="json"), names, integrations)
        self._rules = rules_of(lists)
        anchors = [(word, n) for n, rule in enumerate(self._rules) for word in rule.phrase.anchors]
        every = {group for rule in self._rules for group in rule.phrase.others}
        places = {group: n for n, group in enumerate(sorted(every))}
        self._asked = [{places[group] for group in rule.phrase.others} for rule in self._rules]
        groups = [(word, n) for group, n in places.items() for word in group]
        self._emoji = Emoji(lists.tone)
        self._competitors = Competitors(lists, names=names, integrations=integrations)
        self._words = Vocabulary(
            lists, anchors=anchors, groups=groups, names=self._competitors.first_words
        )

    def score(self, texts: Sequence[Cleaned]) -> pd.DataFrame:
        """The columns ``OF_THE_SCORER``, one row for each text in their order."""
        rows = [self._row(text) for text in texts]
        return typed(pd.DataFrame(rows, columns=list(OF_THE_SCORER)))

    def evidence(self, text: str) -> dict[str, str]:
        """The markers of a text and the words that say so.

        Examples
        --------
        >>> from churnml.text.lexicon.lists import shipped
        >>> Lexicon(shipped()).evidence("Надеюсь, в этот раз получится")
        {'passive_aggression': 'надеюсь, в этот раз'}
        """
        return self._heard(text)[1]

    def _row(self, text: Cleaned) -> tuple[object, ...]:
        if text.status == OK:
            (tone, formality, category), markers = self._heard(text.text)
            said = [name in markers for name in MARKERS]
            return (text.status, text.lang, tone, formality, *said, category)
        row = unknown(text.status, text.lang)
        if text.status == UNSUPPORTED:
            row["tone"] = self._without_words(text.text)
        return tuple(row.values())

    def _without_words(self, text: str) -> float | None:
        """Tone by smiles and punctuation; without any it is unknown."""
        smiles = self._emoji.found(text)
        total = emphasis(float(sum(smiles)), text)
        return squeezed(total) if smiles or total else None

    def _heard(self, text: str) -> tuple[tuple[float, float, str], dict[str, str]]:
        low = plain(text)
        known = [self._words.known(token) for token in _TOKEN.findall(low)]
        words = [word for word in known if word is not None]
        rules = self._may_match(words)
        markers = markers_in(low, rules) if rules else {}
        if "competitor_mention" not in markers and self._speaks_of_others(text, low, words, rules):
            markers["competitor_mention"] = "name"
        smiles = self._emoji.found(text)
        total = self._total(low, known, rules) + sum(smiles)
        total = emphasis(total + sum(_MARKED.get(name, 0.0) for name in markers), text)
        tone = squeezed(total)
        if any(name in markers for name in HOSTILE):
            tone = min(tone, HOSTILE_TONE)
        formality = self._formality(low, words, rules, smiles)
        return (tone, formality, self._category(low, words, rules)), markers

    def _may_match(self, words: list[Known]) -> list[Rule]:
        numbers: set[int] = set().union(*[word.phrases for word in words if word.phrases])
        there: set[int] = set().union(*[word.groups for word in words if word.groups])
        return [self._rules[n] for n in sorted(n for n in numbers if self._asked[n] <= there)]

    def _speaks_of_others(self, text: str, low: str, words: list[Known], rules: list[Rule]) -> bool:
        names = {number for word in words if word.names for number in word.names}
        if names and self._competitors.named(low, names):
            return True
        newcomers = [rule.phrase for rule in rules if rule.kind == NEWCOMER]
        return bool(newcomers) and self._competitors.newcomer(text, newcomers)

    def _total(self, low: str, known: list[Known | None], rules: list[Rule]) -> float:
        """Sum of phrases, and of the words outside of them."""
        total, rest = 0.0, low
        for rule in rules:
            if rule.kind == TONE:
                rest, times = rule.phrase.expression.subn(" ; ", rest)
                total += rule.weight * min(times, 2)
        if rest is not low:
            known = [self._words.known(token) for token in _TOKEN.findall(rest)]
        return total + tone_of_words(known)

    def _formality(
        self, low: str, words: list[Known], rules: list[Rule], smiles: Sequence[float]
    ) -> float:
        telling = {word for word in words if word.formality}
        total = sum(word.formality for word in telling) + _SMILED * bool(smiles)
        total += sum(
            rule.weight
            for rule in rules
            if rule.kind == FORMALITY and rule.phrase.expression.search(low)
        )
        return total / (abs(total) + _LETTER)

    def _category(self, low: str, words: list[Known], rules: list[Rule]) -> str:
        votes = dict.fromkeys(_ORDER, 0.0)
        for word in {word for word in words if word.categories}:
            for name, weight in word.categories:
                votes[name] += weight
        for rule in rules:
            if rule.kind == CATEGORY and rule.phrase.expression.search(low):
                votes[rule.name] += rule.weight
        best = max(_ORDER, key=votes.__getitem__)
        return best if votes[best] >= _CATEGORY else CATEGORIES[-1]
