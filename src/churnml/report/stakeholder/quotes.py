"""What alerted customers last wrote: redacted, one line each, cut short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from churnml.report.stakeholder.facts import Quote
from churnml.sources.dataset import Dataset
from churnml.text.redaction import people_of, redact

#: So many letters of the newest messages; the rest is read where the message lies.
LETTERS = 160
NEWEST = 2
#: Of a long text so much is read: enough for the letters that are shown.
_READ = 1_000

_NEWEST = """
select customer_id, sent_at, left(text, $read) as text, length(text) > $letters as is_long
from messages
where author = 'customer' and customer_id in (select customer_id from report_customers)
  and trim(coalesce(text, '')) <> ''
qualify row_number() over (partition by customer_id order by sent_at desc, message_id) <= $newest
order by customer_id, sent_at desc, message_id
"""
_CONTACTS = """
select customer_id, name, email, phone from contacts
where customer_id in (select customer_id from report_customers)
"""
_COMPANIES = """
select customer_id, name from customers
where customer_id in (select customer_id from report_customers)
"""


def quotes_of(dataset: Dataset, customers: Sequence[str]) -> Mapping[str, tuple[Quote, ...]]:
    """The newest messages of each customer, the newest first.

    Parameters
    ----------
    dataset : Dataset
        As known at the as_of: whatever it holds may be read.
    customers : sequence of str
    """
    if "messages" not in dataset.tables or not customers:
        return {}
    with dataset.connection.cursor() as connection:
        connection.register("report_customers", pd.DataFrame({"customer_id": list(customers)}))
        values = {"read": _READ, "letters": LETTERS, "newest": NEWEST}
        messages = connection.execute(_NEWEST, values).df()
        contacts = connection.execute(_CONTACTS).df()
        companies = connection.execute(_COMPANIES).df()
        connection.unregister("report_customers")
    known = {str(key): rows.to_dict("records") for key, rows in contacts.groupby("customer_id")}
    names = dict(zip(companies["customer_id"], companies["name"], strict=True))
    found: dict[str, tuple[Quote, ...]] = {}
    for customer, rows in messages.groupby("customer_id"):
        people = people_of(known.get(str(customer), []), company=names.get(customer))
        found[str(customer)] = tuple(
            _quote(row, redact(row["text"], people).text) for row in rows.to_dict("records")
        )
    return found


def _quote(row: Mapping[object, object], text: str) -> Quote:
    line = " ".join(text.split())
    cut = bool(row["is_long"]) or len(line) > LETTERS
    return Quote(pd.Timestamp(str(row["sent_at"])), line[:LETTERS].rstrip() if cut else line, cut)
