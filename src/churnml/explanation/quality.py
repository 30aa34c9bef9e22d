"""How true reasons are: on a simulated world, against the planted cause of each exit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from churnml.alerting.queue import Integers, Policy, queue
from churnml.evaluation.forward import Fitting
from churnml.evaluation.intervals import bootstrap, percentile_interval
from churnml.explanation.attribution import explain
from churnml.explanation.causes import OWN_SHARE, Topic, own_topics, topics_of
from churnml.explanation.reasons import reasons
from churnml.explanation.truth import FEWEST_WEEKS, Moves, Truth, true_moves, useful_alerts
from churnml.features import Feature
from churnml.model.ensemble import Ensemble
from churnml.model.examples import Examples
from churnml.splits import ForwardFolds
from churnml.windows import DAY

#: A feature has moved from this many standard deviations of the customer's own weeks on.
MOVED = 1.0
RESAMPLES = 1000
#: The other trainings: another seed, and so many days less of data.
OTHER_SEED, LESS_DAYS = 1000, 28


@dataclass(frozen=True)
class ReasonQuality:
    """What the reasons of a world's alerts are worth.

    Parameters
    ----------
    cases : DataFrame
        Useful alerts, one row each: customer_id, as_of, cause, notice_days, and what ``judge``
        found.
    overlap : DataFrame
        All alerts, one row each: customer_id and, by other training, which part of the topics
        told by either training both tell.
    seed : int
        Of the intervals.
    """

    cases: pd.DataFrame
    overlap: pd.DataFrame
    seed: int

    @property
    def traced(self) -> pd.DataFrame:
        """The cases whose cause left a trace."""
        return self.cases[self.cases["traced"]]

    def figures(self) -> dict[str, dict[str, Any]]:
        """``value``, ``low``, ``high`` (95 %, by customer) and ``n`` of each figure."""
        found = {
            "cause_named": _share(self.traced, "named", seed=self.seed),
            "cause_named_by_chance": _share(self.traced, "named_by_chance", seed=self.seed),
            "contradicting": _share(self.cases, "against", of="told", seed=self.seed),
        }
        for name in self.overlap.columns.drop("customer_id"):
            found[f"stability_{name}"] = _share(self.overlap, str(name), seed=self.seed)
        return found

    def as_json(self) -> dict[str, Any]:
        """The figures, and the named share by cause."""
        by_cause = self.traced.groupby("cause")["named"].agg(["mean", "size"])
        return {
            "alerts": len(self.overlap),
            "useful_alerts": len(self.cases),
            "traced": len(self.traced),
            **self.figures(),
            "by_cause": [
                {"cause": cause, "named": float(row["mean"]), "n": int(row["size"])}
                for cause, row in by_cause.iterrows()
            ],
        }


def reason_quality(
    truth: Truth,
    examples: Examples,
    *,
    folds: ForwardFolds,
    fitting: Fitting,
    policy: Policy,
    shares: Sequence[float] = (OWN_SHARE,),
) -> dict[float, ReasonQuality]:
    """Fit forward, alert, and hold the reasons of the alerts against the truth.

    Parameters
    ----------
    truth : Truth
    examples : Examples
    folds : ForwardFolds
    fitting : Fitting
    policy : Policy
        Of the queue whose alerts are looked at.
    shares : sequence of float
        How strong an effect must be to be a cause's own (see ``own_topics``).

    Returns
    -------
    dict of float to ReasonQuality
        By share.
    """
    blocks = [_Block.of(examples, start, end, fitting, folds) for start, end in folds.blocks()]
    scores = pd.concat([block.model.predict(block.features) for block in blocks])
    alerts = queue(scores.rename("score").reset_index(), policy)
    told = _told(blocks, alerts, examples.catalogue)
    topics = topics_of(examples.catalogue)
    overlap = alerts[["customer_id"]].reset_index(drop=True)
    for name in blocks[0].others:
        if all(name in block.others for block in blocks):
            others = [replace(block, model=block.others[name]) for block in blocks]
            again = _told(others, alerts, examples.catalogue)
            overlap[name] = [
                _shared(one, other, topics) for one, other in zip(told, again, strict=True)
            ]
    cases = useful_alerts(alerts, truth.exits)
    moves = true_moves(
        truth, cases, features=examples.catalogue, risk=examples.message_risk,
        grid=list(examples.as_ofs.unique().sort_values()),
    )  # fmt: skip
    of_cases = told.loc[pd.MultiIndex.from_frame(cases[["customer_id", "as_of"]])].to_list()
    found = {}
    for share in shares:
        known_by = own_topics(truth.causes, share=share)
        judged = judge(cases, of_cases, moves=moves, known_by=known_by, topics=topics)
        found[share] = ReasonQuality(judged, overlap, fitting.seed)
    return found


def judge(
    cases: pd.DataFrame,
    told: Sequence[Sequence[str]],
    *,
    moves: Moves,
    known_by: Mapping[str, frozenset[Topic]],
    topics: Mapping[str, Topic],
) -> pd.DataFrame:
    """Whether each cause left a trace and was named, and how many reasons moved the wrong way.

    A cause left a trace if some feature of its topics moved towards leaving by at least one
    standard deviation of the customer's own earlier weeks. It is named if a reason is of its
    topics. A reason contradicts if its feature moved away from leaving. Cases with fewer than four
    earlier weeks have no baseline: no trace, and nothing to contradict.

    Parameters
    ----------
    cases : DataFrame
        customer_id, as_of, cause, notice_days.
    told : sequence of list of str, aligned with ``cases``
        Features of the reasons.
    moves : Moves
    known_by : mapping of str to set of topics
        Topics by cause.
    topics : mapping of str to topic
        Topic by feature.
    """
    known = (moves.weeks >= FEWEST_WEEKS).to_numpy()
    moved = (moves.deviations >= MOVED).to_numpy() & known[:, None]
    place = {name: number for number, name in enumerate(moves.towards.columns)}
    towards = moves.towards.to_numpy(dtype=float)
    about = [{topics[name] for name in names} for names in told]
    records = []
    for row, (cause, names) in enumerate(zip(cases["cause"], told, strict=True)):
        own = known_by.get(cause, frozenset())
        others = [about[at] for at in np.flatnonzero((cases["cause"] != cause).to_numpy())]
        steps = [towards[row, place[name]] for name in names if known[row] and name in place]
        mine = [place[name] for name in place if topics[name] in own]
        records.append(
            {
                "traced": bool(moved[row, mine].any()),
                "named": bool(about[row] & own),
                "named_by_chance": _mean([bool(one & own) for one in others]),
                "told": sum(bool(np.isfinite(step)) for step in steps),
                "against": sum(step < 0 for step in steps),
            }
        )
    kept = ["customer_id", "as_of", "cause", "notice_days"]
    columns = ("traced", "named", "named_by_chance", "told", "against")
    found = pd.DataFrame(records, columns=list(columns), index=cases.index)
    return pd.concat([cases[kept], found], axis=1)


def _mean(hits: Sequence[bool]) -> float:
    return float(np.mean(hits)) if len(hits) else float("nan")


@dataclass(frozen=True)
class _Block:
    """One test block: its rows, the model that is judged, and other trainings for it."""

    features: pd.DataFrame
    model: Ensemble
    others: Mapping[str, Ensemble]

    @classmethod
    def of(
        cls,
        examples: Examples,
        start: pd.Timestamp,
        end: pd.Timestamp,
        fitting: Fitting,
        folds: ForwardFolds,
    ) -> _Block:
        as_ofs = examples.as_ofs
        tested = examples.population.to_numpy() & np.asarray((as_ofs >= start) & (as_ofs < end))
        model = fitting.fit(examples, folds=folds, tested=start)
        other = replace(fitting, seed=fitting.seed + OTHER_SEED)
        others = {"other_seed": other.fit(examples, folds=folds, tested=start)}
        earlier = start - LESS_DAYS * DAY
        if examples.can_train(folds=folds, tested=earlier):
            others["month_less"] = fitting.fit(examples, folds=folds, tested=earlier)
        return cls(examples.features[tested], model, others)


def _told(
    blocks: Sequence[_Block],
    alerts: pd.DataFrame,
    features: Sequence[Feature],
) -> pd.Series:
    """Features of the reasons of each alert, in the order of the alerts."""
    asked = pd.MultiIndex.from_frame(alerts[["customer_id", "as_of"]])
    parts = []
    for block in blocks:
        rows = block.features.loc[block.features.index.isin(asked)]
        said = reasons(explain(block.model, rows), features=features)
        parts.append(said.map(lambda one: [each["feature"] for each in one]))
    return pd.concat(parts).loc[asked]


def _shared(one: Sequence[str], other: Sequence[str], topics: Mapping[str, Topic]) -> float:
    """The part of the topics told by either that both tell; NaN where neither tells any."""
    first, second = ({topics[name] for name in names} for names in (one, other))
    either = first | second
    return len(first & second) / len(either) if either else float("nan")


def _share(table: pd.DataFrame, name: str, *, seed: int, of: str | None = None) -> dict[str, Any]:
    """The mean of a column, or the sum over that of another, with its interval by customer."""
    rows = table[table[name].notna()]
    part = rows[name].to_numpy(dtype=float)
    whole = np.ones(len(rows)) if of is None else rows[of].to_numpy(dtype=float)
    codes, people = pd.factorize(rows["customer_id"])
    parts, wholes = (np.bincount(codes, weights=each, minlength=1) for each in (part, whole))

    def ratio(drawn: Integers, _: np.random.Generator) -> dict[str, float]:
        total = wholes[drawn].sum()
        return {"share": float(parts[drawn].sum() / total) if total else float("nan")}

    total = whole.sum()
    if not total:
        return {"value": None, "low": None, "high": None, "n": 0}
    drawn = bootstrap(ratio, n_customers=len(people), resamples=RESAMPLES, seed=seed)
    low, high = percentile_interval(drawn["share"]) or (None, None)
    return {"value": float(part.sum() / total), "low": low, "high": high, "n": int(total)}
