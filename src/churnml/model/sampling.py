"""Class rebalancing as a choice, never the default: resampling inside the fold, and its undoing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churnml.config import Sampler
from churnml.model.preparation import Matrix

Target = npt.NDArray[np.bool_]

#: Leavers per staying row after resampling. 1:5, because 1:1 cost 6% of average precision.
MINORITY_SHARE = 0.2
_ENSEMBLE_DRAWS = 5


@dataclass(frozen=True)
class Sample:
    """Training rows after resampling, and what was done to the odds of leaving.

    Parameters
    ----------
    matrix, target : ndarray
    weight : ndarray, optional
    log_odds_shift : float
        Added to every margin by the resampling; subtracted before a probability is read.
    """

    matrix: Matrix
    target: Target
    weight: npt.NDArray[np.float32] | None
    log_odds_shift: float


def samples(
    matrix: Matrix, target: Target, *, sampler: Sampler, rng: np.random.Generator
) -> list[Sample]:
    """The samples that a head is fitted on: one, or several draws for ``easy_ensemble``.

    References
    ----------
    .. [1] G. King, L. Zeng, *Logistic Regression in Rare Events Data*, Political Analysis 9,
       2001 (prior correction).
    .. [2] X.-Y. Liu, J. Wu, Z.-H. Zhou, *Exploratory Undersampling for Class-Imbalance Learning*,
       IEEE Transactions on Systems, Man, and Cybernetics B 39, 2009 (EasyEnsemble).
    """
    if sampler == "none":
        return [Sample(matrix, target, None, 0.0)]
    if sampler == "scale_pos_weight":
        ratio = float((~target).sum() / max(target.sum(), 1))
        weight = np.where(target, ratio, 1.0).astype(np.float32)
        return [Sample(matrix, target, weight, float(np.log(ratio)))]
    draws = _ENSEMBLE_DRAWS if sampler == "easy_ensemble" else 1
    return [_resampled(matrix, target, sampler=sampler, rng=rng) for _ in range(draws)]


def _resampled(
    matrix: Matrix, target: Target, *, sampler: Sampler, rng: np.random.Generator
) -> Sample:
    from imblearn.over_sampling import SMOTE
    from imblearn.under_sampling import RandomUnderSampler

    if target.mean() >= MINORITY_SHARE / (1 + MINORITY_SHARE):
        return Sample(matrix, target, None, 0.0)
    seed = int(rng.integers(2**31))
    if sampler == "smote":
        neighbours = min(5, int(target.sum()) - 1)
        method = SMOTE(sampling_strategy=MINORITY_SHARE, random_state=seed, k_neighbors=neighbours)
        drawn, labels = method.fit_resample(_complete(matrix), target)
    else:
        method = RandomUnderSampler(sampling_strategy=MINORITY_SHARE, random_state=seed)
        method.fit_resample(np.arange(len(target))[:, None], target)
        rows = np.sort(method.sample_indices_)
        drawn, labels = matrix[rows], target[rows]
    shift = _log_odds(labels.mean()) - _log_odds(target.mean())
    return Sample(np.asarray(drawn, dtype=np.float32), np.asarray(labels, dtype=bool), None, shift)


def _complete(matrix: Matrix) -> Matrix:
    """SMOTE interpolates between neighbours and needs every value: medians of the fold."""
    from sklearn.impute import SimpleImputer

    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return np.asarray(imputer.fit_transform(matrix), dtype=np.float32)


def _log_odds(share: float) -> float:
    return float(np.log(share / (1 - share)))
