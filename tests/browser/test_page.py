"""What every page can do, on a sample with everything in it: inert, sorted, searched, readable."""

import re
from pathlib import Path

import numpy as np
import pytest

from churnml.report.canvas import MODEL, ORACLE, RANDOM, RULE, end_labels, line, panel, sheet
from churnml.report.page import Cell, Column, Grid, Measure, drawn, picture, render

SAMPLE = Path(__file__).parent / "sample.html.j2"
EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)> \u202eevil\u202c 🙂 ' + "ю" * 300
WIDTHS = (360, 768, 1280, 1920)


def figure(title="86% of exits announced"):
    drawing = sheet(title, "33 alerts a week", size=(8.0, 4.8))
    axes = panel(drawing.subplots(), x_label="Weeks", y_label="Announced", language="en")
    for place, stroke in enumerate((MODEL, RULE, ORACLE, RANDOM)):
        line(axes, np.arange(8.0), np.linspace(0.9, 0.2, 8) - 0.1 * place, stroke)
    end_labels(axes, [(0.2, "model", MODEL), (0.1, "best rule", RULE)], gap=0.08)
    return drawing


def people():
    columns = (Column("name"), Column("risk", "number"), Column("tier", note="by capacity"))
    rows = (
        (Cell("Ёлка", href="#two"), Cell("7,5%", sort=0.075), Cell("high", chip="high")),
        ("Zeta", "–", Cell("low", chip="low", sort="4")),
        ("abel", Cell("12%", sort=0.12), Cell("critical", chip="critical")),
        (EVIL, "1 041 [900–1 100]", Cell("medium", chip="medium", note=EVIL)),
    )
    return Grid(columns, rows, own=0)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "sample.html"
    figures = [Measure("83%", EVIL, at=0.83, low=0.78, high=0.91, note="78–91%", own=True),
               Measure("13%", "chance", at=0.13), Measure("24", "alerts")]  # fmt: skip
    text = render(
        SAMPLE, language="ru", title="Кто уйдёт", text=EVIL, figures=figures, people=people(),
        drawing=drawn(figure(), key="lead"), shades=picture(figure()),
        contents=[("one", "Первое"), ("two", "Второе")],
    )  # fmt: skip
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_runs_leaves_or_overflows_and_every_text_has_contrast(visit, sample, width, theme):
    found = visit(sample, width=width, theme=theme)

    assert not found.overflows()
    assert found.weak_contrasts() == []
    found.assert_silent()


def test_a_text_that_is_too_pale_would_be_found(visit, tmp_path):
    page = tmp_path / "pale.html"
    page.write_text("<p style='color:#888'>pale</p><p style='color:#666'>readable</p>")

    assert visit(page).weak_contrasts() == ["3.54: pale"]


def test_a_script_that_got_into_a_page_would_not_run(visit, sample, tmp_path):
    page = tmp_path / "broken.html"
    evil = "<script>alert(1)</script><p style='color:red' onclick='alert(2)'>x</p>"
    page.write_text(sample.read_text(encoding="utf-8").replace("</main>", f"{evil}</main>"))
    found = visit(page)

    assert found.dialogs == []
    assert len([error for error in found.errors if "Content Security Policy" in error]) >= 2


def test_columns_sort_by_size_or_word_and_the_unknown_comes_last(visit, sample):
    found = visit(sample)
    risk, name = (found.page.get_by_role("button", name=title) for title in ("risk", "name"))
    first = [text[:4] for text in found.rows("people")]
    risk.click()
    largest = [text[:4] for text in found.rows("people")]
    risk.click()
    smallest = [text[:4] for text in found.rows("people")]
    name.focus()
    found.page.keyboard.press("Enter")

    assert first == ["Ёлка", "Zeta", "abel", EVIL[:4]]
    assert largest == [EVIL[:4], "abel", "Ёлка", "Zeta"]
    assert smallest == ["Ёлка", "abel", EVIL[:4], "Zeta"]
    assert [text[:4] for text in found.rows("people")][1:3] != largest[1:3]
    assert found.page.locator("th[aria-sort]").count() == 1
    assert found.page.locator("th").first.get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize(
    ("language", "sizes"),
    [("en", ("1,041 [900–1,100]", "2.5", "41,234")), ("ru", ("1\u202f041", "2,5", "41\u202f234"))],
)
def test_thousands_and_decimals_sort_as_the_language_of_the_page_writes_them(
    visit, tmp_path, language, sizes
):
    grid = Grid((Column("name"), Column("size", "number")),
                tuple(zip(("middle", "least", "most"), sizes, strict=True)), own=0)  # fmt: skip
    page = tmp_path / "sizes.html"
    figures = [Measure("83%", "", at=0.83)]
    page.write_text(render(
        SAMPLE, language=language, title="Sizes", text="", figures=figures, people=grid,
        drawing=drawn(figure(), key="lead"), shades=picture(figure()), contents=[("one", "One")],
    ), encoding="utf-8")  # fmt: skip
    found = visit(page)
    found.page.get_by_role("button", name="size").click()

    assert found.rows("people") == ["most", "middle", "least"]


def test_the_search_finds_any_case_and_counts_what_is_shown(visit, sample):
    found = visit(sample)
    box, count = found.page.get_by_role("searchbox"), found.page.locator("output")
    box.fill("ЕЛКА high")

    assert found.rows("people") == ["Ёлка"]
    assert count.inner_text() == "1 из 4"

    box.fill("nobody")

    assert found.rows("people") == []
    assert found.page.get_by_text("Ничего не найдено").is_visible()


def test_the_colours_are_chosen_and_kept(visit, sample):
    found = visit(sample, theme="light")
    root = found.page.locator("html")
    button = found.page.get_by_role("button", name="Цвета")
    button.click()
    button.click()
    chosen = root.get_attribute("data-theme"), button.inner_text().strip()
    found.page.reload()

    assert chosen == ("dark", "Цвета: тёмные")
    assert root.get_attribute("data-theme") == "dark"
    assert found.weak_contrasts() == []


def test_print_is_light_and_opens_what_is_folded(visit, sample):
    found = visit(sample, theme="dark")
    found.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    found.page.emulate_media(media="print")

    assert found.page.locator("#inside").is_visible()
    assert not found.page.locator(".tools").is_visible()
    assert found.weak_contrasts() == []
    assert found.page.pdf(format="A4").startswith(b"%PDF")


def test_a_link_into_a_folded_part_opens_it(visit, sample):
    found = visit(sample)
    found.page.evaluate("location.hash = '#inside'")
    found.page.locator("#folded[open]").wait_for(state="attached")


def test_without_scripts_everything_is_there_and_no_control_that_does_nothing(visit, sample):
    found = visit(sample, java_script_enabled=False)

    assert found.page.locator("tbody tr").count() == 4
    assert not found.page.locator(".tools").is_visible()
    assert not found.page.locator(".theme").is_visible()


def test_figures_take_the_colours_of_the_page_and_no_id_occurs_twice(sample):
    text = sample.read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', text)
    outside = re.findall(r'(?:src|href)="(?!#|data:)', text)

    assert len(ids) == len(set(ids))
    assert 'class="s-model"' in text
    assert outside == []
    assert 'style="' not in text


def test_the_same_page_is_the_same_file(sample):
    again = drawn(figure(), key="lead")

    assert str(again.wide) in sample.read_text(encoding="utf-8")
