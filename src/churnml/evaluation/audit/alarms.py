"""Single-feature alarms: one column alone that separates leavers, or does so all of a sudden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.words import say
from churnml.labels import CHURNED, STAYED, with_exits
from churnml.model.examples import Examples
from churnml.sources.dataset import Dataset
from churnml.windows import DAY

ALONE = "single_feature"
SUDDEN = "short_notice"
#: Area under the curve that no honest column reaches alone.
ALARM = 0.9
#: One-sided z of the lower bound.
STRICT = 1.96
#: Weeks of notice, in days, over which a strong column is followed. What fades in rises from
#: one to the next by no more than a step, and is no more than this before the first.
FADE, STEP, FAR = tuple(range(21, 92, 7)), 0.2, 0.8
#: Bounds of the notice, in days, and the rise from one to the next shorter that is too sharp.
NOTICES = (0, 7, 14, 21, 28, 42, 63)
RISE, REACHED = 0.3, 0.9
MAX_ROWS = 8_000
MIN_LEAVERS = 15
Vector = npt.NDArray[np.float64]


def single_features(
    dataset: Dataset, examples: Examples, *, seed: int
) -> tuple[list[Finding], Check]:
    """Columns that alone rank leavers of the label window above those who stay with AUC > 0.9.

    The strongest honest signals three weeks ahead mostly reach about 0.8; more is the outcome
    itself, unless it grows out of little over many weeks: nobody writes the end of a customer down
    little by little, but usage does fade so where nearly all leavers lose interest first.
    """
    labels = examples.labels[examples.window]
    used = examples.population & labels.isin([CHURNED, STAYED])
    rows = _sampled(labels[used] == CHURNED, seed=seed)
    features = examples.features.loc[rows.index]
    strong = {
        name: found
        for name, column in _columns(features)
        if (found := area_with_bound(column, rows))[0] > ALARM
    }
    fading = _fading(dataset, examples, list(strong), seed=seed)
    findings = [_alone(name, *found) for name, found in strong.items() if name not in fading]
    counts = {"features": features.shape[1], "rows": len(rows)}
    seen = say("features_on_rows", **counts)
    if fading:
        seen = say("features_fading", **counts, fading=len(fading), named=", ".join(fading[:3]))
    return findings, concluded(ALONE, findings, seen=seen)


def _fading(dataset: Dataset, examples: Examples, names: list[str], *, seed: int) -> list[str]:
    """Those of the columns that come to know who leaves little by little."""
    if not names or dataset.description.churn.kind == "absence":
        return []
    notice = _notice(dataset, examples)
    near = examples.population & (notice < FADE[-1])
    rows = _sampled(near[near | (examples.population & np.isinf(notice))], seed=seed)
    days = notice.loc[rows.index].to_numpy()
    features = examples.features.loc[rows.index, names]
    return [name for name, column in _columns(features)
            if fades_in(_areas(column, rows, days, bounds=FADE))]  # fmt: skip


def fades_in(areas: Sequence[float]) -> bool:
    """Whether areas by notice, the nearest first, grow out of little without a sudden step.

    Examples
    --------
    >>> fades_in([0.97, 0.92, 0.8, 0.65]), fades_in([0.99, 0.98, 0.6, 0.5])
    (True, False)
    >>> fades_in([0.97, 0.96, 0.96, 0.95]), fades_in([0.97, 0.9, 0.8, float("nan")])
    (False, False)
    """
    return areas[-1] <= FAR and all(near - far <= STEP for near, far in pairwise(areas))


def short_notice(dataset: Dataset, examples: Examples, *, seed: int) -> tuple[list[Finding], Check]:
    """Columns that know nothing until, a week later, they know everything.

    Honest signals fade in; what comes to exist all at once near the exit is the notice itself.
    """
    if dataset.description.churn.kind == "absence":
        return [], Check(SUDDEN, None, say("no_dated_exit"))
    notice = _notice(dataset, examples)
    labels = examples.labels[examples.window]
    stayed = examples.population & (labels == STAYED)
    near = examples.population & (notice < NOTICES[-1])
    rows = _sampled(near[stayed | near], seed=seed)
    features, days = examples.features.loc[rows.index], notice.loc[rows.index].to_numpy()
    findings = []
    for name, column in _columns(features):
        areas = _areas(column, rows, days, bounds=NOTICES)
        for nearer, farther, place in zip(areas, areas[1:], range(len(areas)), strict=False):
            if nearer >= REACHED and nearer - farther >= RISE:
                findings.append(_sudden(name, place, nearer, farther))
                break
    seen = say("features", features=features.shape[1])
    return findings, concluded(SUDDEN, findings, seen=seen)


def area_with_bound(column: Vector, leavers: pd.Series) -> tuple[float, float]:
    """Area under the curve in the better direction, and its lower bound with people as the unit.

    References
    ----------
    .. [1] J. A. Hanley, B. J. McNeil, *The meaning and use of the area under a ROC curve*,
       Radiology 143, 1982.
    """
    positive = leavers.to_numpy()
    area = _area(column, positive)
    customers = leavers.index.get_level_values("customer_id")
    n, m = customers[positive].nunique(), customers[~positive].nunique()
    if n < MIN_LEAVERS or m < MIN_LEAVERS:
        return 0.5, 0.0
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (n - 1) * (one - area**2) + (m - 1) * (two - area**2)
    return area, area - STRICT * float(np.sqrt(max(spread, 0.0) / (n * m)))


def _area(column: Vector, positive: npt.NDArray[np.bool_]) -> float:
    """Area under the curve, 0.5 or more; unknown values stand below or above all, what tells more.

    Where both directions of the unknown are equal, the column has none.
    """
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return 0.5
    unknown = np.isnan(column)
    ranks = pd.Series(column).rank().to_numpy()
    found = 0.5
    for filler in (0.0, float(len(column) + 1)) if unknown.any() else (0.0,):
        placed = np.where(unknown, filler, ranks)
        placed = pd.Series(placed).rank().to_numpy() if unknown.any() else placed
        area = (placed[positive].sum() - n * (n + 1) / 2) / (n * m)
        found = max(found, area, 1 - area)
    return float(found)


def _areas(
    column: Vector, rows: pd.Series, days: Vector, *, bounds: tuple[int, ...]
) -> list[float]:
    """Area for each bucket of notice, against everyone who stays."""
    stays = ~rows.to_numpy()
    areas = []
    for low, high in pairwise(bounds):
        inside = (days >= low) & (days < high)
        chosen = stays | inside
        enough = inside.sum() >= MIN_LEAVERS
        areas.append(_area(column[chosen], inside[chosen]) if enough else np.nan)
    return areas


def _columns(features: pd.DataFrame) -> Iterator[tuple[str, Vector]]:
    """Numeric columns; words are judged as standing values."""
    for name in features.columns:
        if pd.api.types.is_numeric_dtype(features[name]):
            yield str(name), features[name].to_numpy(dtype=float)


def _sampled(target: pd.Series, *, seed: int) -> pd.Series:
    """All true rows (at most half of the room) and a draw of the others."""
    rng = np.random.default_rng(seed)
    parts = []
    for value in (True, False):
        rows = np.flatnonzero(target.to_numpy() == value)
        room = MAX_ROWS // 2 if value else MAX_ROWS
        parts.append(rng.choice(rows, min(room, len(rows)), replace=False))
    return target.iloc[np.sort(np.concatenate(parts))].astype(bool)


def _notice(dataset: Dataset, examples: Examples) -> pd.Series:
    """Days to the exit of each row, infinite where none follows."""
    snapshots = examples.features.index.to_frame(index=False)
    ends = with_exits(dataset, snapshots)
    days = (ends["exit_at"] - ends["as_of"]) / DAY
    days = days.where(days.notna(), np.inf)
    return pd.Series(days.to_numpy(), index=examples.features.index)


def _alone(name: str, area: float, low: float) -> Finding:
    return Finding(
        ALONE,
        "error" if low > ALARM else "warning",
        say("alone", name=name, area=area, low=low),
        feature=name,
        value=round(area, 4),
    )


def _sudden(name: str, place: int, nearer: float, farther: float) -> Finding:
    until, before = NOTICES[place + 1], NOTICES[place + 2]
    return Finding(
        SUDDEN,
        "warning",
        say(
            "sudden",
            name=name,
            farther=farther,
            nearer=nearer,
            near=NOTICES[place],
            until=until,
            before=before,
        ),
        feature=name,
        value=round(nearer, 4),
    )
