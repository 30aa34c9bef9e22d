"""The model card in a browser: nothing runs, everything is readable, in both languages."""

import pytest

from churnml.report.canvas import MODEL, RULE, end_labels, line, panel, sheet
from churnml.report.card import card_html
from drawn.card import EVIL, content, facts

AUDIT = {
    "findings": [{"message": EVIL}],
    "checks": [{"check": "purge", "passed": True, "detail": EVIL},
               {"check": "quality", "passed": False, "detail": "x"},
               {"check": "future_total", "passed": None, "detail": "y"}],
}  # fmt: skip


def curve():
    figure = sheet("83% of exits announced", "24 alerts a week")
    axes = panel(figure.subplots(), x_label="Weeks", y_label="Announced", language="en")
    for stroke, name, low in ((MODEL, "model", 0.2), (RULE, "best simple rule", 0.1)):
        axes.fill_between([1, 8], [0.8, low], [1, low + 0.2], color=stroke.colour, alpha=0.14)
        line(axes, [1, 8], [0.9, low], stroke)
        end_labels(axes, [(low, name, stroke)], gap=0.1)
    return figure


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """The card in a language, on disk."""
    folder = tmp_path_factory.mktemp("card")

    def written(language):
        path = folder / f"card.{language}.html"
        figures = {"lead_time": curve(), "calibration": curve()}
        evil = content(dataset=EVIL, audit=AUDIT, promoted=False)
        path.write_text(card_html(evil, facts(), figures=figures, language=language))
        return path

    return {language: written(language) for language in ("en", "ru")}


@pytest.mark.parametrize(
    ("language", "width", "theme"),
    [("en", 360, "light"), ("ru", 360, "dark"), ("ru", 1280, "light"), ("en", 1920, "dark")],
)
def test_a_card_is_inert_fits_the_screen_and_can_be_read(visit, card, language, width, theme):
    found = visit(card[language], width=width, theme=theme)

    assert not found.overflows()
    assert found.weak_contrasts() == []
    assert found.page.locator("html").get_attribute("lang") == language
    found.assert_silent()


def test_every_entry_of_the_contents_leads_to_its_section(visit, card):
    found = visit(card["en"])
    targets = found.page.locator("nav a").evaluate_all("all => all.map(one => one.hash.slice(1))")

    assert targets
    assert [one for one in targets if not found.page.locator(f"section#{one}").count()] == []


def test_the_printed_card_shows_its_figures_once_and_no_controls(visit, card):
    found = visit(card["ru"], width=360, theme="dark")
    found.page.emulate_media(media="print")

    assert found.page.locator("figure svg:visible").count() == 2
    assert found.page.locator(".theme:visible, .tools:visible, nav:visible").count() == 0
    assert found.weak_contrasts() == []
