"""Short ways to declare features of one family, one window after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from churnml.features.algebra import (
    LAST_2_WEEKS,
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_26_WEEKS,
    LAST_WEEK,
    Expr,
    Rows,
    Window,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.row_sources import Source
from churnml.sources.description import Description, Role

#: Windows with their days, and how a reader says them.
DAYS = {LAST_WEEK: 7, LAST_2_WEEKS: 14, LAST_4_WEEKS: 28, LAST_12_WEEKS: 84, LAST_26_WEEKS: 182}
RUSSIAN = {7: "7 дней", 14: "14 дней", 28: "28 дней", 84: "84 дня", 182: "182 дня"}


@dataclass(frozen=True)
class Declare:
    """Makes features of one family that one play answers."""

    family: Family
    play: str = "check_in_call"

    def __call__(
        self, name: str, value: Expr, en: str, ru: str, unit: Unit, risk: int = 0,
        *, play: str | None = None, days: int | None = None,
    ) -> Feature:  # fmt: skip
        """One feature; with ``days`` the titles end in "…, last 7 days", "… за 7 дней"."""
        subject = {"en": en, "ru": ru.rstrip(",")}
        title = subject
        if days is not None:
            title = {"en": f"{en}, last {days} days", "ru": f"{ru} за {RUSSIAN[days]}"}
        return Feature(name, value, title, unit, self.family, risk, play or self.play,
                       subject, days)  # fmt: skip

    def over(
        self, windows: tuple[Window, ...], name: str, value: Callable[[Window], Expr],
        en: str, ru: str, unit: Unit, risk: int = 0, *, play: str | None = None,
    ) -> tuple[Feature, ...]:  # fmt: skip
        """The same feature over several windows: ``name_7d``, ``name_28d``."""
        return tuple(
            self(f"{name}_{days}d", value(window), en, ru, unit, risk, play=play, days=days)
            for window in windows
            if (days := DAYS[window])
        )


def named(source: Source, names: tuple[str, ...]) -> Rows:
    """Events of these names; absent if the description names none."""
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return Rows(source, f"name IN ({quoted})") if names else Rows(source, absent=True)


def role(source: Source, description: Description, role_: Role) -> Rows:
    """Events of a role; absent if the description gives the role to none."""
    return named(source, description.events.get(role_, ()))


def words(column: str, *stems: str) -> str:
    """Condition: the lower-cased column contains one of these stems."""
    tests = " OR ".join(f"LOWER({column}) LIKE '%{stem}%'" for stem in stems)
    return f"({tests})"
