"""The trials of one process in a study that other machines may share."""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from churnml.model.boosting import Parameters
from churnml.model.search_storage import Place
from churnml.model.trial import Worth
from churnml.model.workers import Crew, Task

if TYPE_CHECKING:
    import optuna

_MOMENT = 5  # most seconds between two looks at what other machines do


class Search:
    """Asks for settings and tells what they are worth, always in the order of their numbers.

    How many trials are open when a setting is chosen depends on the number of workers alone, not
    on which of them was quicker; so the same workers make the same trials.

    Parameters
    ----------
    study : optuna.Study
    place : Place
    trials : int
        Settings wanted beside the recipe.
    seed : int
    recipe : Parameters
        The first setting that is tried.
    size : int
        Settings that are tried at a time.
    """

    def __init__(
        self, study: optuna.Study, *, place: Place, trials: int, seed: int, recipe: Parameters,
        size: int,
    ) -> None:  # fmt: skip
        self._study, self._shared, self._seed = study, place.url is not None, seed
        self._wanted, self._recipe = trials + 1, searched(recipe)
        self._ahead = 1 if size == 1 else 2 * size  # so that nobody waits for the slowest
        self._open: dict[int, optuna.Trial] = {}
        self._answers: dict[int, Worth] = {}
        self._beat_seconds, self._beaten = place.beat_seconds, time.monotonic()
        self._moment = min(_MOMENT, place.beat_seconds)
        self._seen: set[int] = set()
        # An earlier process was killed: in a journal of ours alone, what it began is ours now.
        self._left = deque([] if self._shared else self._trials("RUNNING"))

    def walk(self, crew: Crew, *, progress: Callable[[int, float], None]) -> None:
        """Try settings until there are as many as wanted."""
        while True:
            while (task := self._next()) is not None:
                crew.give(task)
            if not self._open:
                if len(self.finished) >= self._wanted:
                    return
                time.sleep(self._moment)  # other machines are at the last ones
            elif self._tell_oldest():
                progress(len(self.finished), self._study.best_value)
            elif (answer := crew.take(within=self._moment)) is not None:
                self._answers[answer[0]] = answer[1]
            self._beat()

    @property
    def finished(self) -> list[Any]:
        """Optuna's finished trials, by number."""
        return self._trials("COMPLETE")

    def _next(self) -> Task | None:
        if len(self._open) >= self._ahead:
            return None
        if self._left:
            import optuna

            trial = optuna.Trial(self._study, self._left.popleft()._trial_id)
        elif self._more():
            trial = self._study.ask()
        else:
            return None
        self._study.sampler = _sampler(self._seed, trial.number, liar=self._ahead > 1)
        parameters = _suggest(trial)
        if self._is_surplus(trial):
            self._study.tell(trial, state=_state("FAIL"))
            return None
        self._open[trial.number] = trial
        return Task(trial.number, parameters)

    def _more(self) -> bool:
        alive = self._trials("COMPLETE", "RUNNING", "WAITING")
        if not alive:
            self._study.enqueue_trial(self._recipe, skip_if_exists=True)
        return len(alive) < self._wanted or bool(self._trials("WAITING"))

    def _is_surplus(self, trial: optuna.Trial) -> bool:
        """Whether another machine asked for the last one, or for this very one, just before."""
        others = self._trials("COMPLETE", "RUNNING", "WAITING")
        before = [other for other in others if other.number < trial.number]
        return len(before) >= self._wanted or any(
            other.params == trial.params for other in before if other.state.name != "WAITING"
        )

    def _tell_oldest(self) -> bool:
        """Tell the oldest open trial if its worth is known; a younger one has to wait."""
        import optuna

        oldest = min(self._open)
        worth = self._answers.pop(oldest, None)
        if worth is None:
            return False
        trial = self._open.pop(oldest)
        try:
            trial.set_user_attr("values", list(worth.values))
            trial.set_user_attr("rounds", list(worth.rounds))
            self._study.tell(trial, float(np.mean(worth.values)))
        except (optuna.exceptions.UpdateFinishedTrialError, ValueError):
            if not self._shared:
                raise
            # we were silent for so long that another machine tries it again
        return True

    def _beat(self) -> None:
        """Say that we live, and free the trials of machines that do not."""
        if not self._shared or time.monotonic() - self._beaten < self._beat_seconds:
            return
        import optuna

        self._beaten = time.monotonic()
        running = self._trials("RUNNING")
        for trial in running:
            # once for the trials of others, too: who died before the first sign of life would
            # otherwise never be missed
            if trial.number in self._open or trial.number not in self._seen:
                self._study._storage.record_heartbeat(trial._trial_id)
        self._seen = {trial.number for trial in running}
        optuna.storages.fail_stale_trials(self._study)

    def _trials(self, *states: str) -> list[Any]:
        chosen = tuple(_state(name) for name in states)
        return list(self._study.get_trials(deepcopy=False, states=chosen))


def _state(name: str) -> Any:
    import optuna

    return optuna.trial.TrialState[name]


def searched(parameters: Parameters) -> dict[str, Any]:
    """The part of a setting that is searched; early stopping finds the number of trees."""
    chosen = asdict(parameters)
    del chosen["trees"]
    return chosen


def _sampler(seed: int, number: int, *, liar: bool) -> optuna.samplers.BaseSampler:
    """A fresh one for each trial, so that a search that was killed walks on the same way."""
    from optuna.samplers import TPESampler

    mixed = zlib.crc32(f"{seed}:{number}".encode())
    return TPESampler(seed=mixed, n_startup_trials=6, multivariate=True, constant_liar=liar)


def _suggest(trial: optuna.Trial) -> Parameters:
    return Parameters(
        max_depth=trial.suggest_int("max_depth", 2, 5),
        eta=trial.suggest_float("eta", 0.02, 0.1, log=True),
        min_child_weight=trial.suggest_float("min_child_weight", 1, 400, log=True),
        subsample=trial.suggest_float("subsample", 0.5, 0.9),
        colsample_bytree=trial.suggest_float("colsample_bytree", 0.15, 0.6),
        reg_lambda=trial.suggest_float("reg_lambda", 1, 50, log=True),
    )
