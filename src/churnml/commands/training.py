"""The command of the monthly run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from churnml.commands.base import (
    CHAMPION,
    AsJson,
    ConfigFile,
    DatasetFile,
    Model,
    NewModel,
    Seed,
    StudyData,
    app,
    data_of,
    print_json,
    stderr,
    stdout,
)
from churnml.spoken import counted

if TYPE_CHECKING:
    from churnml.config import Study


@app.command(epilog="Example: churnml train data/demo/data --trials 10 --seed 7")
def train(
    data: StudyData = None,
    dataset: DatasetFile = None,
    config: ConfigFile = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Train as if it were that date: on what was known."),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(min=0, help="Settings to try, 0 for none and quick; default: the study's."),
    ] = None,
    seed: Seed = None,
    out: NewModel = None,
    as_json: AsJson = False,
) -> None:
    """Train a model and prove it on later weeks. It is put into use if it is not worse."""
    from churnml.config import read_study
    from churnml.train import train as run

    study = overridden(read_study(config), trials=trials, seed=seed)
    result = run(
        data_of(study, data), study=study, dataset_file=dataset, as_of=as_of, out=out,
        console=stderr.console,
    )  # fmt: skip
    if as_json:
        print_json(result.as_json())
    else:
        result.show(stdout.console)


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
