"""The six mistakes of score programmes, as far as data, model and scores show them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from churnml.alerting.queue import Policy, queue
from churnml.evaluation.audit.alarms import area_with_bound
from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.words import say
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
    seen = say("features_and_leavers", features=features, leavers=leavers)
    if leavers >= LEAVERS_PER_FEATURE * features:
        return [], Check(name, True, seen)
    message = say(name, features=features, leavers=leavers)
    finding = Finding(name, "info", message, value=features)
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
    return findings, concluded(
        "wrong_weights", findings, seen=say("signals_seen", signals=len(signs))
    )


def _wrong(name: str, sign: int, severity: str) -> Finding:
    way = say("way_more" if sign > 0 else "way_less")
    return Finding(
        "wrong_weights",
        severity,  # type: ignore[arg-type]
        say("wrong_sign", way=way, name=name),
        feature=name,
        value=sign,
    )


def forgotten_model(bundle: Bundle, dataset: Dataset) -> tuple[list[Finding], Check]:
    """Set and forget: a model whose data ended long before the data at hand."""
    name = "set_and_forget"
    days = int((dataset.observed_until - bundle.data_until) / DAY)
    seen = say("model_age", days=days)
    if days <= OLD_AFTER_DAYS:
        return [], Check(name, True, seen)
    message = say("forgotten", until=bundle.data_until, days=days)
    finding = Finding(name, "warning", message, value=days)
    return [finding], concluded(name, [finding], seen=seen)


def ignored_score(
    scores: pd.DataFrame, dataset: Dataset, *, policy: Policy
) -> tuple[list[Finding], Check]:
    """Alerts that nobody acted on, where actions are recorded at all."""
    name = "ignored_score"
    if "interventions" not in dataset.tables:
        return [], Check(name, None, say("no_interventions"))
    alerts = queue(scores, policy)
    over = alerts["as_of"] + ACTED_WITHIN_DAYS * DAY <= dataset.observed_until
    alerts = alerts[over].sort_values("as_of")
    if alerts.empty:
        return [], Check(name, None, say("no_old_alert"))
    acts = dataset.frame("interventions")[["customer_id", "assigned_at"]]
    answered = pd.merge_asof(
        alerts, acts.sort_values("assigned_at"), left_on="as_of", right_on="assigned_at",
        by="customer_id", direction="forward", tolerance=ACTED_WITHIN_DAYS * DAY,
    )["assigned_at"].notna()  # fmt: skip
    share = float(answered.mean())
    seen = say("answered", share=share, alerts=len(alerts))
    if share >= ACTED_SHARE:
        return [], Check(name, True, seen)
    message = say(name, seen=seen)
    finding = Finding(name, "warning", message, table="interventions", value=round(share, 3))
    return [finding], concluded(name, [finding], seen=seen)


def no_plan(dataset: Dataset) -> tuple[list[Finding], Check]:
    """Whether anything is recorded that was done for a customer: for information."""
    name = "no_plan"
    if "interventions" in dataset.tables:
        return [], Check(name, True, say("interventions_recorded"))
    finding = Finding(name, "info", say(name), table="interventions")
    return [finding], Check(name, True, say("no_table_interventions"))
