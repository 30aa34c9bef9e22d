"""Words of the model card, in English and Russian."""

from __future__ import annotations

import tomllib
from pathlib import Path

from churnml.report.canvas import Language


def _read(language: Language) -> dict[str, str]:
    text = Path(__file__).with_name(f"words_{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


WORDS: dict[Language, dict[str, str]] = {"en": _read("en"), "ru": _read("ru")}

FIGURES: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("average_precision", "average precision"),
        ("roc_auc", "ROC AUC"),
        ("lift_at_10pct", "lift, top tenth"),
        ("recall_at_lead_21d", "recall in time"),
        ("alert_precision", "alert precision"),
        ("median_lead_days", "median notice, days"),
    ),
    "ru": (
        ("average_precision", "средняя точность"),
        ("roc_auc", "ROC AUC"),
        ("lift_at_10pct", "лифт, верхние 10\u00a0%"),
        ("recall_at_lead_21d", "полнота вовремя"),
        ("alert_precision", "точность тревог"),
        ("median_lead_days", "дней до ухода, медиана"),
    ),
}
