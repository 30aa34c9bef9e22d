"""Forward folds: what trains was closed before what is tested."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnml.config import Folds
from churnml.errors import InputError
from churnml.splits import complete, forward_folds
from churnml.windows import DAY, LabelWindow, instant

START = pd.Timestamp("2025-01-06")
WINDOW = LabelWindow(lead_days=21, horizon_days=28, delay_days=14)


def panel(weeks: int) -> pd.DataFrame:
    as_ofs = [START + number * 7 * DAY for number in range(weeks)]
    index = pd.MultiIndex.from_product([["a", "b"], as_ofs], names=["customer_id", "as_of"])
    return pd.DataFrame(index=index)


def test_a_label_that_closes_when_the_test_begins_may_train():
    as_ofs = pd.Series([START, START + DAY])

    assert complete(as_ofs, window=WINDOW, tested=START + 63 * DAY).tolist() == [True, False]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    weeks=st.integers(40, 120),
    every=st.integers(14, 90),
    lead=st.integers(0, 40),
    horizon=st.integers(7, 40),
    delay=st.integers(0, 30),
    scheme=st.sampled_from(["expanding", "rolling"]),
)
def test_no_training_label_reaches_into_its_test(weeks, every, lead, horizon, delay, scheme):
    window = LabelWindow(lead, horizon, delay)
    try:
        folds = forward_folds(
            Folds(test_every_days=every, scheme=scheme), window=window, history_from=START,
            observed_until=START + weeks * 7 * DAY,
        )  # fmt: skip
    except InputError as error:
        assert "Too little history" in str(error)  # noqa: PT017
        return
    frame = panel(weeks)
    as_ofs = frame.index.get_level_values("as_of")
    seen = set()
    for train, test in folds.split(frame):
        assert (as_ofs[train] + window.closing_days * DAY).max() <= as_ofs[test].min()
        assert not seen & set(test)
        seen |= set(test)
    assert len(seen)


def test_the_last_tested_as_of_is_the_last_whose_label_is_closed():
    until = START + 60 * 7 * DAY
    folds = forward_folds(Folds(), window=WINDOW, history_from=START, observed_until=until)
    frame = panel(60)
    tested = frame.index.get_level_values("as_of")[list(folds.split(frame))[-1][1]]

    assert tested.max() == until - 63 * DAY


def test_the_summary_counts_what_the_purge_removed():
    folds = forward_folds(
        Folds(test_from=START + 20 * 7 * DAY, test_until=START + 24 * 7 * DAY, test_every_days=28),
        window=WINDOW, history_from=START, observed_until=START + 60 * 7 * DAY,
    )  # fmt: skip

    row = folds.summary(panel(60)).loc[1]

    assert (row["train_rows"], row["purged_rows"], row["test_rows"]) == (24, 16, 8)


def test_too_little_history_says_what_is_missing():
    with pytest.raises(InputError, match="Too little history"):
        forward_folds(Folds(), window=WINDOW, history_from=START, observed_until=START + 100 * DAY)


def test_a_bare_date_is_midnight_in_the_zone_of_the_dataset():
    assert instant("2026-03-01", zone="Europe/Moscow") == pd.Timestamp("2026-02-28 21:00")


def test_where_the_clock_changes_at_midnight_the_day_begins_with_its_first_instant():
    assert instant("2018-11-04", zone="America/Sao_Paulo") == pd.Timestamp("2018-11-04 03:00")


def test_what_is_no_time_is_refused_with_an_example():
    with pytest.raises(InputError, match="Expected a date"):
        instant("yesterday-ish", zone="UTC")
