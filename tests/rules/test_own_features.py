"""A feature of one's own stands beside the catalogue; who scores without it is told so in words."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

import churnml as ch
from churnml.errors import InputError
from churnml.features import feature_digest
from churnml.features.algebra import LAST_4_WEEKS, Rows, Window
from churnml.features.operators import attribute, count
from churnml.features.own import check_own
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
        (["raw_exports_28d"], "is a name; a declared feature is wanted"),
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


def counting(rows, **changed) -> ch.Feature:
    return replace(EXPORTS, **{"name": "mine", "value": count(rows, LAST_4_WEEKS), **changed})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: "logins_28d", r"pick\('logins_28d'\)"),
        (lambda: counting(Rows(EVENTS), value=5), "its value is int; expected an expression"),
        (
            lambda: counting(EVENTS),
            r"such as Rows\(EVENTS\).*got Source",
        ),
        (lambda: counting(Rows("events")), "expected rows of a source"),
        (lambda: counting(Rows(EVENTS, "nmae = 'login'")), r"events\.nmae.*Did you mean name\?"),
        (lambda: counting(Rows(EVENTS, "name = ")), "cannot be read, as far as “name =”"),
        (lambda: counting(None, value=attribute("regoin")), r"customers\.regoin, which does not"),
        (
            lambda: counting(None, value=count(Rows(EVENTS), Window(0, -4))),
            "4 weeks after the as_of, of which no row is known",
        ),
    ],
)
def test_what_reads_what_is_not_there_says_what_is(plain, wrong, said):
    snapshots = ch.take_snapshots(plain, [AS_OF])
    for call in (
        lambda one: ch.with_features(plain, [one]),
        lambda one: ch.compute_features(plain, snapshots, features=[one]),
    ):
        with pytest.raises(InputError, match=said):
            call(wrong())


def test_every_feature_of_the_catalogue_reads_what_is_there(plain):
    for feature in ch.catalogue(plain):
        check_own(feature, plain)


def test_a_feature_alone_is_asked_for_in_brackets(plain):
    for call in (
        lambda: ch.with_features(plain, EXPORTS),
        lambda: ch.compute_features(plain, ch.take_snapshots(plain, [AS_OF]), features=EXPORTS),
    ):
        with pytest.raises(InputError, match=r"in brackets: \[feature\]"):
            call()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"unit": "cnt"}, r"unit is 'cnt'.*Did you mean count\?"),
        ({"family": "usege"}, r"family is 'usege'.*Did you mean usage\?"),
        ({"title": "Exports"}, "title is 'Exports'; expected both languages"),
    ],
)
def test_a_declaration_is_mended_where_it_is_written(changed, said):
    with pytest.raises(InputError, match=said):
        replace(EXPORTS, **changed)


def test_unit_and_family_may_be_written_as_words():
    written = replace(EXPORTS, unit="category", family="usage")

    assert written.is_category
    assert written.family is ch.Family.USAGE


@pytest.mark.parametrize("weeks", [(2, 4), (4, 4), (-4, 0), (1.5, 0)])
def test_a_window_without_weeks_is_refused(weeks):
    with pytest.raises(InputError, match="is empty; expected whole weeks before the as_of"):
        Window(*weeks)


def test_a_kept_feature_is_found_again_in_another_process(tmp_path):
    hash(EXPORTS.value)  # of this process, where words hash otherwise
    (tmp_path / "feature.pickle").write_bytes(pickle.dumps([EXPORTS, {EXPORTS.value: "found"}]))
    code = (
        "import pickle, pathlib; from churnml.features.algebra import *;"
        "from churnml.features.operators import count; "
        "from churnml.features.row_sources import EVENTS;"
        "kept, known = pickle.loads(pathlib.Path('feature.pickle').read_bytes());"
        "same = count(Rows(EVENTS, \"name = 'data_export'\"), LAST_4_WEEKS);"
        "assert {kept.value: 1}[same] and known[same] == 'found' and kept.title['ru']"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    )  # fmt: skip


def test_a_catalogue_is_a_line_and_picked_from_by_names(plain):
    features = ch.catalogue(plain)

    assert repr(features) == f"<Catalogue: {len(features)} features>"
    assert repr(EXPORTS) == "<Feature raw_exports_28d: Exports of data, last 28 days>"
    with pytest.raises(InputError, match="Did you mean logins_28d"):
        features.pick("login_28d")
    with pytest.raises(InputError, match="one after the other"):
        features.pick(["logins_28d"])
