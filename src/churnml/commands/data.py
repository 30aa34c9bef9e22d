"""Commands about the data: simulate a company, check tables, compute features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churnml.commands.base import (
    AsJson,
    AsOfs,
    Data,
    DatasetFile,
    Every,
    Since,
    Until,
    app,
    bar,
    instants,
    print_json,
    print_records,
    print_table,
    show_notices,
    stdout,
)
from churnml.errors import InputError


@app.command(epilog="Example: churnml simulate data/demo --customers 2000 --weeks 104 --seed 7")
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write data/ and truth/ into.")],
    world: Annotated[str, typer.Option(help="Kind of company.")] = "saas",
    customers: Annotated[int, typer.Option(help="How many customers.")] = 2000,
    weeks: Annotated[int, typer.Option(help="How many weeks are observed.")] = 104,
    seed: Annotated[int, typer.Option(min=0, help="Draws causes, calendar and people.")] = 7,
    population_seed: Annotated[
        int | None, typer.Option(min=0, help="Same causes and calendar, other people.")
    ] = None,
    causes_seed: Annotated[
        int | None,
        typer.Option(min=0, help="Draws anew how strongly, how fast and by what causes show."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a company whose true hazards are known."""
    from churnml.sources.world import simulate as run

    tables = run(
        out, world=world, customers=customers, weeks=weeks, seed=seed,
        population_seed=population_seed, causes_seed=causes_seed,
    )  # fmt: skip
    if as_json:
        print_json({"tables": tables})
        return
    print_table("Tables", ("table", "rows"), [(name, f"{rows:,}") for name, rows in tables.items()])
    stdout.print(f"Written to {out / 'data'}; the truth is in {out / 'truth'}.", soft_wrap=True)


@app.command(epilog="Example: churnml check data/demo/data --quarantine quarantine/")
def check(
    data: Data,
    dataset: DatasetFile = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="Folder for the rows that were refused, with reasons.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check tables against the contract; exit code 1 when something was found."""
    from churnml.sources import check as run

    report = run(data, dataset_file=dataset, quarantine=quarantine)
    content = report.as_json()
    if as_json:
        print_json(content)
    else:
        print_records("Tables", content["tables"])
        print_records("Findings", content["findings"])
        stdout.print("Fit for training." if report.ok else "Not fit for training: mend the errors.")
    # What is merely worth knowing (info) is no finding to act on.
    raise typer.Exit(1 if any(one["severity"] != "info" for one in content["findings"]) else 0)


@app.command(
    epilog="Example: churnml features data/demo/data --as-of 2026-01-05 --out features.parquet"
)
def features(
    data: Annotated[Path | None, typer.Argument(help="Folder of tables or a DuckDB file.")] = None,
    as_of: AsOfs = None,
    since: Since = None,
    until: Until = None,
    every: Every = "7d",
    out: Annotated[Path | None, typer.Option("--out", help="File to write.")] = None,
    dataset: DatasetFile = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the catalogue instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compute the feature table, or list the catalogue."""
    if list_:
        _list_features(data, dataset, as_json=as_json)
        return
    if data is None or out is None:
        raise InputError(
            "features needs DATA, --as-of and --out, or --list. "
            "Example: churnml features data/demo/data --as-of 2026-01-05 --out features.parquet"
        )
    from churnml.delivery import check_suffix, write_parts
    from churnml.features import catalogue
    from churnml.scoring import feature_parts_at
    from churnml.sources import open_dataset

    check_suffix(out)
    opened = open_dataset(data, dataset_file=dataset)
    show_notices(opened)
    as_ofs = instants(opened, as_of, since, until, every)
    chosen = catalogue(opened)
    with bar("snapshots") as progress:
        parts = feature_parts_at(opened, as_ofs, features=chosen, progress=progress)
        rows = write_parts(parts, out)
    if as_json:
        columns = [feature.name for feature in chosen]
        print_json({"rows": rows, "columns": columns, "out": str(out)})
    else:
        stdout.print(f"{rows:,} rows × {len(chosen)} features in {out}", soft_wrap=True)


def _list_features(data: Path | None, dataset: Path | None, *, as_json: bool) -> None:
    from churnml.features import catalogue, describe
    from churnml.sources import open_dataset
    from churnml.sources.description import Description

    known = Description() if data is None else open_dataset(data, dataset_file=dataset)
    records = describe(catalogue(known))
    if as_json:
        print_json({"features": records})
        return
    rows = [(record["name"], record["family"], record["title"]["en"]) for record in records]
    print_table(f"{len(rows)} features", ("name", "family", "title"), rows)
