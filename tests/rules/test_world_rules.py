"""What a simulated company must be, read off a small one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from churnml.contract import TABLES
from churnml.errors import InputError
from churnml.sources.description import Description
from churnml.sources.world import parameters, resampling, simulate, simulation
from churnml.sources.world.parameters import WEEK
from churnml.sources.world.words import read_words
from churnml.sources.world.writing import schema_of

START = pd.Timestamp("2024-01-01")
GRACE = pd.Timedelta(days=14)
WEEKS = 60
EDGE = START + pd.Timedelta(days=7 * WEEKS)
PEOPLE = [name for name, table in TABLES.items() if "customer_id" in table.required]
#: A last invoice and the exit survey come after the exit; the rest ends with it.
LIVED = ["events", "tickets", "messages", "outreach", "interventions", "attribute_changes"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world") / "saas"
    simulate(out, customers=300, weeks=WEEKS, seed=5)
    return out


def clean(world: Path, table: str) -> pd.DataFrame:
    return pd.read_parquet(world / "truth" / "clean" / f"{table}.parquet")


def dirty(world: Path, table: str) -> pd.DataFrame:
    return pd.read_parquet(world / "data" / f"{table}.parquet")


def same_values(left: Path, right: Path) -> bool:
    names = sorted(path.relative_to(left) for path in left.rglob("*.parquet"))
    assert names == sorted(path.relative_to(right) for path in right.rglob("*.parquet"))
    return all(pq.read_table(left / name).equals(pq.read_table(right / name)) for name in names)


@pytest.mark.parametrize("name", TABLES)
def test_every_canonical_table_is_there_with_its_columns_and_types(world: Path, name: str):
    table = TABLES[name]
    with_arrival = pq.read_schema(world / "data" / f"{name}.parquet")
    without = pq.read_schema(world / "truth" / "clean" / f"{name}.parquet")

    assert set(table.names) <= set(with_arrival.names)
    assert with_arrival.remove_metadata() == schema_of(table, known_at=True)
    assert without.remove_metadata() == schema_of(table, known_at=False)


def test_the_rows_told_are_the_rows_written(tmp_path: Path):
    rows = simulate(tmp_path / "w", customers=20, weeks=20, seed=1)

    assert list(rows) == list(TABLES)
    assert rows == {
        n: pq.read_metadata(tmp_path / "w/data" / f"{n}.parquet").num_rows for n in rows
    }


def test_the_description_is_one_of_ours_and_names_the_right_edge(world: Path):
    content = tomllib.loads((world / "data" / "dataset.toml").read_text(encoding="utf-8"))
    description = Description.model_validate(content)

    assert pd.Timestamp(description.observed_until) == EDGE
    assert description.churn.kind == "contract"
    assert description.churn.grace_days == 14
    seen = set(clean(world, "events")["name"])
    assert {name for names in description.events.values() for name in names} <= seen


def test_the_same_seed_gives_the_same_values_and_another_one_others(tmp_path: Path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate(tmp_path / name, customers=40, weeks=20, seed=seed)

    assert same_values(tmp_path / "a", tmp_path / "b")
    assert not same_values(tmp_path / "a", tmp_path / "c")


def test_a_population_seed_keeps_causes_and_calendar_and_changes_people(tmp_path: Path):
    simulate(tmp_path / "a", customers=40, weeks=20, seed=3)
    simulate(tmp_path / "b", customers=40, weeks=20, seed=3, population_seed=9)
    a, b = (pd.read_json(tmp_path / n / "truth/world.json", typ="series") for n in "ab")

    assert a["parameters"] == b["parameters"]
    pd.testing.assert_frame_equal(
        dirty(tmp_path / "a", "calendar"), dirty(tmp_path / "b", "calendar")
    )
    assert not clean(tmp_path / "a", "customers").equals(clean(tmp_path / "b", "customers"))


def causes(**seeds: int) -> dict:
    return simulation.draw_setting("saas", weeks=20, **seeds).world.values["causes"]


def test_a_causes_seed_changes_what_causes_do_and_nothing_else():
    usual, other = (
        simulation.draw_setting("saas", weeks=20, seed=3, causes_seed=seed).world
        for seed in (None, 5)
    )
    assert usual.values["causes"] != other.values["causes"]
    assert {k: v for k, v in usual.values.items() if k != "causes"} == {
        k: v for k, v in other.values.items() if k != "causes"
    }
    assert causes(seed=3, causes_seed=5) == other.values["causes"]
    assert causes(seed=3) == usual.values["causes"]


def test_causes_drawn_anew_keep_their_names_their_sum_and_lose_and_gain_signals():
    usual, other = causes(seed=3), causes(seed=3, causes_seed=5)

    assert list(usual) == list(other)
    shares = [sum(cause["share"] for cause in drawn.values()) for drawn in (usual, other)]
    assert shares[0] == pytest.approx(shares[1])
    assert any(set(usual[name]) - set(other[name]) for name in usual)
    assert any(set(other[name]) - set(usual[name]) for name in usual)
    speeds = [other[name]["speed"] / usual[name]["speed"] for name in usual]
    assert 0.8 <= min(speeds) < max(speeds) <= 1.25


def test_a_signal_drawn_anew_keeps_its_direction_and_a_chance_stays_one():
    usual, other = causes(seed=3), causes(seed=3, causes_seed=5)
    for name in usual:
        for key in set(usual[name]) & set(other[name]) - {"share", "speed", "segments"}:
            neutral = 0.0 if key in parameters.SHIFTS else 1.0
            assert (usual[name][key] > neutral) == (other[name][key] > neutral)
        chances = [value for key, value in other[name].items() if key in resampling.CHANCES]
        assert all(0 <= chance < 1 for chance in chances)


def test_a_company_with_causes_drawn_anew_is_written(tmp_path: Path):
    simulate(tmp_path / "w", customers=40, weeks=20, seed=3, causes_seed=5)
    assert pd.read_json(tmp_path / "w/truth/world.json", typ="series")["causes_seed"] == 5


@pytest.mark.parametrize("name", TABLES)
def test_clean_tables_hold_no_fault(world: Path, name: str):
    table, frame = TABLES[name], clean(world, name)

    assert frame[list(table.required)].notna().all().all()
    assert (frame[table.time] < EDGE).all()
    if table.key:
        assert not frame.duplicated(list(table.key)).any()
    for column in table.columns:
        if column.values:
            assert set(frame[column.name].dropna()) <= set(column.values)
        if column.kind == "time" and column.known_from == column.name:
            assert not (frame[column.name] >= EDGE).any()
    if name in PEOPLE:
        signed_up = clean(world, "customers").set_index("customer_id")["signed_up_at"]
        assert (frame[table.time] >= frame["customer_id"].map(signed_up)).all()


def test_nothing_in_a_ticket_goes_backwards(world: Path):
    tickets, events = clean(world, "tickets"), clean(world, "ticket_events")
    opened = tickets.set_index("ticket_id")["opened_at"]

    for column in ("first_response_at", "resolved_at", "csat_at"):
        assert not (tickets[column] < tickets["opened_at"]).any()
    assert set(events["ticket_id"]) <= set(opened.index)
    assert (events["event_time"] >= events["ticket_id"].map(opened)).all()


@pytest.mark.parametrize("name", TABLES)
def test_a_row_arrives_after_it_happened(world: Path, name: str):
    arrived = dirty(world, name).merge(clean(world, name))

    assert len(arrived) >= 0.9 * len(clean(world, name))
    assert (arrived["known_at"] > arrived[TABLES[name].time]).all()
    assert (arrived["known_at"] < EDGE + pd.Timedelta(hours=1)).all()


def test_some_events_and_messages_arrive_days_and_some_weeks_late(world: Path):
    for name in ("events", "messages"):
        frame = dirty(world, name).merge(clean(world, name))
        days = (frame["known_at"] - frame[TABLES[name].time]).dt.days
        assert 0.01 < (days >= 1).mean() < 0.06
        assert 0 < (days >= 10).mean() < 0.01


@pytest.mark.parametrize("name", TABLES)
def test_faults_are_added_rows_far_below_the_quarantine_limit(world: Path, name: str):
    frame, good = dirty(world, name), clean(world, name)
    added = len(frame) - len(frame.drop_duplicates().merge(good))

    assert added <= 0.025 * len(frame)
    assert (added > 0) == (name not in ("customers", "calendar") and len(good) > 250)


def test_columns_as_of_today_tell_who_has_left(world: Path):
    customers = clean(world, "customers").set_index("customer_id")
    left = pd.read_parquet(world / "truth" / "exits.parquet")["customer_id"]
    subscriptions = clean(world, "subscriptions")
    still = set(subscriptions.loc[subscriptions["ended_at"].isna(), "customer_id"])

    assert set(customers.index[customers["status"] == "churned"]) == set(customers.index) - still
    assert set(left) - still <= set(customers.index[customers["status"] == "churned"])


def exits_by_hand(subscriptions: pd.DataFrame) -> set[tuple[str, pd.Timestamp]]:
    """Voluntary ends after which nothing begins within the grace."""
    found = set()
    for customer, own in subscriptions.groupby("customer_id"):
        for row in own[own["ended_at"].notna()].itertuples():
            later = own[
                (own["started_at"] >= row.ended_at) & (own["started_at"] < row.ended_at + GRACE)
            ]
            if row.end_reason == "voluntary" and later.empty:
                found.add((customer, row.ended_at))
    return found


def test_exits_are_the_voluntary_ends_that_are_not_renewed_within_the_grace(world: Path):
    exits = pd.read_parquet(world / "truth" / "exits.parquet")

    assert len(exits) > 20
    assert set(zip(exits["customer_id"], exits["exit_at"], strict=True)) == exits_by_hand(
        clean(world, "subscriptions")
    )


def test_signals_begin_weeks_before_the_exit_and_sudden_ones_have_none(world: Path):
    exits = pd.read_parquet(world / "truth" / "exits.parquet")
    sudden = exits["cause"] == "sudden"
    weeks = (exits["exit_at"] - exits["signal_began_at"]).dt.total_seconds() / WEEK

    assert exits.loc[sudden, "signal_began_at"].isna().all()
    assert 5 <= weeks[~sudden].median() <= 11
    assert (weeks[~sudden & (exits["signal_began_at"] > START)] >= 4).all()


def spells(subscriptions: pd.DataFrame) -> dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]]:
    """Times as a customer, short gaps included, the open end at the edge."""
    found: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for customer, own in subscriptions.sort_values("started_at").groupby("customer_id"):
        for row in own.itertuples():
            end = EDGE if pd.isna(row.ended_at) else row.ended_at
            parts = found.setdefault(customer, [])
            if parts and row.started_at < parts[-1][1] + GRACE:
                parts[-1] = (parts[-1][0], end)
            else:
                parts.append((row.started_at, end))
    return found


@pytest.mark.parametrize("name", LIVED)
def test_nothing_happens_outside_the_time_as_a_customer(world: Path, name: str):
    inside = spells(clean(world, "subscriptions"))
    frame = clean(world, name)

    for customer, times in frame.groupby("customer_id")[TABLES[name].time]:
        lived = np.zeros(len(times), dtype=bool)
        for begin, end in inside[customer]:
            lived |= ((times >= begin) & (times < end)).to_numpy()
        assert lived.all()


def test_the_oracle_has_a_row_for_every_open_subscription_at_every_week_boundary(world: Path):
    oracle = pd.read_parquet(world / "truth" / "oracle.parquet")
    subscriptions = clean(world, "subscriptions")
    expected = set()
    for week in range(WEEKS + 1):
        as_of = START + pd.Timedelta(days=7 * week)
        ended = subscriptions["ended_at"]
        open_ = (subscriptions["started_at"] < as_of) & (ended.isna() | (ended >= as_of))
        expected |= {(customer, as_of) for customer in subscriptions.loc[open_, "customer_id"]}

    assert set(zip(oracle["customer_id"], oracle["as_of"], strict=True)) == expected
    assert oracle["probability"].between(0, 0.9).all()


def test_a_big_company_is_drawn_in_chunks_without_mixing_people_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(simulation, "CHUNK", 15)
    rows = simulate(tmp_path / "w", customers=40, weeks=20, seed=2)

    assert rows["customers"] == 40
    assert clean(tmp_path / "w", "customers")["customer_id"].is_unique
    assert clean(tmp_path / "w", "messages")["message_id"].is_unique


@pytest.mark.parametrize("customers", [1, 2, 20])
def test_a_tiny_company_works(tmp_path: Path, customers: int):
    assert simulate(tmp_path / "w", customers=customers, weeks=20)["customers"] == customers


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"customers": 0}, "customers is 0"),
        ({"weeks": 19}, "weeks is 19"),
        ({"seed": -1}, "seed is -1"),
        ({"causes_seed": -3}, "seed is -3"),
        ({"population_seed": -1}, "seed is -1"),
        ({"world": "mars"}, "no world 'mars'"),
    ],
)
def test_bad_arguments_are_refused_in_words(tmp_path: Path, arguments: dict, said: str):
    with pytest.raises(InputError, match=said):
        simulate(tmp_path / "w", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_content_is_left_alone(tmp_path: Path):
    (tmp_path / "letter.txt").write_text("keep me")

    with pytest.raises(InputError, match="not empty"):
        simulate(tmp_path, customers=20, weeks=20)
    with pytest.raises(InputError, match="is a file"):
        simulate(tmp_path / "letter.txt", customers=20, weeks=20)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_an_earlier_world_is_replaced_only_when_the_new_one_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "w"
    simulate(out, customers=20, weeks=20, seed=1)
    before = clean(out, "customers")

    def broken(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(simulation, "write_marker", broken)
        with pytest.raises(OSError, match="No space"):
            simulate(out, customers=20, weeks=20, seed=2)
    pd.testing.assert_frame_equal(clean(out, "customers"), before)

    simulate(out, customers=20, weeks=20, seed=2)
    assert not clean(out, "customers").equals(before)
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_both_languages_speak_about_the_same_things_in_several_ways():
    phrases = read_words().phrases
    russian, english = phrases["ru"]["intents"], phrases["en"]["intents"]

    assert set(russian) == set(english)
    assert len(russian) >= 20
    for intents in (russian, english):
        assert all(sum(map(len, variants.values())) >= 4 for variants in intents.values())


def test_messages_speak_the_language_of_the_customer_and_fill_every_slot(world: Path):
    messages = clean(world, "messages")
    language = clean(world, "customers").set_index("customer_id")["language"]
    cyrillic = messages["text"].str.contains("[а-яА-Я]")

    assert not messages["text"].str.contains("[{}]").any()
    assert cyrillic[messages["customer_id"].map(language) == "ru"].mean() > 0.98
    assert not cyrillic[messages["customer_id"].map(language) == "en"].any()


def test_contacts_write_while_they_are_there(world: Path):
    contacts = clean(world, "contacts").set_index("contact_id")
    messages = clean(world, "messages").dropna(subset="contact_id")
    writer = contacts.loc[messages["contact_id"]].reset_index(drop=True)
    messages = messages.reset_index(drop=True)

    assert (messages["customer_id"] == writer["customer_id"]).all()
    gone = writer["active_until"] <= messages["sent_at"]
    assert (gone | (writer["active_from"] > messages["sent_at"])).mean() < 0.01
