"""How true reasons are: on a simulated world, against the planted cause of each exit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from churnml.alerting.queue import Integers, Policy, queue
from churnml.evaluation.forward import Fitting
from churnml.evaluation.intervals import bootstrap, percentile_interval
from churnml.explanation.attribution import explain
from churnml.explanation.causes import OWN_SHARE, own_topics
from churnml.explanation.causes import Topic as CauseTopic
from churnml.explanation.choosing import Told
from churnml.explanation.reasons import told_of
from churnml.explanation.telling import is_composite
from churnml.explanation.topics import topic_of, topics
from churnml.explanation.truth import FEWEST_WEEKS, Moves, Truth, true_moves, useful_alerts
from churnml.features import Feature, catalogue
from churnml.model.ensemble import Ensemble
from churnml.model.examples import Examples
from churnml.model.message_risk import with_message_risk
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds
from churnml.windows import DAY

#: A feature has moved from this many standard deviations of the customer's own weeks on.
MOVED = 1.0
RESAMPLES = 1000
MODEL = "model"
KEYS = ["customer_id", "as_of"]
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
    telling : DataFrame
        All alerts, one row each, as ``telling_of`` returns them.
    seed : int
        Of the intervals.
    """

    cases: pd.DataFrame
    overlap: pd.DataFrame
    telling: pd.DataFrame
    seed: int

    @property
    def traced(self) -> pd.DataFrame:
        """The cases whose cause left a trace."""
        return self.cases[self.cases["traced"]]

    def figures(self) -> dict[str, dict[str, Any]]:
        """``value``, ``low``, ``high`` (95%, by customer) and ``n`` of each figure."""
        found = {
            "cause_named": _share(self.traced, "named", seed=self.seed),
            "cause_named_by_chance": _share(self.traced, "named_by_chance", seed=self.seed),
            "contradicting": _share(self.cases, "against", of="told", seed=self.seed),
        }
        for name in ("untold", "vague"):
            found[name] = _share(self.telling, name, seed=self.seed)
        found["lowering"] = _share(self.telling, "lowering", of="told", seed=self.seed)
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
    dataset: Dataset,
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
    dataset : Dataset
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
    scores = pd.concat([block.models[MODEL].predict(block.features) for block in blocks])
    alerts = queue(scores.rename("score").reset_index(), policy)
    known = examples.catalogue
    told = _told(dataset, blocks, pd.MultiIndex.from_frame(alerts[KEYS]), examples)
    cases = useful_alerts(alerts, truth.exits)
    of_cases = told.loc[pd.MultiIndex.from_frame(cases[KEYS]), MODEL].to_list()
    names = {one.name for one in known} | {
        one.feature.name for reasons in of_cases for one in reasons
    }
    moves = true_moves(
        truth, cases, features=[one for one in catalogue(dataset) if one.name in names],
        risk=examples.message_risk, grid=list(examples.as_ofs.unique().sort_values()),
    )  # fmt: skip
    telling = telling_of(told[MODEL], used=[one.name for one in known])
    found = {}
    for share in shares:
        known_by = own_topics(truth.causes, share=share)
        judged = judge(cases, of_cases, moves=moves, known_by=known_by, features=known)
        found[share] = ReasonQuality(judged, _overlaps(told), telling, fitting.seed)
    return found


def _overlaps(told: pd.DataFrame) -> pd.DataFrame:
    """Of each alert: which part of the topics told by either of two trainings both tell."""
    found = {"customer_id": told.index.get_level_values("customer_id")}
    for name in told.columns.drop(MODEL):
        pairs = zip(told[MODEL], told[name], strict=True)
        found[name] = [_shared(one, other) for one, other in pairs]
    return pd.DataFrame(found)


def telling_of(told: pd.Series, *, used: Collection[str]) -> pd.DataFrame:
    """What each alert tells, whatever became of the customer.

    Parameters
    ----------
    told : Series of list of Told, indexed by (customer_id, as_of)
    used : collection of str
        Features of the model.

    Returns
    -------
    DataFrame
        ``customer_id``; ``untold``: no reason; ``vague``: one of them counts other signals and
        names none; ``told``: how many; ``lowering``: how many of them are told by a signal that
        lowers the score, since the model has learned its direction the wrong way round.
    """
    return pd.DataFrame(
        {
            "customer_id": told.index.get_level_values("customer_id"),
            "untold": [not reasons for reasons in told],
            "vague": [any(is_composite(one.feature.value) for one in reasons) for reasons in told],
            "told": [len(reasons) for reasons in told],
            "lowering": [sum(_lowers(one, used) for one in reasons) for reasons in told],
        }
    )


def _lowers(one: Told, used: Collection[str]) -> bool:
    own = one.feature.name in used and not one.topic.vague
    return own and one.feature.name not in one.topic.signals


def judge(
    cases: pd.DataFrame,
    told: Sequence[Sequence[Told]],
    *,
    moves: Moves,
    known_by: Mapping[str, frozenset[CauseTopic]],
    features: Sequence[Feature],
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
    told : sequence of list of Told, aligned with ``cases``
        The reasons.
    moves : Moves
    known_by : mapping of str to set of topics
        Topics by cause.
    features : sequence of Feature
        For topics and directions.
    """
    known = (moves.weeks >= FEWEST_WEEKS).to_numpy()
    place = {str(name): number for number, name in enumerate(moves.change.columns)}
    change = moves.change.to_numpy(dtype=float)
    deviations = moves.deviations.to_numpy(dtype=float)
    about = [topics_told(reasons) for reasons in told]
    records = []
    for row, (cause, reasons) in enumerate(zip(cases["cause"], told, strict=True)):
        own = known_by.get(cause, frozenset())
        others = [about[at] for at in np.flatnonzero((cases["cause"] != cause).to_numpy())]
        steps = [
            one.feature.risk * change[row, place[one.feature.name]] for one in reasons if known[row]
        ]
        mine = [one for one in features if one.risk and one.name in place and topic_of(one) in own]
        towards = [one.risk * deviations[row, place[one.name]] for one in mine]
        records.append(
            {
                "traced": bool(known[row] and any(step >= MOVED for step in towards)),
                "named": bool(about[row] & own),
                "named_by_chance": _mean([bool(one & own) for one in others]),
                "told": sum(bool(np.isfinite(step)) for step in steps),
                "against": sum(step < 0 for step in steps),
            }
        )
    columns = ("traced", "named", "named_by_chance", "told", "against")
    found = pd.DataFrame(records, columns=list(columns), index=cases.index)
    return pd.concat([cases[[*KEYS, "cause", "notice_days"]], found], axis=1)


def topics_told(reasons: Sequence[Told]) -> set[CauseTopic]:
    """What the reasons are about."""
    return {(one.topic.family, one.topic.play) for one in reasons}


def _mean(hits: Sequence[bool]) -> float:
    return float(np.mean(hits)) if len(hits) else float("nan")


@dataclass(frozen=True)
class _Block:
    """One test block: its rows, the model that is judged, and other trainings for it."""

    features: pd.DataFrame
    models: Mapping[str, Ensemble]

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
        other = replace(fitting, seed=fitting.seed + OTHER_SEED)
        models = {
            MODEL: fitting.fit(examples, folds=folds, tested=start),
            "other_seed": other.fit(examples, folds=folds, tested=start),
        }
        earlier = start - LESS_DAYS * DAY
        if examples.can_train(folds=folds, tested=earlier):
            models["month_less"] = fitting.fit(examples, folds=folds, tested=earlier)
        return cls(examples.features[tested], models)


def _told(
    dataset: Dataset, blocks: Sequence[_Block], alerts: pd.MultiIndex, examples: Examples
) -> pd.DataFrame:
    """The reasons of each alert by each training that every block has, as they would be shipped."""
    heard = with_message_risk(dataset, examples.message_risk)
    names = [name for name in blocks[0].models if all(name in one.models for one in blocks)]
    parts = []
    for block in blocks:
        rows = block.features.loc[block.features.index.isin(alerts)]
        found = [
            of_row
            for name in names
            for of_row in topics(explain(block.models[name], rows), features=examples.catalogue)
        ]
        several = rows.index.repeat(1)
        for _ in names[1:]:
            several = several.append(rows.index)
        at = block.features.index.get_level_values("as_of").isin(rows.index.unique("as_of"))
        told, _ = told_of(
            heard, found, several, features=examples.catalogue, everyone=block.features[at]
        )
        by_name = {
            name: pd.Series(told[first : first + len(rows)], index=rows.index, dtype="object")
            for name, first in zip(names, range(0, len(told), max(len(rows), 1)), strict=False)
        }
        parts.append(pd.DataFrame(by_name))
    return pd.concat(parts).loc[alerts]


def _shared(one: Sequence[Told], other: Sequence[Told]) -> float:
    """The part of the topics told by either that both tell; NaN where neither tells any."""
    first, second = topics_told(one), topics_told(other)
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
