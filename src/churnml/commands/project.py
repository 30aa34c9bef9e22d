"""The command that starts a project around a company's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from churnml.commands.base import AsJson, app, print_json, stdout
from churnml.spoken import percent


@app.command(epilog="Example: churnml init acme --from exports/*.csv")
def init(
    folder: Annotated[Path, typer.Argument(help="New folder of the project.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="Further files, as a shell spells out --from *.csv.")
    ] = None,
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", help="CSV, JSON or Parquet files, or a folder; default: those in FOLDER."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start a project around your own files. Guesses what they are, and says how sure it is."""
    from churnml.project import start_project

    content = start_project(folder, [*(sources or []), *(files or [])]).as_json()
    if as_json:
        print_json(content)
        return
    _show(content)


def _show(content: dict[str, Any]) -> None:
    def say(line: str) -> None:
        stdout.print(line, highlight=False, soft_wrap=True)

    for one in content["tables"]:
        say(f"{one['file']}: {one['table']}, {percent(one['confidence'])} sure")
        for column in one["columns"]:
            sure = (
                "" if column["confidence"] >= 0.85 else f"  ({percent(column['confidence'])} sure)"
            )
            if column["column"] in one["unread"]:
                sure = "  (not read: most systems overwrite it)"
            if column["column"] != column["source"]:
                say(f"  {column['column']} = {column['source']}{sure}")
    ignored = {one["file"]: ", ".join(one["ignored"]) for one in content["tables"]}
    for file, names in ignored.items():
        if names:
            say(f"Not used of {file}: {names}")
    say("\nTo be decided:" if content["open"] else "")
    for line in content["open"]:
        say(f"  {line}")
    say(f"\nWritten to {content['project']}: {', '.join(content['written'])}.\n\nNext:")
    for line in content["next"]:
        say(f"  {line}")
