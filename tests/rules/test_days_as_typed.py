"""A day that a user types is the day that is told back, wherever the company is."""

import io
import re

import pandas as pd
import pytest
from rich.console import Console

from churnml.alerting.desk import COLUMNS, Desk
from churnml.alerting.watch import COLUMNS as WATCHED
from churnml.alerting.watch import WatchList
from churnml.errors import InputError
from churnml.explanation.account import _absent
from churnml.report.desk import show_desk, show_watch_list
from churnml.report.stakeholder import report_html
from churnml.report.stakeholder.facts import on_the_clock
from churnml.report.stakeholder.headline import headline
from churnml.scoring import features_at, said_of_silence
from churnml.sources import check
from churnml.windows import DAY, instant, local
from drawn.report import AS_OF, WEEKS, document, facts, proof

BERLIN = "Europe/Berlin"
HOUR = pd.Timedelta(hours=1)
#: Midnight of 31 December in Berlin, in winter an hour before that of UTC.
TYPED = pd.Timestamp("2025-12-30 23:00")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", BERLIN, "UTC", "America/Lima"])
@pytest.mark.parametrize("day", ["2025-12-31", "2025-06-30"])
def test_what_is_typed_is_shown(day, zone):
    assert local(instant(day, zone=zone), zone=zone) == pd.Timestamp(day)


@pytest.fixture
def dataset(dataset_of):
    """Observed until the end of 2025 in Berlin; a left on 1 November, b comes on 1 December."""
    paid = {"ended_at": None}
    rows = [
        {"subscription_id": "1", "customer_id": "00a", "started_at": "2025-01-01 23:00",
         "ended_at": "2025-10-31 23:00"},
        {"subscription_id": "2", "customer_id": "b", "started_at": "2025-11-30 23:00", **paid},
        {"subscription_id": "3", "customer_id": "004", "started_at": "2025-01-01", **paid},
        {"subscription_id": "4", "customer_id": "4", "started_at": "2025-01-01", **paid},
    ]  # fmt: skip
    return dataset_of(
        {"subscriptions": rows}, until="2025-12-31 23:00", description={"timezone": BERLIN}
    )


@pytest.mark.parametrize(
    ("customer", "day", "said"),
    [
        ("00a", "2025-12-31", "00a is not at risk on 2025-12-31: the customer left on 2025-11-01."),
        ("b", "2025-11-30", "b is not at risk on 2025-11-30: the customer came on 2025-12-01."),
        ("a", "2025-12-31", "the data know no such id. Is 00a meant?"),
        ("04", "2025-12-31", "the data know no such id. Is 004 or 4 meant?"),
        ("zz", "2025-12-31", "no contract or activity was known then."),
    ],
)
def test_who_is_not_at_risk_is_told_why(dataset, customer, day, said):
    assert said in _absent(dataset, customer, instant(day, zone=BERLIN))


def test_the_end_of_the_data_is_told_as_it_is_stated(dataset):
    end = dataset.observed_until
    told = said_of_silence([end + 10 * DAY], dataset)

    assert told is not None
    assert "10 days before 2026-01-11" in told
    assert "Score at 2026-01-01" in told
    with pytest.raises(InputError, match="until 2026-01-01; at 2026-02-10 everyone"):
        features_at(dataset, [end + 40 * DAY], features=())


def test_the_desk_and_the_watch_list_show_the_days_of_the_company():
    row = dict.fromkeys(COLUMNS) | {
        "customer_id": "a", "status": "open", "as_of": TYPED, "deadline": TYPED + DAY,
        "probability": 0.2, "reasons_en": "Logins",
    }  # fmt: skip
    alerts = pd.DataFrame([row]).astype({"as_of": "datetime64[us]", "deadline": "datetime64[us]"})
    console = Console(width=120, file=io.StringIO())

    show_desk(Desk(alerts, 1, {}, ()), console, timezone=BERLIN)
    watched = pd.DataFrame([dict.fromkeys(WATCHED) | {"customer_id": "a"}])
    show_watch_list(WatchList(TYPED, watched), console, timezone=BERLIN)
    shown = console.file.getvalue()

    assert re.findall(r"\d\d-\d\d", shown)[:2] == ["12-31", "01-01"]
    assert "on 2025-12-31" in shown
    assert "\na: Logins\n" in shown, "reasons stand below the table, in full width"


def test_every_instant_of_a_report_is_on_the_clock_of_the_company():
    drawn = facts(timezone=BERLIN)
    told = on_the_clock(drawn)

    assert told.as_of == AS_OF + HOUR
    assert told.weeks[:2] == tuple(one.tz_localize("UTC").tz_convert(BERLIN).tz_localize(None)
                                   for one in WEEKS[:2])  # fmt: skip
    assert told.alerts[0].then.as_of == drawn.alerts[0].then.as_of + HOUR
    assert told.customers[0].alerts[0].then.as_of == told.alerts[0].then.as_of
    assert told.misses[0].exit_at == pd.Timestamp("2025-09-08 02:00")  # summer
    assert told.notes.tables[0][2] == AS_OF + HOUR
    assert told.proof is drawn.proof


def test_a_report_bears_the_day_it_was_asked_for():
    weeks = tuple(one - HOUR for one in WEEKS)
    asked = facts(as_of=AS_OF - HOUR, weeks=weeks, timezone=BERLIN, proof=None)
    page = report_html(asked, language="en").replace("\u00a0", " ")

    assert "acme · 29 December 2025" in page
    assert "28 December 2025" not in page


def test_the_months_of_the_proof_are_those_of_the_company():
    folds = [{"test_from": "2025-05-04T22:00:00", "test_until": "2025-10-26T23:00:00"}]
    assert "5 May 2025 to 27 October 2025" in (
        headline(facts(timezone=BERLIN, proof=proof(folds=folds)), language="en")
        .leads[1]
        .replace("\u00a0", " ")
    )
    assert document(folds=folds)["folds"] == folds


def test_an_estimated_edge_is_told_as_it_would_be_stated(tmp_path):
    times = [pd.Timestamp("2026-01-01 12:00") + n * DAY for n in range(100)]
    pd.DataFrame({"subscription_id": ["1"], "customer_id": ["a"], "started_at": [times[0]]}).to_csv(
        tmp_path / "subscriptions.csv", index=False
    )
    late = [times[-1] + 20 * DAY]
    busy = [one + n * HOUR for one in times for n in range(4)]
    pd.DataFrame(
        {"customer_id": "a", "event_time": [*busy, *late], "name": "login"}
    ).to_csv(tmp_path / "events.csv", index=False)  # fmt: skip
    (tmp_path / "dataset.toml").write_text(f'timezone = "{BERLIN}"\n', encoding="utf-8")

    report = check(tmp_path)
    found = [one.message for one in report.findings if one.rule == "after_observed_until"]

    assert 'observed_until = "2026-04-11" or later' in found[0]
    assert any("taken as 2026-04-11," in notice for notice in report.notices)
