"""What was done for a customer: the newest plays that were assigned, and whether they are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from churnml.report.stakeholder.facts import Contact
from churnml.sources.dataset import Dataset

#: So many of a customer are told.
MOST = 3
_NEWEST = f"""
select customer_id, assigned_at, play, completed_at from interventions
where coalesce(arm, '') <> 'control' and list_contains(?, customer_id)
qualify row_number() over (partition by customer_id order by assigned_at desc, intervention_id)
    <= {MOST}
order by customer_id, assigned_at desc, intervention_id
"""


def contacts_of(dataset: Dataset, customers: Sequence[str]) -> Mapping[str, tuple[Contact, ...]]:
    """The newest plays of each customer; whoever is kept apart as a control has none.

    Parameters
    ----------
    dataset : Dataset
        As known at the as_of.
    customers : sequence of str
    """
    if "interventions" not in dataset.tables or not customers:
        return {}
    rows = dataset.connection.cursor().execute(_NEWEST, [list(customers)]).fetchall()
    found: dict[str, list[Contact]] = {}
    for customer, assigned, play, completed in rows:
        done = None if completed is None else pd.Timestamp(completed)
        found.setdefault(customer, []).append(Contact(pd.Timestamp(assigned), play, done))
    return {customer: tuple(several) for customer, several in found.items()}
