"""The world's own vocabulary: names, event names and phrases, read from its data files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Words:
    """The content of ``names.toml`` and of ``phrases_ru.toml`` and ``phrases_en.toml``."""

    names: dict[str, Any]
    phrases: dict[str, dict[str, Any]]


@cache
def read_words() -> Words:
    """The vocabulary of the simulated company."""
    return Words(
        _read("names"), {language: _read(f"phrases_{language}") for language in ("ru", "en")}
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
