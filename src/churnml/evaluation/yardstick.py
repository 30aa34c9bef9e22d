"""The yardstick: every figure of one score on out-of-time rows, with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from churnml import arguments
from churnml.alerting.queue import (
    Around,
    Floats,
    Integers,
    Policy,
    require,
    score_column,
    tie_breakers,
)
from churnml.errors import InputError
from churnml.evaluation.bands import Leavers, intervals_of
from churnml.evaluation.board import Board, board_of
from churnml.evaluation.cuts import Cuts
from churnml.evaluation.intervals import bootstrap
from churnml.evaluation.leads import (
    COUNTS,
    CURVE,
    CURVE_WEEKS,
    Outlook,
    outlook,
    scored_keys,
)
from churnml.evaluation.reference import random_keys, random_scores
from churnml.evaluation.result import Evaluation, Interval
from churnml.evaluation.rows import RowTable, plain, row_table
from churnml.evaluation.slices import (
    Cut,
    lay_out,
    people_of_slices,
    slice_records,
    slices_of_rows,
)
from churnml.evaluation.threshold import forward_flags
from churnml.evaluation.words import say
from churnml.spoken import Spoken
from churnml.windows import LabelWindow

#: Loads of the curve by q, beside the policy's own.
LOADS = (0.005, 0.01, 0.02, 0.05)
#: Random scores whose rows are measured; more only smooth what is the base rate anyway.
RANDOM_TABLES = 10
_BY_LOAD = ("alert_precision", "alerts_per_week", "random_recall_at_lead_21d")
OF_THE_QUEUE = (
    "recall_at_lead_21d",
    "recall_above_random",
    "random_recall_at_lead_21d",
    "alert_precision",
    "alert_precision_in_time",
    "late_alerts",
    "median_lead_days",
    "alerts_per_week",
)


def evaluate(
    scores: pd.DataFrame,
    labels: pd.Series,
    spells: pd.DataFrame | None,
    *,
    window: LabelWindow,
    policy: Policy,
    observed_until: pd.Timestamp,
    threshold_flags: pd.Series | None = None,
    cuts: Cuts | None = None,
    surroundings: pd.DataFrame | None = None,
    loads: Sequence[float] = LOADS,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """All figures of a score on out-of-time rows, with 95% intervals by bootstrap over customers.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of, score (or probability alone), optional probability; every row at risk,
        whatever its label: the queue sees everyone whom it would have seen.
    labels : Series of str, shape (n_rows,)
        churned, stayed, left_early, unknown; row by row as in ``scores``.
    spells : DataFrame, optional
        customer_id, started_at, exit_at (NaT: none). Without it, or empty, there is no dated exit
        (``absence``) and no queue figure.
    window : LabelWindow
        The label window; its delay is the label delay.
    policy : Policy
        The alert queue.
    observed_until : Timestamp
        Right edge of the data, exclusive.
    threshold_flags : Series of bool, optional
        Rows at or above the threshold of earlier folds; default: ``forward_flags`` of these scores.
    cuts : Cuts, optional
        By what rows and exits are cut into slices.
    surroundings : DataFrame, optional
        ``owner`` and ``held`` row by row as in ``scores``, for the options of the policy.
    loads : sequence of float
        Further loads for the curve by q.
    resamples, seed : int

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        If frames do not fit together, labels stand in another order than the scores, or a label
        is known that cannot be known yet.

    Examples
    --------
    >>> as_ofs = pd.date_range("2025-01-06", periods=4, freq="7D")
    >>> scores = pd.DataFrame(
    ...     [(name, as_of, risk) for as_of in as_ofs for name, risk in (("a", 0.9), ("b", 0.1))],
    ...     columns=["customer_id", "as_of", "probability"],
    ... )
    >>> labels = pd.Series(["churned", "stayed"] * 4)
    >>> judged = ch.evaluate(
    ...     scores, labels, None, window=ch.LabelWindow(21, 28), policy=ch.Policy(),
    ...     observed_until=pd.Timestamp("2025-12-01"), resamples=10,
    ... )
    >>> judged.metrics["roc_auc"]
    1.0
    """
    require(scores, ("customer_id", "as_of"), what="scores")
    arguments.policy(policy)
    flags = forward_flags(scores, q=policy.q) if threshold_flags is None else threshold_flags
    table = row_table(scores, labels, flags=flags)
    _refuse_open_labels(scores, labels, window=window, observed_until=observed_until)
    ones = np.ones(table.row_counts.shape[1])
    delay_days = window.delay_days
    ahead = _outlook(scores, spells, observed_until=observed_until, delay_days=delay_days)
    parts = () if cuts is None else lay_out(cuts, scores, labels, spells, ahead)
    figures = table.figures(ones) | slices_of_rows(parts, ones) | people_of_slices(parts)
    if ahead is None:
        resampled = _resample((table,), None, parts, resamples=resamples, seed=seed)
        return _evaluation(table, figures, resampled, None, parts)
    around = Around.of(ahead.grid, policy, surroundings) if policy.has_gates else None
    keys = (scored_keys(ahead, scores),)
    board = board_of(ahead, keys, policy, parts, around, loads=loads, seed=seed)
    everyone = np.arange(len(ones), dtype=np.int64)
    ties = tie_breakers(ahead.grid.customers, seed=policy.seed)
    figures |= board.figures(board.keys[0] + ties, everyone)
    rounding = board.rounding(board.keys[0] + ties, everyone, figures)
    resampled = _resample((table,), board, parts, resamples=resamples, seed=seed)
    return _evaluation(table, figures, resampled, board, parts, rounding)


def evaluate_random(
    snapshots: pd.DataFrame,
    labels: pd.Series,
    spells: pd.DataFrame | None,
    *,
    window: LabelWindow,
    policy: Policy,
    observed_until: pd.Timestamp,
    surroundings: pd.DataFrame | None = None,
    loads: Sequence[float] = LOADS,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """All figures of chance: the mean over random scores; an interval is that of one such score.

    Parameters are those of ``evaluate``; ``snapshots`` are the same rows, with the same scores
    missing if there is a score column, so that the load is equal.

    Returns
    -------
    Evaluation
    """
    _refuse_open_labels(snapshots, labels, window=window, observed_until=observed_until)
    tables = tuple(
        row_table(scores, labels, flags=forward_flags(scores, q=policy.q))
        for scores in _random_frames(snapshots, seed=seed)
    )
    ones = np.ones(tables[0].row_counts.shape[1])
    figures = dict(_mean([table.figures(ones) for table in tables]))
    delay_days = window.delay_days
    ahead = _outlook(snapshots, spells, observed_until=observed_until, delay_days=delay_days)
    if ahead is None:
        resampled = _resample(tables, None, (), resamples=resamples, seed=seed)
        return _evaluation(tables[0], figures, resampled, None, ())
    scored = scored_keys(ahead, next(_random_frames(snapshots, seed=seed)))
    keys = tuple(random_keys(scored, seed=seed, draw=draw) for draw in range(RANDOM_TABLES))
    around = Around.of(ahead.grid, policy, surroundings) if policy.has_gates else None
    board = board_of(ahead, keys, policy, (), around, loads=loads, seed=seed)
    resampled = _resample(tables, board, (), resamples=resamples, seed=seed)
    return _evaluation(tables[0], figures | board.chance_figures(), resampled, board, ())


def _random_frames(snapshots: pd.DataFrame, *, seed: int) -> Iterator[pd.DataFrame]:
    """The rows under random scores, which are no probabilities."""
    rows = snapshots[["customer_id", "as_of"]]
    named = {"score", "probability"} & set(snapshots.columns)
    missing = score_column(snapshots).isna() if named else pd.Series(False, index=rows.index)
    for draw in range(RANDOM_TABLES):
        yield rows.assign(score=random_scores(rows, seed=seed + draw).mask(missing))


def _mean(figures: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each figure; NaN only where no draw has it."""
    averaged = pd.DataFrame(figures).mean()
    return {str(name): float(value) for name, value in averaged.items()}


def _refuse_open_labels(
    scores: pd.DataFrame, labels: pd.Series, *, window: LabelWindow, observed_until: pd.Timestamp
) -> None:
    require(scores, ("customer_id", "as_of"), what="scores")
    closed = window.closed(scores["as_of"], observed_until=observed_until).to_numpy()
    if len(labels) != len(closed):
        return
    early = ~closed & (labels.to_numpy(dtype=object) != "unknown")
    if early.any():
        raise InputError(
            f"{int(early.sum())} rows carry a label before it can be known, the first at "
            f"{scores.loc[early, 'as_of'].min()}: a label closes {window.closing_days} days after "
            f"the as_of and the data end at {observed_until}. Label them unknown."
        )


def _outlook(
    snapshots: pd.DataFrame,
    spells: pd.DataFrame | None,
    *,
    observed_until: pd.Timestamp,
    delay_days: int,
) -> Outlook | None:
    if spells is not None:
        arguments.with_columns(
            spells, ("customer_id", "exit_at"), what="Spells", made_by="churnml.find_spells"
        )
    if spells is None or spells.empty:
        return None
    return outlook(snapshots, spells, observed_until=observed_until, delay_days=delay_days)


def _resample(
    tables: Sequence[RowTable],
    board: Board | None,
    cuts: Sequence[Cut],
    *,
    resamples: int,
    seed: int,
) -> dict[str, Floats]:
    """The figures of every resample; of several scores (chance) each resample draws one."""
    n_customers = tables[0].row_counts.shape[1]

    def statistic(drawn: Integers, rng: np.random.Generator) -> dict[str, float]:
        member = int(rng.integers(len(tables)))
        weights = np.bincount(drawn, minlength=n_customers).astype(np.float64)
        figures = tables[member].figures(weights) | slices_of_rows(cuts, weights)
        if board is None:
            return figures
        ties = rng.random(n_customers)
        return figures | board.figures(board.keys[member][:, drawn] + ties, drawn)

    return bootstrap(statistic, n_customers=n_customers, resamples=resamples, seed=seed)


def _evaluation(
    table: RowTable,
    figures: Mapping[str, float],
    resampled: Mapping[str, Floats],
    board: Board | None,
    cuts: Sequence[Cut],
    rounding: Mapping[str, float] = MappingProxyType({}),
) -> Evaluation:
    leavers = Leavers(
        rows=table.counts()["n_positive_customers"],
        exits=int(board.ahead.counted.sum()) if board else 0,
        customers=table.row_counts.shape[1],
    )
    bands = intervals_of(resampled, figures, leavers=leavers, rounding=rounding)
    queue_names = OF_THE_QUEUE if board is not None else ()
    names = [n for n in figures if ":" not in n and n not in (*CURVE, *COUNTS)]
    rest = dict.fromkeys(set(OF_THE_QUEUE) - set(queue_names))
    metrics: dict[str, float | None] = {name: plain(figures[name]) for name in names} | rest
    random = board.chances[""].figures if board else {}
    return Evaluation(
        metrics=metrics,
        intervals={name: bands.get(name) for name in metrics},
        lead_recall=_curve(figures) if board else None,
        lead_recall_intervals=_curve_bands(bands) if board else None,
        lead_recall_random=_curve(random) if board else None,
        by_q=_by_load(figures, bands, board) if board else None,
        q=board.policies[""].q if board else None,
        base_rate=plain(figures["base_rate"]),
        **table.counts(),
        n_customers=table.row_counts.shape[1],
        n_exits=int(board.ahead.counted.sum()) if board else None,
        n_exits_on_curve=int(board.ahead.on_curve.sum()) if board else None,
        n_alerts=round(figures["n_alerts"]) if board else None,
        notes=_notes(table, board),
        slices=slice_records(cuts, figures, bands),
    )


def _curve(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {str(w): plain(figures[name]) for w, name in zip(CURVE_WEEKS, CURVE, strict=True)}


def _curve_bands(bands: Mapping[str, Interval]) -> dict[str, Interval]:
    return {str(w): bands.get(name) for w, name in zip(CURVE_WEEKS, CURVE, strict=True)}


def _by_load(
    figures: Mapping[str, float], bands: Mapping[str, Interval], board: Board
) -> dict[str, dict[str, Any]]:
    """Recall, its interval, chance, precision and weekly alerts by load, the lightest first."""
    by_load = sorted(board.policies.items(), key=lambda item: item[1].q)
    return {
        f"{policy.q:g}": {
            "recall_at_lead_21d": plain(figures[f"{prefix}recall_at_lead_21d"]),
            "interval": bands.get(f"{prefix}recall_at_lead_21d"),
            "random": plain(board.chances[prefix].figures["recall_at_lead_21d"]),
            **{name: plain(figures[prefix + name]) for name in _BY_LOAD},
            "intervals": {name: bands.get(prefix + name) for name in _BY_LOAD},
        }
        for prefix, policy in by_load
    }


def _notes(table: RowTable, board: Board | None) -> tuple[Spoken, ...]:
    """Why a figure is missing, in words."""
    counts = table.counts()
    rows, positive = counts["n_rows"], counts["n_positive"]
    reasons = (
        (say("note_one_class", rows=rows, positive=positive), positive in (0, rows)),
        (say("note_no_probability"), table.calibration is None),
        (say("note_unscored", rows=table.n_unscored), table.n_unscored > 0),
        (say("note_no_exits"), board is None),
        (say("note_no_exit_counts"), board is not None and not board.ahead.counted.any()),
        (say("note_no_alert_judged"), board is not None and not board.ahead.judged.any()),
    )
    return tuple(text for text, applies in reasons if applies)
