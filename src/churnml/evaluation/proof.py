"""The proof of a training: model and baselines on the same out-of-time rows under one yardstick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.alerting.policy import Policy
from churnml.alerting.surroundings import surroundings
from churnml.config import Study
from churnml.evaluation.cuts import Cuts, cuts
from churnml.evaluation.display import comparison_html
from churnml.evaluation.forward import (
    MODEL,
    PROBABILITIES,
    Fitting,
    flags,
    inner_block,
    out_of_time,
)
from churnml.evaluation.money import MoneyFigures, Purse, by_value
from churnml.evaluation.promotion import Signal, find_signal
from churnml.evaluation.refinement import Refinement, refine
from churnml.evaluation.result import Evaluation
from churnml.evaluation.truth import ORACLE, oracle_scores
from churnml.evaluation.yardstick import evaluate, evaluate_random
from churnml.labels import CHURNED, UNKNOWN, spells
from churnml.model.examples import Examples, silent
from churnml.model.needs import check_dataset
from churnml.sources.dataset import Dataset
from churnml.splits import ForwardFolds
from churnml.spoken import counted

RANDOM = "random"
RANKED_BY_VALUE = "ranked_by_value"
#: Intervals of the baselines are shown, not decided on; fewer resamples save half a minute.
_BASELINE_RESAMPLES = 200
_MONEY_RESAMPLES = 100


@dataclass(frozen=True)
class Proof:
    """What the out-of-time rows say.

    Parameters
    ----------
    signal : Signal
        Whether the model beats noise, judged before the first test.
    scores : DataFrame indexed by (customer_id, as_of)
        Model, baselines and (in a simulated world) the oracle on all tested rows.
    fold : Series of int, aligned with ``scores``
    labels : Series of str, aligned with ``scores``
    judged : mapping of str to Evaluation
        ``model``, then the baselines.
    folds : DataFrame
        Dates, rows and figures of each fold.
    refinement : Refinement
        Calibrator and weeks ahead, and how true they were.
    money : mapping of str to MoneyFigures
        As ``judged``, in money; and ``ranked_by_value``, the model's risk times revenue.
    """

    signal: Signal
    scores: pd.DataFrame
    fold: pd.Series
    labels: pd.Series
    judged: Mapping[str, Evaluation]
    folds: pd.DataFrame
    refinement: Refinement
    money: Mapping[str, MoneyFigures]

    @property
    def model(self) -> Evaluation:
        """Figures of the model."""
        return self.judged[MODEL]

    def precisions(self) -> dict[str, float | None]:
        """Average precision of the model and of each baseline."""
        return {name: part.metrics["average_precision"] for name, part in self.judged.items()}

    def as_json(self) -> dict[str, Any]:
        """Figures under the names of the command line's contract."""
        model = self.model.as_json()
        baselines = {
            name: {
                **part.as_json()["metrics"],
                "lead_recall": part.as_json()["lead_recall"],
                "intervals": part.as_json()["intervals"],
                "money": self.money[name].brief(),
                "lead_recall_intervals": part.as_json()["lead_recall_intervals"],
            }
            for name, part in self.judged.items()
            if name != MODEL
        }
        document = {
            "signal": str(self.signal.sentence()),
            "signal_ru": self.signal.sentence().ru,
            "signal_found": self.signal.found,
            **{name: value for name, value in model.items() if name != "notes"},
            "baselines": baselines,
            "money": self._money(),
            "folds": _records(self.folds),
            "notes": [str(note) for note in self.model.notes],
            "notes_ru": [note.ru for note in self.model.notes],
        }
        document |= self.refinement.as_json()
        return document | {"share_of_oracle": self.share_of_oracle()}

    def __repr__(self) -> str:
        return f"<Proof: {counted(len(self.scores), 'row')} never trained on; {self.model!r}>"

    def _repr_html_(self) -> str:
        """How a notebook shows it: the model first, everything it is measured against below."""
        said = (
            f"{self.signal.sentence()} {counted(len(self.scores), 'row')}, none of them trained on."
        )
        return comparison_html(self.judged, title="Out-of-time proof", said=said, first=MODEL)

    def without(self, rows: pd.Series) -> dict[str, Any]:
        """How the model ranks the tested rows with a known label, with and without some of them.

        Parameters
        ----------
        rows : Series of bool indexed by (customer_id, as_of)
            Rows left out in the second figure.
        """
        from sklearn.metrics import average_precision_score

        known = self.labels != UNKNOWN
        left_out = rows.loc[self.scores.index]
        kept = known & ~left_out
        churned = self.labels[kept] == CHURNED
        both = bool(0 < churned.sum() < len(churned))
        return {
            "tested_rows": int((known & left_out).sum()),
            "tested_positive": int((self.labels[known & left_out] == CHURNED).sum()),
            "average_precision": self.precisions()[MODEL],
            "average_precision_without": (
                float(average_precision_score(churned, self.scores.loc[kept, MODEL]))
                if both
                else None
            ),
        }

    def _money(self) -> dict[str, Any]:
        return {
            **self.money[MODEL].as_json(),
            RANKED_BY_VALUE: self.money[RANKED_BY_VALUE].brief(),
        }

    def share_of_oracle(self) -> float | None:
        """Average precision of the model as a share of the oracle's; None without an oracle."""
        found = self.precisions()
        model, oracle = found[MODEL], found.get(ORACLE)
        return model / oracle if model is not None and oracle else None


def prove(
    dataset: Dataset,
    examples: Examples,
    *,
    folds: ForwardFolds,
    fitting: Fitting,
    study: Study,
    data: Path | str,
    say: Callable[[str], None] = silent,
) -> Proof:
    """Fit forward, score everything and judge it.

    Parameters
    ----------
    dataset : Dataset
    examples : Examples
        Prepared from it.
    folds : ForwardFolds
    fitting : Fitting
    study : Study
    data : Path or str
        Where the dataset was read from; beside a simulated world lies its truth.
    say : callable
        Called with a line of progress.

    Returns
    -------
    Proof

    Raises
    ------
    InputError
        If the examples were prepared from another dataset.

    Examples
    --------
    >>> proof = ch.prove(
    ...     dataset, examples, folds=folds, fitting=fitting, study=study, data=data
    ... )
    >>> 0 <= proof.model.metrics["average_precision"] <= 1
    True
    """
    check_dataset(examples, dataset)
    first = folds.starts[0]
    inner = inner_block(examples, folds=folds, tested=first, fitting=fitting)
    labels = examples.labels[examples.window]
    signal = find_signal(inner, labels, examples=examples, seed=study.seed)
    say(signal.sentence())
    forward = out_of_time(
        examples, folds=folds, fitting=fitting, rank_sum_signals=study.baselines.rank_sum,
        health_preset=study.health.preset, progress=say,
    )  # fmt: skip
    refinement = refine(
        inner, forward.scores[MODEL], forward.fold, examples=examples, folds=folds,
        observed_until=dataset.observed_until, seed=study.seed,
    )  # fmt: skip
    say(refinement.choice.reason)
    scores = forward.scores.assign(**{MODEL: refinement.probability})
    oracle = oracle_scores(data, scores.index)
    if oracle is not None:
        scores = scores.assign(**{ORACLE: oracle})
    tested = labels.loc[scores.index]
    yardstick = _Yardstick(dataset, examples, study)
    flagged = flags(scores[MODEL], forward.fold, inner=inner, q=study.alerts.q)
    parts = cuts(dataset, scores.index.to_frame(index=False), yardstick.spells)
    judged = {MODEL: yardstick.measure(scores[MODEL], tested, flagged=flagged, parts=parts)}
    judged[RANDOM] = yardstick.chance(scores[MODEL], tested)
    for name in scores.columns.drop(MODEL):
        judged[name] = yardstick.measure(scores[name], tested, resamples=_BASELINE_RESAMPLES)
    table = _fold_table(examples, folds, scores[MODEL], forward.fold, tested)
    money = yardstick.money(scores, tested)
    return Proof(signal, scores, forward.fold, tested, judged, table, refinement, money)


class _Yardstick:
    """The same rows, exits, load and edge for every score."""

    def __init__(self, dataset: Dataset, examples: Examples, study: Study) -> None:
        self.dataset = dataset
        self.study = study
        self.spells = spells(dataset)
        self.seed = study.seed
        self.policy = Policy.of(study.alerts, seed=study.seed)
        # BG/NBD's chance of no purchase is the label's own only where absence is the label.
        silent_label = dataset.description.churn.kind == "absence"
        self.probabilities = PROBABILITIES | ({"bg_nbd"} if silent_label else set())
        self.arguments: dict[str, Any] = {
            "window": examples.window,
            "policy": self.policy,
            "observed_until": dataset.observed_until,
        }
        self._around: pd.DataFrame | None = None

    def measure(
        self,
        scores: pd.Series,
        labels: pd.Series,
        *,
        flagged: pd.Series | None = None,
        parts: Cuts | None = None,
        resamples: int = 1000,
    ) -> Evaluation:
        return evaluate(
            scores.rename(self._kind(str(scores.name))).reset_index(),
            labels.reset_index(drop=True),
            self.spells,
            threshold_flags=None if flagged is None else flagged.reset_index(drop=True),
            cuts=parts,
            surroundings=self.around(scores),
            resamples=resamples,
            seed=self.seed,
            **self.arguments,
        )

    def around(self, scores: pd.Series) -> pd.DataFrame | None:
        """What the policy's options look at beside the scores; the same rows for every score."""
        if not self.policy.has_gates:
            return None
        if self._around is None:
            rows = scores.index.to_frame(index=False)
            self._around = surroundings(self.dataset, rows, policy=self.policy)
        return self._around

    def chance(self, scores: pd.Series, labels: pd.Series) -> Evaluation:
        return evaluate_random(
            scores.rename("score").reset_index(),
            labels.reset_index(drop=True),
            self.spells,
            surroundings=self.around(scores),
            resamples=_BASELINE_RESAMPLES,
            seed=self.seed,
            **self.arguments,
        )

    def money(self, scores: pd.DataFrame, labels: pd.Series) -> dict[str, MoneyFigures]:
        """Every score in money, chance and the model's risk times revenue beside."""
        frames = {name: scores[name].rename(self._kind(str(name))).reset_index() for name in scores}
        purse = Purse.of(
            self.dataset, frames[MODEL], labels.reset_index(drop=True), spells=self.spells,
            window=self.arguments["window"], study=self.study, policy=self.policy,
            surroundings=self.around(scores[MODEL]),
        )  # fmt: skip
        frames[RANKED_BY_VALUE] = by_value(frames[MODEL], purse.revenue)
        found = {MODEL: purse.weigh(frames.pop(MODEL))}
        found |= {
            str(name): purse.weigh(frame, resamples=_MONEY_RESAMPLES)
            for name, frame in frames.items()
        }
        return found | {RANDOM: purse.weigh_random(scores[MODEL].rename("score").reset_index())}

    def _kind(self, name: str) -> str:
        return "probability" if name in self.probabilities else "score"


def _fold_table(
    examples: Examples,
    folds: ForwardFolds,
    scores: pd.Series,
    fold: pd.Series,
    labels: pd.Series,
) -> pd.DataFrame:
    """Dates and rows of each fold with the model's figures in it and their 95% intervals."""
    table = folds.summary(examples.features[examples.population.to_numpy()])
    for number in table.index:
        rows = (fold == number) & (labels != "unknown")
        churned = labels[rows] == CHURNED
        table.loc[number, "n_positive"] = int(churned.sum())
        judged = None
        if 0 < churned.sum() < len(churned):
            judged = evaluate(
                scores[rows].rename("score").reset_index(), labels[rows].reset_index(drop=True),
                None, window=examples.window, policy=Policy(), resamples=_BASELINE_RESAMPLES,
                observed_until=pd.Timestamp.max.as_unit("us"),
            )  # fmt: skip
        for name in ("average_precision", "roc_auc"):
            value = None if judged is None else judged.metrics[name]
            low, high = (None if judged is None else judged.intervals[name]) or (None, None)
            found = {name: value, f"{name}_low": low, f"{name}_high": high}
            for column, number_found in found.items():
                table.loc[number, column] = float("nan") if number_found is None else number_found
    return table


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: times as text, NaN as None."""
    plain = table.reset_index().astype("object")
    for name in plain.columns:
        if pd.api.types.is_datetime64_any_dtype(table.reset_index()[name]):
            plain[name] = [None if pd.isna(value) else value.isoformat() for value in plain[name]]
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]
