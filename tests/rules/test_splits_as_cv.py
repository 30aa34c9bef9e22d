"""Forward folds as scikit-learn's cross-validators: the same folds, whatever asks for them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    check_cv,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from churnml.config import Folds
from churnml.splits import ForwardFolds, forward_folds
from churnml.windows import DAY, LabelWindow

START = pd.Timestamp("2025-01-06")
WINDOW = LabelWindow(lead_days=21, horizon_days=28, delay_days=14)
WEEKS = 60


def folds_of(scheme: str) -> ForwardFolds:
    return forward_folds(
        Folds(scheme=scheme, train_days=140, blocks=2), window=WINDOW, history_from=START,
        observed_until=START + WEEKS * 7 * DAY,
    )  # fmt: skip


@pytest.fixture
def panel() -> tuple[pd.DataFrame, pd.Series]:
    """Rows shuffled, as they come: strain speaks for leaving."""
    rng = np.random.default_rng(5)
    as_ofs = [START + number * 7 * DAY for number in range(WEEKS)]
    customers = [f"c{number}" for number in range(40)]
    index = pd.MultiIndex.from_product([customers, as_ofs], names=["customer_id", "as_of"])
    strain = rng.normal(size=len(index))
    order = rng.permutation(len(index))
    X = pd.DataFrame({"strain": strain, "noise": rng.normal(size=len(index))}, index=index)
    y = pd.Series(rng.random(len(index)) < 1 / (1 + np.exp(1 - 2 * strain)), index=index)
    return X.iloc[order], y.iloc[order]


SCHEMES = pytest.mark.parametrize("scheme", ["expanding", "rolling"])
MODEL = make_pipeline(StandardScaler(), LogisticRegression())


@SCHEMES
def test_cross_val_score_scores_each_block_by_a_model_of_closed_labels(panel, scheme):
    X, y = panel
    folds = folds_of(scheme)

    found = cross_val_score(MODEL, X, y, cv=folds, scoring="roc_auc")

    assert len(found) == folds.get_n_splits(X, y) == 2
    assert found == pytest.approx(
        [by_hand(X, y, folds, start, end) for start, end in folds.blocks()]
    )


def by_hand(X, y, folds, start, end):
    """The same figure by masks over dates instead of positions."""
    from sklearn.metrics import roc_auc_score

    as_of = X.index.get_level_values("as_of")
    train = as_of <= start - 63 * DAY
    if folds.train_days is not None:
        train &= as_of >= start - 140 * DAY
    test = (as_of >= start) & (as_of < end)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[train], y[train])
    return roc_auc_score(y[test], model.predict_proba(X[test])[:, 1])


@SCHEMES
def test_cross_validate_hands_out_the_rows_of_the_summary(panel, scheme):
    X, y = panel
    folds = folds_of(scheme)
    summary = folds.summary(X)

    found = cross_validate(
        MODEL, X, y, cv=folds, scoring=["average_precision", "neg_brier_score"],
        return_indices=True, return_estimator=True,
    )  # fmt: skip

    assert [len(rows) for rows in found["indices"]["train"]] == summary["train_rows"].tolist()
    assert [len(rows) for rows in found["indices"]["test"]] == summary["test_rows"].tolist()
    assert np.isfinite(found["test_average_precision"]).all()


@SCHEMES
def test_a_grid_search_chooses_forward_in_time(panel, scheme):
    X, y = panel
    grid = {"logisticregression__C": [1e-9, 1.0]}

    search = GridSearchCV(MODEL, grid, cv=folds_of(scheme), scoring="neg_log_loss").fit(X, y)

    assert search.n_splits_ == 2
    assert search.best_params_ == {"logisticregression__C": 1.0}


def test_a_frame_alone_is_enough_and_the_folds_are_a_cross_validator_as_they_are(panel):
    X, _ = panel
    folds = folds_of("expanding")

    assert check_cv(folds) is folds
    assert len(list(folds.split(X))) == folds.get_n_splits()


def test_forward_folds_are_no_partition_and_scikit_learn_says_so(panel):
    # The first rows are never tested: cross_val_predict has nothing to say about them.
    X, y = panel

    with pytest.raises(ValueError, match="only works for partitions"):
        cross_val_predict(DummyClassifier(), X, y, cv=folds_of("expanding"))


@SCHEMES
def test_the_summary_accounts_for_every_row_before_and_in_the_test(panel, scheme):
    X, _ = panel
    as_of = X.index.get_level_values("as_of")
    for number, row in folds_of(scheme).summary(X).iterrows():
        before = (as_of < row["test_from"]).sum()

        assert row["train_rows"] + row["older_rows"] + row["purged_rows"] == before, number
        assert (row["older_rows"] > 0) == (scheme == "rolling"), number
        assert row["purged_days"] >= WINDOW.closing_days
        assert row["train_from"] <= row["train_last"] < row["test_from"] <= row["test_last"]


def test_a_fold_that_nothing_can_train_shows_as_such():
    index = pd.MultiIndex.from_product([["a"], [START]], names=["customer_id", "as_of"])
    folds = ForwardFolds(WINDOW, (START,), START + 7 * DAY)

    [row] = folds.summary(pd.DataFrame(index=index)).to_dict("records")

    assert (row["train_rows"], row["purged_rows"], row["test_rows"]) == (0, 0, 1)
    assert pd.isna(row["train_from"])
    assert pd.isna(row["purged_days"])
