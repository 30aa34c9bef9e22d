"""Commands of the daily work: raise alerts, watch the customers that matter most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churnml.commands.base import (
    AsJson,
    ConfigFile,
    DataOption,
    DatasetFile,
    Out,
    PolicyFile,
    Scores,
    app,
    print_json,
    show_notices,
    stderr,
    stdout,
)


@app.command(
    epilog="Example: churnml alerts scores.parquet --data data/demo/data --state alerts/ "
    "--out alerts.csv"
)
def alerts(
    scores: Scores,
    data: DataOption,
    out: Out,
    state: Annotated[
        Path, typer.Option(help="Folder that remembers who was alerted; made on the first run.")
    ],
    policy: PolicyFile = None,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say whom to call today: the new alerts of new scores. Run twice, nothing new is raised."""
    from churnml.alerting import read_policy
    from churnml.alerting.desk import CARRIED, raise_alerts
    from churnml.config import read_study
    from churnml.delivery import check_suffix, write_alerts
    from churnml.evaluation.outside import read_scores
    from churnml.report.desk import show_desk
    from churnml.sources import open_dataset

    check_suffix(out)
    study = read_study(config)
    rules = read_policy(policy, study=study)
    read = read_scores(scores, beside=CARRIED)
    opened = open_dataset(data, dataset_file=dataset)
    show_notices(opened.notices)
    desk = raise_alerts(read, opened, policy=rules, choice=study.tiers, state=state)
    write_alerts(desk.alerts, out)
    for notice in desk.notices:
        stderr.print(f"note: {notice}", style="dim", soft_wrap=True)
    if as_json:
        print_json({**desk.as_json(), "out": str(out), "state": str(state)})
    else:
        show_desk(desk, stdout.console, timezone=opened.description.timezone)
        stdout.print(f"All alerts are in {out}.", soft_wrap=True)


@app.command(epilog="Example: churnml watch scores.parquet --data data/demo/data --top 50")
def watch(
    scores: Scores,
    data: DataOption,
    top: Annotated[int, typer.Option(min=1, help="How many customers.")] = 50,
    dataset: DatasetFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the most valuable customers, whatever their risk. At the newest as_of of the scores."""
    from churnml.alerting.desk import CARRIED
    from churnml.alerting.watch import watch_list
    from churnml.evaluation.outside import read_scores
    from churnml.report.desk import show_watch_list
    from churnml.sources import open_dataset

    read = read_scores(scores, beside=CARRIED)
    opened = open_dataset(data, dataset_file=dataset)
    show_notices(opened.notices)
    listed = watch_list(read, opened, top=top)
    if as_json:
        print_json({"customers": listed.records(), "as_of": f"{listed.as_of:%Y-%m-%dT%H:%M:%SZ}"})
    else:
        show_watch_list(listed, stdout.console, timezone=opened.description.timezone)
