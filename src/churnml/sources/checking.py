"""The report of the quality gate: what came, what stays, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from churnml import markup
from churnml.sources.dataset import Finding
from churnml.sources.gate import TableCount
from churnml.sources.gating import gate_source
from churnml.sources.opening import release, write_quarantine
from churnml.spoken import counted


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the gate says about a source.

    Parameters
    ----------
    tables : tuple of TableCount
        Rows in, kept and quarantined, first and last own time of the kept rows (UTC).
    findings : tuple of Finding
    notices : tuple of str
    """

    tables: tuple[TableCount, ...]
    findings: tuple[Finding, ...]
    notices: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no finding of severity error."""
        return all(finding.severity != "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The report as plain values: ``tables``, ``findings``, ``notices``, ``ok``."""
        return {
            "tables": [_plain(count) for count in self.tables],
            "findings": [asdict(finding) for finding in self.findings],
            "notices": list(self.notices),
            "ok": self.ok,
        }

    def __repr__(self) -> str:
        verdict = "fit for training" if self.ok else "not fit for training"
        found = f"{counted(len(self.tables), 'table')}, {counted(len(self.findings), 'finding')}"
        return f"<CheckReport: {verdict}, {found}>"

    def _repr_html_(self) -> str:
        """How a notebook shows it: rows in and kept, then what was found."""
        tables = [
            (one.table, markup.date(one.first), markup.date(one.last), one.rows_in, one.kept,
             one.quarantined)
            for one in self.tables
        ]  # fmt: skip
        errors = [one for one in self.findings if one.severity == "error"]
        others = [one for one in self.findings if one.severity != "error"]
        return markup.card(
            "Fit for training" if self.ok else "Not fit for training: mend the errors",
            markup.table(
                tables, head=("table", "first", "last", "rows", "kept", "set aside"), right=3
            ),
            _findings_html(errors),
            markup.folded(counted(len(others), "further finding"), _findings_html(others)),
            markup.folded(counted(len(self.notices), "notice"), markup.listed(self.notices)),
        )


def _findings_html(findings: Sequence[Finding]) -> markup.Html:
    rows = [(one.severity, one.table, one.message, one.rows) for one in findings]
    if not rows:
        return markup.EMPTY
    return markup.table(rows, head=("", "table", "finding", "rows"), right=3)


def _plain(count: TableCount) -> dict[str, Any]:
    times = {"first": count.first, "last": count.last}
    iso = {name: None if time is None else time.isoformat() for name, time in times.items()}
    return asdict(count) | iso


def check(
    data: Path | str, *, dataset_file: Path | None = None, quarantine: Path | None = None
) -> CheckReport:
    """The quality gate alone: reports, and refuses only what cannot be read at all.

    Parameters
    ----------
    data : Path or str
        Folder of tables, a DuckDB file or an address of PostgreSQL.
    dataset_file : Path, optional
    quarantine : Path, optional
        Folder for the rows set aside, one Parquet file per table.

    Raises
    ------
    InputError
        If a file or the description is unreadable.

    Examples
    --------
    >>> ch.check(data).ok
    True
    """
    gated = gate_source(
        data, dataset_file=dataset_file, known_until=None, quarantine=quarantine is not None
    )
    try:
        if quarantine is not None:
            connection = release(gated)
            try:
                write_quarantine(connection, gated, quarantine)
            finally:
                connection.close()
    finally:
        gated.shop.discard()
    return CheckReport(tuple(gated.counts), tuple(gated.findings), tuple(gated.notices))
