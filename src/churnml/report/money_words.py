"""Words of the money figures and tables, in English and Russian."""

from __future__ import annotations

from churnml.report.canvas import Language

MONEY_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "curve": "Contacting {share} of the customers earns most: {profit} per 1,000 customers",
        "curve_none": "Under these assumptions no share of the customers is worth contacting",
        "assumed": "Assumed: {accept} of leavers accept, an incentive costs {fraction} of a"
        " customer's value,\na contact {contact} · every week on its own, without"
        " quiet time · band: 95% by customer",
        "share": "Share of customers contacted, the highest scores first",
        "profit": "Profit per 1,000 customers, {currency}",
        "best": "best: {share} [{low}, {high}]",
        "budget": "{model} of leaving revenue caught in time at {q} a week; chance: {random}",
        "budget_sub": "Caught: an alert 21 to 84 days before the exit, weighted by annual revenue"
        " as known then\nband: 95% by customer",
        "q": "Share of eligible customers alerted each week",
        "value": "Leaving revenue caught in time",
        "caught": "Leaving revenue caught\nper 100 contacts, {currency}",
        "no_currency": "in the data's currency",
    },
    "ru": {
        "curve": "Выгоднее всего обратиться к {share} клиентов: {profit} на 1000 клиентов",
        "curve_none": "При этих допущениях обращаться невыгодно ни к какой доле клиентов",
        "assumed": "Допущения: соглашаются {accept} уходящих, стимул стоит {fraction} ценности"
        " клиента,\nконтакт {contact} · каждая неделя отдельно, без паузы"
        " · полоса: 95\u00a0% по клиентам",
        "share": "Доля клиентов, к которым обращаются, начиная с самых высоких оценок",
        "profit": "Прибыль на 1000 клиентов, {currency}",
        "best": "лучшая: {share} [{low}, {high}]",
        "budget": "Вовремя замечены {model} уходящей выручки при {q} клиентов в неделю;"
        " при случайном выборе: {random}",
        "budget_sub": "Вовремя: тревога за 21–84 дня до ухода; вес: годовая выручка, известная"
        " тогда\nполоса: 95\u00a0% по клиентам",
        "q": "Доля клиентов с тревогой в неделю",
        "value": "Уходящая выручка, замеченная вовремя",
        "caught": "Уходящая выручка,\nзамеченная вовремя,\nна 100 контактов, {currency}",
        "no_currency": "в валюте данных",
    },
}
