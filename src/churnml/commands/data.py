"""Commands about the data: simulate a company, check tables, compute features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churnml.commands.base import (
    AsJson,
    Data,
    DatasetFile,
    app,
    print_json,
    print_records,
    print_table,
    stdout,
)


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
