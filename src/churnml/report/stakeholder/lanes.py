"""The drawing of a timeline: small multiples over one time axis, as numbers for inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from churnml.report.canvas import Language
from churnml.report.stakeholder.facts import CustomerFact, Lane, naive
from churnml.report.stakeholder.timeline import SCORE
from churnml.report.stakeholder.words import cut, decimal, percent, short_day, words_of
from churnml.windows import DAY, WEEK_DAYS

TONE = "tone"
#: Counts that hold until they change are drawn as steps with a ground.
STEPS = frozenset({"tickets", "tasks", "invoices"})
ALWAYS = (SCORE, "usage")
#: A name in the label that a screen reader speaks.
NAME_LETTERS = 60
#: A lane is drawn on a hundred by thirty; the style of the page gives it its width and height.
WIDE, LANE_HIGH = 100, 30


@dataclass(frozen=True)
class DrawnLane:
    """One lane: words above, a path below; ``is_step`` has a ground."""

    name: str
    said: str
    base: str
    path: str
    is_step: bool


@dataclass(frozen=True)
class Mark:
    """A mark on the time axis, at a per cent of the width."""

    at: str
    text: str
    title: str = ""


@dataclass(frozen=True)
class DrawnTimeline:
    """Everything that the template places."""

    label: str
    lanes: tuple[DrawnLane, ...]
    months: tuple[Mark, ...]
    since: tuple[Mark, ...]
    alerts: tuple[Mark, ...]


def drawn_timeline(
    customer: CustomerFact, weeks: Sequence[pd.Timestamp], *, language: Language
) -> DrawnTimeline:
    """The timeline of a customer."""
    words = words_of(language)
    shown = [lane for lane in customer.lanes if _says_something(lane)]
    label = words["customers"]["timeline_label"].format(
        name=cut(customer.person.name or customer.person.customer_id, NAME_LETTERS),
        weeks=len(weeks),
        as_of=short_day(weeks[-1], language),
        lanes="; ".join(_spoken(lane, language) for lane in shown),
    )  # fmt: skip
    raised = sorted({alert.then.as_of for alert in customer.alerts})
    return DrawnTimeline(
        label=label,
        lanes=tuple(_lane(lane, language) for lane in shown),
        months=_months(weeks, language),
        since=_since(customer, weeks),
        alerts=tuple(_mark(moment, weeks, "", _alert(moment, language)) for moment in raised),
    )


def _says_something(lane: Lane) -> bool:
    """Whether anything ever happened in a lane; use and risk are drawn all the same."""
    return lane.key in ALWAYS or any(lane.values)


def _alert(moment: pd.Timestamp, language: Language) -> str:
    return str(words_of(language)["customers"]["alert"].format(as_of=short_day(moment, language)))


def _lane(lane: Lane, language: Language) -> DrawnLane:
    known = [value for value in lane.values if value is not None]
    low, high = _range(lane.key, known)
    is_step = lane.key in STEPS
    path = _steps(lane.values, low, high) if is_step else _line(lane.values, low, high)
    name = words_of(language)["lanes"][lane.key]
    said = _now(lane, known, language)
    return DrawnLane(name, said, f"{_height(0.0, low, high):g}", path, is_step)


def _range(key: str, known: Sequence[float]) -> tuple[float, float]:
    """What a lane spans: from zero up, tone around zero; flat lines are not blown up."""
    if key == TONE:
        reach = max([0.3, *(abs(value) for value in known)])
        return -reach, reach
    least = 0.1 if key == SCORE else 1.0
    return 0.0, max([least, *known])


def _height(value: float, low: float, high: float) -> float:
    return round(LANE_HIGH * (high - value) / (high - low), 1)


def _line(values: Sequence[float | None], low: float, high: float) -> str:
    """Points joined by lines; a gap where a value is unknown, a dot where one stands alone."""
    parts, open_ = [], False
    for place, value in enumerate(values):
        if value is None:
            open_ = False
            continue
        point = f"{_x(place, len(values))} {_height(value, low, high):g}"
        parts.append(f"{' ' if open_ else 'M'}{point}" + ("" if open_ else "h.1"))
        open_ = True
    return "".join(parts).replace("h.1 ", " ")


def _steps(values: Sequence[float | None], low: float, high: float) -> str:
    """Levels that hold until they change, with the ground closed below; a gap where unknown."""
    parts: list[str] = []
    before: str | None = None
    for place, value in enumerate((*values, None)):
        at = _x(min(place, len(values) - 1), len(values))
        height = None if value is None else f"{_height(value, low, high):g}"
        if height == before:
            continue
        if before is None:
            parts.append(f"M{at} {LANE_HIGH}V{height}")
        else:
            parts.append(f"H{at}V{LANE_HIGH if height is None else height}")
        if height is None:
            parts.append("z")
        before = height
    return "".join(parts)


def _x(place: int, count: int) -> str:
    return f"{WIDE * place / max(count - 1, 1):.4g}"


def _now(lane: Lane, known: Sequence[float], language: Language) -> str:
    """The value at the as_of and the furthest one, in words."""
    words, last = words_of(language)["customers"], lane.values[-1]
    now, is_tone = _value(lane.key, last, language), lane.key == TONE
    if not known:
        return now
    furthest = {
        "highest": _value(lane.key, max(known), language),
        "lowest": _value(lane.key, min(known), language),
    }
    told = (
        ("lane_lowest" if is_tone else "lane_highest")
        if last is None
        else ("lane_tone" if is_tone else "lane_now")
    )
    return str(words[told].format(now=now, **furthest))


def _spoken(lane: Lane, language: Language) -> str:
    words = words_of(language)
    first, last = (_value(lane.key, lane.values[place], language) for place in (0, -1))
    return str(
        words["customers"]["lane"].format(name=words["lanes"][lane.key], first=first, last=last)
    )


def _value(key: str, value: float | None, language: Language) -> str:
    if value is None:
        return str(words_of(language)["unknown"])
    if key == SCORE:
        return percent(value, language)
    return decimal(value, language, digits=2 if key == TONE else 0)


def _months(weeks: Sequence[pd.Timestamp], language: Language) -> tuple[Mark, ...]:
    """The name of each month at its first week; of those too near to the end none."""
    names = words_of(language)["months_short"]
    found, before = [], None
    for place, moment in enumerate(weeks):
        if before is not None and moment.month != before and place < len(weeks) - 2:
            found.append(Mark(_at(place, weeks), names[moment.month - 1].rstrip(".")))
        before = moment.month
    return tuple(found)


def _since(customer: CustomerFact, weeks: Sequence[pd.Timestamp]) -> tuple[Mark, ...]:
    """Reasons that began within the weeks, by number; those of one week share a mark."""
    found: dict[str, list[str]] = {}
    for number, reason in enumerate(customer.reasons, start=1):
        since = reason.get("since")
        if since is not None and not pd.isna(since):
            mark = _mark(naive(since), weeks, str(number))
            found.setdefault(mark.at, []).append(mark.text)
    return tuple(Mark(at, " ".join(numbers)) for at, numbers in found.items())


def _mark(moment: pd.Timestamp, weeks: Sequence[pd.Timestamp], text: str, title: str = "") -> Mark:
    """A mark at its place on the axis; what began before the axis stands at its beginning."""
    place = (moment - weeks[0]) / (WEEK_DAYS * DAY)
    return Mark(_at(min(max(place, 0.0), len(weeks) - 1.0), weeks), text, title)


def _at(place: float, weeks: Sequence[pd.Timestamp]) -> str:
    return f"{100 * place / max(len(weeks) - 1, 1):.4g}%"
