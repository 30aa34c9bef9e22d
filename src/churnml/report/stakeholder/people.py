"""Who the customers are: name, owner and segment as known at the as_of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from churnml.alerting import Policy
from churnml.alerting.surroundings import surroundings
from churnml.evaluation.cuts import OWNER, TENURE, UNKNOWN_VALUE, cuts
from churnml.report.stakeholder.facts import Person
from churnml.sources.dataset import Dataset

#: The first of these that the data knows is what the list is filtered by.
_PREFERRED = ("segment", "plan", "industry", "region")
_NO_SPELLS = pd.DataFrame({"customer_id": [], "started_at": [], "exit_at": []})


def people(
    dataset: Dataset, customers: Sequence[str], *, as_of: pd.Timestamp
) -> Mapping[str, Person]:
    """The person behind each id; a customer whom the data does not name has the id alone."""
    wanted = pd.DataFrame({"customer_id": list(dict.fromkeys(customers)), "as_of": as_of})
    if wanted.empty:
        return {}
    found = dataset.connection.cursor().sql("select customer_id, name from customers").df()
    names = found.set_index("customer_id")["name"].reindex(wanted["customer_id"])
    owners = surroundings(dataset, wanted, policy=Policy())["owner"]
    told = cuts(dataset, wanted, _NO_SPELLS).rows
    segment = next((name for name in (*_PREFERRED, *told) if _is_segment(name, told)), None)
    return {
        customer: Person(
            customer,
            _text(name),
            _text(owners.iloc[place]),
            None if segment is None else _text(told[segment].iloc[place]),
        )
        for place, (customer, name) in enumerate(names.items())
    }


def _is_segment(name: str, told: pd.DataFrame) -> bool:
    return name in told and name not in (OWNER, TENURE)


def _text(value: object) -> str | None:
    """The text, or None where nothing is known."""
    if not isinstance(value, str) or value == UNKNOWN_VALUE or not value.strip():
        return None
    return value
