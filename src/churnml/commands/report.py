"""The command of the stakeholder report."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from churnml.commands.base import (
    AsJson,
    ConfigFile,
    Data,
    DatasetFile,
    PolicyFile,
    app,
    print_json,
    stderr,
    stdout,
)


class Lang(StrEnum):
    """Languages of the report."""

    EN = "en"
    RU = "ru"


@app.command(
    epilog="Example: churnml report data/demo/data --as-of 2026-01-05 --lang en --out report.html"
)
def report(
    data: Data,
    as_of: Annotated[str, typer.Option("--as-of", help="Date or time of the report.")],
    out: Annotated[Path, typer.Option("--out", help="Page to write: .html.")],
    lang: Annotated[Lang, typer.Option("--lang", help="Language of the page.")] = Lang.EN,
    model: Annotated[
        str, typer.Option(help="Folder of a bundle or MLflow address.")
    ] = "models:/churnml@champion",
    policy: PolicyFile = None,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write one page for stakeholders: how often the alarm is right, who is at risk and why."""
    from churnml.alerting import read_policy
    from churnml.config import read_study
    from churnml.report.stakeholder import make_report
    from churnml.tracking import resolve

    study = read_study(config)
    made = make_report(
        data, as_of=as_of, out=out, bundle=resolve(model), study=study,
        policy=read_policy(policy, study=study), dataset_file=dataset, language=lang.value,
    )  # fmt: skip
    for notice in made.notices:
        stderr.print(f"note: {notice}", style="dim", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        print_json(made.as_json())
        return
    said = f"{made.alerts:,} open alerts among {made.customers:,} customers at risk: {made.path}"
    stdout.print(said, markup=False, highlight=False, soft_wrap=True)
    if not made.proven:
        stdout.print("The model carries no proof; train again to see how often it is right.")
