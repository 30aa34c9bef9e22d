"""The feature dictionary: what every signal means, where it comes from, how much it is known."""

from churnml.report.dictionary.writing import dictionary_html, write_dictionary

__all__ = ["dictionary_html", "write_dictionary"]
