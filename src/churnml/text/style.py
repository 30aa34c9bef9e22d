"""How a text is written: greeting, thanks, smiles, address, punctuation. Its change is a signal."""

from __future__ import annotations

import re

from churnml.text.normal import folded

_GREETING = re.compile(
    r"^\W{0,5}(?:привет|здравст|здраст|добр(?:ый|ое|ого) (?:день|вечер|утр|времени)|доброго|"
    r"приветств|коллеги, привет|hi\b|hello|hey\b|good (?:morning|afternoon|evening)|dear\b|"
    r"greetings|уважаем)"
)
_THANKS = re.compile(r"спасибо|благодар|\bспс\b|признател|\bthank|\bthx\b|\bcheers\b|appreciate")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]|[:;=8]-?[)D(P]|\\)\\)|\\^\\^|<3")
_TY = re.compile(r"\b(?:ты|тебя|тебе|тобой|твой|твоя|твои|твое)\b")
_VY = re.compile(r"\b(?:вы|вас|вам|вами|ваш|ваша|ваше|ваши|вашей|вашего|вашему|вашим)\b")
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")


def style(text: str) -> dict[str, object]:
    """Style of a cleaned text: the columns ``churnml.text.columns.STYLE``.

    ``ty`` and ``vy`` are the Russian familiar and polite address; ``capitals`` is the share of
    words of three letters or more that are all capitals.

    Examples
    --------
    >>> found = style("Привет! Ты глянешь? СРОЧНО :)")
    >>> [found[name] for name in ("greeting", "ty", "vy", "emoji", "questions", "capitals")]
    [True, True, False, True, 1, 0.3333333333333333]
    """
    low = folded(text)
    words = _WORD.findall(text)
    return {
        "greeting": bool(_GREETING.search(low)),
        "thanks": bool(_THANKS.search(low)),
        "emoji": bool(_EMOJI.search(text)),
        "ty": not text.isascii() and bool(_TY.search(low)),
        "vy": not text.isascii() and bool(_VY.search(low)),
        "link": ("://" in text or "." in text) and bool(_LINK.search(text)),
        "exclamations": text.count("!"),
        "questions": text.count("?"),
        "capitals": sum(map(str.isupper, words)) / len(words) if words else 0.0,
        "characters": len(text),
    }
