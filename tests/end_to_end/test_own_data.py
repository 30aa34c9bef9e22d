"""Own data in ten minutes: the commands of the README, on tables under foreign names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from churnml.sources.world import simulate

README = Path(__file__).parents[2] / "README.md"
#: Table -> file, and our columns -> theirs; everything else is not exported.
EXPORTED = {
    "customers": ("Clients.csv", {
        "customer_id": "ClientID", "name": "Company", "signed_up_at": "Signup Date",
        "region": "Country", "industry": "Sector", "owner": "Account Manager"}),
    "subscriptions": ("Contracts.csv", {
        "subscription_id": "Contract Number", "customer_id": "ClientID", "started_at": "Start Date",
        "ended_at": "End Date", "mrr": "Monthly Fee", "plan": "Tariff"}),
    "events": ("activity.csv", {
        "customer_id": "client", "event_time": "timestamp", "name": "action", "user_id": "user"}),
    "tickets": ("Обращения.csv", {
        "ticket_id": "Номер обращения", "customer_id": "Клиент", "opened_at": "Дата создания",
        "resolved_at": "Дата закрытия", "category": "Тема"}),
    "invoices": ("bills.csv", {
        "invoice_id": "Bill ID", "customer_id": "ClientID", "issued_at": "Invoice Date",
        "amount": "Total", "due_at": "Due Date", "paid_at": "Payment Date"}),
}  # fmt: skip
_DATES = ("Start Date", "End Date", "Signup Date", "Дата создания", "Дата закрытия")


def export(world: Path, folder: Path) -> None:
    folder.mkdir()
    for table, (file, names) in EXPORTED.items():
        frame = pd.read_parquet(world / "truth" / "clean" / f"{table}.parquet")
        frame = frame[list(names)].rename(columns=names)
        for name in frame.columns.intersection(_DATES):
            moments = pd.to_datetime(frame[name]).dt.strftime("%d.%m.%Y %H:%M:%S")
            frame[name] = moments
        comma = "," if table == "subscriptions" else "."
        frame.to_csv(folder / file, index=False, sep=";", decimal=comma)


def commands() -> list[str]:
    section = README.read_text(encoding="utf-8").split("## Your own data in ten minutes")[1]
    block = re.search(r"```sh\n(.*?)```", section.split("\n## ")[0], re.DOTALL)[1]
    return [line.split("  #")[0].strip() for line in block.splitlines()]


def test_the_commands_begin_with_init_and_end_with_scores():
    assert [line.split()[1] for line in commands()] == ["init", "acme", "check", "train", "score"]


@pytest.mark.slow
def test_the_commands_of_the_readme_lead_from_foreign_files_to_scores(tmp_path):
    simulate(tmp_path / "world", customers=300, weeks=60, seed=7)
    export(tmp_path / "world", tmp_path / "exports")
    newest = pd.read_parquet(tmp_path / "world/truth/clean/events.parquet")["event_time"].max()
    script = "\n".join(commands()).replace("2026-11-01", f"{newest:%Y-%m-%d}")
    defined = f'churnml() {{ "{sys.executable}" -W ignore -m churnml "$@"; }}\n'
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    answer = subprocess.run(
        ["bash", "-c", f"{defined}{script}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Fit for training." in answer.stdout, answer.stdout + answer.stderr
    scores = pd.read_parquet(tmp_path / "acme" / "scores.parquet")
    assert len(scores) > 100
    assert scores["probability"].between(0, 1).all()
