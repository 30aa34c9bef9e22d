"""The command that needs no model: health of everyone at risk."""

from __future__ import annotations

from typing import Annotated

import typer

from churnml.commands.base import (
    AsJson,
    AsOfs,
    Data,
    DatasetFile,
    Every,
    Out,
    Since,
    Until,
    app,
    instants,
    print_json,
    print_table,
    show_notices,
    stdout,
)
from churnml.spoken import counted


@app.command(epilog="Example: churnml health data/demo/data --as-of 2025-12-01 --out health.csv")
def health(
    data: Data,
    out: Out,
    as_of: AsOfs = None,
    since: Since = None,
    until: Until = None,
    every: Every = "7d",
    preset: Annotated[
        str, typer.Option(help="Rules: default, small_business, seed_points or a .toml of yours.")
    ] = "default",
    dataset: DatasetFile = None,
    as_json: AsJson = False,
) -> None:
    """Score health by rules, without a model. Of everyone at risk, 0 to 100 (100 = well)."""
    from churnml.delivery import check_suffix, write_health
    from churnml.health import health_features, health_table, read_preset
    from churnml.health.score import rows_by_colour
    from churnml.scoring import features_at
    from churnml.sources import open_dataset

    check_suffix(out)
    chosen = read_preset(preset)
    opened = open_dataset(data, dataset_file=dataset)
    as_ofs = instants(opened, as_of, since, until, every)
    show_notices(opened.notices)
    features = features_at(opened, as_ofs, features=health_features(opened, chosen))
    table = health_table(features, chosen)
    write_health(table, out)
    counts = rows_by_colour(table["colour"])
    if as_json:
        print_json({"rows": len(table), "by_colour": counts, "preset": preset, "out": str(out)})
        return
    rows = [(colour, f"{count:,}") for colour, count in counts.items()]
    print_table("Health", ("colour", "customers"), rows)
    stdout.print(f"{counted(len(table), 'row')} in {out}", soft_wrap=True)
