"""Who the customer is: tenure, and what never changes."""

from __future__ import annotations

from churnml.contract import CUSTOMERS
from churnml.features import operators as o
from churnml.features.algebra import TenureDays
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare
from churnml.sources.dataset import Dataset
from churnml.sources.description import Description

_declare = Declare(Family.PROFILE, "check_in_call")
_RUSSIAN = {
    "segment": "Сегмент", "plan": "Тариф", "region": "Регион", "industry": "Отрасль",
    "channel": "Канал привлечения", "language": "Язык",
}  # fmt: skip


def profile(data: Dataset | Description) -> tuple[Feature, ...]:
    """Features of tenure and of the columns that the description lists as immutable."""
    return (
        _declare("tenure_days", TenureDays(), "Days as a customer, this time",
                 "Дней с начала текущего договора", Unit.DAYS),
        _declare("days_since_sign_up", TenureDays(since_sign_up=True), "Days since sign-up",
                 "Дней с регистрации", Unit.DAYS),
        *_immutable(data),
    )  # fmt: skip


def _immutable(data: Dataset | Description) -> tuple[Feature, ...]:
    description = data if isinstance(data, Description) else data.description
    kinds: dict[str, str] = {
        column.name: column.kind for column in CUSTOMERS.columns if column.feature
    }
    if isinstance(data, Dataset):
        kinds |= _extra_kinds(data)
    features = []
    for column in description.customers.immutable:
        is_number = kinds.get(column, "text") == "number"
        said = column.replace("_", " ")
        features.append(
            _declare(
                f"profile_{column}", o.attribute(column, is_number=is_number), said.capitalize(),
                _RUSSIAN.get(column, f"Признак клиента: {said}"),
                Unit.SCORE if is_number else Unit.CATEGORY,
            )
        )  # fmt: skip
    return tuple(features)


def _extra_kinds(dataset: Dataset) -> dict[str, str]:
    """Kinds of the columns that the description adds to customers."""
    with dataset.connection.cursor() as connection:
        columns = connection.sql("SELECT * FROM customers LIMIT 0")
        types = dict(zip(columns.columns, map(str, columns.types), strict=True))
    known = {column.name for column in CUSTOMERS.columns}
    return {
        name: "number" if kind in ("DOUBLE", "BIGINT") else "text"
        for name, kind in types.items()
        if name not in known
    }
