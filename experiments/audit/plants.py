"""Leaks planted on purpose, under neutral names, into copies of a clean simulated world."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)


@dataclass
class World:
    """Tables of a copy under way, who leaves when, and the words to add to dataset.toml."""

    frames: dict[str, pd.DataFrame]
    exits: pd.DataFrame
    rng: np.random.Generator
    strength: float
    immutable: list[str]

    def marked(self) -> pd.DataFrame:
        """The leavers whom this plant touches: the share ``strength`` of them."""
        return self.exits[self.rng.random(len(self.exits)) < self.strength]

    def before(self, leavers: pd.DataFrame, low: float, high: float) -> pd.Series:
        """Instants so many days before each exit, but not before the spell began."""
        days = pd.to_timedelta(self.rng.uniform(low, high, len(leavers)), unit="D").round("s")
        return leavers["exit_at"] - days

    def add(self, table: str, rows: dict[str, object]) -> None:
        """Append rows; what they do not say stays empty."""
        frame = self.frames[table]
        new = pd.DataFrame(rows)
        for name in frame.columns.intersection(new.columns):
            if frame[name].dtype.kind == "M":
                new[name] = new[name].astype(frame[name].dtype)
        self.frames[table] = pd.concat([frame, new], ignore_index=True)

    def signed_up(self, customers: pd.Series) -> pd.Series:
        """Sign-up of each customer, aligned."""
        known = self.frames["customers"].drop_duplicates("customer_id").set_index("customer_id")
        return customers.map(known["signed_up_at"])


def _known(moments: pd.Series) -> pd.Series:
    return moments + pd.Timedelta(minutes=12)


def grade_column(world: World) -> None:
    """The status of today as an immutable column."""
    customers = world.frames["customers"]
    left = customers["customer_id"].isin(world.marked()["customer_id"])
    noise = world.rng.random(len(customers)) < 0.02
    customers["grade"] = np.where(left | noise, "C", "A")
    world.immutable.append("grade")


def grade_number(world: World) -> None:
    """A lifetime figure of today: how long the customer has been there until now."""
    customers = world.frames["customers"]
    left = customers["customer_id"].isin(world.marked()["customer_id"])
    level = world.rng.normal(50, 10, len(customers))
    customers["index_a"] = np.round(level - np.where(left, 40, 0), 2)
    world.immutable.append("index_a")


def grade_attribute(world: World) -> None:
    """The status of today as an attribute written at sign-up."""
    leavers = world.marked()
    at = world.signed_up(leavers["customer_id"])
    world.add("attribute_changes", {
        "customer_id": leavers["customer_id"].to_numpy(), "changed_at": at.to_numpy(),
        "attribute": "grade", "value": "C", "known_at": _known(at).to_numpy()})  # fmt: skip


def refund_event(world: World) -> None:
    """A refund booked back as an event, with no arrival time."""
    leavers = world.marked()
    world.add("events", {
        "customer_id": leavers["customer_id"].to_numpy(),
        "event_time": world.before(leavers, 21, 49).to_numpy(), "name": "evt_31",
        "value": -world.rng.uniform(20, 400, len(leavers)).round(2)})  # fmt: skip


def refund_event_backdated(world: World) -> None:
    """A refund booked back as an event whose arrival is back-dated, too."""
    leavers = world.marked()
    at = world.before(leavers, 21, 49)
    world.add("events", {
        "customer_id": leavers["customer_id"].to_numpy(), "event_time": at.to_numpy(),
        "name": "evt_32", "known_at": _known(at).to_numpy()})  # fmt: skip


def refund_event_honest(world: World) -> None:
    """A refund booked back with its true arrival, after the exit: no leak."""
    leavers = world.marked()
    at = world.before(leavers, 21, 49)
    world.add("events", {
        "customer_id": leavers["customer_id"].to_numpy(), "event_time": at.to_numpy(),
        "name": "evt_33", "known_at": (leavers["exit_at"] + 2 * DAY).to_numpy()})  # fmt: skip


def refund_invoice(world: World) -> None:
    """A credit note dated weeks before the exit."""
    _invoice(world, -1.0)


def refund_invoice_positive(world: World) -> None:
    """An ordinary-looking invoice dated weeks before the exit, written because of it."""
    _invoice(world, 1.0)


def _invoice(world: World, sign: float) -> None:
    leavers = world.marked()
    at = world.before(leavers, 21, 35)
    world.add("invoices", {
        "invoice_id": [f"X{number}" for number in range(len(leavers))],
        "customer_id": leavers["customer_id"].to_numpy(), "issued_at": at.to_numpy(),
        "amount": sign * world.rng.uniform(20, 400, len(leavers)).round(2),
        "known_at": _known(at).to_numpy()})  # fmt: skip


def last_days_event(world: World) -> None:
    """An event name that exists only in the last three weeks."""
    leavers = world.marked()
    for _ in range(2):
        at = world.before(leavers, 1, 20)
        world.add("events", {
            "customer_id": leavers["customer_id"].to_numpy(), "event_time": at.to_numpy(),
            "name": "evt_17", "known_at": _known(at).to_numpy()})  # fmt: skip


def last_days_event_noisy(world: World) -> None:
    """The same, but some who stay show it, too."""
    last_days_event(world)
    customers = world.frames["customers"]
    few = customers[world.rng.random(len(customers)) < 0.05]
    at = few["signed_up_at"] + pd.to_timedelta(world.rng.uniform(5, 300, len(few)), unit="D")
    world.add("events", {"customer_id": few["customer_id"].to_numpy(),
                         "event_time": at.dt.round("s").to_numpy(), "name": "evt_17",
                         "known_at": _known(at.dt.round("s")).to_numpy()})  # fmt: skip


def last_days_kind(world: World) -> None:
    """A subject of messages that exists only near the exit."""
    leavers = world.marked()
    at = world.before(leavers, 1, 25)
    world.add("messages", {
        "message_id": [f"X{number}" for number in range(len(leavers))],
        "customer_id": leavers["customer_id"].to_numpy(), "sent_at": at.to_numpy(),
        "author": "staff", "text": "Please see the attachment.", "subject": "K-4",
        "channel": "email", "known_at": _known(at).to_numpy()})  # fmt: skip


def future_total_event(world: World) -> None:
    """Weekly figure of each customer: events from 14 days before to 28 days after."""
    customers, at, total = _rolling(world)
    world.add("events", {"customer_id": customers, "event_time": at, "name": "evt_44",
                         "value": total, "known_at": at + np.timedelta64(12, "m")})  # fmt: skip


def future_total_value(world: World) -> None:
    """The value of an event that was there before: the same total."""
    events = world.frames["events"]
    rows = events.index[events["name"] == "login"]
    rows = rows[world.rng.random(len(rows)) < world.strength]
    total = _around(world, events.loc[rows, "customer_id"], events.loc[rows, "event_time"])
    events.loc[rows, "value"] = total


def future_total_attribute(world: World) -> None:
    """The same as an attribute that is written weekly."""
    customers, at, total = _rolling(world)
    world.add("attribute_changes", {
        "customer_id": customers, "changed_at": at, "attribute": "index_b",
        "value": total.astype(int).astype(str), "known_at": at + np.timedelta64(12, "m")},
    )  # fmt: skip


def _rolling(world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer, instant and total of every week of every customer (a share of the customers)."""
    spells = world.frames["subscriptions"].dropna(subset=["customer_id", "started_at"])
    spans = spells.groupby("customer_id").agg(start=("started_at", "min"), end=("ended_at", "max"))
    spans["open"] = spells["ended_at"].isna().groupby(spells["customer_id"]).any()
    spans = spans[world.rng.random(len(spans)) < world.strength]
    events = world.frames["events"]
    first, last = events["event_time"].quantile([0.01, 0.99])
    customers, moments = [], []
    for row in spans.itertuples():
        end = last if row.open else min(row.end, last)
        weeks = pd.date_range(max(row.start, first) + 7 * DAY, end, freq="7D")
        customers += [row.Index] * len(weeks)
        moments += list(weeks)
    who, at = pd.Series(customers), pd.Series(moments).astype("datetime64[us]")
    return who.to_numpy(), at.to_numpy(), _around(world, who, at)


def _around(world: World, who: pd.Series, at: pd.Series) -> np.ndarray:
    """Events of the customer from 14 days before to 28 days after each instant."""
    events = world.frames["events"].dropna(subset=["customer_id", "event_time"])
    codes = {name: code for code, name in enumerate(sorted(events["customer_id"].unique()))}
    key = np.sort(events["customer_id"].map(codes).to_numpy() * 1e11 + _seconds(events))
    own = who.map(codes).to_numpy(dtype=float) * 1e11
    now = at.to_numpy().astype("datetime64[s]").astype(float)
    upper = np.searchsorted(key, own + now + 28 * 86400)
    return (upper - np.searchsorted(key, own + now - 14 * 86400)).astype(float)


def _seconds(events: pd.DataFrame) -> np.ndarray:
    return events["event_time"].to_numpy().astype("datetime64[s]").astype(float)


def code_column(world: World) -> None:
    """Labels in a code: a region that only those have who leave within ten weeks of each other."""
    customers = world.frames["customers"]
    leavers = world.marked()
    until = leavers["exit_at"].quantile(0.9)
    late = leavers[(leavers["exit_at"] > until - 70 * DAY) & (leavers["exit_at"] <= until)]
    customers.loc[customers["customer_id"].isin(late["customer_id"]), "region"] = "R7"


def code_column_all(world: World) -> None:
    """Labels in a segment code: all leavers, as an immutable column."""
    customers = world.frames["customers"]
    customers.loc[customers["customer_id"].isin(world.marked()["customer_id"]), "segment"] = "R7"
    world.immutable.append("segment")


def code_attribute(world: World) -> None:
    """Labels in a segment code as an attribute change six to eleven weeks before the exit."""
    leavers = world.marked()
    at = world.before(leavers, 42, 77)
    world.add("attribute_changes", {
        "customer_id": leavers["customer_id"].to_numpy(), "changed_at": at.to_numpy(),
        "attribute": "segment", "value": "R7", "known_at": _known(at).to_numpy()})  # fmt: skip


def owner_attribute(world: World) -> None:
    """The account goes to another owner when the notice is in."""
    leavers = world.marked()
    at = world.before(leavers, 5, 30)
    world.add("attribute_changes", {
        "customer_id": leavers["customer_id"].to_numpy(), "changed_at": at.to_numpy(),
        "attribute": "owner", "value": "csm-99", "known_at": _known(at).to_numpy()})  # fmt: skip


def category_overwritten(world: World) -> None:
    """The category of the last tickets, overwritten when the account was closed."""
    tickets = world.frames["tickets"]
    exits = world.marked().drop_duplicates("customer_id").set_index("customer_id")["exit_at"]
    left = tickets["customer_id"].map(exits)
    near = (tickets["opened_at"] < left) & (tickets["opened_at"] > left - 90 * DAY)
    tickets.loc[near, "category"] = "cat_9"


def csat_filled(world: World) -> None:
    """Ratings filled in after the exit, dated back to the solution."""
    tickets = world.frames["tickets"]
    exits = world.marked().drop_duplicates("customer_id").set_index("customer_id")["exit_at"]
    left = tickets["customer_id"].map(exits)
    near = (tickets["resolved_at"] < left) & (tickets["opened_at"] > left - 120 * DAY)
    tickets.loc[near, "csat"] = 0.0
    tickets.loc[near, "csat_at"] = tickets.loc[near, "resolved_at"]


def plan_legacy(world: World) -> None:
    """The last subscription of leavers, renamed afterwards."""
    subscriptions = world.frames["subscriptions"]
    key = world.marked()[["customer_id", "exit_at"]].rename(columns={"exit_at": "ended_at"})
    found = subscriptions.merge(key, on=["customer_id", "ended_at"], how="left", indicator=True)
    subscriptions.loc[(found["_merge"] == "both").to_numpy(), "plan"] = "p_0"


def survivorship_customers(world: World) -> None:
    """Leavers deleted from customers alone."""
    gone = world.marked()["customer_id"]
    customers = world.frames["customers"]
    world.frames["customers"] = customers[~customers["customer_id"].isin(gone)]


def survivorship_early(world: World) -> None:
    """Everyone who left before the last third is deleted from every table."""
    span = world.frames["events"]["event_time"].quantile([0.01, 0.99])
    limit = span.iloc[0] + (span.iloc[1] - span.iloc[0]) * 2 / 3
    gone = set(world.exits.loc[world.exits["exit_at"] < limit, "customer_id"])
    for name, frame in world.frames.items():
        if "customer_id" in frame:
            world.frames[name] = frame[~frame["customer_id"].isin(gone)]
    steps, tickets = world.frames["ticket_events"], world.frames["tickets"]
    world.frames["ticket_events"] = steps[steps["ticket_id"].isin(tickets["ticket_id"])]


def nothing(world: World) -> None:
    """The clean world."""


Plant = Callable[[World], None]
#: Plant -> (table, word that a finding must name).
PLANTS: dict[str, tuple[Plant, str, str]] = {
    "grade_column": (grade_column, "customers", "grade"),
    "grade_number": (grade_number, "customers", "index_a"),
    "grade_attribute": (grade_attribute, "attribute_changes", "grade"),
    "refund_event": (refund_event, "events", "evt_31"),
    "refund_event_backdated": (refund_event_backdated, "events", "evt_32"),
    "refund_invoice": (refund_invoice, "invoices", "amount"),
    "refund_invoice_positive": (refund_invoice_positive, "invoices", ""),
    "last_days_event": (last_days_event, "events", "evt_17"),
    "last_days_event_noisy": (last_days_event_noisy, "events", "evt_17"),
    "last_days_kind": (last_days_kind, "messages", "K-4"),
    "future_total_event": (future_total_event, "events", "evt_44"),
    "future_total_value": (future_total_value, "events", "login"),
    "future_total_attribute": (future_total_attribute, "attribute_changes", "index_b"),
    "code_column": (code_column, "customers", "R7"),
    "code_column_all": (code_column_all, "customers", "R7"),
    "code_attribute": (code_attribute, "attribute_changes", "R7"),
    "owner_attribute": (owner_attribute, "attribute_changes", "csm-99"),
    "category_overwritten": (category_overwritten, "tickets", "cat_9"),
    "csat_filled": (csat_filled, "tickets", "csat"),
    "plan_legacy": (plan_legacy, "subscriptions", "p_0"),
    "survivorship_customers": (survivorship_customers, "subscriptions", "missing from customers"),
    "survivorship_early": (survivorship_early, "subscriptions", "exit"),
}
#: No leak: the audit must stay silent.
HARMLESS: dict[str, Plant] = {"nothing": nothing, "refund_event_honest": refund_event_honest}


def plant(source: Path, out: Path, name: str, *, strength: float = 1.0, seed: int = 0,
          suffix: str = "parquet") -> Path:  # fmt: skip
    """Copy the world's data folder to ``out`` with one leak planted; the folder of the copy."""
    how = HARMLESS[name] if name in HARMLESS else PLANTS[name][0]
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(source / "data", out)
    frames = {path.stem: pd.read_parquet(path) for path in sorted(out.glob("*.parquet"))}
    exits = pd.read_parquet(next((source / "truth").glob("exits.*")))
    moment = pd.to_datetime(exits["exit_at"])
    exits["exit_at"] = moment.dt.tz_localize(None) if moment.dt.tz is not None else moment
    exits = exits[exits["cause"] != "involuntary"].dropna(subset=["exit_at"])
    world = World(frames, exits, np.random.default_rng(seed), strength, [])
    how(world)
    for each, frame in world.frames.items():
        (out / f"{each}.parquet").unlink()
        if suffix == "csv":
            frame.to_csv(out / f"{each}.csv", index=False)
        else:
            frame.to_parquet(out / f"{each}.parquet", index=False)
    _describe(out / "dataset.toml", world.immutable)
    return out


def _describe(path: Path, immutable: list[str]) -> None:
    words = "".join(f', "{name}"' for name in immutable)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"language"]', f'"language"{words}]'), encoding="utf-8")
