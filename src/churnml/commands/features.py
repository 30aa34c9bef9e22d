"""The command about features: the table at some moments, or what each feature means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnml.commands.base import (
    AsJson,
    AsOfs,
    DatasetFile,
    Engine,
    Every,
    Lang,
    MaybeData,
    Since,
    Until,
    app,
    bar,
    home_of,
    instants,
    print_json,
    print_table,
    show_notices,
    stdout,
)
from churnml.errors import InputError
from churnml.spoken import Language, counted

if TYPE_CHECKING:
    from churnml.features import Feature
    from churnml.sources.backend import Home


MemoryMb = Annotated[
    int | None, typer.Option(min=512, help="Megabytes for rows and statements; more is spilled.")
]


@app.command(
    epilog="Example: churnml features data/demo/data --as-of 2026-01-05 --out features.parquet; "
    "the dictionary: churnml features data/demo/data --list --out features.html"
)
def features(
    data: MaybeData = None,
    as_of: AsOfs = None,
    since: Since = None,
    until: Until = None,
    every: Every = "7d",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="File to write: .parquet, .csv, .jsonl; with --list a page, .html; with "
            "--engine spark also a folder, or table:NAME for a table of its catalog.",
        ),
    ] = None,
    dataset: DatasetFile = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show what features there are, instead.")
    ] = False,
    lang: Lang = "en",
    model: Annotated[
        str | None, typer.Option(help="With --list and --as-of: show what this model looks at.")
    ] = None,
    memory_mb: MemoryMb = None,
    engine: Engine = "duckdb",
    as_json: AsJson = False,
) -> None:
    """Compute what the model reads. With --list: what each feature means."""
    if list_:
        _list_features(
            data, dataset, (as_of, since, until, every), model=model, out=out, lang=lang,
            as_json=as_json,
        )  # fmt: skip
        return
    moments = as_of, since, until, every
    if engine == "spark" and out is not None and (target := _spread_to(out)) is not None:
        _spread_features(data, dataset, moments, target=target, as_json=as_json)
        return
    _compute_features(
        data, dataset, moments, home=home_of(engine), out=out, memory_mb=memory_mb, as_json=as_json
    )


Moments = tuple[list[str] | None, str | None, str | None, str]


def _spread_to(out: Path) -> Path | str | None:
    """A folder, or the name of a table, that the executors of Spark write; None: one file."""
    kind, _, table = str(out).partition(":")
    return table if kind == "table" and table else None if out.suffix else out


def _compute_features(
    data: str | None,
    dataset: Path | None,
    moments: Moments,
    *,
    home: Home,
    out: Path | None,
    memory_mb: int | None,
    as_json: bool,
) -> None:
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
    opened = replace(open_dataset(data, dataset_file=dataset), home=home)
    show_notices(opened.notices)
    as_ofs = instants(opened, *moments)
    chosen = catalogue(opened)
    with bar("snapshots") as progress:
        parts = feature_parts_at(
            opened, as_ofs, features=chosen, memory_mb=memory_mb, progress=progress
        )
        rows = write_parts(parts, out)
    _say(rows, chosen, out, as_json=as_json)


def _spread_features(
    data: str | None,
    dataset: Path | None,
    moments: Moments,
    *,
    target: Path | str,
    as_json: bool,
) -> None:
    """The executors write the table themselves; it never is on this machine."""
    if data is None:
        raise InputError("features needs DATA.")
    from churnml.features import catalogue
    from churnml.scoring import spread_features_at
    from churnml.sources import open_dataset
    from churnml.sources.spark import on_spark

    opened = on_spark(open_dataset(data, dataset_file=dataset))
    show_notices(opened.notices)
    chosen = catalogue(opened)
    rows = spread_features_at(opened, instants(opened, *moments), features=chosen, target=target)
    _say(rows, chosen, target, as_json=as_json)


def _say(rows: int, chosen: Sequence[Feature], out: object, *, as_json: bool) -> None:
    if as_json:
        columns = [feature.name for feature in chosen]
        print_json({"rows": rows, "columns": columns, "out": str(out)})
    else:
        stdout.print(
            f"{counted(rows, 'row')} × {counted(len(chosen), 'feature')} in {out}", soft_wrap=True
        )


def _list_features(
    data: str | None,
    dataset: Path | None,
    moments: Moments,
    *,
    model: str | None,
    out: Path | None,
    lang: Language,
    as_json: bool,
) -> None:
    """The catalogue on the terminal or as JSON; with ``out`` as a page, too."""
    from churnml.features import describe

    if out is not None and out.suffix != ".html":
        raise InputError(f"--list writes a page, and {out} is none. Give --out FILE.html.")
    known, measures = _catalogue(data, dataset, moments, model=model)
    if out is not None:
        from churnml.report.dictionary import dictionary_html
        from churnml.report.page import write_page

        write_page(out, dictionary_html(known, language=lang, **measures))
    if as_json:
        print_json({"features": describe(known)} | ({"out": str(out)} if out else {}))
    elif out is not None:
        stdout.print(f"{counted(len(known), 'feature')} in {out}", soft_wrap=True)
    else:
        rows = [(one.name, str(one.family), one.title[lang]) for one in known]
        print_table(counted(len(rows), "feature"), ("name", "family", "title"), rows)


def _catalogue(
    data: str | None, dataset: Path | None, moments: Moments, *, model: str | None
) -> tuple[tuple[Feature, ...], dict[str, Any]]:
    """The features, and what the page can say of them beside: of which data, known, influence."""
    from churnml.features import catalogue
    from churnml.sources import open_dataset
    from churnml.sources.description import Description

    measured = any(moments[:3])
    if (measured and data is None) or (model is not None and not measured):
        raise InputError(
            "How far features are known needs DATA and --as-of T; what a model looks at needs "
            "--model beside them."
        )
    if data is None:
        return catalogue(Description()), {}
    opened = open_dataset(data, dataset_file=dataset)
    of = {"dataset": opened.description.name}
    if not measured:
        return catalogue(opened), of
    from churnml.report.dictionary.measures import measured_features

    show_notices(opened.notices)
    as_ofs, bundle = instants(opened, *moments), None
    if model is not None:
        from churnml.model.bundle import Bundle
        from churnml.tracking import resolve

        bundle = Bundle.load(resolve(model))
    known, values, strength = measured_features(opened, as_ofs, bundle=bundle)
    return known, of | {"values": values, "strength": strength}
