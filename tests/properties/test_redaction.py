"""Nothing personal of the message's own customer survives redaction, whatever is around it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnml.text.normal import folded
from churnml.text.redaction import Person, redact

PEOPLE = (
    Person(names=("Иванов Иван Петрович",), emails=("i.ivanov@romashka.ru",),
           phones=("+7 (916) 123-45-67",)),
    Person(names=("Ольга Соколова",), emails=("olga@romashka.ru",), phones=("8 495 7654321",)),
    Person(names=("John Smith",), emails=("john.smith@acme.co.uk",), phones=("+44 20 7946 0958",)),
    Person(names=("Павел Жуков",)),
    Person(names=("ООО «Ромашка»",), is_company=True),
)  # fmt: skip
TOKENS = ("иванов", "иван", "петрович", "ольга", "соколова", "john", "smith", "павел", "жуков",
          "ромашка")  # fmt: skip
SAID = (
    "Иванов Иван", "ивану Петровичу", "Ольге Соколовой", "с Иваном Ивановым", "John Smith's",
    "SMITH",
    "Павла Жукова", "Zhukov", "Смит", "Джон", "Ivanov", "из Ромашки", "ООО «Ромашка»", "ромашкой",
    "i.ivanov@romashka.ru", "OLGA@ROMASHKA.RU", "+7 916 123 45 67", "8(916)123-45-67",
    "79161234567",
    "4111 1111 1111 1111", "4111111111111111", "112-233-445 95", "7707083893", "ИНН 500100732259",
    "паспорт 45 08 123456", "паспорт серия 4508 номер 123456", "DE89 3704 0044 0532 0130 00",
    "40702810900000012345", "@olga_sok", "t.me/olga_sok", "https://crm.example/u/99?mail=a@b.ru",
    "20 7946 0958", "счёт 12345678901",
)  # fmt: skip
FILLER = st.text(alphabet="абвгд eио.,!? \n-:;()«»\"'0123456789xyz\u200b", max_size=30)


def survivors(text: str) -> list[str]:
    """A second, plainer reading of what must not be there."""
    words = set(re.findall(r"[^\W\d_]+", folded(text)))
    found = [token for token in TOKENS if token in words]
    found += re.findall(r"\d{7,}", text)
    return found + (["@"] if "@" in text else [])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(FILLER, st.sampled_from(SAID), FILLER), min_size=1, max_size=5))
def test_no_name_address_or_long_number_of_the_ticket_survives(parts):
    text = " ".join(f"{before} {said} {after}" for before, said, after in parts)

    assert survivors(redact(text, PEOPLE).text) == []


@pytest.mark.parametrize("said", SAID)
def test_each_way_to_write_personal_data_is_replaced_by_one_placeholder_or_more(said):
    text = redact(f"Пишет {said}, спасибо", PEOPLE).text

    assert said not in text
    assert re.search(r"\[[A-Z]+_\d+\]", text)
    assert text.endswith(", спасибо")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Карта 4111 1111 1111 1111", "Карта [CARD_1]"),
        ("СНИЛС 112-233-445 95", "СНИЛС [SNILS_1]"),
        ("ИНН 7707083893", "ИНН [INN_1]"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [IBAN_1]"),
        ("р/с 40702810900000012345", "р/с [ACCOUNT_1]"),
        ("write to bob@example.com or BOB@example.com", "write to [EMAIL_1] or [EMAIL_1]"),
        ("Иванов и Ольга", "[PERSON_1] и [PERSON_2]"),
        ("заказ 5571 от 12.03.2026 на 48 000 руб.", "заказ 5571 от 12.03.2026 на 48 000 руб."),
        ("error 500 in version 4.2.1", "error 500 in version 4.2.1"),
    ],
)
def test_a_placeholder_says_the_kind_and_repeats_for_the_same_value(said, expected):
    assert redact(said, PEOPLE).text == expected


def test_names_of_other_people_are_not_known_without_a_list():
    assert redact("Звонила Мария").text == "Звонила Мария"


@pytest.mark.parametrize("piece", ["1 ", "8-9", "a@", "A1 ", "Ив", "(", "паспорт ", "http://"])
def test_a_hostile_text_of_a_hundred_thousand_characters_is_read_to_its_end(piece):
    text = piece * (100_000 // len(piece)) + " i.ivanov@romashka.ru"

    assert survivors(redact(text, PEOPLE).text) == []
