"""What the search and the drawing of customers found, in English and Russian."""

from __future__ import annotations

from pathlib import Path

from churnml.spoken import phrases

phrase = phrases(Path(__file__).with_name("words.toml"))
