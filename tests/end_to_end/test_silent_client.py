"""The client of the first source: warm for half a year, cold within a week, three export requests.

A company is simulated, and clients are written into it who left after such words and tickets, one
sign or two at a time, and as many who wrote as much and stayed. A model learns from them. Then a
Russian and an English client show all the signs in one week, use the product as ever, and must be
alerted for just these reasons.
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
from churnml.config import Folds, Model, Study
from churnml.evaluation.forward import Fitting
from churnml.features import feature_digest
from churnml.model.bundle import Bundle
from churnml.model.examples import prepare
from churnml.scoring import features_for
from churnml.sources import open_dataset
from churnml.sources.world import simulate
from churnml.text.hearing import heard

AS_OF = pd.Timestamp("2025-01-06")
DAY, HOUR = pd.Timedelta(days=1), pd.Timedelta(hours=1)
LANGUAGES = ("ru", "en")
CLIENTS = {language: f"silent-{language}" for language in LANGUAGES}
FORMER = 40
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
    "ru": ("Добрый день. Прошу уточнить сроки.", "Добрый день. Не решено. Прошу сообщить дату."),
    "en": (
        "Good afternoon. Please clarify the terms.",
        "Good afternoon. Not resolved. Please state the date.",
    ),
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
FORMAL = {"ru": "Это описано здесь: https://help.example/ru/docs/{n}",
          "en": "This is described here: https://help.example/docs/{n}"}  # fmt: skip
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
            asks = [*asks, EXPORT[language][number]]
        category = "export" if "export" in signs else "question"
        tickets.append({"ticket_id": ticket, "opened_at": opened, "category": category})
        kinds = {"replied": 4, "resolved": 8}
        if "reopened" in signs:
            kinds |= {"reopened": 24, "resolved again": 30}
        steps += [
            {"ticket_id": ticket, "kind": kind.split()[0], "event_time": opened + hours * HOUR}
            for kind, hours in kinds.items()
        ]
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
    """Customers of long standing who stay to the end and use the product as ever."""
    open_ones = tables["subscriptions"].query("ended_at.isna()")["customer_id"]
    old = tables["customers"]["signed_up_at"] < AS_OF - 400 * DAY
    names = tables["customers"][old]["customer_id"]
    events = tables["events"]
    used = [
        events[events["event_time"].between(AS_OF - first * DAY, AS_OF - last * DAY)]
        .value_counts("customer_id").reindex(names, fill_value=0)
        for first, last in ((28, 0), (84, 56), (168, 140))
    ]  # fmt: skip
    calm = (used[0] >= 0.9 * used[1]) & (used[0] >= 0.9 * used[2]) & (used[1] > 0)
    return sorted(set(names[calm.to_numpy()]) & set(open_ones))


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
        paid = found["subscriptions"]
        paid = paid[paid["started_at"] < until].copy()
        last = ~(paid["ended_at"] < until)
        paid.loc[last, ["ended_at", "end_reason"]] = [until, "voluntary"]
        found["subscriptions"] = paid
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
        until, language = AS_OF - (70 + 4 * number) * DAY, LANGUAGES[number // 2 % 2]
        signs = frozenset((kinds * 2)[number % 3 :][: 1 + number // 3 % 3])
        add(f"former-{number}", language, signs, until, until + 28 * DAY)
        add(f"content-{number}", language, frozenset(), until, None)
    for language, customer in CLIENTS.items():
        add(customer, language, frozenset(kinds), AS_OF, None)
    to.mkdir()
    (to / "dataset.toml").write_bytes((data / "dataset.toml").read_bytes())
    for name, found in parts.items():
        pd.concat(found, ignore_index=True).to_parquet(to / f"{name}.parquet")


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> tuple[Path, Path]:
    """The data with the clients in it, and the model that learned from what was known."""
    folder = tmp_path_factory.mktemp("company")
    simulate(folder / "world", customers=110, weeks=56, seed=11)
    data = folder / "data"
    write_clients(folder / "world" / "data", data)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        study = Study(folds=Folds(blocks=1), model=Model(final_seeds=1))
        dataset = open_dataset(data, known_until=AS_OF)
        examples, folds = prepare(dataset, study=study, cache=folder / "cache", say=lambda _: None)
        bundle = Bundle(
            ensemble=Fitting.of(study, parameters=None).fit(examples, folds=folds, tested=AS_OF),
            dataset=dataset.description.name, study=study.model_dump(mode="json"),
            feature_names=tuple(examples.features.columns),
            feature_digest=feature_digest(examples.catalogue), data_digest=dataset.digest,
            data_from=examples.as_ofs.min(), data_until=AS_OF, metrics={},
            message_risk=examples.message_risk,
        )  # fmt: skip
        bundle.save(folder / "model")
    return data, folder / "model"


@pytest.fixture(scope="module")
def alerts(company, tmp_path_factory) -> pd.DataFrame:
    """What the command line alerts, by customer, from the scores that the bundle gives.

    Messages are heard in scoring as they were in training: probabilities are equal to the last bit.
    """
    data, model = company
    folder = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_json(patch, "score", str(data), "--as-of", f"{AS_OF:%Y-%m-%d}", "--model", str(model),
                 "--out", "scores.parquet")  # fmt: skip
        run_json(patch, "alerts", "scores.parquet", "--data", str(data), "--state", "state",
                 "--out", "alerts.parquet")  # fmt: skip
        found = pd.read_parquet("alerts.parquet").set_index("customer_id")
        heard_so = features_for(open_dataset(data), Bundle.load(model), [AS_OF])
        of_bundle = Bundle.load(model).predict(heard_so).droplevel("as_of")
        scores = pd.read_parquet("scores.parquet").set_index("customer_id")["probability"]
        pd.testing.assert_series_equal(scores, of_bundle, check_exact=True, check_freq=False)
    return found


@pytest.fixture(scope="module")
def said(company, tmp_path_factory) -> pd.DataFrame:
    """What the two clients said, and how."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("heard"))
        connection = heard(open_dataset(company[0])).connection
    return connection.cursor().execute(
        "select customer_id, sent_at, s.* from message_scores s join messages using (message_id) "
        "where customer_id like 'silent-%' and author = 'customer'"
    ).df()  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tone_falls_within_a_week_and_the_export_is_asked_for_three_times(said, language):
    own = said[said["customer_id"] == CLIENTS[language]]
    before, after = (part for _, part in own.groupby(own["sent_at"] >= AS_OF - 7 * DAY))

    assert before["tone"].mean() == pytest.approx(0.8, abs=0.15)
    assert after["tone"].mean() < 0.3
    assert (before["export_request"].sum(), after["export_request"].sum()) == (0, 3)
    assert after["formality"].mean() > before["formality"].mean()


#: The three reasons, in any order: the change of tone, the export, the reopened tickets.
FIRST = {
    "en": ("Tone", "export", "reopened"),
    "ru": ("Тон", "выгруз", "повторно открыт"),
}


@pytest.mark.parametrize("told", LANGUAGES)
@pytest.mark.parametrize("client", CLIENTS.values())
def test_the_alert_says_tone_export_and_reopened_tickets(alerts, client, told):
    reasons = alerts.loc[client, f"reasons_{told}"].split("; ")

    assert len(reasons) == 3
    for words in FIRST[told]:
        assert sum(words.lower() in reason.lower() for reason in reasons) == 1, reasons


@pytest.mark.parametrize("client", CLIENTS.values())
def test_the_alert_shows_the_tickets_and_messages_behind_it(alerts, client):
    evidence, lines = alerts.loc[client, "evidence"], alerts.loc[client, "text_en"].splitlines()

    assert f"{client}-T" in evidence
    assert f"{client}-M" in evidence
    assert "since" in alerts.loc[client, "reasons_en"]
    assert [line.split(":")[0] for line in lines[-4:]] == [
        "Evidence",
        "Next step",
        "Until",
        "Owner",
    ]
