"""Processes that try settings side by side; one that dies is replaced, its setting tried again."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, Self

from churnml.errors import InputError
from churnml.model.boosting import Device, Parameters
from churnml.model.trial import FoldArrays, Worth, evaluate

if TYPE_CHECKING:
    from churnml.model.examples import Say

#: So often a setting may end its worker before the search gives up.
_DEATHS = 3


@dataclass(frozen=True)
class Task:
    """A setting to try, under the number of its trial."""

    number: int
    parameters: Parameters


class Crew(Protocol):
    """Who tries settings: given some, they come back one by one, in any order."""

    size: int

    def give(self, task: Task) -> None:
        """Try this setting when somebody is free."""

    def take(self, *, within: float | None) -> tuple[int, Worth] | None:
        """Number and worth of a setting that was tried; None where none is ready in time."""


class Here:
    """The process itself tries one setting at a time.

    Parameters
    ----------
    folds : sequence of FoldArrays
    seed : int
    device : str
    """

    size = 1

    def __init__(self, folds: Sequence[FoldArrays], *, seed: int, device: Device) -> None:
        self._inner = [fold.matrices() for fold in folds]
        self._seed, self._device = seed, device
        self._given: deque[Task] = deque()

    def give(self, task: Task) -> None:
        """Try it when the next is taken."""
        self._given.append(task)

    def take(self, *, within: float | None) -> tuple[int, Worth]:
        """Try the oldest setting that was given."""
        task = self._given.popleft()
        worth = evaluate(self._inner, task.parameters, seed=self._seed, device=self._device)
        return task.number, worth


class Workers:
    """Other processes on this machine.

    A worker is fed line by line and ends with its input, that is also when this process is killed.

    Parameters
    ----------
    folder : Path
        Where the inner folds were saved.
    size : int
    seed : int
    device : str
    say : callable
        Told of workers that died.
    """

    def __init__(self, folder: Path, *, size: int, seed: int, device: Device, say: Say) -> None:
        self.size = size
        self._command = [sys.executable, "-m", __name__, str(folder), str(seed), device]
        self._environment = _environment(size)
        self._say = say
        self._given: deque[Task] = deque()
        self._deaths: Counter[int] = Counter()
        self._ready = selectors.DefaultSelector()
        self._busy: dict[int, Task] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        for _ in range(self.size):
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            _end(process)
        self._ready.close()

    def give(self, task: Task) -> None:
        """Hand it to a free worker, now or as soon as there is one."""
        self._given.append(task)
        self._hand_out()

    def take(self, *, within: float | None) -> tuple[int, Worth] | None:
        """The next answer; a worker that died in the meantime is replaced."""
        while ready := self._ready.select(within):
            pid = ready[0][0].data
            line = _pipe(self._processes[pid].stdout).readline()
            if not line.endswith(b"\n"):
                self._replace(pid)
                continue
            task = self._busy.pop(pid)
            self._hand_out()
            found = json.loads(line)
            return task.number, Worth(tuple(found["values"]), tuple(found["rounds"]))
        return None

    def _start(self) -> None:
        process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment,
            process_group=0,  # Ctrl-C is for us, who end them
        )  # fmt: skip
        self._processes[process.pid] = process
        self._ready.register(_pipe(process.stdout), selectors.EVENT_READ, process.pid)

    def _hand_out(self) -> None:
        for pid, process in self._processes.items():
            if self._given and pid not in self._busy:
                task = self._busy[pid] = self._given.popleft()
                line = json.dumps(asdict(task.parameters)).encode() + b"\n"
                try:
                    _pipe(process.stdin).write(line)
                    _pipe(process.stdin).flush()
                except BrokenPipeError:
                    continue  # it died while idle; ``take`` will see the end of its output

    def _replace(self, pid: int) -> None:
        process = self._processes.pop(pid)
        self._ready.unregister(_pipe(process.stdout))
        status = _end(process)
        task = self._busy.pop(pid, None)
        number = -1 if task is None else task.number
        self._deaths[number] += 1
        if self._deaths[number] >= _DEATHS:
            raise InputError(
                f"{_DEATHS} workers one after another ended (the last with {_named(status)}) at "
                "the same setting. See above what they said; where memory is short, give fewer "
                "--workers. What was tried is kept: the same command goes on from there."
            )
        self._say(f"worker {pid} ended with {_named(status)}; another one tries its setting again")
        if task is not None:
            self._given.appendleft(task)
        self._start()
        self._hand_out()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """The pipe that was asked for when the process was started."""
    assert pipe is not None
    return pipe


def _end(process: subprocess.Popen[bytes]) -> int:
    process.kill()
    status = process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            _pipe(pipe).close()
        except BrokenPipeError:
            continue  # what was not read any more
    return status


def _named(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit code {status}"


def _environment(size: int) -> dict[str, str]:
    """Each worker's share of the processors, and this very package."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    threads = str(max(1, cores // size))
    ours, theirs = str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")
    path = f"{ours}{os.pathsep}{theirs}" if theirs else ours
    return {"OMP_NUM_THREADS": threads} | os.environ | {"PYTHONPATH": path}


@contextmanager
def crew_of(
    folds: Sequence[FoldArrays], *, size: int, seed: int, device: Device, say: Say
) -> Iterator[Workers]:
    """So many processes that have the inner folds; they end with the block."""
    with tempfile.TemporaryDirectory(prefix="churnml-workers-") as aside:
        folder = Path(aside)
        try:
            for number, fold in enumerate(folds):
                fold.save(folder / f"{number}.npz")
        except OSError as error:
            raise InputError(
                f"The workers' data cannot be written to {folder} ({error}). Make room, set TMPDIR "
                "to another folder, or train with --workers 1."
            ) from None
        with Workers(folder, size=size, seed=seed, device=device, say=say) as crew:
            yield crew


def work(folder: Path, *, seed: int, device: Device) -> None:
    """Read settings line by line from stdin, write what each is worth to stdout."""
    paths = sorted(folder.glob("*.npz"), key=lambda path: int(path.stem))
    inner = [FoldArrays.load(path).matrices() for path in paths]
    for line in sys.stdin:
        worth = evaluate(inner, Parameters(**json.loads(line)), seed=seed, device=device)
        try:
            sys.stdout.write(json.dumps(asdict(worth)) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            os._exit(1)  # nobody listens any more; nothing is left to flush


if __name__ == "__main__":
    work(Path(sys.argv[1]), seed=int(sys.argv[2]), device="cuda" if "cuda" in sys.argv else "cpu")
