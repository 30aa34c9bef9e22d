"""From what arrived to what the customer wrote: no markup, no quotes of others, no signature."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from html.parser import HTMLParser

from churnml.text.columns import BINARY, EMPTY, OK, TOO_LONG, UNSUPPORTED
from churnml.text.language import NONE, SUPPORTED, language
from churnml.text.normal import normal

#: More than this is cut: a complaint is said in its first pages.
LONGEST = 20_000
#: More than this is no message.
HUGE = 1_000_000
_NULS = 0.05
_BASE64 = re.compile(r"[A-Za-z0-9+/=\r\n]{400,}")

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
_DROPPED = ("script", "style", "blockquote", "head", "title")
_QUOTES = ("gmail_quote", "moz-cite-prefix", "yahoo_quoted", "divrplyfwdmsg")
_BLOCKS = ("p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3")
#: Elements without an end: they open nothing.
_VOID = frozenset(("br", "hr", "img", "input", "meta", "link", "area", "col", "wbr"))

#: Lines after which somebody else speaks.
_QUOTED = re.compile(
    r"^[ \t]*(?:>|-{2,}[ ]?(?:original message|forwarded message|исходное сообщение|"
    r"пересылаемое сообщение|пересланное сообщение)|on [^\n]{1,200}wrote:\s*$|"
    r"[^\n]{1,200}(?:пишет|писал\(а\)|написал\(а\)|написала?|писала?)\s?:\s*$|"
    r"(?:from|от|от кого): [^\n]{1,200}\n[ \t]*(?:sent|date|to|отправлено|дата|кому): )",
    re.IGNORECASE | re.MULTILINE,
)
#: A closing stays (it says how formal one is), the name and numbers under it go.
_CLOSING = re.compile(
    r"^[ \t]*(?:с (?:глубоким )?уважением|с наилучшими пожеланиями|всего доброго|"
    r"(?:best|kind|warm)(?:est)? (?:regards|wishes)|regards|yours (?:sincerely|faithfully)|"
    r"sincerely|cheers)[ \t]*[,.!]?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_SIGNATURE = re.compile(
    r"^[ \t]*(?:--[ \t]*$|__+[ \t]*$|sent from my |sent via |get outlook for |отправлено с |"
    r"отправлено из |this e-?mail (?:and any|is confidential))",
    re.IGNORECASE | re.MULTILINE,
)
_BLANKS = re.compile(r"[ \t\u00a0]{2,}")
_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What the customer wrote, whether it can be read, and in which language.

    Parameters
    ----------
    text : str
    status : str
        ``ok``, ``empty``, ``binary``, ``too_long`` or ``unsupported_lang``.
    lang : str
        ``ru``, ``en``, ``other`` or ``und``.
    """

    text: str
    status: str
    lang: str


def clean(raw: object) -> Cleaned:
    """The message as written, from whatever a mailbox or a ticket system exported.

    Parameters
    ----------
    raw : str, bytes or None

    Examples
    --------
    >>> clean("<p>Где&nbsp;счёт?</p><blockquote>Старое письмо</blockquote>").text
    'Где счёт?'
    >>> clean("> only a quote").status
    'empty'
    """
    text = _decoded(raw)
    if len(text) > HUGE:
        return Cleaned("", TOO_LONG, NONE)
    if _is_binary(text):
        return Cleaned("", BINARY, NONE)
    if "<" in text and _TAG.search(text):
        text = _without_markup(text)
    text = _own_words(normal(text.replace("\r\n", "\n").replace("\r", "\n")))[:LONGEST]
    if not text:
        return Cleaned("", EMPTY, NONE)
    lang = language(text)
    return Cleaned(text, OK if lang in SUPPORTED else UNSUPPORTED, lang)


def _decoded(raw: object) -> str:
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "replace")
    if raw is None or (isinstance(raw, float) and math.isnan(raw)):
        return ""
    return str(raw)


def _is_binary(text: str) -> bool:
    if not text:
        return False
    odd = text.count("\x00") + text.count("\ufffd")
    found = _BASE64.search(text)
    coded = found is not None and len("".join(found.group().split())) > len(text) / 2
    return odd > _NULS * len(text) or coded


def _own_words(text: str) -> str:
    if "\n" in text or ">" in text or ":" in text or "--" in text:
        quoted = _QUOTED.search(text)
        text = text[: quoted.start()] if quoted else text
    # Both stand at the start of a line, and a closing is never the first line.
    signed = _SIGNATURE.search(text) if "\n" in text else _SIGNATURE.match(text)
    text = text[: signed.start()] if signed else text
    closing = _CLOSING.search(text) if "\n" in text else None
    text = text[: closing.end()] if closing and closing.start() > 0 else text
    text = _BLANKS.sub(" ", text)
    return (_LINES.sub("\n", text) if "\n" in text else text).strip()


def _without_markup(text: str) -> str:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "".join(reader.said)


class _Reader(HTMLParser):
    """Collects text outside of scripts, styles and quoted messages."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.inside: list[str] = []  # open elements since the first that is dropped

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.said.append("\n")
        if tag in _VOID:
            return
        names = " ".join(value or "" for key, value in attrs if key in ("class", "id")).lower()
        if self.inside or tag in _DROPPED or any(quote in names for quote in _QUOTES):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.said.append("\n")
        if tag in self.inside:
            # An element that was never closed ends with the one around it.
            while self.inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.said.append(data)
