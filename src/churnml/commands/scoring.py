"""Commands about scores: make them, judge them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from churnml.commands.base import (
    CHAMPION,
    AsJson,
    AsOfs,
    ConfigFile,
    Data,
    DatasetFile,
    Engine,
    Every,
    Model,
    Out,
    PolicyFile,
    Since,
    Until,
    app,
    home_of,
    instants,
    print_json,
    show_notices,
    stderr,
    stdout,
)
from churnml.spoken import counted


@app.command(epilog="Example: churnml score data/demo/data --as-of 2026-01-05 --out scores.parquet")
def score(
    data: Data,
    out: Out,
    as_of: AsOfs = None,
    since: Since = None,
    until: Until = None,
    every: Every = "7d",
    model: Model = CHAMPION,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    engine: Engine = "duckdb",
    as_json: AsJson = False,
) -> None:
    """Score everyone at risk, on one or many dates. Probability, reasons, health, tier, value."""
    from churnml.alerting.tiers import counts_by_kind
    from churnml.config import read_study
    from churnml.delivery import check_suffix, write_scores
    from churnml.explanation import strongest_reasons
    from churnml.model.bundle import Bundle
    from churnml.scoring import listened, said_of_silence, score_everyone
    from churnml.sources import open_dataset
    from churnml.tracking import resolve

    check_suffix(out)
    study = read_study(config)
    opened = replace(open_dataset(data, dataset_file=dataset), home=home_of(engine))
    as_ofs = instants(opened, as_of, since, until, every)
    bundle = Bundle.load(resolve(model))
    show_notices(opened.notices)
    if silence := said_of_silence(as_ofs, opened):
        stderr.print(f"note: {silence}", style="yellow", highlight=False, soft_wrap=True)
    heard = listened(opened, bundle)
    scores, table, _ = score_everyone(heard, bundle, as_ofs, study=study)
    said = strongest_reasons(heard, bundle, table, scores["probability"], study=study)
    told = {name: said[name].to_numpy() for name in said}
    write_scores(scores.assign(**told), out)
    in_tiers = counts_by_kind(scores, study.tiers, seed=study.seed)
    moments = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in as_ofs]
    content = {"rows": len(scores), "as_ofs": moments, "tiers": in_tiers, "out": str(out)}
    _answer({**content, "by_tier": in_tiers[study.tiers.by]}, as_json=as_json)


def _answer(content: dict[str, Any], *, as_json: bool) -> None:
    """Print where the scores are, and how many customers fall in each tier."""
    if as_json:
        print_json(content)
        return
    moments = counted(len(content["as_ofs"]), "as_of")
    where = f"{counted(content['rows'], 'score')} at {moments} in {content['out']}"
    stdout.print(where, soft_wrap=True)
    for kind, counts in content["tiers"].items():
        said = ", ".join(f"{count:,} {tier}" for tier, count in counts.items())
        stdout.print(f"Tiers by {kind}: {said}.", soft_wrap=True)


@app.command(epilog="Example: churnml evaluate scores.parquet data/demo/data")
def evaluate(
    scores: Annotated[
        Path, typer.Argument(help="Any system's file: customer_id, as_of, probability or score.")
    ],
    data: Data,
    policy: PolicyFile = None,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Judge any score file, another system's too. Rows, queue, lead time; a random score beside."""
    from churnml.alerting import read_policy
    from churnml.config import read_study
    from churnml.evaluation.outside import judge_file
    from churnml.report.terminal import show_evaluation
    from churnml.sources import open_dataset

    opened = open_dataset(data, dataset_file=dataset)
    show_notices(opened.notices)
    study = read_study(config)
    judged = judge_file(scores, opened, study=study, policy=read_policy(policy, study=study))
    if as_json:
        print_json(judged.as_json())
    else:
        show_evaluation(judged.as_json(), stdout.console)
