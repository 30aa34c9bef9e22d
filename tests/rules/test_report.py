"""The stakeholder report tells the training's own figures, honestly, in both languages."""

import re
from dataclasses import replace
from functools import cache

import pandas as pd
import pytest

from churnml.alerting.naming import play_name, row_name
from churnml.contract import TABLES
from churnml.features import catalogue
from churnml.report.stakeholder import report_html, write_report
from churnml.report.stakeholder.contacts import contacts_of
from churnml.report.stakeholder.facts import Contact, Earlier, Lane, LedgerFacts
from churnml.report.stakeholder.headline import headline
from churnml.report.stakeholder.lanes import drawn_timeline
from churnml.report.stakeholder.listing import listing
from churnml.report.stakeholder.misses import random_calls
from churnml.report.stakeholder.past_weeks import PastWeeks, weeks_until
from churnml.report.stakeholder.prose import prose
from churnml.report.stakeholder.quotes import LETTERS, quotes_of
from churnml.report.stakeholder.sections import sections
from churnml.report.stakeholder.tables import tier_rows
from churnml.report.stakeholder.words import cut, day, percent, words_of
from drawn.report import AS_OF, WEEKS, customer, facts, proof

LANGUAGES = ("en", "ru")


@cache
def page_in(language: str) -> str:
    """The page of the drawn facts; its figures take seconds, so it is made once."""
    return report_html(facts(), language=language)


def plain(text: str) -> str:
    """Text without markup, with single plain spaces."""
    bare = re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]*>", " ", text, flags=re.S)
    return " ".join(bare.replace("\u00a0", " ").replace("\u202f", " ").split())


def keys_of(words: dict, before: str = "") -> set[str]:
    found = set()
    for key, value in words.items():
        found |= keys_of(value, f"{before}{key}.") if isinstance(value, dict) else {before + key}
    return found


def test_the_first_sentence_is_the_recall_of_the_training_with_its_interval():
    found = headline(facts(), language="en")

    assert found.title.replace("\u2060", "") == (
        "Of 100 customers who left, the alarm named 83 (75–91) at least three weeks before"
    )
    assert found.leads[0] == (
        "At the same load the best simple rule, health score, named 70 and chance 13. About one "
        "alert in three was right: an exit followed within twelve weeks."
    )


def test_the_first_sentence_is_russian_in_russian():
    found = headline(facts(), language="ru")

    assert found.title.replace("\u2060", "") == (
        "О 83 (75–91) из 100 ушедших клиентов модель предупредила не позже чем за три недели"
    )
    assert "Примерно одна тревога из трёх оказалась верной" in found.leads[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"promoted": False}, "This model was not put into use by its training"),
        ({"promoted": False, "signal_found": False}, "No usable signal was found in this data"),
    ],
)
def test_a_model_that_is_not_in_use_says_so_first_and_why(changes, expected):
    why = {"reason": "Not promoted: beaten.", "reason_ru": "Не принята: слабее."} | changes
    found = headline(facts(proof=proof(**why)), language="en")
    russian = headline(facts(proof=proof(**why)), language="ru")

    assert found.title == expected
    assert found.leads[0] == "Not promoted: beaten."
    assert russian.leads[0] == "Не принята: слабее."


def test_a_bundle_without_a_proof_claims_nothing():
    page = plain(report_html(facts(proof=None, misses=()), language="en"))

    assert "how often they are right is not known" in page
    assert "This model carries no proof" in page
    assert "Of 100 customers" not in page
    assert "What the alarm is worth" not in page
    assert "What was missed" not in page
    assert "Open alerts" in page


def test_every_figure_of_the_proof_on_the_page_is_the_one_that_was_kept():
    page, document = plain(page_in("en")), proof().document

    recall, precision = (document["metrics"][n] for n in ("recall_at_lead_21d", "alert_precision"))
    assert f"{100 * recall:.0f}%" in page
    assert f"{100 * precision:.0f}%" in page
    assert f"{100 * document['baselines']['health']['recall_at_lead_21d']:.0f}%" in page
    assert "213,891 EUR" in page
    for tier in proof().tiers:
        assert f"{percent(tier['share'], 'en')}".replace("\u00a0", " ") in page
    assert (
        "Of 5 exits in the tested time 3 were named at least three weeks before, 1 too late" in page
    )


def ranked(precision: float) -> dict:
    """A proof whose logistic regression names more exits in time than the model does."""
    found = proof().document
    plain_model = {**found["baselines"]["health"], "average_precision": precision,
                   "recall_at_lead_21d": 0.91}  # fmt: skip
    return {"baselines": {**found["baselines"], "logistic_regression": plain_model}}


@pytest.mark.parametrize(
    ("precision", "en", "ru"),
    [
        (0.22, "(average precision: model 0.240, logistic regression 0.220)", "модель — 0,240"),
        (0.25, "ranks no worse (average precision: logistic regression 0.250", "модель — 0,240"),
    ],
)
def test_a_rival_above_the_model_in_a_column_is_explained(precision, en, ru):
    told = facts(proof=proof(**ranked(precision)))

    assert en in plain(report_html(told, language="en"))
    assert ru in plain(report_html(told, language="ru"))


def test_nothing_is_explained_where_no_rival_leads_or_the_model_is_not_used():
    refused = facts(proof=proof(**ranked(0.22), promoted=False))

    assert "Another score is above" not in plain(page_in("en"))
    assert "Another score is above" not in plain(report_html(refused, language="en"))


def test_tiers_show_who_stands_in_them_now_and_what_became_of_those_who_did():
    critical, *_, low = tier_rows(facts(), language="ru")

    assert (critical.name, critical.now) == ("критический", "15")
    assert (critical.share, critical.left) == ("32\u00a0%", "112")
    assert low.share == "0,4\u00a0%"
    assert critical.high == 1.0  # the longest bar sets the scale


def test_no_text_of_the_data_becomes_markup():
    page = page_in("en")

    assert page.count("<script") == 1  # the page's own
    assert "onerror=alert" not in re.sub(r"&lt;.*?&gt;", "", page)
    assert "&lt;script&gt;alert(1)" in page


def test_long_texts_are_cut_and_the_whole_name_is_a_title():
    page = page_in("en")

    assert "ю" * 400 not in page
    assert len(page.encode()) < 1_000_000
    assert cut("x" * 100, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_hold_the_same_words_and_blanks(language):
    other = words_of("ru" if language == "en" else "en")
    own = words_of(language)

    assert keys_of(own) == keys_of(other)
    for section, words in own.items():
        for key, text in words.items() if isinstance(words, dict) else ():
            if isinstance(text, str):
                blanks = set(re.findall(r"{\w+}", text))
                assert blanks == set(re.findall(r"{\w+}", other[section][key])), (section, key)


def test_the_russian_page_has_no_english_sentence_of_ours():
    page = plain(page_in("ru"))

    for words in words_of("en").values():
        for text in words.values() if isinstance(words, dict) else ():
            if isinstance(text, str) and len(text) > 24 and "{" not in text:
                assert text not in page


def test_no_word_of_the_page_claims_a_cause():
    causal = {"en": r"\bbecause of th|\bleads to\b|\bdue to\b", "ru": r"из-за|приводит к"}
    for language, forbidden in causal.items():
        page = plain(page_in(language))
        assert not re.search(forbidden, page)


def test_every_play_of_the_catalogue_has_its_words(dataset_of):
    dataset = dataset_of({}, until="2026-01-01")

    for play in {feature.play for feature in catalogue(dataset)}:
        assert re.fullmatch(r"[А-Яа-яё ,]+", play_name(play, "ru"))
        assert re.fullmatch(r"[a-z -]+", play_name(play, "en"))


def test_evidence_is_named_in_the_language_of_the_page():
    page = plain(page_in("ru"))

    for table in TABLES:
        assert re.fullmatch(r"[а-яё ]+", row_name(table, "ru"))
        assert re.fullmatch(r"[а-яё ]+", row_name(table, "ru", several=True))
    assert "Подтверждение: обращение" in page


def test_alerts_can_be_filtered_by_what_they_differ_in():
    found = listing(facts(), language="en", linked={"C1": "c1"})

    assert [one.label for one in found.choices] == ["Tier", "First reason", "Raised"]
    assert [value for value, _ in found.choices[0].values] == ["critical", "high", "medium"]
    assert [row.href for row in found.rows] == ["c1", "", ""]
    assert [row.is_new for row in found.rows] == [True, False, False]
    assert found.rows[2].risk == "gone?"
    assert found.rows[1].was == "was 31%"


def test_the_list_says_when_a_customer_was_alerted_before_and_until_when_it_is_quiet():
    [one] = facts().alerts[2:]
    before = (
        Earlier(pd.Timestamp("2025-03-03"), "expired"),
        Earlier(pd.Timestamp("2024-12-02"), "exit"),
    )
    again = replace(one, earlier=before, quiet_until=pd.Timestamp("2026-01-19"))
    rows = {
        lang: listing(facts(alerts=(again,)), language=lang, linked={}).rows[0]
        for lang in LANGUAGES
    }

    assert [plain(rows[lang].history) for lang in LANGUAGES] == [
        "alerted before: 3 Mar, 2 Dec; quiet until 19 Jan",
        "тревоги раньше: 3 мар., 2 дек.; без новых до 19 янв.",
    ]


def test_a_section_says_what_was_told_then_what_became_of_alerts_and_what_was_done():
    [one] = facts().alerts[2:]
    before = (Earlier(pd.Timestamp("2025-03-03"), "expired"),)
    again = replace(one, earlier=before, told={"en": "Logins: 0", "ru": "Входы: 0"})
    done = (
        Contact(pd.Timestamp("2025-12-01"), "usage_coaching", pd.Timestamp("2025-12-04")),
        Contact(pd.Timestamp("2025-11-03"), None, None),
    )
    told = facts(customers=(customer((again,), contacts=done),))
    found = [
        {name: plain(text) for name, text in sections(told, language=lang)[0].facts}
        for lang in LANGUAGES
    ]

    assert found[0]["Said then"] == "Logins: 0"
    assert found[0]["Alerted before"] == "3 March 2025 (stayed for 84 days)"
    assert found[0]["What was done"] == (
        "coaching on use, 1 December 2025 to 4 December 2025; contact, begun 3 November 2025"
    )
    assert "Quiet until" not in found[0]
    assert found[1]["Сказано тогда"] == "Входы: 0"
    assert found[1]["Тревоги раньше"] == "3 марта 2025 (за 84 дня не ушёл)"


def test_the_page_says_whether_alerts_were_really_raised_and_what_became_of_them():
    ledger = LedgerFacts(pd.Timestamp("2025-01-06"), raised=1_240, left=300, expired=937)
    kept, made_up = (
        prose(facts(ledger=one), None, language="en")["source"] for one in (ledger, None)
    )

    assert plain(kept) == (
        "By the ledger, 1,240 alerts were raised since 6 January 2025: 300 ended with an exit, "
        "937 after 84 days without one, 3 are open."
    )
    assert made_up.startswith("No ledger of alerts was given")
    assert "26 weeks" in made_up


def test_what_was_done_for_a_customer_is_the_newest_but_nothing_of_the_control_arm(dataset_of):
    def assigned(number, **changes):
        row = {"intervention_id": f"i{number}", "customer_id": "a", "play": f"p{number}",
               "assigned_at": pd.Timestamp(f"2025-0{number}-01")}  # fmt: skip
        return row | changes

    rows = [
        assigned(1), assigned(2), assigned(3, completed_at=pd.Timestamp("2025-03-09")),
        assigned(4, arm="treatment"), assigned(5, arm="control"), assigned(6, customer_id="b"),
    ]  # fmt: skip
    people = [{"customer_id": one, "signed_up_at": pd.Timestamp("2024-01-01")} for one in "abc"]
    company = dataset_of({"customers": people, "interventions": rows}, until=AS_OF)
    found = contacts_of(company, ["a", "c"])

    assert list(found) == ["a"]
    assert [one.play for one in found["a"]] == ["p4", "p3", "p2"]
    assert [one.completed_at for one in found["a"]] == [None, pd.Timestamp("2025-03-09"), None]


def test_a_timeline_marks_since_when_a_reason_holds_and_leaves_empty_lanes_out():
    found = drawn_timeline(facts().customers[0], WEEKS, language="en")

    names = [lane.name for lane in found.lanes]
    assert names == ["Risk", "Actions a week", "Tone, −1 to 1", "Open tickets"]
    assert [(mark.at, mark.text) for mark in found.since] == [("56%", "1")]  # week 14 of 0..25
    assert [mark.at for mark in found.alerts] == ["100%"]
    assert found.lanes[1].said == "2 now, highest 10"
    tickets = found.lanes[3].path
    assert tickets == "M0 30V30H4V0H100V30z"  # none in the first week, two until the last but one


def test_unknown_weeks_are_gaps_not_zeros():
    lanes = (Lane("score", (0.1, None, 0.1, 0.1, *[None] * 22)),)
    found = drawn_timeline(customer(facts().customers[0].alerts, lanes=lanes), WEEKS, language="en")

    assert found.lanes[0].path == "M0 0h.1M8 0 12 0"
    assert found.lanes[0].said == "highest 10%"


def test_weeks_end_at_the_as_of():
    weeks = weeks_until(AS_OF, count=3)

    assert weeks == [pd.Timestamp("2025-12-15"), pd.Timestamp("2025-12-22"), AS_OF]


def test_ten_customers_without_an_alert_are_drawn_alike_on_one_day_and_anew_on_another(
    dataset_of,
):
    def weeks(as_of):
        ids = [f"c{number:03d}" for number in range(50)]
        scores = pd.DataFrame({"customer_id": ids, "as_of": as_of})
        return PastWeeks(
            dataset_of({}, until="2026-01-01"), scores, pd.DataFrame(), (), pd.DataFrame()
        )

    first = random_calls(weeks(AS_OF), ["c001"], seed=7)

    assert len(set(first)) == 10
    assert "c001" not in first
    assert first == random_calls(weeks(AS_OF), ["c001"], seed=7)
    assert first != random_calls(weeks(AS_OF + pd.Timedelta(days=7)), ["c001"], seed=7)


def test_quotes_are_the_newest_of_the_customer_without_names_and_numbers(dataset_of):
    def message(number, text, author="customer"):
        return {"message_id": f"m{number}", "customer_id": "a", "author": author, "text": text,
                "sent_at": pd.Timestamp("2025-12-01") + pd.Timedelta(days=number)}  # fmt: skip

    dataset = dataset_of(
        {
            "customers": [{"customer_id": "a", "signed_up_at": pd.Timestamp("2025-01-01")}],
            "contacts": [{"contact_id": "k", "customer_id": "a", "name": "Anna Berg",
                          "active_from": pd.Timestamp("2025-01-01")}],
            "messages": [message(1, "oldest"), message(2, "Anna Berg, call 8-916-123-45-67"),
                         message(3, "word " * 2_000), message(4, "ours", "staff")],
        },
        until="2026-01-01",
    )  # fmt: skip

    newest, before = quotes_of(dataset, ["a"])["a"]

    assert newest.is_cut
    assert len(newest.text) <= LETTERS
    assert "Anna" not in before.text
    assert "916" not in before.text


def test_days_and_shares_read_natively():
    assert day(AS_OF, "en").replace("\u00a0", " ") == "29 December 2025"
    assert day(AS_OF, "ru").replace("\u00a0", " ") == "29 декабря 2025"
    assert percent(0.0042, "ru") == "0,4\u00a0%"
    assert percent(0.0, "en") == "0%"


def test_a_report_is_written_whole(tmp_path):
    path = tmp_path / "new" / "report.html"
    size = write_report(path, facts(alerts=(), customers=()), language="en")

    assert path.stat().st_size == size
    assert "No alert is open on 29 December 2025" in plain(path.read_text(encoding="utf-8"))
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]
