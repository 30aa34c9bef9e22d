"""Drawn panels: customers with a known weekly hazard, and scores that see it through noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

WEEKS = 4
LEAD, END = 3, 7  # the label window [21, 49) days in weeks
LEVEL, SPREAD = -7.3, 2.9  # log-odds of leaving in a week: mean and spread over customers
BLUR = 1.9  # what no model sees: noise that champion and challenger share
OWN = 0.16  # what two fits of one recipe do not share; assumed: correlation 0.998
FIRST = pd.Timestamp("2026-01-05")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Four weekly as_ofs of customers at risk.

    Parameters
    ----------
    keys : DataFrame
        customer_id, as_of.
    labels : Series of str
    customer : ndarray of int
        Position of the customer of each row.
    truth : ndarray of float
        Log-odds of leaving, of each customer.
    shared, champion, challenger : ndarray of float
        Noise of each customer: in both scores, in one of them.
    """

    keys: pd.DataFrame
    labels: pd.Series
    customer: npt.NDArray[np.intp]
    truth: Floats
    shared: Floats
    champion: Floats
    challenger: Floats

    def scored(self, own: Floats, *, blur: float = 0.0) -> pd.DataFrame:
        """The truth through the shared noise and an own one; ``blur`` adds to the own noise."""
        sight = self.truth + self.shared + np.sqrt(OWN**2 + blur**2) * own
        return self.keys.assign(score=sight[self.customer])


def draw(customers: int, *, seed: int) -> Panel:
    """Customers who leave with a constant weekly hazard of their own."""
    rng = np.random.default_rng(seed)
    truth = LEVEL + SPREAD * rng.normal(size=customers)
    hazard = 1.0 / (1.0 + np.exp(-truth))
    leaves = rng.geometric(hazard) - 1  # week of the exit, 0 the first
    week, customer = (part.ravel() for part in np.indices((WEEKS, customers)))
    here = leaves[customer] >= week
    week, customer = week[here], customer[here]
    notice = leaves[customer] - week
    labels = np.select([notice < LEAD, notice < END], ["left_early", "churned"], default="stayed")
    keys = pd.DataFrame({
        "customer_id": np.char.add("c", customer.astype(str)),
        "as_of": FIRST + pd.to_timedelta(7 * week, unit="D"),
    })  # fmt: skip
    noise = rng.normal(size=(3, customers))
    return Panel(keys, pd.Series(labels), customer, truth, BLUR * noise[0], noise[1], noise[2])
