"""The command that explains one customer."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from churnml.commands.base import (
    CHAMPION,
    AsJson,
    Data,
    DatasetFile,
    Lang,
    Model,
    app,
    print_json,
    show_notices,
    stdout,
)


@app.command(
    epilog="Example: churnml explain data/demo/data --customer C000406 --as-of 2025-12-29 "
    "--since 2025-12-01"
)
def explain(
    data: Data,
    customer: Annotated[str, typer.Option(help="The customer_id, as in the score file.")],
    as_of: Annotated[str, typer.Option("--as-of", help="Date or time of the score.")],
    since: Annotated[
        str | None, typer.Option(help="Earlier date or time: why has the score changed since?")
    ] = None,
    model: Model = CHAMPION,
    lang: Lang = "en",
    dataset: DatasetFile = None,
    as_json: AsJson = False,
) -> None:
    """Explain the score of one customer. With --since: what moved it since then."""
    from churnml.explanation.account import account
    from churnml.model.bundle import Bundle
    from churnml.report.account import show_account
    from churnml.sources import open_dataset
    from churnml.tracking import resolve
    from churnml.windows import instant

    opened = open_dataset(data, dataset_file=dataset)
    show_notices(opened.notices)
    zone = opened.description.timezone
    bundle = Bundle.load(resolve(model))
    earlier = None if since is None else instant(since, zone=zone)
    content = account(opened, bundle, customer, instant(as_of, zone=zone), since=earlier)
    if as_json:
        print_json(_in_iso(content))
    else:
        show_account(content, stdout.console, language=lang, timezone=zone)


def _in_iso(value: Any) -> Any:
    """Instants as ISO text in UTC, all through."""
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, dict):
        return {name: _in_iso(inner) for name, inner in value.items()}
    return [_in_iso(inner) for inner in value] if isinstance(value, list) else value
