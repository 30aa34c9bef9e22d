"""The page of Python names, from their docstrings by pdoc, which only development needs."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import churnml
from churnml.errors import InputError


def write_python_names(folder: Path) -> Path:
    """Write ``churnml.html`` and return its path.

    Raises
    ------
    InputError
        If pdoc is not installed.
    """
    try:
        from pdoc import doc, render
    except ImportError:
        raise InputError("pdoc is not installed; `make docs` brings it.") from None
    render.configure(docformat="numpy", show_source=False, search=False)
    module = doc.Module(_all_at_once())
    path = folder / "churnml.html"
    page = render.html_module(module=module, all_modules={"churnml": module})
    path.write_text(page, encoding="utf-8")
    return path


def _all_at_once() -> ModuleType:
    """The package with every public name in it; there itself, names are imported on first use."""
    whole = ModuleType("churnml", churnml.__doc__)
    names = [name for name in churnml.__all__ if name != "__version__"]
    vars(whole).update({name: getattr(churnml, name) for name in names}, __all__=names)
    return whole
