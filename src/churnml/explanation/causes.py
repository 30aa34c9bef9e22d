"""Where the planted causes of a simulated world show: from what a cause shifts to topics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

#: A family and the play that answers the signal: what one reason is about.
Topic = tuple[str, str]

#: A cause is known by what it shifts at least so much as the cause that shifts it most. Every
#: cause lowers usage somewhat: that alone tells none from the others.
OWN_SHARE = 0.75

_COACHING = ("usage", "usage_coaching")
_WIN_BACK = ("usage", "win_back_offer")
_TRAINING = ("adoption", "training_session")
_TICKETS = ("support", "support_escalation")
_ASKED_AGAIN = ("conversation", "support_escalation")
_ANSWERS = ("conversation", "answer_now")
_WRITING = ("conversation", "personal_message")
_WARNING = ("conversation", "executive_call")
_REPLIES = ("conversation", "check_in_call")
_PEOPLE = ("relationship", "new_champion")
_LETTERS = ("outreach", "personal_message")
_SURVEYS = ("surveys", "feedback_call")
_PAYING = ("billing", "payment_help")
_PLAN = ("billing", "right_sized_plan")
_PRICE_TALK = ("conversation", "right_sized_plan")
_PRICE_TICKETS = ("support", "right_sized_plan")
_MOVING = ("adoption", "migration_talk")
_MOVING_TALK = ("conversation", "migration_talk")
_MOVING_TICKETS = ("support", "migration_talk")

#: Topics in which an effect of a cause shows; names as in the world's data file.
SHOWS_IN: Mapping[str, tuple[Topic, ...]] = {
    "sessions": (_COACHING, _WIN_BACK),
    "length": (_COACHING,),
    "depth": (_TRAINING,),
    "breadth": (_TRAINING,),
    "export": (_MOVING,),
    "pricing": (_PLAN,),
    "tickets": (_TICKETS,),
    "answer_hours": (_TICKETS, _ANSWERS),
    "reopen": (_TICKETS, _ASKED_AGAIN),
    "escalate": (_TICKETS, _WARNING),
    "ticket_bug": (_TICKETS,),
    "ticket_complaint": (_TICKETS,),
    "ticket_integration": (_TICKETS,),
    "ticket_billing": (_PRICE_TICKETS,),
    "ticket_export": (_MOVING_TICKETS,),
    "messages": (_WRITING,),
    "tone": (_WRITING,),
    "nps": (_SURVEYS,),
    "late_payment": (_PAYING,),
    "failed_payment": (_PAYING,),
    "dispute": (_PAYING,),
    "seat_cut": (_PLAN,),
    "downgrade": (_PLAN,),
    "opened": (_LETTERS,),
    "replied": (_LETTERS, _REPLIES),
    "attended": (_LETTERS,),
    "unsubscribed": (_LETTERS,),
    "obligation_done": (("adoption", "help_with_tasks"),),
    "champion_leaves": (_PEOPLE,),
    "new_contact": (_PEOPLE, _WARNING),
    "talk_complaint": (_WRITING, _WARNING, _ASKED_AGAIN),
    "talk_ultimatum": (_WARNING,),
    "talk_price": (_PRICE_TALK,),
    "talk_discount": (_PRICE_TALK,),
    "talk_budget": (_PRICE_TALK,),
    "talk_contract": (_PRICE_TALK, _WARNING),
    "talk_handover": (_PEOPLE, _WARNING),
    "talk_cancellation": (_WARNING,),
    "talk_competitor": (_WARNING,),
    "talk_export": (_MOVING_TALK,),
    "talk_migration": (_MOVING_TALK,),
    "talk_feature": (),
}

#: The same where the effect is a fall and shows elsewhere than a rise.
FALL_SHOWS_IN: Mapping[str, tuple[Topic, ...]] = {"tickets": (("support", "check_in_call"),)}

#: Shifts of log odds or levels and weekly chances are as they are; the others are factors.
_SHIFTS = frozenset(
    (
        "reopen", "escalate", "late_payment", "failed_payment", "dispute", "opened", "replied",
        "attended", "unsubscribed", "obligation_done", "tone", "nps", "seat_cut", "downgrade",
        "new_contact", "champion_leaves",
    )
)  # fmt: skip
_NO_EFFECTS = frozenset(("share", "speed", "segments"))


def own_topics(
    causes: Mapping[str, Mapping[str, Any]], *, share: float = OWN_SHARE
) -> dict[str, frozenset[Topic]]:
    """The topics by which each cause is known.

    Parameters
    ----------
    causes : mapping of str to mapping
        Effects of each cause, as ``truth/world.json`` states them: ``parameters.causes``.
    share : float
        An effect is a cause's own if it is at least so large a part of the strongest cause's.

    Examples
    --------
    >>> found = own_topics({"a": {"sessions": 0.1, "pricing": 2.0}, "b": {"sessions": 0.9}})
    >>> sorted(found["a"])[0], found["b"]
    (('billing', 'right_sized_plan'), frozenset())
    """
    strength = {
        cause: {name: _strength(name, value) for name, value in effects.items()
                if name not in _NO_EFFECTS}
        for cause, effects in causes.items()
    }  # fmt: skip
    most: dict[tuple[str, bool], float] = {}
    for effects in strength.values():
        for name, value in effects.items():
            key = (name, value > 0)
            most[key] = max(most.get(key, 0.0), abs(value))
    return {
        cause: frozenset(
            topic
            for name, value in effects.items()
            if value and abs(value) >= share * most[name, value > 0]
            for topic in _shown(name, falls=value < 0)
        )
        for cause, effects in strength.items()
    }


def _shown(name: str, *, falls: bool) -> tuple[Topic, ...]:
    return FALL_SHOWS_IN.get(name, SHOWS_IN[name]) if falls else SHOWS_IN[name]


def _strength(name: str, value: float) -> float:
    return float(value) if name in _SHIFTS else math.log(value)
