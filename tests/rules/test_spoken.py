"""What is said in two languages: one set of values, each in its own way of writing numbers."""

import copy
import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import churnml
from churnml.evaluation.promotion import Signal
from churnml.spoken import Spoken, phrases

PACKAGE = Path(churnml.__file__).parent
FILES = (PACKAGE / "evaluation" / "words.toml", PACKAGE / "model" / "words.toml")


@pytest.fixture
def say(tmp_path):
    file = tmp_path / "words.toml"
    file.write_text(
        '[sums]\nen = "{count:,} rows, {share:.1%}, {day:%Y-%m-%d}: {name}, {why}"\n'
        'ru = "строк {count:,}, {share:.1%}, {day:%Y-%m-%d}: {name}, {why}"\n'
    )
    return phrases(file)


def test_numbers_are_written_as_each_language_writes_them_and_texts_stay(say):
    why = Spoken("because", "потому что")
    said = say(
        "sums", count=12_345, share=0.125, day=pd.Timestamp("2026-01-05"), name="a,b.c", why=why
    )

    assert said == "12,345 rows, 12.5%, 2026-01-05: a,b.c, because"
    assert said.ru == "строк 12\u202f345, 12,5\u00a0%, 2026-01-05: a,b.c, потому что"


def test_a_sentence_keeps_both_languages_when_copied_and_when_followed_by_another():
    said = Spoken("Kept.", "Оставлена.").then(Spoken("Why.", "Почему."))

    assert copy.deepcopy(said).ru == "Оставлена. Почему."
    assert (said.in_("en"), said.in_("ru")) == ("Kept. Why.", "Оставлена. Почему.")


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.parent.name)
def test_both_languages_are_filled_with_the_same_values(file):
    def blanks(text):
        return sorted(re.findall(r"\{\w+", text))

    words = tomllib.loads(file.read_text(encoding="utf-8"))

    assert [key for key, both in words.items() if blanks(both["en"]) != blanks(both["ru"])] == []
    assert [key for key, both in words.items() if re.search(r"[а-яё]", both["en"])] == []


def test_what_was_found_of_a_signal_is_said_in_both_languages():
    said = Signal(True, 0.872, 0.844, 0.896).sentence()

    assert said.endswith("(ROC AUC 0.872, 95% interval 0.844 to 0.896).")
    assert said.ru.endswith("(ROC AUC 0,872, интервал 95\u00a0% от 0,844 до 0,896).")
