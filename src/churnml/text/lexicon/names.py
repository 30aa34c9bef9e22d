"""Names of companies as people write them: in both scripts, declined, with an English 's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from churnml.text.lexicon.phrases import WORD, plain

_LATIN = {
    "shch": "щ", "sch": "щ", "sh": "ш", "ch": "ч", "zh": "ж", "kh": "х", "ts": "ц", "ya": "я",
    "yu": "ю", "ck": "к", "ph": "ф", "a": "а", "b": "б", "c": "к", "d": "д", "e": "е", "f": "ф",
    "g": "г", "h": "х", "i": "и", "j": "дж", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о",
    "p": "п", "q": "к", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "w": "в", "x": "кс",
    "y": "и", "z": "з",
}  # fmt: skip
_CYRILLIC = {
    "кс": "x", "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z",
    "и": "i", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch",
    "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
_ENDINGS = "(?:ами|ями|ого|ому|ов|ев|ей|ам|ям|ах|ях|ом|ем|ой|ою|ые|ых|а|у|е|ы|и|я|ю|о|ь|й)"
#: A name that ends so is declined without its last letter.
_OPEN = "аяоейь"
#: Shorter names are transliterated by hand only: they would be words of the other language.
_TRANSLITERATED = 5
_OTHER_ALPHABETS = re.compile("[^a-z0-9 ]")
_LONGEST_KEY = 4


def spellings(names: Sequence[str]) -> list[str]:
    """The names in plain form, and long ones in the other script as well.

    Examples
    --------
    >>> spellings(["Zendesk"]), spellings(["Мегаплан"]), spellings(["Jira"])
    (['zendesk', 'зендеск'], ['мегаплан', 'megaplan'], ['jira'])
    """
    found = [plain(name).strip() for name in names if name.strip()]
    for name in tuple(found):
        if len(name) >= _TRANSLITERATED:
            latin = not _OTHER_ALPHABETS.search(name)
            found.append(_transliterated(name, _LATIN if latin else _CYRILLIC))
    return list(dict.fromkeys(found))


def _transliterated(name: str, table: dict[str, str]) -> str:
    said, place = [], 0
    while place < len(name):
        for length in range(_LONGEST_KEY, 0, -1):
            key = name[place : place + length]
            if key in table:
                break
        said.append(table.get(key, key))
        place += len(key)
    return "".join(said)


def expression_of(name: str) -> re.Pattern[str]:
    """The plain name with its endings, bounded by words."""
    return re.compile(rf"(?<!\w){_declined(name)}(?!\w)")


def _declined(name: str) -> str:
    words = r"[\s-]{0,2}".join(re.escape(word) for word in name.split())
    if "а" <= name[-1] <= "я":
        open_ = name[-1] in _OPEN
        return words[:-1] + _ENDINGS if open_ else f"{words}{_ENDINGS}?"
    # "Zendesk's", "Zendesk'ом", "Zendesk-а".
    return f"{words}(?:'s|['-]?{_ENDINGS})?"


def first_word(name: str) -> str:
    """The stem that begins every mention of a plain name.

    Examples
    --------
    >>> first_word("мой склад"), first_word("тильда")
    ('мой*', 'тильд*')
    """
    words = WORD.findall(name) or [name]
    only = len(words) == 1 and words[0][-1] in _OPEN
    return f"{words[0][:-1] if only else words[0]}*"
