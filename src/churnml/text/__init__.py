"""From words to signals: clean, score, redact, remember; the text itself goes no further."""
