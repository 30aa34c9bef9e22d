"""What the doctor says of reasons: on a simulated world they are held against the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from churnml.alerting.queue import Policy
from churnml.config import Study
from churnml.errors import InputError
from churnml.evaluation.audit import words
from churnml.evaluation.audit.findings import Audit, Check, Finding, concluded
from churnml.evaluation.forward import Fitting
from churnml.explanation.causes import OWN_SHARE
from churnml.explanation.quality import ReasonQuality, reason_quality
from churnml.explanation.truth import Truth
from churnml.model.examples import prepare
from churnml.sources import open_dataset
from churnml.spoken import Spoken

CHECK = "reasons"
#: What reasons are held to.
NAMED_AT_LEAST, AGAINST_AT_MOST = 0.80, 0.10
#: With fewer announced exits nothing is concluded.
FEWEST_ALERTS = 20
#: A world is judged on models of so many rows; more hardly change the reasons and cost minutes.
MOST_ROWS = 15_000


def examine_reasons(
    data: Path | str,
    *,
    dataset_file: Path | None,
    study: Study,
    cache: Path,
    say: Callable[[str], None],
) -> ReasonQuality | None:
    """The quality of the reasons on a simulated world.

    Parameters
    ----------
    data : Path or str
        OUT/data of a world; the truth lies beside it in OUT/truth.
    dataset_file : Path, optional
    study : Study
    cache : Path
        Folder of feature tables of earlier runs.
    say : callable
        Called with a line of progress.

    Returns
    -------
    ReasonQuality or None
        None where there is no truth beside the data, or nothing can be trained on it.
    """
    truth = Truth.beside(data)
    if truth is None:
        return None
    say("reasons")
    fitting = Fitting.of(study, parameters=None)
    fitting = replace(fitting, max_rows=min(fitting.max_rows, MOST_ROWS))
    try:
        dataset = open_dataset(data, dataset_file=dataset_file)
        examples, folds = prepare(dataset, study=study, cache=cache, say=say)
    except InputError:
        return None  # the audit says why
    policy = Policy.of(study.alerts, seed=study.seed)
    found = reason_quality(dataset, truth, examples, folds=folds, fitting=fitting, policy=policy)
    return found[OWN_SHARE]


def with_reasons(audit: Audit, quality: ReasonQuality | None) -> Audit:
    """The audit, and what was found about reasons; unchanged where they could not be judged."""
    if quality is None:
        return audit
    findings, check = reasons_check(quality)
    return Audit((*audit.findings, *findings), (*audit.checks, check))


def reasons_check(quality: ReasonQuality) -> tuple[list[Finding], Check]:
    """Whether the planted cause is named often enough and few reasons contradict it."""
    if len(quality.traced) < FEWEST_ALERTS:
        few = words.say("few_traced", traced=len(quality.traced), needed=FEWEST_ALERTS)
        return [], Check(CHECK, None, few)
    figures = quality.figures()
    named, against = figures["cause_named"]["value"], figures["contradicting"]["value"]
    seen = words.say("reasons_seen", traced=len(quality.traced), named=named, against=against)
    findings = []
    if named < NAMED_AT_LEAST:
        message = words.say("cause_not_named", named=named, least=NAMED_AT_LEAST)
        findings.append(_finding(message, named))
    if against > AGAINST_AT_MOST:
        message = words.say("contradicting", against=against, most=AGAINST_AT_MOST)
        findings.append(_finding(message, against))
    return findings, concluded(CHECK, findings, seen=seen)


def _finding(message: Spoken, value: float) -> Finding:
    return Finding(CHECK, "warning", message, value=round(value, 4))
