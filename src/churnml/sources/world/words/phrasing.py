"""Messages put into words: greeting, matter, tone and closing, with slots filled by dice."""

from __future__ import annotations

import re
from typing import NamedTuple

from churnml.sources.world.words import Words

TONES = ("friendly", "neutral", "formal", "irritated", "ultimatum")
REGISTER = {
    "friendly": "warm",
    "neutral": "any",
    "formal": "cold",
    "irritated": "cold",
    "ultimatum": "cold",
}
SLOT = re.compile(r"{(\w+)}")
#: The first letter of every sentence.
SENTENCE = re.compile(r"(?:^|(?<=[.!?])\s+)\w")
#: Out of ten messages with a register of their own, so many use it.
OWN_REGISTER = 6
#: Out of ten messages, so many carry a sentence that only the tone explains.
WITH_TAIL = {"friendly": 3, "neutral": 3, "formal": 4, "irritated": 6, "ultimatum": 8}


class Line(NamedTuple):
    """One message to write: what about, how, and the dice that settle the rest."""

    language: str
    author: str
    intent: str
    tone: str
    dice: int
    more: int


class _Dice:
    """Choices taken one after another from two big numbers."""

    def __init__(self, first: int, second: int) -> None:
        self.left = (first << 62) | second

    def below(self, sides: int) -> int:
        self.left, value = divmod(self.left, sides)
        return value

    def of(self, options: list[str]) -> str:
        return options[self.below(len(options))]


class Phrasebook:
    """The phrases of both languages, ready to be combined."""

    def __init__(self, words: Words) -> None:
        self.phrases = words.phrases
        self.competitors = {
            language: [names[place] for names in words.names["competitors"]["names"]]
            for place, language in enumerate(("en", "ru"))
        }
        self.integrations = words.names["competitors"]["integrations"]
        self.people = {
            language: words.names["people"][f"first_{language}"] for language in ("ru", "en")
        }

    def text(self, line: Line) -> str:
        """The message in words."""
        dice = _Dice(line.dice, line.more)
        phrases = self.phrases[line.language]
        if line.author == "customer":
            parts = self._customer(phrases, line, dice)
        else:
            parts = [dice.of(phrases[line.author][line.intent])]
        return self._filled(" ".join(part for part in parts if part), line.language, dice)

    def _customer(
        self, phrases: dict[str, dict[str, list[str]]], line: Line, dice: _Dice
    ) -> list[str]:
        tone, intents = line.tone, phrases["intents"]
        variants: dict[str, list[str]] = intents[line.intent]  # type: ignore[assignment]
        register = REGISTER[tone] if dice.below(10) < OWN_REGISTER else "any"
        matter = dice.of(variants.get(register, variants["any"]))
        tail = dice.of(phrases["tail"][tone]) if dice.below(10) < WITH_TAIL[tone] else ""
        short = line.intent in ("reopen", "follow_up", "thanks") and dice.below(2) == 0
        greeting = "" if short else dice.of(phrases["greeting"][tone])
        closing = "" if dice.below(3) == 0 else dice.of(phrases["closing"][tone])
        return [greeting, matter, tail, closing]

    def _filled(self, text: str, language: str, dice: _Dice) -> str:
        slots = self.phrases[language]["slots"]

        def fill(match: re.Match[str]) -> str:
            name = match.group(1)
            if name == "n":
                return str(2 + dice.below(498))
            if name == "person":
                return dice.of(self.people[language])
            if name == "competitor":
                return dice.of(self.competitors[language])
            if name == "integration":
                return dice.of(self.integrations)
            return dice.of(slots[name])

        return SENTENCE.sub(lambda match: match.group().upper(), SLOT.sub(fill, text))
