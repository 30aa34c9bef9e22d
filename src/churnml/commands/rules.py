"""The command about rules in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from churnml.commands.base import (
    AsJson,
    ConfigFile,
    DatasetFile,
    StudyData,
    app,
    data_of,
    print_json,
    show_notices,
    stderr,
    stdout,
)


@app.command(epilog="Example: churnml rules data/demo/data --within-days 60 --top 20")
def rules(
    data: StudyData = None,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    within_days: Annotated[
        int, typer.Option(min=1, help="An exit counts if it comes so soon after.")
    ] = 60,
    top: Annotated[
        int, typer.Option(min=1, help="How many of the rules found are tested on later weeks.")
    ] = 20,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write the rules into: .parquet, .csv or .jsonl."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find rules that hold in later weeks. Say, "after a downgrade 4 times as likely to leave"."""
    from churnml.config import read_study
    from churnml.delivery import check_suffix, write_table
    from churnml.evaluation.rule_book import mine_rules
    from churnml.model.examples import prepare
    from churnml.prepared import RUNS
    from churnml.sources import open_dataset

    if out is not None:
        check_suffix(out)
    study = read_study(config)
    opened = open_dataset(data_of(study, data), dataset_file=dataset)
    show_notices(opened.notices)
    examples, folds = prepare(opened, study=study, cache=RUNS / "cache", say=stderr.print)
    found = mine_rules(opened, examples, folds=folds, within_days=within_days, top=top)
    if out is not None:
        write_table(found.table(), out)
    if as_json:
        print_json(found.as_json())
    else:
        _show(found.as_json())


def _show(content: dict[str, Any]) -> None:
    """The confirmed rules as sentences, and how many were looked at."""
    for number, rule in enumerate(content["rules"], start=1):
        stdout.print(f"{number}. {rule['text_en']}", soft_wrap=True, highlight=False)
    tried = len(content["rules"]) + len(content["not_confirmed"])
    stdout.print(
        f"{content['looked_at']:,} conditions looked at, {content['discovered']:,} passed the "
        f"false discovery rate, {tried} unlike ones were tried on later weeks, "
        f"{len(content['rules'])} were confirmed. They tell who is likely to leave, not why.",
        soft_wrap=True,
        highlight=False,
    )
