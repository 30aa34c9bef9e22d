"""One customer explained: the score then and now, shares of the families, reasons, the change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnml.errors import InputError
from churnml.explanation.attribution import explain, family_contributions
from churnml.explanation.open_problem import open_problems
from churnml.explanation.reasons import reasons_of, voices_of
from churnml.explanation.score_change import score_change
from churnml.features import Feature
from churnml.labels import spells
from churnml.model.bundle import Bundle
from churnml.scoring import features_at, listened, needed_features
from churnml.sources.dataset import Dataset
from churnml.windows import local


def account(
    dataset: Dataset,
    bundle: Bundle,
    customer_id: str,
    as_of: pd.Timestamp,
    *,
    since: pd.Timestamp | None = None,
) -> dict[str, Any]:
    """Why a customer scores as it does, and why that changed since an earlier instant.

    Parameters
    ----------
    dataset : Dataset
    bundle : Bundle
    customer_id : str
    as_of : Timestamp
        Naive UTC.
    since : Timestamp, optional
        An earlier as_of to compare with.

    Returns
    -------
    dict
        ``customer_id``, ``as_of``, ``probability``, ``since``, ``probability_then``, ``bias``,
        ``families`` (log-odds by family; with the bias they add up to the score's), ``reasons``,
        ``open_problem`` and ``change`` (by topic, additive in log-odds).

    Raises
    ------
    InputError
        If the customer is not at risk at one of the instants, or they are in the wrong order.
    """
    if since is not None and since >= as_of:
        raise InputError(f"--since {since} does not lie before --as-of {as_of}. Exchange them.")
    heard = listened(dataset, bundle)
    features = needed_features(heard, bundle)
    moments = [as_of] if since is None else [since, as_of]
    table = features_at(heard, moments, features=features)
    rows = {moment: _row(table, dataset, customer_id, moment) for moment in moments}
    now = rows[as_of]
    everyone = table[table.index.get_level_values("as_of") == as_of]
    content = {
        "customer_id": customer_id,
        "as_of": as_of,
        "probability": float(bundle.predict(now).iloc[0]),
        "since": since,
        "probability_then": None,
        **_families(bundle, now, features),
        "reasons": reasons_of(heard, bundle, now, everyone=everyone)[0],
        "open_problem": open_problems(heard, now.index).get((customer_id, as_of)),
        "change": None,
    }
    if since is not None:
        then, voices = rows[since], voices_of(heard)
        change = score_change(bundle, then, now, features=features, voices=voices)
        content["probability_then"] = float(bundle.predict(then).iloc[0])
        content["change"] = _records(change.drop(columns="customer_id"))
    return content


def _families(bundle: Bundle, row: pd.DataFrame, features: Sequence[Feature]) -> dict[str, Any]:
    """The bias, and the log-odds of each family, the strongest first."""
    contributions = explain(bundle.ensemble, row)
    shares = family_contributions(contributions, features=features).iloc[0].drop("bias")
    ordered = shares.sort_values(key=np.abs, ascending=False, kind="stable")
    families = [{"family": str(name), "contribution": float(v)} for name, v in ordered.items()]
    return {"bias": float(contributions["bias"].iloc[0]), "families": families}


def _records(change: pd.DataFrame) -> list[dict[str, Any]]:
    """The topics that moved the score, unknown values as None."""
    moved = change[change["difference"] != 0]
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in moved.to_dict("records")
    ]


def _row(
    table: pd.DataFrame, dataset: Dataset, customer_id: str, as_of: pd.Timestamp
) -> pd.DataFrame:
    names, moments = (table.index.get_level_values(n) for n in ("customer_id", "as_of"))
    found = table[(names == customer_id) & (moments == as_of)]
    if found.empty:
        raise InputError(_absent(dataset, customer_id, as_of))
    return found


def _absent(dataset: Dataset, customer_id: str, as_of: pd.Timestamp) -> str:
    """Why a customer is not at risk, as far as the data tell it, and what to do."""
    zone, stays = dataset.description.timezone, spells(dataset)
    own = stays[stays["customer_id"] == customer_id]
    begun = own[own["started_at"] < as_of]
    said = f"{customer_id} is not at risk on {local(as_of, zone=zone):%Y-%m-%d}"
    if not begun.empty and pd.notna(left := begun["exit_at"].iloc[-1]) and left <= as_of:
        day = f"{local(left, zone=zone):%Y-%m-%d}"
        return f"{said}: the customer left on {day}. Choose an as_of before that."
    if begun.empty and not own.empty:
        day = f"{local(own['started_at'].min(), zone=zone):%Y-%m-%d}"
        return f"{said}: the customer came on {day}. Choose an as_of after that."
    if own.empty and (alike := _alike(customer_id, stays["customer_id"])):
        return f"{said}: the data know no such id. Is {' or '.join(alike)} meant?"
    return (
        f"{said}: no contract or activity was known then. Check that the id is written as in the "
        "data (leading zeros), and the date."
    )


def _alike(customer_id: str, known: pd.Series) -> list[str]:
    """Up to three ids that differ in leading zeros, blanks or capitals only."""
    wanted = customer_id.strip().lstrip("0").casefold()
    bare = known.str.strip().str.lstrip("0").str.casefold()
    return sorted(set(known[bare == wanted]))[:3]
