"""Personal data in a text replaced by typed, numbered placeholders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from churnml.text.normal import folded, normal
from churnml.text.redaction.checks import is_card, is_iban, is_inn, is_snils
from churnml.text.redaction.people import Person, name_pattern

#: Part of every cache key: another version may let other things through.
REDACTION_VERSION = "1"

_GAP = r"[ \-.\u2010-\u2015]"
_DIGITS = re.compile(r"\d")


def _digits(text: str) -> str:
    # int() reads the digits of every script.
    return "".join(str(int(char)) for char in _DIGITS.findall(text))


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A kind of personal data: what it looks like, and the check that a find must pass."""

    kind: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] = field(default=bool)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it is found."""
        return (m.span() for m in self.pattern.finditer(text) if self.check(m.group()))


#: In this order: what contains a shorter one comes first. Quantifiers are bounded (linear time).
_PATTERNS = (
    _Pattern("LINK", re.compile(
        r"\b(?:https?://|www\.|t\.me/|wa\.me/|vk\.com/)\S{0,500}[^\s.,;:!?)]", re.I)),
    _Pattern("EMAIL", re.compile(
        r"[\w.+\-]{1,64}\s?(?:@|\(at\)|\[at\])\s?[\w\-]{1,63}(?:\.[\w\-]{1,63}){0,5}")),
    _Pattern("HANDLE", re.compile(r"(?<!\w)@\w{2,64}")),
    _Pattern("IBAN", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b", re.I), is_iban),
    _Pattern("WALLET", re.compile(
        r"\b(?:0x[0-9a-f]{40}|bc1[0-9a-z]{25,59}|T[1-9A-HJ-NP-Za-km-z]{33})\b")),
    _Pattern("ACCOUNT", re.compile(rf"(?<!\d)\d{{3,5}}(?:{_GAP}?\d{{2,5}}){{3,7}}(?!\d)"),
             lambda text: len(_digits(text)) == 20),
    _Pattern("CARD", re.compile(rf"(?<!\d)\d{{4}}(?:{_GAP}?\d{{2,7}}){{2,4}}(?!\d)"),
             lambda text: is_card(_digits(text))),
    _Pattern("SNILS", re.compile(rf"(?<!\d)(?:\d{{3}}{_GAP}?){{3}}\d{{2}}(?!\d)"),
             lambda text: is_snils(_digits(text))),
    _Pattern("PASSPORT", re.compile(
        r"(?:паспорт\w{0,4}|passport|серия)(?:[^\d\n]{0,25})\d{2}\s?\d{2}(?:\s?(?:№|номер|n|no\.?)?\s?)\d{6}(?!\d)",
        re.I)),
    _Pattern("PASSPORT", re.compile(r"(?<!\d)\d{2} \d{2} (?:№ ?)?\d{6}(?!\d)")),
    _Pattern("INN", re.compile(r"(?<!\d)(?:\d{10}|\d{12})(?!\d)"), lambda t: is_inn(_digits(t))),
    _Pattern("PHONE", re.compile(
        rf"(?<![\d\w])\+?\d{{1,4}}(?:{_GAP}?\(?\d{{1,5}}\)?){{2,7}}(?!\d)"),
             lambda text: 9 <= len(_digits(text)) <= 15),
    _Pattern("PHONE", re.compile(rf"(?<!\d)\d{{2,3}}{_GAP}\d{{2}}{_GAP}\d{{2,3}}(?!\d)"),
             lambda text: len(_digits(text)) in (6, 7)),
    _Pattern("NUMBER", re.compile(r"\d{7,}")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without personal data, and how many pieces of each kind were taken out."""

    text: str
    found: dict[str, int]


def redact(text: str, people: Sequence[Person] = ()) -> Redacted:
    """The text with personal data replaced by placeholders such as ``[PERSON_1]``.

    The people of the message's own customer go first: their addresses, numbers and every word of
    their names, declined and in both scripts. Then patterns with check digits, last every run of
    seven digits. One value has one number within the text.

    Parameters
    ----------
    text : str
    people : sequence of Person
        Contacts of the customer, the company, our own staff.

    Examples
    --------
    >>> redact("Я Анна, мой телефон 8-916-123-45-67", (Person(names=("Анна Ким",)),)).text
    'Я [PERSON_1], мой телефон [PHONE_1]'
    """
    # An '@' inside a placeholder cannot be: placeholders hold letters, digits, brackets.
    pieces = _Pieces(normal(text))
    for kind, spans in _known(pieces, people):
        pieces.replace(kind, spans)
    for shape in _PATTERNS:
        pieces.replace(shape.kind, shape.spans)
    return Redacted(pieces.joined().replace("@", " at "), pieces.counts())


_Spans = Callable[[str], Iterator[tuple[int, int]]]


def _known(pieces: _Pieces, people: Sequence[Person]) -> Iterator[tuple[str, _Spans]]:
    values = {value for person in people for value in (*person.emails, *person.phones)}
    exact = [_exact(value) for value in sorted(values, key=len, reverse=True)]
    yield from (("CONTACT", _finder(pattern)) for pattern in exact if pattern is not None)
    for kind, wanted in (("PERSON", False), ("COMPANY", True)):
        names = tuple(n for person in people if person.is_company is wanted for n in person.names)
        pattern = name_pattern(names)
        if pattern is not None:
            yield kind, _finder(pattern)


def _finder(pattern: re.Pattern[str]) -> _Spans:
    return lambda part: (match.span() for match in pattern.finditer(folded(part)))


@lru_cache(maxsize=4096)  # the next message of a customer names the same people
def _exact(value: str) -> re.Pattern[str] | None:
    """An address as it stands, or a number with any separators between its digits."""
    if "@" in value:
        return re.compile(re.escape(folded(normal(value)).strip()))
    digits = _digits(value)
    if len(digits) < 5:
        return None
    # 8 916 … and +7 916 … are one number: the last ten digits decide.
    core = digits[-10:]
    return re.compile(r"\+?\d{0,3}[\s\-().]{0,2}" + r"[\s\-().]{0,2}".join(core))


class _Pieces:
    """The text as pieces: what is still to be searched, and placeholders that no longer are."""

    def __init__(self, text: str) -> None:
        self.parts: list[tuple[str, bool]] = [(text, False)]
        self.numbers: dict[str, dict[str, int]] = {}

    def replace(self, kind: str, spans: _Spans) -> None:
        parts: list[tuple[str, bool]] = []
        for part, done in self.parts:
            if done:
                parts.append((part, True))
                continue
            at = 0
            for start, end in spans(part):
                parts += [(part[at:start], False), (self._placeholder(kind, part[start:end]), True)]
                at = end
            parts.append((part[at:], False))
        self.parts = parts

    def _placeholder(self, kind: str, value: str) -> str:
        known = self.numbers.setdefault(kind, {})
        key = _digits(value) if kind in ("PHONE", "CARD") else folded(value)
        return f"[{kind}_{known.setdefault(key, len(known) + 1)}]"

    def joined(self) -> str:
        return "".join(part for part, _ in self.parts)

    def counts(self) -> dict[str, int]:
        return {kind: len(values) for kind, values in self.numbers.items()}
