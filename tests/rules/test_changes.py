"""What was, what is and since when, on rows of weeks drawn by hand."""

import numpy as np
import pandas as pd
import pytest

from churnml.explanation.changes import Change, change_of

NAN = float("nan")


def weeks(count):
    """So many Mondays, the last one 2026-03-02."""
    return pd.date_range(end="2026-03-02", periods=count, freq="7D")


def told(*values):
    return change_of(np.array(values, dtype="float64"), weeks(len(values)))


def back(count):
    """The Monday so many weeks before the last."""
    return pd.Timestamp("2026-03-02") - pd.Timedelta(days=7 * count)


@pytest.mark.parametrize(
    ("values", "was", "since"),
    [
        ((12, 12, 12, 12, 3), 12, back(0)),
        ((12, 11, 13, 12, 3, 4, 3), 12, back(2)),
        ((0, 0, 0, 0, 1, 2, 3), 0, back(2)),
        ((40, 41, 39, 40, 30, 20, 10), 40, back(2)),
        ((12, 12, 3, 3, 3, 3), 12, back(3)),
        ((12, 12, 12, 3, 13, 3, 3), 12, back(1)),
        ((NAN, NAN, 9, 9, 4), 9, back(0)),
        ((9, NAN, 9, 4, NAN, 4), 9, back(2)),
    ],
)
def test_the_earlier_level_and_the_first_week_of_the_run(values, was, since):
    assert told(*values) == Change(was, values[-1], since, int(np.isfinite(values).sum()) - 1)


@pytest.mark.parametrize(
    ("values", "was"),
    [
        ((5, 5, 5, 5), 5),
        ((20, 21, 19, 20, 22, 20, 21), 20),
        ((12, 12, 3, 3, 12, 12), 12),
        ((10, 10, 10, 11), 10),
    ],
)
def test_noise_a_small_step_and_what_came_back_are_no_change(values, was):
    found = told(*values)

    assert found == Change(was, values[-1], None, len(values) - 1)
    assert not found.changed


def test_what_is_unknown_now_is_no_change_at_all():
    assert told(3, 3, NAN) is None


def test_without_an_earlier_week_nothing_was():
    found = told(NAN, NAN, 4)

    assert found == Change(None, 4, None, 0)
    assert not found.changed


@pytest.mark.parametrize(("risk", "expected"), [(-1, True), (1, False), (0, False)])
def test_a_fall_is_risky_where_more_is_safer(risk, expected):
    assert told(12, 12, 12, 3).risky(risk) is expected


def test_what_never_moved_is_its_own_earlier_level_however_many_weeks_are_known():
    assert told(7, 7) == Change(7, 7, None, 1)
    assert told(NAN, 0, NAN, 0, 0) == Change(0, 0, None, 2)
