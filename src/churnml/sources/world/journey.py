"""The customers table and what it hides: stages entered, attributes changed, save plays tried."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnml.sources.world.chain import EARLY_STAGES, RECOVERING, stage_of
from churnml.sources.world.panel import Panel
from churnml.sources.world.parameters import DAY, Floats, Ints
from churnml.sources.world.paths import Paths, last_ends
from churnml.sources.world.tables import instants, labels, serial_ids
from churnml.sources.world.words import Words

#: Mean days from sign-up into trial, onboarding, activated, adopted; share that gets there.
STAGE_DAYS = (0.0, 3.0, 18.0, 55.0)
STAGE_REACHED = (1.0, 1.0, 0.93, 0.80)
OWNER_CHANGE = 0.004
SEGMENT_SEATS = (12, 60)


def customer_frame(
    panel: Panel,
    paths: Paths,
    terms: pd.DataFrame,
    last_login: pd.Series,
    words: Words,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Rows of the customers table as exported on the last day.

    Segment, plan, status, last_login_at and lifetime_value hold today's value: traps on purpose.
    """
    people, names = panel.people, words.names["customers"]
    count = len(people)
    today = terms.groupby("customer").last()
    ends = last_ends(paths.spells, count)
    paid = (
        (terms["mrr"] * (_until(terms, panel) - terms["started"]) / (30 * DAY))
        .groupby(terms["customer"])
        .sum()
    )
    company = (
        labels(names["words_a"], rng.integers(len(names["words_a"]), size=count)) + " "
        + labels(names["words_b"], rng.integers(len(names["words_b"]), size=count)) + " "
        + labels(names["endings"], rng.integers(len(names["endings"]), size=count))
    )  # fmt: skip
    return pd.DataFrame(
        {
            "customer_id": people.ids,
            "signed_up_at": instants(panel.world.start, paths.signed_up),
            "name": company,
            "owner": labels(names["owners"], people.owner),
            "segment": labels(names["segments"], _segment(today["seats"].to_numpy(dtype=np.int64))),
            "plan": labels(names["plans"], today["plan"].to_numpy(dtype=np.int64)),
            "region": labels(names["regions"], people.region),
            "industry": labels(names["industries"], people.industry),
            "channel": labels(names["channels"], people.channel),
            "language": np.where(people.russian, "ru", "en"),
            "status": np.where(np.isfinite(ends), "churned", "active"),
            "last_login_at": pd.DatetimeIndex(last_login.reindex(people.ids)).as_unit("us"),
            "lifetime_value": paid.to_numpy(dtype=float).round(2),
        }
    )


def _until(terms: pd.DataFrame, panel: Panel) -> pd.Series:
    return terms["ended"].where(terms["ended"].notna(), panel.world.end_seconds)


def _segment(seats: Ints) -> Ints:
    return np.searchsorted(SEGMENT_SEATS, seats, side="right")


def draw_stages(panel: Panel, paths: Paths, words: Words, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of the stages table; not everybody gets to the last one."""
    spells, names = paths.spells, words.names["stages"]["names"]
    count = len(spells.start)
    end = np.where(np.isfinite(spells.end), spells.end, panel.world.end_seconds)
    at, going = spells.start.copy(), np.ones(count, dtype=bool)
    parts = []
    for stage, (days, reached) in enumerate(zip(STAGE_DAYS, STAGE_REACHED, strict=True)):
        wait = (
            rng.gamma(2.0, 0.5, size=count)
            * (days - (STAGE_DAYS[stage - 1] if stage else 0.0))
            * DAY
        )
        at = at + wait
        going &= (rng.random(count) < reached) & (at < end)
        parts.append(
            pd.DataFrame(
                {"customer": spells.customer[going], "seconds": at[going], "stage": names[stage]}
            )
        )
    frame = pd.concat(parts, ignore_index=True).sort_values(["customer", "seconds"], kind="stable")
    return pd.DataFrame(
        {
            "customer_id": panel.people.ids[frame["customer"].to_numpy()],
            "stage": frame["stage"].to_numpy(dtype=object),
            "entered_at": instants(panel.world.start, frame["seconds"].to_numpy(dtype=float)),
        }
    )


def attribute_frame(
    panel: Panel, terms: pd.DataFrame, words: Words, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of the attribute_changes table: segment and plan from the subscriptions, new owners."""
    names = words.names["customers"]
    segment = labels(names["segments"], _segment(terms["seats"].to_numpy(dtype=np.int64)))
    plan = labels(names["plans"], terms["plan"].to_numpy(dtype=np.int64))
    parts = [_changed(terms, "segment", segment), _changed(terms, "plan", plan)]
    hit = np.flatnonzero(rng.random(len(panel)) < OWNER_CHANGE)
    owner = labels(names["owners"], rng.integers(len(names["owners"]), size=len(hit)))
    moment = panel.begins[hit] + rng.random(len(hit)) * (panel.ends[hit] - panel.begins[hit])
    parts.append(
        pd.DataFrame(
            {
                "customer": panel.customer[hit],
                "seconds": moment,
                "attribute": "owner",
                "value": owner,
            }
        )
    )
    frame = pd.concat(parts, ignore_index=True).sort_values(
        ["customer", "seconds", "attribute"], kind="stable"
    )
    return pd.DataFrame(
        {
            "customer_id": panel.people.ids[frame["customer"].to_numpy(dtype=np.int64)],
            "changed_at": instants(panel.world.start, frame["seconds"].to_numpy(dtype=float)),
            "attribute": frame["attribute"].to_numpy(dtype=object),
            "value": frame["value"].to_numpy(dtype=object),
        }
    )


def _changed(terms: pd.DataFrame, attribute: str, value: NDArray[np.object_]) -> pd.DataFrame:
    """Rows where the value differs from the customer's row before."""
    frame = pd.DataFrame(
        {
            "customer": terms["customer"],
            "seconds": terms["started"],
            "attribute": attribute,
            "value": value,
        }
    )
    same = (frame["customer"] == frame["customer"].shift()) & (
        frame["value"] == frame["value"].shift()
    )
    return frame[~same]


def draw_interventions(
    panel: Panel, paths: Paths, words: Words, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of the interventions table.

    Who recovers in a late stage was treated more often, so that treatment works while the weekly
    chance of recovering stays what the chain says.
    """
    names, start = words.names["interventions"], panel.world.start
    control, hit = _assigned(panel, paths, rng)
    count, who = len(hit), panel.customer[hit]
    span = (panel.ends - panel.begins)[hit]
    at = np.round(panel.begins[hit] + rng.uniform(0.01, 0.25, size=count) * span)
    completed = at + rng.uniform(0.2, 5, size=count) * DAY
    done = ~control & (rng.random(count) < 0.85) & (completed < panel.spell_ends[hit])
    play = rng.integers(len(names["plays"]), size=count)
    return pd.DataFrame(
        {
            "intervention_id": serial_ids("A", panel.people.number, who),
            "customer_id": panel.people.ids[who],
            "assigned_at": instants(start, at),
            "experiment": np.full(count, names["experiment"], dtype=object),
            "arm": np.where(control, "control", "treatment"),
            "play": labels(names["plays"], np.where(control, -1, play)),
            "reason": labels(names["reasons"], rng.integers(len(names["reasons"]), size=count)),
            "cost": np.where(control, 0.0, np.round(rng.uniform(20, 400, size=count), 2)),
            "completed_at": instants(start, np.where(done, completed, np.nan)),
        }
    )


def _assigned(
    panel: Panel, paths: Paths, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Ints]:
    """Panel rows in which a play was assigned, and which of them are held back as control."""
    rules = panel.world["intervention"]
    stage = stage_of(panel.before)
    sick = np.where(stage < EARLY_STAGES, rules["early"], rules["late"])
    rate = np.where(stage < 0, rules["calm"], sick) * (panel.tenure > 0)
    control = rng.random(len(panel)) < rules["control_share"]
    given_what_came = rate * _treated(panel, paths, stage, rate, rules["recovery_ratio"])
    hit = np.flatnonzero(rng.random(len(panel)) < np.where(control, rate, given_what_came))
    return control[hit], hit


def _treated(panel: Panel, paths: Paths, stage: Ints, rate: Floats, ratio: float) -> Floats:
    """Factor on the chance of having been treated, given what happened in the week (Bayes)."""
    late = stage >= EARLY_STAGES
    recovered = late & (paths.states[panel.customer, panel.week + 1] == RECOVERING)
    recover = panel.world["stages"]["late_recover"]
    untreated = recover / (1 - rate + rate * ratio)
    factor = np.where(
        recovered, ratio * untreated / recover, (1 - ratio * untreated) / (1 - recover)
    )
    return np.where(late, factor, 1.0)
