"""The command of the monthly run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from churnml.address import holds_secret
from churnml.commands.base import (
    CHAMPION,
    AsJson,
    ConfigFile,
    DatasetFile,
    Engine,
    Model,
    NewModel,
    Seed,
    StudyData,
    app,
    data_of,
    home_of,
    print_json,
    stderr,
    stdout,
)
from churnml.errors import InputError
from churnml.spoken import counted

if TYPE_CHECKING:
    from churnml.config import Study


def _without_password(
    context: typer.Context, option: typer.CallbackParam, given: str | None
) -> str | None:
    """The address, refused where a password is on the command line, which everybody may read."""
    source = context.get_parameter_source(option.name or "")
    if holds_secret(given or "") and source is not None and source.name == "COMMANDLINE":
        raise InputError(
            "--storage holds a password, and every user of this machine can read command lines. "
            "Give the whole address in CHURNML_STORAGE instead, or the password in PGPASSWORD or "
            "~/.pgpass."
        )
    return given


AsKnown = Annotated[
    str | None,
    typer.Option("--as-of", help="Train as if it were that date: on what was known."),
]
Trials = Annotated[
    int | None,
    typer.Option(min=0, help="Settings to try, 0 for none and quick; default: the study's."),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, help="Processes that try settings side by side.")
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage", envvar="CHURNML_STORAGE", callback=_without_password,
        help="PostgreSQL database that keeps the search, for several machines: "
        "postgresql://user@host/database. Its password only in the environment.",
    ),
]  # fmt: skip


@app.command(epilog="Example: churnml train data/demo/data --trials 10 --seed 7")
def train(
    data: StudyData = None,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    as_of: AsKnown = None,
    trials: Trials = None,
    seed: Seed = None,
    workers: WorkersOption = 1,
    storage: Storage = None,
    out: NewModel = None,
    engine: Engine = "duckdb",
    as_json: AsJson = False,
) -> None:
    """Train a model and prove it on later weeks. It is put into use if it is not worse."""
    from churnml.config import read_study
    from churnml.train import train as run

    study = overridden(read_study(config), trials=trials, seed=seed)
    result = run(
        data_of(study, data), study=study, dataset_file=dataset, as_of=as_of, out=out,
        workers=workers, storage=storage, console=stderr.console, home=home_of(engine),
    )  # fmt: skip
    if as_json:
        print_json(result.as_json())
    else:
        result.show(stdout.console)


@app.command(epilog="Example: churnml tune acme --workers 8, with CHURNML_STORAGE set")
def tune(
    data: StudyData = None,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    as_of: AsKnown = None,
    trials: Trials = None,
    seed: Seed = None,
    workers: WorkersOption = 1,
    storage: Storage = None,
    as_json: AsJson = False,
) -> None:
    """Help a training elsewhere: try settings until it has enough."""
    from churnml.config import read_study
    from churnml.prepared import Prepared
    from churnml.report.terminal import Stages

    if storage is None:
        raise InputError(
            "`churnml tune` helps a training elsewhere, so both need one database. Set "
            "CHURNML_STORAGE=postgresql://user:password@host/database for both; on this machine "
            "alone use `churnml train --workers N`."
        )
    study, stages = overridden(read_study(config), trials=trials, seed=seed), Stages(stderr.console)
    prepared = Prepared.of(
        data_of(study, data), study=study, dataset_file=dataset, as_of=as_of, storage=storage,
        stages=stages,
    )  # fmt: skip
    tuned = prepared.tune(stages, workers=workers, storage=storage)
    best = None if tuned.trials.empty else float(tuned.trials["average_precision"].max())
    content = {
        "search": prepared.digest, "trials": len(tuned.trials), "best_average_precision": best,
        "reason": str(tuned.reason),
    }  # fmt: skip
    if as_json:
        print_json(content)
    else:
        stdout.print(
            f"Search {content['search']}: {content['trials']} settings tried by all machines.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip


@app.command(epilog="Example: churnml recalibrate data/demo/data --model models:/churnml@champion")
def recalibrate(
    data: StudyData = None,
    model: Model = CHAMPION,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    out: NewModel = None,
    as_json: AsJson = False,
) -> None:
    """Correct a model's probabilities by what happened since. Kept only if that proves better."""
    from churnml.config import read_study
    from churnml.recalibration import recalibrate as run

    place = data_of(read_study(config), data)
    content = run(place, model=model, dataset_file=dataset, out=out)
    if as_json:
        print_json(content)
        return
    stdout.print(content["reason"], highlight=False, soft_wrap=True)
    stdout.print(
        f"{counted(content['rows'], 'new row')}, "
        f"{counted(content['leavers'], 'person', 'people')} who left. "
        f"Model: {content['model']}",
        highlight=False,
        soft_wrap=True,
    )


def overridden(study: Study, *, trials: int | None, seed: int | None) -> Study:
    """The study with what was given on the command line."""
    if trials is not None:
        tuning = study.tuning.model_copy(update={"trials": trials})
        study = study.model_copy(update={"tuning": tuning})
    return study if seed is None else study.model_copy(update={"seed": seed})
