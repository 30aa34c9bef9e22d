"""Conditions on one feature: which thresholds are worth a look, and how they are said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from churnml.evaluation.relative_risk import Flags
from churnml.features import Feature, Unit
from churnml.spoken import Language, per_cent

Comparison = Literal[">=", "<=", "="]

#: Up to so many different values each is a threshold; beyond, these quantiles are.
_FEW = 12
_QUANTILES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
#: Counts are read one by one up to here, whatever the quantiles.
_SMALL_COUNTS = (1.0, 2.0, 3.0)
_DIRECTIONS: dict[int, tuple[Comparison, ...]] = {1: (">=",), -1: ("<=",), 0: (">=", "<=")}
_TIMES: dict[Unit, dict[Language, str]] = {
    Unit.DAYS: {"en": "days", "ru": "дн."},
    Unit.WEEKS: {"en": "weeks", "ru": "нед."},
    Unit.HOURS: {"en": "hours", "ru": "ч"},
    Unit.MINUTES: {"en": "minutes", "ru": "мин"},
}


@dataclass(frozen=True)
class Condition:
    """A feature on one side of a threshold; who has no value does not fulfil it."""

    feature: Feature
    comparison: Comparison
    threshold: float | str

    @property
    def key(self) -> tuple[str, str, float | str]:
        """What tells it from other conditions."""
        return self.feature.name, self.comparison, self.threshold

    def holds(self, features: pd.DataFrame) -> Flags:
        """Whether each snapshot fulfils the condition."""
        values = features[self.feature.name]
        if self.comparison == "=":
            return np.asarray((values == self.threshold).to_numpy(dtype=bool, na_value=False))
        numbers = values.to_numpy(dtype=np.float64)
        bound = float(self.threshold)
        return np.asarray(numbers >= bound if self.comparison == ">=" else numbers <= bound)

    def said(self, language: Language, *, currency: str | None) -> str:
        """The condition in words: title and bound."""
        bound = self._english(currency) if language == "en" else self._russian(currency)
        return f"{self.feature.title[language]}: {bound}"

    def _english(self, currency: str | None) -> str:
        unit, upper = self.feature.unit, self.comparison == ">="
        if self.comparison == "=":
            return f"“{self.threshold}”"
        bound = float(self.threshold)
        if unit is Unit.FLAG:
            return "yes" if upper else "no"
        if unit is Unit.PERCENTILE:
            share = _number(100 * (1 - bound if upper else bound))
            return f"among the {'highest' if upper else 'lowest'} {per_cent(share, 'en')}"
        if unit is Unit.COUNT and not upper and bound == 0:
            return "none"
        amount = _amount(bound, unit, currency, language="en")
        return f"{amount} or more" if upper else f"{amount} or less"

    def _russian(self, currency: str | None) -> str:
        unit, upper = self.feature.unit, self.comparison == ">="
        if self.comparison == "=":
            return f"«{self.threshold}»"
        bound = float(self.threshold)
        if unit is Unit.FLAG:
            return "да" if upper else "нет"
        if unit is Unit.PERCENTILE:
            share = _number(100 * (1 - bound if upper else bound))
            return f"среди {per_cent(share, 'ru')} самых {'высоких' if upper else 'низких'}"
        if unit is Unit.COUNT and not upper and bound == 0:
            return "нет"
        amount = _amount(bound, unit, currency, language="ru")
        return f"не меньше {amount}" if upper else f"не больше {amount}"


def conditions(feature: Feature, values: pd.Series) -> Iterator[Condition]:
    """The conditions on a feature worth a look: readable thresholds on the side of risk.

    Parameters
    ----------
    feature : Feature
        Its ``risk`` says on which side; both where it is not known.
    values : Series
        The values of the snapshots on which rules are mined, from which thresholds come.
    """
    known = values.dropna()
    if feature.is_category:
        for word in sorted(known.unique()):
            yield Condition(feature, "=", str(word))
        return
    for comparison in _DIRECTIONS[feature.risk]:
        for threshold in _thresholds(feature, known, upper=comparison == ">="):
            yield Condition(feature, comparison, threshold)


def _thresholds(feature: Feature, known: pd.Series, *, upper: bool) -> list[float]:
    """Bounds that not everyone with a value fulfils."""
    different = np.unique(known.to_numpy(dtype=np.float64))
    if len(different) < 2:
        return []
    if len(different) <= _FEW:
        bounds = different
    else:
        quantiles = np.quantile(known, _QUANTILES)
        bounds = np.array([float(f"{bound:.2g}") for bound in quantiles])
        if feature.unit is Unit.COUNT:
            bounds = np.append(np.round(bounds), _SMALL_COUNTS)
    bounds = np.unique(bounds)
    inside = bounds > different[0] if upper else bounds < different[-1]
    return [float(bound) for bound in bounds[inside]]


def _amount(bound: float, unit: Unit, currency: str | None, *, language: Language) -> str:
    """The bound with its unit."""
    if unit is Unit.SHARE:
        return per_cent(_number(100 * bound), language)
    text = _number(bound) if language == "en" else _number(bound).replace(".", ",")
    if unit in _TIMES:
        return f"{text} {_TIMES[unit][language]}"
    if unit is Unit.MONEY and currency:
        return f"{text} {currency}"
    return text


def _number(value: float) -> str:
    """Up to three digits, without a useless fraction."""
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "−")
