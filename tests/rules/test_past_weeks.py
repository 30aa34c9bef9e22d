"""Weeks that were scored before are read, a new one is computed, and nothing differs for it."""

from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from pyarrow import feather

from churnml.config import Study
from churnml.features import catalogue, feature_digest
from churnml.report.stakeholder.past_weeks import score_past_weeks, weeks_until

AS_OF = pd.Timestamp("2026-03-02")
DAY = pd.Timedelta(days=1)
USE = "events_28d"


@pytest.fixture
def company(dataset_of):
    start = AS_OF - 200 * DAY
    return dataset_of(
        {
            "customers": [{"customer_id": "a", "signed_up_at": start}],
            "subscriptions": [
                {"subscription_id": "s", "customer_id": "a", "started_at": start, "ended_at": None}
            ],
            "events": [
                {"customer_id": "a", "event_time": AS_OF - back * DAY, "name": "login"}
                for back in (1, 8, 9)
            ],
        },
        until="2026-04-01",
    )


def scored(dataset, folder, *, until=AS_OF):
    """The last two weeks, by a model that says a hundredth for each event."""
    model = SimpleNamespace(
        feature_names=(USE,), feature_digest=feature_digest(catalogue(dataset).pick(USE)),
        own_features=(), message_risk=None, weeks_ahead=None, digest="m",
        predict=lambda features: (features[USE] / 100).rename("probability"),
    )  # fmt: skip
    as_ofs = weeks_until(until, count=2)
    return score_past_weeks(dataset, model, as_ofs, study=Study(), cache=folder)


def test_a_week_scored_before_is_read_and_a_new_one_computed(company, tmp_path):
    first = scored(company, tmp_path)
    assert first.table[USE].tolist() == [2.0, 3.0]
    again = scored(company, tmp_path)
    assert_frame_equal(again.scores, first.scores, check_exact=True)
    assert_frame_equal(again.catalogue, first.catalogue, check_exact=True)

    kept = sorted(tmp_path.glob("features_*.arrow"))
    assert len(kept) == 2
    for path in kept:  # what is read, and not computed, is marked
        table = feather.read_table(path)
        [place] = [n for n, name in enumerate(table.column_names) if name.startswith(f"{USE}|")]
        marked = pa.array([50.0] * len(table))
        feather.write_feather(table.set_column(place, table.column_names[place], marked), path)
    later = scored(company, tmp_path, until=AS_OF + 7 * DAY)

    assert later.scores["probability"].tolist() == [0.5, 0.03]
