"""The power of the promotion rule by size of data, on drawn panels; writes results.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from figure import power_figure
from trials import average_precision, blur_for, summary, trial

import drawn

HERE = Path(__file__).parent
LOSSES = (0.0, 0.05, 0.10, 0.20)
#: Customers in the four compared weeks, trials, resamples of each.
SIZES = ((250, 50, 200), (1_000, 50, 200), (4_000, 50, 200), (16_000, 50, 200), (40_000, 50, 200))


def main(sizes: Sequence[tuple[int, int, int]]) -> None:
    """Draw, compare, count; sizes that were run before are kept."""
    large = drawn.draw(60_000, seed=1)

    def precision(blur: float) -> float:
        return average_precision(large.labels, large.scored(large.challenger, blur=blur)["score"])

    blurs = {loss: blur_for(loss, precision=precision, highest=6.0) for loss in LOSSES}
    results: list[dict[str, Any]] = []
    for customers, trials, resamples in sizes:
        panels = [drawn.draw(customers, seed=1_000 + number) for number in range(trials)]
        for loss, blur in blurs.items():
            found = summary(
                trial(
                    (one.scored(one.champion), one.scored(one.challenger, blur=blur), one.labels),
                    seed=number, resamples=resamples,
                )
                for number, one in enumerate(panels)
            )  # fmt: skip
            results.append({"customers": customers, "loss": loss, **found})
    path = HERE / "results.json"
    content = json.loads(path.read_text("utf-8")) if path.exists() else {}
    new = {customers for customers, *_ in sizes}
    before = content.get("drawn", {}).get("results", [])
    results += [one for one in before if one["customers"] not in new]
    results.sort(key=lambda one: (one["customers"], one["loss"]))
    content["drawn"] = {
        "average_precision": precision(0.0),
        "oracle": average_precision(large.labels, large.truth[large.customer]),
        "base_rate": float((large.labels == "churned").mean()),
        "own_noise": drawn.OWN,
        "results": results,
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    power_figure(results).savefig(HERE / "power.png", dpi=110)


if __name__ == "__main__":
    chosen = {int(customers) for customers in sys.argv[1:]}
    main([size for size in SIZES if not chosen or size[0] in chosen])
