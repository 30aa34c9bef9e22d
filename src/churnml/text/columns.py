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

#: What a scorer says of a text.
OF_THE_SCORER = ("status", "lang", "tone", "formality", *MARKERS, "category")
#: How a text is written, whatever it says.
STYLE = ("greeting", "thanks", "emoji", "ty", "vy", "link", "exclamations", "questions",
         "capitals", "characters")  # fmt: skip
#: Everything that depends on the text alone.
OF_THE_TEXT = (*OF_THE_SCORER, *STYLE)
#: Columns of a scored message, in the order of the file.
COLUMNS = ("message_id", *OF_THE_SCORER, "scorer", *STYLE)
_FLAGS = ("greeting", "thanks", "emoji", "ty", "vy", "link")
_NUMBERS = ("tone", "formality", "exclamations", "questions", "capitals", "characters")
_KINDS = {
    **dict.fromkeys(COLUMNS, "str"), **dict.fromkeys(_NUMBERS, "float64"),
    **dict.fromkeys((*MARKERS, *_FLAGS), "boolean"), "category": "object",
}  # fmt: skip


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of a scored message that the frame has, in their types.

    ``tone`` is -1 to 1 (towards us), ``formality`` -1 (casual) to 1 (official letter); markers are
    nullable booleans, ``category`` one of ``CATEGORIES`` or None.
    """
    return frame.astype({name: kind for name, kind in _KINDS.items() if name in frame})


def unknown(status: str, lang: str) -> dict[str, object]:
    """What is said of a text that was not scored: nothing, and why."""
    return {**dict.fromkeys(OF_THE_SCORER), "status": status, "lang": lang}
