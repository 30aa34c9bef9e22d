"""A log that stays at its server: rows of some customers come over, so that every check sees it."""

from __future__ import annotations

from dataclasses import replace

from churnml.contract import TABLES
from churnml.evaluation.audit.findings import Check
from churnml.evaluation.audit.lives import Lives
from churnml.evaluation.audit.words import say
from churnml.sources.dataset import Dataset
from churnml.sources.workshop import literal, quoted

CHECK = "rows_at_server"
#: Rows that are taken over of a log. Leaks show on some hundred leavers; of a log as dense as a
#: thousand rows a customer these are a hundred and more.
MOST_ROWS = 500_000


def take_logs(lives: Lives, dataset: Dataset) -> tuple[Lives, list[Check]]:
    """The lives with the logs at a server, and of how many customers these are.

    Where a log is longer than ``MOST_ROWS``, customers are drawn by lot, by a digest of their ids,
    whoever leaves and whoever stays: shares of leavers are then those of all customers. What is
    compared with the log is compared for these customers only (table ``searched``).

    Returns
    -------
    lives : Lives
        The same if nothing lies at a server.
    checks : list of Check
        One for each log.
    """
    there = sorted(dataset.tables & set(dataset.away))
    checks = [_take(lives, dataset, name) for name in there]
    return replace(lives, tables=lives.tables | set(there)), checks


def _take(lives: Lives, dataset: Dataset, name: str) -> Check:
    connection, table = lives.connection, quoted(name)
    counted = f"select customer_id, count(*) as n from {table} group by 1"
    dataset.gather("log_rows", counted, of=name, connection=connection)
    everyone = int(lives.rows("select count(*) as n from searched")["n"][0])
    connection.execute(
        "create or replace temp table searched as select customer_id from (select s.customer_id, "
        "sum(coalesce(r.n, 0)) over (order by md5(s.customer_id), s.customer_id) as total "
        f"from searched s left join log_rows r using (customer_id)) where total <= {MOST_ROWS}"
    )
    people = lives.rows("select customer_id from searched order by 1")["customer_id"]
    where = ""
    if len(people) < everyone:
        where = f" where customer_id in ({', '.join(map(literal, people)) or 'null'})"
    read = [one.name for one in TABLES[name].columns if one.kind != "id"]
    columns = ", ".join(quoted(one) for one in ("customer_id", *read, "known_at"))
    taken = f"select {columns} from {table}{where}"
    dataset.gather(name, taken, of=name, connection=connection)
    rows = int(lives.rows(f"select count(*) as n from {table}")["n"][0])
    seen = say(CHECK, table=name, rows=rows, people=len(people), everyone=everyone)
    return Check(CHECK, True if len(people) else None, seen)
