"""How good a score is: ranking, probabilities, and what the alert queue caught in time."""

from __future__ import annotations

from churnml.evaluation.intervals import PairedDifference, paired_difference
from churnml.evaluation.leads import queue_metrics
from churnml.evaluation.reference import random_scores, rank_sum
from churnml.evaluation.result import Evaluation
from churnml.evaluation.rows import row_metrics
from churnml.evaluation.threshold import forward_flags, operating_threshold
from churnml.evaluation.yardstick import evaluate, evaluate_random

__all__ = [
    "Evaluation",
    "PairedDifference",
    "evaluate",
    "evaluate_random",
    "forward_flags",
    "operating_threshold",
    "paired_difference",
    "queue_metrics",
    "random_scores",
    "rank_sum",
    "row_metrics",
]
