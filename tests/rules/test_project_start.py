"""`churnml init`: what files are is guessed, said with how sure that is, and never overwritten."""

from __future__ import annotations

import gzip
import json
import tomllib
from datetime import date, timedelta
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from churnml.__main__ import main
from churnml.config import Study, parse, read_study
from churnml.errors import InputError
from churnml.project import start_project
from churnml.project.start import NOTEBOOK
from churnml.sources import Description, check, open_dataset, read_description
from churnml.sources.guessing import guess_mapping
from churnml.sources.guessing.profile import profile_columns
from churnml.sources.guessing.words import nearness, synonyms, words_of
from churnml.sources.guessing.writing import description_toml

DAYS = [date(2025, 1, 13) + timedelta(days=each) for each in range(120)]


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def russian(folder: Path) -> list[Path]:
    """An export as a Russian office program writes it: cp1251, semicolons, commas, day first."""
    clients = "".join(f"Кл-{n};ООО «Ромашка {n}»;Москва;01.02.2024;Иванова\n" for n in range(20))
    contracts = "".join(
        f"Д-{n};Кл-{n};01.02.2024;{'15.04.2025' if n < 4 else ''};1 234,50;Базовый\n"
        for n in range(20)
    )
    tickets = "".join(f"{n};Кл-{n % 20};{day:%d.%m.%Y} 10:30;\n" for n, day in enumerate(DAYS[::3]))
    letters = "".join(
        f"{n};Кл-{n % 20};{day:%d.%m.%Y} 09:15;{'клиент' if n % 2 else 'оператор'};Добрый день\n"
        for n, day in enumerate(DAYS[::3])
    )
    visits = [
        written(
            folder, f"действия_2025-{month:02d}.csv",
            "Клиент;Дата и время;Действие\n"
            + "".join(f"Кл-{n};{day:%d.%m.%Y} 08:00:05;Вход\n" for day in DAYS if day.month == month
                      for n in range(20)), "cp1251",
        )
        for month in (1, 2, 3, 4, 5)
    ]  # fmt: skip
    return [
        written(folder, "Клиенты.csv",
                "Код клиента;Наименование;Город;Дата регистрации;Менеджер\n" + clients, "cp1251"),
        written(folder, "Договоры.csv", "Номер договора;Клиент;Дата начала;Дата окончания;"
                "Абонентская плата;Тариф\n" + contracts, "cp1251"),
        written(folder, "Обращения.csv",
                "Номер обращения;Клиент;Дата создания;Дата закрытия\n" + tickets, "cp1251"),
        written(folder, "Переписка.csv",
                "Номер сообщения;Клиент;Отправлено;Автор;Текст\n" + letters, "cp1251"),
        *visits,
    ]  # fmt: skip


def columns(guess, table: str) -> dict[str, str]:
    (found,) = guess.of(table)
    return {one.column: one.source for one in found.columns.values()}


def test_files_with_russian_headings_become_the_canonical_tables(tmp_path):
    guess = guess_mapping(russian(tmp_path))

    assert columns(guess, "customers") == {
        "customer_id": "Код клиента", "signed_up_at": "Дата регистрации", "name": "Наименование",
        "owner": "Менеджер", "region": "Город",
    }  # fmt: skip
    assert columns(guess, "subscriptions") == {
        "subscription_id": "Номер договора", "customer_id": "Клиент", "started_at": "Дата начала",
        "ended_at": "Дата окончания", "plan": "Тариф", "mrr": "Абонентская плата",
    }  # fmt: skip
    assert columns(guess, "tickets")["opened_at"] == "Дата создания"
    assert columns(guess, "messages")["author"] == "Автор"
    assert guess.of("events")[0].file.pattern == "действия_2025-*.csv"
    assert guess.roles == {"login": ("Вход",)}
    assert guess.churn == "contract"
    assert guess.unused == {}


def german(folder: Path) -> list[Path]:
    """An export as a German office program writes it: cp1252, semicolons, commas, day first."""
    clients = "".join(f"00{n};Müller {n};Elektro;01.02.2024;aktiv\n" for n in range(20))
    contracts = "".join(
        f"V-{n};00{n};01.02.2024;{'15.04.2025' if n < 4 else ''};1.234,50;Profi\n"
        for n in range(20)
    )
    tickets = "".join(
        f"T{n};00{n % 20};{day:%d.%m.%Y} 10:30;;Störung\n" for n, day in enumerate(DAYS[::3])
    )
    bills = "".join(f"R-{n};00{n};01.03.2025;15.03.2025;;1.234,50;EUR\n" for n in range(20))
    usage = "".join(f"00{n};{day}T08:00:05+02:00;Anmeldung\n" for day in DAYS for n in range(20))
    return [
        written(folder, name, f"{heading}\n{rows}", "cp1252")
        for name, heading, rows in (
            ("Kunden.csv", "KundenNr;Firma;Gewerk;RegistriertAm;Status", clients),
            ("Verträge.csv", "VertragsNr;KundenNr;Beginn;Ende;Monatspreis;Tarif", contracts),
            ("Tickets.csv", "TicketNr;KdNr;Eröffnet;Geschlossen;Kategorie", tickets),
            ("Rechnungen.csv", "RechnungsNr;KdNr;Datum;FälligAm;BezahltAm;Betrag;Währung", bills),
            ("Nutzung.csv", "kunden_nr;zeitpunkt;aktion", usage),
        )
    ]


def test_files_with_german_headings_become_the_canonical_tables(tmp_path):
    guess = guess_mapping(german(tmp_path))

    assert columns(guess, "customers") == {
        "customer_id": "KundenNr", "signed_up_at": "RegistriertAm", "name": "Firma",
        "industry": "Gewerk",
    }  # fmt: skip
    assert columns(guess, "subscriptions") == {
        "subscription_id": "VertragsNr", "customer_id": "KundenNr", "started_at": "Beginn",
        "ended_at": "Ende", "plan": "Tarif", "mrr": "Monatspreis",
    }  # fmt: skip
    assert columns(guess, "tickets")["opened_at"] == "Eröffnet"
    assert columns(guess, "tickets")["resolved_at"] == "Geschlossen"
    assert columns(guess, "invoices") == {
        "invoice_id": "RechnungsNr", "customer_id": "KdNr", "issued_at": "Datum",
        "amount": "Betrag", "due_at": "FälligAm", "paid_at": "BezahltAm",
    }  # fmt: skip
    assert guess.roles == {"login": ("Anmeldung",)}
    assert (guess.currency, guess.currency_told, guess.churn) == ("EUR", True, "contract")
    assert guess.unused == {}


def test_names_of_events_are_guessed_as_they_are_written_so_that_they_are_found(tmp_path):
    start_project(tmp_path / "p", german(tmp_path / "data"))
    dataset = open_dataset(tmp_path / "data", dataset_file=tmp_path / "p" / "dataset.toml")

    (login,) = dataset.description.events["login"]
    assert (dataset.frame("events")["name"] == login).all()
    assert not [one for one in dataset.findings if one.rule == "unheard_name"]


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ('login = ["anmeldung"]', ['capitals count: login = ["Anmeldung"]']),
        ('login = ["Anmeldung", "login"]', []),  # an older name may be gone
        ('key = ["Angebot"]', ["no event is called 'Angebot', as [events] key has it"]),
    ],
)
def test_a_name_that_no_event_bears_is_found_by_the_gate(tmp_path, roles, said):
    start_project(tmp_path / "p", german(tmp_path / "data"))
    mapping = tmp_path / "p" / "dataset.toml"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text.replace('login = ["Anmeldung"]', roles), encoding="utf-8")

    found = check(tmp_path / "data", dataset_file=mapping).findings
    told = [one.message for one in found if one.rule == "unheard_name"]

    assert len(told) == len(said)
    assert all(part in message for part, message in zip(said, told, strict=True))


def test_a_project_of_russian_files_is_fit_and_reads_dates_numbers_and_words(tmp_path):
    project = start_project(tmp_path / "ромашка", russian(tmp_path / "выгрузка"))
    mapping = tmp_path / "ромашка" / "dataset.toml"
    data = tmp_path / "выгрузка"

    report = check(data, dataset_file=mapping)
    assert report.ok
    assert {one.table: one.quarantined for one in report.tables} == dict.fromkeys(
        ["customers", "subscriptions", "events", "tickets", "messages"], 0
    )
    dataset = open_dataset(data, dataset_file=mapping)
    contract = dataset.frame("subscriptions").set_index("customer_id").loc["Кл-0"]
    assert (contract["mrr"], contract["ended_at"]) == (1234.5, pd.Timestamp("2025-04-15"))
    assert set(dataset.frame("messages")["author"]) == {"customer", "staff"}
    assert dataset.frame("events")["event_time"].max() == pd.Timestamp("2025-05-12 08:00:05")
    assert len(dataset.frame("events")) == 20 * len(DAYS)
    assert project.written[0] == Path("dataset.toml")


def one_list(folder: Path, *, encoding: str = "cp1251") -> Path:
    """Clients, their contracts, prices and seats in one file, with an office's hard spaces."""
    rows = "".join(
        f"К-{n};ООО «Ёлка»;01.02.2024;{'15.04.2025' if n < 4 else ''};Про;12\u00a0500,00;{n};да\n"
        for n in range(1, 10)
    )
    heading = (
        "Код клиента;Название;Дата подключения;Дата отключения;Тариф;Абонплата в месяц;Мест;VIP\n"
    )
    return written(folder, "Клиенты.csv", heading + rows, encoding)


def test_prices_and_seats_in_a_list_of_clients_reach_their_contracts(tmp_path):
    one_list(tmp_path / "data")
    start_project(tmp_path / "p", [tmp_path / "data"])

    dataset = open_dataset(tmp_path / "data", dataset_file=tmp_path / "p" / "dataset.toml")

    contract = dataset.frame("subscriptions").set_index("customer_id").loc["К-3"]
    assert (contract["subscription_id"], contract["mrr"], contract["seats"]) == ("К-3", 12500.0, 3)
    assert contract["ended_at"] == pd.Timestamp("2025-04-15")
    assert not any("Дата отключения" in notice for notice in dataset.notices)


def test_columns_that_no_table_reads_are_listed_at_the_end_of_the_mapping(tmp_path):
    guess = guess_mapping([one_list(tmp_path)])

    assert guess.unused_columns() == {"Клиенты.csv": ["VIP"]}
    assert description_toml(guess, name="p").endswith(
        "# Not used, since no table has a place for them:\n# - Клиенты.csv: VIP\n"
    )


def test_a_column_that_systems_overwrite_is_mapped_and_said_to_be_unread_by_everyone(tmp_path):
    rows = "".join(
        f"{n};К{n};2025-05-0{n};{'Срочно' if n % 2 else 'Обычно'}\n" for n in range(1, 10)
    )
    file = written(tmp_path / "data", "Обращения.csv", "Номер;Клиент;Создано;Приоритет\n" + rows)
    project = start_project(tmp_path / "p", [file])

    assert project.as_json()["tables"][0]["unread"] == ["priority"]
    assert "unless [tickets] immutable lists it" in (tmp_path / "p/dataset.toml").read_text("utf-8")
    report = check(tmp_path / "data", dataset_file=tmp_path / "p/dataset.toml")
    told = [notice for notice in report.notices if "Приоритет" in notice]
    assert len(told) == 1
    assert told[0].startswith("tickets: Приоритет (priority) ignored: most systems overwrite them")


def test_of_clients_with_several_contracts_customer_and_start_are_the_key(tmp_path):
    rows = "".join(f"К-{n % 5};{n + 1:02d}.02.2024;;100,50\n" for n in range(10))
    heading = "Клиент;Дата начала;Дата окончания;Абонплата\n"
    written(tmp_path / "data", "Договоры.csv", heading + rows, "cp1251")
    start_project(tmp_path / "p", [tmp_path / "data"])

    report = check(tmp_path / "data", dataset_file=tmp_path / "p" / "dataset.toml")
    found = {one.table: (one.rows_in, one.quarantined) for one in report.tables}
    assert found == {"subscriptions": (10, 0)}
    assert [(one.rule, one.severity) for one in report.findings] == [("encoding", "info")]


def test_the_currency_is_asked_unless_a_heading_says_it(tmp_path):
    asked = "No heading says in which currency amounts are: is it RUB?"
    told = written(tmp_path / "b", "orders.csv", "customer,order date,total usd\n1,2025-05-01,3\n")

    assert asked in guess_mapping([one_list(tmp_path / "a")]).open_questions()
    assert "currency" not in " ".join(guess_mapping([told]).open_questions())


def test_clean_files_of_an_office_program_end_the_check_with_zero(tmp_path, capsys):
    one_list(tmp_path / "data")
    start_project(tmp_path / "p", [tmp_path / "data"])
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "check",
                str(tmp_path / "data"),
                "--dataset",
                str(tmp_path / "p/dataset.toml"),
                "--json",
            ]
        )

    content = json.loads(capsys.readouterr().out)
    assert {(one["rule"], one["rows"], one["severity"]) for one in content["findings"]} == {
        ("encoding", 9, "info")
    }
    assert "Windows-1251" in content["findings"][0]["message"]
    assert ended.value.code == 0


def test_what_was_written_is_read_by_everything_that_reads_it(tmp_path):
    project = start_project(tmp_path / "p", russian(tmp_path / "data"))
    folder = tmp_path / "p"

    assert read_description(folder / "dataset.toml").name == "p"
    assert read_study(folder / "experiments/studies/default.toml") == Study(data="../data")
    policy = tomllib.loads((folder / "policy.toml").read_text(encoding="utf-8"))
    assert parse(Study, {"alerts": policy}, where="policy").alerts.load_days == 7
    notebook = nbformat.read(folder / f"{NOTEBOOK}.ipynb", as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            compile(cell.source, "cell", "exec")
    assert project.commands[0] == "churnml check ../data --dataset dataset.toml"
    assert "To be decided" in (folder / "dataset.toml").read_text(encoding="utf-8")


def test_files_inside_the_project_have_their_mapping_beside_them(tmp_path):
    russian(tmp_path / "p" / "data")
    project = start_project(tmp_path / "p")

    assert project.commands[:2] == (
        "churnml check data", "churnml train --trials 0 --out model",
    )  # fmt: skip
    assert "--model model" in project.commands[2]
    assert (tmp_path / "p" / "data" / "dataset.toml").is_file()
    assert check(tmp_path / "p" / "data").ok


def test_nothing_is_ever_overwritten(tmp_path, capsys):
    files = russian(tmp_path / "data")
    written(tmp_path / "p", "README.md", "mine")
    with pytest.raises(SystemExit) as ended:
        main(["init", str(tmp_path / "p"), "--from", str(files[0])])

    assert ended.value.code == 2
    assert "README.md" in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["README.md"]
    assert (tmp_path / "p" / "README.md").read_text() == "mine"


def test_without_files_the_project_says_which_are_needed(tmp_path):
    project = start_project(tmp_path / "p")

    assert read_description(tmp_path / "p" / "data" / "dataset.toml") == Description(name="p")
    assert "subscriptions.csv" in (tmp_path / "p" / "data" / "dataset.toml").read_text()
    assert project.as_json()["tables"] == []


def test_files_as_a_shell_spells_them_out_are_all_read_and_json_says_how_sure(tmp_path, capsys):
    files = [str(path) for path in russian(tmp_path / "data")]
    with pytest.raises(SystemExit) as ended:
        main(["init", str(tmp_path / "p"), "--from", *files, "--json"])

    content = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert [one["table"] for one in content["tables"]] == [
        "customers", "subscriptions", "events", "tickets", "messages",
    ]  # fmt: skip
    assert content["tables"][0]["columns"][0] == {
        "column": "customer_id", "source": "Код клиента", "confidence": 0.9, "why": "by its name",
    }  # fmt: skip
    assert {"project", "data", "written", "unused", "churn", "open", "next"} <= set(content)


def test_a_list_of_clients_with_their_contracts_is_both_tables(tmp_path):
    rows = "".join(f"{n},2024-01-{n + 1:02d},,50\n" for n in range(9))
    file = written(tmp_path, "clients.csv", "client id,start date,end date,monthly fee\n" + rows)
    guess = guess_mapping([file])

    assert columns(guess, "customers")["signed_up_at"] == "start date"
    assert set(columns(guess, "subscriptions")) >= {"subscription_id", "customer_id", "started_at"}


def test_an_empty_end_column_is_taken_by_its_name(tmp_path):
    rows = "".join(f"{n},2024-01-{n + 1:02d},\n" for n in range(9))
    file = written(tmp_path, "contracts.csv", "client,start,end\n" + rows)
    guess = guess_mapping([file])

    assert columns(guess, "subscriptions")["ended_at"] == "end"


def test_who_left_must_be_told_by_something(tmp_path):
    rows = "".join(f"{n},2024-01-{n + 1:02d},berlin\n" for n in range(9))
    file = written(tmp_path, "customers.csv", "customer,signup date,city\n" + rows)

    assert "Nothing tells who left" in guess_mapping([file]).open_questions()[0]


def test_silence_is_churn_where_there_are_purchases_only_and_that_is_asked(tmp_path):
    rows = "".join(f"{n % 5};{day:%d/%m/%Y};{n},50\n" for n, day in enumerate(DAYS[:9]))
    guess = guess_mapping([written(tmp_path, "orders.csv", "customer;order date;total\n" + rows)])

    assert guess.churn == "inactivity"
    assert guess.roles == {"purchase": ("purchase",)}
    asked = " ".join(guess.open_questions())
    assert "90 days" in asked


def test_visits_are_events_and_a_list_of_payments_is_billed_on_the_day_it_is_paid(tmp_path):
    clients = [f"К-{n}" for n in range(20)]
    visits = [
        f"{client};{day:%d.%m.%Y} 19:{n:02};{('вход', 'бассейн')[n % 2]}"
        for day in DAYS[::10] for n, client in enumerate(clients)
    ]  # fmt: skip
    payments = [
        f"П{n};{client};{day:%d.%m.%Y};2490,50"
        for n, (day, client) in enumerate((day, client) for day in DAYS[::30] for client in clients)
    ]
    written(tmp_path, "Посещения.csv", "Клиент;Время визита;Вид\n" + "\n".join(visits), "cp1251")
    written(tmp_path, "Платежи.csv", "№ платежа;Код клиента;Дата оплаты;Сумма\n"
            + "\n".join(payments), "cp1251")  # fmt: skip

    guess = guess_mapping([tmp_path])

    assert columns(guess, "events") == {
        "customer_id": "Клиент", "event_time": "Время визита", "name": "Вид",
    }  # fmt: skip
    assert columns(guess, "invoices") == {
        "invoice_id": "№ платежа", "customer_id": "Код клиента", "issued_at": "Дата оплаты",
        "amount": "Сумма", "paid_at": "Дата оплаты",
    }  # fmt: skip
    assert guess.churn == "inactivity"


def test_a_date_that_may_be_day_first_or_month_first_is_asked(tmp_path):
    rows = "".join(f"{n},{n + 1:02d}/05/2025,login\n" for n in range(9))
    guess = guess_mapping([written(tmp_path, "events.csv", "customer,date,event\n" + rows)])

    assert "day first or month first" in " ".join(guess.open_questions())


def test_words_that_nothing_of_ours_is_called_are_asked(tmp_path):
    authors = ["client", "agent", "gnome"]
    rows = "".join(f"{n},c{n},2025-05-0{n + 1},{authors[n % 3]},hello\n" for n in range(9))
    file = written(tmp_path, "messages.csv", "id,customer,date,author,text\n" + rows)
    (found,) = guess_mapping([file]).of("messages")

    assert found.values["author"] == {"client": "customer", "agent": "staff"}
    assert found.strange["author"] == ("gnome",)
    assert "'gnome'" in " ".join(guess_mapping([file]).open_questions())


def test_json_is_read_like_text_with_zeros_zones_and_keys_that_come_later(tmp_path):
    data = tmp_path / "data"
    rows = [{"contract_id": f"00{n}", "customer": f"0{n % 10}", "start": "01.02.2024",
             "monthly_price": 14.9, "terms": {"notice": 14}} for n in range(20)]  # fmt: skip
    gone = [row | {"end": "15.04.2025"} for row in rows[:4]]
    written(data, "contracts.jsonl", "\n".join(map(json.dumps, [*rows[4:], *gone])))
    for month in (1, 2, 3, 4, 5):  # in January nobody has a device
        told = [{"customer": f"0{n}", "ts": f"{day}T00:30:00+02:00", "event": "Login"}
                | ({"device": "web"} if month > 1 else {})
                for day in DAYS if day.month == month for n in range(10)]  # fmt: skip
        path = data / f"clicks_2025-{month:02d}.json.gz"
        path.write_bytes(gzip.compress(json.dumps(told).encode()))
    start_project(tmp_path / "p", [data / "contracts.jsonl", *data.glob("clicks*")])
    mapping = tmp_path / "p" / "dataset.toml"

    assert 'file = "clicks_2025-*.json.gz"' in mapping.read_text(encoding="utf-8")
    dataset = open_dataset(data, dataset_file=mapping)
    contracts = dataset.frame("subscriptions").set_index("subscription_id")
    assert contracts.loc["003", ["customer_id", "mrr"]].tolist() == ["03", 14.9]
    assert contracts.loc["003", "ended_at"] == pd.Timestamp("2025-04-15")
    assert contracts["ended_at"].notna().sum() == 4
    events = dataset.frame("events")
    assert len(events) == 10 * len(DAYS)
    assert events["event_time"].min() == pd.Timestamp("2025-01-12 22:30")


def test_a_file_that_cannot_be_read_is_said_not_dropped(tmp_path):
    data = tmp_path / "data"
    written(data, "contracts.csv", "id,customer,start,end\n1,a,2025-01-01,\n2,b,2025-01-01,\n")
    written(data, "half.jsonl", '{"customer": "a"}\n{"customer":')
    others = [written(data, name, "") for name in ("usage.xlsx", "notes.docx")]

    unused = guess_mapping([data, *others]).unused

    assert unused["usage.xlsx"] == "it is a spreadsheet: save each sheet as CSV"
    assert unused["notes.docx"].startswith("it is neither CSV nor JSON nor Parquet")
    assert "cannot be read" in unused["half.jsonl"]
    assert "notes.docx" not in guess_mapping([data]).unused


def test_a_file_in_another_language_is_sketched_so_that_filling_in_makes_it_a_table(tmp_path):
    rows = "".join(
        f"U{n};0{n};01.02.2024;{'15.04.2025' if n < 4 else ''};12,50\n" for n in range(10)
    )
    written(tmp_path / "data", "umowy.csv", "numer;abonent;od_dnia;do_dnia;oplata\n" + rows)
    start_project(tmp_path / "p", [tmp_path / "data"])
    mapping = tmp_path / "p" / "dataset.toml"
    text = mapping.read_text(encoding="utf-8")

    assert "finish what dataset.toml sketches of each" in text
    assert "# umowy.csv holds numer, abonent, od_dnia, do_dnia, oplata.\n" in text
    head, sketch = text.split("fill in its columns:\n")
    lines = [line.removeprefix("# ").split("  # needed")[0] for line in sketch.splitlines()]
    kept = [line for line in lines if line.startswith(("file", "time_format", "decimal"))]
    meant = {"subscription_id": "numer", "customer_id": "abonent", "started_at": "od_dnia",
             "ended_at": "do_dnia", "mrr": "oplata"}  # fmt: skip
    filled = [f'{ours} = "{theirs}"' for ours, theirs in meant.items()]
    section = ["[tables.subscriptions]", *kept, "[tables.subscriptions.columns]"]
    mapping.write_text("\n".join([head, *section, *filled]), encoding="utf-8")

    contracts = open_dataset(tmp_path / "data", dataset_file=mapping).frame("subscriptions")
    assert contracts["ended_at"].max() == pd.Timestamp("2025-04-15")
    assert contracts["mrr"].tolist() == [12.5] * 10
    assert all(
        line == "" or line.startswith("# ") for line in text.split("decided:")[1].splitlines()
    )


def test_what_fits_nothing_is_said_with_the_reason(tmp_path):
    file = written(tmp_path, "weather.csv", "date,wind\n3,4\n5,6\n")
    broken = written(tmp_path, "broken.csv", "a,a\n1,2\n")
    guess = guess_mapping([file, broken])

    assert guess.tables == ()
    assert "date cannot be read as dates" in guess.unused["weather.csv"]
    assert "names a column twice" in guess.unused["broken.csv"]
    with pytest.raises(InputError, match="does not exist"):
        guess_mapping([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("values", "times", "unclear"),
    [
        (["2025-01-05", "2025-01-05 10:30", "2025-01-05T10:30:00Z"], ("iso",), False),
        (["31.01.2025", "05.02.2025 10:30"], ("%d.%m.%Y", "%d.%m.%Y %H:%M"), False),
        (["01.02.2025", "05.02.2025"], ("%d.%m.%Y",), False),
        (["01/02/2025", "05/02/2025"], ("%d/%m/%Y",), True),
        (["01/31/2025", "02/05/2025"], ("%m/%d/%Y",), False),
        (["20250131", "20250205"], ("%Y%m%d",), False),
        (["12345678", "99999999"], (), False),
        (["12", "-7"], (), False),
        (["1,5", "2,5"], (), False),
        ([""], (), False),
    ],
)
def test_times_are_told_by_how_they_are_written(values, times, unclear):
    (profile,) = profile_columns(pd.DataFrame({"x": values}))

    assert (profile.times, profile.unclear) == (times, unclear)


@pytest.mark.parametrize(
    ("values", "decimal", "whole"),
    [
        (["1", "-2"], ".", True), (["1.5", "2"], ".", False), (["1 234,50", "7"], ",", False),
        (["1.234,5"], ",", False), (["12 %"], "", False), (["A-1"], "", False),
    ],
)  # fmt: skip
def test_numbers_are_told_by_their_comma(values, decimal, whole):
    (profile,) = profile_columns(pd.DataFrame({"x": values}))

    assert (profile.decimal, profile.whole) == (decimal, whole)


def test_a_name_is_near_by_its_words_not_by_its_letters():
    assert words_of("ДатаЗакрытия") == ("дата", "закрытия")
    assert nearness("ended", "end", ()) == 0.0
    assert words_of("Größe") == words_of("groesse") == ("groesse",)
    assert words_of("Émail-Numéro") == ("email", "numero")
    assert words_of("Й") == ("й",)
    assert nearness("ACCOUNT_ID", "customer_id", ["account id"]) == 0.9


def test_synonyms_speak_of_columns_and_words_that_exist():
    from churnml.contract import TABLES

    for section, names in synonyms().items():
        if section in TABLES:
            known = {*TABLES[section].names, "quantity", "unit_price"}
            assert set(names) <= known, section
        elif section.startswith("values."):
            column = section.removeprefix("values.")
            allowed = {value for table in TABLES.values() for each in table.columns
                       if each.name == column for value in each.values}  # fmt: skip
            assert set(names) <= allowed, section
    assert set(synonyms()["tables"]) == set(TABLES)
