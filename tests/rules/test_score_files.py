"""A score file is read whatever system wrote it, or refused in one sentence."""

import contextlib

import numpy as np
import pandas as pd
import pytest

from churnml.errors import InputError
from churnml.evaluation.outside import read_scores
from churnml.scoring import BLIND_DAYS, features_at, said_of_silence
from churnml.windows import DAY

GOOD = {"customer_id": ["007", "008"], "as_of": ["2026-01-05", "2026-01-05"]}


def written(tmp_path, name="scores.csv", **columns):
    path = tmp_path / name
    pd.DataFrame({**GOOD, **columns}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "as_of",
    [
        ["2026-01-05", "2026-01-05T00:00:00Z"],
        ["2026-01-05 00:00:00", "2026-01-05T03:00:00+03:00"],
        ["2026-01-05T00:00:00.000", "2026-01-05 00:00:00+00:00"],
    ],
)
def test_every_iso_time_is_read_as_utc_and_ids_stay_text(tmp_path, as_of):
    frame = read_scores(written(tmp_path, as_of=as_of, probability=[0.1, None]))

    assert frame["as_of"].tolist() == [pd.Timestamp("2026-01-05")] * 2
    assert frame["customer_id"].tolist() == ["007", "008"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"probability": [0.1, 1.2]}, "reaches from 0.1 to 1.2"),
        ({"probability": [-0.1, 0.2]}, "within [0, 1]"),
        ({"score": [1.0, np.inf]}, "score is infinite in 1 row;"),
        ({"score": [None, None]}, "score is empty in every row"),
        ({"score": ["high", "low"]}, "expected numbers"),
        ({"score": [1, 2], "as_of": ["05/01/2026", "05/02/2026"]}, "no time in ISO 8601"),
        ({"score": [1, 2], "as_of": ["2026-01-05", None]}, "as_of is missing in 1 row;"),
        ({"score": [1, 2], "customer_id": ["007", None]}, "customer_id is missing in 1 row;"),
        ({"score": [1, 2], "customer_id": ["007", "007"]}, "customer_id and as_of in 1 row;"),
        ({}, "lacks probability or score"),
    ],
)
def test_what_is_no_score_is_refused_in_one_sentence(tmp_path, columns, said):
    path = written(tmp_path, **columns)

    with pytest.raises(InputError) as refused:
        read_scores(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_score_of_any_size_needs_no_probability(tmp_path):
    frame = read_scores(written(tmp_path, score=[-7.0, 1e6]))

    assert frame["score"].tolist() == [-7.0, 1e6]


def test_a_score_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(InputError, match=r"scores\.parquet does not exist"):
        read_scores(tmp_path / "scores.parquet")


@pytest.mark.parametrize(("days", "is_refused"), [(BLIND_DAYS, False), (BLIND_DAYS + 1, True)])
def test_nobody_is_scored_so_long_after_the_data_that_all_look_silent(dataset_of, days, is_refused):
    paid = {"subscription_id": "1", "customer_id": "a", "started_at": "2026-01-01"}
    dataset = dataset_of(
        {
            "customers": [{"customer_id": "a", "signed_up_at": "2026-01-01"}],
            "subscriptions": [paid],
        },
        until="2026-03-01",
    )
    moment = pd.Timestamp("2026-03-01") + pd.Timedelta(days=days)
    refused = pytest.raises(InputError, match="everyone would look silent")

    with refused if is_refused else contextlib.nullcontext():
        assert len(features_at(dataset, [moment], features=())) == 1


def test_a_date_a_week_after_the_data_is_scored_with_a_warning(dataset_of):
    dataset = dataset_of({}, until="2026-10-31")
    end = dataset.observed_until

    assert said_of_silence([end, end + 6 * DAY], dataset) is None
    # Later still the scores are refused, and that is said once.
    assert said_of_silence([end, end + (BLIND_DAYS + 1) * DAY], dataset) is None
    told = said_of_silence([end, end + 27 * DAY], dataset)
    assert told is not None
    assert "27 days before 2026-11-27" in told
    assert "Score at 2026-10-31" in told
