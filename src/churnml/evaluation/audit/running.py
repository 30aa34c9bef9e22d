"""Which checks run when: the quick ones in every training, all of them for the doctor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from churnml.alerting.queue import Policy
from churnml.config import Study
from churnml.errors import InputError
from churnml.evaluation.audit import words
from churnml.evaluation.audit.alarms import short_notice, single_features
from churnml.evaluation.audit.booked_back import booked_back
from churnml.evaluation.audit.findings import Audit, Check, Finding
from churnml.evaluation.audit.future_totals import future_total
from churnml.evaluation.audit.ignored import ignored_columns
from churnml.evaluation.audit.leavers_only import leavers_only
from churnml.evaluation.audit.lives import Lives, read_lives
from churnml.evaluation.audit.logs import take_logs
from churnml.evaluation.audit.merging import merged
from churnml.evaluation.audit.mistakes import (
    forgotten_model,
    ignored_score,
    no_plan,
    too_many_metrics,
    wrong_weights,
)
from churnml.evaluation.audit.probes import future_cut, label_permutation
from churnml.evaluation.audit.purge import purge
from churnml.evaluation.audit.quality import quality
from churnml.evaluation.audit.shift import population_shift
from churnml.evaluation.audit.standing import as_of_today
from churnml.evaluation.audit.survivorship import survivorship
from churnml.model.bundle import Bundle
from churnml.model.examples import Examples, history_from, prepare
from churnml.model.second_opinion import obvious_signals
from churnml.sources import check, open_dataset
from churnml.sources.dataset import Dataset
from churnml.sources.place import place_of
from churnml.splits import ForwardFolds

Part = tuple[list[Finding], Check]
#: Fewer exits than this tell nothing of who leaves.
MIN_EXITS = 12
_OF_LEAVERS = ("leavers_only", "as_of_today", "booked_back", "future_total")


def audit_training(
    dataset: Dataset, examples: Examples, *, folds: ForwardFolds, study: Study
) -> Audit:
    """The quick checks of every training: data, single features, purge."""
    return _joined(
        [
            quality(dataset.findings),
            *_of_tables(dataset, study),
            single_features(dataset, examples, seed=study.seed),
            purge(examples, folds=folds),
        ]
    )


def audit_tables(data: Path | str, *, dataset_file: Path | None = None, study: Study) -> Audit:
    """The checks that need no feature; what the gate refuses is a finding.

    Raises
    ------
    InputError
        If the source cannot be read.
    """
    opened = _open(data, dataset_file)
    if isinstance(opened, Audit):
        return opened
    return _joined([quality(opened.findings), *_of_tables(opened, study)])


def _open(data: Path | str, dataset_file: Path | None) -> Dataset | Audit:
    """The dataset, or what the gate found where it refuses it."""
    try:
        return open_dataset(data, dataset_file=dataset_file)
    except InputError:
        report = check(data, dataset_file=dataset_file)
        if report.ok:
            raise
        return _joined([quality(report.findings, refused=True)])


def examine(
    data: Path | str,
    *,
    dataset_file: Path | None,
    study: Study,
    cache: Path,
    bundle: Bundle | None = None,
    scores: pd.DataFrame | None = None,
    say: Callable[[str], None],
) -> Audit:
    """All checks on a source.

    Parameters
    ----------
    data : Path or str
    dataset_file : Path, optional
    study : Study
    cache : Path
        Folder of feature tables of earlier runs.
    bundle : Bundle, optional
        The model in use, for the mistakes that a model shows.
    scores : DataFrame, optional
        customer_id, as_of and score, for what became of the alerts.
    say : callable
        Called with a line of progress.

    Raises
    ------
    InputError
        If the source cannot be read, or the study does not fit it.
    """
    dataset = _open(data, dataset_file)
    if isinstance(dataset, Audit):
        return dataset
    say("tables")
    parts = [quality(dataset.findings), *_of_tables(dataset, study)]
    lives = read_lives(dataset, silence_days=study.label.horizon_days)
    place = place_of(data, dataset_file)
    parts += [ignored_columns(lives, place, dataset.description), no_plan(dataset)]
    parts += _of_scores(scores, dataset, study)
    if bundle is not None:
        parts.append(forgotten_model(bundle, dataset))
    try:
        examples, folds = prepare(dataset, study=study, cache=cache, say=say)
    except InputError as error:
        parts.append(([], Check("features", None, words.say("not_looked", why=error))))
        return _joined(parts)
    parts += _of_features(dataset, examples, folds, study, say)
    if bundle is not None:
        parts.append(too_many_metrics(bundle, examples))
    say("probes")
    as_ofs = _probed(examples, folds)
    parts.append(
        future_cut(data, dataset_file, examples, population=study.population, as_ofs=as_ofs)
    )
    parts.append(label_permutation(examples, folds=folds, seed=study.seed))
    return _joined(parts)


def _of_tables(dataset: Dataset, study: Study) -> list[Part]:
    """What tables tell without any feature; a company that nobody leaves tells nothing."""
    lives = read_lives(dataset, silence_days=study.label.horizon_days)
    deleted = survivorship(lives, since=history_from(dataset))
    if lives.exits < MIN_EXITS:
        few = words.say("few_exits", exits=lives.exits, needed=MIN_EXITS)
        return [deleted, *(([], Check(name, None, few)) for name in _OF_LEAVERS)]
    immutable = dataset.description.customers.immutable
    parts: list[Callable[[Lives], Part]] = [
        leavers_only,
        lambda each: as_of_today(each, immutable=immutable),
        booked_back,
        future_total,
    ]
    lives, taken = take_logs(lives, dataset)
    return [deleted, *(part(lives) for part in parts), *(([], checked) for checked in taken)]


def _of_scores(scores: pd.DataFrame | None, dataset: Dataset, study: Study) -> list[Part]:
    if scores is None:
        return []
    policy = Policy(q=study.alerts.q, quiet_days=study.alerts.quiet_days, seed=study.seed)
    return [ignored_score(scores, dataset, policy=policy)]


def _of_features(
    dataset: Dataset,
    examples: Examples,
    folds: ForwardFolds,
    study: Study,
    say: Callable[[str], None],
) -> list[Part]:
    say("features one by one")
    stated = dict(study.baselines.rank_sum)
    signs = stated or obvious_signals(examples.features)
    return [
        single_features(dataset, examples, seed=study.seed),
        short_notice(dataset, examples, seed=study.seed),
        population_shift(examples, folds=folds),
        wrong_weights(examples, signs=signs, stated=bool(stated)),
        purge(examples, folds=folds),
    ]


def _probed(examples: Examples, folds: ForwardFolds) -> list[pd.Timestamp]:
    """An early as_of of the training and one of the newest test block."""
    known = examples.as_ofs.unique().sort_values()
    return [known[len(known) // 3], known[known >= folds.starts[-1]][0]]


def _joined(parts: Iterable[Part]) -> Audit:
    parts = list(parts)
    findings = merged([finding for found, _ in parts for finding in found])
    order = {"error": 0, "warning": 1, "info": 2}
    findings.sort(key=lambda one: order[one.severity])
    return Audit(tuple(findings), tuple(checked for _, checked in parts))
