"""One form for every way to write a character: compatibility forms, invisible and control marks."""

from __future__ import annotations

import re
import unicodedata

# Zero-width and direction marks, soft hyphen, byte order mark: they hide words from every list.
_VARIANT = "\ufe0f"
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff" + _VARIANT + "]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def normal(text: str) -> str:
    """The text in compatibility form (NFKC), without invisible and control characters.

    Examples
    --------
    >>> normal("ｔｅｌ +７\u200b 916")
    'tel +7 916'
    """
    if text.isascii():
        return text if text.isprintable() else _CONTROL.sub(" ", text)
    # Half a surrogate pair comes from broken exports and can be written nowhere.
    whole = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode("utf-8"))
    # What is printable holds no invisible or control character, but for the sign of variants.
    if whole.isprintable() and _VARIANT not in whole:
        return whole
    return _CONTROL.sub(" ", _INVISIBLE.sub("", whole))


def folded(text: str) -> str:
    """Lower case with ``ё`` as ``е``, character by character, so that positions stay.

    Examples
    --------
    >>> folded("Ёлка")
    'елка'
    """
    # Only these two letters change with their neighbours, or become two.
    if "\u0130" in text or "\u03a3" in text:
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    else:
        lower = text.lower()
    return lower.replace("ё", "е")
