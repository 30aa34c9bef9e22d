"""Figures against scikit-learn and against plain Python."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from churnml.alerting import Policy, queue
from churnml.evaluation import queue_metrics, row_metrics
from churnml.evaluation.rows import row_table

MONDAY = pd.Timestamp("2026-01-05")
LABELS = st.sampled_from(["churned", "stayed", "stayed", "left_early", "unknown"])
PROBABILITIES = st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.3, 1.0]), st.floats(0, 1))
ROWS = st.lists(st.tuples(PROBABILITIES, LABELS), min_size=2, max_size=60)


def frame(rows: list[tuple[float, str]]) -> tuple[pd.DataFrame, pd.Series]:
    number = np.arange(len(rows))
    scores = pd.DataFrame(
        {
            "customer_id": [f"c{i % 7}" for i in number],
            "as_of": MONDAY + pd.to_timedelta(7 * (number // 7), unit="D"),
            "score": [probability for probability, _ in rows],
        }
    )
    return scores.assign(probability=scores["score"]), pd.Series([label for _, label in rows])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rows=ROWS)
def test_ranking_and_brier_are_those_of_scikit_learn(rows):
    scores, labels = frame(rows)
    found = row_metrics(scores, labels)

    for suffix, left_out in (("", {"unknown"}), ("_without_left_early", {"unknown", "left_early"})):
        kept = ~labels.isin(left_out)
        truth, score = labels[kept] == "churned", scores.loc[kept, "score"]
        if truth.nunique() < 2:
            assert found[f"average_precision{suffix}"] is None
            continue
        assert found[f"roc_auc{suffix}"] == pytest.approx(roc_auc_score(truth, score))
        assert found[f"average_precision{suffix}"] == pytest.approx(
            average_precision_score(truth, score)
        )
    known = labels != "unknown"
    if known.any():
        truth, score = labels[known] == "churned", scores.loc[known, "score"]
        assert found["brier"] == pytest.approx(
            brier_score_loss(truth, score, pos_label=True), abs=1e-12
        )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=ROWS, draws=st.lists(st.integers(0, 6), min_size=7, max_size=7))
def test_a_weight_of_n_is_the_customer_n_times(rows, draws):
    scores, labels = frame(rows)
    weights = np.bincount(draws, minlength=7).astype(float)[: scores["customer_id"].nunique()]
    copies = weights[scores["customer_id"].str[1:].astype(int)].astype(int)
    again = np.repeat(np.arange(len(scores)), copies)
    kept = (labels.iloc[again] != "unknown").to_numpy()
    truth, score = (labels.iloc[again] == "churned")[kept], scores["score"].iloc[again][kept]

    found = row_table(scores, labels).figures(weights)

    if truth.nunique() == 2:
        assert found["average_precision"] == pytest.approx(average_precision_score(truth, score))
        assert found["roc_auc"] == pytest.approx(roc_auc_score(truth, score))
    else:
        assert math.isnan(found["average_precision"])


def test_the_slope_is_that_of_a_logistic_regression_on_the_logit():
    rng = np.random.default_rng(1)
    logit = rng.normal(-2, 1.5, 4000)
    truth = rng.random(4000) < 1 / (1 + np.exp(-(0.3 + 0.6 * logit)))
    rows = pd.DataFrame(
        {"customer_id": np.arange(4000).astype(str), "as_of": MONDAY, "score": logit}
    ).assign(probability=1 / (1 + np.exp(-logit)))
    labels = pd.Series(np.where(truth, "churned", "stayed"))
    reference = LogisticRegression(C=1e10, tol=1e-10).fit(logit[:, None], truth)

    assert row_metrics(rows, labels)["calibration_slope"] == pytest.approx(
        float(reference.coef_[0, 0]), abs=1e-5
    )


def plain_lift(rows: list[tuple[str, float, bool]]) -> float:
    """Tenth by tenth and tie by tie, from as_of, score and outcome."""
    hits, taken = Fraction(0), 0
    for week in {as_of for as_of, _, _ in rows}:
        left = [(score, hit) for as_of, score, hit in rows if as_of == week]
        room = -(-len(left) // 10)
        taken += room
        for score in sorted({score for score, _ in left}, reverse=True):
            tie = [hit for other, hit in left if other == score]
            share = Fraction(min(room, len(tie)), len(tie))
            hits += share * sum(tie)
            room -= min(room, len(tie))
    base_rate = Fraction(sum(hit for _, _, hit in rows), len(rows))
    return float(hits / taken / base_rate)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rows=ROWS)
def test_lift_is_the_plain_lift(rows):
    scores, labels = frame(rows)
    found = row_metrics(scores, labels)["lift_at_10pct"]
    table = scores.assign(hit=labels == "churned")[labels != "unknown"]
    plain = list(zip(table["as_of"].astype(str), table["score"], table["hit"], strict=True))

    if table["hit"].any():
        assert found == pytest.approx(plain_lift(plain))
    else:
        assert found is None


def plain_queue_figures(
    alerts: list[tuple[str, float]],
    rows: list[tuple[str, float]],
    spells: list[tuple[str, float, float | None]],
    *,
    until: float,
    delay: float,
) -> dict[str, float]:
    """Design 2 in loops; times in days."""

    def spell_at(customer: str, day: float) -> tuple[str, float, float | None] | None:
        own = [s for s in spells if s[0] == customer and s[1] < day]
        return max(own, key=lambda s: s[1]) if own else None

    def notice(customer: str, day: float) -> float | None:
        spell = spell_at(customer, day)
        if spell is None or spell[2] is None or spell[2] < day:
            return None
        return spell[2] - day

    first, last = min(d for _, d in rows), max(d for _, d in rows)
    exits = []
    for spell in spells:
        tested = [d for c, d in rows if c == spell[0] and spell_at(c, d) == spell]
        if spell[2] is None or not tested:
            continue
        inside = first + 28 <= spell[2] < last + 7
        if inside and spell[2] - min(tested) >= 28:
            exits.append(spell)

    def notices(spell: tuple[str, float, float | None]) -> list[float]:
        own = [(c, d) for c, d in alerts if spell_at(c, d) == spell]
        found = [notice(c, d) for c, d in own]
        return [n for n in found if n is not None and n < 84]

    def share(hits: list[bool]) -> float:
        return sum(hits) / len(hits) if hits else math.nan

    judged = [notice(c, d) for c, d in alerts if d + 84 + delay <= until]
    heard = [max(notices(spell)) for spell in exits if notices(spell)]
    curve = [spell for spell in exits if spell[2] >= first + 63]
    return {
        "n_exits": len(exits),
        "recall_at_lead_21d": share([any(n >= 21 for n in notices(s)) for s in exits]),
        "alert_precision": share([n is not None and n < 84 for n in judged]),
        "alert_precision_in_time": share([n is not None and 21 <= n < 84 for n in judged]),
        "late_alerts": sum(n is not None and n < 21 for n in judged),
        "median_lead_days": statistics.median(heard) if heard else math.nan,
        **{
            f"lead_recall_{w}": share([any(n >= 7 * w for n in notices(s)) for s in curve])
            for w in range(1, 9)
        },
    }


@st.composite
def lives(draw) -> list[tuple[str, float, float | None]]:
    """Spells of six customers: exits on and around the edges, some win-backs."""
    spells: list[tuple[str, float, float | None]] = []
    for number in range(6):
        start = draw(st.sampled_from([-100.0, -1.0, 0.0, 30.0]))
        length = draw(st.sampled_from([28.0, 63.0, 84.0, 77.5, 126.0, 150.0]))
        left = draw(st.booleans())
        spells.append((f"c{number}", start, start + length if left else None))
        if left and draw(st.booleans()):
            spells.append((f"c{number}", start + length + 20, start + length + 85))
    return spells


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    spells=lives(),
    seed=st.integers(0, 10_000),
    q=st.sampled_from([0.2, 0.5, 1.0]),
    quiet_days=st.sampled_from([14, 56]),
    until=st.sampled_from([150, 182, 400]),
)
def test_queue_figures_are_those_of_the_plain_definition(spells, seed, q, quiet_days, until):
    rng = np.random.default_rng(seed)
    rows = [(f"c{c}", 7.0 * w) for w in range(20) for c in range(6) if rng.random() < 0.8]
    at = MONDAY + pd.to_timedelta([d for _, d in rows], unit="D")
    scores = pd.DataFrame({"customer_id": [c for c, _ in rows], "as_of": at})
    scores["score"] = np.where(rng.random(len(rows)) < 0.9, rng.random(len(rows)), np.nan)
    lives_frame = pd.DataFrame(
        [
            (
                c,
                MONDAY + pd.Timedelta(days=s),
                pd.NaT if e is None else MONDAY + pd.Timedelta(days=e),
            )
            for c, s, e in spells
        ],
        columns=["customer_id", "started_at", "exit_at"],
    ).astype({"exit_at": "datetime64[us]"})
    policy = Policy(q=q, quiet_days=quiet_days)

    found = queue_metrics(
        scores,
        lives_frame,
        policy,
        observed_until=MONDAY + pd.Timedelta(days=until),
        delay_days=14,
    )

    raised = queue(scores, policy)
    days = (raised["as_of"] - MONDAY) / pd.Timedelta(days=1)
    alerts = list(zip(raised["customer_id"], days, strict=True))
    expected = plain_queue_figures(alerts, rows, spells, until=until, delay=14)
    assert found["n_alerts"] == len(alerts)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, nan_ok=True), name
