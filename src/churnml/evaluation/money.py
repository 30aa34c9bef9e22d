"""Scores judged in money: what the queue catches and earns, and the share worth contacting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnml.alerting.queue import (
    Around,
    Floats,
    Integers,
    Policy,
    layout,
    score_column,
    tie_breakers,
)
from churnml.config import Money as Terms
from churnml.config import Study
from churnml.evaluation.intervals import bootstrap, percentile_interval
from churnml.evaluation.leads import outlook
from churnml.evaluation.profit import Offer
from churnml.evaluation.reference import random_scores
from churnml.evaluation.result import Interval
from churnml.evaluation.row_profit import OF_ROWS, SHARES, RowProfit, curve_name
from churnml.evaluation.rows import plain
from churnml.evaluation.words import say
from churnml.evaluation.worth import OF_THE_QUEUE, Budgets, Worth
from churnml.features import annual_revenue
from churnml.sources.dataset import Dataset
from churnml.spoken import Spoken
from churnml.windows import LabelWindow

#: Random scores of which chance is the mean.
DRAWS = 10
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
        Figure by name, and its 95% interval by bootstrap over customers, the queue replayed.
    by_q : mapping, optional
        The figures of the queue at each load, with intervals.
    profit_curve : mapping
        Profit per row by share of rows contacted, with its interval.
    notes : tuple of Spoken
    """

    currency: str | None
    terms: Terms
    figures: Mapping[str, float | None]
    intervals: Mapping[str, Interval]
    by_q: Mapping[str, Mapping[str, Any]] | None
    profit_curve: Mapping[str, tuple[float | None, Interval]]
    notes: tuple[Spoken, ...]

    def brief(self) -> dict[str, Any]:
        """The figures with their intervals, at the policy's load and at the others."""
        return {**self.figures, "intervals": dict(self.intervals), "by_q": self.by_q}

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "currency": self.currency,
            **self.brief(),
            "profit_curve": {
                share: {"profit": profit, "interval": band}
                for share, (profit, band) in self.profit_curve.items()
            },
            "assumptions": self.terms.model_dump(),
            "notes": [str(note) for note in self.notes],
            "notes_ru": [note.ru for note in self.notes],
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
    surroundings : DataFrame, optional
        What the gates of the policy read (``alerting.surroundings``); needed if it has any.
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
    surroundings: pd.DataFrame | None = None

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        tested: pd.DataFrame,
        labels: pd.Series,
        *,
        spells: pd.DataFrame,
        window: LabelWindow,
        study: Study,
        policy: Policy,
        surroundings: pd.DataFrame | None,
    ) -> Purse:
        """The purse of tested rows (customer_id, as_of; a plain index) and their labels."""
        return cls(
            revenue=annual_revenue(dataset, tested),
            labels=labels,
            spells=spells,
            currency=dataset.description.currency,
            terms=study.money,
            policy=policy,
            surroundings=surroundings,
            observed_until=dataset.observed_until,
            delay_days=window.delay_days,
            seed=study.seed,
        )

    @property
    def offer(self) -> Offer:
        """The terms of a contact."""
        terms = self.terms
        return Offer(
            terms.accept_alpha, terms.accept_beta, terms.incentive_fraction, terms.contact_cost,
            terms.years,
        )  # fmt: skip

    @property
    def weights(self) -> pd.Series:
        """Annual revenue of each row; without ``mrr`` the same for all."""
        if self.revenue is None:
            same = self.terms.value_without_mrr / self.terms.years
            return pd.Series(same, index=self.labels.index)
        return self.revenue

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
    rows = [RowProfit.of(one, purse.labels, purse.weights, offer=purse.offer) for one in scores]
    queue = _budgets(purse, scores)
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


def _budgets(purse: Purse, scores: Sequence[pd.DataFrame]) -> Budgets | None:
    if purse.spells is None or purse.spells.empty:
        return None
    ahead = outlook(
        scores[0], purse.spells, observed_until=purse.observed_until, delay_days=purse.delay_days
    )
    worth = Worth.of(ahead, purse.weights, offer=purse.offer)
    gated = purse.policy.has_gates
    around = Around.of(ahead.grid, purse.policy, purse.surroundings) if gated else None
    return Budgets.of(worth, scores, policy=purse.policy, around=around)


def _written(
    purse: Purse,
    found: Mapping[str, float],
    bands: Mapping[str, Interval],
    queue: Budgets | None,
    rows: RowProfit,
) -> MoneyFigures:
    source = {name: name for name in OF_ROWS} | {"optimal_q": "optimal_q"}
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
            for name in [curve_name(share)]
        },
        _notes(purse, figures, queue, rows),
    )


def _by_load(
    found: Mapping[str, float],
    bands: Mapping[str, Interval],
    queue: Budgets,
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
    purse: Purse, figures: Mapping[str, float | None], queue: Budgets | None, rows: RowProfit
) -> tuple[Spoken, ...]:
    """What is assumed, and why a figure is missing."""
    judged = queue is not None and bool(queue.worth.ahead.judged.any())
    unlikely = purse.revenue is not None and figures["value_at_risk"] is None
    reasons = (
        (say("money_no_mrr", value=purse.terms.value_without_mrr), purse.revenue is None),
        (say("money_unknown", rows=rows.n_unknown), rows.n_unknown > 0),
        (say("money_no_exits"), queue is None),
        (say("money_no_alert_judged"), queue is not None and not judged),
        (say("money_no_probability"), unlikely),
        (say("money_assumptions"), True),
    )
    return tuple(text for text, applies in reasons if applies)
