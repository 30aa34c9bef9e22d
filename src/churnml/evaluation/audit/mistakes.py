"""The six mistakes of score programmes, as far as data, model and scores show them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from churnml.alerting.queue import Policy, queue
from churnml.evaluation.audit.alarms import area_with_bound
from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.labels import CHURNED, STAYED
from churnml.model.bundle import Bundle
from churnml.model.examples import Examples
from churnml.sources.dataset import Dataset
from churnml.windows import DAY

#: Two monthly runs may fail; a model older than that has been forgotten.
OLD_AFTER_DAYS = 92
ACTED_WITHIN_DAYS = 14
#: Fewer alerts answered than this share are a score that nobody uses.
ACTED_SHARE = 0.2
#: More features that carry anything than leavers to learn from them is guessing.
LEAVERS_PER_FEATURE = 0.25


def too_many_metrics(bundle: Bundle, examples: Examples) -> tuple[list[Finding], Check]:
    """Features of the model against the people who left: for information."""
    name = "too_many_metrics"
    labels = examples.labels[examples.window]
    left = labels[examples.population & (labels == CHURNED)]
    leavers = left.index.get_level_values("customer_id").nunique()
    features = len(bundle.feature_names)
    seen = f"{features} features, {leavers} leavers in the label window"
    if leavers >= LEAVERS_PER_FEATURE * features:
        return [], Check(name, True, seen)
    finding = Finding(
        name, "info",
        f"The model reads {features} features and only {leavers} people left: most of them carry "
        "noise. Drop families that say nothing with [features] drop, or trust the rank sum.",
        value=features,
    )  # fmt: skip
    return [finding], Check(name, True, seen)


def wrong_weights(
    examples: Examples, *, signs: Mapping[str, int], stated: bool
) -> tuple[list[Finding], Check]:
    """Signals of the simple rule that point the wrong way on this data.

    Parameters
    ----------
    signs : mapping of str to int
        +1 where a high value speaks for leaving.
    stated : bool
        Whether the study states them; those of the package are told for information.
    """
    labels = examples.labels[examples.window]
    rows = (labels == CHURNED)[examples.population & labels.isin([CHURNED, STAYED])]
    findings = []
    for name, sign in signs.items():
        column = sign * examples.features.loc[rows.index, name].to_numpy(dtype=float)
        known = ~np.isnan(column)
        there = rows[known]
        if there.sum() < 30:
            continue
        area, low = area_with_bound(column[known], there)
        rises = column[known][there].mean() > column[known][~there].mean()
        if low > 0.5 and area > 0.55 and not rises:
            findings.append(_wrong(name, sign, "warning" if stated else "info"))
    return findings, concluded("wrong_weights", findings, seen=f"{len(signs)} signals")


def _wrong(name: str, sign: int, severity: str) -> Finding:
    way = "more" if sign > 0 else "less"
    return Finding(
        "wrong_weights",
        severity,  # type: ignore[arg-type]
        f"The rule counts {way} of {name} as risk, but here leavers have it the other way round. "
        "Mend its sign in [baselines] rank_sum, or leave it out.",
        feature=name,
        value=sign,
    )


def forgotten_model(bundle: Bundle, dataset: Dataset) -> tuple[list[Finding], Check]:
    """Set and forget: a model whose data ended long before the data at hand."""
    name = "set_and_forget"
    days = int((dataset.observed_until - bundle.data_until) / DAY)
    seen = f"the model's data ends {days} days before the data at hand"
    if days <= OLD_AFTER_DAYS:
        return [], Check(name, True, seen)
    finding = Finding(
        name, "warning",
        f"The model saw data until {bundle.data_until:%Y-%m-%d}, {days} days before the end of the "
        "data. Retrain monthly: `python -m churnml.train`.",
        value=days,
    )  # fmt: skip
    return [finding], concluded(name, [finding], seen=seen)


def ignored_score(
    scores: pd.DataFrame, dataset: Dataset, *, policy: Policy
) -> tuple[list[Finding], Check]:
    """Alerts that nobody acted on, where actions are recorded at all."""
    name = "ignored_score"
    if "interventions" not in dataset.tables:
        return [], Check(name, None, "no interventions are recorded")
    alerts = queue(scores, policy)
    over = alerts["as_of"] + ACTED_WITHIN_DAYS * DAY <= dataset.observed_until
    alerts = alerts[over].sort_values("as_of")
    if alerts.empty:
        return [], Check(name, None, "no alert is two weeks old")
    acts = dataset.frame("interventions")[["customer_id", "assigned_at"]]
    answered = pd.merge_asof(
        alerts, acts.sort_values("assigned_at"), left_on="as_of", right_on="assigned_at",
        by="customer_id", direction="forward", tolerance=ACTED_WITHIN_DAYS * DAY,
    )["assigned_at"].notna()  # fmt: skip
    share = float(answered.mean())
    seen = f"{share:.0%} of {len(alerts)} alerts were followed by an intervention in two weeks"
    if share >= ACTED_SHARE:
        return [], Check(name, True, seen)
    finding = Finding(
        name, "warning",
        f"Only {seen}. A score that nobody uses saves nobody: give every alert an owner and a "
        "deadline, or lower [alerts] q to what the team can carry.",
        table="interventions", value=round(share, 3),
    )  # fmt: skip
    return [finding], concluded(name, [finding], seen=seen)


def no_plan(dataset: Dataset) -> tuple[list[Finding], Check]:
    """Whether anything is recorded that was done for a customer: for information."""
    name = "no_plan"
    if "interventions" in dataset.tables:
        return [], Check(name, True, "interventions are recorded")
    finding = Finding(
        name, "info",
        "No interventions are recorded, so nobody can tell what a rescue was worth. Keep them in "
        "the table interventions.",
        table="interventions",
    )  # fmt: skip
    return [finding], Check(name, True, "no table interventions")
