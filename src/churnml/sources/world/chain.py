"""The hidden weekly chain: states, their transitions, and the exact chance of an exit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churnml.sources.world.parameters import Floats, Ints, World

HEALTHY = 0
RECOVERING = 1
FIRST_STAGE = 2
EARLY_STAGES = 1
LATE_STAGES = 5
STAGES = EARLY_STAGES + LATE_STAGES
#: Tenure counts in weeks up to here; the last factor holds from then on.
TENURES = 79
#: An exit counts in weeks 3 ... 6 after the as_of: [21, 49) days.
LEAD_WEEKS = 3
HORIZON_WEEKS = 4
BUDGET_CAUSES = ("price", "budget")


@dataclass(frozen=True)
class Chain:
    """Transition probabilities of every kind of customer in every week.

    Only leaving the two calm states depends on type, week and tenure; ``fixed`` holds the rest.

    Parameters
    ----------
    fixed : array, shape (n_states, n_states)
        Rows of the calm states are zero.
    base : array, shape (n_types, n_causes + 1)
        Weekly onset chances in an average week; the last column leaves at once ("sudden").
    season : array, shape (weeks + 8, n_causes + 1)
    tenure : array, shape (TENURES,)
    initial : array, shape (n_types, n_states)
        States of customers who are there when the world starts.
    """

    fixed: Floats
    base: Floats
    season: Floats
    tenure: Floats
    initial: Floats
    involuntary: float
    settle: float
    relapse: float

    @property
    def n_states(self) -> int:
        """Number of states, the two absorbing ones included."""
        return len(self.fixed)

    @property
    def exit_state(self) -> int:
        """The state of those who left of their own will."""
        return self.n_states - 2

    @property
    def involuntary_state(self) -> int:
        """The state of those who had to stop."""
        return self.n_states - 1

    @property
    def onset_states(self) -> Ints:
        """Where each column of ``base`` leads."""
        first = FIRST_STAGE + STAGES * np.arange(self.base.shape[1] - 1)
        return np.append(first, self.exit_state)

    def onsets(self, types: Ints, week: int, tenures: Ints) -> Floats:
        """Weekly onset chances of healthy customers, shape (..., n_causes + 1)."""
        chances: Floats = (
            self.base[types]
            * self.season[week]
            * self.tenure[np.minimum(tenures, TENURES - 1)][..., None]
        )
        return chances


def cause_of(states: Ints) -> Ints:
    """Index of the cause each state belongs to; -1 for the calm and absent ones."""
    return np.where(states >= FIRST_STAGE, (states - FIRST_STAGE) // STAGES, -1)


def stage_of(states: Ints) -> Ints:
    """Stage 0 ... 5 inside an episode; -1 for the calm and absent ones."""
    return np.where(states >= FIRST_STAGE, (states - FIRST_STAGE) % STAGES, -1)


def build_chain(world: World, outage_weeks: Ints) -> Chain:
    """The chain of a world; onset rates are set so that its base rate is met.

    Parameters
    ----------
    world : World
    outage_weeks : array of int
        Weeks with an outage: support pain begins more often in the two weeks after.
    """
    base = _base_shape(world)
    chain = Chain(
        fixed=_fixed(world),
        base=base,
        season=_season(world, outage_weeks),
        tenure=_tenure(world),
        initial=np.zeros((len(base), 0)),
        involuntary=world["stages"]["involuntary"],
        settle=world["stages"]["settle"],
        relapse=world["stages"]["relapse"],
    )
    base = _scaled_base(world, chain)
    initial = _resting(_average(chain, base))
    return Chain(**{**chain.__dict__, "base": base, "initial": initial})


def _fixed(world: World) -> Floats:
    rates = world["stages"]
    n_states = FIRST_STAGE + STAGES * len(world.causes) + 2
    fixed = np.zeros((n_states, n_states))
    for index, cause in enumerate(world.causes):
        speed = world["causes"][cause]["speed"]
        for stage in range(STAGES):
            row = FIRST_STAGE + STAGES * index + stage
            early, last = stage < EARLY_STAGES, stage == STAGES - 1
            forward = (
                rates["early_advance"] if early else rates["last_exit" if last else "late_advance"]
            )
            fixed[row, n_states - 2 if last else row + 1] = min(forward * speed, 0.9)
            fixed[row, RECOVERING] = rates["early_recover" if early else "late_recover"] * speed
            trouble = cause == "price" and not early
            fixed[row, n_states - 1] = rates["involuntary_price" if trouble else "involuntary"]
            fixed[row, row] = 1.0 - fixed[row].sum()
    fixed[n_states - 2, n_states - 2] = fixed[n_states - 1, n_states - 1] = 1.0
    return fixed


def _base_shape(world: World) -> Floats:
    """Relative onset rates by type = frailty x segment, frailty first."""
    frailty = np.array(world["frailty"]["factor"])
    rates = [
        np.append([c["share"] * c["segments"][segment] for c in world["causes"].values()], 1.0)
        for segment in range(len(world["population"]["segment_share"]))
    ]
    return np.array([factor * rate for factor in frailty for rate in rates])


def _season(world: World, outage_weeks: Ints) -> Floats:
    rules = world["season"]
    weeks = np.arange(world.weeks + 1 + LEAD_WEEKS + HORIZON_WEEKS)
    of_year = weeks % 52 + 1
    yearly = 1.0 + rules["amplitude"] * np.cos(2 * np.pi * (of_year - rules["peak_week"]) / 52)
    season = np.repeat(yearly[:, None], len(world.causes) + 1, axis=1)
    for index, cause in enumerate(world.causes):
        if cause in BUDGET_CAUSES:
            season[np.isin(of_year, rules["budget_weeks"]), index] *= rules["budget_factor"]
        if cause == "support_pain":
            after = np.isin(weeks - 1, outage_weeks) | np.isin(weeks - 2, outage_weeks)
            season[after, index] *= rules["outage_factor"]
    return season


def _tenure(world: World) -> Floats:
    rules = world["tenure"]
    place = np.searchsorted(rules["weeks"], np.arange(TENURES), side="right") - 1
    return np.array(rules["factor"], dtype=float)[place]


def _average(chain: Chain, base: Floats) -> Floats:
    """Transition matrix of each type in an average week, shape (n_types, n_states, n_states)."""
    matrices = np.repeat(chain.fixed[None], len(base), axis=0)
    targets = chain.onset_states
    for row, factor in ((HEALTHY, 1.0), (RECOVERING, chain.relapse)):
        matrices[:, row, targets] = base * factor
        matrices[:, row, chain.involuntary_state] = chain.involuntary
    matrices[:, RECOVERING, HEALTHY] = chain.settle
    for row in (HEALTHY, RECOVERING):
        matrices[:, row, row] = 1.0 - matrices[:, row].sum(axis=1)
    return matrices


def _resting(matrices: Floats) -> Floats:
    """Distribution over states of those still there after a long time, by type."""
    share = np.zeros(matrices.shape[:2])
    share[:, HEALTHY] = 1.0
    for _ in range(300):
        share = np.einsum("ts,tsr->tr", share, matrices)
        share[:, -2:] = 0.0
        share /= share.sum(axis=1, keepdims=True)
    return share


def _scaled_base(world: World, chain: Chain) -> Floats:
    """The onset rates that meet the base rate and the share of sudden leavers."""
    weight = np.outer(world["frailty"]["share"], world["population"]["segment_share"]).ravel()
    target = world["target"]["base_rate"] / HORIZON_WEEKS
    sudden = world["target"]["sudden_share"]
    scale, at_once = 0.02, target * sudden
    base: Floats = chain.base
    for _ in range(40):
        base = chain.base * np.append(np.full(len(world.causes), scale), at_once)
        matrices = _average(chain, base)
        share = _resting(matrices)
        leaving = share[:, :, None] * matrices[:, :, chain.exit_state][:, :, None]
        calm = float(weight @ leaving[:, :FIRST_STAGE].sum(axis=(1, 2)))
        total = float(weight @ leaving[:, : chain.exit_state].sum(axis=(1, 2)))
        scale *= target * (1 - sudden) / (total - calm)
        at_once *= target * sudden / calm
    return base


def oracle_table(chain: Chain, weeks: int) -> Floats:
    """Chance of an exit in weeks 3 ... 6 after each boundary, given the state there.

    Exact: backward products of the weekly matrices; involuntary ends never count.

    Returns
    -------
    array, shape (weeks + 1, n_types, TENURES, n_states)
        By week boundary, type, tenure in weeks and state.
    """
    n_types = len(chain.base)
    table = np.empty((weeks + 1, n_types, TENURES, chain.n_states))
    for week in range(weeks + 1):
        value = np.zeros((n_types, TENURES, chain.n_states))
        value[..., chain.exit_state] = 1.0
        for step in reversed(range(LEAD_WEEKS + HORIZON_WEEKS)):
            if step == LEAD_WEEKS - 1:
                value[..., chain.exit_state] = 0.0
            value = _step_back(chain, value, week + step)
        table[week] = value
    return table


def _step_back(chain: Chain, value: Floats, week: int) -> Floats:
    """Expected value one week earlier; ``value`` has shape (n_types, TENURES, n_states)."""
    later = value[:, np.minimum(np.arange(TENURES) + 1, TENURES - 1)]
    earlier: Floats = later @ chain.fixed.T
    chances = chain.onsets(np.arange(len(chain.base))[:, None], week, np.arange(TENURES)[None])
    gain = (chances * later[..., chain.onset_states]).sum(axis=-1)
    onset = chances.sum(axis=-1)
    stay = 1.0 - onset - chain.involuntary
    earlier[..., HEALTHY] = gain + stay * later[..., HEALTHY]
    stay = 1.0 - onset * chain.relapse - chain.involuntary - chain.settle
    earlier[..., RECOVERING] = (
        gain * chain.relapse + chain.settle * later[..., HEALTHY] + stay * later[..., RECOVERING]
    )
    return earlier
