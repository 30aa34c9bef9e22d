"""What every command shares: the application, options, how answers are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from churnml.address import is_address
from churnml.errors import InputError
from churnml.spoken import Language

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from churnml.config import Study
    from churnml.sources.backend import Home
    from churnml.sources.dataset import Dataset

#: Answers for groups whether --help was given: typer would ask pydantic, half of the time of help.
QUICK_HELP: dict[str, Any] = {"default_map": {"help": False}}
app = typer.Typer(
    name="churnml",
    help="Know three to four weeks ahead which customer is leaving, why, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=QUICK_HELP,
    epilog="Start: `churnml simulate data/demo`, then `churnml train`; or with your own files: "
    "`churnml init acme --from exports/*.csv`. Exit codes: 0 done, 1 done with findings, 2 "
    "unusable input.",
)


class Printer:
    """A console that is made when there is something to print.

    Parameters
    ----------
    stderr : bool
    """

    def __init__(self, *, stderr: bool) -> None:
        self._stderr = stderr

    @cached_property
    def console(self) -> Console:
        """The console of rich, whose import takes longer than to show help.

        Brackets are text: advice names sections of ``dataset.toml``, such as ``[churn]``.
        """
        from rich.console import Console

        return Console(stderr=self._stderr, markup=False)

    def print(self, *objects: Any, **how: Any) -> None:
        """As ``rich.console.Console.print``."""
        self.console.print(*objects, **how)


stdout = Printer(stderr=False)
stderr = Printer(stderr=True)

#: What is used where no model is named.
CHAMPION = "models:/churnml@champion"


def present(data: str | None) -> str | None:
    """Refuse what is not there, or holds a password, before anything slow is loaded."""
    from churnml import arguments

    if data is not None:
        arguments.present(data)
    return data


_WHERE = "Folder of tables, a DuckDB file or postgresql://user@host/database"
Data = Annotated[str, typer.Argument(help=f"{_WHERE}.", callback=present)]
MaybeData = Annotated[str | None, typer.Argument(help=f"{_WHERE}.", callback=present)]
StudyData = Annotated[
    str | None,
    typer.Argument(help=f"{_WHERE}; default: the study's data.", callback=present),
]
DataOption = Annotated[str, typer.Option("--data", help=f"{_WHERE}.", callback=present)]
Scores = Annotated[
    Path, typer.Argument(help="Score file, as `churnml score` writes it or with these columns: "
                         "customer_id, as_of, probability.")
]  # fmt: skip
DatasetFile = Annotated[
    Path | None,
    typer.Option(
        "--dataset", help="How the tables are to be read; default: dataset.toml beside them."
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Study, the file of settings; default: experiments/studies/default.toml."
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy", help="File with [alerts]: load, quiet time, options; default: the study's."
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model", help="Folder of a model, or a version such as models:/churnml/3; default: the "
        "one in use."
    ),
]  # fmt: skip
NewModel = Annotated[
    Path | None,
    typer.Option("--out", help="Folder to write the model into; default: one under mlruns/."),
]
AsOfs = Annotated[
    list[str] | None,
    typer.Option(
        "--as-of", help="Date or time at which we look, nothing later is known; may be repeated."
    ),
]
Out = Annotated[Path, typer.Option("--out", help="File to write: .parquet, .csv or .jsonl.")]
Lang = Annotated[Language, typer.Option("--lang", help="Language of what is shown.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
Since = Annotated[
    str | None, typer.Option(help="Instead of --as-of, many dates: the first of them.")
]
Until = Annotated[str | None, typer.Option(help="With --since: the dates end before this one.")]
Every = Annotated[str, typer.Option(help="With --since: days from one date to the next.")]
Engine = Annotated[
    Literal["duckdb", "spark"],
    typer.Option(
        "--engine", help="Where features are computed: duckdb, on this machine, or spark, on the "
        "cluster that CHURNML_SPARK_MASTER names."
    ),
]  # fmt: skip
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Same seed, same numbers.")]


def home_of(engine: Literal["duckdb", "spark"]) -> Home:
    """Where the statements of the features run."""
    if engine == "spark":
        from churnml.sources.spark import spark_home

        return spark_home()
    from churnml.sources.backend import on_duckdb

    return on_duckdb


def data_of(study: Study, data: str | None) -> str:
    """The data given, else the study's; refused where nothing is there."""
    if data is not None:
        return data
    chosen = Path(study.data)
    here = is_address(study.data) or chosen.exists()
    if not here or (chosen.is_dir() and not any(chosen.iterdir())):
        raise InputError(
            f"The study's data {chosen} is not there. Make a demonstration world with "
            "`churnml simulate data/demo`, or give DATA."
        )
    return study.data


def instants(
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


def show_notices(notices: Sequence[str]) -> None:
    """Say on stderr that there is something to know of the data.

    ``check`` and ``train`` tell it in full. Repeated with every command it would hide what is new.
    """
    if not notices:
        return
    many = f"{len(notices)} things to know of the data (what is not read, what is off)"
    said = notices[0] if len(notices) == 1 else f"{many}; `churnml check` tells them."
    stderr.print(f"note: {said}", style="dim", highlight=False, soft_wrap=True)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, while there is a terminal: to be told how many of how many."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    shown = stderr.console.is_terminal
    with Progress(*columns, console=stderr.console, transient=True, disable=not shown) as progress:
        task = progress.add_task(what, total=None)

        def advance(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of)

        yield advance


def print_json(content: Any) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, allow_nan=False, default=str) + "\n")


def print_records(title: str, records: Sequence[dict[str, Any]]) -> None:
    """Print records as a table, one column for each key of the first."""
    if not records:
        stdout.print(f"{title}: none.")
        return
    columns = tuple(records[0])
    rows = [tuple("" if row[key] is None else str(row[key]) for key in columns) for row in records]
    print_table(title, columns, rows)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as a table."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    stdout.print(table)
