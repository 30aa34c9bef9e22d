"""A notebook as text with cells (py:percent) turned into a notebook file, not yet run."""

from __future__ import annotations

import json
import re

_CELL = re.compile(r"^# %%(?P<kind> \[markdown\])?[^\n]*\n", re.MULTILINE)


def as_ipynb(text: str) -> str:
    r"""The JSON of an .ipynb with the cells of a py:percent text.

    Examples
    --------
    >>> cells = json.loads(as_ipynb("# %% [markdown]\n# Why?\n# %%\n1 + 1\n"))["cells"]
    >>> [(cell["cell_type"], cell["source"]) for cell in cells]
    [('markdown', ['Why?']), ('code', ['1 + 1'])]
    """
    starts = list(_CELL.finditer(text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    cells = [
        _cell(text[start.end() : end].strip("\n"), markdown=start["kind"] is not None, place=place)
        for place, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    paired = {"formats": "ipynb,py:percent"}
    content = {
        "cells": cells,
        "metadata": {"jupytext": paired, "kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _cell(source: str, *, markdown: bool, place: int) -> dict[str, object]:
    lines = source.splitlines()
    if markdown:
        lines = [line.removeprefix("#").removeprefix(" ") for line in lines]
    kept = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
    cell: dict[str, object] = {
        "cell_type": "markdown" if markdown else "code",
        "id": f"cell-{place:02d}",
        "metadata": {},
        "source": kept,
    }
    return cell if markdown else cell | {"execution_count": None, "outputs": []}
