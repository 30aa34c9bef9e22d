"""A feature of one's own stands beside the catalogue; who scores without it is told so in words."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

import churnml as ch
from churnml.errors import InputError
from churnml.features import feature_digest
from churnml.features.algebra import LAST_4_WEEKS, Rows
from churnml.features.operators import count
from churnml.features.row_sources import EVENTS
from churnml.scoring import needed_features
from churnml.windows import DAY

AS_OF = pd.Timestamp("2026-03-02")
EXPORTS = ch.Feature(
    name="raw_exports_28d", value=count(Rows(EVENTS, "name = 'data_export'"), LAST_4_WEEKS),
    title={"en": "Exports of data, last 28 days", "ru": "Выгрузки данных за 28 дней"},
    unit=ch.Unit.COUNT, family=ch.Family.USAGE, risk=1, play="save_call",
)  # fmt: skip


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    start = AS_OF - 200 * DAY
    pd.DataFrame({"customer_id": ["a", "b"], "signed_up_at": start}).to_parquet(
        folder / "customers.parquet"
    )
    pd.DataFrame(
        {"subscription_id": ["a", "b"], "customer_id": ["a", "b"], "started_at": start,
         "ended_at": pd.Series([pd.NaT, pd.NaT], dtype="datetime64[us]")}
    ).to_parquet(folder / "subscriptions.parquet")  # fmt: skip
    days = [29, 28, 27, 1, 0, 5]
    pd.DataFrame(
        {"customer_id": ["a"] * 5 + ["b"], "event_time": [AS_OF - day * DAY for day in days],
         "name": ["data_export"] * 5 + ["login"]}
    ).to_parquet(folder / "events.parquet")  # fmt: skip
    (folder / "dataset.toml").write_text('observed_until = 2026-04-01\n[churn]\nkind = "contract"')
    return ch.open_dataset(folder)


@pytest.fixture(scope="module")
def extended(plain):
    return ch.with_features(plain, [EXPORTS])


def model_of(dataset, *names: str) -> SimpleNamespace:
    """What a bundle says of its features."""
    features = ch.catalogue(dataset).pick(*names)
    return SimpleNamespace(
        feature_names=names, feature_digest=feature_digest(features),
        own_features=tuple(one.name for one in dataset.own_features),
    )  # fmt: skip


def test_own_features_come_last_and_the_dataset_before_is_as_it_was(plain, extended):
    assert ch.catalogue(extended)[-1] is EXPORTS
    assert ch.catalogue(extended)[:-1] == ch.catalogue(plain)


def test_an_own_feature_is_computed_like_any_other(extended):
    snapshots = ch.take_snapshots(extended, [AS_OF])
    found = ch.compute_features(
        extended, snapshots, features=ch.catalogue(extended).pick("raw_exports_28d")
    )

    # 28, 27 and 1 days before; 29 is too old, the as_of itself is not known yet
    assert found["raw_exports_28d"].tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (["raw_exports_28d"], "got str in it"),
        ([EXPORTS, EXPORTS], "'raw_exports_28d' already"),
        ([replace(EXPORTS, name="events_28d")], "'events_28d' already"),
    ],
)
def test_what_is_no_feature_or_has_a_taken_name_is_refused(plain, own, said):
    with pytest.raises(InputError, match=said):
        ch.with_features(plain, own)


def test_a_model_with_own_features_scores_only_with_them(plain, extended):
    model = model_of(extended, "events_28d", "raw_exports_28d")

    assert needed_features(extended, model)[1] is EXPORTS
    with pytest.raises(InputError, match=r"maker's own.*raw_exports_28d.*with_features"):
        needed_features(plain, model)


def test_an_own_feature_declared_otherwise_is_refused_by_name(plain, extended):
    model = model_of(extended, "events_28d", "raw_exports_28d")
    other = replace(EXPORTS, value=count(Rows(EVENTS), LAST_4_WEEKS))

    with pytest.raises(InputError, match=r"own raw_exports_28d are declared otherwise"):
        needed_features(ch.with_features(plain, [other]), model)
