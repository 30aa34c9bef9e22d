"""What the dictionary says of a feature: how it comes about, in words that a reader can check."""

import json
import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import churnml
from churnml.__main__ import main
from churnml.features import catalogue
from churnml.features import operators as o
from churnml.features.algebra import BASELINE, LAST_4_WEEKS, NEXT_4_WEEKS, PRIOR_4_WEEKS, Rows
from churnml.features.definition import columns_of, definition
from churnml.features.row_sources import EVENTS, INVOICES, TICKETS
from churnml.report.dictionary import dictionary_html
from churnml.report.dictionary.writing import WORDS
from churnml.sources.description import Description

LOGINS = Rows(EVENTS, "name IN ('login')")
ROLES = {"login": ["login"], "key": ["built"], "pricing": ["prices"], "export": ["export"]}
OWN = " the number to expect from the customer's own weeks 30 to 8 before"


@pytest.fixture(scope="module")
def features():
    return catalogue(Description.model_validate({"events": ROLES}))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (o.count(LOGINS, LAST_4_WEEKS),
         "number of rows of events where name IN ('login') in the last 28 days"),
        (o.active_days(Rows(EVENTS), PRIOR_4_WEEKS),
         "number of calendar days with a row of events from 56 to 28 days ago"),
        (o.mean(Rows(INVOICES), "amount"), "mean of amount over the rows of invoices, ever"),
        (o.days_since(Rows(TICKETS)), "days since the latest row of tickets"),
        (o.count(Rows(INVOICES).dated("due_at"), NEXT_4_WEEKS),
         "number of rows of invoices (by due_at) in the next 28 days"),
        (o.ratio(o.count(LOGINS), o.count(LOGINS, BASELINE)),
         "number of rows of events where name IN ('login'), ever ÷ number of rows of events where "
         "name IN ('login') from 210 to 56 days ago, both plus 1"),
        (o.OwnBaseline(Rows(EVENTS)).deviation(LAST_4_WEEKS),
         f"number of rows of events in the last 28 days −{OWN}, in standard deviations; negative is"
         " a drop"),
        (o.both(o.count(LOGINS) > 1.0, o.count(Rows(TICKETS)) <= 0.5),
         "1 if (number of rows of events where name IN ('login'), ever > 1 and number of rows of "
         "tickets, ever <= 0.5), else 0"),
        (o.count(Rows(EVENTS, absent=True)),
         "number of rows of events, ever. Unknown here: the description of the data does not say "
         "which rows these are"),
    ],
)  # fmt: skip
def test_a_definition_names_rows_window_and_what_is_done_with_them(value, said):
    assert definition(value) == said


def test_the_columns_are_those_that_are_read_and_the_time_of_the_window():
    value = o.mean(Rows(INVOICES, "paid_at > due_at").dated("paid_at"), "amount")

    assert columns_of(value) == ("invoices.amount", "invoices.due_at", "invoices.paid_at")


def test_every_feature_of_the_catalogue_is_defined_in_both_languages(features):
    said = {feature.name: definition(feature.value) for feature in features}

    assert [name for name, text in said.items() if not text or not text.ru] == []
    assert [name for name, text in said.items() if not re.search("[а-яё]", text.ru)] == []
    assert [name for name, text in said.items() if "from " not in text and "÷" in text[:3]] == []


def test_every_word_of_the_definitions_has_the_same_blanks_in_both_languages():
    file = Path(churnml.__file__).parent / "features" / "words.toml"
    words = tomllib.loads(file.read_text(encoding="utf-8"))

    def blanks(text):
        return sorted(re.findall(r"\{\w+", text))

    assert [key for key, both in words.items() if blanks(both["en"]) != blanks(both["ru"])] == []


def test_the_page_has_every_word_in_russian(features):
    english, russian = WORDS["en"], WORDS["ru"]

    assert english.keys() - russian.keys() == set()
    assert {str(feature.unit) for feature in features} - {"share"} <= russian.keys()


def test_known_and_influence_are_shown_where_they_were_measured_and_order_the_page(features):
    few = [feature for feature in features if feature.name in ("logins_28d", "tickets_28d")]
    values = pd.DataFrame({"logins_28d": [1.0, None], "tickets_28d": [2.0, 3.0]})
    strength = pd.Series({"logins_28d": 0.1, "tickets_28d": 0.3})
    shown = dictionary_html(few, values=values, strength=strength)
    plain = dictionary_html(few)

    assert shown.index('id="tickets_28d"') < shown.index('id="logins_28d"')
    assert "75.0%" in shown
    assert "50%" in shown
    assert plain.index('id="logins_28d"') < plain.index('id="tickets_28d"')
    assert "\u00a0%" not in plain


def run(arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code or 0


def test_the_command_writes_the_page_and_lists_the_definitions(tmp_path, capsys):
    page = tmp_path / "features.html"
    code = run(["features", "--list", "--out", str(page), "--lang", "ru", "--json"])
    listed = json.loads(capsys.readouterr().out)

    assert code == 0
    assert listed["out"] == str(page)
    assert all({"definition", "columns"} <= one.keys() for one in listed["features"])
    assert '<html lang="ru">' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments", [["--out", "list.csv"], ["--as-of", "2026-01-05"], ["--model", "bundle"]]
)
def test_what_cannot_be_measured_or_written_is_refused(arguments, capsys):
    assert run(["features", "--list", *arguments]) == 2
    assert "churnml: " in capsys.readouterr().err
