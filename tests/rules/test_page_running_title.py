"""What a printed page says at its top: any text, as a string of the style that it cannot end."""

from churnml.report.page import render


def page(folder, **values):
    template = folder / "bare.html.j2"
    template.write_text('{% extends "base.html.j2" %}')
    return render(template, language="ru", **values)


def test_a_running_title_ends_neither_its_string_nor_the_style(tmp_path):
    found = page(tmp_path, title='</style>"\\A Ёж 7')

    assert r'content: "\3c \2f style\3e \22 \5c A\20 Ёж\20 7";' in found
    assert found.count("</style>") == 1


def test_the_running_title_is_the_line_over_the_heading_where_there_is_one(tmp_path):
    assert r'content: "acme\20 \b7 \20 May";' in page(tmp_path, title="Risk", kicker="acme · May")
