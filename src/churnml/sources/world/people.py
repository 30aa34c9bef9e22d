"""Customers as they are: size, habits, temper. Nothing here changes over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churnml.sources.world.parameters import Floats, Ints, World
from churnml.sources.world.tables import pick
from churnml.sources.world.words import Words

#: How likely each frailty class arrived through each channel (partner ... referral).
CHANNEL_BY_FRAILTY = np.array(
    [[0.28, 0.24, 0.22, 0.08, 0.18], [0.20, 0.25, 0.22, 0.19, 0.14], [0.12, 0.22, 0.20, 0.36, 0.10]]
)
#: Parameters of log seats by segment.
SEATS = np.array([[1.6, 0.5], [3.0, 0.5], [4.4, 0.5]])
PLAN_BY_SEGMENT = np.array(
    [[0.55, 0.40, 0.05, 0.0], [0.05, 0.50, 0.40, 0.05], [0.0, 0.10, 0.45, 0.45]]
)


@dataclass(frozen=True)
class People:
    """Lasting traits of some customers, all of shape (n_customers,)."""

    number: Ints
    frailty: Ints
    segment: Ints
    plan: Ints
    seats: Ints
    price: Floats
    billing_days: Ints
    region: Ints
    industry: Ints
    channel: Ints
    russian: NDArray[np.bool_]
    owner: Ints
    sessions: Floats
    length: Floats
    depth: Floats
    features: Ints
    users: Ints
    exporting: Floats
    tickets: Floats
    messages: Floats
    tone: Floats
    nps: Floats
    responsive: Floats
    late_payer: Floats

    def __len__(self) -> int:
        return len(self.number)

    @property
    def types(self) -> Ints:
        """Row of the chain each customer follows."""
        return self.frailty * len(SEATS) + self.segment

    @property
    def ids(self) -> NDArray[np.object_]:
        """Customer ids."""
        return np.array([f"C{number:06d}" for number in self.number.tolist()], dtype=object)


def draw_people(world: World, words: Words, numbers: Ints, rng: np.random.Generator) -> People:
    """Customers with these running numbers."""
    count = len(numbers)
    rules, names = world["population"], words.names["customers"]
    frailty = pick(np.tile(world["frailty"]["share"], (count, 1)), rng.random(count))
    segment = pick(np.tile(rules["segment_share"], (count, 1)), rng.random(count))
    plan = pick(PLAN_BY_SEGMENT[segment], rng.random(count))
    seats = np.exp(rng.normal(*SEATS[segment].T)).round().clip(min=2).astype(np.int64)
    activity = np.exp(rng.normal(0.0, rules["activity_sigma"], size=count))
    crowd = (seats / 8.0) ** 0.35
    talkative = np.exp(rng.normal(0, 0.7, size=count)) * (
        rng.random(count) >= rules["silent_share"]
    )
    jitter = np.exp(rng.normal(0, 0.5, size=count))
    exporter = rng.random(count) < 0.25
    return People(
        number=numbers,
        frailty=frailty,
        segment=segment,
        plan=plan,
        seats=seats,
        price=np.array(names["plan_price"])[plan] * np.exp(rng.normal(0, 0.15, size=count)),
        billing_days=np.where((segment == 2) & (rng.random(count) < 0.4), 90, 30),
        region=rng.integers(len(names["regions"]), size=count),
        industry=rng.integers(len(names["industries"]), size=count),
        channel=pick(CHANNEL_BY_FRAILTY[frailty], rng.random(count)),
        russian=rng.random(count) < names["russian_share"],
        owner=rng.integers(len(names["owners"]), size=count),
        sessions=rules["sessions_per_week"] * activity * crowd,
        length=18.0 * np.exp(rng.normal(0, 0.35, size=count)),
        depth=rng.beta(3.0, 8.0, size=count),
        features=rng.integers(4, len(words.names["events"]["plain"]) + 1, size=count),
        users=(1 + seats * rng.beta(2, 5, size=count)).astype(np.int64),
        exporting=np.where(exporter, 3.0, 0.6) * np.exp(rng.normal(0, 0.5, size=count)),
        tickets=rules["tickets_per_week"] * activity**0.4 * crowd**0.5 * jitter,
        messages=rules["messages_per_week"] * crowd**0.5 * talkative,
        tone=rng.normal(0.35, 0.5, size=count),
        nps=rng.normal(7.9, 1.0, size=count),
        responsive=rng.normal(0.0, 0.8, size=count),
        late_payer=rng.normal(-2.6, 0.9, size=count),
    )  # fmt: skip
