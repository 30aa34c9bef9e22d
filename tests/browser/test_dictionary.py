"""The feature dictionary in a browser: read on any screen, searched by word and by family."""

import numpy as np
import pandas as pd
import pytest

from churnml.features import catalogue
from churnml.report.dictionary import write_dictionary
from churnml.sources.description import Description


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages in English and Russian, every third feature known in half of the rows."""
    features = catalogue(Description())
    names = [feature.name for feature in features]
    values = pd.DataFrame(np.ones((4, len(names))), columns=names)
    values.iloc[:2, ::3] = np.nan
    strength = pd.Series(np.arange(len(names), dtype=float), index=names)
    folder = tmp_path_factory.mktemp("dictionary")
    written = write_dictionary(
        folder, features, dataset="<b>acme</b>", values=values, strength=strength
    )
    return dict(zip(("en", "ru"), written, strict=True))


@pytest.mark.parametrize(
    ("language", "width", "theme"), [("ru", 360, "dark"), ("en", 1280, "light")]
)
def test_the_dictionary_fits_the_screen_and_can_be_read(visit, pages, language, width, theme):
    found = visit(pages[language], width=width, theme=theme)

    assert not found.overflows()
    assert found.weak_contrasts() == []
    found.assert_silent()


def test_a_word_and_a_family_are_looked_for_together(visit, pages):
    found = visit(pages["en"])
    found.page.get_by_role("searchbox").fill("deviation")
    found.page.get_by_role("combobox").select_option("support")
    families = found.page.locator("#signals tbody tr:not([hidden]) td:nth-child(2)")

    assert found.rows("signals")
    assert set(families.all_inner_texts()) == {"support"}
    assert all("deviation" in text for text in found.rows("signals"))
    assert found.page.locator("output").inner_text().startswith(f"{len(found.rows('signals'))} of")


def test_the_most_influential_stands_first_and_a_click_turns_the_order_round(visit, pages):
    found = visit(pages["en"])
    rows = found.page.locator("#signals tbody tr")
    first = rows.first.get_attribute("id")
    influence = found.page.locator("#signals").get_by_role("button", name="influence")
    influence.click()
    influence.click()

    assert found.page.locator("#signals tbody tr").last.get_attribute("id") == first
