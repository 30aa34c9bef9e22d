"""A first mapping of a company's files to the canonical tables, and how sure each part is."""

from __future__ import annotations

from churnml.sources.guessing.guess import Guess, guess_mapping
from churnml.sources.guessing.matching import ColumnMatch, TableMatch

__all__ = ["ColumnMatch", "Guess", "TableMatch", "guess_mapping"]
