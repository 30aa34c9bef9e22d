"""The text of an alert: the open problem first, then who, why, with which evidence, until when."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from churnml.alerting.naming import play_name, row_name, tier_name
from churnml.spoken import Language, percent

Reason = Mapping[str, Any]
#: Rows of one table that are named; who wants more opens the score file.
_NAMED = 3
_WORDS = {
    "en": {"open": "Open problem", "risk": "risk", "why": "What changed", "rows": "Evidence",
           "play": "Next step", "until": "Until", "owner": "Owner", "nobody": "nobody yet",
           "unknown": "no reasons told"},
    "ru": {"open": "Нерешённый вопрос", "risk": "риск", "why": "Что изменилось",
           "rows": "Подтверждение", "play": "Следующий шаг", "until": "Срок",
           "owner": "Ответственный", "nobody": "пока не назначен",
           "unknown": "признаки не названы"},
}  # fmt: skip


def reasons_in(value: Any) -> list[dict[str, Any]]:
    """The reasons of a score file: a list, or JSON text where the file was CSV."""
    if isinstance(value, str):
        value = json.loads(value)
    return [] if value is None or isinstance(value, float) else list(value)


def problem_in(value: Any) -> dict[str, Any]:
    """The open problem of a score file: a struct, JSON text, or nothing."""
    if isinstance(value, str):
        value = json.loads(value)
    return dict(value) if isinstance(value, Mapping) else {}


def evidence_in(reasons: Sequence[Reason]) -> str | None:
    """The rows behind the reasons by table: ``tickets T1, T2; messages M7``."""
    found: dict[str, list[str]] = {}
    for reason in reasons:
        rows = reason.get("evidence")
        for row in [] if rows is None else rows:
            keys = found.setdefault(str(row["table"]), [])
            if row["id"] is not None and str(row["id"]) not in keys and len(keys) < _NAMED:
                keys.append(str(row["id"]))
    return "; ".join(f"{table} {', '.join(keys)}" for table, keys in found.items() if keys) or None


def alert_text(alert: Mapping[str, Any], *, language: Language) -> str:
    """The alert as a manager reads it, line by line; rows of a table as plain values.

    Parameters
    ----------
    alert : mapping
        ``open_problem_en`` (or ``ru``), ``reasons_en``, ``evidence``, ``name``, ``customer_id``,
        ``tier``, ``probability``, ``play``, ``deadline`` and ``owner``; missing ones are null.
    language : str
    """
    words = _WORDS[language]
    lines = []
    if problem := _known(alert[f"open_problem_{language}"]):
        lines.append(f"{words['open']}: {problem}.")
    lines.append(_who(alert, language))
    lines.append(f"{words['why']}: {_known(alert[f'reasons_{language}']) or words['unknown']}.")
    if rows := _known(alert["evidence"]):
        lines.append(f"{words['rows']}: {_rows(rows, language)}.")
    if play := _known(alert["play"]):
        lines.append(f"{words['play']}: {play_name(play, language)}.")
    if (deadline := alert["deadline"]) is not None and not pd.isna(deadline):
        lines.append(f"{words['until']}: {deadline:%Y-%m-%d %H:%M} UTC.")
    lines.append(f"{words['owner']}: {_known(alert['owner']) or words['nobody']}.")
    return "\n".join(lines)


def _who(alert: Mapping[str, Any], language: Language) -> str:
    name, key = _known(alert["name"]), str(alert["customer_id"])
    who = f"{name} ({key})" if name else key
    tier = _known(alert["tier"])
    parts = [] if tier is None else [tier_name(tier, language)]
    if not pd.isna(alert["probability"]):
        parts.append(f"{_WORDS[language]['risk']} {percent(alert['probability'], language)}")
    return f"{who}: {', '.join(parts)}." if parts else f"{who}."


def _rows(evidence: str, language: Language) -> str:
    """The rows of ``evidence_in``, with the tables as a reader names them."""
    told = []
    for part in evidence.split("; "):
        table, _, keys = part.partition(" ")
        told.append(f"{row_name(table, language, several=', ' in keys)} {keys}")
    return "; ".join(told)


def _known(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(value)
