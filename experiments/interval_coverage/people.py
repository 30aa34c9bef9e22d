"""Populations of one simulated world with the scores of a small model, drawn in memory."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from churnml.labels import CHURNED, UNKNOWN, label, spells
from churnml.snapshots import take_snapshots
from churnml.sources.dataset import Dataset
from churnml.sources.description import Description
from churnml.sources.world.billing import draw_subscriptions, subscription_frame
from churnml.sources.world.panel import build_panel
from churnml.sources.world.paths import draw_paths
from churnml.sources.world.people import draw_people
from churnml.sources.world.simulation import Setting, draw_setting
from churnml.sources.world.tables import instants
from churnml.sources.world.usage import draw_events
from churnml.windows import LabelWindow

WEEKS = 60
#: Tested as_ofs in weeks from the start; the last label closes nine weeks later.
TESTED = range(24, 51)
CUSTOMERS = 1_000
WINDOW = LabelWindow(lead_days=21, horizon_days=28, delay_days=14)


@dataclass(frozen=True)
class Population:
    """Tested rows of some customers, and what became of them.

    Parameters
    ----------
    rows : DataFrame
        customer_id, as_of, label and the features.
    spells : DataFrame
        customer_id, started_at, exit_at.
    """

    rows: pd.DataFrame
    spells: pd.DataFrame


def world_of(seed: int) -> Setting:
    """Causes, effects and calendar of a world."""
    return draw_setting("saas", weeks=WEEKS, seed=seed)


def observed_until(setting: Setting) -> pd.Timestamp:
    """Right edge of the data of a world."""
    return (setting.world.start + pd.Timedelta(weeks=WEEKS)).as_unit("us")


def draw(setting: Setting, *, population_seed: int) -> Population:
    """A thousand other people of the world.

    They are those of ``churnml simulate --population-seed``, before faults and lateness; tables
    that the features do not read are not drawn.
    """
    rng = np.random.default_rng([population_seed, 2, 0])
    people = draw_people(setting.world, setting.words, np.arange(CUSTOMERS), rng)
    paths = draw_paths(setting.chain, setting.world, people.types, rng)
    panel = build_panel(setting.world, people, paths, rng)
    events = draw_events(panel, setting.calendar, setting.words, rng)
    terms = draw_subscriptions(panel, paths.spells, setting.words, rng)
    start = setting.world.start
    dataset = _dataset(
        subscription_frame(terms, panel, setting.words),
        pd.DataFrame({"customer_id": people.ids, "signed_up_at": instants(start, paths.signed_up)}),
        until=observed_until(setting),
    )
    tested = [(start + pd.Timedelta(weeks=week)).as_unit("us") for week in TESTED]
    snapshots = take_snapshots(dataset, tested)
    rows = snapshots[["customer_id", "as_of"]].assign(
        label=label(dataset, snapshots, window=WINDOW), **_features(setting, events, snapshots)
    )
    name = f"{population_seed}-"
    return Population(
        rows.assign(customer_id=name + rows["customer_id"]),
        spells(dataset).assign(customer_id=lambda frame: name + frame["customer_id"]),
    )


def _dataset(
    subscriptions: pd.DataFrame, customers: pd.DataFrame, *, until: pd.Timestamp
) -> Dataset:
    """What snapshots and labels read; every row was known when it happened."""
    connection = duckdb.connect(config={"threads": 1})
    tables = {
        "subscriptions": subscriptions.assign(known_at=subscriptions["started_at"]),
        "customers": customers.assign(known_at=customers["signed_up_at"]),
    }
    for name, frame in tables.items():
        connection.register("drawn", frame)
        connection.execute(f"create table {name} as select * from drawn")
    return Dataset(
        connection, Description(), until, frozenset(tables), (), (), digest="drawn in memory"
    )


def _features(
    setting: Setting, events: pd.DataFrame, snapshots: pd.DataFrame
) -> dict[str, npt.NDArray[np.float64]]:
    """Eight plain signals of usage and tenure from whole weeks before the as_of."""
    start = setting.world.start
    names = setting.words.names["events"]
    counts = {
        "events": _weekly(events, start=start),
        "key": _weekly(events[events["name"].isin(names["key"])], start=start),
        "warning": _weekly(
            events[events["name"].isin([*names["export"], *names["pricing"]])], start=start
        ),
    }
    who = snapshots["customer_id"].str[1:].astype(int).to_numpy()
    week = ((snapshots["as_of"] - start) // pd.Timedelta(weeks=1)).to_numpy()
    tenure = (snapshots["as_of"] - snapshots["spell_started_at"]) / pd.Timedelta(weeks=1)

    def within(kind: str, first: int, last: int) -> npt.NDArray[np.float64]:
        """Events of the weeks ``[as_of - first, as_of - last)``, a week."""
        return (counts[kind][who, week - last] - counts[kind][who, week - first]) / (first - last)

    recent, usual = within("events", 4, 0), within("events", 20, 6)
    return {
        "recent": np.log1p(recent),
        "usual": np.log1p(usual),
        "change": np.log((recent + 1) / (usual + 1)),
        "newest_change": np.log((within("events", 2, 0) + 1) / (usual + 1)),
        "key_change": np.log((within("key", 4, 0) + 0.5) / (within("key", 20, 6) + 0.5)),
        "warning": np.log1p(within("warning", 4, 0)),
        "warning_before": np.log1p(within("warning", 12, 4)),
        "tenure": np.log1p(tenure.to_numpy()),
    }


def _weekly(events: pd.DataFrame, *, start: pd.Timestamp) -> npt.NDArray[np.float64]:
    """Events before each week boundary, shape (n_customers, n_boundaries)."""
    who = events["customer_id"].str[1:].astype(int).to_numpy()
    week = ((events["event_time"] - start) // pd.Timedelta(weeks=1)).to_numpy().clip(0)
    inside = week < WEEKS
    cells = who[inside] * WEEKS + week[inside]
    weekly = np.bincount(cells, minlength=CUSTOMERS * WEEKS).reshape(CUSTOMERS, WEEKS)
    return np.pad(weekly.cumsum(axis=1), ((0, 0), (1, 0))).astype(np.float64)


def fit(setting: Setting, *, population_seeds: range) -> Pipeline:
    """A logistic regression on people who are in no test."""
    rows = pd.concat(
        [draw(setting, population_seed=seed).rows for seed in population_seeds], ignore_index=True
    )
    known = rows[rows["label"] != UNKNOWN]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0))
    return model.fit(_matrix(known), known["label"] == CHURNED)


def scored(population: Population, model: Pipeline) -> pd.DataFrame:
    """customer_id, as_of, label and probability of every tested row."""
    rows = population.rows
    probability = model.predict_proba(_matrix(rows))[:, 1]
    return rows[["customer_id", "as_of", "label"]].assign(probability=probability)


def _matrix(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=["customer_id", "as_of", "label"])
