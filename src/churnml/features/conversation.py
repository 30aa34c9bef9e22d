"""The written conversation: who writes, how much, how fast, and who has gone quiet."""

from __future__ import annotations

from churnml.features import operators as o
from churnml.features.algebra import (
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_WEEK,
    PRIOR_4_WEEKS,
    PRIOR_12_WEEKS,
    Expr,
    Rows,
    Window,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare
from churnml.features.row_sources import CUSTOMER_REPLIES, MESSAGES, STAFF_REPLIES
from churnml.features.usage import own_past

_declare = Declare(Family.CONVERSATION, "personal_message")
_WINDOWS = (LAST_4_WEEKS, LAST_12_WEEKS)
_THEIRS = Rows(MESSAGES, "author = 'customer'")
_OURS = Rows(MESSAGES, "author = 'staff'")
_BOTS = Rows(MESSAGES, "author = 'bot'")


def conversation() -> tuple[Feature, ...]:
    """Features of messages, without their meaning."""
    return (
        *_volume(),
        *own_past(_declare, "messages", _THEIRS, "Messages of the customer", "Сообщения клиента"),
        *_silence(),
        *_length(),
        *_speed(),
    )


def _volume() -> tuple[Feature, ...]:
    theirs, ours = o.count(_THEIRS, LAST_12_WEEKS), o.count(_OURS, LAST_12_WEEKS)
    return (
        *_declare.over((LAST_WEEK, *_WINDOWS), "messages", lambda w: o.count(_THEIRS, w),
                       "Messages of the customer", "Сообщения клиента", Unit.COUNT),
        *_declare.over(_WINDOWS, "staff_messages", lambda w: o.count(_OURS, w),
                       "Our messages to the customer", "Наши сообщения клиенту", Unit.COUNT),
        *_declare.over(_WINDOWS, "message_days", lambda w: o.active_days(_THEIRS, w),
                       "Days on which the customer wrote", "Дни, когда клиент писал,", Unit.DAYS),
        _declare("messages_change_28d",
                 o.ratio(o.count(_THEIRS, LAST_4_WEEKS), o.count(_THEIRS, PRIOR_4_WEEKS)),
                 "Messages of the customer, last 4 weeks against the 4 before",
                 "Сообщения клиента: 4 недели к предыдущим 4", Unit.RATIO),
        _declare("customer_share_of_talk_84d", o.share(theirs, theirs + ours),
                 "The customer's share of the conversation",
                 "Доля клиента в переписке", Unit.SHARE, days=84),
        _declare("bot_share_of_answers_84d",
                 o.share(o.count(_BOTS, LAST_12_WEEKS), o.count(_BOTS, LAST_12_WEEKS) + ours),
                 "Share of answers by the bot",
                 "Доля ответов бота", Unit.SHARE, days=84),
        _declare("people_writing_84d", o.distinct(_THEIRS, "contact_id", LAST_12_WEEKS),
                 "People of the customer who wrote",
                 "Сотрудники клиента, которые писали,", Unit.COUNT, -1, days=84),
    )  # fmt: skip


def _silence() -> tuple[Feature, ...]:
    since, days = o.days_since(_THEIRS), o.active_days(_THEIRS)
    gap = o.span(_THEIRS) / (days - 1.0)
    formerly = o.count(_THEIRS, PRIOR_12_WEEKS) >= 2.0
    return (
        _declare("days_since_message", since, "Days since the customer wrote",
                 "Дней с последнего сообщения клиента", Unit.DAYS),
        _declare("message_silence_in_gaps", since / gap,
                 "Silence in messages, measured in the usual gaps",
                 "Молчание в переписке, измеренное в обычных паузах", Unit.RATIO, 1),
        _declare("conversation_went_silent", o.both(formerly, since > 30.0),
                 "Used to write, silent for over 30 days", "Раньше писал, молчит больше 30 дней",
                 Unit.FLAG, 1),
        _declare("waits_for_our_answer", o.later_than(_THEIRS, _OURS),
                 "The customer's last message has no answer",
                 "Последнее сообщение клиента без ответа", Unit.FLAG, 1, play="answer_now"),
        _declare("days_since_our_message", o.days_since(_OURS), "Days since we wrote",
                 "Дней с нашего последнего сообщения", Unit.DAYS),
    )  # fmt: skip


def _length() -> tuple[Feature, ...]:
    def length(window: Window) -> Expr:
        return o.mean(_THEIRS, "LENGTH(text)", window, scale=1)

    return (
        *_declare.over(_WINDOWS, "message_length", length,
                       "Mean length of the customer's messages",
                       "Средняя длина сообщений клиента", Unit.COUNT),
        _declare("message_length_change", length(LAST_4_WEEKS) / length(Window(30, 4)),
                 "Length of messages, last 4 weeks against half a year",
                 "Длина сообщений: 4 недели к полугоду", Unit.RATIO),
    )  # fmt: skip


def _speed() -> tuple[Feature, ...]:
    features: list[Feature] = []
    for name, source, en, ru, play in (
        ("our_reply", STAFF_REPLIES, "we take to answer", "нашего ответа", "answer_now"),
        ("customer_reply", CUSTOMER_REPLIES, "the customer takes to answer", "ответа клиента",
         "check_in_call"),
    ):  # fmt: skip
        rows = Rows(source)

        def hours(window: Window, rows: Rows = rows) -> Expr:
            return o.mean(rows, "seconds", window, scale=1) / 3600.0

        features += _declare.over(_WINDOWS, f"{name}_hours", hours, f"Mean time {en}",
                                  f"Среднее время {ru}", Unit.HOURS, 1, play=play)  # fmt: skip
        features.append(
            _declare(f"{name}_hours_change", hours(LAST_4_WEEKS) / hours(Window(30, 4)),
                     f"Time {en}, last 4 weeks against half a year",
                     f"Время {ru}: 4 недели к полугоду", Unit.RATIO, 1, play=play)
        )  # fmt: skip
    return tuple(features)
