"""The client of the first source: warm for half a year, cold within a week, three export requests.

A company is simulated, and clients are written into it who left after such words and tickets, one
sign or two at a time. A model learns from them. Then a Russian and an English client show all the
signs in one week, use the product as ever, and must be alerted for just these reasons.
"""

from __future__ import annotations

import io
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churnml.__main__ import main
from churnml.sources import open_dataset
from churnml.sources.world import simulate
from churnml.text.hearing import heard

AS_OF = pd.Timestamp("2025-01-06")
DAY, HOUR = pd.Timedelta(days=1), pd.Timedelta(hours=1)
LANGUAGES = ("ru", "en")
CLIENTS = {language: f"silent-{language}" for language in LANGUAGES}
FORMER = 48
STUDY = """
[folds]
blocks = 1
[model]
final_seeds = 1
[tuning]
trials = 0
"""
#: What was said while all was well, then in the last week; and what we answered.
WARM = {
    "ru": (
        "Привет! Есть вопрос :) Как поделиться отчётом с коллегами? Спасибо большое!",
        "Доброе утро! Всё отлично работает, спасибо огромное за помощь! :)",
        "Привет! Ты лучший, новый раздел просто супер, спасибо! :)",
        "Здравствуйте! Фильтры замечательные, команда очень довольна, благодарим! 😊",
        "Привет! Подскажи, пожалуйста, где календарь? Очень удобная программа, спасибо! :)",
        "Добрый день! Быстро помогли, прекрасная поддержка, спасибо вам! 👍",
    ),
    "en": (
        "Hi there! Quick question :) How do I share the report? Thanks a lot!",
        "Good morning! Everything works great, thank you so much for the help! :)",
        "Hey! You are the best, the new page is awesome, thank you! :)",
        "Hello! The filters are wonderful, the team is very happy, many thanks! 😊",
        "Hi! Where is the calendar, please? I love this tool, thank you! :)",
        "Good afternoon! Such quick help, excellent support, thanks! 👍",
    ),
}
COLD = {
    "ru": ("Коллеги, прошу уточнить сроки.", "Вопрос не решён. Прошу сообщить дату решения."),
    "en": ("Colleagues, please clarify the terms.", "Not resolved. Please state the date."),
}
EXPORT = {
    "ru": (
        "Как выгрузить базу данных в Excel?",
        "Прошу предоставить экспорт базы данных в Excel.",
        "Нужна выгрузка всей базы в Excel.",
    ),
    "en": (
        "How can we export the database to Excel?",
        "Please provide an export of the database to Excel.",
        "We need the whole database exported to Excel.",
    ),
}
HELPFUL = {"ru": "Посмотрела: вот так, {n} шага. Рада помочь!",
           "en": "I had a look: like this, {n} steps. Happy to help!"}  # fmt: skip
FORMAL = {"ru": "Это описано в документации: https://help.example/ru/docs/{n}",
          "en": "This is described in the documentation: https://help.example/docs/{n}"}  # fmt: skip
#: What becomes a key of a copied customer, and which tables are not copied.
KEYS = ("subscription_id", "contact_id", "invoice_id", "obligation_id")
OWN = ("interventions", "surveys", "messages", "tickets", "ticket_events")


def run_json(patch: pytest.MonkeyPatch, *words: str) -> dict:
    """The JSON document that a command prints on stdout."""
    stream = io.StringIO()
    patch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    assert ended.value.code == 0
    return json.loads(stream.getvalue())


def talk(
    customer: str, language: str, writer: str, *, until: pd.Timestamp, signs: frozenset[str]
) -> dict[str, pd.DataFrame]:
    """Half a year of friendly questions, then a week of three tickets with these signs."""
    said: list[tuple[pd.Timestamp, str, str, str | None]] = []
    warm = itertools.cycle(WARM[language])
    for at in pd.date_range(until - 180 * DAY, until - 8 * DAY, freq="6D"):
        said += [
            (at, "customer", next(warm), None),
            (at + 3 * HOUR, "staff", HELPFUL[language], None),
        ]
    tickets, steps = [], []
    for number in range(3):
        ticket, opened = f"{customer}-T{number}", until - (7 - 2 * number) * DAY
        asks = [COLD[language][number % 2] if "tone" in signs else next(warm)]
        if "export" in signs:
            asks = [EXPORT[language][number], *asks[: "tone" in signs]]
        category = "export" if "export" in signs else "question"
        tickets.append({"ticket_id": ticket, "opened_at": opened, "category": category})
        kinds = {"replied": 4, "resolved": 8}
        if "reopened" in signs:
            kinds |= {"reopened": 24, "resolved again": 30}
        steps += [{"ticket_id": ticket, "kind": kind.split()[0], "event_time": opened + hours * HOUR}
                  for kind, hours in kinds.items()]  # fmt: skip
        answer = FORMAL if "tone" in signs else HELPFUL
        said += [(opened, "customer", " ".join(asks), ticket),
                 (opened + 4 * HOUR, "staff", answer[language], ticket)]  # fmt: skip
    messages = [
        {"message_id": f"{customer}-M{n}", "sent_at": at, "author": author, "ticket_id": ticket,
         "text": text.format(n=n), "channel": "email",
         "contact_id": writer if author == "customer" else None}
        for n, (at, author, text, ticket) in enumerate(said)
    ]  # fmt: skip
    return {"messages": pd.DataFrame(messages).assign(customer_id=customer),
            "tickets": pd.DataFrame(tickets).assign(customer_id=customer, channel="email"),
            "ticket_events": pd.DataFrame(steps).assign(author="felix.m")}  # fmt: skip


def steady(tables: dict[str, pd.DataFrame]) -> list[str]:
    """Customers of long standing who stay to the end."""
    open_ones = tables["subscriptions"].query("ended_at.isna()")["customer_id"]
    old = tables["customers"]["signed_up_at"] < AS_OF - 400 * DAY
    names = tables["customers"][old]["customer_id"]
    return sorted(names[names.isin(open_ones)])


def copied(
    tables: dict[str, pd.DataFrame], donor: str, customer: str, *, until: pd.Timestamp | None
) -> dict[str, pd.DataFrame]:
    """The donor's rows as another customer's, whose contract ends then."""
    found = {}
    for name, frame in tables.items():
        if "customer_id" in frame and name not in OWN:
            own = frame[frame["customer_id"] == donor].assign(customer_id=customer)
            for column in own.columns.intersection(KEYS):
                own[column] = customer + own[column]
            found[name] = own
    if until is not None:
        last = found["subscriptions"]["ended_at"].isna()
        found["subscriptions"].loc[last, ["ended_at", "end_reason"]] = [until, "voluntary"]
        found["events"] = found["events"][found["events"]["event_time"] < until]
    return found


def write_clients(data: Path, to: Path) -> None:
    """The data with former clients who left, and the two who are about to."""
    tables = {path.stem: pd.read_parquet(path) for path in sorted(data.glob("*.parquet"))}
    parts = {name: [frame] for name, frame in tables.items()}
    rng, donors = np.random.default_rng(3), steady(tables)

    def add(customer: str, language: str, signs: frozenset[str], until: pd.Timestamp,
            left: pd.Timestamp | None) -> None:  # fmt: skip
        donor = donors[int(rng.integers(len(donors)))]
        contacts = tables["contacts"].query("customer_id == @donor and active_until.isna()")
        writer = customer + contacts.sort_values("contact_id")["contact_id"].iloc[0]
        found = copied(tables, donor, customer, until=left)
        for name, own in (
            found | talk(customer, language, writer, until=until, signs=signs)
        ).items():
            parts[name].append(own)

    kinds = ["tone", "export", "reopened"]
    for number in range(FORMER):
        until = AS_OF - (70 + 4 * number) * DAY
        signs = frozenset(kinds) - {kinds[number % 3]} if number % 2 else {kinds[number % 3]}
        add(
            f"former-{number}",
            LANGUAGES[number // 2 % 2],
            frozenset(signs),
            until,
            until + 28 * DAY,
        )
    for language, customer in CLIENTS.items():
        add(customer, language, frozenset(kinds), AS_OF, None)
    to.mkdir()
    (to / "dataset.toml").write_bytes((data / "dataset.toml").read_bytes())
    for name, found in parts.items():
        pd.concat(found, ignore_index=True).to_parquet(to / f"{name}.parquet")
