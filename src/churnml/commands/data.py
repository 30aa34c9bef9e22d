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
    out: Annotated[
        Path, typer.Argument(help="Folder; the tables go into data/, the truth into truth/.")
    ],
    world: Annotated[str, typer.Option(help="Kind of company; so far there is saas.")] = "saas",
    customers: Annotated[int, typer.Option(help="How many customers.")] = 2000,
    weeks: Annotated[int, typer.Option(help="How many weeks are observed.")] = 104,
    seed: Annotated[int, typer.Option(min=0, help="Draws causes, calendar and people.")] = 7,
    population_seed: Annotated[
        int | None, typer.Option(min=0, help="Same causes and calendar, other people.")
    ] = None,
    causes_seed: Annotated[
        int | None,
        typer.Option(min=0, help="Other ways in which causes show: how strongly, fast, by what."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a company to try things on. Who leaves when, and why, is known of it."""
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
        Path | None,
        typer.Option(help="Folder to write the refused rows into, with the reason of each."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with the tables, in how many rows. Exit code 1 if anything is."""
    from churnml.sources import check as run

    report = run(data, dataset_file=dataset, quarantine=quarantine)
    content = report.as_json()
    if as_json:
        print_json(content)
    else:
        print_records("Tables", content["tables"])
        print_records("Findings", content["findings"])
        for notice in report.notices:
            stdout.print(f"note: {notice}", style="dim", highlight=False, soft_wrap=True)
        stdout.print("Fit for training." if report.ok else "Not fit for training: mend the errors.")
    # What is merely worth knowing (info) is no finding to act on.
    raise typer.Exit(1 if any(one["severity"] != "info" for one in content["findings"]) else 0)
