"""How right a scorer is, on labels drawn by hand and counted a second way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churnml.text.judging import judge

TRUE, FALSE, NONE = True, False, pd.NA


def flags(**columns):
    return pd.DataFrame({name: pd.array(said, "boolean") for name, said in columns.items()})


def f1(pairs):
    """Of pairs (true, said)."""
    right = sum(true and said for true, said in pairs)
    return 2 * right / sum(true + said for true, said in pairs)


def test_markers_are_judged_one_by_one_and_by_their_mean():
    labels = flags(ultimatum=[TRUE, TRUE, FALSE, NONE], escalation=[FALSE, FALSE, TRUE, FALSE])
    scores = flags(ultimatum=[TRUE, FALSE, TRUE, TRUE], escalation=[FALSE, FALSE, TRUE, NONE])
    found = judge(scores, labels)

    # The fourth ultimatum was not labelled, so it is neither right nor wrong.
    assert found["ultimatum"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "n": 2, "found": 2}
    assert found["escalation"] == {"precision": 1, "recall": 1, "f1": 1, "n": 1, "found": 1}
    assert found["markers_macro_f1"]["value"] == 0.75
    assert 0 <= found["markers_macro_f1"]["low"] <= 0.75 <= found["markers_macro_f1"]["high"] == 1


def test_a_marker_that_is_neither_there_nor_said_has_no_part_in_the_mean():
    labels = flags(ultimatum=[TRUE, FALSE], escalation=[FALSE, FALSE])

    assert judge(labels, labels)["markers_macro_f1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    nothing = judge(labels[["escalation"]], labels[["escalation"]])
    assert nothing["markers_macro_f1"] == {"value": None, "low": None, "high": None}


def test_the_interval_of_the_mean_resamples_messages():
    rng = np.random.default_rng(5)
    names = ("ultimatum", "escalation", "budget_cut")
    labels = flags(**{name: rng.random(60) < 0.3 for name in names})
    noise = flags(**{name: rng.random(60) < 0.2 for name in names})
    scores = labels ^ noise
    draws = np.random.default_rng(0)
    pairs = {n: list(zip(labels[n].tolist(), scores[n].tolist(), strict=True)) for n in names}
    plain = [
        np.mean([f1([pairs[name][row] for row in rows]) for name in names])
        for rows in (draws.integers(0, 60, 60) for _ in range(500))
    ]
    found = judge(scores, labels)["markers_macro_f1"]

    assert (found["low"], found["high"]) == pytest.approx(np.quantile(plain, [0.025, 0.975]))
    assert found["low"] < found["value"] < found["high"]
