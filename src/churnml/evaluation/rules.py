"""Rules such as "a downgrade, then four times as likely to leave": mined, then confirmed later.

Thresholds are chosen on closed labels before the first test block, under control of the false
discovery rate; the relative risk that is told comes from the test blocks alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from churnml.evaluation.conditions import Condition, conditions
from churnml.evaluation.relative_risk import (
    Flags,
    Outcomes,
    RelativeRisk,
    benjamini_hochberg,
    relative_risk,
)
from churnml.features import Feature

FALSE_DISCOVERY_RATE = 0.05
#: People who must fulfil a condition, and leave after it, before it is looked at.
LEAST_CUSTOMERS, LEAST_LEAVERS = 30, 10
#: Fewer leavers than this confirm nothing.
CONFIRMING_LEAVERS = 5
#: A condition that most snapshots fulfil says more about the others.
MOST_ROWS = 0.5
#: Two rules are told apart if at most this share of their snapshots is common.
MOST_OVERLAP = 0.5
#: So many of the best conditions of each family are paired with those of other families.
PAIRED = 2


@dataclass(frozen=True)
class Panel:
    """Labelled snapshots: what was known at each, and whether an exit followed in time.

    Parameters
    ----------
    features : DataFrame indexed by (customer_id, as_of)
    exits : Series of bool, aligned with ``features``
    """

    features: pd.DataFrame
    exits: pd.Series

    @property
    def outcomes(self) -> Outcomes:
        """The exits by customer."""
        customers = self.features.index.get_level_values("customer_id")
        numbers = pd.factorize(customers, sort=True)[0].astype(np.int64)
        return Outcomes(self.exits.to_numpy(dtype=bool), numbers)


@dataclass(frozen=True)
class Rule:
    """Conditions that hold together, and how much more often an exit follows.

    Parameters
    ----------
    conditions : tuple of Condition
        One, or two of different families.
    mined : RelativeRisk
        On the earlier snapshots on which it was chosen: flattering.
    later : RelativeRisk
        On later snapshots: what may be told.
    """

    conditions: tuple[Condition, ...]
    mined: RelativeRisk
    later: RelativeRisk

    @property
    def confirmed(self) -> bool:
        """Whether the later interval lies above 1."""
        return self.later.leavers >= CONFIRMING_LEAVERS and self.later.low > 1


@dataclass(frozen=True)
class RuleBook:
    """What a search found.

    Parameters
    ----------
    rules : tuple of Rule
        The surest on the earlier snapshots first, confirmed or not.
    looked_at, discovered : int
        Conditions compared, and those that passed the false discovery rate.
    """

    rules: tuple[Rule, ...]
    looked_at: int
    discovered: int


@dataclass(frozen=True)
class _Mined:
    conditions: tuple[Condition, ...]
    risk: RelativeRisk
    rows: Flags


def find_rules(
    catalogue: Sequence[Feature], *, earlier: Panel, later: Panel, top: int = 20
) -> RuleBook:
    """The strongest rules of the earlier snapshots with their relative risk in the later ones.

    Parameters
    ----------
    catalogue : sequence of Feature
        Meaning and direction of the columns.
    earlier, later : Panel
        Labels of ``earlier`` were complete before the first snapshot of ``later``.
    top : int
        So many rules that are not nearly the same are confirmed.

    Returns
    -------
    RuleBook
    """
    outcomes = earlier.outcomes
    singles = list(_mine(earlier, outcomes, _singles(catalogue, earlier)))
    passed = _discovered(singles)
    pairs = list(_mine(earlier, outcomes, _pairs(passed)))
    together = _discovered([*singles, *pairs])
    chosen = _distinct([one for one in together if _adds(one, passed)], top=top)
    judged = later.outcomes
    rules = (Rule(one.conditions, one.risk, _risk(later, judged, one.conditions)) for one in chosen)
    return RuleBook(tuple(rules), len(singles) + len(pairs), len(together))


def _risk(panel: Panel, outcomes: Outcomes, together: Sequence[Condition]) -> RelativeRisk:
    return relative_risk(outcomes, _fulfilled(panel, together))


def _fulfilled(panel: Panel, together: Sequence[Condition]) -> Flags:
    held = [condition.holds(panel.features) for condition in together]
    return np.asarray(np.logical_and.reduce(held))


def _singles(catalogue: Sequence[Feature], panel: Panel) -> Iterator[tuple[Condition, ...]]:
    for feature in catalogue:
        if feature.name in panel.features:
            for condition in conditions(feature, panel.features[feature.name]):
                yield (condition,)


def _pairs(singles: Sequence[_Mined]) -> Iterator[tuple[Condition, ...]]:
    """The surest conditions of each family with those of every other family."""
    best: dict[str, list[_Mined]] = {}
    for one in _distinct(singles, top=len(singles)):
        family = best.setdefault(str(one.conditions[0].feature.family), [])
        if len(family) < PAIRED:
            family.append(one)
    for first, second in combinations(best.values(), 2):
        for one in first:
            for other in second:
                yield (*one.conditions, *other.conditions)


def _mine(
    panel: Panel, outcomes: Outcomes, candidates: Iterator[tuple[Condition, ...]]
) -> Iterator[_Mined]:
    """Candidates with enough people, each set of snapshots once."""
    seen: set[bytes] = set()
    for together in candidates:
        rows = _fulfilled(panel, together)
        if not 0 < np.count_nonzero(rows) <= MOST_ROWS * len(rows):
            continue
        key = np.packbits(rows).tobytes()
        if key in seen:
            continue
        seen.add(key)
        risk = relative_risk(outcomes, rows)
        if risk.customers >= LEAST_CUSTOMERS and risk.leavers >= LEAST_LEAVERS:
            yield _Mined(together, risk, rows)


def _discovered(mined: Sequence[_Mined]) -> list[_Mined]:
    """Those that pass the false discovery rate, the highest lower bound first."""
    p_values = np.array([one.risk.p_value for one in mined], dtype=np.float64)
    passed = benjamini_hochberg(p_values, rate=FALSE_DISCOVERY_RATE)
    kept = [one for one, is_passed in zip(mined, passed, strict=True) if is_passed]
    return sorted(kept, key=lambda one: -one.risk.low)


def _adds(one: _Mined, singles: Sequence[_Mined]) -> bool:
    """Whether a pair is surely riskier than either of its conditions alone seems."""
    if len(one.conditions) == 1:
        return True
    alone = {single.conditions[0].key: single.risk.value for single in singles}
    return all(one.risk.low > alone[condition.key] for condition in one.conditions)


def _distinct(mined: Sequence[_Mined], *, top: int) -> list[_Mined]:
    """The first so many of which no two share a feature set or most of their snapshots."""
    kept: list[_Mined] = []
    for one in mined:
        if len(kept) == top:
            break
        if not any(_alike(one, other) for other in kept):
            kept.append(one)
    return kept


def _alike(one: _Mined, other: _Mined) -> bool:
    names = [{condition.feature.name for condition in part.conditions} for part in (one, other)]
    if names[0] == names[1]:
        return True
    both = np.count_nonzero(one.rows & other.rows)
    return bool(both > MOST_OVERLAP * np.count_nonzero(one.rows | other.rows))
