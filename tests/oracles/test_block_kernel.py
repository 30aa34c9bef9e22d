"""The block kernel against the reference SQL: the same declarations, the same bits."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandas.testing import assert_frame_equal

from churnml.features import (
    Family,
    Feature,
    Unit,
    catalogue,
    compute_features,
    computing,
    feature_parts,
)
from churnml.features import operators as o
from churnml.features.algebra import (
    BASELINE,
    EVER,
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_WEEK,
    PRIOR_4_WEEKS,
    Rows,
    timely,
)
from churnml.features.carrier import Carrier
from churnml.features.row_sources import EVENTS, TICKETS
from churnml.sources import open_dataset

T0 = pd.Timestamp("2026-03-02")
WEEK = timedelta(weeks=1)
AS_OFS = [T0 - week * WEEK for week in range(20)]
#: The last one has most of the events.
PEOPLE = ["0007", "7", "ann", "o'neil", "клиент № 1", "b" * 200, "giant"]
MANY = 20_000
DATA = Path(os.environ.get("CHURNML_DATA", "../shared/data"))


def features():
    rows, logins = Rows(EVENTS), Rows(EVENTS, "name = 'login'")
    values = {
        "n": o.count(rows, LAST_WEEK), "before": o.count(logins, PRIOR_4_WEEKS),
        "ever": o.count(logins), "sum": o.total(rows, "value", LAST_12_WEEKS),
        "sum_ever": o.money(logins, "value"), "mean": o.mean(rows, "value", BASELINE),
        "in_time": o.count(timely(rows), LAST_4_WEEKS), "since": o.days_since(logins),
        "age": o.age(rows), "days": o.active_days(rows, LAST_4_WEEKS),
        "days_ever": o.active_days(timely(logins), EVER),
        "days_before": o.active_days(logins, PRIOR_4_WEEKS),
        "users": o.distinct(rows, "user_id", LAST_12_WEEKS), "last": o.last(rows, "value"),
        "rank": o.percentile(o.count(rows, LAST_4_WEEKS)),
    }  # fmt: skip
    title = {"en": "x", "ru": "y"}
    return [Feature(name, value, title, Unit.COUNT, Family.USAGE) for name, value in values.items()]


@pytest.fixture
def company(dataset_of):
    """Events of few and of one giant, a third of them known days to months late."""
    rng = np.random.default_rng(5)
    tables = {"customers": [{"customer_id": who, "signed_up_at": T0 - 60 * WEEK} for who in PEOPLE]}
    dataset = dataset_of(tables | {"events": []}, until="2026-06-01",
                         description={"timezone": "America/New_York"})  # fmt: skip
    who = np.where(np.arange(MANY) < 300, rng.integers(0, 5, MANY), len(PEOPLE) - 1)
    times = T0 - pd.to_timedelta(rng.integers(-3 * 168, 45 * 168, MANY), "h")
    edges = rng.random(MANY) < 0.2
    times = times.where(~edges, times.floor("7D") + timedelta(days=4))
    late = np.where(rng.random(MANY) < 0.3, rng.integers(0, 60 * 24, MANY), 0)
    rows = pd.DataFrame({
        "customer_id": np.array(PEOPLE)[who], "event_time": times,
        "name": rng.choice(["login", "report"], MANY),
        "value": np.where(rng.random(MANY) < 0.1, np.nan, np.round(rng.normal(0, 50, MANY), 3)),
        "user_id": rng.choice(["u", "v", "w", None], MANY), "session_id": None,
        "known_at": times + pd.to_timedelta(late, "h"),
    })  # fmt: skip
    dataset.connection.register("drawn", rows)
    dataset.connection.execute(
        "insert into events by name select customer_id, event_time, name, "
        "case when isnan(value) then null else value end as value, user_id, "
        "cast(session_id as varchar) as session_id, known_at from drawn"
    )
    dataset.connection.unregister("drawn")
    return dataset


def snapshots(as_ofs=AS_OFS):
    pairs = [(who, as_of) for who in PEOPLE for as_of in as_ofs]
    return pd.DataFrame(pairs, columns=["customer_id", "as_of"])


def by_sql(monkeypatch, dataset, asked, **more):
    for bound in ("KERNEL_ROWS", "KERNEL_LEAVES"):
        monkeypatch.setattr(computing, bound, 10**9)
    found = compute_features(dataset, asked, **more)
    monkeypatch.setattr(computing, "KERNEL_ROWS", 0)
    return found


@pytest.mark.parametrize("chunk_customers", [None, 1, 3])
def test_a_giant_odd_names_and_late_rows_give_the_bits_of_the_sql(
    company, monkeypatch, chunk_customers
):
    expected = by_sql(monkeypatch, company, snapshots(), features=features())

    found = compute_features(
        company, snapshots(), features=features(), chunk_customers=chunk_customers
    )

    assert_frame_equal(expected, found, check_exact=True)
    assert (found.nunique() > 2).all(), "nothing is compared with itself alone"


def test_rows_in_spill_files_give_the_same(company, monkeypatch):
    monkeypatch.setattr(computing, "KERNEL_ROWS", 0)
    in_memory = compute_features(company, snapshots(), features=features())
    monkeypatch.setattr(computing, "MEMORY", 0)

    spilled = compute_features(company, snapshots(), features=features(), chunk_customers=2)

    assert_frame_equal(in_memory, spilled, check_exact=True)


def test_sums_beyond_the_whole_numbers_of_a_double_are_left_to_the_sql(company, monkeypatch):
    company.connection.execute("update events set value = value * 1e13 where name = 'report'")
    expected = by_sql(monkeypatch, company, snapshots(), features=features())

    found = compute_features(company, snapshots(), features=features())

    assert_frame_equal(expected, found, check_exact=True)
    assert found["sum"].abs().max() > 2**53 / 10**6


def test_an_empty_window_after_odd_amounts_is_zero_and_not_nearly(company, monkeypatch):
    company.connection.execute("update events set value = value / 3 + 0.1")
    company.connection.execute("delete from events where event_time > '2026-01-01'")
    company.connection.execute(
        "insert into events (customer_id, event_time, known_at, name) values "
        "('nobody', '2026-03-01', '2026-03-01', 'login')"
    )
    monkeypatch.setattr(computing, "KERNEL_ROWS", 0)
    sums = Feature("sum", o.total(Rows(EVENTS), "value", LAST_4_WEEKS), {"en": "x", "ru": "y"},
                   Unit.COUNT, Family.USAGE)  # fmt: skip

    found = compute_features(company, snapshots([T0]), features=[sums])

    assert (found["sum"] == 0).all()


@pytest.mark.parametrize(
    ("as_ofs", "names"),
    [
        (AS_OFS, {"n", "sum", "since", "users", "last"}),
        (AS_OFS, None),
        ([*AS_OFS, T0 - timedelta(days=2)], {"n", "sum", "since"}),
    ],
    ids=["chunk by chunk", "with ranks", "two weekdays"],
)
def test_the_parts_put_together_are_the_frame(company, monkeypatch, as_ofs, names):
    monkeypatch.setattr(computing, "KERNEL_ROWS", 0)
    monkeypatch.setattr(computing, "CHUNK_ROWS", 50)
    chosen = [feature for feature in features() if names is None or feature.name in names]
    told = []

    parts = list(
        feature_parts(
            company, snapshots(as_ofs), features=chosen, chunk_customers=2,
            progress=lambda done, of: told.append((done, of)),
        )
    )  # fmt: skip

    whole = pd.concat(
        [part.to_pandas().astype({"customer_id": "str"}) for part in parts]
    ).set_index(["customer_id", "as_of"])
    expected = compute_features(company, snapshots(as_ofs), features=chosen)
    assert_frame_equal(whole, expected, check_exact=True)
    assert max(part.num_rows for part in parts) <= max(50, 2 * len(as_ofs))
    assert told[-1] == (len(expected), len(expected))


def test_little_memory_gives_the_same_parts_and_is_given_back(company, monkeypatch):
    monkeypatch.setattr(computing, "KERNEL_ROWS", 0)
    before = company.connection.execute("select current_setting('memory_limit')").fetchone()

    parts = [
        pa.concat_tables(
            feature_parts(company, snapshots(), features=features(), memory_mb=memory_mb)
        ).unify_dictionaries()
        for memory_mb in (None, 64)
    ]

    assert parts[0].equals(parts[1])
    assert company.connection.execute("select current_setting('memory_limit')").fetchone() == before


def test_what_never_was_is_null_and_not_nan(company, monkeypatch):
    monkeypatch.setattr(computing, "KERNEL_ROWS", 0)
    company.connection.execute("delete from events where name = 'login' and customer_id <> '7'")
    chosen = [feature for feature in features() if feature.name in ("since", "mean", "n")]

    parts = pa.concat_tables(feature_parts(company, snapshots(), features=chosen))

    assert parts["since"].null_count >= len(AS_OFS)
    assert parts["n"].null_count == 0
    assert not any(pc.any(pc.is_nan(parts[name])).as_py() for name in ("since", "mean"))


def test_a_small_table_does_not_wait_for_the_kernel(company, monkeypatch):
    monkeypatch.setattr(Carrier, "read", None)
    monkeypatch.setattr(computing, "KERNEL_ROWS", MANY + 1)

    compute_features(company, snapshots(), features=features())

    monkeypatch.setattr(computing, "KERNEL_ROWS", MANY)
    with pytest.raises(TypeError, match="NoneType"):
        compute_features(company, snapshots(), features=features())


def test_many_columns_are_carried_however_few_the_rows(company, monkeypatch):
    monkeypatch.setattr(Carrier, "read", None)
    monkeypatch.setattr(computing, "KERNEL_ROWS", MANY + 1)
    monkeypatch.setattr(computing, "KERNEL_LEAVES", 3)
    of_names = [features()[place] for place in (0, 1, 2)]

    compute_features(company, snapshots(), features=of_names[:2])

    with pytest.raises(TypeError, match="NoneType"):
        compute_features(company, snapshots(), features=of_names)


def test_small_tables_are_carried_once_a_large_one_is(company, monkeypatch):
    company.connection.execute(
        "insert into tickets (ticket_id, customer_id, opened_at, known_at) "
        "values ('t', 'ann', '2026-02-20', '2026-02-20')"
    )
    both = replace(company, tables=company.tables | {"tickets"})
    opened = Feature("opened", o.count(Rows(TICKETS)), {"en": "x", "ru": "y"}, Unit.COUNT,
                     Family.SUPPORT)  # fmt: skip
    read, carried = Carrier.read, []

    def told(backend, cells, *arguments, **options):
        carried.append(next(iter(cells)).clock.source.name)
        return read(backend, cells, *arguments, **options)

    monkeypatch.setattr(Carrier, "read", told)
    monkeypatch.setattr(computing, "KERNEL_ROWS", MANY)

    found = compute_features(both, snapshots([T0]), features=[*features(), opened])

    assert sorted(set(carried)) == ["events", "tickets"]
    assert found["opened"].groupby("customer_id").sum().to_dict()["ann"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "weeks"), [("oulad", 12), ("online_retail", 40), ("ravenstack", 30)]
)
def test_every_feature_of_real_data_has_the_bits_of_the_sql(name, weeks, monkeypatch):
    if not (DATA / name).is_dir():
        pytest.skip(f"{DATA / name} is not there")
    described = Path(__file__).parents[2] / "experiments" / name / "dataset.toml"
    dataset = open_dataset(DATA / name, dataset_file=described)
    last = dataset.observed_until.floor("7D") - 10 * WEEK
    people = dataset.connection.execute("select customer_id from customers").df()["customer_id"]
    pairs = pd.MultiIndex.from_product([people, [last - n * WEEK for n in range(0, weeks, 4)]],
                                       names=["customer_id", "as_of"])  # fmt: skip
    asked = pairs.to_frame(index=False)

    expected = by_sql(monkeypatch, dataset, asked, features=catalogue(dataset))
    found = compute_features(dataset, asked, features=catalogue(dataset))

    assert_frame_equal(expected, found, check_exact=True)
