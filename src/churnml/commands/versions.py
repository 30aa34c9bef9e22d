"""The commands that say which version of the model is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnml.commands.base import AsJson, app, print_json, stdout

if TYPE_CHECKING:
    from churnml.tracking import RegisteredModel

Because = Annotated[str, typer.Option(help="Why; kept with the version.")]


@app.command(epilog='Example: churnml rollback --because "recall fell since the release"')
def rollback(because: Because = "", as_json: AsJson = False) -> None:
    """Put the model before the present one back into use."""
    from churnml import tracking

    now = tracking.champion()
    back = tracking.rollback(because=because)
    replaced = "" if now is None else now.version
    said = f"Version {replaced} was taken out of use{f': {because}' if because else ''}. "
    _answer(back, said + _in_use(back), as_json=as_json, more={"replaced": replaced})


@app.command(epilog='Example: churnml promote 4 --because "the champion needs a table we dropped"')
def promote(
    version: Annotated[str, typer.Argument(help="Its number, as `train` and MLflow show it.")],
    because: Because = "",
    as_json: AsJson = False,
) -> None:
    """Put a version of the model into use by hand. For when `train` could not decide."""
    from churnml import tracking

    before = tracking.champion()
    tracking.resolve(f"models:/{tracking.MODEL}/{version}")
    tracking.promote(version, because=because or "Promoted by hand.")
    now = tracking.champion()
    replaced = None if before is None else before.version
    if now is not None:
        _answer(now, _in_use(now), as_json=as_json, more={"replaced": replaced})


def _in_use(model: RegisteredModel) -> str:
    since = f", promoted on {model.promoted_at[:10]}" if model.promoted_at else ""
    why = f". {model.promoted_because}" if model.promoted_because else "."
    return f"Version {model.version} is in use{since}{why}"


def _answer(model: RegisteredModel, reason: str, *, as_json: bool, more: dict[str, Any]) -> None:
    if as_json:
        print_json({
            "version": model.version, "model": model.uri, "reason": reason,
            "run_id": model.run_id, "promoted_at": model.promoted_at or None, **more,
        })  # fmt: skip
        return
    stdout.print(reason, soft_wrap=True, highlight=False)
    stdout.print(f"Scoring uses it from now on: {model.uri}", soft_wrap=True, highlight=False)
