"""The search beside the recipe: small, forward in time, resumable, and humble about noise."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.labels import CHURNED, UNKNOWN
from churnml.model import boosting
from churnml.model.boosting import Parameters
from churnml.model.ensemble import recipe_for, thinned
from churnml.model.examples import Examples
from churnml.model.preparation import Matrix, fit_preparation
from churnml.splits import ForwardFolds
from churnml.spoken import Spoken, phrases
from churnml.windows import DAY

if TYPE_CHECKING:
    import optuna
    import xgboost

INNER_BLOCKS = 3
_ROUNDS = 400
_PATIENCE = 30
_MAX_ROWS = 30_000

say = phrases(Path(__file__).with_name("words.toml"))


@dataclass(frozen=True)
class InnerFold:
    """One inner fold: the quantile matrix is built once and shared by all trials."""

    train: xgboost.QuantileDMatrix
    test: xgboost.QuantileDMatrix
    monotone: tuple[int, ...]


@dataclass(frozen=True)
class Tuned:
    """The chosen setting, whether it is the recipe's, and the study as a table."""

    parameters: Parameters
    is_recipe: bool
    trials: pd.DataFrame
    reason: Spoken

    @property
    def chosen(self) -> Parameters | None:
        """The setting for every fit; None: the recipe for the rows that each fit has."""
        return None if self.is_recipe else self.parameters


def inner_folds(examples: Examples, *, folds: ForwardFolds, tested: pd.Timestamp) -> ForwardFolds:
    """Forward folds on data that was closed before the first outer test begins.

    The tested as_ofs end where their own labels close, and cover the newest 40% of them.
    """
    window = examples.window
    as_ofs = examples.as_ofs[examples.train_rows(window, folds=folds, tested=tested)]
    last, first = as_ofs.max(), as_ofs.min()
    start = last - pd.Timedelta(days=int(0.4 * ((last - first) / DAY)))
    length = (last + DAY - start) / INNER_BLOCKS
    starts = tuple(start + number * length for number in range(INNER_BLOCKS))
    return ForwardFolds(window, starts, last + DAY, folds.train_days)


def tune(
    examples: Examples,
    *,
    folds: ForwardFolds,
    tested: pd.Timestamp,
    trials: int,
    seed: int,
    journal: Path | None = None,
    name: str = "churnml",
    progress: Callable[[int, float], None] = lambda done, best: None,
) -> Tuned:
    """The recipe, unless another setting beats it by more than one standard error of the folds.

    Parameters
    ----------
    trials : int
        Settings tried beside the recipe.
    journal : Path, optional
        File of Optuna's journal; a study of this name in it is resumed. Default: the search is
        not kept.
    name : str
        Digest of data, study and code.
    progress : callable
        Called with the number of trials done and the best average precision so far.
    """
    rows = examples.train_rows(examples.window, folds=folds, tested=tested)
    base = recipe_for(examples, rows)
    if trials == 0:
        return Tuned(base, True, pd.DataFrame(), say("no_trials"))
    inner = _build(examples, folds=inner_folds(examples, folds=folds, tested=tested))
    if not inner:
        return Tuned(base, True, pd.DataFrame(), say("too_little_history"))
    study = _open_study(journal, name)
    while (done := len(_complete(study))) < trials + 1:
        # A fresh sampler for each trial, seeded by the number of finished ones: a killed search
        # that is started again walks the same way.
        study.sampler = _sampler(seed, done)
        trial = study.ask() if done else _ask_recipe(study, base)
        parameters = _suggest(trial)
        values, rounds = _evaluate(inner, parameters, seed=seed)
        trial.set_user_attr("values", values)
        trial.set_user_attr("rounds", rounds)
        study.tell(trial, float(np.mean(values)))
        progress(done + 1, study.best_value)
    return _choose(study, base)


def _choose(study: optuna.Study, base: Parameters) -> Tuned:
    finished = _complete(study)
    first = finished[0]
    best = max(finished, key=lambda trial: trial.value)
    gain = np.array(best.user_attrs["values"]) - np.array(first.user_attrs["values"])
    error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
    table = pd.DataFrame(
        [
            {"trial": number, "average_precision": trial.value, **trial.params,
             "rounds": float(np.mean(trial.user_attrs["rounds"]))}
            for number, trial in enumerate(finished)
        ]
    )  # fmt: skip
    found = say("gain", gain=float(gain.mean()), error=float(error), folds=len(gain))
    if best is first or gain.mean() <= error:
        return Tuned(base, True, table, say("recipe_kept", gain=found))
    trees = max(30, int(np.mean(best.user_attrs["rounds"]) * 1.1))
    return Tuned(Parameters(**best.params, trees=trees), False, table, say("tuned", gain=found))


def _build(examples: Examples, *, folds: ForwardFolds) -> list[InnerFold]:
    target = (examples.labels[examples.window] == CHURNED).to_numpy()
    usable = (examples.labels[examples.window] != UNKNOWN).to_numpy() & examples.counted
    as_ofs = examples.as_ofs
    built = []
    for start, end in folds.blocks():
        train = examples.train_rows(examples.window, folds=folds, tested=start)
        test = usable & np.asarray((as_ofs >= start) & (as_ofs < end))
        train = thinned(examples, train, _MAX_ROWS)
        if min(target[train].sum(), target[test].sum()) < 5:
            continue
        features = examples.features
        preparation = fit_preparation(features[train], window=examples.window, everyone=None)
        data = boosting.training_matrix(
            preparation.matrix(features[train]), target[train], columns=preparation.columns,
            weight=_single(examples.weights(train)),
        )  # fmt: skip
        built.append(
            InnerFold(
                data,
                _reference_matrix(
                    preparation.matrix(features[test]), target[test], data, preparation.columns
                ),
                boosting.monotone_signs(preparation.sources, examples.risk),
            )
        )
    return built


def _single(weight: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float32] | None:
    return None if weight is None else weight.astype(np.float32)


def _reference_matrix(
    matrix: Matrix,
    target: npt.NDArray[np.bool_],
    data: xgboost.QuantileDMatrix,
    columns: tuple[str, ...],
) -> xgboost.QuantileDMatrix:
    import xgboost

    return xgboost.QuantileDMatrix(
        matrix, target.astype(np.float32), feature_names=list(columns), ref=data, max_bin=128
    )


def _evaluate(
    inner: list[InnerFold], parameters: Parameters, *, seed: int
) -> tuple[list[float], list[int]]:
    import xgboost

    values, rounds = [], []
    for fold in inner:
        booster = xgboost.train(
            parameters.booster(seed=seed, monotone=fold.monotone),
            fold.train,
            num_boost_round=_ROUNDS,
            evals=[(fold.test, "test")],
            early_stopping_rounds=_PATIENCE,
            verbose_eval=False,
        )
        values.append(float(booster.best_score))
        rounds.append(int(booster.best_iteration) + 1)
    return values, rounds


def _open_study(journal: Path | None, name: str) -> optuna.Study:
    with warnings.catch_warnings():  # bars that nobody sees ask for widgets in a notebook
        warnings.filterwarnings("ignore", message="IProgress not found")
        import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if journal is None:
        return optuna.create_study(study_name=name, direction="maximize")
    journal.parent.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    study = optuna.create_study(
        storage=storage, study_name=name, direction="maximize", load_if_exists=True
    )
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def _complete(study: optuna.Study) -> list[Any]:
    import optuna

    return list(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)))


def _sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    from optuna.samplers import TPESampler

    mixed = zlib.crc32(f"{seed}:{number}".encode())
    return TPESampler(seed=mixed, n_startup_trials=6, multivariate=True, constant_liar=False)


def _ask_recipe(study: optuna.Study, base: Parameters) -> optuna.Trial:
    chosen = {
        name: getattr(base, name)
        for name in (
            "max_depth",
            "eta",
            "min_child_weight",
            "subsample",
            "colsample_bytree",
            "reg_lambda",
        )
    }
    study.enqueue_trial(chosen, skip_if_exists=True)
    return study.ask()


def _suggest(trial: optuna.Trial) -> Parameters:
    return Parameters(
        max_depth=trial.suggest_int("max_depth", 2, 5),
        eta=trial.suggest_float("eta", 0.02, 0.1, log=True),
        min_child_weight=trial.suggest_float("min_child_weight", 1, 400, log=True),
        subsample=trial.suggest_float("subsample", 0.5, 0.9),
        colsample_bytree=trial.suggest_float("colsample_bytree", 0.15, 0.6),
        reg_lambda=trial.suggest_float("reg_lambda", 1, 50, log=True),
    )
