"""Commands, settings and figures as tables, from their one definition."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from churnml.config import Study
from churnml.evaluation.meaning import FIGURES
from churnml.report.page import Cell, Grid
from churnml.sources.description import Description

_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def command_tables() -> dict[str, tuple[str, str, Grid]]:
    """Of every command, as it is typed: what it does, its example, and what it takes.

    Examples
    --------
    >>> said, example, takes = command_tables()["check"]
    >>> said.split(".")[0], example
    ('Say what is wrong with the tables, in how many rows', 'churnml check data/demo/data ...')
    """
    return {name: _command(found) for name, found in sorted(_commands())}


def _commands() -> Iterator[tuple[str, Any]]:
    from typer.main import get_command

    from churnml.commands import app

    for name, found in getattr(get_command(app), "commands").items():  # noqa: B009
        if hasattr(found, "commands"):
            yield from ((f"{name} {part}", one) for part, one in found.commands.items())
        else:
            yield name, found


def _command(found: Any) -> tuple[str, str, Grid]:
    rows = []
    for one in found.params:
        usual = "" if one.default is None or one.required or one.is_flag else str(one.default)
        typed = one.opts[0] if one.opts[0].startswith("-") else one.name.upper()
        need = "required" if one.required else usual
        rows.append((Cell(typed, code=True), one.help or "", need))
    example = str(found.epilog).removeprefix("Example: ")
    return str(found.help), example, Grid.of(("argument", "is", "default"), rows)


def settings_table(root: type[BaseModel] = Study) -> Grid:
    """Every key of a study or a dataset.toml: what it means, what is allowed, its default."""
    rows = [
        (Cell(key, code=True), field.description or "", _allowed(field), _default(field))
        for key, field in _fields(root)
    ]
    return Grid.of(("key", "means", "allowed", "default"), rows)


def description_table() -> Grid:
    """Every key of a ``dataset.toml``."""
    return settings_table(Description)


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        inner = _section(field.annotation)
        if inner is None:
            yield f"{prefix}{name}", field
        else:
            many = ".NAME" if get_origin(field.annotation) is dict else ""
            yield from _fields(inner, f"{prefix}{name}{many}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section that a key opens; an optional one, or one for each name, counts too."""
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _allowed(field: FieldInfo) -> str:
    return " ".join([_kind(field.annotation), *_bounds(field.metadata)])


def _bounds(metadata: Iterable[Any]) -> Iterator[str]:
    """Limits in signs, wherever pydantic keeps them."""
    for one in metadata:
        if isinstance(one, FieldInfo):
            yield from _bounds(one.metadata)
        for name, sign in _BOUNDS.items():
            if getattr(one, name, None) is not None:
                yield f"{sign} {getattr(one, name)}"


def _kind(annotation: Any) -> str:
    """The type in words: choices are named, ``or none`` where nothing may be said."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(map(str, inner))
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_kind, inner)))
    if origin is tuple:
        return "list"
    if origin is dict:
        return "table"
    if annotation is type(None):
        return "none"
    if hasattr(annotation, "__metadata__"):
        return " ".join([_kind(inner[0]), *_bounds(annotation.__metadata__)])
    names = {int: "integer", float: "number", str: "text", bool: "true, false"}
    return names.get(annotation, str(getattr(annotation, "__name__", annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "none" if value is None else json.dumps(value)


def figure_table() -> Grid:
    """Every figure that a training and ``churnml evaluate`` give, and how it is counted."""
    rows = [(Cell(key, code=True), one.title, one.counted) for key, one in FIGURES.items()]
    return Grid.of(("figure", "is", "counted"), rows)
