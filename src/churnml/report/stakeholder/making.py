"""From data, a bundle and an as_of to the written report, with the seconds of each stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from churnml import arguments
from churnml.alerting import Policy
from churnml.config import Study
from churnml.errors import InputError
from churnml.evaluation.record import ProofRecord, read_record
from churnml.model.bundle import Bundle
from churnml.report.canvas import Language
from churnml.report.stakeholder.gather import gather
from churnml.report.stakeholder.writing import write_report
from churnml.sources import open_dataset
from churnml.sources.dataset import Dataset
from churnml.sources.place import place_of
from churnml.windows import instant

SUFFIX = ".html"


@dataclass(frozen=True)
class WrittenReport:
    """Where a report lies and what is in it.

    Parameters
    ----------
    path : Path
    customers : int
        At risk at the as_of.
    alerts : int
        Open ones.
    alerted : int
        Customers with an open alert, or several.
    proven : bool
        Whether the bundle carries its proof.
    size : int
        Bytes.
    seconds : dict of str to float
        By stage.
    notices : tuple of str
        What a user should know of the data.
    """

    path: Path
    customers: int
    alerts: int
    alerted: int
    proven: bool
    size: int
    seconds: dict[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The JSON document of ``churnml report``."""
        return {
            "path": str(self.path),
            "customers": self.customers,
            "alerts": self.alerts,
            "alerted": self.alerted,
            "proven": self.proven,
            "bytes": self.size,
            "seconds": self.seconds,
        }


def make_report(
    data: Path | str,
    *,
    as_of: str,
    out: Path | str,
    bundle: Path | str,
    study: Study,
    policy: Policy,
    state: Path | None = None,
    dataset_file: Path | None = None,
    language: Language = "en",
) -> WrittenReport:
    """Write the report of an as_of from what was known then.

    Parameters
    ----------
    data : Path or str
        Folder of tables, a DuckDB file or an address of PostgreSQL.
    as_of : str
        A bare date is midnight in the dataset's zone.
    out : Path or str
        Ends in ``.html``.
    bundle : Path or str
        Folder of the model.
    study : Study
    policy : Policy
    state : Path, optional
        Folder of the ledger of ``churnml alerts``: the page tells what was really alerted. Default:
        what the queue would have raised over the last weeks.
    dataset_file : Path, optional
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If the file cannot be written, nobody is at risk, or model or ledger do not fit the data.

    Examples
    --------
    >>> folder = bundle.save(Path("model"))
    >>> made = ch.make_report(
    ...     data, as_of="2024-12-23", out=Path("report.html"), bundle=Path("model"), study=study,
    ...     policy=ch.Policy(),
    ... )
    >>> made.path.name, made.proven
    ('report.html', False)
    """
    out = arguments.located(out, what="out")
    if out.suffix != SUFFIX:
        raise InputError(f"{out} has the suffix '{out.suffix}'; a report is a page: {SUFFIX}.")
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - start

    with stage("read"):
        model, proof = Bundle.load(bundle), read_record(bundle)
        zone = place_of(data, dataset_file).description().timezone
        moment = instant(as_of, zone=zone)
        dataset = open_dataset(data, dataset_file=dataset_file, known_until=moment)
    facts = gather(
        dataset, model, proof, as_of=moment, study=study, policy=policy, state=state, stage=stage
    )  # fmt: skip
    with stage("page"):
        size = write_report(out, facts, language=language)
    return WrittenReport(
        out, facts.at_risk, len(facts.alerts), len(facts.customers), proof is not None, size,
        seconds, dataset.notices,
    )  # fmt: skip


def write_reports(
    folder: Path, dataset: Dataset, bundle: Bundle, proof: ProofRecord, *, study: Study
) -> tuple[Path, ...]:
    """The report at the edge of the data in every language, beside the folder of a bundle."""
    facts = gather(
        dataset, bundle, proof, as_of=dataset.observed_until, study=study,
        policy=Policy.of(study.alerts, seed=study.seed),
    )  # fmt: skip
    paths = {language: report_path(folder, language) for language in get_args(Language)}
    for language, path in paths.items():
        write_report(path, facts, language=language)
    return tuple(paths.values())


def report_path(folder: Path, language: Language) -> Path:
    """Where the report of a bundle lies: beside it, for it is no part of the model."""
    return folder.with_name(f"{folder.name}.report.{language}.html")
