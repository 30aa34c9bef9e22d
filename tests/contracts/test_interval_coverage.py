"""The published coverage of the intervals is what was measured, and within its bounds."""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "experiments" / "interval_coverage"
RESULTS = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
FIGURES = {row["figure"]: row for row in RESULTS["figures"]}


def test_coverage_was_measured_on_ten_worlds_with_twenty_populations_each():
    assert (RESULTS["worlds"], RESULTS["populations"]) == (10, 20)
    assert RESULTS["customers_of_the_truth"] == 50 * RESULTS["customers"] >= 50_000
    assert {row["cases"] for row in RESULTS["figures"]} == {200}


def test_intervals_of_the_headline_precision_and_average_precision_cover():
    for name in ("recall_at_lead_21d", "alert_precision", "average_precision"):
        assert 0.92 <= FIGURES[name]["covered"] <= 0.98, name


def test_the_table_of_the_readme_is_that_of_the_results():
    rows = re.findall(r"^\| (\w+) \| (\d+) \(([\d.]+) %\) \|", README, flags=re.MULTILINE)

    assert [name for name, _, _ in rows] == list(FIGURES)
    for name, contained, share in rows:
        assert int(contained) == FIGURES[name]["contained"]
        assert float(share) == round(100 * FIGURES[name]["covered"], 1)
