"""The model card: everything a reader must know, in two languages, and nothing that could run."""

import re

import pytest
from matplotlib.figure import Figure

from churnml.report.card import card_html, card_markdown, write_model_card
from churnml.report.card.words import FIGURES, WORDS
from churnml.sources.description import Churn
from drawn.card import CURVE, EVIL, METRICS, content, facts


def page(language="en", figures=None, **changes):
    return card_html(content(**changes), facts(), figures=figures or {}, language=language)


def test_no_text_of_the_data_becomes_markup():
    html, markdown = page(dataset=EVIL), card_markdown(content(dataset=EVIL), facts())

    assert html.count("<script") == 1  # its own
    assert "&lt;script&gt;" in html
    assert "<script" not in markdown
    assert not re.search(r"(?<!\\)\]\(javascript", markdown)


def test_a_value_with_a_bar_does_not_add_a_column_to_a_markdown_table():
    lines = card_markdown(content(), facts()).splitlines()
    [row] = [line for line in lines if line.startswith("| segment |")]
    heading = lines[lines.index(row) - 2]

    assert len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"(?<!\\)\|", heading))


def test_the_page_asks_for_nothing_from_outside():
    html = page(figures={"lead_time": Figure(), "calibration": Figure()})

    assert re.findall(r'(?:src|href)="(?!#|data:,)', html) == []
    assert not re.search(r"url\((?!#)|@import|<iframe", html)
    assert html.count("<figure") == 2
    assert "default-src &#39;none&#39;" in html


def test_the_verdict_stands_before_every_table_and_its_reason_beside_it():
    html = page(promoted=False, reason="Kept: nothing new to compare on.")

    assert html.index("Not in use<") < html.index("Kept: nothing new") < html.index("<table")


def test_the_headline_holds_the_model_the_best_rule_and_chance():
    html = page()
    tiles = re.findall(r"<b>([^<]*)</b>.*?<span>(.*?)</span>", html, re.DOTALL)

    assert tiles[0] == ("83%", "exits announced 21 to 84 days ahead")
    assert tiles[1] == ("58%", "best simple rule (recency)")
    assert tiles[2] == ("13%", "chance")
    assert "named 83 three to twelve weeks before; the best simple rule 58, chance 13." in html


def test_every_rival_stands_in_the_table_with_the_interval_of_the_model():
    html = page()

    assert "0.243<small>[0.200–0.290]</small>" in html
    assert all(name in html for name in ("recency", "chance"))


def test_without_dated_exits_the_card_speaks_of_rows_and_leaves_the_queue_out():
    metrics = dict.fromkeys(METRICS) | {"average_precision": 0.557, "roc_auc": 0.77}
    html = page(metrics=metrics, lead_recall=None, n_exits=None, slices=[])

    assert "Average precision 0.557; the best simple rule reaches 0.110, chance 0.031." in html
    assert 'id="lead_time"' not in html
    assert 'id="slices"' not in html


def test_an_audit_is_shown_where_there_is_one():
    checks = [{"check": "purge", "passed": True, "detail": "looked at 0.500 of them"},
              {"check": "of_tomorrow", "passed": None, "detail": "too few exits"}]  # fmt: skip
    audit = {"ok": False, "findings": [{"message": "one leak"}], "checks": checks}
    shown = page(audit=audit)

    assert 'id="audit"' not in page()
    assert "labels still open at training time" in shown
    assert "of tomorrow" in shown
    assert "one leak" in shown
    assert "исходы, ещё открытые при обучении" in page("ru", audit=audit)


def test_money_is_shown_with_its_interval_and_what_it_rests_on():
    money = {
        "currency": "EUR", "value_at_risk_caught_per_100_contacts": 41234.4,
        "share_of_value_caught": 0.61, "profit_per_contact": None, "optimal_q": 0.04,
        "intervals": {"value_at_risk_caught_per_100_contacts": [30000, 52000]},
        "notes": ["Profits rest on assumptions."],
    }  # fmt: skip
    shown = page(money=money)

    assert 'id="money"' not in page()
    assert "41,234<small>[30,000–52,000]</small>" in shown
    assert "Profits rest on assumptions." in shown


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_card_says_that_it_shows_no_cause(language):
    html = page(language)

    assert {"en": "only an experiment", "ru": "только эксперимент"}[language] in html


@pytest.mark.parametrize(
    ("churn", "said"),
    [
        (Churn(grace_days=10), "not renewed within 10 days"),
        (Churn(kind="inactivity", silence_days=60), "before 60 days of silence"),
        (Churn(kind="absence"), "no activity in the label window"),
    ],
)
def test_what_counts_as_leaving_is_said_in_words(churn, said):
    assert said in card_html(content(), facts(churn=churn), figures={})


def test_a_comparison_is_shown_with_its_bound():
    compared = {
        "champion": 0.24, "challenger": 0.25, "standard_error": 0.004, "bound": 0.005,
        "allowed": -0.0048, "first_as_of": "2025-10-06", "last_as_of": "2025-10-27", "rows": 1000,
        "leavers": 31,
    }  # fmt: skip

    assert "−0.0048" in page(comparison=compared)


def test_both_languages_have_the_same_words_and_the_same_blanks():
    def blanks(text):
        return sorted(re.findall(r"\{\w+\}", text))

    english, russian = WORDS["en"], WORDS["ru"]

    assert english.keys() == russian.keys()
    assert [key for key in english if blanks(english[key]) != blanks(russian[key])] == []
    assert [key for key, _ in FIGURES["en"]] == [key for key, _ in FIGURES["ru"]]


def test_four_files_are_written_and_nothing_half_written_stays(tmp_path):
    card = write_model_card(tmp_path, content(), facts(), figures={"en": {}, "ru": {}})

    assert card.page == tmp_path / "model_card.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "model_card.html", "model_card.md", "model_card.ru.html", "model_card.ru.md",
    ]  # fmt: skip
    assert set(card.files) == set(tmp_path.iterdir())


def test_a_curve_without_one_known_point_is_left_out():
    assert 'id="lead_time"' not in page(lead_recall=dict.fromkeys(CURVE))


def test_the_russian_card_gives_the_reasons_and_the_parts_in_russian():
    slices = [{"slice": "tenure", "value": "under 90 days", "n_exits": 31,
               "recall_at_lead_21d": 0.7, "alert_precision": None}]  # fmt: skip
    html = page("ru", reason_ru="Оставлена прежняя.", tuning_ru="Остался рецепт.", slices=slices)

    assert "Оставлена прежняя." in html
    assert "Остался рецепт." in html
    assert "до 90 дней" in html
    assert "Promoted" not in html
    assert "The recipe" not in html


def test_no_word_of_the_russian_card_is_english():
    html = re.sub(r"<(style|script|code).*?</\1>|<[^>]+>", " ", page("ru"), flags=re.DOTALL)
    own = {"churnml", "acme", "ROC", "AUC", "SHAP", "m" * 16}
    given = f"Promoted: the first model. The recipe is kept. {EVIL} lt gt amp quot"

    found = set(re.findall(r"[A-Za-z]{2,}", html))

    assert found - own - set(re.findall(r"\w+", given)) == set()
