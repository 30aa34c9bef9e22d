"""Ignored columns: what the contract keeps from the features, and what it would have told."""

from __future__ import annotations

from churnml.contract import CUSTOMERS
from churnml.evaluation.audit.findings import Check, Finding
from churnml.evaluation.audit.lives import Lives
from churnml.evaluation.audit.standing import column_signal, telling
from churnml.evaluation.audit.words import say
from churnml.sources.description import Description
from churnml.sources.place import Place
from churnml.sources.reading import read_raw
from churnml.sources.workshop import quoted
from churnml.spoken import Spoken

CHECK = "ignored_columns"


def ignored_columns(
    lives: Lives, place: Place, description: Description
) -> tuple[list[Finding], Check]:
    """Columns of customers that are not listed as immutable but know who left: for information."""
    columns = _read(lives, place, description)
    findings = []
    for name, is_number in columns:
        signal = column_signal("ignored_customers", name, is_number=is_number)
        if said := telling(lives, signal):
            findings.append(_finding(name, said))
    return findings, Check(CHECK, True, say("ignored_seen", columns=len(columns)))


def _read(lives: Lives, place: Place, description: Description) -> list[tuple[str, bool]]:
    """Write the table ``ignored_customers``: the columns that no feature may read."""
    shop = place.workshop(description)
    try:
        raw = read_raw(shop, description, names=(CUSTOMERS.name,)).tables.get(CUSTOMERS.name)
        if raw is None:
            return []
        key = description.source(CUSTOMERS.name).columns.get("customer_id", "customer_id")
        used = {key.lower(), "known_at", "signed_up_at", "name", *description.customers.immutable}
        names = [name for name in raw.columns if name.lower() not in used]
        chosen = ", ".join(["cast(" + quoted(key) + " as varchar) as customer_id",
                            *(quoted(name) for name in names)])  # fmt: skip
        frame = shop.connection.execute(f"select {chosen} from ({raw.relation})").df()
    finally:
        shop.discard()
    lives.connection.register("ignored_raw", frame)
    lives.connection.execute(
        "create or replace temp table ignored_customers as select r.*, c.signed_up_at, c.known_at "
        "from ignored_raw r join customers c using (customer_id)"
    )
    lives.connection.unregister("ignored_raw")
    return [(name, frame[name].dtype.kind in "if") for name in names]


def _finding(name: str, said: Spoken) -> Finding:
    return Finding(
        CHECK,
        "info",
        say("ignored_tells", column=name, said=said),
        table=CUSTOMERS.name,
        column=name,
    )
