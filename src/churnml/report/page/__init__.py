"""One style for all pages: a base to extend, pieces to call, and one function that renders."""

from churnml.report.page.drawing import Drawing, drawn, picture
from churnml.report.page.parts import Cell, Column, Grid, Measure
from churnml.report.page.rendering import plain_environment, render, write_page

__all__ = [
    "Cell",
    "Column",
    "Drawing",
    "Grid",
    "Measure",
    "drawn",
    "picture",
    "plain_environment",
    "render",
    "write_page",
]
