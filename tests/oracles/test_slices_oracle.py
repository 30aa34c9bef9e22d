"""Figures of slices against a second, plainer reading: loops over dictionaries."""

from __future__ import annotations

import statistics
from math import ceil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from churnml.alerting import Policy
from churnml.evaluation import evaluate
from churnml.evaluation.cuts import Cuts
from churnml.windows import LabelWindow

MONDAY = pd.Timestamp("2026-01-05")
DAY = pd.Timedelta(days=1)
WINDOW = LabelWindow(lead_days=21, horizon_days=28, delay_days=14)
Q = 0.05
UNTIL_DAY = 420
PEOPLE, WEEKS = 180, 30


def drawn(seed: int) -> dict[str, object]:
    """Rows by (day, customer) and the exit of each customer, in days; a third leave.

    A colour changes with time, a third of the colours is unknown; every exit is loud or silent.
    """
    rng = np.random.default_rng(seed)
    exits = {c: int(rng.integers(0, 7 * WEEKS + 60)) for c in range(PEOPLE) if rng.random() < 0.5}
    rows = {}
    for customer in range(PEOPLE):
        first, turns = int(rng.integers(0, 8)), int(rng.integers(0, WEEKS))
        for week in range(first, WEEKS):
            notice = exits.get(customer, 10_000) - 7 * week
            if notice < 0:
                break
            close = 21 <= notice < 84
            colour = "unknown" if customer % 3 == 0 else "blue" if week < turns else "amber"
            score = round(float(rng.normal() + 1.2 * close), 6)
            rows[7 * week, customer] = (score, label_of(notice), colour)
    heard = {customer: "loud" if rng.random() < 0.4 else "silent" for customer in exits}
    return {"rows": rows, "exits": exits, "heard": heard}


def label_of(notice: int) -> str:
    if notice < 21:
        return "left_early"
    return "churned" if notice < 49 else "stayed"


def plain_alerts(rows: dict[tuple[int, int], tuple[float, str, str]]) -> list[tuple[int, int]]:
    """Day and customer of every alert of the one queue; scores are distinct."""
    last: dict[int, int] = {}
    alerts = []
    for day in sorted({day for day, _ in rows}):
        eligible = [c for d, c in rows if d == day and day - last.get(c, -1000) >= 56]
        eligible.sort(key=lambda c: -rows[day, c][0])
        for customer in eligible[: ceil(round(Q * len(eligible), 9))]:
            last[customer] = day
            alerts.append((day, customer))
    return alerts


def counted_exits(life: dict[str, object]) -> dict[int, int]:
    rows, found = life["rows"], {}
    last_day = max(day for day, _ in rows)
    for customer, exit_day in life["exits"].items():
        seen = [day for day, c in rows if c == customer]
        if seen and min(seen) + 28 <= exit_day < last_day + 7:
            found[customer] = exit_day
    return found


def plain_exit_figures(life: dict[str, object], members: list[int]) -> dict[str, float | None]:
    """Recall and median notice of the counted exits of these customers."""
    alerts, exits = plain_alerts(life["rows"]), counted_exits(life)
    notices = []
    for customer in members:
        told = [exits[customer] - day for day, c in alerts if c == customer]
        notices.append(max([n for n in told if 0 <= n < 84], default=None))
    heard = [notice for notice in notices if notice is not None]
    if len(members) < 10:
        return {"n_exits": len(members), "recall_at_lead_21d": None, "median_lead_days": None}
    return {
        "n_exits": len(members),
        "recall_at_lead_21d": sum(n >= 21 for n in heard) / len(members),
        "median_lead_days": statistics.median(heard) if heard else None,
    }


def plain_row_figures(life: dict[str, object], colour: str, *, told: bool) -> dict[str, object]:
    """Counts, average precision and what the alerts of that colour were worth."""
    rows, exits = life["rows"], life["exits"]
    of_colour = {key: row for key, row in rows.items() if row[2] == colour}
    positive = [row[1] == "churned" for row in of_colour.values()]
    alerts = [(day, c) for day, c in plain_alerts(rows) if rows[day, c][2] == colour]
    judged = [(day, c) for day, c in alerts if day + 84 + 14 <= UNTIL_DAY]
    notices = [exits.get(c, 10_000) - day for day, c in judged]
    hits = [n for n in notices if 0 <= n < 84]
    scores = [row[0] for row in of_colour.values()]
    return {
        "n_rows": len(of_colour),
        "n_positive": sum(positive),
        "n_alerts": len(alerts),
        "average_precision": average_precision_score(positive, scores),
        "alert_precision": len(hits) / len(judged) if told else None,
        "late_alerts": sum(n < 21 for n in hits) if told else None,
        "alerts_per_week": len(alerts) / WEEKS,
    }


def judged(life: dict[str, object], *, resamples: int = 0) -> dict[str, object]:
    rows = life["rows"]
    names = {c: f"c{c:03}" for c in range(PEOPLE)}
    scores = pd.DataFrame(
        [(names[c], MONDAY + day * DAY, row[0]) for (day, c), row in rows.items()],
        columns=["customer_id", "as_of", "score"],
    )
    gone = [life["exits"].get(c) for c in names]
    spells = pd.DataFrame(
        {
            "customer_id": list(names.values()),
            "started_at": MONDAY - DAY,
            "exit_at": [pd.NaT if day is None else MONDAY + day * DAY for day in gone],
        }
    )
    cuts = Cuts(
        pd.DataFrame({"colour": [row[2] for row in rows.values()]}),
        pd.DataFrame({"leavers": [life["heard"].get(c, "unknown") for c in names]}),
    )
    return evaluate(
        scores, pd.Series([row[1] for row in rows.values()]), spells, cuts=cuts, window=WINDOW,
        policy=Policy(q=Q), observed_until=MONDAY + UNTIL_DAY * DAY, loads=(), resamples=resamples,
    ).as_json()  # fmt: skip


def record(found: dict[str, object], name: str, value: str) -> dict[str, object]:
    return next(r for r in found["slices"] if (r["slice"], r["value"]) == (name, value))


@pytest.mark.parametrize("seed", range(4))
def test_a_slice_is_what_the_plain_loops_find(seed: int):
    life = drawn(seed)
    found = judged(life)
    rows, exits = life["rows"], counted_exits(life)

    for colour in ("blue", "amber", "unknown"):
        # The last tested row at least 21 days before the exit tells the colour of the exit.
        last = {c: max(d for d, who in rows if who == c and exits[c] - d >= 21) for c in exits}
        members = [c for c in exits if rows[last[c], c][2] == colour]
        expected = plain_exit_figures(life, members)
        expected |= plain_row_figures(life, colour, told=len(members) >= 10)
        one = record(found, "colour", colour)
        assert {name: one[name] for name in expected} == pytest.approx(expected)
        assert (one["note"] is None) is (len(members) >= 10)

    for value in ("silent", "loud"):
        expected = plain_exit_figures(life, [c for c in exits if life["heard"][c] == value])
        one = record(found, "leavers", value)
        assert {name: one[name] for name in expected} == pytest.approx(expected)
        assert one["n_rows"] is one["n_alerts"] is one["alert_precision"] is None


@pytest.mark.parametrize("seed", range(2))
def test_the_parts_add_up_to_the_whole(seed: int):
    found = judged(drawn(seed))
    parts = [one for one in found["slices"] if one["slice"] == "colour"]

    leavers = [one for one in found["slices"] if one["slice"] == "leavers"]

    def mean_of(name: str) -> float:
        whole = sum(part["n_exits"] for part in leavers)
        return sum(part[name] * part["n_exits"] for part in leavers) / whole

    for name in ("n_rows", "n_positive", "n_exits", "n_alerts"):
        assert sum(part[name] for part in parts) == found[name], name
    assert sum(part["alerts_per_week"] for part in parts) == pytest.approx(
        found["metrics"]["alerts_per_week"]
    )
    for name in ("recall_at_lead_21d", "random_recall_at_lead_21d"):
        assert mean_of(name) == pytest.approx(found["metrics"][name])


def test_every_figure_of_a_slice_has_an_interval_around_it():
    one = record(judged(drawn(0), resamples=100), "colour", "unknown")

    for name, (low, high) in one["intervals"].items():
        assert low <= one[name] <= high, name
