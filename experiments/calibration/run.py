"""Does a calibrator learnt on earlier blocks help a later one? Every method, and the choice."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import pandas as pd

from churnml.config import Study, read_study
from churnml.evaluation.calibration import Calibration
from churnml.evaluation.calibrators import choose_calibrator, judge
from churnml.evaluation.forward import Fitting, inner_block
from churnml.evaluation.refinement import logit
from churnml.labels import CHURNED, UNKNOWN
from churnml.model.calibration import FITS, Calibrator
from churnml.model.examples import Examples, prepare
from churnml.sources import open_dataset
from churnml.splits import ForwardFolds, complete

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"


def compare(data: Path, *, description: Path | None, study: Study) -> dict[str, object]:
    """Figures of the last fold under every calibrator of the blocks before it, and the choice."""
    dataset = open_dataset(data, dataset_file=description)
    examples, folds = prepare(dataset, study=study, cache=Path("mlruns/cache"), say=_say)
    scores, last = _scored(examples, folds, study)
    labels = examples.labels[examples.window].loc[scores.index]
    as_ofs = pd.DatetimeIndex(scores.index.get_level_values("as_of"))
    before = complete(as_ofs, window=examples.window, tested=folds.starts[-1])
    known = (labels != UNKNOWN).to_numpy()
    margin, left = logit(scores), labels == CHURNED
    return report(
        (margin[before & known], left[before & known]), (margin[last & known], left[last & known]),
        examples=examples, seed=study.seed,
    )  # fmt: skip


def report(
    earlier: tuple[pd.Series, pd.Series],
    later: tuple[pd.Series, pd.Series],
    *,
    examples: Examples,
    seed: int,
) -> dict[str, object]:
    """What each method, fitted on all earlier rows, does to the later ones; what is accepted."""
    choice = choose_calibrator(*earlier, window=examples.window, seed=seed)
    found: dict[str, object] = {
        "earlier_rows": len(earlier[0]), "later_rows": len(later[0]),
        "choice": choice.as_json(), "raw": _figures(Calibrator(), *later),
    }  # fmt: skip
    raw, left = (part.to_numpy() for part in earlier)
    for name, fit in FITS.items():
        fitted = fit(raw, left)
        trial = judge(fitted, *later, seed=seed)
        found[name] = _figures(fitted, *later) | {
            "log_loss_gain": trial.log_loss_gain, "bound": trial.lower,
        }  # fmt: skip
    return found


def _figures(calibrator: Calibrator, margin: pd.Series, left: pd.Series) -> dict[str, float | None]:
    customer, people = pd.factorize(margin.index.get_level_values("customer_id"))
    chance = calibrator.probability(margin.to_numpy())
    sums = Calibration.of(chance, left.to_numpy(dtype=float), customer, len(people))
    weights = pd.Series(1.0, index=range(len(people))).to_numpy()
    figures = {
        name: None if math.isnan(value) else value for name, value in sums.figures(weights).items()
    }
    return figures | {"said": float(chance.mean()), "came": float(left.mean())}


def _scored(examples: Examples, folds: ForwardFolds, study: Study) -> tuple[pd.Series, pd.Series]:
    """Scores out of time, inner block first, and which belong to the last fold."""
    fitting = Fitting.of(study, parameters=None)
    parts = [inner_block(examples, folds=folds, tested=folds.starts[0], fitting=fitting)]
    for start, end in folds.blocks():
        within = (examples.as_ofs >= start) & (examples.as_ofs < end)
        rows = examples.population.to_numpy() & within
        ensemble = fitting.fit(examples, folds=folds, tested=start)
        parts.append(ensemble.predict(examples.features[rows]))
        _say(f"fold from {start:%Y-%m-%d}")
    scores = pd.concat(parts)
    return scores, scores.index.isin(parts[-1].index)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main() -> None:
    """Compare on retail90lead, OULAD and the simulated world; write the results beside this."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", type=Path, default=Path("data/demo/data"))
    parser.add_argument("--data", type=Path, help="folder that holds oulad and online_retail")
    chosen = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    sets: dict[str, tuple[Path, Path | None, Study]] = {"world": (chosen.world, None, Study())}
    if chosen.data is not None:
        retail, oulad = HERE.parent / "online_retail", HERE.parent / "oulad"
        sets["retail90lead"] = (
            chosen.data / "online_retail", retail / "dataset.toml",
            read_study(retail / "retail90lead.toml"),
        )  # fmt: skip
        sets["oulad"] = (
            chosen.data / "oulad", oulad / "dataset.toml", read_study(oulad / "study.toml")
        )  # fmt: skip
    for name, (data, description, study) in sets.items():
        results[name] = compare(data, description=description, study=study)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
