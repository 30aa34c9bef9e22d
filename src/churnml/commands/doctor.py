"""The command that looks for leaks and for mistakes in the use of scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnml.commands.base import (
    AsJson,
    ConfigFile,
    Data,
    DatasetFile,
    app,
    print_json,
    print_records,
    stderr,
    stdout,
)
from churnml.spoken import counted

if TYPE_CHECKING:
    from churnml.evaluation.audit import Audit

JudgedModel = Annotated[
    str | None,
    typer.Option(help="Also judge the age and size of this model: folder or version."),
]
JudgedScores = Annotated[
    Path | None,
    typer.Option(help="Also look whether anybody acted on the alerts of this score file."),
]


@app.command(epilog="Example: churnml doctor data/demo/data --model mlruns/bundles/0123abcd")
def doctor(
    data: Data,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    model: JudgedModel = None,
    scores: JudgedScores = None,
    as_json: AsJson = False,
) -> None:
    """Look for leaks and for mistakes in use. Exit code 1 when something was found."""
    from churnml.config import read_study
    from churnml.evaluation.audit import examine
    from churnml.evaluation.outside import read_scores
    from churnml.explanation.audit import examine_reasons, with_reasons
    from churnml.model.bundle import Bundle
    from churnml.prepared import RUNS
    from churnml.tracking import resolve

    def say(line: str) -> None:
        stderr.print(line, style="dim", highlight=False, soft_wrap=True)

    study, cache = read_study(config), RUNS / "cache"
    audit = examine(
        data,
        dataset_file=dataset,
        study=study,
        cache=cache,
        bundle=None if model is None else Bundle.load(resolve(model)),
        scores=None if scores is None else read_scores(scores),
        say=say,
    )
    quality = examine_reasons(data, dataset_file=dataset, study=study, cache=cache, say=say)
    audit = with_reasons(audit, quality)
    if as_json:
        print_json(audit.as_json() | {"reasons": None if quality is None else quality.as_json()})
    else:
        _show(audit)
    raise typer.Exit(0 if audit.ok else 1)


def _show(audit: Audit) -> None:
    """Findings first, each as one line, then what was looked at."""
    styles = {"error": "bold red", "warning": "yellow", "info": "dim"}
    for finding in audit.findings:
        stdout.print(
            f"{finding.severity}: {finding.message}", style=styles[finding.severity],
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    print_records("Checks", audit.as_json()["checks"])
    stdout.print(
        "Nothing to act on." if audit.ok else f"{counted(len(audit.alarms), 'finding')} to act on."
    )
