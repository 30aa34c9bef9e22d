"""The report of a trained model: the alerts of the product, the figures of the training."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from churnml.__main__ import main
from churnml.config import Study
from churnml.evaluation.record import read_record
from churnml.sources.world import simulate
from churnml.train import train

AS_OF = "2025-02-24"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, dict, Path]:
    """Working directory, document of the training, and the data."""
    folder = tmp_path_factory.mktemp("report")
    simulate(folder / "w", customers=300, weeks=70, seed=11)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        study = Study.model_validate({"tuning": {"trials": 0}, "model": {"final_seeds": 1}})
        result = train(folder / "w" / "data", study=study, as_of=AS_OF)
    return folder, result.as_json(), folder / "w" / "data"


def told(capsys, arguments: list[str]) -> dict:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--json"])
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_the_monthly_run_leaves_proof_and_reports_beside_the_model(trained):
    folder, document, _ = trained
    model = folder / document["model"]
    kept = read_record(model)

    assert kept is not None
    assert kept.document["metrics"] == document["metrics"]
    assert kept.document["model_digest"] == document["model_digest"]
    if document["n_exits"]:
        shared = (kept.exits["outcome"] == "in_time").mean()
        assert shared == document["metrics"]["recall_at_lead_21d"]
    pages = sorted(path.name for path in model.parent.glob("*.html"))
    assert pages == [f"{model.name}.report.en.html", f"{model.name}.report.ru.html"]
    assert str(folder / document["report"]) == str(model.parent / pages[0])


@pytest.mark.slow
def test_the_report_shows_the_alerts_that_the_product_raises(
    trained, tmp_path, monkeypatch, capsys
):
    folder, document, data = trained
    monkeypatch.chdir(folder)
    model = ["--model", document["model"]]
    page, scores, alerts = (str(tmp_path / n) for n in ("r.html", "s.parquet", "a.parquet"))
    made = told(capsys, ["report", str(data), "--as-of", AS_OF, "--out", page, *model])
    first = f"{pd.Timestamp(AS_OF) - pd.Timedelta(days=7 * 25):%Y-%m-%d}"
    last = f"{pd.Timestamp(AS_OF) + pd.Timedelta(days=1):%Y-%m-%d}"
    told(capsys, ["score", str(data), "--since", first, "--until", last, "--out", scores, *model])
    told(capsys, ["alerts", scores, "--data", str(data), "--state", str(tmp_path / "state"),
                  "--out", alerts])  # fmt: skip

    delivered = pd.read_parquet(alerts)
    still_open = delivered[delivered["status"] == "open"]
    text = Path(page).read_text(encoding="utf-8")
    rows = re.search(r'<table id="alert-list".*?</table>', text, re.S).group(0)

    assert set(made) >= {"path", "customers", "alerts"}
    assert made["alerts"] == len(still_open) == rows.count("<tr") - 1
    assert made["alerted"] == still_open["customer_id"].nunique()
    assert made["proven"]
    shown = re.findall(r"<small><bdi>(C\d+)</bdi></small>", rows)
    assert sorted(shown) == sorted(still_open["customer_id"])

    again = told(capsys, ["report", str(data), "--as-of", AS_OF, "--out", page, *model,
                          "--state", str(tmp_path / "state")])  # fmt: skip
    assert again["alerts"] == made["alerts"]
    assert "By the ledger" in Path(page).read_text(encoding="utf-8")
