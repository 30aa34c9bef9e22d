"""The stakeholder report: what the alarm is worth, who is alerted and why, and what it missed."""

from churnml.report.stakeholder.facts import ReportFacts
from churnml.report.stakeholder.gather import gather, gathered
from churnml.report.stakeholder.making import (
    WrittenReport,
    make_report,
    report_path,
    write_reports,
)
from churnml.report.stakeholder.writing import report_html, write_report

__all__ = [
    "ReportFacts",
    "WrittenReport",
    "gather",
    "gathered",
    "make_report",
    "report_html",
    "report_path",
    "write_report",
    "write_reports",
]
