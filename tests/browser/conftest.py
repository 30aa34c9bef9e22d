"""A real Chromium that opens pages from disk, and remembers what they said and asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update")  # fmt: skip
WIDTHS = (360, 768, 1280, 1920)
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@dataclass
class Visit:
    """A page that was opened, and everything it did beside being shown."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def weak_contrasts(self) -> list[str]:
        """Every visible text whose contrast to what lies behind it is below 4.5 (large: 3)."""
        return self.page.evaluate(CONTRAST)

    def overflows(self) -> bool:
        """Whether the page as a whole must be scrolled sideways."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

    def rows(self, table: str) -> list[str]:
        """The first cells of the rows of a table that are shown, in their order."""
        cells = self.page.locator(f"#{table} tbody tr:not([hidden]) td:first-child")
        return [text.strip() for text in cells.all_inner_texts()]

    def assert_silent(self) -> None:
        """No error on the console, no dialog, no request but for the file itself."""
        assert self.errors == []
        assert self.dialogs == []
        assert self.requests == []


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser of this machine; the test is skipped where there is none."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser on the PATH ({', '.join(NAMES)}); pages are not tested here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Visit]]:
    """Opens a file: ``visit(path, width=360, theme="dark")``; any option of a context goes.

    With ``CHURNML_SCREENSHOTS=folder`` every page that a test opened is kept there as a picture.
    """
    contexts = []

    def open_(path: Path, *, width: int = 1280, theme: str = "light", **options: Any) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, **options
        )
        contexts.append(context)
        found = Visit(context.new_page())
        _listen(found)
        found.page.goto(path.as_uri())
        if folder := os.environ.get("CHURNML_SCREENSHOTS"):
            shot = Path(folder) / f"{path.stem}-{width}-{theme}.png"
            found.page.screenshot(path=shot, full_page=True)
        return found

    yield open_
    for context in contexts:
        context.close()


def _listen(found: Visit) -> None:
    def dialog(one: Any) -> None:
        found.dialogs.append(one.message)
        one.dismiss()

    def request(one: Any) -> None:
        if not one.url.startswith("data:") and not one.is_navigation_request():
            found.requests.append(one.url)

    def console(one: Any) -> None:
        if one.type in ("error", "warning"):
            found.errors.append(one.text)

    found.page.on("console", console)
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    found.page.on("dialog", dialog)
    found.page.on("request", request)
