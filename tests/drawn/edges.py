"""A world of every table, its rows drawn at the edges of time: windows, arrivals, midnights."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from churnml.contract import TABLES

T0 = pd.Timestamp("2026-01-05")
PEOPLE = [f"c{number}" for number in range(8)]
# Hours from T0 at which windows begin and end, and their neighbours.
EDGES = [-30 * 168, -12 * 168, -8 * 168, -4 * 168, -2 * 168, -168, 0, 168, 2 * 168]
NEAR = [pd.Timedelta(0), pd.Timedelta(microseconds=1), pd.Timedelta(microseconds=-1),
        pd.Timedelta(hours=5), pd.Timedelta(hours=-5)]  # fmt: skip
DELAYS = [pd.Timedelta(0), pd.Timedelta(microseconds=1), pd.Timedelta(days=-4),
          pd.Timedelta(days=3), pd.Timedelta(days=11), pd.Timedelta(days=40)]  # fmt: skip
WORDS = {
    "name": ["login", "report", "export", "pricing", "odd"],
    "category": ["billing", "export", "bug", "complaint", "question", None],
    "attribute": ["owner", "plan"],
    "stage": ["trial", "adopted"],
    "channel": ["web", "mail", None],
    "industry": ["retail", "steel"],
    "kind": ["marketing", "onboarding", "review"],
    "recipients": ["support@vendor.example", "cfo@client.example", None],
}
# What is said: every marker, both forms of address, smiles, shouting, a language nobody reads.
SAID = [
    "Привет! Ты глянешь отчёт? Спасибо :)", "Коллеги, прошу вас уточнить сроки.",
    "Выгрузите всю базу данных в Excel.", "Слишком дорого, цена завышена.",
    "В Зендеск эта кнопка зелёная.", "Надеюсь, в этот раз получится.",
    "Это последний раз, когда мы просим.", "We want to cancel our subscription.",
    "Let me speak to your manager.", "I have already explained this to your colleague.",
    "Our budget was cut, fewer seats please.", "THE INVOICE IS WRONG!!! WHY?",
    "Danke, aber das ist nicht richtig, bitte helfen Sie mir.", "ok",
]  # fmt: skip
ANSWERED = ["See https://help.example/docs/12", "We are working on it.", "Fixed, please try."]
DESCRIPTION = {
    "competitors": {"names": [["Zendesk", "Зендеск"]]},
    "timezone": "Asia/Tokyo",
    "events": {
        "login": ["login"], "key": ["report"], "export": ["export"], "pricing": ["pricing"],
    },
    "churn": {"activity": ["report", "login"]},
    "tables": {"events": {"covers": "region = 'EU'"}},
}  # fmt: skip


class World:
    """Rows of every table drawn at the edges of time."""

    def __init__(self, seed: int, rows: int) -> None:
        self.rng, self.speech = np.random.default_rng(seed), np.random.default_rng(seed)
        self.tickets = [f"t{number}" for number in range(3 * rows)]
        self.contacts = [f"k{number}" for number in range(5 * len(PEOPLE))]
        self.tables = {name: self._table(name, rows) for name in TABLES if name != "calendar"}

    def _pick(self, values):
        return values[int(self.rng.integers(len(values)))]

    def _time(self):
        if self.rng.random() < 0.5:
            return T0 + pd.Timedelta(hours=self._pick(EDGES)) + self._pick(NEAR)
        return T0 + pd.Timedelta(hours=int(self.rng.integers(-40 * 168, 5 * 168)))

    def _value(self, table, column, number):
        if column.name == "customer_id":
            in_turn = table.name in ("customers", "contacts")
            return PEOPLE[number % len(PEOPLE)] if in_turn else self._pick(PEOPLE)
        own_keys = {"tickets": self.tickets, "contacts": self.contacts}
        if table.key == (column.name,):
            return own_keys.get(table.name, [f"{column.name}{n}" for n in range(number + 1)])[
                number
            ]
        pools = {
            "ticket_id": self.tickets, "contact_id": self.contacts,
            "user_id": ["u1", "u2", "u3", None], "session_id": ["s1", "s2", "s3", "s4", None],
        }  # fmt: skip
        if column.name in pools:
            return self._pick(pools[column.name])
        if column.kind == "time":
            return self._time() if column.required or self.rng.random() < 0.7 else None
        if column.kind == "number":
            return self._pick([0.0, 1.5, 3.0, 9.0, 10.0, 123.456, None])
        if column.kind == "integer":
            return self._pick([1, 5, 30, None])
        if column.kind == "flag":
            return bool(self.rng.random() < 0.5)
        return self._pick(list(column.values) or WORDS.get(column.name, ["one", "two", None]))

    def _text(self, row, person):
        """What is said: some go over to the polite address, others say the same again and again."""
        said = SAID[3 * person - 7 : 3 * person - 4] or SAID[2:3]
        if row["author"] != "customer":
            said = [*ANSWERED, f"as agreed, {'abcdefgh'[person]}"]
        elif person < 3:
            said = SAID[:1] if row["sent_at"] < T0 - pd.Timedelta(weeks=4) else SAID[1:]
        return said[int(self.speech.integers(len(said)))]

    def _table(self, name, rows):
        table = TABLES[name]
        counts = {"customers": len(PEOPLE), "tickets": len(self.tickets),
                  "contacts": len(self.contacts), "events": 6 * rows, "messages": 4 * rows,
                  "ticket_events": 6 * rows}  # fmt: skip
        made = []
        for number in range(counts.get(name, rows)):
            row = {c.name: self._value(table, c, number) for c in table.columns}
            row[table.time] = row[table.time] or self._time()
            if name == "messages":
                person = PEOPLE.index(row["customer_id"])
                row["contact_id"] = self.contacts[person + len(PEOPLE) * self._pick(range(5))]
                row["text"] = self._text(row, person)
            if name == "tickets" and row["customer_id"] == "c6":
                row["opened_at"] = T0 - pd.Timedelta(weeks=int(self.rng.integers(14, 26)))
            if name == "subscriptions" and made and self.rng.random() < 0.5:
                before = made[-1]
                if before["ended_at"] is not None and before["mrr"]:
                    row["customer_id"] = before["customer_id"]
                    row["started_at"], row["mrr"] = before["ended_at"], before["mrr"] / 2
            if name == "obligations":
                row["due_at"] = row["due_at"] or row["announced_at"]
            made.append({**row, "known_at": row[table.time] + self._pick(DELAYS)})
        return made


def snapshots(as_ofs):
    pairs = list(product(PEOPLE, as_ofs))
    starts = {who: T0 - pd.Timedelta(days=40 * n) for n, who in enumerate(PEOPLE)}
    return pd.DataFrame(
        [{"customer_id": who, "as_of": at, "spell_started_at": starts[who]} for who, at in pairs]
    )


def dataset(dataset_of, tables):
    """The tables opened, with a customer whom the feed of events does not cover."""
    made = dataset_of(tables, until="2026-06-01", description=DESCRIPTION)
    made.connection.execute(
        "insert into coverage select customer_id, 'events', customer_id <> 'c7' from customers"
    )
    return made
