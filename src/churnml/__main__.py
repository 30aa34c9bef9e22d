"""The command line: one thin function for each command. Heavy imports wait until a command runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from churnml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from churnml.config import Study
    from churnml.sources.dataset import Dataset

app = typer.Typer(
    name="churnml",
    help="Know three to four weeks ahead which customer is leaving, why, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
stdout = Console()
stderr = Console(stderr=True)

Data = Annotated[Path, typer.Argument(help="Folder of tables or a DuckDB file.")]
StudyData = Annotated[
    Path | None,
    typer.Argument(help="Folder of tables or a DuckDB file; default: the study's data."),
]
DatasetFile = Annotated[
    Path | None, typer.Option("--dataset", help="dataset.toml; default: the one beside the data.")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Study; default: experiments/studies/default.toml.")
]
AsOfs = Annotated[list[str] | None, typer.Option("--as-of", help="Date or time; may be repeated.")]
Out = Annotated[Path, typer.Option("--out", help="File to write: .parquet, .csv or .jsonl.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
Since = Annotated[str | None, typer.Option(help="First of a row of as_ofs.")]
Until = Annotated[str | None, typer.Option(help="End of the row, exclusive.")]
Every = Annotated[str, typer.Option(help="Step of the row, in days.")]


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
    as_json: AsJson = False,
) -> None:
    """Simulate a company whose true hazards are known."""
    from churnml.sources.world import simulate as run

    tables = run(
        out, world=world, customers=customers, weeks=weeks, seed=seed,
        population_seed=population_seed,
    )  # fmt: skip
    if as_json:
        _print_json({"tables": tables})
        return
    _print_table(
        "Tables", ("table", "rows"), [(name, f"{rows:,}") for name, rows in tables.items()]
    )
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
        _print_json(content)
    else:
        _print_records("Tables", content["tables"])
        _print_records("Findings", content["findings"])
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
    from churnml.delivery import check_suffix, write_features
    from churnml.features import catalogue
    from churnml.scoring import features_at
    from churnml.sources import open_dataset

    check_suffix(out)
    opened = open_dataset(data, dataset_file=dataset)
    _show_notices(opened)
    as_ofs = _instants(opened, as_of, since, until, every)
    table = features_at(opened, as_ofs, features=catalogue(opened))
    write_features(table, out)
    if as_json:
        _print_json({"rows": len(table), "columns": list(table.columns), "out": str(out)})
    else:
        stdout.print(
            f"{len(table):,} rows × {len(table.columns)} features in {out}", soft_wrap=True
        )


def _list_features(data: Path | None, dataset: Path | None, *, as_json: bool) -> None:
    from churnml.features import catalogue, describe
    from churnml.sources import open_dataset
    from churnml.sources.description import Description

    known = Description() if data is None else open_dataset(data, dataset_file=dataset)
    records = describe(catalogue(known))
    if as_json:
        _print_json({"features": records})
        return
    rows = [(record["name"], record["family"], record["title"]["en"]) for record in records]
    _print_table(f"{len(rows)} features", ("name", "family", "title"), rows)


@app.command(epilog="Example: churnml train data/demo/data --trials 10 --seed 7")
def train(
    data: StudyData = None,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Use the data as it was known then.")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=0, help="Settings tried.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the model; default under mlruns/.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the monthly training: features, folds, tuning, proof, promotion."""
    from churnml.config import read_study
    from churnml.train import train as run

    study = _overridden(read_study(config), trials=trials, seed=seed)
    result = run(
        _data_of(study, data), study=study, dataset_file=dataset, as_of=as_of, out=out,
        console=stderr,
    )  # fmt: skip
    if as_json:
        _print_json(result.as_json())
    else:
        result.show(stdout)


@app.command(epilog="Example: churnml score data/demo/data --as-of 2026-01-05 --out scores.parquet")
def score(
    data: Data,
    out: Out,
    as_of: AsOfs = None,
    since: Since = None,
    until: Until = None,
    every: Every = "7d",
    model: Annotated[
        str, typer.Option(help="Folder of a bundle or MLflow address.")
    ] = "models:/churnml@champion",
    dataset: DatasetFile = None,
    as_json: AsJson = False,
) -> None:
    """Score everyone at risk at one or many as_ofs."""
    from churnml.delivery import check_suffix, write_scores
    from churnml.explanation import strongest_reasons
    from churnml.model.bundle import Bundle
    from churnml.scoring import features_for, needed_features
    from churnml.scoring import score as run
    from churnml.sources import open_dataset
    from churnml.tracking import resolve

    check_suffix(out)
    opened = open_dataset(data, dataset_file=dataset)
    as_ofs = _instants(opened, as_of, since, until, every)
    bundle = Bundle.load(resolve(model))
    _show_notices(opened)
    table = features_for(opened, bundle, as_ofs)
    scores = run(bundle, table)
    known = needed_features(opened, bundle)
    said = strongest_reasons(bundle, table, scores["probability"], features=known)
    write_scores(scores.assign(reasons=said.to_numpy()), out)
    if as_json:
        moments = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in as_ofs]
        _print_json({"rows": len(scores), "as_ofs": moments, "out": str(out)})
    else:
        stdout.print(f"{len(scores):,} scores at {len(as_ofs)} as_ofs in {out}", soft_wrap=True)


@app.command(epilog="Example: churnml evaluate scores.parquet data/demo/data")
def evaluate(
    scores: Annotated[Path, typer.Argument(help="File: customer_id, as_of, probability or score.")],
    data: Data,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Judge any score file: rows, queue and lead time, with a random score beside it."""
    from churnml.config import read_study
    from churnml.evaluation.outside import judge_file
    from churnml.report.terminal import show_evaluation
    from churnml.sources import open_dataset

    opened = open_dataset(data, dataset_file=dataset)
    _show_notices(opened)
    judged = judge_file(scores, opened, study=read_study(config))
    if as_json:
        _print_json(judged.as_json())
    else:
        show_evaluation(judged.as_json(), stdout)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what a user can mend ends with one message and exit code 2."""
    # Threads that spin while they wait cost a factor of ten on a shared machine; must be set
    # before OpenMP starts.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app(args=list(arguments) if arguments is not None else None)
    except InputError as error:
        stderr.print(
            f"churnml: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True
        )
        sys.exit(2)
    except KeyboardInterrupt:
        stderr.print("churnml: stopped; nothing half-written is left.")
        sys.exit(130)


def _data_of(study: Study, data: Path | None) -> Path:
    if data is not None:
        return data
    chosen = Path(study.data)
    if not chosen.exists() or (chosen.is_dir() and not any(chosen.iterdir())):
        raise InputError(
            f"The study's data {chosen} is not there. Make a demonstration world with "
            "`churnml simulate data/demo`, or give DATA."
        )
    return chosen


def _overridden(study: Study, *, trials: int | None, seed: int | None) -> Study:
    if trials is not None:
        tuning = study.tuning.model_copy(update={"trials": trials})
        study = study.model_copy(update={"tuning": tuning})
    return study if seed is None else study.model_copy(update={"seed": seed})


def _instants(
    dataset: Dataset,
    as_of: Sequence[str] | None,
    since: str | None,
    until: str | None,
    every: str,
) -> list[pd.Timestamp]:
    """The as_ofs asked for, naive UTC; a bare date is midnight in the dataset's zone."""
    from churnml.windows import instant, weekly

    zone = dataset.description.timezone
    if as_of:
        if since or until:
            raise InputError("Give --as-of or --since with --until, not both.")
        return [instant(moment, zone=zone) for moment in as_of]
    if since is None or until is None:
        raise InputError("Give --as-of T, or --since T --until T (and --every 7d).")
    days = every.removesuffix("d")
    if not days.isdigit() or int(days) == 0:
        raise InputError(f"--every is '{every}'; expected days such as 7d.")
    found = weekly(instant(since, zone=zone), instant(until, zone=zone), every_days=int(days))
    if len(found) == 0:
        raise InputError(f"No as_of lies between --since {since} and --until {until} (exclusive).")
    return list(found)


def _show_notices(dataset: Dataset) -> None:
    for notice in dataset.notices:
        stderr.print(f"note: {notice}", style="dim", markup=False, highlight=False, soft_wrap=True)


def _print_json(content: Any) -> None:
    sys.stdout.write(json.dumps(content, ensure_ascii=False, allow_nan=False, default=str) + "\n")


def _print_records(title: str, records: Sequence[dict[str, Any]]) -> None:
    if not records:
        stdout.print(f"{title}: none.")
        return
    columns = tuple(records[0])
    rows = [tuple("" if row[key] is None else str(row[key]) for key in columns) for row in records]
    _print_table(title, columns, rows)


def _print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    stdout.print(table)


if __name__ == "__main__":
    main()
