"""Single checks of the audit on tables small enough to follow by eye."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from churnml.alerting.queue import Policy
from churnml.config import Population
from churnml.evaluation.audit.alarms import area_with_bound, single_features
from churnml.evaluation.audit.booked_back import ALARM, ALARM_OF_A_VALUE, _bump, booked_back
from churnml.evaluation.audit.findings import Finding
from churnml.evaluation.audit.future_totals import _partial
from churnml.evaluation.audit.lives import read_lives
from churnml.evaluation.audit.merging import merged
from churnml.evaluation.audit.mistakes import forgotten_model, ignored_score, no_plan
from churnml.evaluation.audit.probes import future_cut
from churnml.evaluation.audit.purge import purge
from churnml.features import catalogue, compute_features
from churnml.model.examples import Examples
from churnml.snapshots import in_population, take_snapshots
from churnml.sources import open_dataset
from churnml.splits import ForwardFolds
from churnml.spoken import Spoken
from churnml.windows import DAY, LabelWindow

MONDAY = pd.Timestamp("2026-01-05")


def scores(customers: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(customers)],
            "as_of": MONDAY,
            "score": np.arange(customers) / customers,
        }
    )


def test_alerts_without_any_action_are_an_ignored_score(dataset_of):
    act = {"intervention_id": "i", "customer_id": "c9", "assigned_at": "2026-01-07"}
    acted = dataset_of({"interventions": [act]}, until="2026-02-01")
    other = dataset_of({"interventions": [{**act, "customer_id": "c1"}]}, until="2026-02-01")
    policy = Policy(q=0.1)

    assert ignored_score(scores(10), acted, policy=policy)[0] == []
    finding = ignored_score(scores(10), other, policy=policy)[0][0]
    assert finding.severity == "warning"
    assert "1 alert, followed by an intervention within two weeks: 0%" in finding.message


def test_without_recorded_interventions_nothing_is_said_of_the_alerts(dataset_of):
    dataset = dataset_of({}, until="2026-02-01")

    found, check = ignored_score(scores(10), dataset, policy=Policy())
    assert (found, check.passed) == ([], None)
    assert no_plan(dataset)[0][0].severity == "info"


def test_a_model_of_last_year_is_set_and_forgotten(dataset_of):
    dataset = dataset_of({}, until="2026-02-01")
    young, old = (
        SimpleNamespace(data_until=pd.Timestamp(day)) for day in ("2026-01-01", "2025-06-01")
    )

    assert forgotten_model(young, dataset)[0] == []
    assert "Retrain monthly" in forgotten_model(old, dataset)[0][0].message


class Unpurged(ForwardFolds):
    """A splitter that trains on everything before the test, open labels too."""

    def train_rows(self, as_ofs, *, tested, window):
        return np.asarray(as_ofs < tested)


@pytest.mark.parametrize(("splitter", "faults"), [(ForwardFolds, 0), (Unpurged, 1)])
def test_training_labels_that_were_open_at_the_test_are_found(splitter, faults):
    window = LabelWindow(21, 28, 14)
    as_ofs = [MONDAY + week * 7 * DAY for week in range(20)]
    index = pd.MultiIndex.from_product([["a", "b"], as_ofs], names=["customer_id", "as_of"])
    examples = Examples(
        features=pd.DataFrame({"logins": 1.0}, index=index),
        labels={window: pd.Series("stayed", index=index)},
        population=pd.Series(True, index=index),
        catalogue=(),
        silent_churn=False,
    )
    folds = splitter(window, (as_ofs[15],), as_ofs[-1] + DAY)

    found, check = purge(examples, folds=folds)
    assert len(found) == faults
    assert check.passed is (faults == 0)


@pytest.mark.parametrize(("end", "differing"), [("2026-02-10", []), ("", ["at_risk"])])
def test_newcomers_outside_the_population_are_no_future_and_rows_gone_by_hindsight_are(
    tmp_path, end, differing
):
    (tmp_path / "subscriptions.csv").write_text(
        "subscription_id,customer_id,started_at,ended_at\n"
        f"1,old,2025-09-01,{end}\n"
        "2,steady,2025-09-01,\n"
        "3,new,2025-12-29,\n"
    )
    (tmp_path / "dataset.toml").write_text("observed_until = 2026-03-01")
    population = Population(min_tenure_days=28)
    dataset = open_dataset(tmp_path)
    then = take_snapshots(dataset, [MONDAY])
    features = tuple(catalogue(dataset))
    inside = in_population(dataset, then, population=population)
    table = compute_features(dataset, then, features=features, kept=inside)
    assert table.index.get_level_values("customer_id").tolist() == ["old", "steady"]
    if differing:
        table = table.iloc[:1]
    examples = Examples(
        features=table,
        labels={},
        population=pd.Series(True, index=table.index),
        catalogue=features,
        silent_churn=False,
    )

    found, _ = future_cut(tmp_path, None, examples, population=population, as_ofs=[MONDAY])
    assert [one.feature for one in found] == differing


def test_a_column_that_is_unknown_for_leavers_only_separates_them():
    index = pd.MultiIndex.from_product([[f"c{n}" for n in range(60)], [MONDAY]],
                                       names=["customer_id", "as_of"])  # fmt: skip
    leavers = pd.Series([n < 30 for n in range(60)], index=index)
    column = np.where(leavers, np.nan, np.arange(60.0))

    area, low = area_with_bound(column, leavers)
    assert area == pytest.approx(1.0)
    assert low > 0.9
    assert area_with_bound(np.ones(60), leavers)[0] == pytest.approx(0.5)


def test_rows_that_pile_up_at_a_distance_are_booked_back_and_a_swell_is_not():
    swell = np.array([30, 34, 38, 40, 38, 34, 28, 22, 16, 12, 8, 6, 4, 3.0])
    pile = np.full(14, 10.0)
    pile[3:5] += 60

    assert _bump(swell, swell, alarm=ALARM) is None
    near, far, ratio = _bump(pile, pile, alarm=ALARM)
    assert (near, far) == (21, 35)
    assert ratio > 2.1


def billed(*, back: bool) -> dict[str, list[dict]]:
    """Eighty customers billed every 30 days; forty leave at the end of a billed period.

    ``back``: of each leaver also an invoice 24 days before the exit, booked because of it.
    """
    contracts, invoices = [], []
    for n in range(80):
        start = pd.Timestamp("2025-01-01") + n % 40 * DAY
        end = start + (8 + n % 3) * 30 * DAY if n < 40 else None
        due = pd.date_range(start, end or "2026-03-01", freq="30D", inclusive="left")
        booked = [end - 24 * DAY] if back and end is not None else []
        contracts.append({"subscription_id": f"s{n}", "customer_id": f"c{n}", "started_at": start,
                          "ended_at": end})  # fmt: skip
        invoices += [
            {"invoice_id": f"i{n}-{k}", "customer_id": f"c{n}", "issued_at": at, "amount": 10.0,
             "paid_at": at + (2 + (n + k) % 9) * DAY}
            for k, at in enumerate([*due, *booked])
        ]  # fmt: skip
    return {"subscriptions": contracts, "invoices": invoices}


@pytest.mark.parametrize("back", [False, True])
def test_the_last_invoice_of_a_period_that_ends_with_the_contract_is_not_booked_back(
    dataset_of, back
):
    lives = read_lives(dataset_of(billed(back=back), until="2026-03-01"), silence_days=90)

    findings, _ = booked_back(lives)

    assert {one.table for one in findings} == ({"invoices"} if back else set())


@pytest.mark.parametrize("everyone", [True, False])
def test_a_call_before_every_renewal_is_customary_and_one_before_exits_alone_is_not(
    dataset_of, everyone
):
    contracts, calls = [], []
    for n in range(120):
        start = pd.Timestamp("2025-01-01") + n % 60 * DAY
        renewal = start + 300 * DAY
        end = renewal if n < 40 else None
        contracts.append({"subscription_id": f"s{n}", "customer_id": f"c{n}", "started_at": start,
                          "ended_at": end})  # fmt: skip
        if everyone or end is not None:
            calls.append({"customer_id": f"c{n}", "kind": "check_in",
                          "sent_at": renewal - (58 + n % 4) * DAY})  # fmt: skip
    tables = {"subscriptions": contracts, "outreach": calls}
    lives = read_lives(dataset_of(tables, until="2026-06-01"), silence_days=90)

    findings, _ = booked_back(lives)

    assert (findings == []) is everyone


def test_an_honest_value_may_swell_more_than_a_whole_table():
    complaints = np.full(14, 20.0)
    complaints[4:7] = 50

    assert _bump(complaints, complaints, alarm=ALARM) is not None
    assert _bump(complaints, complaints, alarm=ALARM_OF_A_VALUE) is None


def test_a_total_that_reaches_into_the_future_is_explained_by_it_and_an_honest_one_is_not():
    rng = np.random.default_rng(1)
    level = rng.gamma(2, 5, 2000)
    past, future = rng.poisson(level).astype(float), rng.poisson(level).astype(float)

    assert _partial(past + future, [past], [future]) > 0.99
    assert _partial(past + rng.normal(0, 3, 2000), [past], [future]) < 0.05


def test_the_values_of_a_telling_kind_are_said_once():
    said = Spoken("It knows.", "Оно знает.")

    def leak(column, value):
        return Finding("leavers_only", "error", said, table="events", column=column, value=value)

    told = merged([leak("name", "evt"), *(leak("value", f"evt: tenth {n}") for n in range(1, 4))])

    assert [one.column for one in told] == ["name"]
    values = "evt: tenth 1, evt: tenth 2, evt: tenth 3"
    assert told[0].message == f"It knows. Its values: {values}."
    assert told[0].message.ru == f"Оно знает. Его значения: {values}."


WEEKS = pd.date_range("2026-01-05", periods=30, freq="7D")


def company_of(dataset_of, heard) -> tuple:
    """Sixty of three hundred leave between the 21st and the 30th week; the column heard."""
    ends = {f"c{n}": WEEKS[20 + n % 10] + 3 * DAY if n < 60 else None for n in range(300)}
    contracts = [
        {"subscription_id": name, "customer_id": name, "started_at": "2025-10-01", "ended_at": end}
        for name, end in ends.items()
    ]
    dataset = dataset_of({"subscriptions": contracts}, until="2026-12-01")
    rng = np.random.default_rng(3)
    rows = {
        (name, as_of): heard(None if end is None else (end - as_of) / DAY, rng)
        for name, end in ends.items()
        for as_of in WEEKS
        if end is None or as_of < end
    }
    index = pd.MultiIndex.from_tuples(rows, names=["customer_id", "as_of"])
    window = LabelWindow(21, 28, 14)
    leaves = [
        ends[name] is not None and 21 <= (ends[name] - as_of) / DAY < 49 for name, as_of in index
    ]
    examples = Examples(
        features=pd.DataFrame({"heard": list(rows.values())}, index=index),
        labels={window: pd.Series(np.where(leaves, "churned", "stayed"), index=index)},
        population=pd.Series(True, index=index),
        catalogue=(),
        silent_churn=False,
    )
    return dataset, examples


def fade(days, rng):
    """Usage that falls from its own level to nothing over twelve weeks, cubically."""
    left = 1.0 if days is None else min(1.0, days / 84)
    return float(rng.poisson(40 * rng.gamma(8, 1 / 8) * left**3))


def note(days, rng):
    """A note that is written because of the exit, dated seven weeks before it."""
    return float(days is not None and days < 50) + rng.normal(0, 0.2)


def grade(days, rng):
    """A value of today: leavers bear it all their life."""
    return float(days is not None) + rng.normal(0, 0.2)


@pytest.mark.parametrize(("heard", "found"), [(fade, 0), (note, 1), (grade, 1)])
def test_a_steep_fade_is_no_leak_and_what_is_known_all_at_once_or_ever_is(dataset_of, heard, found):
    dataset, examples = company_of(dataset_of, heard)

    findings, check = single_features(dataset, examples, seed=0)

    assert len(findings) == found
    assert ("fading usage does (heard)" in check.detail) is (found == 0)
