"""What customers say when asked, how old the answer is, and whether their use says otherwise."""

from __future__ import annotations

from churnml.features import operators as o
from churnml.features.algebra import LAST_4_WEEKS, LAST_12_WEEKS, LAST_26_WEEKS, Rows, Window
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare, role
from churnml.features.row_sources import EVENTS, SURVEYS
from churnml.sources.description import Description

_declare = Declare(Family.SURVEYS, "feedback_call")
_NPS = Rows(SURVEYS, "kind = 'nps'")
_CSAT = Rows(SURVEYS, "kind = 'csat'")
_CES = Rows(SURVEYS, "kind = 'ces'")


def surveys(description: Description) -> tuple[Feature, ...]:
    """Features of NPS, CSAT and CES answers (exit interviews are not asked of those who stay)."""
    return (*_loyalty(), *_satisfaction(), *_say_and_do(description))


def _loyalty() -> tuple[Feature, ...]:
    score = o.last(_NPS, "score")
    return (
        _declare("nps_last", score, "Last NPS answer", "Последняя оценка NPS", Unit.SCORE, -1),
        _declare("nps_age_days", o.days_since(_NPS), "Age of the last NPS answer",
                 "Давность последней оценки NPS", Unit.DAYS),
        _declare("nps_mean_182d", o.mean(_NPS, "score", LAST_26_WEEKS), "Mean NPS",
                 "Средняя оценка NPS", Unit.SCORE, -1, days=182),
        _declare("nps_change", score - o.mean(_NPS, "score"),
                 "Last NPS answer against the customer's mean",
                 "Последняя оценка NPS к средней у клиента", Unit.SCORE, -1),
        _declare("nps_trend", o.mean(_NPS, "score", LAST_26_WEEKS)
                 - o.mean(_NPS, "score", Window(52, 26)),
                 "Mean NPS of half a year against the half before",
                 "NPS за полгода к предыдущему полугоду", Unit.SCORE, -1),
    )  # fmt: skip


def _satisfaction() -> tuple[Feature, ...]:
    asked = Rows(SURVEYS, "kind IN ('nps', 'csat', 'ces')")
    low = Rows(SURVEYS, "(kind = 'nps' AND score <= 6) OR (kind = 'csat' AND score <= 3)")
    return (
        _declare("csat_last", o.last(_CSAT, "score"), "Last satisfaction rating",
                 "Последняя оценка удовлетворённости", Unit.SCORE, -1),
        *_declare.over((LAST_12_WEEKS, LAST_26_WEEKS), "csat_mean",
                       lambda w: o.mean(_CSAT, "score", w), "Mean satisfaction rating",
                       "Средняя оценка удовлетворённости", Unit.SCORE, -1),
        _declare("csat_change", o.last(_CSAT, "score") - o.mean(_CSAT, "score"),
                 "Last satisfaction rating against the customer's mean",
                 "Последняя оценка удовлетворённости к средней у клиента", Unit.SCORE, -1),
        _declare("ces_last", o.last(_CES, "score"), "Last effort rating",
                 "Последняя оценка лёгкости обращения", Unit.SCORE),
        *_declare.over((LAST_12_WEEKS, LAST_26_WEEKS), "low_ratings", lambda w: o.count(low, w),
                       "Low ratings given", "Низкие оценки", Unit.COUNT, 1),
        _declare("answers_182d", o.count(asked, LAST_26_WEEKS), "Surveys answered",
                 "Ответы на опросы", Unit.COUNT, -1, days=182),
        _declare("days_since_answer", o.days_since(asked), "Days since a survey was answered",
                 "Дней с последнего ответа на опрос", Unit.DAYS),
    )  # fmt: skip


def _say_and_do(description: Description) -> tuple[Feature, ...]:
    content = o.last(_NPS, "score") >= 9.0
    use = o.OwnBaseline(Rows(EVENTS)).ratio(LAST_4_WEEKS)
    prices = o.count(role(EVENTS, description, "pricing"), LAST_4_WEEKS)
    exports = o.count(role(EVENTS, description, "export"), LAST_4_WEEKS)
    looking = o.maximum(prices, exports) > 1.0
    return (
        _declare("says_well_uses_less", o.both(content, use < 0.7),
                 "Says all is well, uses the product a third less",
                 "Говорит, что всё хорошо, но пользуется на треть меньше", Unit.FLAG, 1),
        _declare("says_well_looks_around", o.both(content, looking),
                 "Says all is well, looks at prices or exports data",
                 "Говорит, что всё хорошо, но смотрит цены или выгружает данные", Unit.FLAG, 1),
    )  # fmt: skip
