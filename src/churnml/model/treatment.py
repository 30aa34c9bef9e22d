"""Rows that a save play reached: their labels say what became of treated customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.config import Study, Treated
from churnml.errors import InputError
from churnml.sources.dataset import Dataset
from churnml.spoken import counted
from churnml.windows import LabelWindow


@dataclass(frozen=True)
class Treatment:
    """Which rows a play reached, and how much each row counts in a fit.

    Parameters
    ----------
    treated : Series of bool indexed by (customer_id, as_of)
        A play may have changed what became of the row.
    control : Series of bool
        Assigned to a control arm and not treated.
    weight : Series of float
        Of each row in a fit; 0: left out.
    handling : {"keep", "exclude", "weight"}
    """

    treated: pd.Series
    control: pd.Series
    weight: pd.Series
    handling: str

    def loc(self, index: pd.Index) -> Treatment:
        """The same, of these rows in this order."""
        return Treatment(
            self.treated.loc[index], self.control.loc[index], self.weight.loc[index], self.handling
        )

    def as_json(self) -> dict[str, Any]:
        """How many rows and customers were reached, and how they count."""
        reached = self.treated.index[self.treated.to_numpy()]
        return {
            "handling": self.handling,
            "rows": len(reached),
            "customers": int(reached.get_level_values("customer_id").nunique()),
            "control_rows": int(self.control.sum()),
        }


def check_weighting(study: Study) -> None:
    """Refuse weights where a sampler draws the rows anew.

    Raises
    ------
    InputError
        If rows are both weighted and resampled.
    """
    if study.treated.rows == "weight" and study.model.sampler != "none":
        raise InputError(
            f"[treated] rows = 'weight' cannot be combined with [model] sampler = "
            f"'{study.model.sampler}': resampled rows have no weight. Choose sampler = 'none'."
        )


def untreated(index: pd.Index) -> Treatment:
    """Nobody was reached: every row counts once."""
    nobody = pd.Series(False, index=index)
    return Treatment(nobody, nobody, pd.Series(1.0, index=index), "keep")


def find_treatment(
    dataset: Dataset, snapshots: pd.DataFrame, *, window: LabelWindow, choice: Treated
) -> Treatment:
    """The rows reached by a play assigned in ``[as_of - effect_days, end of the label window)``.

    An intervention without an arm is a treatment; a play given up before it was completed counts
    as well, because it was the customer's risk that chose it. This looks into the label window, so
    it belongs to the label: no feature may read it.

    Parameters
    ----------
    dataset : Dataset
    snapshots : DataFrame with ``customer_id`` and ``as_of``
    window : LabelWindow
        The one that is scored.
    choice : Treated

    Returns
    -------
    Treatment
        Indexed by (customer_id, as_of), in the order of the snapshots.

    Raises
    ------
    InputError
        If ``weight`` is chosen and no row has a control arm to stand in.

    References
    ----------
    .. [1] D. G. Horvitz, D. J. Thompson, *A Generalization of Sampling Without Replacement from a
       Finite Universe*, JASA 47, 1952 (weights that let those observed stand for the others).
    """
    keys = pd.MultiIndex.from_frame(snapshots[["customer_id", "as_of"]])
    if "interventions" not in dataset.tables:
        return untreated(keys)
    plays = dataset.connection.cursor().execute(_PLAYS).df()
    treatment = _newest(plays[plays["arm"] == "treatment"], snapshots, window, choice)
    control = _newest(plays[plays["arm"] == "control"], snapshots, window, choice)
    treated = treatment.notna()
    held_back = control.notna() & ~treated
    weight = pd.Series(1.0, index=snapshots.index)
    if choice.rows != "keep":
        weight[treated] = 0.0
    if choice.rows == "weight":
        weight[held_back] = _standing_in(treatment[treated], control[held_back])
    return Treatment(
        treated.set_axis(keys), held_back.set_axis(keys), weight.set_axis(keys), choice.rows
    )


# A play outside an experiment is an experiment of its own, without a control arm.
_PLAYS = """
select customer_id, assigned_at, coalesce(arm, 'treatment') as arm,
       coalesce(experiment, '') as experiment
from interventions order by assigned_at, intervention_id
"""


def _newest(
    plays: pd.DataFrame, snapshots: pd.DataFrame, window: LabelWindow, choice: Treated
) -> pd.Series:
    """Experiment of the newest play that reached each snapshot; missing where none did."""
    left = pd.DataFrame(
        {
            "customer_id": snapshots["customer_id"],
            "ends_at": snapshots["as_of"] + pd.Timedelta(days=window.end_days),
        }
    ).sort_values("ends_at", kind="stable")
    found = pd.merge_asof(
        left.reset_index(),
        plays,
        left_on="ends_at",
        right_on="assigned_at",
        by="customer_id",
        allow_exact_matches=False,
        tolerance=pd.Timedelta(days=window.end_days + choice.effect_days),
    )
    return found.set_index("index")["experiment"].loc[snapshots.index]


def _standing_in(treated: pd.Series, control: pd.Series) -> npt.NDArray[np.float64]:
    """Weight of each control row: itself and the treated rows of its experiment."""
    if control.empty:
        raise InputError(
            f"[treated] rows = 'weight' needs a control arm: "
            f"{counted(len(treated), 'treated row')}, and no row of arm 'control' to stand in. "
            "Choose 'keep' or 'exclude', or hold back a control arm (interventions.arm)."
        )
    reached, held = treated.value_counts(), control.value_counts()
    share = 1.0 + reached.reindex(held.index, fill_value=0) / held
    return np.asarray(control.map(share), dtype=np.float64)
