"""Scores judged in money: what the queue catches and earns, and the share worth contacting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from churnml.alerting.queue import (
    Floats,
    Integers,
    Policy,
    floors,
    layout,
    replay,
    score_column,
    tie_breakers,
)
from churnml.config import Money as Terms
from churnml.evaluation.intervals import bootstrap, percentile_interval
from churnml.evaluation.leads import outlook, scored_keys
from churnml.evaluation.profit import (
    Contacts,
    Offer,
    empirical_profit,
    expected_maximum_profit,
    maximum_profit,
)
from churnml.evaluation.reference import random_scores
from churnml.evaluation.result import Interval
from churnml.evaluation.rows import plain
from churnml.evaluation.worth import Worth
from churnml.labels import CHURNED, UNKNOWN

#: Loads whose profit is compared, beside the policy's own.
BUDGETS = (0.005, 0.01, 0.02, 0.05, 0.1)
#: Shares of the rows at which the profit curve is kept.
SHARES = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
#: Random scores of which chance is the mean.
DRAWS = 10
OF_THE_QUEUE = (
    "value_at_risk_caught_per_100_contacts",
    "share_of_value_caught",
    "profit_per_contact",
    "profit_per_week",
    "contacts_per_week",
)
#: Amounts of revenue; there are none where the data has no ``mrr``.
OF_REVENUE = ("value_at_risk_caught_per_100_contacts", "share_of_value_caught", "value_at_risk",
              "value_lost")  # fmt: skip


@dataclass(frozen=True)
class MoneyFigures:
    """All money figures of one score; None stands for what cannot be computed, ``notes`` say why.

    Parameters
    ----------
    currency : str, optional
    terms : Terms
        The assumptions behind every profit.
    figures, intervals : mapping
        Figure by name, and its 95 % interval by bootstrap over customers, the queue replayed.
    by_q : mapping, optional
        The figures of the queue at each load, with intervals.
    profit_curve : mapping
        Profit per row by share of rows contacted, with its interval.
    notes : tuple of str
    """

    currency: str | None
    terms: Terms
    figures: Mapping[str, float | None]
    intervals: Mapping[str, Interval]
    by_q: Mapping[str, Mapping[str, Any]] | None
    profit_curve: Mapping[str, tuple[float | None, Interval]]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "currency": self.currency,
            **self.figures,
            "intervals": dict(self.intervals),
            "by_q": self.by_q,
            "profit_curve": {
                share: {"profit": profit, "interval": band}
                for share, (profit, band) in self.profit_curve.items()
            },
            "assumptions": self.terms.model_dump(),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Purse:
    """What every score is judged with: values of the tested rows, outcomes, terms and load.

    Parameters
    ----------
    revenue : Series of float, optional
        Annual recurring revenue of each tested row as known at its as_of; NaN where unknown, None
        where the data has no ``mrr``: then everyone is worth the same.
    labels : Series of str
        Labels of the rows, in the same order.
    spells : DataFrame, optional
        customer_id, started_at, exit_at; without rows there is no queue to judge.
    """

    revenue: pd.Series | None
    labels: pd.Series
    spells: pd.DataFrame | None
    currency: str | None
    terms: Terms
    policy: Policy
    observed_until: pd.Timestamp
    delay_days: int
    seed: int

    @property
    def offer(self) -> Offer:
        """The terms of a contact."""
        terms = self.terms
        return Offer(
            terms.accept_alpha, terms.accept_beta, terms.incentive_fraction, terms.contact_cost
        )

    @property
    def values(self) -> pd.Series:
        """What saving each customer is worth."""
        if self.revenue is None:
            return pd.Series(self.terms.value_without_mrr, index=self.labels.index)
        return self.terms.years * self.revenue

    def weigh(self, scores: pd.DataFrame, *, resamples: int = 300) -> MoneyFigures:
        """Money figures of a score.

        Parameters
        ----------
        scores : DataFrame
            customer_id, as_of and score (or probability) of every tested row, in the order of the
            labels.
        resamples : int
        """
        return _judge(self, (scores,), resamples=resamples)

    def weigh_random(self, snapshots: pd.DataFrame, *, resamples: int = 100) -> MoneyFigures:
        """Money figures of chance: the mean over random scores; an interval is that of one."""
        rows = snapshots[["customer_id", "as_of"]]
        there = score_column(snapshots).notna()
        draws = tuple(
            rows.assign(score=random_scores(rows, seed=self.seed + draw).where(there))
            for draw in range(DRAWS)
        )
        return _judge(self, draws, resamples=resamples)


def by_value(scores: pd.DataFrame, revenue: pd.Series | None) -> pd.DataFrame:
    """The scores times the revenue: the order in which risk times value ranks.

    Unknown revenue counts as the mean of its as_of; without any revenue the risk alone ranks.
    """
    if revenue is None:
        return scores
    mean = revenue.groupby(scores["as_of"].to_numpy()).transform("mean")
    weight = revenue.where(revenue.notna(), mean)
    return scores[["customer_id", "as_of"]].assign(score=score_column(scores) * weight)


def _judge(purse: Purse, scores: Sequence[pd.DataFrame], *, resamples: int) -> MoneyFigures:
    n_customers = layout(scores[0]).shape[1]
    rows = [_Rows.of(purse, one) for one in scores]
    queue = _Queue.of(purse, scores)
    everyone = np.arange(n_customers, dtype=np.int64)

    def figures(member: int, drawn: Integers, ties: Floats) -> dict[str, float]:
        weights = np.bincount(drawn, minlength=n_customers).astype(np.float64)
        found = rows[member].figures(weights)
        return found | (queue.figures(member, drawn, ties) if queue else {})

    def statistic(drawn: Integers, rng: np.random.Generator) -> dict[str, float]:
        member = int(rng.integers(len(scores)))
        return figures(member, drawn, rng.random(n_customers))

    ties = tie_breakers(layout(scores[0]).customers, seed=purse.policy.seed)
    found = pd.DataFrame([figures(number, everyone, ties) for number in range(len(scores))]).mean()
    drawn = bootstrap(statistic, n_customers=n_customers, resamples=resamples, seed=purse.seed)
    bands = {name: percentile_interval(values) for name, values in drawn.items()}
    return _written(purse, {str(k): float(v) for k, v in found.items()}, bands, queue, rows[0])


@dataclass(frozen=True, slots=True)
class _Rows:
    """Labelled rows of known value by falling score: the EMPB family and the profit curve."""

    contacts: Contacts | None
    customer: Integers
    leaving: Floats
    value: Floats
    probability: Floats
    offer: Offer
    n_as_ofs: int
    n_unknown_value: int

    @classmethod
    def of(cls, purse: Purse, scores: pd.DataFrame) -> _Rows:
        score = score_column(scores).to_numpy()
        value = purse.values.to_numpy(dtype=float)
        labelled = (purse.labels != UNKNOWN).to_numpy() & ~np.isnan(score)
        kept = labelled & ~np.isnan(value)
        probability = scores.get("probability", pd.Series(np.nan, index=scores.index))
        return cls(
            contacts=Contacts.of(score[kept]) if kept.any() else None,
            customer=layout(scores).row_customer[kept],
            leaving=(purse.labels == CHURNED).to_numpy()[kept].astype(np.float64),
            value=value[kept],
            probability=probability.to_numpy(dtype=float)[kept],
            offer=purse.offer,
            n_as_ofs=scores.loc[kept, "as_of"].nunique(),
            n_unknown_value=int((labelled & np.isnan(value)).sum()),
        )

    def figures(self, by_customer: Floats) -> dict[str, float]:
        weights = by_customer[self.customer]
        if self.contacts is None or weights.sum() == 0:
            names = ("mpc", "empc", "empb", "optimal_share", "value_at_risk", "value_lost")
            return dict.fromkeys((*names, *map(_curve_name, SHARES)), np.nan)
        gains = self.offer.gains(self.leaving > 0, self.value)
        best = empirical_profit(self.contacts, gains, weights)
        contacted = self.contacts.running(weights) / weights.sum()
        profits = self.contacts.running(gains * weights) / weights.sum()
        return {
            **self._same_value(weights),
            "empb": best.profit,
            "optimal_share": best.share,
            "value_at_risk": float((weights * self.probability * self.value).sum()) / self.n_as_ofs,
            "value_lost": float((weights * self.leaving * self.value).sum()) / self.n_as_ofs,
            **{_curve_name(share): float(np.interp(share, contacted, profits)) for share in SHARES},
        }

    def _same_value(self, weights: Floats) -> dict[str, float]:
        """MPC and EMPC, in which everyone is worth the mean."""
        clv = float(np.average(self.value, weights=weights))
        shared: dict[str, float] = {
            "clv": clv,
            "incentive_cost": self.offer.incentive_fraction * clv,
            "contact_cost": self.offer.contact_cost,
        }
        contacts = self.contacts
        assert contacts is not None
        fixed = maximum_profit(
            contacts, self.leaving, weights, accept_rate=self.offer.accept_rate, **shared
        )
        drawn = expected_maximum_profit(
            contacts, self.leaving, weights, accept_alpha=self.offer.accept_alpha,
            accept_beta=self.offer.accept_beta, **shared,
        )  # fmt: skip
        return {"mpc": fixed.profit, "empc": drawn.profit}


def _curve_name(share: float) -> str:
    return f"curve:{share:g}"


@dataclass(frozen=True, slots=True)
class _Queue:
    """Replays at every load, in money."""

    worth: Worth
    keys: tuple[Floats, ...]
    policies: Mapping[str, Policy]
    floors: Mapping[str, Floats]

    @classmethod
    def of(cls, purse: Purse, scores: Sequence[pd.DataFrame]) -> _Queue | None:
        if purse.spells is None or purse.spells.empty:
            return None
        ahead = outlook(
            scores[0], purse.spells, observed_until=purse.observed_until,
            delay_days=purse.delay_days,
        )  # fmt: skip
        keys = tuple(scored_keys(ahead, one) for one in scores)
        loads = sorted({*BUDGETS, purse.policy.q})
        policies = {f"{q:g}": replace(purse.policy, q=q) for q in loads}
        lowest = {
            name: np.min([floors(one, ahead.grid.times, policy) for one in keys], axis=0)
            for name, policy in policies.items()
        }
        return cls(Worth.of(ahead, purse.values, offer=purse.offer), keys, policies, lowest)

    def figures(self, member: int, drawn: Integers, ties: Floats) -> dict[str, float]:
        """Figures by load, as ``q:name``, and the load that earns most."""
        keys = self.keys[member][:, drawn] + ties
        times = self.worth.ahead.grid.times
        found: dict[str, float] = {}
        profits: dict[str, float] = {}
        for q, policy in self.policies.items():
            alerts = replay(keys, times, policy, floors=self.floors[q])
            at_load = self.worth.figures(*alerts, drawn)
            profits[q] = at_load["profit_per_week"]
            found |= {f"{q}:{name}": value for name, value in at_load.items()}
        return found | {"optimal_q": _best(profits)}


def _best(profits: Mapping[str, float]) -> float:
    """The load with the highest profit; 0 if every one loses money."""
    if any(np.isnan(list(profits.values()))):
        return np.nan
    best = max(profits, key=lambda q: profits[q])
    return float(best) if profits[best] > 0 else 0.0


def _written(
    purse: Purse,
    found: Mapping[str, float],
    bands: Mapping[str, Interval],
    queue: _Queue | None,
    rows: _Rows,
) -> MoneyFigures:
    names = ["mpc", "empc", "empb", "optimal_share", "value_at_risk", "value_lost"]
    source = {name: name for name in names} | {"optimal_q": "optimal_q"}
    source |= {name: f"{purse.policy.q:g}:{name}" for name in OF_THE_QUEUE}
    nothing = set(OF_REVENUE) if purse.revenue is None else set()
    figures = {
        name: None if name in nothing else plain(found.get(key, np.nan))
        for name, key in source.items()
    }
    intervals = {
        name: bands.get(key) if figures[name] is not None else None for name, key in source.items()
    }
    return MoneyFigures(
        purse.currency,
        purse.terms,
        figures,
        intervals,
        _by_load(found, bands, queue, nothing) if queue else None,
        {
            f"{share:g}": (plain(found[name]), bands.get(name))
            for share in SHARES
            for name in [_curve_name(share)]
        },
        _notes(purse, figures, queue, rows),
    )


def _by_load(
    found: Mapping[str, float],
    bands: Mapping[str, Interval],
    queue: _Queue,
    nothing: set[str],
) -> dict[str, dict[str, Any]]:
    return {
        q: {
            **{n: None if n in nothing else plain(found[f"{q}:{n}"]) for n in OF_THE_QUEUE},
            "intervals": {n: None if n in nothing else bands.get(f"{q}:{n}") for n in OF_THE_QUEUE},
        }
        for q in queue.policies
    }


def _notes(
    purse: Purse, figures: Mapping[str, float | None], queue: _Queue | None, rows: _Rows
) -> tuple[str, ...]:
    """What is assumed, and why a figure is missing."""
    judged = queue is not None and bool(queue.worth.ahead.judged.any())
    reasons = {
        "The data has no mrr: revenue figures are missing, and profits count every customer as "
        f"worth {purse.terms.value_without_mrr:g} ([money] value_without_mrr).": purse.revenue
        is None,
        f"{rows.n_unknown_value} labelled rows are of unknown revenue: they are left out of sums "
        "and profits.": rows.n_unknown_value > 0,
        "There are no dated exits: what the queue catches and earns is missing.": queue is None,
        "No alert is old enough to be judged (84 days and the label delay): profit of contacts and "
        "revenue caught are missing.": queue is not None and not judged,
        "The scores are no probabilities: value at risk is missing.": purse.revenue is not None
        and figures["value_at_risk"] is None,
        "Profits rest on assumptions ([money]); that a contact saves anybody is one of them.": True,
    }
    return tuple(text for text, applies in reasons.items() if applies)
