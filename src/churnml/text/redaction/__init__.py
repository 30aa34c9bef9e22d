"""Personal data out of a text before it leaves the process: known people first, then patterns."""

from __future__ import annotations

from churnml.text.redaction.people import Person, people_of
from churnml.text.redaction.redact import REDACTION_VERSION, Redacted, redact

__all__ = ["REDACTION_VERSION", "Person", "Redacted", "people_of", "redact"]
