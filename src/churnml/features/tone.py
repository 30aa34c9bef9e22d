"""What customers say and how: tone and formality against their own past, markers, repeated words.

A level says little, since people differ; a raw drop says little, since two messages are noise. So
each customer is compared with the own earlier messages, drawn towards the cohort of the same as_of
as long as these are few, and the difference is measured in its own standard error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

from churnml.features import operators as o
from churnml.features.algebra import (
    LAST_2_WEEKS,
    LAST_4_WEEKS,
    LAST_8_WEEKS,
    LAST_12_WEEKS,
    LAST_26_WEEKS,
    LAST_WEEK,
    Choice,
    CohortSum,
    Constant,
    Expr,
    Function,
    Rows,
    Saved,
    Window,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare, words
from churnml.features.row_sources import SCORED_MESSAGES

_declare = Declare(Family.CONVERSATION, "personal_message")
_WINDOWS = (LAST_4_WEEKS, LAST_12_WEEKS)
#: The own past: the three months before the last four weeks.
_BEFORE = Window(17, 4)
_THEIRS = Rows(SCORED_MESSAGES, "author = 'customer'")
_OURS = Rows(SCORED_MESSAGES, "author = 'staff'")
_SCORED = _THEIRS.only("NOT tone IS NULL")

#: Messages that the cohort's mean weighs in a customer's own: the usual ratio of the variance
#: within customers to that between them (empirical Bayes; text: features, 2).
_SHRINKAGE = 4.0
_MOST_DEVIATIONS = 5.0

MARKER_TITLES = {
    "passive_aggression": ("Reproach in polite words", "Упрёк в вежливой форме",
                           "personal_message"),
    "ultimatum": ("Ultimatums", "Ультиматумы", "executive_call"),
    "competitor_mention": ("Mentions of a competitor", "Упоминания конкурента", "executive_call"),
    "price_complaint": ("Complaints about the price", "Жалобы на цену", "right_sized_plan"),
    "export_request": ("Requests to export the data", "Запросы на выгрузку данных",
                       "migration_talk"),
    "cancellation_intent": ("Words about cancelling", "Слова об отказе от услуг", "executive_call"),
    "escalation": ("Calls for a superior", "Обращения к руководству", "executive_call"),
    "repeat_contact": ("Reminders of an earlier request", "Напоминания о прежнем запросе",
                       "support_escalation"),
    "budget_cut": ("Words about a budget cut", "Слова о сокращении бюджета", "right_sized_plan"),
}  # fmt: skip


def tone() -> tuple[Feature, ...]:
    """Features of what was said."""
    return (
        *_tone(), *_formality(), *_style(), *_markers(), *_repeats(), *_answers(), *_voices(),
        *_learned(),
    )  # fmt: skip


@dataclass(frozen=True)
class _Level:
    """Mean of a number from -1 to 1 per message, against the own past."""

    rows: Rows
    column: str

    def total(self, window: Window) -> Expr:
        """Sum in whole thousandths, so that the cohort's sum is exact."""
        return o.total(self.rows, f"ROUND({self.column} * 1000)", window, scale=1)

    def mean(self, window: Window) -> Expr:
        return o.mean(self.rows, self.column, window)

    @cached_property
    def past(self) -> Expr:
        """Messages of the own past."""
        return o.count(self.rows, _BEFORE)

    @cached_property
    def usual(self) -> Expr:
        """Mean of the own past, drawn to the cohort's by four messages."""
        own = self.total(_BEFORE)
        cohort = Saved(CohortSum(own) / CohortSum(self.past))
        return Saved((own + cohort * _SHRINKAGE) / (self.past + _SHRINKAGE) / 1000.0)

    @cached_property
    def spread(self) -> Expr:
        """Standard deviation of a message in the cohort."""
        squares = o.total(
            self.rows, f"ROUND({self.column} * {self.column} * 1000)", _BEFORE, scale=1
        )
        n = CohortSum(self.past)
        mean = CohortSum(self.total(_BEFORE)) / n / 1000.0
        variance = CohortSum(squares) / n / 1000.0 - mean * mean
        return Saved(Function("sqrt", (o.maximum(variance, Constant(0.01)),)))

    def deviation(self, window: Window) -> Expr:
        """Recent mean against the usual, in standard errors; negative is a drop; within ±5."""
        recent = o.count(self.rows, window)
        error = Function("sqrt", (Constant(1.0) / recent + Constant(1.0) / (self.past + 4.0),))
        z = (self.mean(window) - self.usual) / (self.spread * error)
        bounded = o.minimum(o.maximum(z, Constant(-_MOST_DEVIATIONS)), Constant(_MOST_DEVIATIONS))
        return Choice(recent, bounded)


def _tone() -> tuple[Feature, ...]:
    level = _Level(_SCORED, "tone")
    negative = _SCORED.only("tone <= -0.15")
    windows = (LAST_WEEK, LAST_2_WEEKS, LAST_4_WEEKS, LAST_8_WEEKS)
    drops = [level.deviation(window) * -1.0 for window in windows]
    return (
        *_declare.over((LAST_WEEK, *_WINDOWS), "tone_mean", level.mean, "Tone of the messages",
                       "Тон сообщений", Unit.SCORE, -1),
        *_declare.over(_WINDOWS, "tone_negative_share",
                       lambda w: o.share(o.count(negative, w), o.count(_SCORED, w)),
                       "Share of negative messages", "Доля негативных сообщений", Unit.SHARE, 1),
        *_declare.over(_WINDOWS, "negative_messages", lambda w: o.count(negative, w),
                       "Negative messages", "Негативные сообщения", Unit.COUNT, 1),
        _declare("tone_last", o.last(_SCORED, "tone"), "Tone of the last message",
                 "Тон последнего сообщения", Unit.SCORE, -1),
        _declare("tone_usual", level.usual, "Usual tone of the customer", "Обычный тон клиента",
                 Unit.SCORE),
        _declare("tone_change_28d", level.mean(LAST_4_WEEKS) - level.usual,
                 "Tone, last 4 weeks against the customer's usual",
                 "Тон за 4 недели к обычному для клиента", Unit.SCORE, -1),
        _declare("tone_deviation_1w", level.deviation(LAST_WEEK),
                 "Tone: deviation from the own usual, last week",
                 "Тон: отклонение от обычного, 1 неделя", Unit.DEVIATIONS, -1),
        _declare("tone_deviation_4w", level.deviation(LAST_4_WEEKS),
                 "Tone: deviation from the own usual, last 4 weeks",
                 "Тон: отклонение от обычного, 4 недели", Unit.DEVIATIONS, -1),
        _declare("tone_drop", o.maximum(*drops), "Clearest cooling of tone over 1 to 8 weeks",
                 "Самое явное охлаждение тона за 1–8 недель", Unit.DEVIATIONS, 1),
        _declare("tone_slope_84d", level.mean(LAST_4_WEEKS) - level.mean(Window(12, 4)),
                 "Tone, last 4 weeks against the 8 before", "Тон: 4 недели к предыдущим 8",
                 Unit.SCORE, -1),
        _declare("scored_messages_84d", o.count(_SCORED, LAST_12_WEEKS),
                 "Messages whose tone could be read",
                 "Сообщения с распознанным тоном", Unit.COUNT, days=84),
        _declare("unread_language_share_84d",
                 o.share(o.count(_THEIRS.only("lang = 'other'"), LAST_12_WEEKS),
                         o.count(_THEIRS, LAST_12_WEEKS)),
                 "Share of messages in other languages",
                 "Доля сообщений на других языках", Unit.SHARE, days=84),
    )  # fmt: skip


def _formality() -> tuple[Feature, ...]:
    level = _Level(_THEIRS.only("NOT formality IS NULL"), "formality")
    return (
        *_declare.over(_WINDOWS, "formality_mean", level.mean, "Formality of tone",
                       "Официальность тона", Unit.SCORE),
        _declare("formality_change_28d", level.mean(LAST_4_WEEKS) - level.usual,
                 "Formality, last 4 weeks against the customer's usual",
                 "Официальность за 4 недели к обычной для клиента", Unit.SCORE, 1),
        _declare("formality_deviation_4w", level.deviation(LAST_4_WEEKS),
                 "Formality: deviation from the own usual, last 4 weeks",
                 "Официальность: отклонение от обычной, 4 недели", Unit.DEVIATIONS, 1),
    )  # fmt: skip


def _style() -> tuple[Feature, ...]:
    def share(condition: str, window: Window) -> Expr:
        return o.share(o.count(_THEIRS.only(condition), window), o.count(_THEIRS, window))

    lost = [
        _declare(f"{name}_lost", share(name, _BEFORE) - share(name, LAST_4_WEEKS), en, ru,
                 Unit.SHARE, 1)
        for name, en, ru in (
            ("greeting", "Fewer greetings than before", "Приветствий меньше, чем раньше"),
            ("thanks", "Fewer thanks than before", "Благодарностей меньше, чем раньше"),
            ("emoji", "Fewer smiles than before", "Смайлов меньше, чем раньше"),
        )
    ]  # fmt: skip
    risen = [
        _declare(f"{name}_change_28d",
                 o.mean(_THEIRS, name, LAST_4_WEEKS) - o.mean(_THEIRS, name, _BEFORE), en, ru, unit)
        for name, en, ru, unit in (
            ("exclamations", "Exclamation marks a message against before",
             "Восклицательных знаков на сообщение по сравнению с прежним", Unit.COUNT),
            ("questions", "Question marks a message against before",
             "Вопросительных знаков на сообщение по сравнению с прежним", Unit.COUNT),
            ("capitals", "Words in capitals against before",
             "Слова заглавными буквами по сравнению с прежним", Unit.SHARE),
        )
    ]  # fmt: skip
    was_familiar = share("ty", _BEFORE) >= 0.5
    is_formal = o.both(share("ty", LAST_4_WEEKS) <= 0.0, share("vy", LAST_4_WEEKS) > 0.0)
    return (
        *lost,
        *risen,
        _declare("familiar_to_formal_address", o.both(was_familiar, is_formal),
                 "From the familiar to the formal address", "Перешёл с «ты» на «вы»", Unit.FLAG, 1),
        _declare("terse_share_28d", share("characters <= 25", LAST_4_WEEKS),
                 "Share of messages of a few words",
                 "Доля сообщений в несколько слов", Unit.SHARE, days=28),
    )  # fmt: skip


def _markers() -> tuple[Feature, ...]:
    features: list[Feature] = []
    for name, (en, ru, play) in MARKER_TITLES.items():
        rows = _THEIRS.only(name)
        features += _declare.over(
            _WINDOWS, f"said_{name}", partial(o.count, rows), en, ru, Unit.COUNT, 1, play=play
        )
        features.append(
            _declare(f"days_since_{name}", o.days_since(rows), f"{en}: days since the last",
                     f"{ru}: дней с последнего", Unit.DAYS, -1, play=play)
        )  # fmt: skip
    said = {name: o.count(_THEIRS.only(name), LAST_4_WEEKS) > 0.0 for name in MARKER_TITLES}
    leaving = o.k_of_n(said["price_complaint"], said["competitor_mention"]) > 0.0
    new = [
        o.both(said[name], o.count(_THEIRS.only(name), Window(None, 4)) <= 0.0)
        for name in MARKER_TITLES
    ]
    # Counts over all markers have no direction of their own: as reasons they would say "a warning
    # word" where the single marker says which.
    return (
        *features,
        _declare("export_with_price_or_competitor", o.both(said["export_request"], leaving),
                 "Export of the data asked for together with price or competitor",
                 "Запрос выгрузки вместе с ценой или конкурентом", Unit.FLAG, 1,
                 play="migration_talk"),
        _declare("markers_28d", o.k_of_n(*said.values()), "Kinds of warning words",
                 "Виды тревожных слов", Unit.COUNT, play="executive_call", days=28),
        _declare("markers_first_28d", o.k_of_n(*new),
                 "Warning words said for the first time",
                 "Тревожные слова впервые", Unit.COUNT, play="executive_call", days=28),
    )  # fmt: skip


def _repeats() -> tuple[Feature, ...]:
    again = _THEIRS.only("asked_before > 0")
    return (
        *_declare.over(_WINDOWS, "repeated_questions", partial(o.count, again),
                       "Questions asked again", "Повторно заданные вопросы", Unit.COUNT, 1,
                       play="support_escalation"),
        _declare("asked_three_times_28d",
                 o.count(_THEIRS.only("asked_before >= 2"), LAST_4_WEEKS) > 0.0,
                 "The same question three times",
                 "Один и тот же вопрос трижды", Unit.FLAG, 1, play="support_escalation", days=28),
        _declare("asked_again_after_answer_28d",
                 o.count(_THEIRS.only("asked_again"), LAST_4_WEEKS),
                 "Questions asked again after our answer",
                 "Вопросы, заданные снова после нашего ответа,", Unit.COUNT, 1,
                 play="support_escalation", days=28),
    )  # fmt: skip


def _answers() -> tuple[Feature, ...]:
    def share(condition: str) -> Expr:
        return o.share(o.count(_OURS.only(condition), LAST_12_WEEKS), o.count(_OURS, LAST_12_WEEKS))

    return (
        _declare("canned_answer_share_84d", share("canned"),
                 "Share of canned answers", "Доля шаблонных ответов",
                 Unit.SHARE, 1, play="answer_now", days=84),
        _declare("answered_by_link_share_84d", share("link AND characters < 400"),
                 "Share of answers that are a link",
                 "Доля ответов ссылкой", Unit.SHARE, 1, play="answer_now", days=84),
    )  # fmt: skip


def _voices() -> tuple[Feature, ...]:
    new = _THEIRS.only("new_sender")
    copied = _THEIRS.only(
        words("recipients", "legal", "lawyer", "finance", "cfo", "accounting", "юрист", "бухг")
    )
    history = o.count(_THEIRS, _BEFORE) > 0.0
    asks = new.only("price_complaint OR cancellation_intent OR category = 'billing'")
    gap = o.days_since(_THEIRS) * o.count(_THEIRS, LAST_26_WEEKS) / 182.0
    return (
        _declare("new_sender_28d", o.both(history, o.count(new, LAST_4_WEEKS) > 0.0),
                 "Somebody new writes", "Новый человек в переписке",
                 Unit.FLAG, 1, play="executive_call", days=28),
        _declare("new_sender_asks_about_money_28d",
                 o.both(history, o.count(asks, LAST_4_WEEKS) > 0.0),
                 "Somebody new asks about contract or price",
                 "Новый человек спрашивает о договоре или цене", Unit.FLAG, 1,
                 play="executive_call", days=28),
        _declare("finance_or_legal_in_copy_28d", o.count(copied, LAST_4_WEEKS),
                 "Messages with finance or legal in copy",
                 "Сообщения с копией юристам или бухгалтерии", Unit.COUNT, 1,
                 play="executive_call", days=28),
        _declare("message_silence_surprise", gap,
                 "Messages that the silence lacks at the usual rate",
                 "Сколько сообщений не хватает при обычной частоте", Unit.COUNT, 1),
    )  # fmt: skip


def _learned() -> tuple[Feature, ...]:
    """What the words of messages said before others left; known once a model is fitted."""
    rows = _THEIRS.only("NOT risk IS NULL")
    alarming = rows.only("risk >= 0.3")
    return (
        *_declare.over(_WINDOWS, "message_risk_sum", lambda w: o.total(rows, "risk", w),
                       "Words as customers write before they leave, sum",
                       "Слова, которые пишут перед уходом: сумма", Unit.SCORE, 1),
        *_declare.over(_WINDOWS, "message_risk_mean", lambda w: o.mean(rows, "risk", w),
                       "Words as customers write before they leave, mean",
                       "Слова, которые пишут перед уходом: в среднем", Unit.SCORE, 1),
        _declare("message_risk_last", o.last(rows, "risk"),
                 "Words as customers write before they leave, last message",
                 "Слова, которые пишут перед уходом: последнее сообщение", Unit.SCORE, 1),
        *_declare.over(_WINDOWS, "alarming_messages", partial(o.count, alarming),
                       "Messages like those before an exit", "Сообщения, похожие на прощальные,",
                       Unit.COUNT, 1),
    )  # fmt: skip
