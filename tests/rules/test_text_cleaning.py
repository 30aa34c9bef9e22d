"""What a customer wrote, taken out of what a mailbox exported."""

from __future__ import annotations

import pytest

from churnml.text.cleaning import HUGE, LONGEST, clean
from churnml.text.normal import folded


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Где счёт?\n\nOn Mon, 3 Mar 2025 at 10:00 Support wrote:\n> Здравствуйте", "Где счёт?"),
        ("Да.\n3 марта 2025 г. Поддержка <s@x.ru> пишет:\nдлинное письмо", "Да."),
        ("Ok\n-----Original Message-----\nFrom: you", "Ok"),
        ("Fine\nFrom: Support\nSent: Monday\nTo: me", "Fine"),
        ("Вопрос\nС уважением,\nИван Иванов\n+7 916 123-45-67", "Вопрос\nС уважением,"),
        ("Question\n--\nJohn, CEO", "Question"),
        ("Help\nSent from my iPhone", "Help"),
        ("<div>Цена <b>высокая</b></div><script>alert(1)</script>", "Цена высокая"),
        (
            "<p>a &lt;b&gt;</p><div class='gmail_quote'>old<div>older</div></div><p>c</p>",
            "a <b>\nc",
        ),
        ("x<br>y", "x\ny"),
        ("<blockquote>old<p>never closed</blockquote>new", "new"),
        ("2 < 3 and 5 > 4", "2 < 3 and 5 > 4"),
        (b"\xd0\x94\xd0\xb0", "Да"),
        ("to\u200bday \x07is", "today is"),
    ],
)
def test_only_the_words_of_the_customer_stay(raw, expected):
    assert clean(raw).text == expected


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (None, "empty"), (float("nan"), "empty"), ("", "empty"), ("  \n ", "empty"),
        ("> цитата\n> и ещё", "empty"), ("<style>p{}</style>", "empty"),
        ("\x00\x01\x00\x02" * 50, "binary"), ("QUJD" * 400, "binary"), (b"\xff\xfe" * 90, "binary"),
        ("a " * HUGE, "too_long"), ("Wo ist die Rechnung? Bitte um Antwort.", "unsupported_lang"),
        ("Де рахунок? Чекаємо відповідь.", "unsupported_lang"),
        ("これは何ですか", "unsupported_lang"),
        ("Къде е фактурата? Моля, кажете какво ще стане.", "unsupported_lang"),
        ("😡😡", "unsupported_lang"), ("Где счёт?", "ok"), ("Where is it?", "ok"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(raw, status):
    assert clean(raw).status == status


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Интеграция с Jira и webhook API не работает", "ru"),
        ("не работает dashboard export report page", "ru"),
        ("ok", "en"), ("naïve question about the café account", "en"),
        ("Danke, funktioniert nicht mehr", "other"), ("Нічого не працює", "other"),
    ],
)  # fmt: skip
def test_the_language_is_told_by_words_and_letters_not_by_script_alone(text, lang):
    assert clean(text).lang == lang


def test_a_long_letter_is_cut_not_refused():
    assert len(clean("The bill is wrong. " * 5_000).text) == LONGEST


@pytest.mark.parametrize(
    "piece",
    ["<", "<div ", "<!--", "&", "> ", "a" * 99 + "пишет", "On ", "\n\n", "-- \n", "a<b>", "<a b="],
)
def test_a_hostile_text_of_three_hundred_thousand_characters_is_read_to_its_end(piece):
    assert clean(piece * (300_000 // len(piece))).status in {"ok", "empty", "unsupported_lang"}


def test_every_character_is_folded_alone_so_that_positions_stay():
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    alone = [folded(character) for character in every]

    assert {len(one) for one in alone} == {1}
    # U+0130 becomes two letters and U+03A3 changes at the end of a word, unless looked at alone.
    for text in (every, [one for one in every if one not in "\u0130\u03a3"]):
        assert folded("".join(text)) == "".join(map(folded, text))
