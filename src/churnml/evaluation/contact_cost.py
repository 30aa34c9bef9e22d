"""What a contact may cost: profit and the share worth contacting when its price changes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from churnml.alerting.policy import Policy
from churnml.alerting.surroundings import surroundings
from churnml.config import Study
from churnml.evaluation.forward import MODEL
from churnml.evaluation.money import Purse
from churnml.evaluation.proof import Proof
from churnml.labels import spells
from churnml.model.examples import Examples
from churnml.sources.dataset import Dataset

#: Figures of the table, each with the ends of its 95% interval.
FIGURES = ("optimal_share", "empb", "profit_per_contact")


def profit_by_contact_cost(
    dataset: Dataset,
    examples: Examples,
    proof: Proof,
    *,
    study: Study,
    costs: Sequence[float],
    resamples: int = 100,
) -> pd.DataFrame:
    """The model's money figures at other prices of a contact, everything else as in the study.

    Parameters
    ----------
    dataset : Dataset
    examples : Examples
    proof : Proof
        Its tested rows are weighed again.
    study : Study
    costs : sequence of float
        Prices of one contact, in the currency of the dataset.
    resamples : int
        Of the intervals.

    Returns
    -------
    DataFrame indexed by contact_cost
        ``optimal_share`` of the customers to contact, profit per customer at that share
        (``empb``), ``profit_per_contact`` of the queue, each with ``_low`` and ``_high``.

    Examples
    --------
    >>> dearer = ch.profit_by_contact_cost(
    ...     dataset, examples, proof, study=study, costs=[5, 500], resamples=10
    ... )
    >>> bool(dearer["empb"].iloc[0] >= dearer["empb"].iloc[1])
    True
    """
    scores = proof.scores[MODEL].rename("probability").reset_index()
    policy = Policy.of(study.alerts, seed=study.seed)
    rows = scores[["customer_id", "as_of"]]
    around = surroundings(dataset, rows, policy=policy) if policy.has_gates else None
    ends, labels = spells(dataset), proof.labels.reset_index(drop=True)
    found = []
    for cost in costs:
        terms = study.money.model_copy(update={"contact_cost": float(cost)})
        purse = Purse.of(
            dataset, scores, labels, spells=ends, window=examples.window, policy=policy,
            study=study.model_copy(update={"money": terms}), surroundings=around,
        )  # fmt: skip
        money = purse.weigh(scores, resamples=resamples)
        line: dict[str, float | None] = {"contact_cost": float(cost)}
        for name in FIGURES:
            low, high = money.intervals[name] or (None, None)
            line |= {name: money.figures[name], f"{name}_low": low, f"{name}_high": high}
        found.append(line)
    return pd.DataFrame(found).set_index("contact_cost").astype("float64")
