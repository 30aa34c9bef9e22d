"""Figures of parts of the customers: who was caught, and how often in vain, in the one queue.

The queue is never replayed for a slice alone: a team has one capacity. A figure of a slice is that
of the exits, alerts and rows in it, when everybody stood in the same queue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.alerting.queue import DAY_US, Floats, Integers, layout, score_column
from churnml.evaluation.cuts import UNKNOWN_VALUE, Cuts
from churnml.evaluation.leads import (
    FOLLOWED_WITHIN_DAYS,
    USEFUL_FROM_DAYS,
    Outlook,
    best_notices,
    numbered_spells,
)
from churnml.evaluation.reference import Chance
from churnml.evaluation.result import Interval
from churnml.evaluation.rows import plain

#: With fewer exits in a slice its figures are noise and are not given.
FEWEST_EXITS = 10
NOWHERE = -1
#: Figures of a slice that have an interval.
OF_EXITS = ("recall_at_lead_21d", "random_recall_at_lead_21d", "median_lead_days")
OF_ALERTS = ("alert_precision", "late_alerts")
LOAD = "alerts_per_week"
OF_ROWS = "average_precision"


@dataclass(frozen=True, slots=True)
class Order:
    """Labelled rows by slice value and falling score: average precision within each value.

    Parameters
    ----------
    customer : array of int, shape (n_rows,)
    of_positive, value : arrays of int, shape (n_positive,)
        Customer and slice value of the positive rows, in order.
    first, last : arrays of int, shape (n_positive,)
        First row of the value of each positive row, and the row after its tie.
    hits_first, hits_last : arrays of int, shape (n_positive,)
        The same counted in positive rows.
    counts : array of int, shape (3, n_values)
        Rows, positive rows, people behind the positive rows.
    """

    customer: Integers
    of_positive: Integers
    value: Integers
    first: Integers
    last: Integers
    hits_first: Integers
    hits_last: Integers
    counts: Integers

    @classmethod
    def of(
        cls, score: Floats, positive: npt.NDArray[np.bool_], customer: Integers, value: Integers,
        *, n_values: int,
    ) -> Order:  # fmt: skip
        """The order of rows with a value."""
        there = np.flatnonzero(value != NOWHERE)
        order = there[np.lexsort((-score[there], value[there]))]
        values, scores, hits = value[order], score[order], positive[order]
        new = np.append(True, (np.diff(values) != 0) | (np.diff(scores) != 0))[: len(order)]
        starts = np.flatnonzero(new)
        ends = np.append(starts[1:], len(order))
        at = np.flatnonzero(hits)
        last = ends[np.searchsorted(starts, at, side="right") - 1] if len(at) else at
        before = np.concatenate(([0], np.cumsum(hits)))
        first = np.searchsorted(values, values[at], side="left")
        people = pd.DataFrame({"value": values[at], "who": customer[order][at]}).drop_duplicates()
        counts = [np.bincount(part, minlength=n_values) for part in (values, values[at])]
        counts.append(np.bincount(people["value"], minlength=n_values))
        return cls(
            customer[order], customer[order][at], values[at], first, last,
            before[first], before[last], np.stack(counts),
        )  # fmt: skip

    def average_precision(self, weights: Floats) -> Floats:
        """Average precision of each value under weights of customers; NaN without both classes."""
        n_values = self.counts.shape[1]
        rows = np.concatenate(([0.0], np.cumsum(weights[self.customer])))
        weight = weights[self.of_positive]
        hits = np.concatenate(([0.0], np.cumsum(weight)))
        above = hits[self.hits_last] - hits[self.hits_first]
        precision = above / np.maximum(rows[self.last] - rows[self.first], 1e-300)
        positives = _totals(self.value, weight, n_values)
        whole = rows[np.cumsum(self.counts[0])] - rows[np.cumsum(self.counts[0]) - self.counts[0]]
        both = (positives > 0) & (positives < whole)
        return _ratio(_totals(self.value, weight * precision, n_values), positives, where=both)


@dataclass(frozen=True, slots=True)
class Cut:
    """One way to cut the customers, as codes on the grid of the outlook.

    Parameters
    ----------
    name : str
    values : tuple of str
    of_cell : array of int, shape (n_as_ofs, n_customers), optional
        Value of every tested row; None where only exits are cut.
    of_exit : array of int, shape (n_customers, n_places), optional
        Value of every exit; None without dated exits.
    order : Order, optional
        Labelled rows by value; None where only exits are cut.
    """

    name: str
    values: tuple[str, ...]
    of_cell: Integers | None
    of_exit: Integers | None
    order: Order | None


def lay_out(
    cuts: Cuts,
    scores: pd.DataFrame,
    labels: pd.Series,
    spells: pd.DataFrame | None,
    ahead: Outlook | None,
) -> tuple[Cut, ...]:
    """The cuts as codes, leavers first.

    An exit belongs to the value of its last tested row at least 21 days ahead: the last chance to
    be in time. A slice of exits only has its own value for each.

    Parameters are those of ``evaluate``; ``ahead`` is None without dated exits.
    """
    found: list[Cut] = []
    if ahead is not None and spells is not None:
        found += [_cut_of_exits(cuts.exits[name], spells, ahead) for name in cuts.exits.columns]
    grid, score = layout(scores), score_column(scores).to_numpy()
    known = (labels.to_numpy(dtype=object) != "unknown") & ~np.isnan(score)
    positive = labels.to_numpy(dtype=object)[known] == "churned"
    for name in cuts.rows.columns:
        values, codes = _codes(cuts.rows[name])
        of_cell = np.full(grid.shape, NOWHERE, dtype=np.int64)
        of_cell[grid.row_as_of, grid.row_customer] = codes
        order = Order.of(
            score[known], positive, grid.row_customer[known], codes[known], n_values=len(values)
        )
        exits = None if ahead is None else _of_exits(of_cell, ahead)
        found.append(Cut(name, values, of_cell, exits, order))
    return tuple(found)


def _cut_of_exits(said: pd.Series, spells: pd.DataFrame, ahead: Outlook) -> Cut:
    """Codes of the exits; what is said of spells without one plays no part."""
    left = spells["exit_at"].notna().to_numpy()
    values, codes = _codes(said[left])
    of_spell = np.full(len(spells), NOWHERE, dtype=np.int64)
    of_spell[left] = codes
    at = numbered_spells(spells, ahead.grid)
    of_exit = np.full(ahead.counted.shape, NOWHERE, dtype=np.int64)
    of_exit[at["customer"], at["place"]] = of_spell[at["row"]]
    return Cut(str(said.name), values, None, of_exit, None)


def _codes(said: pd.Series) -> tuple[tuple[str, ...], Integers]:
    """The values in order, ``unknown`` last, and the place of each row's value among them."""
    ordered = list(said.cat.categories) if isinstance(said.dtype, pd.CategoricalDtype) else []
    there = set(said.astype("str").unique())
    known = [value for value in ordered or sorted(there) if value in there - {UNKNOWN_VALUE}]
    values = (*known, *({UNKNOWN_VALUE} & there))
    places = {value: place for place, value in enumerate(values)}
    return values, said.astype("str").map(places).to_numpy(dtype=np.int64)


def _of_exits(of_cell: Integers, ahead: Outlook) -> Integers:
    """Value of every exit: that of its last tested row at least 21 days ahead."""
    found = np.full(ahead.counted.shape, NOWHERE, dtype=np.int64)
    for values, notice, place in zip(of_cell, ahead.notice, ahead.place, strict=True):
        in_time = np.flatnonzero((notice >= USEFUL_FROM_DAYS * DAY_US) & (values != NOWHERE))
        found[in_time, place[in_time]] = values[in_time]
    return found


def slices_of_rows(cuts: Sequence[Cut], weights: Floats) -> dict[str, float]:
    """Average precision of every slice, under weights of customers."""
    return _named((cut, OF_ROWS, cut.order.average_precision(weights)) for cut in cuts if cut.order)


def people_of_slices(cuts: Sequence[Cut]) -> dict[str, float]:
    """People behind the positive rows of every slice."""
    return _named((cut, "n_people", cut.order.counts[2]) for cut in cuts if cut.order)


def slices_of_queue(
    cuts: Sequence[Cut],
    ahead: Outlook,
    chance: Chance,
    alerts: tuple[Integers, Integers],
    drawn: Integers,
) -> dict[str, float]:
    """Figures of the exits and alerts of every slice in one replay of the one queue.

    Parameters
    ----------
    alerts : (lines, columns)
        Alerted cells; the columns count the drawn customers.
    drawn : array of int
        Customers of the resample.
    """
    lines, columns = alerts
    customers = drawn[columns]
    best = best_notices(ahead, lines, columns, drawn)
    counted = ahead.counted[drawn]
    notices, luck = best[counted], chance.caught[drawn][counted]
    judged = ahead.judged[lines]
    notice = ahead.notice[lines, customers]
    followed = judged & (notice >= 0) & (notice < FOLLOWED_WITHIN_DAYS * DAY_US)
    late = followed & (notice < USEFUL_FROM_DAYS * DAY_US)
    found: list[tuple[Cut, str, Floats]] = []
    for cut in cuts:
        if cut.of_exit is not None:
            found += _of_exit_figures(cut, cut.of_exit[drawn][counted], notices, luck)
        if cut.of_cell is not None:
            value = cut.of_cell[lines, customers]
            every = np.ones(len(lines))
            total, alerted, heard, too_late = (
                _sums(cut, value, part) for part in (every, judged, followed, late)
            )
            found += [
                (cut, "alert_precision", _ratio(heard, alerted, where=alerted > 0)),
                (cut, "late_alerts", too_late),
                (cut, LOAD, total / ahead.weeks if ahead.weeks else total * np.nan),
                (cut, "n_alerts", total),
                (cut, "n_judged", alerted),
            ]
    return _named(found)


def _of_exit_figures(
    cut: Cut, value: Integers, notices: Integers, luck: Floats
) -> list[tuple[Cut, str, Floats]]:
    exits = _sums(cut, value, np.ones(len(value)))
    caught = _sums(cut, value, notices >= USEFUL_FROM_DAYS * DAY_US)
    some = exits > 0
    return [
        (cut, "n_exits", exits),
        (cut, "recall_at_lead_21d", _ratio(caught, exits, where=some)),
        (cut, "random_recall_at_lead_21d", _ratio(_sums(cut, value, luck), exits, where=some)),
        (cut, "median_lead_days", _medians(cut, value, notices)),
    ]


def _medians(cut: Cut, value: Integers, notices: Integers) -> Floats:
    """Median notice of each value, over the exits that any alert announced, in days."""
    heard = (notices >= 0) & (value != NOWHERE)
    order = np.lexsort((notices[heard], value[heard]))
    sorted_values, days = value[heard][order], notices[heard][order] / DAY_US
    start, end = (
        np.searchsorted(sorted_values, np.arange(len(cut.values)), side=side)
        for side in ("left", "right")
    )
    if len(days) == 0:
        return np.full(len(cut.values), np.nan)
    low = days[np.minimum((start + end - 1) // 2, len(days) - 1)]
    high = days[np.minimum((start + end) // 2, len(days) - 1)]
    return np.where(end > start, (low + high) / 2, np.nan)


def _sums(cut: Cut, value: Integers, part: npt.NDArray[Any]) -> Floats:
    """Sums over what has each value; what has none is left out."""
    return _totals(value + 1, part, len(cut.values) + 1)[1:]


def _totals(value: Integers, part: npt.NDArray[Any], n_values: int) -> Floats:
    return np.asarray(np.bincount(value, part, n_values), dtype=np.float64)


def _ratio(part: Floats, whole: Floats, *, where: npt.NDArray[np.bool_]) -> Floats:
    found = np.full(len(whole), np.nan)
    np.divide(part, whole, out=found, where=where)
    return found


def _named(found: Any) -> dict[str, float]:
    """Figures under ``slice=value:figure``."""
    return {
        f"{_prefix(cut, value)}{figure}": float(number)
        for cut, figure, numbers in found
        for value, number in zip(cut.values, numbers, strict=True)
    }


def _prefix(cut: Cut, value: str) -> str:
    return f"{cut.name}={value}:"


def slice_records(
    cuts: Sequence[Cut], figures: Mapping[str, float], bands: Mapping[str, Interval]
) -> tuple[dict[str, Any], ...]:
    """One record for each value of each slice; figures of few exits are None, with a note."""
    return tuple(
        _record(cut, value, place, figures, bands)
        for cut in cuts
        for place, value in enumerate(cut.values)
    )


def _record(
    cut: Cut,
    value: str,
    place: int,
    figures: Mapping[str, float],
    bands: Mapping[str, Interval],
) -> dict[str, Any]:
    prefix = _prefix(cut, value)
    exits, alerts = (figures.get(f"{prefix}n_{what}") for what in ("exits", "alerts"))
    rows, positives, people = (None, None, 0) if cut.order is None else cut.order.counts[:, place]
    enough = exits is not None and exits >= FEWEST_EXITS
    given = {
        OF_ROWS: cut.order is not None and people >= FEWEST_EXITS,
        **dict.fromkeys(OF_EXITS + OF_ALERTS, enough),
        LOAD: True,
    }
    known = {name: figures.get(prefix + name, math.nan) if given[name] else math.nan
             for name in given}  # fmt: skip
    return {
        "slice": cut.name,
        "value": value,
        "n_rows": _whole(rows),
        "n_positive": _whole(positives),
        "n_exits": _whole(exits),
        "n_alerts": _whole(alerts),
        **{name: plain(number) for name, number in known.items()},
        "intervals": {
            name: bands.get(prefix + name) if math.isfinite(number) else None
            for name, number in known.items()
        },
        "note": _note(cut, exits, people),
    }


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _note(cut: Cut, exits: float | None, people: int) -> str | None:
    """Why figures of a slice are missing."""
    if exits is not None and exits < FEWEST_EXITS:
        return f"{int(exits)} exits, too few for figures (fewer than {FEWEST_EXITS})."
    if cut.order is not None and people < FEWEST_EXITS:
        return f"{people} people behind the positive rows, too few for average precision."
    return None
