"""A preset of the health score: groups of signals, their weights and colours, read from TOML."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from churnml.config import Section, parse, read_toml
from churnml.errors import InputError

_PRESETS = files("churnml.health") / "presets"
#: More groups than this are noise (requirements: C5).
MOST_GROUPS = 7

Weight = Annotated[float, Field(ge=0)]


class Signal(Section):
    """How a feature becomes risk between 0 and 1; one of three ways.

    ``rank``: the share of customers at the same as_of who are better off; +1: more is worse.
    ``well`` and ``ill``: 0 up to the first value, 1 from the second on, evenly between them.
    ``above``: 1 above that value, else 0.
    """

    feature: str
    weight: Weight = 1.0
    rank: Literal[-1, 1] | None = None
    well: float | None = None
    ill: float | None = None
    above: float | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ramp = self.well is not None and self.ill is not None and self.well != self.ill
        half = (self.well is None) != (self.ill is None) or (self.well is not None and not ramp)
        if half or [self.rank is not None, ramp, self.above is not None].count(True) != 1:
            raise ValueError("give rank = 1 or -1, or two values well and ill, or above = number")
        return self


class Group(Section):
    """Signals that one word names for a manager.

    ``combine``: the ``mean`` of the known signals, the ``worst``, or the ``first`` known one.
    ``cap``: the health that is not exceeded while the group is wholly ill.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: dict[Literal["en", "ru"], str]
    weight: Weight
    combine: Literal["mean", "worst", "first"] = "mean"
    cap: Annotated[float, Field(ge=0, le=100)] | None = None
    signals: tuple[Signal, ...] = ()


class Segments(Section):
    """Other weights for some customers, by an attribute that never changes."""

    by: str
    weights: dict[str, dict[str, Weight]]


class Preset(Section):
    """The content of a preset."""

    title: dict[Literal["en", "ru"], str]
    green_from: Annotated[float, Field(ge=0, le=100)] = 75.0
    yellow_from: Annotated[float, Field(ge=0, le=100)] = 50.0
    groups: Annotated[tuple[Group, ...], Field(min_length=1, max_length=MOST_GROUPS)]
    segments: Segments | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [group.name for group in self.groups]
        if len(set(names)) < len(names):
            raise ValueError("two groups have the same name")
        if self.yellow_from > self.green_from:
            raise ValueError("yellow_from lies above green_from")
        if sum(group.weight for group in self.groups) <= 0:
            raise ValueError("at least one group needs a weight above 0")
        strange = set().union(*self.segments.weights.values()) - set(names) if self.segments else ()
        if strange:
            raise ValueError(f"segments weigh unknown groups: {', '.join(sorted(strange))}")
        return self

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each group."""
        return {group.name: group.weight for group in self.groups}

    @property
    def features(self) -> tuple[str, ...]:
        """Features that the signals read, each once."""
        read = [signal.feature for group in self.groups for signal in group.signals]
        by = [self.segment_feature] if self.segment_feature else []
        return tuple(dict.fromkeys([*read, *by]))

    @property
    def segment_feature(self) -> str | None:
        """Feature that holds the attribute of the segments."""
        return f"profile_{self.segments.by}" if self.segments else None

    def with_weights(self, weights: dict[str, float]) -> Preset:
        """The same groups under other weights, for all segments."""
        groups = [g.model_copy(update={"weight": weights[g.name]}) for g in self.groups]
        return self.model_copy(update={"groups": tuple(groups), "segments": None})


def shipped_presets() -> tuple[str, ...]:
    """Names of the presets that come with the package."""
    found = [Path(entry.name) for entry in _PRESETS.iterdir()]
    return tuple(sorted(path.stem for path in found if path.suffix == ".toml"))


def read_preset(name: str) -> Preset:
    """A shipped preset by its name, or one of the user's own by its path.

    Raises
    ------
    InputError
        If there is no such preset, or the file holds what a preset cannot.
    """
    if name.endswith(".toml"):
        return parse(Preset, read_toml(Path(name)), where=name)
    if name not in shipped_presets():
        raise InputError(
            f"There is no health preset '{name}'; shipped are {', '.join(shipped_presets())}. "
            "A preset of your own is named by its path, ending in .toml."
        )
    return parse(Preset, read_toml(Path(str(_PRESETS / f"{name}.toml"))), where=f"preset {name}")
