"""Captions of the figures, in English and Russian."""

from __future__ import annotations

from churnml.spoken import Language

CAPTIONS: dict[Language, dict[str, str]] = {
    "en": {
        "headline": "{model} of exits announced three to twelve weeks ahead; chance: {random}",
        "load": "{alerts:.0f} alerts a week, {precision} of them followed by an exit within 84 days"
        "\n{exits} exits; the curve counts the {on_curve} with room for eight weeks of notice"
        " · band: 95% by customer",
        "notice": "Minimum notice before the exit, weeks",
        "announced": "Exits announced",
        "promised": "promised notice",
        "by_load": "At {q} of customers a week {recall} of exits are caught in time",
        "by_load_sub": "Caught: an alert 21 to 84 days before the exit · {exits} exits"
        " · band: 95% by customer",
        "q": "Share of eligible customers alerted each week",
        "recall": "Exits caught in time",
        "pr": "Precision against recall, all out-of-time rows",
        "pr_sub": "{rows} rows, {positives} positive",
        "row_recall": "Recall of rows",
        "precision": "Precision",
        "base": "base rate {rate}: chance",
        "threshold": "threshold of earlier folds",
        "calibration": "Said {said} on average, came {came}",
        "calibration_sub": "Ten bins of equal mass · bars: 95%, rows taken as independent"
        " · {rows} rows",
        "said": "Mean predicted probability",
        "came": "Share that left in the window",
        "perfect": "said = came",
        "ahead": "Exits by week: said {said} within eight weeks, came {came}",
        "ahead_sub": "Customers at risk on the day, out of time · bars: 95% by customer",
        "ahead_week": "Week after the score",
        "ahead_share": "Share of customers that leave in this week",
        "ahead_said": "said",
        "ahead_came": "came",
        "model": "model",
        "random": "chance",
        "oracle": "oracle",
        "recency": "recency",
        "seed_points": "seed points",
        "health": "health score",
        "health_learned": "health, learned weights",
        "convergence": "signals at once",
        "rank_sum": "rank sum",
        "logistic_regression": "logistic regression",
        "xgboost_default": "XGBoost defaults",
        "bg_nbd": "BG/NBD",
    },
    "ru": {
        "headline": "{model} уходов замечены за 3–12 недель; при случайном выборе: {random}",
        "load": "Тревог в неделю: {alerts:.0f}; после {precision} из них клиент ушёл за 84 дня"
        "\nУходов: {exits}; на кривой {on_curve}: о них можно было предупредить за восемь недель"
        " · полоса: 95\u00a0% по клиентам",
        "notice": "Не меньше недель до ухода",
        "announced": "Замеченные уходы",
        "promised": "обещанный срок",
        "by_load": "При {q} клиентов в неделю вовремя замечены {recall} уходов",
        "by_load_sub": "Вовремя: тревога за 21–84 дня до ухода · уходов: {exits}"
        " · полоса: 95\u00a0% по клиентам",
        "q": "Доля клиентов с тревогой в неделю",
        "recall": "Уходы, замеченные вовремя",
        "pr": "Точность и полнота по всем строкам вне обучения",
        "pr_sub": "Строк: {rows}, из них с уходом: {positives}",
        "row_recall": "Полнота по строкам",
        "precision": "Точность",
        "base": "доля уходов {rate}: случайный выбор",
        "threshold": "порог по прошлым блокам",
        "calibration": "Предсказано в среднем {said}, сбылось {came}",
        "calibration_sub": "Десять групп равного размера · отрезки: 95\u00a0%, строки независимы"
        " · строк: {rows}",
        "said": "Средняя предсказанная вероятность",
        "came": "Доля ушедших в окне",
        "perfect": "предсказано = сбылось",
        "ahead": "Уходы по неделям: за восемь недель предсказано {said}, сбылось {came}",
        "ahead_sub": "Клиенты на день оценки, вне обучения · отрезки: 95\u00a0% по клиентам",
        "ahead_week": "Неделя после оценки",
        "ahead_share": "Доля клиентов, ушедших в эту неделю",
        "ahead_said": "предсказано",
        "ahead_came": "сбылось",
        "model": "модель",
        "random": "случайный выбор",
        "oracle": "оракул",
        "recency": "давность",
        "seed_points": "простые баллы",
        "health": "балл здоровья",
        "health_learned": "здоровье, веса по данным",
        "convergence": "несколько сигналов сразу",
        "rank_sum": "сумма рангов",
        "logistic_regression": "логистическая регрессия",
        "xgboost_default": "XGBoost без настройки",
        "bg_nbd": "BG/NBD",
    },
}

#: Families of signals as a reader says them; where a word is not given, the name is one.
FAMILIES: dict[Language, dict[str, str]] = {
    "en": {},
    "ru": {
        "usage": "использование",
        "adoption": "освоение",
        "support": "поддержка",
        "conversation": "переписка",
        "billing": "оплата",
        "relationship": "отношения",
        "surveys": "опросы",
        "outreach": "касания",
        "profile": "профиль",
    },
}


def family_name(family: str, language: Language) -> str:
    """A family as a reader says it."""
    return FAMILIES[language].get(family, family.replace("_", " "))
