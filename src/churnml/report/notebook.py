"""What a training looks like in a notebook: one block that fills up, then the result."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from churnml import markup
from churnml.evaluation.display import FIGURES
from churnml.report.terminal import Stages
from churnml.spoken import counted

_SLOWEST_REDRAW = 0.2  # seconds between two pictures of a bar


class NotebookStages(Stages):
    """The stages of a run as one output that is redrawn in place; needs no widgets.

    A notebook that is saved keeps the last picture.
    """

    def __init__(self) -> None:
        from IPython.display import DisplayHandle

        # Said by a library's bars, which nobody sees here: these are our own.
        warnings.filterwarnings("ignore", message="IProgress not found")
        super().__init__(Console(quiet=True))
        self._said: dict[str, list[str]] = {}
        self._notices: list[str] = []
        self._bar = markup.EMPTY
        self._handle = DisplayHandle()
        self._handle.display({"text/plain": "", "text/html": ""}, raw=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage of the run."""
        self._said[name] = []
        self._draw()
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start
            self._draw()

    def say(self, line: str) -> None:
        """Write one line of progress beside the running stage."""
        stage = next(reversed(self._said), "")
        self._said.setdefault(stage, []).append(Text.from_markup(line).plain)
        self._draw()

    def notices(self, lines: Sequence[str]) -> None:
        """Keep what a user should know of the data; it opens on a click."""
        self._notices += lines
        self._draw()

    @contextmanager
    def bar(self, total: int) -> Iterator[Any]:
        """A bar with the best value so far."""
        drawn = 0.0

        def advance(done: int, best: float) -> None:
            nonlocal drawn
            self._bar = _bar(done, total, best)
            if done >= total or time.perf_counter() - drawn > _SLOWEST_REDRAW:
                drawn = time.perf_counter()
                self._draw()

        try:
            yield advance
        finally:
            self._bar = markup.EMPTY
            self._draw()

    def _draw(self) -> None:
        shown = markup.card(
            "Training",
            markup.table([self._row(name) for name in self._said], head=("stage", "seconds", "")),
            self._bar,
            markup.folded(counted(len(self._notices), "notice"), markup.listed(self._notices)),
        )
        plain = "\n".join(f"{name}: {seconds:.1f} s" for name, seconds in self.seconds.items())
        self._handle.update({"text/plain": plain, "text/html": shown}, raw=True)

    def _row(self, name: str) -> tuple[str, str, str]:
        seconds = self.seconds.get(name)
        return name, "…" if seconds is None else f"{seconds:.1f}", " ".join(self._said[name][-1:])


def _bar(done: int, total: int, best: float) -> markup.Html:
    part = done / max(total, 1)
    strip = markup.strip([(0.0, part, "solid"), (part, 1.0, "soft")], label=f"{done} of {total}")
    row = (strip, f"{done} of {total}", f"best average precision {best:.4f}")
    return markup.table([row])


def stages_for(console: Console | None) -> Stages:
    """Stages on the console given; without one in the notebook if we are in one, else on stderr."""
    if console is not None:
        return Stages(console)
    here = Console(stderr=True, markup=False)
    return NotebookStages() if here.is_jupyter else Stages(here)


def training_html(content: Mapping[str, Any]) -> str:
    """The document of a training: the verdict, the model beside the rules, where everything is.

    Parameters
    ----------
    content : mapping
        The JSON document of ``churnml train``.
    """
    scores = {"model": content["metrics"], **content["baselines"]}
    shown = [each for each in FIGURES if any(part.get(each[0]) is not None
                                             for part in scores.values())]  # fmt: skip
    rows = [
        (name, *(write(part.get(figure)) for figure, _, write in shown))
        for name, part in scores.items()
    ]
    alarms = [one["message"] for one in content["audit"]["findings"] if one["severity"] != "info"]
    return markup.card(
        "Promoted" if content["promoted"] else "Not promoted",
        markup.paragraph(content["signal"]),
        markup.folded(f"{len(alarms)} alarms of the audit", markup.listed(alarms)),
        markup.table(rows, head=("out of time", *(label for _, label, _ in shown)), right=1),
        markup.folded("Where everything is", markup.facts(content["where"])),
        said=content["reason"],
    )
