"""What happened to a customer week by week, from the values that the model itself saw then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from churnml.alerting.queue import Floats
from churnml.report.stakeholder.facts import Lane
from churnml.report.stakeholder.past_weeks import PastWeeks

SCORE = "score"
#: Lanes from top to bottom and the feature behind each: the value at an as_of is what was known
#: then, so no lane reads a date. A lane whose feature is unknown at every week is left out.
LANES: Mapping[str, str] = {
    "usage": "events_7d",
    "tone": "tone_mean_28d",
    "tickets": "open_tickets",
    "tasks": "missed_tasks",
    "invoices": "overdue_invoices",
}


def lanes_of(customers: Sequence[str], weeks: PastWeeks) -> Mapping[str, tuple[Lane, ...]]:
    """The lanes of each customer: the score, then what the data holds.

    A lane is there for all customers or for none, so that sections compare; it is left out where
    nobody's value is known, or nobody's ever differs from zero.
    """
    wanted = list(dict.fromkeys(customers))
    inside = weeks.scores["customer_id"].isin(wanted).to_numpy()
    index, table = weeks.table.index[inside], weeks.table[inside]
    frames = {SCORE: pd.Series(weeks.scores.loc[inside, "probability"].to_numpy(), index=index)}
    frames |= {lane: table[feature] for lane, feature in LANES.items() if feature in table}
    cells = pd.MultiIndex.from_product([wanted, weeks.as_ofs], names=index.names)
    told = {
        lane: values.reindex(cells).to_numpy().reshape(len(wanted), -1)
        for lane, values in frames.items()
        if (values.notna() & (values != 0)).any()
    }
    return {
        customer: tuple(Lane(lane, _plain(grid[place])) for lane, grid in told.items())
        for place, customer in enumerate(wanted)
    }


def _plain(values: Floats) -> tuple[float | None, ...]:
    return tuple(None if pd.isna(value) else float(value) for value in values)
