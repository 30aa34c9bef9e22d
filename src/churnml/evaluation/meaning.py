"""What every figure of a score means: its name in full, and how it is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    """A figure in words.

    Parameters
    ----------
    title : str
        Its name, for headings.
    counted : str
        How it is counted, and which value is good.
    """

    title: str
    counted: str


_NARROW: Final = "without_left_early"
_ROWS: Final = {
    "average_precision": Meaning(
        "average precision", "Over rows: the mean precision as the threshold falls; 1 is perfect, "
        "the base rate is chance."),
    "roc_auc": Meaning(
        "ROC AUC", "Over rows: how often a leaver's score is above a stayer's; 0.5 is chance."),
    "precision": Meaning(
        "precision", "Of the rows above a threshold that was chosen on earlier folds, the share "
        "that churned."),
    "recall": Meaning("recall", "Of the rows that churned, the share above that threshold."),
    "f1": Meaning("F1", "Harmonic mean of precision and recall at that threshold."),
    "lift_at_10pct": Meaning(
        "lift in the top tenth of each as_of", "How many times as often as on average the tenth "
        "with the highest scores of each as_of churns; 1 is chance."),
}  # fmt: skip
_PROBABILITY: Final = {
    "brier": Meaning(
        "Brier score", "Mean squared distance of the probability from what happened; 0 is "
        "perfect."),
    "ece": Meaning(
        "calibration error", "Mean distance between the probability and the share that churned, in "
        "bins of equal size; 0 is perfect."),
    "calibration_slope": Meaning(
        "calibration slope", "1 where probabilities are neither too bold (below 1) nor too timid "
        "(above 1)."),
    "base_rate": Meaning("base rate", "Share of the rows that churned."),
}  # fmt: skip
_QUEUE: Final = {
    "recall_at_lead_21d": Meaning(
        "share of exits alerted 21 to 84 days ahead", "Of the exits of the test months, the share "
        "whose customer was alerted three to twelve weeks before. The headline."),
    "random_recall_at_lead_21d": Meaning(
        "the same for a random score", "Mean over random scores at the same load: what chance "
        "reaches."),
    "recall_above_random": Meaning(
        "recall above chance", "recall_at_lead_21d less the same for a random score."),
    "alert_precision": Meaning(
        "share of alerts followed by an exit within 84 days", "Of the alerts that are old enough "
        "to be judged."),
    "alert_precision_in_time": Meaning(
        "share of alerts followed by an exit after 21 to 84 days", "As above, without those that "
        "came too late."),
    "late_alerts": Meaning(
        "alerts that came too late", "Number of judged alerts whose exit followed within 21 days."),
    "median_lead_days": Meaning(
        "median notice of the first alert, days", "Of the exits that were alerted at all: days "
        "from the earliest alert within 84 days to the exit."),
    "alerts_per_week": Meaning(
        "alerts a week", "Mean number of customers to call in a week: the load."),
}  # fmt: skip

#: Every figure of ``metrics``, by its key.
FIGURES: Final[dict[str, Meaning]] = {
    **_ROWS,
    **_PROBABILITY,
    **{
        f"{name}_{_NARROW}": Meaning(
            f"{one.title}, {_NARROW.replace('_', ' ')}",
            f"{name} without rows of customers who left before the label window began.",
        )
        for name, one in _ROWS.items()
    },
    **_QUEUE,
}
