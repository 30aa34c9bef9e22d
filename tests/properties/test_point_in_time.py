"""Features at T from all data are the features at T from the data as known at T, bit for bit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from churnml.contract import TABLES
from churnml.features import compute_features, computing
from drawn.edges import T0, World, dataset, snapshots

GRID = [T0 + pd.Timedelta(weeks=week) for week in range(-3, 4)]
#: A model is fitted before any message tells risk; test_message_risk.py holds it to the same rule.
FITTED = ("message_risk_", "alarming_messages_")
#: Rare in so few drawn conversations; test_tone_features.py draws each by hand.
RARE = {"said_ultimatum_28d", "export_with_price_or_competitor", "asked_three_times_28d"}


def known_by(tables, as_of):
    """The definition of data as known at T, in plain Python."""
    cut = {}
    for name, rows in tables.items():
        table = TABLES[name]
        kept = []
        for row in rows:
            if row[table.time] >= as_of or row["known_at"] >= as_of:
                continue
            row = dict(row)
            if name == "tickets" and row["csat_at"] is None and row["resolved_at"] is not None:
                row["csat_at"] = row["resolved_at"] + pd.Timedelta(days=7)
            hidden = [
                column.name
                for column in table.columns
                if column.known_from is not None
                and (row[column.known_from] is None or row[column.known_from] >= as_of)
            ]
            kept.append({**row, **dict.fromkeys(hidden)})
        cut[name] = kept
    return cut


def poisoned(tables, as_of, rng):
    """The same data with everything that is not known by T replaced by other absurd things."""
    spoiled = {}
    for name, rows in tables.items():
        table = TABLES[name]
        later = as_of + pd.Timedelta(days=1)
        changed = []
        for row in rows:
            row = dict(row)
            if row[table.time] >= as_of or row["known_at"] >= as_of:
                for column in table.columns:
                    if column.kind in ("number", "integer"):
                        row[column.name] = 10**6
                    elif column.kind == "text" and not column.values:
                        row[column.name] = "login"
                if row[table.time] >= as_of:
                    row[table.time] = later + pd.Timedelta(days=int(rng.integers(300)))
                changed += [row, row] if not table.key else [row]
                continue
            for column in table.columns:
                if column.kind == "time" and column.known_from == column.name:
                    value = row[column.name]
                    if value is None or value >= as_of:
                        row[column.name] = later
                    if name == "tickets" and column.name == "csat_at" and value is None:
                        row[column.name] = None
            changed.append(row)
        spoiled[name] = changed
    return spoiled


@cache
def world(seed):
    return World(seed, rows=60)


def features_of(dataset_of, tables, as_ofs):
    return compute_features(dataset(dataset_of, tables), snapshots(as_ofs))


@cache
def everything(dataset_of, seed):
    return features_of(dataset_of, world(seed).tables, GRID)


def at(features, as_of):
    return features[features.index.get_level_values("as_of") == as_of]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("as_of", [GRID[1], T0])
def test_features_from_all_data_equal_features_from_the_data_as_known_then(dataset_of, seed, as_of):
    known = features_of(dataset_of, known_by(world(seed).tables, as_of), [as_of])

    assert_frame_equal(at(everything(dataset_of, seed), as_of), known, check_exact=True)


def test_poisoning_what_is_not_known_yet_changes_nothing(dataset_of):
    tables = poisoned(world(1).tables, T0, np.random.default_rng(4))

    spoiled = features_of(dataset_of, tables, [T0])

    assert_frame_equal(at(everything(dataset_of, 1), T0), spoiled, check_exact=True)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_block_kernel_changes_no_bit_of_any_feature(dataset_of, monkeypatch, seed):
    monkeypatch.setattr(computing, "KERNEL_ROWS", 0)

    carried = features_of(dataset_of, world(seed).tables, GRID)

    assert_frame_equal(everything(dataset_of, seed), carried, check_exact=True)


def test_the_drawn_world_reaches_every_feature(dataset_of):
    features = everything(dataset_of, 1)
    constant = {name for name in features if features[name].nunique(dropna=False) < 2}

    assert len(features.columns) > 150
    constant = {name for name in constant if not name.startswith(FITTED)}
    unreached = constant - {"profile_language", *RARE}
    assert not unreached, f"{sorted(unreached)} never vary, so are not tested"
