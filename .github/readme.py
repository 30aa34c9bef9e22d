"""What the README shows: its table of results from the experiments, its pictures from a model.

``make pictures`` writes both: the curve of notice of the training in use, and a photograph of its
report in the Chromium of this machine.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURES = ROOT / ".github" / "pictures"
HEAD = (
    "| study | date | average precision | best simple rule | alerted 3–12 weeks ahead | in use "
    "| command |\n|---|---|---|---|---|---|---|\n"
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def results() -> str:
    """The table: one row for each study that has results."""
    files = sorted((ROOT / "experiments").glob("*/results/*.json"))
    studies = [
        path for path in files if "baselines" in json.loads(path.read_text(encoding="utf-8"))
    ]
    return HEAD + "\n".join(row(path) for path in studies)


def row(path: Path) -> str:
    """Date, figures with their 95% interval, and the command, of one result."""
    from churnml.evaluation.promotion import best_rule

    found = json.loads(path.read_text(encoding="utf-8"))
    data = path.parents[1].name
    rules = {name: one["average_precision"] for name, one in found["baselines"].items()}
    rule, reached = best_rule(rules)
    caught = _with_interval(found, "recall_at_lead_21d", 100.0, 0)
    cells = (
        f"[{data}](experiments/{data}) {path.stem}",
        found["date"],
        _with_interval(found, "average_precision", 1.0, 3),
        f"{reached:.3f} {rule}",
        f"{caught} %" if caught else "no dated exits",
        "yes" if found["promoted"] else "no",
        f"`make experiments ONLY={data}`",
    )
    return f"| {' | '.join(cells)} |"


def _with_interval(found: Mapping[str, Any], name: str, scale: float, digits: int) -> str:
    value = found["metrics"][name]
    if value is None:
        return ""
    low, high = (f"{scale * end:.{digits}f}" for end in found["intervals"][name])
    return f"{scale * value:.{digits}f} [{low}, {high}]"


def headline(judged: Mapping[str, Any], *, trained: str) -> str:
    """What the model in use reached out of time, beside rule, chance and oracle."""
    from churnml.evaluation.promotion import best_rule

    name = "recall_at_lead_21d"
    rules = {key: one["average_precision"] for key, one in judged["baselines"].items()}
    rule, _ = best_rule(rules)
    chance, best, oracle = (
        f"{100 * judged['baselines'][key][name]:.0f} %" for key in ("random", rule, "oracle")
    )
    return (
        f"On that company, whose departures are known (2,000 customers, 104 weeks, "
        f"seed 7; {trained}),\n"
        f"{_with_interval(judged, name, 100, 0)} % of the exits were alerted three to twelve weeks "
        f"ahead, at {judged['metrics']['alerts_per_week']:.0f} alerts a week of which\n"
        f"{_with_interval(judged, 'alert_precision', 100, 0)} % were followed by an exit. The best "
        f"simple rule ({rule}) reached {best}, chance {chance}, an oracle that knows the\n"
        f"true hazards {oracle}. The curve counts exits that could be seen for nine weeks. A "
        "simulated company is kind. On public data, with 95% intervals:"
    )


def draw() -> str:
    """The pictures of the model in use, which `make train` has made; returns the headline."""
    from churnml import tracking
    from churnml.evaluation.record import read_record
    from churnml.model.bundle import Bundle

    model = tracking.champion()
    if model is None:
        sys.exit("No model is in use yet: make train")
    folder = Path(tracking.resolve(model.uri))
    runs = Path("mlruns/artifacts") / model.run_id / "artifacts"
    PICTURES.mkdir(exist_ok=True)
    shutil.copy(runs / "figures" / "lead_time.png", PICTURES / "lead_time.png")
    photograph(next(runs.glob("*.report.en.html")), PICTURES / "report.png")
    kept = read_record(folder)
    if kept is None:
        sys.exit("The model in use has no proof beside it; train again.")
    trials = Bundle.load(folder).study["tuning"]["trials"]
    command = f"`make train ARGS='--trials {trials}'`"
    return headline(kept.document, trained=f"{command}, {model.promoted_at[:10]}")


def photograph(page: Path, picture: Path) -> None:
    """The top of a page as a reader sees it."""
    from playwright.sync_api import sync_playwright

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"No Chromium is on the PATH; looked for {', '.join(BROWSERS)}.")
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as player:
        window = player.chromium.launch(executable_path=browser, args=quiet)
        sheet = window.new_page(viewport={"width": 1100, "height": 870}, color_scheme="light")
        sheet.goto(page.absolute().as_uri())
        sheet.screenshot(path=picture)
        window.close()


def main() -> None:
    """Write headline and table into the README, and the pictures beside it."""
    text = README.read_text(encoding="utf-8")
    for part, content in (("headline", draw()), ("results", results())):
        between = rf"(<!-- {part}: begin -->\n).*?(\n<!-- {part}: end -->)"
        text = re.sub(
            between, lambda found, new=content: f"{found[1]}{new}{found[2]}", text, flags=re.DOTALL
        )
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
