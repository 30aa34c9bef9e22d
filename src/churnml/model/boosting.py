"""XGBoost as the recipe uses it: shallow, slow, strongly regularised, without resampling."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import xgboost

    from churnml.model.preparation import Matrix

#: Where boosters are fitted.
Device = Literal["cpu", "cuda"]

# OpenMP threads that spin while they wait cost a factor of ten on a shared machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


LEAF_ROWS = 1_000
LEAVES = 60  # on little data: a leaf may hold so small a part of the rows
FEW_LEAVERS = 150
MANY_LEAVERS = 5_000


@dataclass(frozen=True, slots=True)
class Parameters:
    """Setting of one boosted head. Defaults are the recipe for at least 150 leavers."""

    max_depth: int = 3
    eta: float = 0.05
    trees: int = 250
    min_child_weight: float = 20.0
    subsample: float = 0.75
    colsample_bytree: float = 0.15
    reg_lambda: float = 10.0

    def booster(
        self, *, seed: int, monotone: Sequence[int], device: Device = "cpu"
    ) -> dict[str, Any]:
        """The parameters in XGBoost's own words."""
        chosen = asdict(self)
        del chosen["trees"]
        return {
            **chosen,
            "objective": "binary:logistic",
            "eval_metric": "aucpr",
            "tree_method": "hist",
            "max_bin": 128,
            "seed": seed,
            "device": device,
            "verbosity": 0,
            "monotone_constraints": "(" + ",".join(str(sign) for sign in monotone) + ")",
        }


def recipe(*, rows: int, positives: int, leavers: int) -> Parameters:
    """The setting for so many training rows, positive ones among them, and people behind these.

    ``min_child_weight`` is in units of p(1 - p). About a thousand rows in a leaf (fewer on little
    data) are 20 at a base rate of 2% and 250 at one half; with few positives a large one would
    allow no split.
    """
    share = positives / rows
    leaf = min(LEAF_ROWS, rows / LEAVES)
    weight = max(leaf * share * (1 - share), 1.0)
    parameters = Parameters(min_child_weight=weight)
    if leavers < FEW_LEAVERS:
        parameters = replace(parameters, max_depth=2, trees=200)
    if positives < 100:
        return replace(parameters, min_child_weight=min(weight, 5.0))
    if leavers > MANY_LEAVERS:
        return replace(parameters, max_depth=4, trees=300)
    return parameters


def training_matrix(
    matrix: Matrix,
    target: npt.NDArray[np.bool_] | npt.NDArray[np.float32],
    *,
    columns: Sequence[str],
    weight: npt.NDArray[np.float32] | None = None,
) -> xgboost.QuantileDMatrix:
    """The quantile matrix of a fold and head, built once and shared by every fit on it."""
    import xgboost

    return xgboost.QuantileDMatrix(
        matrix, target.astype(np.float32), weight=weight, feature_names=list(columns), max_bin=128
    )


def fit_booster(
    data: xgboost.QuantileDMatrix,
    *,
    parameters: Parameters,
    seed: int,
    monotone: Sequence[int],
    device: Device = "cpu",
) -> xgboost.Booster:
    """A booster with exactly ``parameters.trees`` trees; it predicts on the CPU wherever fitted."""
    import xgboost

    chosen = parameters.booster(seed=seed, monotone=monotone, device=device)
    booster = xgboost.train(chosen, data, num_boost_round=parameters.trees)
    booster.set_param({"device": "cpu"})
    return booster


def margins(booster: xgboost.Booster, matrix: Matrix) -> npt.NDArray[np.float64]:
    """Log-odds of each row."""
    found = booster.inplace_predict(matrix, predict_type="margin", validate_features=False)
    return np.asarray(found, dtype=np.float64)


def staged_margins(
    booster: xgboost.Booster,
    data: xgboost.DMatrix,
    *,
    rounds: range,
    before: npt.NDArray[np.float32] | None,
) -> npt.NDArray[np.float32]:
    """Log-odds after each of these rounds, shape (n_rows, n_rounds); bit for bit what it predicts.

    Every row is read once, whatever the number of rounds.

    Parameters
    ----------
    booster : Booster
    data : DMatrix
    rounds : range
    before : array, shape (n_rows,), optional
        The log-odds after the round before; None: the rounds begin with the first.
    """
    part = booster[rounds.start : rounds.stop]
    leaves = part.predict(data, pred_leaf=True, strict_shape=True)
    leaves = leaves.reshape(len(leaves), len(rounds)).astype(np.intp)
    model = json.loads(bytes(part.save_raw("json")))
    steps = np.empty(leaves.shape, np.float32)
    for column, tree in enumerate(model["learner"]["gradient_booster"]["model"]["trees"]):
        # a leaf keeps its value where a split keeps its threshold
        values = np.array(tree["split_conditions"], np.float32)
        steps[:, column] = values[leaves[:, column]]
    if before is None:
        first = (rounds.start, rounds.start + 1)
        steps[:, 0] = booster.predict(data, output_margin=True, iteration_range=first)
    else:
        steps[:, 0] += before
    return np.cumsum(steps, axis=1, dtype=np.float32)


def contributions(
    booster: xgboost.Booster, matrix: Matrix, *, columns: Sequence[str]
) -> npt.NDArray[np.float64]:
    """SHAP values of each column and, last, the bias; shape (n_rows, n_columns + 1).

    References
    ----------
    .. [1] S. M. Lundberg et al., *From local explanations to global understanding with
       explainable AI for trees*, Nature Machine Intelligence 2, 2020.
    """
    import xgboost

    data = xgboost.DMatrix(matrix, feature_names=list(columns))
    return np.asarray(booster.predict(data, pred_contribs=True), dtype=np.float64)


def interactions(
    booster: xgboost.Booster, matrix: Matrix, *, columns: Sequence[str]
) -> npt.NDArray[np.float64]:
    """SHAP interaction values; shape (n_rows, n_columns + 1, n_columns + 1), the bias last.

    Each line adds up to the SHAP value of its column.
    """
    import xgboost

    data = xgboost.DMatrix(matrix, feature_names=list(columns))
    return np.asarray(booster.predict(data, pred_interactions=True), dtype=np.float64)


def monotone_signs(sources: Sequence[str], risk: Mapping[str, int]) -> tuple[int, ...]:
    """Direction of each matrix column: +1 where more can only mean more risk, 0 where unknown."""
    return tuple(risk.get(name, 0) for name in sources)
