"""Who left without a useful alert, and ten customers to call whom no model chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from churnml.evaluation.exits import IN_TIME
from churnml.evaluation.record import ProofRecord
from churnml.health import Preset
from churnml.health.score import colours
from churnml.report.stakeholder.alarms import standings_now
from churnml.report.stakeholder.facts import CallFact, MissFact, Person
from churnml.report.stakeholder.past_weeks import PastWeeks
from churnml.sources.dataset import Dataset

CALLS = 10
#: Why they went, in their own words or in those of the contract, whichever is known; the last said.
_SAID = """
select customer_id, max({'moment': moment, 'said': said}).said as said from (
    select customer_id, answered_at as moment, reason as said from surveys
    where kind = 'exit' and reason is not null
    union all
    select customer_id, ended_at as moment, end_reason as said from subscriptions
    where end_reason = 'involuntary' and ended_at is not null)
group by customer_id
"""


def missed(proof: ProofRecord | None) -> pd.DataFrame:
    """The exits of the proof without a useful alert; empty without a proof."""
    if proof is None or proof.exits.empty:
        return pd.DataFrame({"customer_id": []})
    return proof.exits[proof.exits["outcome"] != IN_TIME]


def miss_facts(
    exits: pd.DataFrame, dataset: Dataset, people: Mapping[str, Person], *, preset: Preset
) -> tuple[MissFact, ...]:
    """The missed exits with what the customers said when they left, the latest first.

    Parameters
    ----------
    exits : DataFrame
        Rows of ``exit_outcomes``.
    dataset : Dataset
        As known at the as_of.
    people : mapping of str to Person
    preset : Preset
        Of the health, for its colours.
    """
    if exits.empty:
        return ()
    found = dataset.connection.cursor().sql(_SAID).df()
    said = dict(zip(found["customer_id"], found["said"], strict=True))
    colour = colours(exits["health"].astype("float64"), preset)
    return tuple(
        MissFact(
            person=people[row["customer_id"]],
            exit_at=row["exit_at"],
            seen_at=row["seen_at"],
            outcome=row["outcome"],
            notice_days=_known(row["notice_days"]),
            probability=row["probability"],
            health=_known(row["health"]),
            colour=shade,
            place=int(row["place"]),
            best_place=int(row["best_place"]),
            of=int(row["of"]),
            said=said.get(row["customer_id"]),
        )
        for row, shade in zip(exits.to_dict("records"), colour, strict=True)
    )


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def random_calls(
    weeks: PastWeeks, alerted: Sequence[str], *, seed: int, count: int = CALLS
) -> Sequence[str]:
    """Ids of customers at risk without an open alert, drawn by the dice of this as_of."""
    free = sorted(set(weeks.now["customer_id"]) - set(alerted))
    rng = np.random.default_rng([seed, weeks.as_ofs[-1].toordinal()])
    drawn = rng.permutation(len(free))[:count]
    return [free[place] for place in drawn]


def call_facts(
    customers: Sequence[str], weeks: PastWeeks, people: Mapping[str, Person]
) -> tuple[CallFact, ...]:
    """The drawn customers as they stand."""
    now = standings_now(weeks)
    return tuple(CallFact(people[customer], now[customer]) for customer in customers)
