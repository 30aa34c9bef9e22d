"""Sentences of reasons: exact ones drawn by hand, and rules that every feature's must keep."""

import itertools
import re

import pandas as pd
import pytest

from churnml.explanation.changes import Change, Peers
from churnml.explanation.telling import told_by
from churnml.explanation.wording import Voice, sentence, would_be
from churnml.explanation.wording.numbers import date, money, number, percent, plural
from churnml.features import Unit, catalogue
from churnml.sources.description import Description

ROLES = {"login": ["login"], "key": ["report"], "export": ["export"], "pricing": ["price"]}
MONEY = Description.model_validate(
    {"events": {**ROLES, "purchase": ["buy"]}, "customers": {"immutable": ["industry"]}}
)
CATALOGUE = catalogue(MONEY)
BY_NAME = {feature.name: feature for feature in CATALOGUE}
SINCE = pd.Timestamp("2026-10-12")
EN, RU = Voice("en", "UTC", "EUR"), Voice("ru", "UTC", "EUR")
NAN = float("nan")


def plain(text):
    """With ordinary spaces, for reading."""
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2212", "-")


def said(name, was, now, *, since=SINCE, weeks=12, peers=None):
    change = Change(was, now, since, weeks)
    voices = (EN, RU)
    return tuple(plain(sentence(BY_NAME[name], change, voice=one, peers=peers)) for one in voices)


@pytest.mark.parametrize(
    ("name", "was", "now", "english", "russian"),
    [
        ("logins_7d", 12, 3, "Logins: 12 a week before, 3 now, since 12 October",
         "Входы в систему: было 12 в неделю, стало 3, с 12 октября"),
        ("tickets_reopened_28d", 0, 3, "Tickets reopened: 0 in 4 weeks before, 3 now, since 12 "
         "October", "Повторно открытые обращения: было 0 за 4 недели, стало 3, с 12 октября"),
        ("open_rate_84d", 0.755, 0.25, "Share of letters opened over 12 weeks: 76% before, 25% now,"
         " since 12 October",
         "Доля открытых писем за 12 недель: было 76 %, стало 25 %, с 12 октября"),
        ("overdue_amount", 0, 12345.6, "Amount overdue: €0 before, €12,346 now, since 12 October",
         "Просроченная сумма: было 0 €, стало 12 346 €, с 12 октября"),
        ("unresolved_ticket_age", 1, 21, "Age of the oldest open ticket: 1 day before, 21 days now,"
         " since 12 October",
         "Возраст самого старого открытого обращения: был 1 день, стал 21 день, с 12 октября"),
        ("first_response_hours_28d", 2.5, 12, "Mean time to the first answer over 4 weeks: 2.5 "
         "hours before, 12 hours now, since 12 October", "Среднее время до первого ответа за 4 "
         "недели: было 2,5 часа, стало 12 часов, с 12 октября"),
        ("first_response_hours_28d", 24, 504, "Mean time to the first answer over 4 weeks: 24 "
         "hours before, 21 days now, since 12 October", "Среднее время до первого ответа за 4 "
         "недели: было 24 часа, стал 21 день, с 12 октября"),
        ("tone_mean_28d", 0.62, -0.05, "Tone of the messages over 4 weeks: 0.62 before, -0.05 now, "
         "since 12 October", "Тон сообщений за 4 недели: было 0,62, стало -0,05, с 12 октября"),
        ("mrr_change_3m", 1.0, 0.8, "Recurring revenue against 12 weeks ago: 100% before, 80% now, "
         "since 12 October", "Ежемесячный платёж к уровню 12 недель назад: было 100 %, стало 80 %, "
         "с 12 октября"),
        ("days_since_event", 2, 19, "Days since the last action: 2 before, 19 now, since 12 "
         "October", "Дней с последнего действия: было 2, стало 19, с 12 октября"),
        ("waits_for_our_answer", 0, 1, "The customer's last message has no answer: appeared on 12 "
         "October", "Последнее сообщение клиента без ответа: появилось 12 октября"),
        ("greeting_lost", 0, 0.4, "Fewer greetings than before, since 12 October",
         "Приветствий меньше, чем раньше, с 12 октября"),
    ],
)  # fmt: skip
def test_a_change_says_from_what_to_what_since_when(name, was, now, english, russian):
    assert said(name, was, now) == (english, russian)


def test_the_second_of_a_month_is_said_with_so():
    text = said("open_tickets", 0, 2, since=pd.Timestamp("2026-03-02"))[1]

    assert text == "Открытые обращения: было 0, стало 2, со 2 марта"


def test_what_stands_unchanged_says_for_how_long():
    assert said("logins_7d", 3, 3, since=None) == (
        "Logins: 3 a week, no change over 12 weeks",
        "Входы в систему: 3 в неделю, без изменений за 12 недель",
    )
    assert said("champion_lost", 1, 1, since=None, weeks=1) == (
        "There was a champion, now there is none: for at least 1 week",
        "Сторонник продукта был, теперь его нет: не меньше 1 недели",
    )


def test_a_level_stands_beside_what_is_usual_and_says_that_a_customer_is_new():
    assert said("logins_7d", 3, 3, since=None, peers=Peers(8.0)) == (
        "Logins: 3 a week, no change over 12 weeks; usual is 8",
        "Входы в систему: 3 в неделю, без изменений за 12 недель; обычно 8",
    )
    assert said("logins_7d", None, 3, since=None, weeks=0, peers=Peers(3.001, is_new=True)) == (
        "Logins: 3 a week; a new customer", "Входы в систему: 3 в неделю; клиент новый",
    )  # fmt: skip


def test_what_was_not_known_before_says_only_what_is():
    assert said("nps_last", None, 4, since=None, weeks=0) == (
        "Last NPS answer: 4", "Последняя оценка NPS: 4",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "was", "now", "english", "russian"),
    [
        ("logins_7d", 12, 3, "Logins: back at about 12 a week",
         "Входы в систему: снова около 12 в неделю"),
        ("open_tickets", 0, 2, "all 2 open tickets resolved", "решены все 2 открытых обращения"),
        ("open_tickets", 0, 1, "the open ticket resolved", "открытое обращение решено"),
        ("open_tickets", 0, 5, "all 5 open tickets resolved", "решены все 5 открытых обращений"),
        ("unresolved_ticket_age", 21, 90, "Age of the oldest open ticket: back at about 21 days",
         "Возраст самого старого открытого обращения: снова около 21 дня"),
        ("unresolved_ticket_age", 2.5, 9, "Age of the oldest open ticket: back at about 2.5 days",
         "Возраст самого старого открытого обращения: снова около 2,5 дня"),
        ("pricing_views_28d", 0, 9, "Looks at prices and plans: back at 0",
         "Просмотры цен и тарифов: снова 0"),
        ("waits_for_our_answer", 0, 1, "The customer's last message has no answer: no longer so",
         "Последнее сообщение клиента без ответа: уже не так"),
    ],
)  # fmt: skip
def test_what_would_lower_it_is_the_state_before(name, was, now, english, russian):
    change = Change(was, now, SINCE, 12)
    told = [plain(str(would_be(BY_NAME[name], change, voice=voice))) for voice in (EN, RU)]

    assert told == [english, russian]


def test_without_a_change_nothing_would_lower_it():
    assert would_be(BY_NAME["logins_7d"], Change(3, 3, None, 12), voice=EN) is None


@pytest.mark.parametrize(
    ("count", "form"),
    [(0, "дней"), (1, "день"), (2, "дня"), (4, "дня"), (5, "дней"), (11, "дней"), (12, "дней"),
     (14, "дней"), (21, "день"), (22, "дня"), (25, "дней"), (101, "день"), (111, "дней"),
     (112, "дней"), (1001, "день"), (2.5, "дня"), (0.5, "дня"), (-1, "день")],
)  # fmt: skip
def test_the_russian_noun_follows_its_number(count, form):
    assert plural(count, ("день", "дня", "дней"), language="ru") == form


@pytest.mark.parametrize(("count", "form"), [(0, "days"), (1, "day"), (2, "days"), (1.5, "days")])
def test_the_english_noun_follows_its_number(count, form):
    assert plural(count, ("day", "days"), language="en") == form


@pytest.mark.parametrize(
    ("value", "english", "russian"),
    [(0.004, "0", "0"), (0.05, "0.05", "0,05"), (2.5, "2.5", "2,5"), (99.96, "100", "100"),
     (1234567.8, "1,234,568", "1 234 568"), (-3.25, "-3.2", "-3,2"), (10.0, "10", "10")],
)  # fmt: skip
def test_numbers_are_written_as_each_language_does(value, english, russian):
    assert plain(number(value, language="en")) == english
    assert plain(number(value, language="ru")) == russian


def test_units_do_not_part_from_their_numbers():
    assert percent(0.256, language="ru") == "26\u00a0%"
    assert money(1234, language="ru", currency="RUB") == "1\u202f234\u00a0₽"
    assert money(-1234, language="en", currency="USD") == "\u2212$1,234"
    assert money(9.5, language="en", currency="CHF") == "9.5\u00a0CHF"
    assert money(9, language="ru", currency=None) == "9"


def test_the_day_is_that_of_the_datasets_zone():
    moment = pd.Timestamp("2026-03-31 22:00")

    assert plain(date(moment, language="ru", timezone="Europe/Moscow")) == "1 апреля"
    assert plain(date(moment, language="en", timezone="UTC")) == "31 March"


TOLD = {
    one.name: one
    for feature in CATALOGUE
    if feature.risk
    for one in told_by(feature, CATALOGUE)
}  # fmt: skip
VALUES = (0.0, 0.04, 1.0, 2.0, 2.5, 5.0, 11.0, 21.0, 104.4, 1234567.0, -0.3)
CAUSAL = re.compile(
    r"because|due to|leads? to|cause[sd]?|thanks to|из-за|потому|привод|вызва|благодаря|причин",
    re.IGNORECASE,
)
NOUNS = {1: "день|час|day|hour", 2: "дня|часа|days|hours", 5: "дней|часов|days|hours"}


def sentences(feature):
    flags = (0.0, 1.0)
    values = flags if feature.unit is Unit.FLAG else VALUES
    states = [Change(was, now, SINCE, 12) for was, now in itertools.permutations(values, 2)]
    states += [Change(None, now, None, 0) for now in values]
    states += [Change(now, now, None, 3) for now in values]
    for change, voice in itertools.product(states, (EN, RU)):
        yield sentence(feature, change, voice=voice), voice.language
        if (lower := would_be(feature, change, voice=voice)) is not None:
            yield lower, voice.language


@pytest.mark.parametrize("name", TOLD)
def test_every_sentence_of_every_feature_keeps_the_rules(name):
    for text, language in sentences(TOLD[name]):
        assert len(text) <= 140, text
        assert not re.search(r"\s{2}| ,| :|,,|,:|::|; ", text), text
        assert not re.search(r"\b[nN]a[nN]\b|\bNone\b|\binf\b|\u22120\b(?!,|\.)", text), text
        assert not CAUSAL.search(text), text
        assert text.rstrip() == text, text
        assert text[0].isupper() or text.startswith(("all", "the", "реш", "откр")), text
        # Numbers carry a point in English and a comma in Russian.
        wrong = r"\d,\d(?!\d\d)" if language == "en" else r"\d\.\d"
        assert not re.search(wrong, text), text
        if language == "ru":
            assert not re.search(r"[A-Za-z]", text.replace("NPS", "")), text


COUNTED = re.compile(r"(?<![\d,.\u202f])(?<!около )(\d+)\u00a0(день|дня|дней|час|часа|часов)\b")


@pytest.mark.parametrize("name", [n for n, f in TOLD.items() if f.unit in (Unit.DAYS, Unit.HOURS)])
def test_russian_nouns_and_verbs_agree_with_every_number(name):
    for text, language in sentences(TOLD[name]):
        if language == "ru":
            for match in COUNTED.finditer(text):
                count = int(match[1])
                one = count % 10 == 1 and count % 100 != 11
                few = count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14)
                assert match[2] in (NOUNS[1] if one else NOUNS[2] if few else NOUNS[5]).split("|")
            assert not re.search(r"\b(было|стало) (\d*[02-9])?1\u00a0(день|час)\b", text), text
            assert not re.search(r"\b(был|стал) \d*[02-9]\u00a0(дн|час)", text), text
