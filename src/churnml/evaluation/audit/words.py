"""What the audit says in English and Russian, by the keys of words.toml."""

from __future__ import annotations

from pathlib import Path

from churnml.spoken import phrases

say = phrases(Path(__file__).with_name("words.toml"))
