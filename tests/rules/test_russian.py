"""Who opens a page in Russian reads Russian: our sentences are in it, English ones are not."""

import html
import io
import re
import string
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

import churnml
from churnml.evaluation.audit import Audit, Check
from churnml.evaluation.audit import Finding as Alarm
from churnml.evaluation.audit.words import say as audit_says
from churnml.report.account import show_account
from churnml.report.card import card_html
from churnml.report.stakeholder import report_html
from churnml.report.stakeholder.facts import DataNotes
from churnml.sources.dataset import Finding
from churnml.sources.words import say as gate_says
from churnml.spoken import Spoken, phrases
from drawn.card import content
from drawn.card import facts as card_facts
from drawn.report import BIDI, EVIL
from drawn.report import facts as report_facts

PACKAGE = Path(churnml.__file__).parent
SPOKEN = {
    path: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("words.toml"))
    if path.with_name("words.py").exists() or path.parent.name == "model"
}
#: In these blanks stand sentences of ours; elsewhere stand names and numbers of the data.
OURS = {
    "lost", "why", "said", "seen", "fault", "advice", "off", "where", "stream", "way", "band",
    "signal", "figures", "gain", "against", "model", "beside", "best", "method",
}  # fmt: skip


def all_of(folder, say):
    """Every sentence of a folder's words, with identifiers where the data has names."""
    return [
        say(key, **{name: value_for(name, spec) for _, name, spec, _ in blanks(both["en"])})
        for key, both in SPOKEN[PACKAGE / folder / "words.toml"].items()
    ]


def blanks(text):
    return [part for part in string.Formatter().parse(text) if part[1] is not None]


def value_for(name, spec):
    if "%Y" in spec:
        return pd.Timestamp("2026-01-05")
    if spec:
        return 1_234.0
    return Spoken("words of our own", "наши слова") if name in OURS else "some_name"


def english_in(page):
    """Runs of three and more English words in what a reader sees, but for names and commands."""
    seen = re.sub(r"<(style|script|code)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    seen = html.unescape(seen).replace(EVIL, "").replace(BIDI, "")
    seen = re.sub(r"`[^`]*`|\[[^\]]*\]|\S*[_.=]\S*", " · ", seen)
    return re.findall(r"\b[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,}){2,}", seen)


def test_the_search_finds_an_english_sentence_and_passes_by_names():
    assert english_in("<p>Строк нет: the feed looks dead</p>") == ["the feed looks dead"]
    assert english_in("столбцы plan_name, tables.events и `churnml check it now`") == []


def test_the_russian_report_says_every_finding_of_the_gate_in_russian():
    said = all_of("sources", gate_says)
    found = tuple(Finding("events", "rule", 3, "error", one) for one in said)
    notes = DataNotes(tables=(), findings=found, notices=tuple(said))

    page = report_html(report_facts(notes=notes), language="ru")

    assert english_in(page) == []
    assert [one for one in said if one.ru not in html.unescape(page)] == []


def test_the_russian_card_says_every_result_of_the_audit_in_russian():
    said = all_of("evaluation/audit", audit_says)
    names = ("quality", "purge", "booked_back", "leavers_only", "as_of_today", "survivorship",
             "future_total", "single_feature")  # fmt: skip
    alarms = tuple(Alarm(names[0], "warning", one) for one in said)
    checks = tuple(Check(names[place % len(names)], True, one) for place, one in enumerate(said))
    given = {"reason_ru": "Принята.", "tuning_ru": "Остался рецепт.", "dataset": "acme"}

    page = card_html(
        content(audit=Audit(alarms, checks).as_json(), **given), card_facts(), figures={},
        language="ru",
    )  # fmt: skip

    assert english_in(page) == []


@pytest.mark.parametrize("path", SPOKEN, ids=lambda path: str(path.parent.relative_to(PACKAGE)))
def test_every_sentence_has_a_russian_one_without_a_space_that_breaks_before_the_per_cent(path):
    for key, both in SPOKEN[path].items():
        words = re.sub(r"{[^}]*}", "", both["en"])
        assert re.search(r"[а-яё]", both["ru"]) or not re.search(r"[a-z]", words), key
        assert not re.search(r"[0-9}] %", both["ru"]), key
        assert not re.search(r"[0-9}][ \u00a0]%", both["en"]), key


def test_a_number_takes_the_form_of_its_noun(tmp_path):
    file = tmp_path / "words.toml"
    file.write_text(
        '[rows]\nen = "{n:,|row lies|rows lie}"\nru = "{n:,|строка лежит|строки лежат|строк лежит}"'
    )
    say = phrases(file)

    assert [say("rows", n=n) for n in (1, 2, 1_200)] == [
        "1 row lies",
        "2 rows lie",
        "1,200 rows lie",
    ]
    assert [say("rows", n=n).ru for n in (21, 22, 11, 1_200)] == [
        "21 строка лежит", "22 строки лежат", "11 строк лежит", "1\u202f200 строк лежит",
    ]  # fmt: skip


def test_an_explained_customer_is_told_in_russian_with_titles_and_decimal_commas():
    now, then = pd.Timestamp("2026-01-04 21:00"), pd.Timestamp("2025-11-30 21:00")
    reason = {
        "text_en": "Logins", "text_ru": "Входы: было 12, стало 3", "play": "usage_coaching",
        "evidence": [{"table": "tickets", "id": "T-1", "at": then}], "would_lower": 0.0312,
        "lower_en": "logins back", "lower_ru": "входы снова около 12",
    }  # fmt: skip
    content = {
        "customer_id": "C1", "as_of": now, "probability": 0.1234, "since": then,
        "probability_then": 0.08, "reasons": [reason],
        "open_problem": {"text_en": "Ticket", "text_ru": "Обращение T-1 открыто"},
        "families": [{"family": "usage", "contribution": 0.5}],
        "change": [{"text_en": "Logins", "text_ru": "Входы", "difference": -0.25}],
    }  # fmt: skip
    console = Console(width=100, record=True, file=io.StringIO())

    show_account(content, console, language="ru", timezone="Europe/Moscow")
    said = [line.rstrip() for line in console.export_text().replace("\u00a0", " ").splitlines()]

    assert said[:5] == [
        "C1, 05.01.2026: риск 12,3 % (был 8,0 % на 01.12.2025)",
        "Нерешённый вопрос: Обращение T-1 открыто",
        "С этим риском связано:",
        "• Входы: было 12, стало 3 (следующий шаг: помочь с использованием)",
        "    подтверждение: обращение T-1 01.12",
    ]
    assert said[5].endswith("входы снова около 12 (−3,1 п. п.)")
    table = " ".join(said[6:])
    assert "использование" in table
    assert "+0,50" in table
    assert "−0,25" in table
    assert not re.search(r"[A-Za-z]{2,}", table)


def test_one_place_writes_per_cent():
    written = re.compile(r":[,+]?\.\d%}")
    sources = [path for path in PACKAGE.rglob("*.py") if path.name != "spoken.py"]

    assert [path.name for path in sources if written.search(path.read_text("utf-8"))] == []
