"""Tone of a text from its words: negation turns, intensity scales, what follows a "but" counts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from churnml.text.lexicon.lists import ToneList
from churnml.text.lexicon.words import NEGATION, PAUSE, STRONGER, TURN, WEAKER, Known

#: Half of the way to a tone of one, squared.
_SOFT = 15.0
#: Words that a negation reaches.
_REACH = 3
_TURNED_GOOD, _TURNED_BAD = -0.8, -0.4
_STRONGER, _WEAKER = 1.4, 0.6
#: Before and after a "but".
_BEFORE, _AFTER = 0.6, 1.2
_EXCLAIMED, _SHOUTED = 0.08, 1.0
_DEMANDED = re.compile(r"\?\?+|\?!|!\?")
_LETTERS_SHOUTED = 12


def tone_of_words(known: Iterable[Known | None]) -> float:
    """Sum of the weights of words in their order.

    Examples
    --------
    >>> not_, good, bad = Known(role=NEGATION), Known(tone=2.0), Known(tone=-2.0)
    >>> [tone_of_words(words) for words in ([good], [not_, good], [not_, None, bad])]
    [2.0, -1.6, 0.8]
    """
    total, factor, reach, strength = 0.0, 1.0, 0, 1.0
    for word in known:
        if word is None:
            reach -= reach > 0
            continue
        role = word.role
        if word.tone:
            weight = word.tone * strength
            if reach:
                weight *= _TURNED_GOOD if weight > 0 else _TURNED_BAD
            total += weight * factor
            strength, reach = 1.0, 0
        elif role == NEGATION:
            reach = _REACH
        elif role == STRONGER:
            strength = _STRONGER
        elif role == WEAKER:
            strength = _WEAKER
        elif role == PAUSE:
            reach, strength = 0, 1.0
        elif role == TURN:
            total, factor, reach = total * _BEFORE, _AFTER, 0
        else:
            reach -= reach > 0
    return total


def emphasis(total: float, text: str) -> float:
    """The sum as exclamation marks, capitals and impatient question marks change it."""
    total *= 1 + _EXCLAIMED * min(text.count("!"), 4)
    if "?" in text and _DEMANDED.search(text):
        total -= _SHOUTED
    if total <= 0 and shouted(text):
        total -= _SHOUTED
    return total


def shouted(text: str) -> bool:
    """Whether most of the letters are capitals, and there are enough of them."""
    if text.islower() or len(text) < _LETTERS_SHOUTED:
        return False
    upper = sum(map(str.isupper, text))
    return upper >= _LETTERS_SHOUTED and upper > 0.7 * sum(map(str.isalpha, text))


def squeezed(total: float) -> float:
    """A sum of weights as a tone from -1 to 1.

    Examples
    --------
    >>> round(squeezed(2.0), 3), squeezed(0.0)
    (0.459, 0.0)
    """
    return total / math.sqrt(total * total + _SOFT)


class Emoji:
    """Smiles and pictures, which speak in any language."""

    def __init__(self, lists: ToneList) -> None:
        self.weights = {
            sign: float(weight) for weight, signs in lists.emoji.items() for sign in signs.split()
        }
        longest_first = sorted(self.weights, key=len, reverse=True)
        self.expression = re.compile("|".join(map(re.escape, longest_first)))
        self.signs = frozenset("".join(self.weights))

    def found(self, text: str) -> Sequence[float]:
        """Weights of the signs in a text."""
        if self.signs.isdisjoint(text):
            return ()
        return [self.weights[sign] for sign in self.expression.findall(text)]
