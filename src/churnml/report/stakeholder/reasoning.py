"""Why each alerted customer is at risk, what is open, and what moved since the alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from churnml.explanation.open_problem import open_problems
from churnml.explanation.reasons import reasons_of, voices_of
from churnml.explanation.score_change import score_change
from churnml.model.bundle import Bundle
from churnml.report.stakeholder.alarms import Alarms
from churnml.report.stakeholder.facts import Reason
from churnml.report.stakeholder.past_weeks import PastWeeks
from churnml.scoring import features_at

#: What moved a score since the alert: so many topics, if they moved the log-odds by so much.
CHANGES = 3
LEAST_CHANGE = 0.1


@dataclass(frozen=True)
class Reasoning:
    """What is said of each customer, by customer_id.

    Parameters
    ----------
    reasons : mapping of str to tuple of mapping
        As in the score file.
    problems : mapping of str to mapping
    changes : mapping of str to tuple of mapping
        Rows of ``score_change``.
    """

    reasons: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    problems: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    changes: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)


def reasoning(alarms: Alarms, weeks: PastWeeks, bundle: Bundle) -> Reasoning:
    """The reasons of every customer with an open alert.

    They are those of the newest as_of at which the customer was at risk: the report's own, but for
    who has left since. Who was at risk at none of the weeks has none.
    """
    newest = alarms.open.groupby("customer_id", sort=False)["as_of"].max()
    if newest.empty:
        return Reasoning()
    seen = weeks.scores.groupby("customer_id")["as_of"].max()
    keys = [(str(customer), seen[customer]) for customer in newest.index if customer in seen]
    if not keys:
        return Reasoning()
    index = pd.MultiIndex.from_tuples(keys, names=weeks.table.index.names)
    said = _reasons(index, weeks, bundle)
    problems = {key[0]: told for key, told in open_problems(weeks.dataset, index).items()}
    return Reasoning(said, problems, _changes(newest, weeks, bundle))


def _reasons(
    index: pd.MultiIndex, weeks: PastWeeks, bundle: Bundle
) -> Mapping[str, tuple[Reason, ...]]:
    """From the weeks in hand: alerts are open for twelve weeks, and the past is twelve more."""
    now = weeks.table.index.get_level_values("as_of").isin(index.get_level_values("as_of"))
    told = reasons_of(
        weeks.dataset, bundle, weeks.table.loc[index],
        everyone=weeks.table[now], weekly=weeks.catalogue,
    )  # fmt: skip
    return {key[0]: tuple(said) for key, said in zip(index, told, strict=True)}


def _changes(
    newest: pd.Series, weeks: PastWeeks, bundle: Bundle
) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    """What moved the scores since the newest alert, of those at risk then and now."""
    as_of = weeks.as_ofs[-1]
    earlier = [(customer, moment) for customer, moment in newest.items() if moment != as_of]
    then = _then([one for one in earlier if (one[0], as_of) in weeks.table.index], weeks)
    if then.empty:
        return {}
    customers = then.index.get_level_values("customer_id")
    moved = score_change(
        bundle,
        then,
        weeks.table.loc[_rows([(customer, as_of) for customer in customers], weeks)],
        features=weeks.features,
        voices=voices_of(weeks.dataset),
    )
    large = moved[moved["difference"].abs() >= LEAST_CHANGE]
    return {
        str(customer): tuple(rows.head(CHANGES).to_dict("records"))
        for customer, rows in large.groupby("customer_id", sort=False)
    }


def _then(keys: Sequence[tuple[Any, pd.Timestamp]], weeks: PastWeeks) -> pd.DataFrame:
    """The features at the alerts; of a ledger some may lie between the weeks."""
    index = _rows(keys, weeks)
    between = sorted(set(index.get_level_values("as_of")) - set(weeks.as_ofs))
    table = weeks.table
    if between:
        more = features_at(weeks.dataset, between, features=weeks.features)
        table = pd.concat([table, more[table.columns]])
    return table.loc[index[index.isin(table.index)]]


def _rows(keys: Sequence[tuple[Any, pd.Timestamp]], weeks: PastWeeks) -> pd.MultiIndex:
    return pd.MultiIndex.from_tuples(keys, names=weeks.table.index.names)
