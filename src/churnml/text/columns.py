"""What a scored message holds: the columns that every scorer fills, and their values."""

from __future__ import annotations

import pandas as pd

#: What a customer may say that speaks for leaving; true, false, or unknown.
MARKERS = (
    "passive_aggression",
    "ultimatum",
    "competitor_mention",
    "price_complaint",
    "export_request",
    "cancellation_intent",
    "escalation",
    "repeat_contact",
    "budget_cut",
)
#: These say that the tone cannot be friendly, whatever words are around them.
HOSTILE = ("passive_aggression", "ultimatum", "cancellation_intent", "escalation")
#: Highest tone of a message with a hostile marker.
HOSTILE_TONE = -0.3

CATEGORIES = ("billing", "technical", "delivery", "returns", "account", "usage", "other")

OK = "ok"
EMPTY = "empty"
BINARY = "binary"
TOO_LONG = "too_long"
UNSUPPORTED = "unsupported_lang"
FAILED = "failed"
BUDGET = "budget"
STATUSES = (OK, EMPTY, BINARY, TOO_LONG, UNSUPPORTED, FAILED, BUDGET)

#: Columns of a scored message, in the order of the file.
COLUMNS = ("message_id", "status", "lang", "tone", "formality", *MARKERS, "category", "scorer")
_KINDS = {
    "message_id": "str", "status": "str", "lang": "str", "tone": "float64", "formality": "float64",
    **dict.fromkeys(MARKERS, "boolean"), "category": "object", "scorer": "str",
}  # fmt: skip


def scored(rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows as a frame with exactly ``COLUMNS``; what a row does not say is unknown.

    Returns
    -------
    DataFrame
        ``tone`` -1 to 1 (towards us), ``formality`` -1 (casual) to 1 (official letter), markers as
        nullable booleans, ``category`` one of ``CATEGORIES`` or None.
    """
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(_KINDS)
