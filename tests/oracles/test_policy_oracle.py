"""The alert policy written a second time, plainly, with a dictionary for each customer."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from churnml.alerting import Policy, advance, queue
from churnml.alerting.grid import layout, tie_breakers
from churnml.alerting.queue import Around, replay
from churnml.evaluation.leads import outlook, queue_figures, scored_keys

MONDAY = pd.Timestamp("2026-01-05").as_unit("us")
WEEK = pd.Timedelta(days=7)
POLICIES = {
    "plain": Policy(q=0.1),
    "edges": Policy(q=0.1, enter=0.2),
    "bands": Policy(q=0.1, enter=0.15, exit=0.4),
    "persistence": Policy(q=0.1, persist=(2, 3, 0.3)),
    "persistence of one": Policy(q=0.1, persist=(1, 1, 0.05)),
    "suppression": Policy(q=0.1, suppress=("intervention", "holiday")),
    "capacity": Policy(q=0.3, owner_capacity=1),
    "control": Policy(q=0.1, control_share=0.4),
    "load of a fortnight": Policy(q=0.1, load_days=14),
    "everything": Policy(
        q=0.2, quiet_days=21, seed=3, enter=0.3, exit=0.5, persist=(2, 4, 0.5), load_days=10,
        suppress=("intervention",), owner_capacity=2, control_share=0.2,
    ),
}  # fmt: skip


def panel(seed: int, *, customers: int = 40, weeks: int = 16) -> pd.DataFrame:
    """Scores with ties and memory, customers who come and go, owners, and things that hold back."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=customers)
    rows = []
    for week in range(weeks):
        level = 0.8 * level + 0.6 * rng.normal(size=customers)
        for customer in range(customers):
            if rng.random() < 0.9:
                rows.append(
                    {
                        "customer_id": f"c{customer}",
                        "as_of": MONDAY + week * WEEK,
                        "score": np.nan if rng.random() < 0.03 else round(level[customer], 1),
                        "owner": [None, "ann", "bob", "eve"][customer % 4],
                        "held": "intervention" if rng.random() < 0.1 else None,
                    }
                )
    return pd.DataFrame(rows).sample(frac=1, random_state=seed).reset_index(drop=True)


def top(rows: list[dict], share: float) -> set[str]:
    count = math.ceil(round(share * len(rows), 9))
    return {row["customer_id"] for row in rows[:count]}


def plainly(scores: pd.DataFrame, policy: Policy) -> list[tuple[str, pd.Timestamp, bool]]:
    """Alerts as (customer, as_of, in the control arm)."""
    names = sorted(scores["customer_id"].unique())
    ties = dict(zip(names, tie_breakers(pd.Index(names), seed=policy.seed), strict=True))
    last: dict[str, pd.Timestamp] = {}
    inside: set[str] = set()
    waiting: set[str] = set()
    tops: list[set[str]] = []
    alerts: list[tuple[str, pd.Timestamp, bool]] = []
    for as_of, week in scores[scores["score"].notna()].groupby("as_of"):
        rows = week.to_dict("records")
        rows.sort(key=lambda row: (row["score"], ties[row["customer_id"]]), reverse=True)
        if policy.enter:
            left = inside - top(rows, policy.exit or policy.enter)
            new = top(rows, policy.enter) - (inside - left)
            inside = (inside - left) | new
            waiting = (waiting | new) & inside
        if policy.persist:
            tops = [*tops, top(rows, policy.persist[2])][-policy.persist[1] :]
        quiet = pd.Timedelta(days=policy.quiet_days)
        eligible = [
            row for row in rows
            if row["customer_id"] not in last or last[row["customer_id"]] + quiet <= as_of
        ]  # fmt: skip
        load = math.ceil(round(policy.q * len(eligible), 9))
        if policy.load_days:
            recent = as_of - pd.Timedelta(days=policy.load_days)
            load -= sum(1 for _, when, _ in alerts if when > recent)
        desk: dict[str, int] = {}
        taken = 0
        for row in eligible:
            name, owner = row["customer_id"], row["owner"]
            limited = policy.owner_capacity and isinstance(owner, str)
            if taken >= load:
                break
            if row["held"] in policy.suppress or (policy.enter and name not in waiting):
                continue
            if policy.persist and sum(name in week for week in tops) < policy.persist[0]:
                continue
            if limited and desk.get(owner, 0) >= policy.owner_capacity:
                continue
            desk[owner] = desk.get(owner, 0) + 1
            taken += 1
            last[name] = as_of
            waiting.discard(name)
            alerts.append((name, as_of, policy.in_control(name)))
    return alerts


def around(scores: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """What the policy asks for: reasons that it does not name hold nothing."""
    held = scores["held"].where(scores["held"].isin(policy.suppress), None)
    return pd.DataFrame({"owner": scores["owner"], "held": held}, dtype="object")


def triples(alerts: pd.DataFrame) -> list[tuple[str, pd.Timestamp, bool]]:
    arms = alerts["arm"] == "control"
    return list(zip(alerts["customer_id"], alerts["as_of"], arms, strict=True))


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("seed", range(4))
def test_the_queue_is_what_the_plain_loop_says(name: str, seed: int):
    policy, scores = POLICIES[name], panel(seed)
    surroundings = around(scores, policy)
    alerts = advance(scores, policy, surroundings=surroundings).alerts
    expected = plainly(scores, policy)

    assert triples(alerts) == expected
    assert len(expected) > 5
    delivered = queue(scores, policy, surroundings=surroundings)
    assert list(delivered["customer_id"]) == [who for who, _, control in expected if not control]


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("step", [1, 3])
def test_the_queue_week_by_week_is_the_queue_in_one_go(name: str, step: int):
    policy, scores = POLICIES[name], panel(7)
    surroundings = around(scores, policy)
    whole = advance(scores, policy, surroundings=surroundings)
    weeks = sorted(scores["as_of"].unique())
    earlier, memory, kept = None, None, []
    for start in range(0, len(weeks), step):
        now = scores["as_of"].isin(weeks[start : start + step])
        moved = advance(
            scores[now], policy, earlier=earlier, memory=memory, surroundings=surroundings[now]
        )
        earlier = moved.alerts if earlier is None else pd.concat([earlier, moved.alerts])
        memory = moved.memory
        kept.append(moved.kept)

    assert earlier is not None
    assert triples(earlier) == triples(whole.alerts)
    pd.testing.assert_frame_equal(memory, whole.memory)
    order = ["as_of", "customer_id"]
    pd.testing.assert_frame_equal(
        pd.concat(kept).sort_values(order).reset_index(drop=True),
        whole.kept.sort_values(order).reset_index(drop=True),
    )


@pytest.mark.parametrize("name", POLICIES)
def test_evaluation_replays_the_alerts_that_are_delivered(name: str):
    policy, scores = POLICIES[name], panel(11)
    surroundings = around(scores, policy)
    spells = pd.DataFrame(
        {
            "customer_id": sorted(scores["customer_id"].unique()),
            "started_at": MONDAY - 100 * WEEK,
            "exit_at": pd.NaT,
        }
    ).astype({"exit_at": "datetime64[us]"})
    ahead = outlook(scores, spells, observed_until=MONDAY + 90 * WEEK, delay_days=0)
    keys = scored_keys(ahead, scores) + tie_breakers(ahead.grid.customers, seed=policy.seed)
    cells = replay(
        keys, ahead.grid.times, policy, around=Around.of(layout(scores), policy, surroundings)
    )
    delivered = queue(scores, policy, surroundings=surroundings)
    lines, columns = cells
    grid = ahead.grid
    replayed = set(zip(grid.customers[columns], grid.as_ofs[lines], strict=True))
    shipped = set(zip(delivered["customer_id"], delivered["as_of"].to_numpy(), strict=True))

    assert replayed == shipped
    assert queue_figures(ahead, *cells)["n_alerts"] == len(shipped)
