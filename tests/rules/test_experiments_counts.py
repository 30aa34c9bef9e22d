"""The public sets under experiments/ give the rows, exits and figures that were published for them.

Needs the data: CHURNML_DATA names the folder that holds oulad, online_retail, cdnow, ravenstack.
"""

import os
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from churnml.config import read_study
from churnml.labels import label, spells
from churnml.model.bg_nbd import fit_bg_nbd
from churnml.snapshots import in_population, take_snapshots
from churnml.sources import open_dataset
from churnml.windows import LabelWindow, weekly

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def data_folder(name: str) -> Path:
    root = os.environ.get("CHURNML_DATA")
    if not root:
        pytest.skip("CHURNML_DATA is not set: name the folder that holds the public data sets")
    if not (Path(root) / name).is_dir():
        pytest.skip(f"CHURNML_DATA={root} has no folder {name}")
    return Path(root) / name


@pytest.fixture(scope="module")
def opened():
    """Datasets by experiment, opened once."""
    kept = {}

    def open_once(name, dataset_file="dataset.toml"):
        if (name, dataset_file) not in kept:
            path = EXPERIMENTS / name / dataset_file
            kept[name, dataset_file] = open_dataset(data_folder(name), dataset_file=path)
        return kept[name, dataset_file]

    return open_once


def rows_under_test(dataset, study):
    """Snapshots of the study's test as_ofs inside its population, with their labels."""
    folds, wanted = study.folds, study.label
    as_ofs = weekly(pd.Timestamp(folds.test_from), pd.Timestamp(folds.test_until))
    snapshots = take_snapshots(dataset, list(as_ofs))
    snapshots = snapshots[in_population(dataset, snapshots, population=study.population)]
    delay = dataset.description.churn.delay_days
    window = LabelWindow(wanted.lead_days, wanted.horizon_days, delay)
    return snapshots.assign(label=label(dataset, snapshots, window=window))


def histories(dataset, until):
    """Repeat purchase days, days from first to last purchase, age in days, by customer."""
    return dataset.connection.execute(
        """
        select customer_id, count(distinct event_time::date) - 1 as x,
               date_diff('day', min(event_time)::date, max(event_time)::date) as t_x,
               date_diff('day', min(event_time)::date, $until::date) as age
        from events where event_time < $until group by customer_id
        """,
        {"until": until.to_pydatetime()},
    ).df()


@pytest.mark.parametrize(
    ("name", "dataset_file", "study_file", "rows", "churned", "people"),
    [
        ("oulad", "dataset.toml", "study.toml", 33_911, 736, 211),
        ("online_retail", "dataset.toml", "retail90lead.toml", 22_237, 6_525, 1_121),
        ("online_retail", "dataset.toml", "retail90.toml", 22_434, 6_695, 1_165),
        ("online_retail", "dataset_inactivity.toml", "inactivity.toml", 11_161, 1_216, 387),
        ("cdnow", "dataset.toml", "cdnow90lead.toml", 32_432, 15_813, 2_945),
        ("cdnow", "dataset.toml", "cdnow90.toml", 31_973, 15_177, 3_068),
    ],
)
def test_the_test_rows_are_those_of_the_published_split(
    opened, name, dataset_file, study_file, rows, churned, people
):
    found = rows_under_test(opened(name, dataset_file), read_study(EXPERIMENTS / name / study_file))
    known = found[found["label"] != "unknown"]
    left = known[known["label"] == "churned"]
    assert (len(known), len(left), left["customer_id"].nunique()) == (rows, churned, people)


def test_oulad_tests_only_bbb_2013j_and_every_row_of_it_is_labelled(opened):
    found = rows_under_test(opened("oulad"), read_study(EXPERIMENTS / "oulad" / "study.toml"))
    assert found["customer_id"].str.startswith("BBB/2013J/").all()
    assert (found["label"] != "unknown").all()


def test_oulad_has_the_last_as_of_on_day_126_and_no_later_closed_label(opened):
    study, dataset = read_study(EXPERIMENTS / "oulad" / "study.toml"), opened("oulad")
    window = LabelWindow(study.label.lead_days, study.label.horizon_days, 0)
    days = pd.Series(pd.Timestamp("2013-10-01") + pd.to_timedelta([126, 133], unit="D"))
    assert window.closed(days, observed_until=dataset.observed_until).tolist() == [True, False]


def test_modules_without_clicks_are_uncovered_not_silent(opened):
    coverage = opened("oulad").connection.sql(
        "select split_part(customer_id, '/', 1) as module, bool_and(covered) as every_one, "
        "bool_or(covered) as any_one from coverage where feed = 'events' group by 1 order by 1"
    )
    assert coverage.fetchall() == [
        ("BBB", True, True), ("DDD", False, False), ("FFF", False, False),
    ]  # fmt: skip


def test_a_score_is_known_fourteen_days_after_submission_and_deadline(opened):
    # The first assignment of BBB/2013J is due on day 19: nobody can know a score before day 33.
    first = opened("oulad").connection.sql(
        "select min(event_time) from events "
        "where name = 'graded' and customer_id like 'BBB/2013J/%'"
    )
    assert first.fetchall() == [(pd.Timestamp("2013-11-03").to_pydatetime(),)]


def test_ravenstack_exits_are_the_dated_churn_events_of_accounts_that_were_there(opened):
    ends = spells(opened("ravenstack"))
    exits = ends[ends["exit_at"].notna()]
    assert (len(ends), len(exits), exits["customer_id"].nunique()) == (973, 541, 352)


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("oulad", {"customers": 6_911, "subscriptions": 6_399, "obligations": 83_114}),
        ("online_retail", {"customers": 5_881, "events": 36_857}),
        ("cdnow", {"customers": 23_570, "events": 67_591}),
    ],
)
def test_the_gate_lets_every_mapped_row_through(opened, name, tables):
    dataset = opened(name)
    counted = {
        table: dataset.connection.sql(f"select count(*) from {table}").fetchall()[0][0]
        for table in tables
    }
    assert counted == tables
    assert not [finding for finding in dataset.findings if finding.severity == "error"]


def test_ravenstack_loses_only_what_precedes_the_sign_up_of_its_account(opened):
    early = [each for each in opened("ravenstack").findings if each.rule == "before_signup"]
    assert {(each.table, each.rule, each.rows) for each in early} == {
        ("events", "before_signup", 13_198),
        ("tickets", "before_signup", 1_077),
    }


@pytest.mark.parametrize(
    ("name", "study_file", "published"),
    [
        ("online_retail", "retail90lead.toml", 0.518),
        ("online_retail", "retail90.toml", 0.536),
        ("cdnow", "cdnow90lead.toml", 0.640),
        ("cdnow", "cdnow90.toml", 0.633),
    ],
)
def test_bg_nbd_ranks_silent_customers_as_well_as_published(opened, name, study_file, published):
    dataset, study = opened(name), read_study(EXPERIMENTS / name / study_file)
    known = histories(dataset, pd.Timestamp(study.folds.test_from))
    model = fit_bg_nbd(known["x"], known["t_x"], known["age"])
    rows = rows_under_test(dataset, study)
    scored = pd.concat(
        histories(dataset, as_of).merge(part, on="customer_id")
        for as_of, part in rows.groupby("as_of")
    )
    silent = model.p_no_purchase(
        scored["x"], scored["t_x"], scored["age"],
        lead_days=study.label.lead_days, horizon_days=study.label.horizon_days,
    )  # fmt: skip
    found = average_precision_score(scored["label"] == "churned", silent)
    assert found == pytest.approx(published, abs=0.001)
