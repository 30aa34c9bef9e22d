"""What the word lists hear: the phrases of the sources, their look-alikes, unknown languages."""

import re

import pytest

from churnml.config import parse
from churnml.errors import InputError
from churnml.sources.description import Description, read_description
from churnml.text.cleaning import clean
from churnml.text.columns import HOSTILE, HOSTILE_TONE, MARKERS, OF_THE_SCORER
from churnml.text.lexicon import lexicon_of
from churnml.text.lexicon.lists import Lists, extended, merged, shipped
from churnml.text.lexicon.phrases import phrase, plain

COMPANY = parse(
    Description,
    {"competitors": {"names": [["Zendesk", "Зендеск"], ["Мегаплан"]], "integrations": ["Jira"]}},
    where="test",
)
LISTS = lexicon_of(COMPANY)


def heard(text: str):
    return LISTS.score([clean(text)]).iloc[0]


def markers(text: str) -> set[str]:
    row = heard(text)
    return {name for name in MARKERS if row[name] is True or bool(row[name])}


SAID = [
    ("Надеюсь, в этот раз получится", "passive_aggression"),
    ("Hopefully it works this time", "passive_aggression"),
    ("Я уже объяснял это вашему коллеге", "passive_aggression"),
    ("I already explained this to your colleague", "passive_aggression"),
    ("Спасибо за оперативность, всего девять дней", "passive_aggression"),
    ("Thanks for the quick reply, only nine days later", "passive_aggression"),
    ("Это последний раз, когда мы соглашаемся на перенос", "ultimatum"),
    ("This is the last time we agree to a delay", "ultimatum"),
    ("Если до пятницы не исправите, мы уходим", "ultimatum"),
    ("Fix it by Friday or we are leaving", "ultimatum"),
    ("А вот у ХХХ эта кнопка зеленая", "competitor_mention"),
    ("Over at XXX that button is green", "competitor_mention"),
    ("У конкурентов это давно есть", "competitor_mention"),
    ("Your competitors have had this for years", "competitor_mention"),
    ("дорого", "price_complaint"),
    ("Too expensive for us", "price_complaint"),
    ("Как выгрузить базу данных в Excel?", "export_request"),
    ("How do I export the database to Excel?", "export_request"),
    ("Решение принято, мы переходим к конкуренту", "cancellation_intent"),
    ("Просим расторгнуть договор", "cancellation_intent"),
    ("Please cancel our subscription", "cancellation_intent"),
    ("Позовите вашего руководителя", "escalation"),
    ("I want to speak to your manager", "escalation"),
    ("Опять та же проблема, пишу третий раз", "repeat_contact"),
    ("This is my third email about this", "repeat_contact"),
    ("Нам урезали бюджет", "budget_cut"),
    ("Our budget was cut", "budget_cut"),
]

NOT_SAID = [
    ("Отмените заказ 5571, оформил по ошибке", "cancellation_intent"),
    ("Отмените встречу в пятницу", "cancellation_intent"),
    ("Please cancel my order", "cancellation_intent"),
    ("Please cancel the meeting and the invitation", "cancellation_intent"),
    ("Кнопка «Экспорт» неактивна", "export_request"),
    ("The Export button is greyed out", "export_request"),
    ("Груз идёт на экспорт в Казахстан", "export_request"),
    ("The goods are for export to Kazakhstan", "export_request"),
    ("Сколько стоит дополнительное место?", "price_complaint"),
    ("How much is an additional seat?", "price_complaint"),
    ("Не дорого, берём", "price_complaint"),
    ("Not expensive at all", "price_complaint"),
    ("Уже второй раз заказываем у вас краску", "repeat_contact"),
    ("This is the second time we order from you", "repeat_contact"),
    ("Презентация нужна до пятницы", "ultimatum"),
    ("We need the deck by Friday", "ultimatum"),
    ("Я юрист компании, пришлите скан договора", "escalation"),
    ("I'm the company's lawyer and need a scan", "escalation"),
    ("Интеграция с Jira создаёт задачи без исполнителя", "competitor_mention"),
    ("The Jira integration is slow", "competitor_mention"),
    ("Как настроить интеграцию с Zendesk?", "competitor_mention"),
    ("Бюджет на обучение утверждён", "budget_cut"),
]


@pytest.mark.parametrize(("text", "marker"), SAID)
def test_a_phrase_of_the_sources_and_its_like_are_heard(text: str, marker: str):
    assert marker in markers(text)


@pytest.mark.parametrize(("text", "marker"), NOT_SAID)
def test_what_only_looks_like_it_is_not_heard(text: str, marker: str):
    assert marker not in markers(text)


def test_a_friendly_question_is_warm_and_casual_a_request_for_dates_formal_and_not_negative():
    friendly, formal = heard("Привет! Есть вопрос :)"), heard("Коллеги, прошу уточнить сроки")

    assert friendly["tone"] > 0.15
    assert friendly["formality"] < -0.3
    assert formal["tone"] > -0.15
    assert formal["formality"] > 0.3


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("не пришел заказ", "delivery"), ("Где мой заказ?", "delivery"),
        ("верните деньги", "returns"), ("Where is my order?", "delivery"),
        ("I want a refund, the item is faulty", "returns"), ("дорого", "billing"),
        ("Не работает, ошибка 500", "technical"), ("I can't log in to my account", "account"),
        ("Как настроить отчёт?", "usage"), ("Завтра в 11", "other"),
    ],
)  # fmt: skip
def test_the_words_of_the_sources_lead_to_their_category(text: str, category: str):
    assert heard(text)["category"] == category


@pytest.mark.parametrize(
    ("warm", "cold"),
    [
        ("не дорого", "не работает"), ("not bad", "bad"), ("no problem at all", "a big problem"),
        ("Спасибо за помощь, всё работает!", "Спасибо, но ничего не работает, ужас"),
        ("очень удобно", "очень неудобно"), ("Отлично!", "Отвратительно!"),
    ],
)  # fmt: skip
def test_negation_thanks_and_strength_turn_the_tone(warm: str, cold: str):
    assert heard(warm)["tone"] > heard(cold)["tone"]
    assert heard(cold)["tone"] < 0


def test_a_hostile_marker_caps_the_tone_whatever_kind_words_are_around():
    row = heard("Отличный сервис, спасибо, супер! Но если до пятницы не почините, мы уходим :)")

    assert any(row[name] for name in HOSTILE)
    assert row["tone"] <= HOSTILE_TONE


def test_a_polite_wish_to_export_stays_polite():
    row = heard("Спасибо за помощь! Подскажите, как выгрузить базу клиентов в Excel?")

    assert row["export_request"]
    assert row["tone"] > 0


@pytest.mark.parametrize("text", ["Де мій рахунок? Дякую :(", "Danke, das ist nicht gut :)", "👍"])
def test_in_an_unknown_language_only_smiles_speak_and_no_marker_is_false(text: str):
    row = heard(text)

    assert row["status"] == "unsupported_lang"
    assert row[list(MARKERS)].isna().all()
    assert row["tone"] != 0


def test_without_smiles_the_tone_of_an_unknown_language_is_unknown():
    assert heard("Danke, das ist nicht gut")[["tone", "formality"]].isna().all()


def test_markers_of_a_known_language_are_true_or_false():
    scores = LISTS.score([clean("Добрый день"), clean("Hello there, thank you")])

    assert list(scores) == list(OF_THE_SCORER)
    assert scores[list(MARKERS)].notna().all().all()
    assert len(LISTS.score([])) == 0


@pytest.mark.parametrize(
    "text",
    ["Видели Zendesk", "зендеска нам хватило бы", "у ЗЕНДЕСКОМ пользовались", "Мегаплану виднее",
     "Megaplan shows it", "Zendesk's editor", "Zendesk'ом довольны"],
)  # fmt: skip
def test_a_competitor_of_the_tenant_is_known_in_both_scripts_and_declined(text: str):
    assert "competitor_mention" in markers(text)


@pytest.mark.parametrize("text", ["Zendeskish words", "мегапланета", "Work on it in a word"])
def test_a_name_is_bounded_by_words(text: str):
    assert "competitor_mention" not in markers(text)


def test_where_a_competitor_is_also_an_integration_the_context_decides():
    both = parse(
        Description,
        {"competitors": {"names": [["Acmedesk"]], "integrations": ["Acmedesk"]}},
        where="test",
    )
    lists = lexicon_of(both)

    def said(text: str) -> bool:
        return bool(lists.score([clean(text)])["competitor_mention"].iloc[0])

    assert not said("Как настроить интеграцию с Acmedesk?")
    assert not said("We see all tickets of Acmedesk")
    assert said("Мы уходим на Acmedesk")
    assert said("We are switching to Acmedesk")


def test_own_words_are_read_over_the_shipped_ones(tmp_path):
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "own.toml").write_text(
        '[tone.words]\n"-3" = "тягомот* отлично"\n[markers.ultimatum]\nfind = ["ждем шерифа"]\n'
        '[categories.delivery]\nwords = "дрон*"\n',
        encoding="utf-8",
    )
    (tmp_path / "dataset.toml").write_text('[text]\nlists = "words"\n', encoding="utf-8")
    own = lexicon_of(read_description(tmp_path / "dataset.toml"))
    rows = own.score([clean("Сплошная тягомотина"), clean("Ждём шерифа"), clean("Дрон"),
                      clean("Отлично")])  # fmt: skip

    assert rows["tone"].iloc[0] < -0.3
    assert rows["ultimatum"].tolist() == [False, True, False, False]
    assert rows["category"].iloc[2] == "delivery"
    assert rows["tone"].iloc[3] < 0
    assert own.version != LISTS.version


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[markers.anger]\nfind = ["x"]', "unknown name anger"),
        ("[tones]\nx = 1", "unknown key 'tones'"),
        ('[tone.words]\nloud = "x"', "must be a weight"),
        ('[markers.ultimatum]\nfind = ["(a|b"]', "brackets"),
        ('[markers.ultimatum]\nfind = ["... #"]', "no word that must be there"),
        ('[markers.ultimatum]\nfind = ["{nowhere} x"]', "names the set"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_in_words(tmp_path, content: str, said: str):
    (tmp_path / "own.toml").write_text(content, encoding="utf-8")
    own = parse(Description, {"text": {"lists": str(tmp_path)}}, where="test")

    with pytest.raises(InputError, match=re.escape(said)):
        lexicon_of(own)


def test_a_folder_without_lists_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no \.toml file"):
        extended(tmp_path)


def test_every_shipped_phrase_compiles_and_lists_may_be_merged_with_nothing():
    lists = shipped()
    every = [p for m in lists.markers.values() for p in (*m.find, *m.unless, *m.silent)]

    assert all(phrase(source, lists.sets).expression for source in every)
    assert merged(lists.model_dump(mode="json"), {}) == lists.model_dump(mode="json")
    assert set(MARKERS) == set(lists.markers)


def test_the_version_changes_with_the_competitors_and_not_with_a_second_reading():
    assert lexicon_of(COMPANY).version == LISTS.version
    assert lexicon_of(Description()).version != LISTS.version


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("if .. leav*", "if so, leaving", True), ("if .. leav*", "if so. Leaving", False),
        ("if / leave", "if. Leave", True), ("(no|not a) word", "not a word", True),
        ("(very)? bad", "bad", True), ("(very)? bad", "very bad", True),
        ("bad", "badly", False), ("bad*", "badly", True), ("paid # times", "paid 12 times", True),
        ("^ why", "so why", False), ("^ why", "so. Why", True), ("cheaper ?", "cheaper?", True),
        ("cheaper ?", "cheaper.", False), ("it ends $", "it ends.", True),
    ],
)  # fmt: skip
def test_a_phrase_matches_what_it_says(source: str, text: str, found: bool):
    assert bool(phrase(source, {}).expression.search(plain(text))) is found


def test_repeats_of_all_phrases_are_bounded_so_that_time_grows_with_length_only():
    endless = re.compile(r"(?<!\\)[*+]|\{\d+,\}")
    lists = Lists.model_validate(shipped().model_dump())
    sources = [p for m in lists.markers.values() for p in (*m.find, *m.unless, *m.silent)]
    sources += [p for phrases in lists.tone.phrases.values() for p in phrases]

    assert not [s for s in sources if endless.search(phrase(s, lists.sets).pattern)]


@pytest.mark.parametrize(
    "piece",
    ["надеюсь ", "если ", "if not ", "а", "!?", ":) ", "не ", "дорого. ", "(", "у Zendesk ", "\n",
     "как выгрузить все ", "thanks for the "],
)  # fmt: skip
def test_a_hundred_kilobytes_of_anything_are_read(piece: str):
    text = (piece * 100_000)[:100_000]

    assert len(LISTS.score([type(clean("а"))(text, "ok", "ru")])) == 1
