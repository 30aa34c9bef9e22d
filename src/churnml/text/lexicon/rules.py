"""The phrases of all lists, found through the words that they need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from churnml.text.lexicon.lists import Lists, MarkerList
from churnml.text.lexicon.phrases import Phrase, phrase

#: What a phrase is for.
FIND, UNLESS, SILENT, TONE, CATEGORY, FORMALITY, NEWCOMER = range(7)


@dataclass(frozen=True, slots=True)
class Rule:
    """A phrase and what it says.

    Parameters
    ----------
    kind : int
    name : str
        The marker or category.
    weight : float
    phrase : Phrase
    """

    kind: int
    name: str
    weight: float
    phrase: Phrase


def rules_of(lists: Lists) -> tuple[Rule, ...]:
    """The rules of the lists; their place is their number."""
    return tuple(
        Rule(kind, name, weight, phrase(source, lists.sets))
        for kind, name, weight, sources in _sources(lists)
        for source in sources
    )


def _sources(lists: Lists) -> Iterator[tuple[int, str, float, tuple[str, ...]]]:
    for name, marker in lists.markers.items():
        yield from _of_marker(name, marker)
    for weight, phrases in lists.tone.phrases.items():
        yield TONE, "", float(weight), phrases
    for name, words in lists.categories.items():
        weight_of = 0.5 if name.endswith("_weak") else 1.0
        yield CATEGORY, name.removesuffix("_weak"), weight_of, words.phrases
    degrees = lists.formality
    for part, degree in (
        (degrees.formal, 1.0), (degrees.informal, -1.0), (degrees.very_formal, 2.0),
        (degrees.very_informal, -2.0),
    ):  # fmt: skip
        yield FORMALITY, "", degree, part.phrases
    yield NEWCOMER, "", 1.0, lists.competitors.newcomers


def _of_marker(name: str, found: MarkerList) -> Iterator[tuple[int, str, float, tuple[str, ...]]]:
    for kind, phrases in ((FIND, found.find), (UNLESS, found.unless), (SILENT, found.silent)):
        yield kind, name, 1.0, phrases


def markers_in(text: str, rules: Iterable[Rule]) -> dict[str, str]:
    """The markers of a plain text and the words that say so, by rules that may match."""
    by_name: dict[str, tuple[list[Rule], list[Rule], list[Rule]]] = {}
    for rule in rules:
        if rule.kind <= SILENT:
            by_name.setdefault(rule.name, ([], [], []))[rule.kind].append(rule)
    found: dict[str, str] = {}
    for name, (finds, unless, silent) in by_name.items():
        if not finds or any(rule.phrase.expression.search(text) for rule in silent):
            continue
        match = _first(text, finds, unless)
        if match is not None:
            found[name] = match.group().strip()
    return found


def _first(text: str, finds: list[Rule], unless: list[Rule]) -> re.Match[str] | None:
    """A match that no exception overlaps."""
    spans: list[tuple[int, int]] | None = None
    for rule in finds:
        for match in rule.phrase.expression.finditer(text):
            if spans is None:
                spans = [m.span() for r in unless for m in r.phrase.expression.finditer(text)]
            begin, end = match.span()
            if not any(begin < last and first < end for first, last in spans):
                return match
    return None
