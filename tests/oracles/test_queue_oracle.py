"""The queue against a second, plainer one: loops over dictionaries."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from math import ceil

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from churnml.alerting.queue import Policy, floors, layout, queue, replay

START = pd.Timestamp("2026-01-05")
#: Scores with many ties, days around the quiet time.
SCORES = st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9, float("nan")])
DAYS = st.sampled_from([0, 7, 14, 49, 55, 56, 57, 63, 112])
ROWS = st.dictionaries(st.tuples(DAYS, st.integers(0, 8)), SCORES, min_size=1, max_size=60)
LOADS = st.sampled_from(["0.02", "0.1", "0.34", "0.5", "1"])


def hash_of(customer: str, seed: int) -> int:
    digest = hashlib.blake2b(f"{seed}:{customer}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def plain_queue(
    rows: dict[tuple[int, int], float], *, q: str, quiet_days: int, seed: int
) -> list[tuple[int, str]]:
    """Day and customer of every alert."""
    last: dict[str, int] = {}
    alerts = []
    for day in sorted({day for day, _ in rows}):
        scores = {f"c{c}": s for (d, c), s in rows.items() if d == day and s == s}
        eligible = [c for c in scores if c not in last or day - last[c] >= quiet_days]
        order = sorted(eligible, key=lambda c: (scores[c], hash_of(c, seed)), reverse=True)
        for customer in order[: ceil(Fraction(q) * len(eligible))]:
            last[customer] = day
            alerts.append((day, customer))
    return alerts


@settings(max_examples=150, deadline=None, derandomize=True)
@given(rows=ROWS, q=LOADS, quiet_days=st.sampled_from([0, 7, 56]), seed=st.integers(0, 3))
def test_the_queue_is_the_plain_queue(rows, q: str, quiet_days: int, seed: int):
    scores = pd.DataFrame(
        [(f"c{c}", START + pd.Timedelta(days=day), score) for (day, c), score in rows.items()],
        columns=["customer_id", "as_of", "score"],
    )

    alerts = queue(scores, Policy(q=float(q), quiet_days=quiet_days, seed=seed))

    days = (alerts["as_of"] - START).dt.days
    expected = plain_queue(rows, q=q, quiet_days=quiet_days, seed=seed)
    assert list(zip(days, alerts["customer_id"], strict=True)) == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), q=LOADS, spread=st.sampled_from([0.0, 0.3, 1.0]))
def test_floors_change_the_speed_and_no_alert(seed: int, q: str, spread: float):
    rng = np.random.default_rng(seed)
    people, weeks = 60, 12
    scores = pd.DataFrame(
        {
            "customer_id": np.tile([f"c{i}" for i in range(people)], weeks),
            "as_of": np.repeat(pd.date_range(START, periods=weeks, freq="7D"), people),
            "score": np.where(rng.random(people * weeks) < spread, rng.random(people * weeks), 0.4),
        }
    )
    grid, policy = layout(scores), Policy(q=float(q))
    levels = grid.levels(scores["score"].to_numpy())
    drawn = rng.integers(0, people, people)
    keys = levels[:, drawn] + rng.random(people)

    plain = replay(keys, grid.times, policy)
    quick = replay(keys, grid.times, policy, floors=floors(levels, grid.times, policy))
    nothing_above = replay(keys, grid.times, policy, floors=np.full(weeks, np.inf))

    assert set(zip(*plain, strict=True)) == set(zip(*quick, strict=True))
    assert set(zip(*plain, strict=True)) == set(zip(*nothing_above, strict=True))
