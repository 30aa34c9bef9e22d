"""Rules of a dataset: snapshots labelled by an exit within so many days, and rules in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from churnml.errors import InputError
from churnml.evaluation.rows import plain
from churnml.evaluation.rules import Panel, Rule, RuleBook, find_rules
from churnml.labels import CHURNED, UNKNOWN, label
from churnml.model.examples import Examples
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds, complete
from churnml.spoken import Language, percent
from churnml.windows import LabelWindow

_CONDITION = pa.struct(
    [(name, pa.string()) for name in ("feature", "family", "comparison", "threshold")]
)
_SCHEMA = pa.schema(
    [
        ("text_en", pa.string()), ("text_ru", pa.string()), ("feature", pa.string()),
        ("threshold", pa.string()), ("conditions", pa.list_(_CONDITION)),
        ("relative_risk", pa.float64()), ("interval", pa.list_(pa.float64())),
        ("share", pa.float64()), ("share_of_others", pa.float64()),
        ("support_customers", pa.int64()), ("exits", pa.int64()),
        ("mined_relative_risk", pa.float64()), ("mined_interval", pa.list_(pa.float64())),
        ("confirmed", pa.bool_()),
    ]
)  # fmt: skip
_THEN = {
    "en": {
        "leave": "{conditions} → {risk} times as likely to leave within {days} days as the others"
        " ({share} against {others}; 95%: {low} to {high} times)",
        "silent": "{conditions} → {risk} times as likely to show no activity for {days} days as the"
        " others ({share} against {others}; 95%: {low} to {high} times)",
        "and": " AND ",
    },
    "ru": {
        "leave": "{conditions} → уходят в течение {days} дней в {risk} раза чаще остальных"
        " ({share} против {others}; 95\u00a0%: от {low} до {high} раза)",
        "silent": "{conditions} → неактивны {days} дней в {risk} раза чаще остальных"
        " ({share} против {others}; 95\u00a0%: от {low} до {high} раза)",
        "and": " И ",
    },
}


@dataclass(frozen=True)
class MinedRules:
    """Rules of a dataset with the days and the panels they are about.

    Parameters
    ----------
    book : RuleBook
    within_days : int
        An exit counts within so many days of the snapshot.
    currency : str, optional
    silent : bool
        Whether leaving is the mere absence of activity.
    earlier, later : Panel
        Where rules were mined, and where they were confirmed.
    """

    book: RuleBook
    within_days: int
    currency: str | None
    silent: bool
    earlier: Panel
    later: Panel

    def as_json(self) -> dict[str, Any]:
        """The JSON document of ``churnml rules``; ``rules`` holds the confirmed ones only."""
        return {
            "rules": [self._record(rule) for rule in self.book.rules if rule.confirmed],
            "not_confirmed": [self._record(rule) for rule in self.book.rules if not rule.confirmed],
            "within_days": self.within_days,
            "looked_at": self.book.looked_at,
            "discovered": self.book.discovered,
            "mined_on": _extent(self.earlier),
            "confirmed_on": _extent(self.later),
        }

    def table(self) -> pa.Table:
        """All rules that were tried on later snapshots, confirmed or not, one row each."""
        records = []
        for rule in self.book.rules:
            record = {**self._record(rule), "confirmed": rule.confirmed}
            for part in (record, *record["conditions"]):
                part["threshold"] = str(part["threshold"])  # a number or a word
            records.append(record)
        return pa.Table.from_pylist(records, schema=_SCHEMA)

    def said(self, rule: Rule, language: Language) -> str:
        """The rule as a sentence, with the figures of the later snapshots."""
        words, later = _THEN[language], rule.later
        conditions = words["and"].join(
            condition.said(language, currency=self.currency) for condition in rule.conditions
        )
        ratios = {"risk": later.value, "low": later.low, "high": later.high}
        shares = {"share": later.share, "others": later.share_of_others}
        figures = {name: f"{value:.1f}" for name, value in ratios.items()}
        if language == "ru":
            figures = {name: text.replace(".", ",") for name, text in figures.items()}
        figures |= {name: percent(value, language, digits=1) for name, value in shares.items()}
        template = words["silent" if self.silent else "leave"]
        return template.format(conditions=conditions, days=self.within_days, **figures)

    def _record(self, rule: Rule) -> dict[str, Any]:
        later, mined = rule.later, rule.mined
        return {
            "text_en": self.said(rule, "en"),
            "text_ru": self.said(rule, "ru"),
            "feature": rule.conditions[0].feature.name,
            "threshold": rule.conditions[0].threshold,
            "conditions": [
                {
                    "feature": condition.feature.name,
                    "family": str(condition.feature.family),
                    "comparison": condition.comparison,
                    "threshold": condition.threshold,
                }
                for condition in rule.conditions
            ],
            "relative_risk": plain(later.value),
            "interval": None if plain(later.low) is None else [later.low, later.high],
            "share": plain(later.share),
            "share_of_others": plain(later.share_of_others),
            "support_customers": later.customers,
            "exits": later.leavers,
            "mined_relative_risk": plain(mined.value),
            "mined_interval": [mined.low, mined.high],
        }


def mine_rules(
    dataset: Dataset, examples: Examples, *, folds: ForwardFolds, within_days: int, top: int
) -> MinedRules:
    """Rules mined before the first test block and confirmed from there on.

    Parameters
    ----------
    dataset : Dataset
    examples : Examples
    folds : ForwardFolds
    within_days : int
        An exit counts within so many days of the snapshot.
    top : int

    Raises
    ------
    InputError
        If either part has no snapshot whose label is closed.
    """
    churn = dataset.description.churn
    window = LabelWindow(0, within_days, churn.delay_days)
    snapshots = examples.features.index.to_frame(index=False)
    labels = label(dataset, snapshots, window=window).to_numpy()
    usable = (labels != UNKNOWN) & examples.population.to_numpy()
    start = folds.starts[0]
    before = usable & complete(examples.as_ofs, window=window, tested=start)
    after = usable & (examples.as_ofs >= start)
    panels = [
        Panel(examples.features[rows], pd.Series(labels[rows] == CHURNED))
        for rows in (before, after)
    ]
    if not before.any() or not after.any():
        raise InputError(
            f"Rules need closed labels before and after {start:%Y-%m-%d}: {int(before.sum())} and "
            f"{int(after.sum())} snapshots have one within {within_days} days. Give a smaller "
            "--within-days, or set [folds] test_from."
        )
    book = find_rules(examples.catalogue, earlier=panels[0], later=panels[1], top=top)
    silent = churn.kind == "absence"
    return MinedRules(book, within_days, dataset.description.currency, silent, *panels)


def _extent(panel: Panel) -> dict[str, Any]:
    as_ofs = panel.features.index.get_level_values("as_of")
    return {
        "first_as_of": as_ofs.min().isoformat(),
        "last_as_of": as_ofs.max().isoformat(),
        "rows": len(panel.features),
        "exits": int(panel.exits.sum()),
    }
