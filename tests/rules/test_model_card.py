"""The model card: everything a reader must know, in two languages, and nothing that could run."""

import re

import pandas as pd
import pytest
from matplotlib.figure import Figure

from churnml.report.card import CardFacts, TableFact, card_html, card_markdown, write_model_card
from churnml.report.card.facts import FamilyFact
from churnml.report.card.words import FIGURES, WORDS
from churnml.sources.description import Churn

EVIL = '<script>alert("x")</script> | [a](javascript:b)'
DAY = pd.Timestamp("2026-01-05")
METRICS = {
    "average_precision": 0.2431, "roc_auc": 0.81, "lift_at_10pct": 4.2, "recall_at_lead_21d": 0.83,
    "alert_precision": 0.34, "median_lead_days": 41.0, "alerts_per_week": 23.5, "brier": 0.0212,
    "ece": 0.0041, "calibration_slope": 0.97,
}  # fmt: skip
CURVE = {str(week): 0.9 - 0.05 * week for week in range(1, 9)}


def content(**changes):
    found = {
        "dataset": "acme", "study_digest": "s" * 16, "promoted": True, "notes": [],
        "reason": "Promoted: the first model.", "metrics": METRICS,
        "intervals": {"average_precision": [0.2, 0.29]}, "base_rate": 0.031, "n_rows": 12_345,
        "n_positive": 382, "n_exits": 200, "lead_recall": CURVE,
        "baselines": {
            "random": {"average_precision": 0.031, "recall_at_lead_21d": 0.13,
                       "lead_recall": CURVE},
            "recency": {"average_precision": 0.11, "recall_at_lead_21d": 0.58},
        },
        "slices": [
            {"slice": "segment", "value": EVIL, "n_exits": 31, "recall_at_lead_21d": 0.7,
             "random_recall_at_lead_21d": 0.1, "alert_precision": 0.3,
             "intervals": {"recall_at_lead_21d": [0.5, 0.9]}},
            {"slice": "segment", "value": "tiny", "n_exits": 2, "recall_at_lead_21d": None},
        ],
        "folds": [{"test_from": "2025-06-02T00:00:00", "test_until": "2025-08-02T00:00:00"}],
        "tuning": "The recipe is kept.", "comparison": None,
        "alerts": {"q": 0.02, "quiet_days": 56},
        "treated": {"rows": 7, "customers": 3, "handling": "keep", "average_precision": 0.24,
                    "average_precision_without": 0.26},
    }  # fmt: skip
    return found | changes


def facts(**changes):
    found = {
        "tables": (TableFact("events", 1_000_000, DAY, DAY), TableFact("tickets", 0, None, None)),
        "timezone": "UTC", "churn": Churn(grace_days=14), "snapshots": 20_000,
        "in_population": 18_000, "customers": 500, "first": DAY, "last": DAY,
        "population": {"min_tenure_days": 28},
        "families": (FamilyFact("usage", 40, 0.6, ({"en": EVIL, "ru": "Входы"},)),),
        "fit": {
            "window": [21, 49], "heads": [[21, 49], [14, 56]], "seeds": 2, "sampler": "none",
            "rows": 9_000, "positives": 300, "features": 120, "data_until": DAY,
            "parameters": {"max_depth": 3, "eta": 0.05},
        },
        "digests": {"model": "m" * 16, "data": "d" * 16, "features": "f" * 16},
    }  # fmt: skip
    return CardFacts(**(found | changes))


def page(language="en", figures=None, **changes):
    return card_html(content(**changes), facts(), figures=figures or {}, language=language)


def test_no_text_of_the_data_becomes_markup():
    html, markdown = page(dataset=EVIL), card_markdown(content(dataset=EVIL), facts())

    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<script" not in markdown
    assert not re.search(r"(?<!\\)\]\(javascript", markdown)


def test_a_value_with_a_bar_does_not_add_a_column_to_a_markdown_table():
    lines = card_markdown(content(), facts()).splitlines()
    [row] = [line for line in lines if line.startswith("| segment")]
    heading = lines[lines.index(row) - 2]

    assert len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"(?<!\\)\|", heading))


def test_the_page_asks_for_nothing_from_outside():
    html = page(figures={"lead_time": Figure(), "calibration": Figure()})

    assert re.findall(r'(?:src|href)="(?!#|data:image/png;base64,)', html) == []
    assert not re.search(r"url\(|@import|<link|<script|<iframe", html)
    assert html.count("data:image/png;base64,") == 2
    assert "default-src 'none'" in html


def test_the_verdict_stands_before_every_table_and_its_reason_beside_it():
    html = page(promoted=False, reason="Kept: nothing new to compare on.")

    assert html.index("Not in use.") < html.index("Kept: nothing new") < html.index("<table>")


def test_the_headline_holds_the_model_the_best_rule_and_chance():
    html = page()
    tiles = re.findall(r"<li><b>(.*?)</b><span>(.*?)</span>", html)

    assert tiles[0] == ("83 %", "exits announced 21 to 84 days ahead")
    assert tiles[1] == ("58 %", "best simple rule (recency)")
    assert tiles[2] == ("13 %", "chance")


def test_every_rival_stands_in_the_table_with_the_interval_of_the_model():
    html = page()

    assert "0.243 [0.200–0.290]" in html
    assert all(name in html for name in ("recency", "chance"))


def test_without_dated_exits_the_card_speaks_of_rows_and_leaves_the_queue_out():
    metrics = dict.fromkeys(METRICS) | {"average_precision": 0.557, "roc_auc": 0.77}
    html = page(metrics=metrics, lead_recall=None, n_exits=None, slices=[])

    assert "<b>55.7 %</b><span>average precision" in html
    assert 'id="lead_time"' not in html
    assert 'id="slices"' not in html


def test_an_audit_is_shown_where_there_is_one():
    checks = [{"check": "shuffled labels", "ok": True, "detail": "looked at 0.500 of them"}]
    shown = page(audit={"ok": False, "findings": [{"message": "one leak"}], "checks": checks})

    assert 'id="audit"' not in page()
    assert "shuffled labels" in shown
    assert "one leak" in shown


def test_money_is_shown_with_its_interval_and_what_it_rests_on():
    money = {
        "currency": "EUR", "value_at_risk_caught_per_100_contacts": 41234.4,
        "share_of_value_caught": 0.61, "profit_per_contact": None, "optimal_q": 0.04,
        "intervals": {"value_at_risk_caught_per_100_contacts": [30000, 52000]},
        "notes": ["Profits rest on assumptions."],
    }  # fmt: skip
    shown = page(money=money)

    assert 'id="money"' not in page()
    assert "41234 [30000–52000]" in shown
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

    assert "-0.0048" in page(comparison=compared)


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
