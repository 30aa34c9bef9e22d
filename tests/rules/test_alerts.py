"""Raising alerts for real: once, resumed, closed, locked; and what was known around a customer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churnml.__main__ import main
from churnml.alerting import Policy, queue, read_policy
from churnml.alerting.desk import COLUMNS, Desk, desk_at, raise_alerts
from churnml.alerting.ledger import locked, read_ledger, write_ledger
from churnml.alerting.surroundings import surroundings
from churnml.alerting.watch import watch_list
from churnml.config import Study, Tiers
from churnml.delivery import SCORE_SCHEMA, write_scores
from churnml.errors import InputError
from churnml.scoring import standing

MONDAY = pd.Timestamp("2026-01-05").as_unit("us")
WEEK = pd.Timedelta(days=7)
NAMES = [f"c{number}" for number in range(12)]


def when(days: float) -> str:
    return str(MONDAY + pd.Timedelta(days=days))


@pytest.fixture
def company(dataset_of):
    """Twelve customers, c0 has left on day 10; owners, a holiday, an intervention, a dead feed."""
    customers = [
        {"customer_id": name, "signed_up_at": "2025-01-01", "name": f"Name of {name}",
         "owner": "ann" if number % 2 else "bob", "language": "ru" if number < 3 else "en"}
        for number, name in enumerate(NAMES)
    ]  # fmt: skip
    subscriptions = [
        {"subscription_id": f"s{name}", "customer_id": name, "started_at": "2025-01-01",
         "ended_at": when(10) if name == "c0" else None}
        for name in NAMES
    ]  # fmt: skip
    events = [
        {"customer_id": "c1", "event_time": when(day), "name": "login"}
        for day in range(-30, 50)
    ]  # fmt: skip
    return dataset_of(
        {
            "customers": customers,
            "subscriptions": subscriptions,
            "events": events,
            "attribute_changes": [
                {"customer_id": "c2", "changed_at": when(-90), "attribute": "owner",
                 "value": "eve"},
                {"customer_id": "c2", "changed_at": when(8), "attribute": "owner",
                 "value": "joe"},
            ],
            "calendar": [
                {"kind": "holiday", "starts_at": when(6), "ends_at": when(8), "scope": "ru"},
                {"kind": "outage", "starts_at": when(20), "ends_at": when(20.5)},
                {"kind": "release", "starts_at": when(13)},
            ],
            "interventions": [
                {"intervention_id": "i", "customer_id": "c3", "assigned_at": when(1),
                 "completed_at": when(9)},
                {"intervention_id": "j", "customer_id": "c4", "assigned_at": when(1)},
            ],
        },
        until=when(400),
    )  # fmt: skip


def scores(*weeks: int, seed: int = 1, **columns: object) -> pd.DataFrame:
    rows = [
        (name, MONDAY + week * WEEK, np.random.default_rng([seed, week, place]).random())
        for week in weeks
        for place, name in enumerate(NAMES)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "as_of", "probability"]).assign(**columns)


def raised(frame: pd.DataFrame, company, state: Path, policy: Policy | None = None) -> Desk:
    policy = policy or Policy(q=0.1)
    return raise_alerts(frame, company, policy=policy, choice=Tiers(), state=state)


def test_the_same_call_twice_raises_nothing_new_and_says_the_same(company, tmp_path):
    first = raised(scores(0, 1), company, tmp_path)
    ledger = (tmp_path / "alerts.jsonl").read_bytes()
    second = raised(scores(0, 1), company, tmp_path)

    assert (first.new, second.new) == (3, 0)
    pd.testing.assert_frame_equal(first.alerts, second.alerts)
    assert second.as_json() == {**first.as_json(), "new": 0}
    assert (tmp_path / "alerts.jsonl").read_bytes() == ledger


def test_the_quiet_time_goes_on_in_the_next_run(company, tmp_path):
    same = scores(0, 1).assign(probability=[i / 12 for i in range(12)] * 2)
    raised(same[same["as_of"] == MONDAY], company, tmp_path)
    desk = raised(same[same["as_of"] > MONDAY], company, tmp_path)

    assert sorted(desk.alerts["customer_id"]) == ["c10", "c11", "c9"]
    assert desk.suppressed == {"quiet": 2}


def test_the_desk_of_a_day_is_read_from_the_ledger_as_the_run_of_that_day_left_it(
    company, tmp_path
):
    first = raised(scores(0), company, tmp_path)
    second = raised(scores(1, 2), company, tmp_path)
    then = desk_at(tmp_path, company, as_of=MONDAY)
    now = desk_at(tmp_path, company, as_of=MONDAY + 2 * WEEK)
    later = desk_at(tmp_path, company, as_of=MONDAY + 12 * WEEK)

    pd.testing.assert_frame_equal(then.alerts, first.alerts)
    pd.testing.assert_frame_equal(now.alerts, second.alerts)
    assert (then.new, now.new) == (first.new, second.new - 1)
    assert set(later.alerts.loc[later.alerts["as_of"] == MONDAY, "closed_by"]) == {"expired"}


def test_a_report_refuses_a_ledger_that_is_not_there_begins_later_or_is_of_other_data(
    company, tmp_path
):
    raised(scores(1), company, tmp_path / "state")
    ledger = read_ledger(tmp_path / "state")
    strange = dataclasses.replace(
        ledger, alerts=tuple({**one, "customer_id": "x"} for one in ledger.alerts)
    )
    (tmp_path / "strange").mkdir()
    write_ledger(tmp_path / "strange", strange)

    with pytest.raises(InputError, match="holds no ledger of alerts"):
        desk_at(tmp_path / "none", company, as_of=MONDAY)
    with pytest.raises(InputError, match=r"begins on .* after the as_of"):
        desk_at(tmp_path / "state", company, as_of=MONDAY)
    with pytest.raises(InputError, match="None of the"):
        desk_at(tmp_path / "strange", company, as_of=MONDAY + WEEK)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "policy",
    [
        Policy(q=0.1, seed=2),
        Policy(q=0.2, quiet_days=14, enter=0.3, exit=0.6),
        Policy(q=0.2, quiet_days=14, persist=(2, 3, 0.5), load_days=14),
        Policy(q=0.3, quiet_days=14, suppress=("intervention", "holiday", "outage"),
               owner_capacity=1, control_share=0.3),
    ],
)  # fmt: skip
def test_what_is_measured_is_what_is_shipped(company, tmp_path, policy: Policy):
    weeks = scores(*range(9))
    replayed = queue(weeks, policy, surroundings=surroundings(company, weeks, policy=policy))
    for as_of in sorted(weeks["as_of"].unique()):
        desk = raised(weeks[weeks["as_of"] == as_of], company, tmp_path, policy)
    shipped = desk.alerts.sort_values(["as_of", "probability"], ascending=[True, False])

    assert len(replayed) > 5
    assert list(zip(shipped["customer_id"], shipped["as_of"], strict=True)) == list(
        zip(replayed["customer_id"], replayed["as_of"], strict=True)
    )


def test_the_control_arm_is_in_the_ledger_and_on_no_desk(company, tmp_path):
    policy = Policy(q=0.5, control_share=0.5, seed=1)
    desk = raised(scores(0), company, tmp_path, policy)
    ledger = read_ledger(tmp_path)
    arms = {alert["customer_id"]: alert["arm"] for alert in ledger.alerts}

    assert len(arms) == 6
    assert 0 < desk.new < 6
    assert set(desk.alerts["customer_id"]) == {n for n, arm in arms.items() if arm == "treatment"}


def test_an_alert_is_closed_by_a_certain_exit_or_after_84_days(company, tmp_path):
    only = scores(0)[lambda frame: frame["customer_id"].isin(["c0", "c1"])]
    raised(only, company, tmp_path, Policy(q=1))
    exit_is_not_certain_yet = raised(scores(3), company, tmp_path, Policy(q=0.001))
    certain = raised(scores(4), company, tmp_path, Policy(q=0.001))
    over = raised(scores(12), company, tmp_path, Policy(q=0.001))

    def why(desk: Desk) -> dict[str, object]:
        of_day_0 = desk.alerts[desk.alerts["as_of"] == MONDAY]
        return dict(zip(of_day_0["customer_id"], of_day_0["closed_by"], strict=True))

    assert why(exit_is_not_certain_yet) == {"c0": None, "c1": None}
    assert why(certain) == {"c0": "exit", "c1": None}
    assert why(over) == {"c0": "exit", "c1": "expired"}


def test_an_alert_says_who_why_what_to_do_and_until_when(company, tmp_path):
    reason = {"feature": "overdue_days", "family": "billing", "contribution": 1.0,
              "text_en": "Overdue", "text_ru": "Просрочка"}  # fmt: skip
    frame = scores(0, reasons=[[reason]] * 12, value_at_risk=[float(i) for i in range(12)])
    desk = raised(frame, company, tmp_path, Policy(q=0.2))

    assert tuple(desk.alerts.columns) == COLUMNS
    first = desk.alerts.set_index("rank").loc[1]
    assert first["name"] == f"Name of {first['customer_id']}"
    assert first["owner"] in ("ann", "bob", "eve")
    assert (first["reasons_en"], first["reasons_ru"]) == ("Overdue", "Просрочка")
    assert first["play"] == "payment_help"
    assert first["tier"] == "critical"
    assert first["deadline"] == MONDAY + pd.Timedelta(hours=24)
    assert first["status"] == "open"
    assert desk.alerts["alert_id"].is_unique


def test_an_older_as_of_is_left_out_and_said(company, tmp_path):
    raised(scores(4), company, tmp_path)
    desk = raised(scores(2, 4), company, tmp_path)

    assert desk.new == 0
    assert "only moves forward" in desk.notices[0]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("treatment", "control", 1),
        lambda text: "{}\n" + text,
        lambda text: "",
    ],
)
def test_a_damaged_ledger_stops_the_run_and_is_left_alone(company, tmp_path, damage):
    raised(scores(0), company, tmp_path)
    path = tmp_path / "alerts.jsonl"
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    before = path.read_bytes()

    with pytest.raises(InputError, match="is damaged"):
        raised(scores(1), company, tmp_path)
    assert path.read_bytes() == before


def test_two_runs_at_once_do_not_touch_the_ledger(company, tmp_path):
    with locked(tmp_path), pytest.raises(InputError, match="Another run is working"):
        raised(scores(0), company, tmp_path)
    assert raised(scores(0), company, tmp_path).new == 2


def test_a_full_disk_leaves_the_ledger_as_it_was(company, tmp_path, monkeypatch):
    raised(scores(0), company, tmp_path)
    before = (tmp_path / "alerts.jsonl").read_bytes()

    def full(handle: int) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(InputError, match="cannot be written"):
            raised(scores(1), company, tmp_path)
    assert (tmp_path / "alerts.jsonl").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "alerts.jsonl"]


def test_another_policy_forgets_the_bands_but_not_the_alerts(company, tmp_path):
    raised(scores(0), company, tmp_path, Policy(q=0.1, enter=0.5))
    desk = raised(scores(1), company, tmp_path, Policy(q=0.1, enter=0.4))

    assert "policy has changed" in desk.notices[0]
    assert len(desk.alerts) == 3


def held(company, days: float, *reasons: str, **options: object) -> dict[str, str]:
    rows = pd.DataFrame({"customer_id": NAMES, "as_of": MONDAY + pd.Timedelta(days=days)})
    policy = dataclasses.replace(Policy(), suppress=reasons, **options)
    found = surroundings(company, rows, policy=policy)["held"]
    return {name: why for name, why in zip(NAMES, found, strict=True) if why is not None}


def test_an_intervention_holds_back_until_it_is_completed_or_84_days_old(company):
    assert held(company, 1, "intervention") == {}
    assert held(company, 2, "intervention") == dict.fromkeys(["c3", "c4"], "intervention")
    assert held(company, 9.5, "intervention") == {"c4": "intervention"}
    assert held(company, 84.9, "intervention") == {"c4": "intervention"}
    assert held(company, 85, "intervention") == {}


def test_a_holiday_holds_those_of_its_scope_and_an_outage_everyone(company):
    russians = dict.fromkeys(["c0", "c1", "c2"], "holiday")

    assert held(company, 6, "holiday") == {}
    assert held(company, 7, "holiday") == russians
    assert held(company, 14.9, "holiday") == russians
    assert held(company, 15, "holiday") == {}
    assert held(company, 8, "holiday", suppress_days=0) == {}
    assert held(company, 21, "outage") == dict.fromkeys(NAMES, "outage")
    assert held(company, 14, "outage") == {}


def test_a_feed_without_any_event_for_a_week_is_dead(company):
    assert held(company, 56, "dead_feed") == {}
    assert held(company, 56.1, "dead_feed") == dict.fromkeys(NAMES, "dead_feed")


def test_the_owner_is_the_one_known_at_the_as_of(company):
    rows = pd.DataFrame(
        {"customer_id": ["c1", "c2", "c2", "c2"],
         "as_of": [MONDAY + pd.Timedelta(days=days) for days in (0, -100, 8, 9)]}
    )  # fmt: skip
    owner = surroundings(company, rows, policy=Policy())["owner"].tolist()

    assert owner == ["ann", None, "eve", "joe"]


def test_a_policy_file_holds_the_keys_of_alerts_alone_or_in_their_section(tmp_path):
    alone, section = tmp_path / "policy.toml", tmp_path / "study.toml"
    alone.write_text('q = 0.01\nenter = 0.05\nsuppress = ["outage"]\n[persist]\nweeks = 2\n'
                     "of = 3\ntop = 0.1\n")  # fmt: skip
    section.write_text("seed = 3\n[alerts]\nq = 0.01\n")
    policy = read_policy(alone, study=Study())

    assert (policy.q, policy.quiet_days, policy.seed) == (0.01, 56, 7)
    assert (policy.enter, policy.suppress, policy.persist) == (0.05, ("outage",), (2, 3, 0.1))
    assert read_policy(section, study=Study()) == Policy(q=0.01, seed=3)
    assert read_policy(None, study=Study()) == Policy(seed=7)


@pytest.mark.parametrize(
    "text", ["quiet = 3", "exit = 0.1", "enter = 0.2\nexit = 0.1", 'suppress = ["rain"]',
             "[persist]\nweeks = 3\nof = 2\ntop = 0.1"],
)  # fmt: skip
def test_a_policy_that_means_nothing_is_refused(tmp_path, text: str):
    path = tmp_path / "policy.toml"
    path.write_text(text)

    with pytest.raises(InputError, match=r"policy\.toml"):
        read_policy(path, study=Study())


def test_health_and_priority_stand_beside_the_probability_and_leave_it_alone():
    index = pd.MultiIndex.from_product([["a", "b"], [MONDAY]], names=["customer_id", "as_of"])
    table = pd.DataFrame(
        {"mrr": [10.0, 20.0], "days_since_login": [90.0, 1.0], "unresolved_ticket_age": [9, np.nan],
         "days_since_activity": [90.0, 1.0]}, index=index,
    )  # fmt: skip
    given = index.to_frame(index=False).assign(probability=[0.2, 0.4], model_digest="x")
    found = standing(given, table, study=Study())

    assert found["probability"].tolist() == [0.2, 0.4]
    assert found["value_at_risk"].tolist() == [24.0, 96.0]
    assert found["priority"].round(6).tolist() == [round(0.2 * 0.5 * 1.95, 6), 0.4]
    assert found["health"].tolist() == [0.0, 100.0]
    assert found["tier"].tolist() == ["low", "critical"]


def test_the_watch_list_has_the_most_valuable_customers_of_the_newest_as_of(company):
    frame = scores(0, 1)
    value = pd.Series(range(24), dtype=float)
    listed = watch_list(frame.assign(value_at_risk=value * frame["probability"]), company, top=2)

    assert listed.as_of == MONDAY + WEEK
    assert [row["customer_id"] for row in listed.records()] == ["c11", "c10"]
    assert listed.records()[0]["annual_revenue"] == pytest.approx(23)
    assert listed.records()[0]["probability_before"] == frame["probability"][11]
    assert listed.records()[0]["health"] is None


def test_a_score_file_has_every_column_though_some_are_unknown(tmp_path):
    write_scores(scores(0).assign(model_digest="x"), tmp_path / "scores.parquet")
    written = pd.read_parquet(tmp_path / "scores.parquet")

    assert list(written.columns) == SCORE_SCHEMA.names
    assert written[["health", "tier", "weeks_ahead"]].isna().all().all()


def run(arguments: list[str], capsys) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, " ".join(captured.err.split())


def test_the_command_writes_the_alerts_and_says_what_is_wrong(tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    customers = pd.DataFrame({"customer_id": NAMES, "signed_up_at": "2025-01-01", "owner": "=ann"})
    customers.to_csv(data / "customers.csv", index=False)
    pd.DataFrame(
        {"subscription_id": NAMES, "customer_id": NAMES, "started_at": "2025-01-01"}
    ).to_csv(data / "subscriptions.csv", index=False)
    pd.DataFrame({"customer_id": NAMES * 60, "name": "login", "event_time": [
        when(day) for day in range(60) for _ in NAMES]}).to_csv(
        data / "events.csv", index=False)  # fmt: skip
    scores(0).to_csv(tmp_path / "scores.csv", index=False)
    out, state = tmp_path / "alerts.csv", tmp_path / "state"
    command = ["alerts", str(tmp_path / "scores.csv"), "--data", str(data), "--state", str(state),
               "--out", str(out)]  # fmt: skip

    code, _, err = run([*command, "--json"], capsys)
    assert code == 0, err
    written = pd.read_csv(out)
    assert tuple(written.columns) == COLUMNS
    assert written["owner"].tolist() == ["'=ann"]
    code, printed, _ = run(command, capsys)
    assert code == 0
    assert "0 new, 1 open" in printed
    scores(1).assign(customer_id="stranger " + scores(1)["customer_id"]).to_csv(
        tmp_path / "scores.csv", index=False
    )
    code, _, err = run(command, capsys)
    assert code == 2
    assert "None of the scored customers is in the data" in err
    (state / "alerts.jsonl").write_text("{")
    scores(0).to_csv(tmp_path / "scores.csv", index=False)
    code, _, err = run(command, capsys)
    assert code == 2
    assert "is damaged" in err
    assert "Traceback" not in err


def test_the_text_of_an_alert_begins_with_the_open_problem_and_names_the_evidence(
    company, tmp_path
):
    def rows(table, *keys):
        return [{"table": table, "id": key, "at": MONDAY} for key in keys]

    told = [
        {"feature": "overdue_days", "text_en": "Overdue", "text_ru": "Просрочка",
         "play": "payment_help", "evidence": rows("invoices", "I1", "I2")},
        {"feature": "logins_7d", "text_en": "Logins fell", "text_ru": "Входов меньше",
         "play": "usage_coaching", "evidence": rows("events", "login", "login")},
        {"feature": "open_tickets", "text_en": "Tickets", "text_ru": "Обращения",
         "play": "support_escalation", "evidence": []},
    ]  # fmt: skip
    problem = {"text_en": "Ticket T1 is open", "text_ru": "Обращение T1 открыто"}
    frame = scores(0, reasons=[told] * 12, open_problem=[problem] * 12)
    desk = raised(frame, company, tmp_path, Policy(q=0.2))
    first = desk.alerts.set_index("rank").loc[1]
    who, owner, risk = first["customer_id"], first["owner"], f"{first['probability']:.0%}"

    assert first["open_problem_en"] == "Ticket T1 is open"
    assert first["evidence"] == "invoices I1, I2; events login"
    assert first["text_en"].splitlines() == [
        "Open problem: Ticket T1 is open.",
        f"Name of {who} ({who}): critical, risk {risk}.",
        "What changed: Overdue; Logins fell; Tickets.",
        "Evidence: invoices I1, I2; action login.",
        "Next step: help with payment.",
        f"Until: {MONDAY + pd.Timedelta(hours=24):%Y-%m-%d %H:%M} UTC.",
        f"Owner: {owner}.",
    ]
    assert first["text_ru"].splitlines()[:5] == [
        "Нерешённый вопрос: Обращение T1 открыто.",
        f"Name of {who} ({who}): критический, риск {risk[:-1]}\u00a0%.",
        "Что изменилось: Просрочка; Входов меньше; Обращения.",
        "Подтверждение: счета I1, I2; действие login.",
        "Следующий шаг: помочь с оплатой.",
    ]
    assert raised(frame, company, tmp_path, Policy(q=0.2)).alerts.equals(desk.alerts)
