"""The other contenders of the reference job: the limit, SQL, polars and featuretools by hand.

Each reads the events of a folder and writes the feature table; none needs churnml.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from job import AS_OFS, BLOCK, DAYS, EVENTS, FIRST, NAMES


def limit(folder: Path, out: Path, customers: int) -> None:
    """Decode all events and write an output of the same size, both at once."""
    reading = threading.Thread(target=_decode, args=(folder / EVENTS,))
    reading.start()
    block = pq.read_table(folder / BLOCK)
    ids = len(pc.unique(block["customer_id"]))
    with pq.ParquetWriter(out, block.schema) as writer:
        for _ in range(customers // ids):
            writer.write_table(block)
    reading.join()


def _decode(events: Path) -> None:
    for batch in pq.ParquetFile(events).iter_batches(batch_size=1 << 17):
        del batch


def duck_naive(folder: Path, out: Path, customers: int) -> None:
    """Every snapshot joined with every earlier event of its customer."""
    measures = [f"count(*) filter ({_inside(days)}) as n_{days}" for days in DAYS]
    measures += [f"coalesce(sum(value) filter ({_inside(days)}), 0) as v_{days}" for days in DAYS]
    measures += [
        f"count(*) filter ({_inside(days)} and event = '{name}') as {name}_{days}"
        for name in NAMES
        for days in DAYS
    ]
    measures.append("as_of::date - max(ts)::date as since")
    measures += [
        f"as_of::date - (max(ts) filter (event = '{name}'))::date as since_{name}" for name in NAMES
    ]
    measures.append(f"count(distinct ts::date) filter ({_inside(28)}) as days_28")
    connection = _duck(folder, f"select customer_id, as_of, {', '.join(measures)} from "
                       "(select s.customer_id, s.as_of, e.ts, e.event, e.value from snapshots s "
                       "left join events e on e.customer_id = s.customer_id and e.ts < s.as_of) "
                       "group by customer_id, as_of", out)  # fmt: skip
    connection.close()


def _inside(days: int) -> str:
    return f"ts >= as_of - interval {days} day"


def duck_window(folder: Path, out: Path, customers: int) -> None:
    """Weekly buckets, a dense grid, and frames of a window over it."""
    week = f"datediff('day', date '{FIRST.astype('datetime64[D]')}', ts::date)"
    week = f"cast(floor({week} / 7.0) as integer)"
    sums = ["count(*) as n", "sum(value) as v", "max(ts::date) as d"]
    sums += [f"count(*) filter (event = '{name}') as n_{name}" for name in NAMES]
    sums += [f"max(ts::date) filter (event = '{name}') as d_{name}" for name in NAMES]
    sums.append("count(distinct ts::date) as a")
    frames = {days: f"rows between {days // 7} preceding and 1 preceding" for days in DAYS}
    over = "over (partition by customer_id order by w"
    ever = "rows between unbounded preceding and 1 preceding"
    items = []
    for days, frame in frames.items():
        items.append(f"coalesce(sum(n) {over} {frame}), 0) as n_{days}")
        items.append(f"coalesce(sum(v) {over} {frame}), 0) as v_{days}")
        items += [f"coalesce(sum(n_{x}) {over} {frame}), 0) as {x}_{days}" for x in NAMES]
    items.append(f"coalesce(sum(a) {over} {frames[28]}), 0) as days_28")
    items.append(f"as_of::date - max(d) {over} {ever}) as since")
    items += [f"as_of::date - max(d_{x}) {over} {ever}) as since_{x}" for x in NAMES]
    query = f"""
        with buckets as (select customer_id, {week} as w, {", ".join(sums)} from events
                         where ts < timestamp '{AS_OFS[-1]}' group by all),
        spine as (select customer_id, w, timestamp '{FIRST}' + to_days(7 * w::integer) as as_of
                  from (select distinct customer_id from events),
                       (select unnest(range(-14, {len(AS_OFS)})) as w)),
        dense as (select s.*, b.* exclude (customer_id, w) from spine s
                  left join buckets b on s.customer_id = b.customer_id and s.w = b.w)
        select * exclude (w) from (select customer_id, as_of, w, {", ".join(items)} from dense)
        where w >= 0"""
    _duck(folder, query, out).close()


def _duck(folder: Path, query: str, out: Path) -> Any:
    import duckdb

    connection = duckdb.connect()
    connection.execute("set temp_directory = ?", [str(out.with_suffix(".spill"))])
    connection.execute(f"create view events as select * from '{folder / EVENTS}'")
    connection.execute(
        "create table snapshots as select customer_id, as_of from "
        "(select distinct customer_id from events),"
        f"(select timestamp '{FIRST}' + to_days(7 * w::integer) as as_of "
        f"from (select unnest(range({len(AS_OFS)})) as w))"
    )
    connection.execute(f"copy ({query}) to '{out}' (format parquet)")
    return connection


def fight_churn(folder: Path, out: Path, customers: int) -> None:
    """One INSERT for each metric into a tall table, then one row for each snapshot.

    After the metric SQL of C. Gold, *Fighting Churn with Data*, 2020 (fight-churn on GitHub).
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("set temp_directory = ?", [str(out.with_suffix(".spill"))])
    connection.execute(f"create table events as select * from '{folder / EVENTS}'")
    connection.execute("create table metric (customer_id varchar, as_of timestamp, name varchar, "
                       "value double)")  # fmt: skip
    dates = (f"(select timestamp '{FIRST}' + to_days(7 * unnest(range({len(AS_OFS)}))::integer) "
             "as as_of) d")  # fmt: skip
    for name, measure, days, where in _metrics():
        since = f"and e.ts >= d.as_of - interval {days} day" if days else ""
        connection.execute(
            f"insert into metric select e.customer_id, d.as_of, '{name}', {measure} from events e "
            f"join {dates} on e.ts < d.as_of {since} where {where} group by e.customer_id, d.as_of"
        )
    names = [name for name, *_ in _metrics()]
    flat = [
        f"{_zero(name)} as {name}".replace("?", f"max(m.value) filter (m.name = '{name}')")
        for name in names
    ]
    connection.execute(
        f"copy (select c.customer_id, d.as_of, {', '.join(flat)} from "
        f"(select distinct customer_id from events) c cross join {dates} left join metric m "
        "on m.customer_id = c.customer_id and m.as_of = d.as_of group by all) "
        f"to '{out}' (format parquet)"
    )
    connection.close()


def _zero(name: str) -> str:
    return "?" if name.startswith("since") else "coalesce(?, 0)"


def _metrics() -> list[tuple[str, str, int | None, str]]:
    recency = "d.as_of::date - max(e.ts)::date"
    made: list[tuple[str, str, int | None, str]] = []
    for days in DAYS:
        made += [(f"n_{days}", "count(*)", days, "true"), (f"v_{days}", "sum(value)", days, "true")]
        made += [(f"{x}_{days}", "count(*)", days, f"event = '{x}'") for x in NAMES]
    made += [("since", recency, None, "true")]
    made += [(f"since_{x}", recency, None, f"event = '{x}'") for x in NAMES]
    return [*made, ("days_28", "count(distinct e.ts::date)", 28, "true")]


def polars_hand(folder: Path, out: Path, customers: int) -> None:
    """Weekly buckets, a dense grid, cumulative sums and their shifts, customers in chunks."""
    import polars as pl

    events = pl.scan_parquet(folder / EVENTS).filter(pl.col("ts") < AS_OFS[-1])
    ids = events.select(pl.col("customer_id").unique().sort()).collect()["customer_id"]
    writer = None
    for start in range(0, len(ids), 20_000):
        part = ids.slice(start, 20_000)
        table = _polars_chunk(pl, events, part).to_arrow()
        writer = writer or pq.ParquetWriter(out, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def _polars_chunk(pl: Any, events: Any, ids: Any) -> Any:
    day = pl.col("ts").dt.date()
    week = ((pl.col("ts") - FIRST).dt.total_microseconds()).floordiv(7 * 86_400_000_000)
    kinds = {"n": pl.lit(True), **{x: pl.col("event") == x for x in NAMES}}
    buckets = (
        events.filter(pl.col("customer_id").is_in(ids.implode()))
        .group_by("customer_id", week.cast(pl.Int32).alias("w"))
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            *(kinds[x].sum().cast(pl.Int64).alias(x) for x in NAMES),
            # whole cents: sums of floats leave a residue in empty windows
            (pl.col("value") * 100).round().cast(pl.Int64).sum().alias("v"),
            *(day.filter(kind).max().alias(f"d_{x}") for x, kind in kinds.items()),
            day.n_unique().cast(pl.Int64).alias("a"),
        )
    )
    weeks = pl.LazyFrame({"w": list(range(-15, len(AS_OFS)))}, schema={"w": pl.Int32})
    dense = (
        pl.LazyFrame({"customer_id": ids}).join(weeks, how="cross")
        .join(buckets, on=["customer_id", "w"], how="left").sort("customer_id", "w")
    )  # fmt: skip
    dense = dense.with_columns(
        *(pl.col(x).fill_null(0).cum_sum().over("customer_id") for x in (*kinds, "v", "a")),
        *(pl.col(f"d_{x}").forward_fill().over("customer_id") for x in kinds),
    )

    def window(x: str, days: int) -> Any:
        weeks_ = days // 7
        found = pl.col(x).shift(1) - pl.col(x).shift(1 + weeks_)
        return found.cast(pl.Float64)

    as_of = (pl.lit(FIRST).cast(pl.Datetime("us")) + pl.duration(days=7 * pl.col("w"))).alias(
        "as_of"
    )
    return (
        dense.select(
            "customer_id", as_of, "w",
            *(window(x, days).alias(f"{x}_{days}") for x in kinds for days in DAYS),
            *((window("v", days) / 100).alias(f"v_{days}") for days in DAYS),
            *(
                (as_of.dt.date() - pl.col(f"d_{x}").shift(1)).dt.total_days().cast(pl.Float64)
                .alias("since" if x == "n" else f"since_{x}")
                for x in kinds
            ),
            window("a", 28).alias("days_28"),
        )
        .filter(pl.col("w") >= 0).drop("w").collect()
    )  # fmt: skip


def featuretools(folder: Path, out: Path, customers: int) -> None:
    """Four passes of calculate_feature_matrix over the same cutoff times."""
    import featuretools as ft
    import pandas as pd

    events = pd.read_parquet(folder / EVENTS).reset_index(names="row")
    events["day"] = events["ts"].dt.strftime("%Y-%m-%d")
    ids = pd.DataFrame({"customer_id": events["customer_id"].unique()})
    es = ft.EntitySet("job")
    es.add_dataframe(ids, "customers", index="customer_id")
    es.add_dataframe(events, "events", index="row", time_index="ts",
                     logical_types={"event": "Categorical", "day": "Categorical"})  # fmt: skip
    es.add_relationship("customers", "customer_id", "events", "customer_id")
    es.add_interesting_values(dataframe_name="events", values={"event": list(NAMES)})
    cutoffs = pd.MultiIndex.from_product(
        [AS_OFS, ids["customer_id"]], names=["time", "customer_id"]
    )
    times = cutoffs.to_frame(index=False)[["customer_id", "time"]]
    # a cutoff includes its own instant
    times["time"] -= pd.Timedelta(1, "us")
    table = times.assign(as_of=times["time"] + pd.Timedelta(1, "us")).drop(columns="time")
    for days in (*DAYS, None):
        asked = _featuretools_features(ft, es, days)
        window = None if days is None else ft.Timedelta(days, "d")
        found = ft.calculate_feature_matrix(
            list(asked.values()), es, cutoff_time=times, training_window=window
        )
        found.columns = list(asked)
        assert (found.index.get_level_values(0) == times["customer_id"].to_numpy()).all()
        table = pd.concat([table, found.reset_index(drop=True)], axis=1)
    for name in [column for column in table if column.startswith("since")]:
        last = pd.to_datetime(table[name]).dt.floor("D")
        table[name] = (table["as_of"].dt.floor("D") - last).dt.days.astype("float64")
    numbers = table.columns.difference(["customer_id", "as_of"])
    numbers = [column for column in numbers if not column.startswith("since")]
    table[numbers] = table[numbers].astype("float64").fillna(0.0)
    table.to_parquet(out, index=False)


def _featuretools_features(ft: Any, es: Any, days: int | None) -> dict[str, Any]:
    row = ft.IdentityFeature(es["events"].ww["row"])
    time = ft.IdentityFeature(es["events"].ww["ts"])
    what = ft.IdentityFeature(es["events"].ww["event"])
    value = ft.IdentityFeature(es["events"].ww["value"])
    day = ft.IdentityFeature(es["events"].ww["day"])

    def of(base: Any, kind: str, name: str | None = None) -> Any:
        where = {} if name is None else {"where": what == name}
        primitive = getattr(ft.primitives, kind)
        return ft.Feature(base, parent_dataframe_name="customers", primitive=primitive, **where)

    if days is None:
        return {"since": of(time, "Last"),
                **{f"since_{x}": of(time, "Last", x) for x in NAMES}}  # fmt: skip
    found = {f"n_{days}": of(row, "Count"), f"v_{days}": of(value, "Sum"),
             **{f"{x}_{days}": of(row, "Count", x) for x in NAMES}}  # fmt: skip
    return found | ({"days_28": of(day, "NumUnique")} if days == 28 else {})
