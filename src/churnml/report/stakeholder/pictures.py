"""The figures of the report: what was announced, how true the risk is, what drives it."""

from __future__ import annotations

from dataclasses import replace

from churnml.evaluation.record import ProofRecord
from churnml.explanation.importance import family_importance
from churnml.report.attribution.families import family_importance_figure
from churnml.report.attribution.swarm import beeswarm_figure
from churnml.report.canvas import Language
from churnml.report.figures import headline_figure, reliability_figure
from churnml.report.money_figures import has_revenue_caught
from churnml.report.page import Drawing, drawn, picture
from churnml.report.stakeholder.facts import Drivers
from churnml.report.stakeholder.headline import MODEL, ORACLE, RANDOM, rule_of
from churnml.report.stakeholder.words import words_of


def pictures(
    proof: ProofRecord | None, drivers: Drivers, *, language: Language
) -> dict[str, Drawing]:
    """The drawings by name; without a proof, or without dated exits, some are left out."""
    families = family_importance(drivers.contributions, features=drivers.features)
    swarm = beeswarm_figure(
        drivers.contributions, drivers.values, features=drivers.features, language=language
    )
    found = {
        "families": drawn(family_importance_figure(families, language=language), key="families"),
        "swarm": picture(swarm),
    }
    if proof is None:
        return found
    judged = proof.judged
    if judged[MODEL].lead_recall is not None and judged[MODEL].by_q is not None:
        names = (MODEL, rule_of(proof.document), RANDOM, ORACLE)
        beside = {name: judged[name] for name in names if name in judged}
        money = {name: one for name, one in proof.money.items() if name in beside}
        caught = money if money and has_revenue_caught(money[MODEL]) else None
        figure = headline_figure(beside, money=caught, language=language)
        curve = headline_figure(beside, language=language)
        title = words_of(language)["worth"]["curve"]
        found["worth"] = replace(drawn(figure, key="worth", narrow=curve), title=title)
    if len(proof.reliability):
        figure = reliability_figure(proof.reliability, language=language)
        found["calibration"] = drawn(figure, key="calibration")
    return found
