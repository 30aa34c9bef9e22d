"""How deeply the product is adopted: key functions, breadth, exports, onboarding, obligations."""

from __future__ import annotations

from churnml.features import operators as o
from churnml.features.algebra import (
    EVER,
    FINE,
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_26_WEEKS,
    LAST_WEEK,
    NEXT_4_WEEKS,
    PRIOR_4_WEEKS,
    Rows,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare, role
from churnml.features.row_sources import EVENTS, OBLIGATIONS, ONBOARDING, STAGES
from churnml.features.usage import own_past
from churnml.sources.description import Description

_declare = Declare(Family.ADOPTION, "training_session")
_export = Declare(Family.ADOPTION, "migration_talk")
_duty = Declare(Family.ADOPTION, "help_with_tasks")


def adoption(description: Description) -> tuple[Feature, ...]:
    """Features of key functions, breadth, exports, onboarding steps and obligations."""
    key = role(EVENTS, description, "key")
    logins = role(EVENTS, description, "login")
    exports = role(EVENTS, description, "export")
    return (
        *_depth(key, logins),
        *own_past(_declare, "key_use", key, "Use of key functions", "Ключевые функции"),
        *_breadth(),
        *_exports(exports),
        *_onboarding(),
        *_missed(),
        *_late(),
    )


def _depth(key: Rows, logins: Rows) -> tuple[Feature, ...]:
    every = Rows(EVENTS)
    own, present = o.OwnBaseline(key), o.OwnBaseline(logins)
    return (
        *_declare.over(
            (LAST_WEEK, LAST_4_WEEKS, LAST_12_WEEKS), "key_use", lambda w: o.count(key, w),
            "Use of key functions", "Использование ключевых функций", Unit.COUNT, -1,
        ),
        *_declare.over(
            (LAST_4_WEEKS, LAST_12_WEEKS), "key_days", lambda w: o.active_days(key, w),
            "Days with a key function used", "Дни с использованием ключевых функций",
            Unit.DAYS, -1,
        ),
        *_declare.over(
            (LAST_4_WEEKS, LAST_12_WEEKS), "key_share",
            lambda w: o.share(o.count(key, w), o.count(every, w)),
            "Share of key functions in all actions", "Доля ключевых функций во всех действиях",
            Unit.SHARE, -1,
        ),
        _declare("key_use_change_28d",
                 o.ratio(o.count(key, LAST_4_WEEKS), o.count(key, PRIOR_4_WEEKS)),
                 "Use of key functions, last 4 weeks against the 4 before",
                 "Ключевые функции: 4 недели к предыдущим 4", Unit.RATIO, -1),
        _declare("days_since_key_use", o.days_since(key), "Days since a key function was used",
                 "Дней с последнего использования ключевой функции", Unit.DAYS, 1),
        _declare("coasting", present.ratio(LAST_4_WEEKS) - own.ratio(LAST_4_WEEKS),
                 "Logs in as ever but uses key functions less",
                 "Заходит как обычно, но ключевые функции использует реже", Unit.RATIO, 1),
    )  # fmt: skip


def _breadth() -> tuple[Feature, ...]:
    every = Rows(EVENTS)
    return (
        *_declare.over(
            (LAST_4_WEEKS, LAST_12_WEEKS), "functions_used", lambda w: o.distinct(every, "name", w),
            "Different functions used", "Разных функций в работе", Unit.COUNT, -1,
        ),
        _declare("functions_used_change_28d",
                 o.ratio(o.distinct(every, "name", LAST_4_WEEKS),
                         o.distinct(every, "name", PRIOR_4_WEEKS)),
                 "Different functions used, last 4 weeks against the 4 before",
                 "Разнообразие функций: 4 недели к предыдущим 4", Unit.RATIO, -1),
        _declare("functions_abandoned",
                 o.distinct(every, "name", LAST_26_WEEKS) - o.distinct(every, "name", LAST_4_WEEKS),
                 "Functions used in half a year but not in the last 4 weeks",
                 "Функции, заброшенные за последние 4 недели", Unit.COUNT, 1),
    )  # fmt: skip


def _exports(exports: Rows) -> tuple[Feature, ...]:
    recent, before = o.count(exports, LAST_4_WEEKS), o.count(exports, PRIOR_4_WEEKS)
    return (
        *_export.over(
            (LAST_4_WEEKS, LAST_12_WEEKS), "exports", lambda w: o.count(exports, w),
            "Data exports", "Выгрузки данных", Unit.COUNT, 1,
        ),
        _export("exports_change_28d", o.ratio(recent, before),
                "Data exports, last 4 weeks against the 4 before",
                "Выгрузки данных: 4 недели к предыдущим 4", Unit.RATIO, 1),
        _export("exports_own_deviation_4w", o.OwnBaseline(exports).deviation(LAST_4_WEEKS),
                "Data exports: deviation from the own usual level, last 4 weeks",
                "Выгрузки данных: отклонение от обычного уровня, 4 недели", Unit.DEVIATIONS, 1),
    )  # fmt: skip


def _onboarding() -> tuple[Feature, ...]:
    steps, stages = Rows(ONBOARDING), Rows(STAGES)
    done = steps.dated("done_at")
    return (
        _declare("onboarding_completion_rate", o.share(o.count(done), o.count(steps)),
                 "Share of onboarding steps done", "Доля пройденных шагов внедрения",
                 Unit.SHARE, -1, play="onboarding_restart"),
        _declare("stages_reached", o.distinct(stages, "stage", EVER), "Stages reached",
                 "Пройдено этапов", Unit.COUNT, -1, play="onboarding_restart"),
        _declare("days_in_stage", o.days_since(stages), "Days since the last stage was reached",
                 "Дней на текущем этапе", Unit.DAYS, play="onboarding_restart"),
    )  # fmt: skip


_DUE = Rows(OBLIGATIONS).dated("due_at")
#: Done means: at the due time or once it was done, whichever is later.
_SETTLED = Rows(OBLIGATIONS).dated("GREATEST(due_at, done_at)")
_LATE = Rows(OBLIGATIONS, "done_at > due_at").dated("done_at")
_LATE_SECONDS = "DATE_DIFF('second', due_at, done_at)"


def _missed() -> tuple[Feature, ...]:
    missed = o.standing(_DUE, _SETTLED)
    weight = o.standing_total(_DUE, _SETTLED, "weight", scale=FINE)
    run = o.streak(_DUE, done="done_at", tie="obligation_id")
    return (
        _duty("missed_tasks", missed, "Agreed tasks past due and not done",
              "Просроченные невыполненные задачи", Unit.COUNT, 1),
        _duty("missed_tasks_share", o.share(missed, o.count(_DUE)),
              "Share of due tasks that are not done",
              "Доля невыполненных среди задач, чей срок наступил", Unit.SHARE, 1),
        _duty("missed_tasks_weight", weight, "Weight of the tasks not done",
              "Вес невыполненных задач", Unit.SCORE, 1),
        _duty("missed_tasks_weight_share", o.share(weight, o.total(_DUE, "weight")),
              "Share of the due weight not done", "Доля веса невыполненных задач",
              Unit.SHARE, 1),
        _duty("missed_in_a_row", run, "Tasks missed in a row, up to now",
              "Пропущено задач подряд к этому моменту", Unit.COUNT, 1),
        *_duty.over(
            (LAST_4_WEEKS, LAST_12_WEEKS), "missed_tasks_recent",
            lambda w: o.count(_DUE, w) - o.count(_DUE.only("done_at <= due_at"), w),
            "Tasks due but not done in time", "Задачи, не выполненные в срок,", Unit.COUNT, 1,
        ),
        _duty("tasks_due_next_28d", o.count(_DUE, NEXT_4_WEEKS), "Tasks due in the next 28 days",
              "Задачи со сроком в ближайшие 28 дней", Unit.COUNT),
    )  # fmt: skip


def _late() -> tuple[Feature, ...]:
    days = o.total(_LATE, _LATE_SECONDS, scale=1) / (o.count(_LATE) * 86400.0)
    early = o.mean(Rows(OBLIGATIONS, "NOT done_at IS NULL").dated("done_at"),
                   "DATE_DIFF('second', done_at, due_at)", LAST_12_WEEKS, scale=1)  # fmt: skip
    return (
        *_duty.over(
            (LAST_4_WEEKS, LAST_12_WEEKS), "late_tasks", lambda w: o.count(_LATE, w),
            "Tasks done late", "Задачи, выполненные с опозданием,", Unit.COUNT, 1,
        ),
        _duty("late_tasks_share", o.share(o.count(_LATE), o.count(_SETTLED)),
              "Share of done tasks that came late", "Доля выполненных с опозданием",
              Unit.SHARE, 1),
        _duty("days_late_mean", days, "Mean delay of late tasks", "Среднее опоздание задач в днях",
              Unit.DAYS, 1),
        _duty("days_early_84d", early / 86400.0,
              "Days between doing a task and its due date",
              "Запас до срока при выполнении задач", Unit.DAYS, -1, days=84),
        _duty("days_since_task_done",
              o.days_since(Rows(OBLIGATIONS, "NOT done_at IS NULL").dated("done_at")),
              "Days since a task was done", "Дней с последней выполненной задачи", Unit.DAYS, 1),
    )  # fmt: skip
