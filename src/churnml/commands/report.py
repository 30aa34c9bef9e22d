"""The command of the stakeholder report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churnml.commands.base import (
    CHAMPION,
    AsJson,
    ConfigFile,
    Data,
    DatasetFile,
    Lang,
    Model,
    PolicyFile,
    app,
    print_json,
    show_notices,
    stdout,
)
from churnml.spoken import counted


@app.command(
    epilog="Example: churnml report data/demo/data --as-of 2026-01-05 --lang en --out report.html"
)
def report(
    data: Data,
    as_of: Annotated[
        str, typer.Option("--as-of", help="Date or time of the report; nothing later is known.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Page to write: .html.")],
    lang: Lang = "en",
    model: Model = CHAMPION,
    policy: PolicyFile = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the ledger of `churnml alerts`: tells what was really alerted; "
            "default: the queue is replayed."
        ),
    ] = None,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write one page for stakeholders. How often the alarm is right, who is at risk and why."""
    from churnml.alerting import read_policy
    from churnml.config import read_study
    from churnml.report.stakeholder import make_report
    from churnml.tracking import resolve

    study = read_study(config)
    made = make_report(
        data, as_of=as_of, out=out, bundle=resolve(model), study=study,
        policy=read_policy(policy, study=study), state=state, dataset_file=dataset, language=lang,
    )  # fmt: skip
    show_notices(made.notices)
    if as_json:
        print_json(made.as_json())
        return
    alerts, alerted = counted(made.alerts, "open alert"), counted(made.alerted, "customer")
    said = f"{alerts} of {alerted}; at risk: {made.customers:,}. Written to {made.path}."
    stdout.print(said, highlight=False, soft_wrap=True)
    if not made.proven:
        stdout.print("The model carries no proof; train again to see how often it is right.")
