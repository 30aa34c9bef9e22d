"""What is computed anew when a week, a correction or another feature comes, and what is read."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from churnml.features import Family, Feature, Unit, compute_features, kept_files
from churnml.features import cache as feature_cache
from churnml.features import operators as o
from churnml.features.algebra import LAST_4_WEEKS, LAST_WEEK, Rows
from churnml.features.cache import cached_features
from churnml.features.row_sources import EVENTS, SUBSCRIPTIONS, TICKETS

T0 = pd.Timestamp("2026-03-02")
WEEK = timedelta(weeks=1)
WEEKS = [T0 - 2 * WEEK, T0 - WEEK, T0]
PEOPLE = ["ann", "bob"]


def event(time, **more):
    return {"customer_id": "ann", "event_time": time, "name": "login", **more}


def feature(name, value):
    return Feature(name, value, {"en": "x", "ru": "y"}, Unit.COUNT, Family.USAGE)


LOGINS = feature("logins", o.count(Rows(EVENTS), LAST_4_WEEKS))
RANK = feature("rank", o.percentile(o.count(Rows(EVENTS), LAST_4_WEEKS)))
RATED = feature("rated", o.last(Rows(TICKETS), "csat"))
ENDED = feature("ended", o.count(Rows(SUBSCRIPTIONS).dated("ended_at")))
ALL = (LOGINS, RANK, RATED, ENDED)


class Company:
    """A company whose rows are added to, with a cache; ``computed`` tells what was made anew."""

    def __init__(self, dataset_of, folder, monkeypatch):
        self.dataset_of, self.folder, self.computed = dataset_of, folder, []
        self.tables = {
            "customers": [{"customer_id": c, "signed_up_at": T0 - 50 * WEEK} for c in PEOPLE],
            "events": [event(T0 - 3 * WEEK), event(T0 - timedelta(days=3))],
            "tickets": [{"ticket_id": "t", "customer_id": "bob", "opened_at": T0 - 5 * WEEK,
                         "resolved_at": T0 - 4 * WEEK, "csat": 3.0, "csat_at": T0 - 3 * WEEK}],
            "subscriptions": [{"subscription_id": "s", "customer_id": "bob",
                               "started_at": T0 - 40 * WEEK, "ended_at": None}],
        }  # fmt: skip
        monkeypatch.setattr(feature_cache, "compute_features", self._counted)

    def _counted(self, dataset, snapshots, *, features, kept):
        self.computed.append((sorted(set(snapshots["as_of"])), [one.name for one in features]))
        return compute_features(dataset, snapshots, features=features, kept=kept)

    def features(self, as_ofs=WEEKS, features=ALL, people=PEOPLE):
        """The table, checked against one computed without a cache; then what was made anew."""
        pairs = [(who, as_of) for who in people for as_of in as_ofs]
        snapshots = pd.DataFrame(pairs, columns=["customer_id", "as_of"])
        dataset = self.dataset_of(self.tables, until="2026-06-01")
        kept = pd.Series(True, index=snapshots.index)
        self.computed.clear()
        found = cached_features(
            dataset, snapshots, features=features, kept=kept, folder=self.folder
        )
        expected = compute_features(dataset, snapshots, features=features)
        assert_frame_equal(found, expected, check_exact=True)
        return list(self.computed)


@pytest.fixture
def company(dataset_of, tmp_path, monkeypatch):
    made = Company(dataset_of, tmp_path / "cache", monkeypatch)
    assert made.features() == [(WEEKS, [one.name for one in ALL])]
    assert made.features() == []
    return made


def test_a_new_week_computes_itself_only(company):
    company.tables["events"].append(event(T0 + timedelta(days=2)))

    assert company.features([*WEEKS, T0 + WEEK]) == [([T0 + WEEK], [one.name for one in ALL])]


def test_a_changed_feature_computes_itself_only(company):
    other = feature("logins", o.count(Rows(EVENTS, "name = 'login'"), LAST_4_WEEKS))

    assert company.features(features=(other, RANK, RATED)) == [(WEEKS, ["logins"])]
    assert company.features(features=(other, RANK, RATED)) == []
    assert company.features(features=(RATED, RANK)) == []


def test_what_is_computed_is_added_beside_files_that_stay_as_they_are(company):
    before = {path: path.read_bytes() for path in company.folder.iterdir()}
    other = feature("logins", o.count(Rows(EVENTS), LAST_WEEK))

    company.features(features=(other, RANK, RATED, ENDED))

    assert len(list(company.folder.iterdir())) == len(before) + len(WEEKS)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_late_row_computes_the_as_ofs_that_know_it_and_the_features_that_read_it(company):
    company.tables["events"].append(event(T0 - 3 * WEEK, known_at=T0 - timedelta(days=1)))

    assert company.features() == [([T0], ["logins", "rank"])]


def test_a_value_filled_later_leaves_the_as_ofs_before_it(company):
    company.tables["subscriptions"][0]["ended_at"] = T0 - WEEK

    assert company.features() == [([T0], ["ended"])]


def test_a_corrected_value_computes_every_as_of_that_saw_it(company):
    company.tables["tickets"][0]["csat"] = 5.0

    assert company.features() == [(WEEKS, ["rated"])]


def test_other_people_at_risk_make_other_ranks(company):
    everything = [(WEEKS, [one.name for one in ALL])]
    assert company.features(people=["ann"]) == everything
    assert company.features(people=["ann", "eve"]) == everything


def test_a_damaged_file_is_computed_again(company):
    damaged = sorted(company.folder.glob("features_*.arrow"))[-1]
    damaged.write_bytes(damaged.read_bytes()[:100])

    assert company.features() == [([T0], [one.name for one in ALL])]
    assert company.features() == []


def test_what_nobody_asks_for_any_more_is_dropped(company):
    for week in range(1, 20):
        company.features([T0 + week * WEEK], features=(LOGINS,))

    assert len(list(company.folder.glob("features_*.arrow"))) == kept_files.KEPT
