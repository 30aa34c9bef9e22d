"""The stakeholder report in a real browser: inert, silent, searchable, readable, printable."""

import re

import pytest

from churnml.report.stakeholder import write_report
from drawn.report import crowd, facts

WIDTHS = (360, 768, 1280, 1920)
#: What the margins of an A4 page leave, in pixels of 1/96 inch.
PAPER_WIDTH, PAPER_HEIGHT = 703, 1020


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    found = facts()
    for language in ("en", "ru"):
        write_report(folder / f"report-{language}.html", found, language=language)
    return folder


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_texts_are_inert_nothing_leaves_and_every_text_has_contrast(
    visit, report, width, theme
):
    found = visit(report / "report-en.html", width=width, theme=theme)
    found.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")

    assert not found.overflows()
    assert found.weak_contrasts() == []
    assert found.page.locator("img[src='x']").count() == 0
    found.assert_silent()


def test_the_russian_page_is_silent_too(visit, report):
    found = visit(report / "report-ru.html", width=360)

    assert not found.overflows()
    assert found.page.locator("html").get_attribute("lang") == "ru"
    found.assert_silent()


def names(found):
    return [text.splitlines()[0][:4] for text in found.rows("alert-list")]


def test_alerts_are_searched_filtered_and_sorted(visit, report):
    found = visit(report / "report-en.html")
    page = found.page
    assert len(names(found)) == 3

    page.fill("input[data-filter-for=alert-list]", "ЕЛКА")  # any case, ё or е
    assert names(found) == ["Ёлка"]
    page.fill("input[data-filter-for=alert-list]", "")
    page.select_option("select[data-column='1']", "critical")
    assert [name[:4] for name in names(found)] == ["<scr"]
    assert page.locator("output[data-count-for=alert-list]").inner_text() == "1 of 3"
    page.select_option("select[data-column='1']", "")
    page.select_option("select[data-column='4']", "support")
    assert len(names(found)) == 1
    page.select_option("select[data-column='4']", "")

    heading = page.locator("#alert-list thead th").nth(2).get_by_role("button")
    heading.focus()
    page.keyboard.press("Enter")
    assert page.locator("#alert-list thead th").nth(2).get_attribute("aria-sort") == "descending"
    assert names(found)[-1] == "\u202eevi"[:4]
    found.assert_silent()


def test_on_a_phone_the_list_is_cards_that_a_control_sorts(visit, report):
    found = visit(report / "report-en.html", width=360, has_touch=True)
    assert not found.page.locator("#alert-list thead").is_visible()

    found.page.select_option("select[data-sort-for=alert-list]", "1")

    tiers = found.page.locator("#alert-list tbody tr td:nth-child(2)").all_inner_texts()
    assert [text.strip() for text in tiers] == ["critical", "high", "medium"]
    found.assert_silent()


def test_a_name_opens_the_section_of_its_customer(visit, report):
    found = visit(report / "report-en.html")
    section = found.page.locator("#c3")
    assert section.get_attribute("open") is None

    found.page.locator("#alert-list a[href='#c3']").click()

    found.page.locator("#c3[open]").wait_for(state="attached")
    assert section.locator(".lanes").is_visible()


def test_print_opens_every_section_and_hides_the_controls(visit, report):
    found = visit(report / "report-en.html")
    found.page.emulate_media(media="print")
    found.page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert found.page.locator("details:not([open])").count() == 0
    assert not found.page.locator(".tools").first.is_visible()
    assert not found.page.locator("[data-theme-toggle]").is_visible()
    assert found.page.pdf()[:5] == b"%PDF-"
    found.assert_silent()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_printed_report_is_dense_and_nothing_in_it_is_cut(visit, tmp_path, language):
    write_report(tmp_path / "crowd.html", crowd(24), language=language)
    found = visit(tmp_path / "crowd.html", width=PAPER_WIDTH, theme="dark")
    found.page.emulate_media(media="print")
    found.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    cut = found.page.evaluate(
        """[...document.querySelectorAll("main *")].filter((one) => one.getClientRects().length
        && getComputedStyle(one).overflowX !== "visible" && one.tagName !== "svg"
        && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1))
        .map((one) => one.outerHTML.slice(0, 80))"""
    )
    over_the_next = found.page.evaluate(
        """[...document.querySelectorAll("#alert-list .chip")].filter((one) =>
        one.getBoundingClientRect().right > one.closest("td").getBoundingClientRect().right)
        .map((one) => one.innerText)"""
    )
    heights = found.page.evaluate(
        """[...document.querySelectorAll(".customer, .plot")].map((one) => one.offsetHeight)"""
    )

    assert not found.overflows()
    assert cut == []
    assert over_the_next == []
    assert max(heights) < PAPER_HEIGHT / 3.5
    assert len(re.findall(rb"/Type /Page\b", found.page.pdf(format="A4"))) <= 12


def test_without_a_script_everything_can_be_read_and_printed(visit, report):
    found = visit(report / "report-en.html", java_script_enabled=False)
    found.page.emulate_media(media="print")
    assert found.page.locator("#c3 .lanes").is_visible()
    found.page.emulate_media(media="screen")

    assert found.page.locator("#alert-list tbody tr").count() == 3
    assert not found.page.locator(".tools").first.is_visible()
