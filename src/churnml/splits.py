"""Splits by time. A fold trains only on labels that were complete when its test began."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml import arguments, markup
from churnml.config import Folds
from churnml.errors import InputError
from churnml.windows import DAY, WEEK_DAYS, LabelWindow, instant

Positions = npt.NDArray[np.intp]

#: Shortest span of as_ofs that a fold may train on.
MIN_TRAIN_DAYS = 56


def complete(
    as_ofs: pd.Series | pd.Index, *, window: LabelWindow, tested: pd.Timestamp
) -> npt.NDArray[np.bool_]:
    """Snapshots whose label was complete when the test began: the purge.

    Parameters
    ----------
    as_ofs : Series or Index of datetime64, shape (n_snapshots,)
    window : LabelWindow
    tested : Timestamp
        First as_of of the test.

    Returns
    -------
    ndarray of bool, shape (n_snapshots,)

    References
    ----------
    .. [1] M. López de Prado, *Advances in Financial Machine Learning*, 2018, ch. 7 (purging).
    """
    return np.asarray(as_ofs + window.closing_days * DAY <= tested)


@dataclass(frozen=True)
class ForwardFolds:
    """Forward folds by calendar time, in scikit-learn's splitter protocol.

    Parameters
    ----------
    window : LabelWindow
        A training snapshot's window must be closed when the test begins.
    starts : tuple of Timestamp
        First instant of each test block; a block ends where the next begins.
    until : Timestamp
        End of the last test block, exclusive.
    train_days : int, optional
        Rolling: as_ofs older than so many days before the test are left out. None: expanding.
    history_from : Timestamp, optional
        Where the history begins; it only bounds the picture of an expanding training.
    """

    window: LabelWindow
    starts: tuple[pd.Timestamp, ...]
    until: pd.Timestamp
    train_days: int | None = None
    history_from: pd.Timestamp | None = None

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return len(self.starts)

    def split(
        self, X: pd.DataFrame, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[Positions, Positions]]:
        """Positions of the training and the test rows of each fold.

        Parameters
        ----------
        X : DataFrame indexed by (customer_id, as_of)
        """
        arguments.indexed(X, what="X")
        as_ofs = X.index.get_level_values("as_of")
        for start, end in self.blocks():
            train = self.train_rows(as_ofs, tested=start, window=self.window)
            test = np.asarray((as_ofs >= start) & (as_ofs < end))
            yield np.flatnonzero(train), np.flatnonzero(test)

    def train_rows(
        self, as_ofs: pd.Series | pd.Index, *, tested: pd.Timestamp, window: LabelWindow
    ) -> npt.NDArray[np.bool_]:
        """Rows that may train a head with its own window for the test block that begins then."""
        rows = complete(as_ofs, window=window, tested=tested)
        if self.train_days is not None:
            rows &= np.asarray(as_ofs >= tested - self.train_days * DAY)
        return rows

    def blocks(self) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        """Start and end of each test block, half-open."""
        return list(zip(self.starts, (*self.starts[1:], self.until), strict=True))

    def summary(self, X: pd.DataFrame) -> pd.DataFrame:
        """Dates and numbers of rows of each fold: trained, purged, tested.

        Parameters
        ----------
        X : DataFrame indexed by (customer_id, as_of)

        Returns
        -------
        DataFrame indexed by fold
            ``train_from`` and ``train_last`` (as_ofs), ``test_from`` and ``test_until`` (half-open
            block), ``test_last`` (as_of), ``purged_days`` between the last trained and the first
            tested as_of; ``train_rows``, ``purged_rows`` (label still open when the test begins),
            ``older_rows`` (before a rolling window), ``test_rows``. NaT where no row is.
        """
        arguments.indexed(X, what="X")
        as_ofs = X.index.get_level_values("as_of")
        rows = []
        for (train, test), (start, end) in zip(self.split(X), self.blocks(), strict=True):
            closed = complete(as_ofs, window=self.window, tested=start)
            rows.append(
                {
                    "train_from": as_ofs[train].min(),
                    "train_last": as_ofs[train].max(),
                    "test_from": start,
                    "test_last": as_ofs[test].max(),
                    "test_until": end,
                    "purged_days": (as_ofs[test].min() - as_ofs[train].max()) / DAY,
                    "train_rows": len(train),
                    "older_rows": int(closed.sum()) - len(train),
                    "purged_rows": int((as_ofs < start).sum() - closed.sum()),
                    "test_rows": len(test),
                }
            )
        numbers = pd.RangeIndex(1, len(rows) + 1, name="fold")
        return pd.DataFrame(rows, index=numbers)

    def _repr_html_(self) -> str:
        """How a notebook shows it: for each fold a strip of time, trained, purged, tested."""
        closing = self.window.closing_days * DAY
        first = self.starts[0] - 2 * closing if self.history_from is None else self.history_from
        whole = self.until - first
        rows = []
        for number, (start, end) in enumerate(self.blocks(), 1):
            begin = first if self.train_days is None else max(first, start - self.train_days * DAY)
            pieces = ((begin, start - closing, "soft"), (start - closing, start, "open"),
                      (start, end, "solid"))  # fmt: skip
            drawn = [((left - first) / whole, (right - first) / whole, kind)
                     for left, right, kind in pieces]  # fmt: skip
            dates = [markup.date(moment) for moment in (start - closing, start, end)]
            label = "trained before {}, tested from {} to before {}".format(*dates)
            rows.append((number, *dates, markup.strip(drawn, label=label)))
        return markup.card(
            f"{len(rows)} forward folds, {'expanding' if self.train_days is None else 'rolling'}",
            markup.table(
                rows,
                head=("fold", "trained before", "tested from", "tested before",
                      "grey trained, dashed purged, coloured tested"),
            ),
            said=f"A label closes {self.window.closing_days} days after its as_of; whatever is "
            "still open when a test begins does not train.",
        )  # fmt: skip


def forward_folds(
    folds: Folds,
    *,
    window: LabelWindow,
    history_from: pd.Timestamp,
    observed_until: pd.Timestamp,
    zone: str = "UTC",
) -> ForwardFolds:
    """The folds of a study on data that begins and ends then.

    Without ``test_from`` the last closed weekly as_of ends the last block, and as many blocks are
    tested as leave at least eight weeks of closed labels to train on.

    Parameters
    ----------
    folds : Folds
        ``study.folds``.
    window : LabelWindow
    history_from, observed_until : Timestamp
        Naive UTC; the right edge is exclusive.
    zone : str
        Of the dates in ``folds``.

    Returns
    -------
    ForwardFolds

    Raises
    ------
    InputError
        If the history is too short for one test block, with the days that are missing.

    Examples
    --------
    >>> folds = ch.forward_folds(
    ...     study.folds, window=ch.LabelWindow(21, 28, 14),
    ...     history_from=pd.Timestamp("2024-01-01"), observed_until=pd.Timestamp("2025-01-01"),
    ... )
    >>> len(folds.starts)
    1
    """
    arguments.moment(history_from, what="history_from")
    arguments.moment(observed_until, what="observed_until")
    last = observed_until - window.closing_days * DAY
    if folds.test_from is not None:
        start = instant(folds.test_from, zone=zone)
        until = instant(folds.test_until, zone=zone) if folds.test_until else last + DAY
        until = min(until, last + pd.Timedelta(microseconds=1))
    else:
        start = _default_start(folds, window=window, history_from=history_from, last=last)
        until = last + pd.Timedelta(microseconds=1)
    if until <= start:
        raise InputError(
            f"No as_of from {start:%Y-%m-%d} on has a closed label: the data ends at "
            f"{observed_until:%Y-%m-%d} and a label needs {window.closing_days} days. "
            "Set [folds] test_from earlier or bring later data."
        )
    if start < history_from + (window.closing_days + WEEK_DAYS) * DAY:
        raise InputError(
            f"Too little history: the first test begins at {start:%Y-%m-%d}, the history at "
            f"{history_from:%Y-%m-%d}; a fold needs {window.closing_days + WEEK_DAYS} days before "
            "its test. Set [folds] test_from later or bring older data."
        )
    every = folds.test_every_days * DAY
    # A last block of less than half a length would be all noise; it joins the block before it.
    count = max(1, round((until - start) / every))
    starts = tuple(start + number * every for number in range(count))
    train_days = (folds.train_days or 365) if folds.scheme == "rolling" else None
    return ForwardFolds(window, starts, until, train_days, history_from)


def _default_start(
    folds: Folds, *, window: LabelWindow, history_from: pd.Timestamp, last: pd.Timestamp
) -> pd.Timestamp:
    room = (last - history_from) / DAY - window.closing_days - MIN_TRAIN_DAYS
    days = min(folds.blocks * folds.test_every_days, room)
    weeks = int(days // WEEK_DAYS)
    if weeks < 4:
        needed = 2 * window.closing_days + MIN_TRAIN_DAYS + 4 * WEEK_DAYS
        raise InputError(
            f"Too little history: {(last - history_from) / DAY + window.closing_days:.0f} days of "
            f"usable data, at least {needed} are needed (a label takes {window.closing_days} days, "
            f"training {MIN_TRAIN_DAYS}, a test four weeks). Bring older data or shorten [label]."
        )
    return last - (weeks - 1) * WEEK_DAYS * DAY
