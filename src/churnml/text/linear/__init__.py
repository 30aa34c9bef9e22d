"""A linear model on own labels: letters, words and what the word lists found."""

from __future__ import annotations

from churnml.text.linear.model import LinearText
from churnml.text.linear.scorer import LinearScorer
from churnml.text.linear.training import TrainedText, train_text

__all__ = ["LinearScorer", "LinearText", "TrainedText", "train_text"]
