"""The word lists: shipped ones, those of a tenant over them, and the digest of both."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from churnml.config import Section, parse, read_toml
from churnml.errors import InputError
from churnml.sources.description import TextSection
from churnml.text.columns import CATEGORIES, MARKERS
from churnml.text.lexicon.phrases import plain

Weight = Annotated[float, Field(ge=-5, le=5)]


class Words(Section):
    """Words (``stem*`` for any ending) and phrases that say one thing."""

    words: str = ""
    phrases: tuple[str, ...] = ()


class MarkerList(Section):
    """What speaks for a marker; a match that overlaps ``unless`` is none; ``silent`` mutes all."""

    find: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


class ToneList(Section):
    """Words and phrases by weight, and the words that turn or change what follows."""

    words: dict[str, str] = Field(default={})
    phrases: dict[str, tuple[str, ...]] = Field(default={})
    emoji: dict[str, str] = Field(default={})
    negations: str = ""
    stronger: str = ""
    weaker: str = ""
    turns: str = ""

    @field_validator("words", "phrases", "emoji")
    @classmethod
    def _weights(cls, found: dict[str, Any]) -> dict[str, Any]:
        for name in found:
            try:
                fits = -5 <= float(name) <= 5
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(f"the key '{name}' must be a weight from -5 to 5")
        return found


class FormalityList(Section):
    """What makes a message a letter, and what makes it chat."""

    formal: Words = Words()
    informal: Words = Words()
    very_formal: Words = Words()
    very_informal: Words = Words()


class CompetitorList(Section):
    """Makers known to many trades; they count where the words around compare or move.

    In ``contexts`` a maker stands as ``vendor*``; in ``newcomers`` it may be any capitalised name
    but those of ``ordinary``; after ``integrations`` no name counts.
    """

    makers: tuple[tuple[str, ...], ...] = ()
    contexts: tuple[str, ...] = ()
    newcomers: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    ordinary: str = ""


class Lists(Section):
    """All lists. A file may hold any part of them."""

    sets: dict[str, str] = Field(default={})
    tone: ToneList = ToneList()
    formality: FormalityList = FormalityList()
    markers: dict[str, MarkerList] = Field(default={})
    categories: dict[str, Words] = Field(default={})
    competitors: CompetitorList = CompetitorList()

    @field_validator("markers", "categories")
    @classmethod
    def _known(cls, found: dict[str, Any]) -> dict[str, Any]:
        # What speaks for a category but not alone against another: "billing_weak".
        known = (*MARKERS, *CATEGORIES, *(f"{name}_weak" for name in CATEGORIES))
        if unknown := sorted(set(found) - set(known)):
            raise ValueError(f"unknown name {', '.join(unknown)}; known: {', '.join(known)}")
        return found


@cache
def shipped() -> Lists:
    """The lists that come with the package."""
    folder = files(__package__).joinpath("lists")
    parts = sorted((part for part in folder.iterdir()), key=lambda part: part.name)
    content: dict[str, Any] = {}
    for part in parts:
        if part.name.endswith(".toml"):
            content = merged(content, tomllib.loads(part.read_text(encoding="utf-8")))
    return parse(Lists, content, where="the shipped word lists")


def extended(folder: Path) -> Lists:
    """The shipped lists with those of a folder over them.

    Raises
    ------
    InputError
        If the folder has no TOML file, or one holds an unknown key.
    """
    paths = TextSection(lists=str(folder)).files
    if not paths:
        raise InputError(f"[text] lists = '{folder}' holds no .toml file.")
    content = shipped().model_dump(mode="json")
    for path in paths:
        own = read_toml(path)
        weights = parse(Lists, own, where=str(path)).tone.words
        content = merged(_unweighed(content, " ".join(weights.values()).split()), own)
    return parse(Lists, content, where=str(folder))


def _unweighed(content: dict[str, Any], words: list[str]) -> dict[str, Any]:
    """Without the weights of these words: the tenant's take their place."""
    own = {plain(word) for word in words}
    kept = {
        weight: " ".join(word for word in text.split() if plain(word) not in own)
        for weight, text in content["tone"]["words"].items()
    }
    return {**content, "tone": {**content["tone"], "words": kept}}


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Tables joined, lists appended, words appended; a set of the same name is replaced.

    Examples
    --------
    >>> merged({"a": ["x"], "b": {"c": "y"}}, {"a": ["z"], "b": {"c": "w"}})
    {'a': ['x', 'z'], 'b': {'c': 'y w'}}
    """
    found = dict(under)
    for key, value in over.items():
        old = found.get(key)
        if key == "sets" and isinstance(old, dict) and isinstance(value, dict):
            found[key] = {**old, **value}
        elif isinstance(old, dict) and isinstance(value, dict):
            found[key] = merged(old, value)
        elif isinstance(old, (list, tuple)) and isinstance(value, (list, tuple)):
            found[key] = [*old, *value]
        elif isinstance(old, str) and isinstance(value, str):
            found[key] = f"{old} {value}"
        else:
            # New, or of another kind: then the reader of the whole says what was expected.
            found[key] = value
    return found


def digest(*parts: object) -> str:
    """Sixteen hexadecimal digits that change with the rules (this package) or any of the parts."""
    found = hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode())
    for module in sorted(files(__package__).iterdir(), key=lambda part: part.name):
        if module.name.endswith(".py"):
            found.update(module.read_bytes())
    return found.hexdigest()[:16]
