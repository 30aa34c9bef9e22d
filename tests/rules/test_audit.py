"""The audit finds leaks planted under neutral names, says where, and is silent where none is."""

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from churnml.__main__ import main
from churnml.config import Study
from churnml.evaluation.audit import Audit, Finding, audit_tables, logs, without_leaks
from churnml.evaluation.audit.leavers_only import lower_bound
from churnml.evaluation.audit.probes import shuffled_within, unequal
from churnml.evaluation.audit.shift import displaced, stability
from churnml.evaluation.audit.survivorship import _emptiest, _exits_and_days
from churnml.sources.world import simulate
from churnml.spoken import Spoken
from drawn.postgres import PASSWORD

_PLANTS = Path(__file__).parents[2] / "experiments" / "audit" / "plants.py"


@pytest.fixture(scope="session")
def plants():
    spec = importlib.util.spec_from_file_location("plants", _PLANTS)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    simulate(folder, world="saas", customers=300, weeks=64, seed=5)
    return folder


def named(audit: Audit, table: str, word: str) -> bool:
    return any(
        one.table == table and word in f"{one.column} {one.value} {one.message}"
        for one in audit.alarms
    )


def test_a_clean_world_with_a_refund_whose_true_arrival_is_told_is_silent(plants, world, tmp_path):
    data = plants.plant(world, tmp_path / "data", "refund_event_honest", seed=1)

    assert audit_tables(data, study=Study()).alarms == ()


FAST = ("grade_column", "refund_event", "future_total_value")


@pytest.mark.parametrize("name", FAST)
def test_a_planted_leak_is_found_and_named(plants, world, tmp_path, name):
    _, table, word = plants.PLANTS[name]
    data = plants.plant(world, tmp_path / "data", name, seed=1)

    assert named(audit_tables(data, study=Study()), table, word)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("seed", [21, 22])
def test_every_planted_leak_is_found_in_every_format(plants, tmp_path, seed, suffix):
    simulate(tmp_path / "w", world="saas", customers=600, weeks=80, seed=seed)
    missed = []
    for name, (_, table, word) in plants.PLANTS.items():
        data = plants.plant(tmp_path / "w", tmp_path / "data", name, seed=1, suffix=suffix)
        if not named(audit_tables(data, study=Study()), table, word):
            missed.append(name)

    assert missed == []


@pytest.fixture(scope="module")
def log_at_server(plants, world, postgres, tmp_path_factory):
    """A refund booked back and a total that holds the future: the folder, and the same tables."""
    folder = tmp_path_factory.mktemp("log")
    shutil.copytree(world / "truth", folder / "truth")
    plants.plant(world, folder / "data", "refund_event", seed=1)
    data = plants.plant(folder, folder / "both", "future_total_value", seed=1)
    tables = {path.stem: pq.read_table(path) for path in data.glob("*.parquet")}
    postgres.fill("audited", tables)
    return data, postgres.address("audited", password=None)


def of_log(log_at_server, monkeypatch) -> Audit:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    data, address = log_at_server
    return audit_tables(address, dataset_file=data / "dataset.toml", study=Study())


def seen_of_log(audit: Audit) -> str:
    return next(str(one.detail) for one in audit.checks if one.check == logs.CHECK)


def test_a_log_at_a_server_is_searched_like_a_file(log_at_server, monkeypatch):
    files = audit_tables(log_at_server[0], study=Study())
    server = of_log(log_at_server, monkeypatch)

    assert named(server, "events", "evt_31")
    assert named(server, "events", "login")
    assert server.findings == files.findings
    assert [one for one in server.checks if one.check != logs.CHECK] == list(files.checks)
    assert "rows of 297 of 297 customers came over" in seen_of_log(server)


def test_of_a_longer_log_customers_are_drawn_by_lot_and_the_audit_says_of_how_many(
    log_at_server, monkeypatch
):
    rows = pq.read_metadata(log_at_server[0] / "events.parquet").num_rows
    monkeypatch.setattr(logs, "MOST_ROWS", rows // 2)
    server = of_log(log_at_server, monkeypatch)
    taken, people = (
        int(number.replace(",", ""))
        for number in re.findall(r"([\d,]+) rows of (\d+) of 297", seen_of_log(server))[0]
    )

    assert 0.4 * rows < taken <= rows // 2
    assert 100 < people < 200
    assert named(server, "events", "evt_31")
    assert named(server, "events", "login")


def test_doctor_names_table_column_and_what_to_do_and_ends_with_one(
    plants, world, tmp_path, monkeypatch, capsys
):
    data = plants.plant(world, tmp_path / "data", "survivorship_customers", seed=1)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["doctor", str(data), "--json"])
    told = json.loads(capsys.readouterr().out)

    assert ended.value.code == 1
    assert not told["ok"]
    assert set(told["findings"][0]) == {
        "check", "severity", "message", "table", "column", "feature", "value",
    }  # fmt: skip
    assert "export them" in told["findings"][0]["message"]
    assert {key: told["checks"][0][key] for key in ("check", "passed")} == {
        "check": "quality",
        "passed": False,
    }


def test_doctor_refuses_what_is_no_data_with_two(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["doctor", str(tmp_path / "nowhere")])

    assert ended.value.code == 2
    assert "nowhere" in capsys.readouterr().err


def test_only_an_error_forbids_promotion_and_says_why():
    said = {"warning": Spoken("a warning", "сомнение"), "error": Spoken("an error", "ошибка")}
    warning, error = (Finding("x", severity, text) for severity, text in said.items())

    assert without_leaks(Audit((warning,), ())) is None
    refused = without_leaks(Audit((warning, error), ()))
    assert refused is not None
    assert not refused.promoted
    assert "an error" in refused.reason
    assert "ошибка" in refused.reason.ru
    assert not Audit((warning,), ()).ok
    assert Audit((Finding("x", "info", Spoken("told", "сказано")),), ()).ok


def test_the_lower_bound_is_wilsons():
    # p = 1, n = 9, z = 3: n / (n + z²) = 9 / 18
    assert lower_bound(1.0, 9, z=3.0) == pytest.approx(0.5)


def test_the_stability_index_of_equal_halves_is_zero_and_of_a_dead_feed_is_large():
    old = np.arange(1000.0)

    assert stability(old, old) == pytest.approx(0.0)
    assert stability(old, np.full(1000, np.nan)) > 5
    assert displaced(old, np.full(1000, np.nan))


def test_a_heap_of_equal_values_that_moves_by_a_hair_is_no_shift():
    spread = np.linspace(-1, 1, 400)
    old, new = (np.concatenate([np.full(600, heap), spread]) for heap in (0.300, 0.301))

    assert not displaced(old, new)
    assert displaced(old, new + 1.0)


def test_exits_and_days_at_risk_are_counted_inside_the_span():
    day = pd.Timestamp
    spells = pd.DataFrame(
        {
            "started_at": [day("2026-01-01"), day("2026-01-11"), day("2026-03-01")],
            "ended_at": [day("2026-01-06"), day("2026-02-20"), day("2026-03-05")],
            "exit_at": [day("2026-01-06"), pd.NaT, day("2026-03-05")],
        }
    )

    exits, days = _exits_and_days(spells, day("2026-01-01"), day("2026-01-31"))

    # 5 days of the first, 20 of the second (14 of them in its first fortnight), none of the third
    assert exits.tolist() == [1, *[0] * 10]
    assert days.tolist() == [5 + 14, 6, *[0] * 9]


def test_deleted_leavers_of_the_past_are_missed_and_a_steady_company_is_not():
    # sixty customers join each month and a third of them leaves on the hundredth day
    start = pd.Series(pd.date_range("2025-01-01", "2026-06-01", freq="MS").repeat(60))
    edge, since = pd.Timestamp("2026-06-01"), pd.Timestamp("2025-02-01")
    left = (start + pd.Timedelta(days=100)).where(start.index % 3 == 0)
    left = left.where(left < edge)
    spells = pd.DataFrame(
        {"started_at": start, "exit_at": left, "ended_at": left.where(left.notna(), edge)}
    )

    assert _emptiest(spells, since=since, edge=edge) is None
    kept = spells[~(spells["exit_at"] < pd.Timestamp("2026-01-01"))]
    split, seen, expected = _emptiest(kept, since=since, edge=edge)
    assert split > pd.Timestamp("2025-12-01")
    assert seen <= 0.25 * expected


def test_in_a_young_company_nobody_has_left_yet_and_that_is_no_deletion():
    # twenty customers a week from the first day on; every other leaves on the hundredth
    start = pd.Series(pd.date_range("2026-01-05", "2026-09-28", freq="7D").repeat(20))
    edge, since = pd.Timestamp("2026-10-05"), pd.Timestamp("2026-01-05")
    left = (start + pd.Timedelta(days=100)).where(start.index % 2 == 0)
    left = left.where(left < edge)
    spells = pd.DataFrame(
        {"started_at": start, "exit_at": left, "ended_at": left.where(left.notna(), edge)}
    )

    assert _emptiest(spells, since=since, edge=edge) is None
    kept = spells[~(spells["exit_at"] < pd.Timestamp("2026-06-29"))]
    split, seen, expected = _emptiest(kept, since=since, edge=edge)
    assert (split, seen) == (pd.Timestamp("2026-07-06"), 10)  # those of the last week before it
    assert expected > 60


def test_labels_are_shuffled_within_the_as_of_and_only_before_the_test():
    early, late = pd.Timestamp("2026-01-05"), pd.Timestamp("2026-02-02")
    index = pd.MultiIndex.from_product([[f"c{n}" for n in range(40)], [early, late]],
                                       names=["customer_id", "as_of"])  # fmt: skip
    labels = pd.Series(
        ["churned" if n < 20 else "unknown" if n < 24 else "stayed" for n in range(80)],
        index=index,
    )
    shuffled = shuffled_within(labels, before=late, rng=np.random.default_rng(1))
    now = index.get_level_values("as_of") == early

    assert (shuffled[~now] == labels[~now]).all()
    assert (shuffled[now] != labels[now]).any()
    assert shuffled[now].value_counts().to_dict() == labels[now].value_counts().to_dict()
    assert ((shuffled == "unknown") == (labels == "unknown")).all()


def test_a_feature_that_differs_after_the_cut_is_named():
    index = pd.MultiIndex.from_tuples(
        [("a", pd.Timestamp("2026-01-05")), ("b", pd.Timestamp("2026-01-05"))],
        names=["customer_id", "as_of"],
    )
    one = pd.DataFrame({"logins": [1.0, np.nan], "region": ["x", None]}, index=index)
    other = one.iloc[::-1].copy()

    assert unequal(one, other) == []
    other.loc[("a", pd.Timestamp("2026-01-05")), "logins"] = 2.0
    assert unequal(one, other) == ["logins"]
    assert unequal(one, other.iloc[:1]) == ["at_risk"]
