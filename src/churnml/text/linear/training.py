"""Fit on own labels, judge on messages of other customers and later days, refuse if not better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.errors import InputError
from churnml.text.cleaning import Cleaned, clean
from churnml.text.columns import CATEGORIES, MARKERS
from churnml.text.judging import judge, labels_of
from churnml.text.linear.model import LinearText, hints, softmax, vectorizers
from churnml.text.linear.scorer import LinearScorer, answers
from churnml.text.scoring import READABLE, TextScorer

Positions = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]

#: Share of the labels, the newest or other customers, on which the model is judged.
TEST_SHARE = 0.3
#: Fewer labels, or fewer of one class, teach nothing.
MIN_LABELS = 60
MIN_OF_CLASS = 8
#: Least share of right ones among the messages that are said to hold a marker.
MARKER_PRECISION = 0.6
_INVERSE_PENALTY = 4.0
_INNER_FOLDS = 4
#: Margin of a class that an inner fold does not have: it is never answered there.
_ABSENT = -30.0
_COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)


@dataclass(frozen=True)
class TrainedText:
    """A fitted text model and how it compares with the word lists on labels it has not seen.

    Parameters
    ----------
    model : LinearText
    better : bool
        Whether it may replace the word lists.
    report : dict
        ``target``, ``n_train``, ``n_test``, ``split``, ``linear`` and ``lexicon`` figures,
        ``accuracy_at_coverage``, ``reason``.
    """

    model: LinearText
    better: bool
    report: dict[str, Any]


def train_text(
    table: pd.DataFrame, *, target: str, lexicon: TextScorer, precision: float = 0.9, seed: int = 7
) -> TrainedText:
    """The model of one target on labelled messages.

    Equal texts stay on one side of the split, and so do the messages of one customer; where the
    labels are dated the newest are the test.

    Parameters
    ----------
    table : DataFrame
        ``text``, the label column, and if known ``customer_id`` and ``sent_at``.
    target : str
        ``tone``, ``category`` or ``marker:NAME``.
    lexicon : TextScorer
        The word lists: their findings are features, and the rival.
    precision : float
        Wanted share of right answers; below the probability that gives it there is no answer.
    seed : int

    Raises
    ------
    InputError
        If the target is unknown, or there are too few labels or classes.
    """
    column = _column(target)
    labels = labels_of(table)
    if column not in labels:
        raise InputError(f"The labels have no column {column}, which --target {target} needs.")
    texts = [clean(text) for text in table["text"]]
    known = labels[column].notna().to_numpy() & np.array([t.status in READABLE for t in texts])
    rows = np.flatnonzero(known)
    values = _values(labels[column], column)
    _check(values[rows], target)
    groups = _groups(table, texts)
    train, test, how = _split(table, rows, groups, seed=seed)
    data = _Data(texts, lexicon.score(texts), values, groups)
    _check(values[train], target)
    model = _fit(data, train, column=column, lexicon=lexicon, precision=precision, seed=seed)
    report, better = _compare(model, data, labels, test, column=column, lexicon=lexicon)
    facts = {"target": target, "n_train": len(train), "n_test": len(test), "split": how}
    # What is kept knows every label; the verdict came from the model that did not.
    final = _fit(data, rows, column=column, lexicon=lexicon, precision=precision, seed=seed)
    return TrainedText(final, better, facts | report)


@dataclass(frozen=True)
class _Data:
    """Cleaned texts, what the word lists say of them, label values, and who belongs together."""

    texts: Sequence[Cleaned]
    gated: pd.DataFrame
    values: npt.NDArray[np.object_]
    groups: npt.NDArray[np.int_]

    def words(self, rows: Positions) -> list[str]:
        return [self.texts[row].text for row in rows]


def _column(target: str) -> str:
    kind, _, name = target.partition(":")
    if kind in ("tone", "category") and not name:
        return kind
    if kind == "marker" and name in MARKERS:
        return name
    raise InputError(
        f"--target is '{target}'; expected tone, category or marker:NAME with NAME one of "
        f"{', '.join(MARKERS)}."
    )


def _values(labels: pd.Series, column: str) -> npt.NDArray[np.object_]:
    """Labels as class names."""
    if column == "tone":
        labels = labels.map({-1.0: "negative", 0.0: "neutral", 1.0: "positive"})
    elif column in MARKERS:
        labels = labels.map({True: "true", False: "false"})
    else:
        strange = sorted(set(labels.dropna()) - set(CATEGORIES))
        if strange:
            raise InputError(
                f"Categories {', '.join(strange[:5])} are unknown; expected "
                f"{', '.join(CATEGORIES)}."
            )
    return np.asarray(labels.to_numpy(dtype=object))


def _check(values: npt.NDArray[np.object_], target: str) -> None:
    counts = pd.Series(values).value_counts()
    rare = counts[counts < MIN_OF_CLASS]
    if counts.sum() < MIN_LABELS or len(counts) < 2 or len(rare):
        said = ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
        raise InputError(
            f"Too few labels for {target} ({said}); at least {MIN_LABELS} in all, two classes and "
            f"{MIN_OF_CLASS} of each are needed. `churnml text queue` lists what to label next."
        )


def _groups(table: pd.DataFrame, texts: Sequence[Cleaned]) -> npt.NDArray[np.int_]:
    """Numbers of rows that must stay together: same customer, or same text."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    by_text = pd.factorize(pd.Series([text.text for text in texts]))[0]
    if "customer_id" not in table:
        return np.asarray(by_text)
    by_customer = pd.factorize(table["customer_id"].astype("str"))[0] + by_text.max() + 1
    size = int(by_customer.max()) + 1
    links = coo_matrix((np.ones(len(texts)), (by_text, by_customer)), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1][by_text])


def _split(
    table: pd.DataFrame, rows: Positions, groups: npt.NDArray[np.int_], *, seed: int
) -> tuple[Positions, Positions, str]:
    """Training and test rows: the newest labels where they are dated, else other groups."""
    if "sent_at" in table and table["sent_at"].notna().all():
        sent = pd.to_datetime(table["sent_at"], utc=True, format="mixed").to_numpy()
        edge = np.quantile(sent[rows].astype("int64"), 1 - TEST_SHARE)
        late = rows[sent[rows].astype("int64") >= edge]
        early = rows[~np.isin(groups[rows], groups[late])]
        if len(early) >= MIN_LABELS / 2:
            return early, late, "newest labels, other customers"
    drawn = np.random.default_rng(seed).permutation(np.unique(groups[rows]))
    tested = drawn[: max(1, round(TEST_SHARE * len(drawn)))]
    inside = np.isin(groups[rows], tested)
    return (
        rows[~inside],
        rows[inside],
        "other customers" if "customer_id" in table else "other texts",
    )


def _fit(
    data: _Data, rows: Positions, *, column: str, lexicon: TextScorer, precision: float, seed: int
) -> LinearText:
    """Fitted on these rows; temperature and threshold from inner folds over groups."""
    classes = tuple(sorted(set(data.values[rows])))
    draft = LinearText(
        column, classes, (), (), np.empty(0), np.empty((0, 0)), np.empty(0), 1.0, 0.0,
        f"{lexicon.name}:{lexicon.version}",
    )  # fmt: skip
    margins = np.full((len(rows), len(classes)), np.nan)
    for inside, outside in _inner(data.groups[rows], seed=seed):
        part = _coefficients(draft, data, rows[inside])
        gated = data.gated.iloc[rows[outside]]
        matrix = part.matrix(data.words(rows[outside]), gated)
        margins[outside] = matrix @ part.coefficients.T + part.intercepts
    right = np.array([classes.index(value) for value in data.values[rows]])
    slope = _temperature(margins, right)
    p = softmax(slope * margins)
    threshold = (
        _marker_threshold(p[:, classes.index("true")], data.values[rows] == "true")
        if column in MARKERS
        else _threshold(p, right, precision=precision)
    )
    whole = _coefficients(draft, data, rows)
    return LinearText(
        column, classes, whole.letters, whole.tokens, whole.idf, whole.coefficients,
        whole.intercepts, slope, threshold, draft.lexicon,
    )  # fmt: skip


def _inner(groups: npt.NDArray[np.int_], *, seed: int) -> list[tuple[Positions, Positions]]:
    fold = np.random.default_rng(seed).integers(0, _INNER_FOLDS, groups.max() + 1)[groups]
    return [
        (np.flatnonzero(fold != n), np.flatnonzero(fold == n))
        for n in range(_INNER_FOLDS)
        if (fold == n).any()
    ]


def _coefficients(draft: LinearText, data: _Data, rows: Positions) -> LinearText:
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    words = data.words(rows)
    fitted = [vectorizer.fit(words) for vectorizer in vectorizers()]
    matrix = hstack(
        [*(v.transform(words) for v in fitted), csr_matrix(hints(data.gated.iloc[rows]))],
        format="csr",
    )
    weights = np.zeros((len(draft.classes), matrix.shape[1]))
    bias = np.full(len(draft.classes), _ABSENT)
    values = data.values[rows]
    for place, name in enumerate(draft.classes):
        own = values == name
        if 0 < own.sum() < len(own):
            # One against the rest by coordinate descent: a tenth of the time of a joint fit.
            model = LogisticRegression(C=_INVERSE_PENALTY, solver="liblinear", random_state=0)
            model.fit(matrix, own)
            weights[place], bias[place] = model.coef_[0], model.intercept_[0]
    letters, tokens = (tuple(v.get_feature_names_out().tolist()) for v in fitted)
    idf = np.concatenate([v.idf_ for v in fitted]).astype(float)
    return LinearText(
        draft.target, draft.classes, letters, tokens, idf, weights, bias, 1.0, 0.0, draft.lexicon
    )


def _temperature(margins: Numbers, right: npt.NDArray[np.int_]) -> float:
    """The slope that makes the probabilities of unseen rows true.

    References
    ----------
    .. [1] C. Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    def loss(log_slope: float) -> float:
        p = softmax(np.exp(log_slope) * margins)[np.arange(len(right)), right]
        return float(-np.log(np.maximum(p, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def _threshold(p: Numbers, right: npt.NDArray[np.int_], *, precision: float) -> float:
    """The lowest confidence from which on the wanted share of answers is right."""
    confidence, hit = p.max(axis=1), p.argmax(axis=1) == right
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(hit[order]) / np.arange(1, len(hit) + 1)
    enough = np.flatnonzero(share >= precision)
    return float(confidence[order][enough[-1]]) if len(enough) else 1.0


def _marker_threshold(p: Numbers, true: npt.NDArray[np.bool_]) -> float:
    """The probability from which on a marker is said to be there: best F1 at enough precision.

    A false "ultimatum" costs a manager's trust, so precision comes first.
    """
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(true[order])
    said = np.arange(1, len(p) + 1)
    f1 = np.where(hits / said >= MARKER_PRECISION, 2 * hits / (said + true.sum()), 0.0)
    best = int(np.argmax(f1))
    return float(p[order][best]) if f1[best] > 0 else 1.0


def _compare(
    model: LinearText, data: _Data, labels: pd.DataFrame, test: Positions, *, column: str,
    lexicon: TextScorer,
) -> tuple[dict[str, Any], bool]:  # fmt: skip
    """Figures of the model and of the word lists on the test rows, and which is better."""
    truth = labels.iloc[test][[column]]
    said = LinearScorer(model, lexicon).score([data.texts[row] for row in test])
    # A marker that is not believed is not found; a rejected answer is the word lists'.
    figures = [judge(frame, truth)[column] for frame in (said, data.gated.iloc[test])]
    measure = {"tone": "macro_f1", "category": "accuracy"}.get(column, "f1")
    linear, lists = (float(part[measure] or 0.0) for part in figures)
    p = model.probabilities(data.words(test), data.gated.iloc[test])
    better = linear > lists
    reason = (
        f"{'Better than' if better else 'Not better than'} the word lists on {len(test)} unseen "
        f"labels: {measure} {linear:.3f} against {lists:.3f}."
    )
    report = {
        "linear": figures[0], "lexicon": figures[1], "threshold": model.threshold,
        "accuracy_at_coverage": _at_coverage(p, model, data.values[test]), "reason": reason,
    }  # fmt: skip
    return report, better


def _at_coverage(
    p: Numbers, model: LinearText, values: npt.NDArray[np.object_]
) -> dict[str, float | None]:
    """Share of right answers among the most confident share of the messages."""
    hit = answers(p, model.classes) == values
    order = np.argsort(-p.max(axis=1), kind="stable")
    counts = {share: max(1, round(share * len(values))) for share in _COVERAGES}
    return {f"{share:g}": float(hit[order[:n]].mean()) for share, n in counts.items()}
