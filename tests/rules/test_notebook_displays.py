"""What objects look like in a notebook: escaped, small, and in the colours of the page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from churnml import markup
from churnml.alerting.desk import COLUMNS, Desk
from churnml.config import Alerts, Study
from churnml.errors import InputError
from churnml.evaluation.display import comparison_html
from churnml.evaluation.result import Evaluation
from churnml.explanation import customer, explain_customer
from churnml.explanation.customer import CustomerExplanation
from churnml.features import catalogue
from churnml.model.bundle import Bundle
from churnml.report import notebook
from churnml.report.notebook import NotebookStages, stages_for, training_html
from churnml.report.terminal import Stages
from churnml.sources.checking import CheckReport
from churnml.sources.dataset import Finding
from churnml.sources.description import Description
from churnml.splits import ForwardFolds
from churnml.train import TrainingResult
from churnml.windows import DAY, LabelWindow

EVIL = "<script>alert(1)</script>"
T = pd.Timestamp("2026-01-05")


class Reader(HTMLParser):
    """The rows of all tables, the text, and whether every tag is closed in order."""

    def __init__(self, markup_: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(re.sub(r"<style>.*?</style>", "", markup_, flags=re.DOTALL))
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def evaluation(precision=0.2, **changes) -> Evaluation:
    fields = {
        "metrics": {"average_precision": precision, "recall_at_lead_21d": 0.5, "roc_auc": None},
        "intervals": {"recall_at_lead_21d": (0.4, 0.6)},
        "lead_recall": {str(week): 0.5 for week in range(1, 9)},
        "lead_recall_intervals": {},
        "lead_recall_random": {str(week): 0.1 for week in range(1, 9)},
        "by_q": None, "q": 0.02, "base_rate": 0.025, "n_rows": 1000, "n_positive": 25,
        "n_positive_customers": 9, "n_customers": 80, "n_exits": 41, "n_exits_on_curve": 37,
        "n_alerts": 330, "notes": (),
    }  # fmt: skip
    return Evaluation(**{**fields, **changes})


def explanation(title="Logins", customer_id="a") -> CustomerExplanation:
    signals = pd.DataFrame(
        {
            "title": [title, "Open tickets"], "family": ["usage", "support"],
            "value": [3.0, np.nan], "contribution": [-0.5, 0.25],
        },
        index=["logins", "tickets"],
    )  # fmt: skip
    return CustomerExplanation(customer_id, T, 0.123, -3.0, signals)


def desk(**alert) -> Desk:
    one = dict.fromkeys(COLUMNS) | {"status": "open", "probability": 0.3, "deadline": T} | alert
    return Desk(pd.DataFrame([one]), 1, {"quiet": 2}, ())


def trained(**changes):
    figures = {"average_precision": 0.24, "recall_at_lead_21d": 0.86}
    return {
        "promoted": True, "reason": "Promoted: the first model.", "signal": "A signal was found.",
        "metrics": figures, "baselines": {"random": {"average_precision": 0.02}},
        "audit": {"findings": []}, "where": {"Model": "mlruns/bundles/1"}, **changes,
    }  # fmt: skip


def shown(dataset_of):
    """Every display with a hostile name in it."""
    dataset = dataset_of(
        {"events": [{"customer_id": "a", "event_time": "2026-01-01", "name": EVIL}]},
        until="2026-02-01",
        description={"name": EVIL},
    )
    return {
        "dataset": dataset._repr_html_(),
        "check": CheckReport(
            (), (Finding("events", "r", 1, "error", EVIL),), (EVIL,)
        )._repr_html_(),
        "study": Study(data=EVIL)._repr_html_(),
        "evaluation": evaluation(notes=(EVIL,))._repr_html_(),
        "comparison": comparison_html({EVIL: evaluation()}, title=EVIL, said=EVIL, first=EVIL),
        "explanation": explanation(EVIL, EVIL)._repr_html_(),
        "desk": desk(name=EVIL, owner=EVIL, reasons_en=EVIL)._repr_html_(),
        "training": training_html(trained(reason=EVIL, baselines={EVIL: {}}, where={EVIL: EVIL})),
    }


def test_no_name_gets_into_a_page_as_markup(dataset_of):
    for name, display in shown(dataset_of).items():
        assert "<script" not in display, name
        assert EVIL in Reader(display).text, name


def test_colours_are_those_of_the_page_but_for_one_accent(dataset_of):
    displays = [*shown(dataset_of).values(), folds()._repr_html_()]
    colours = set(re.findall(r"#[0-9a-f]{3,6}\b", "".join(displays)))

    assert colours == {markup.ACCENT}
    assert not re.search(r"(?<!-)\b(background|color):", "".join(displays))


def test_the_accent_is_told_from_white_and_from_black():
    parts = [int(markup.ACCENT[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    light = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    dark = 0.0056  # #111111

    assert 1.05 / (light + 0.05) >= 3
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_a_dataset_shows_its_tables_until_when_and_what_churn_is(dataset_of):
    rows = [{"customer_id": "a", "event_time": f"2026-01-0{day}", "name": "x"} for day in (1, 4)]
    dataset = dataset_of({"events": rows}, until="2026-02-01", description={"name": "acme"})
    read = Reader(dataset._repr_html_())

    assert read.rows == [
        ["table", "first", "last", "rows"], ["events", "2026-01-01", "2026-01-04", "2"],
    ]  # fmt: skip
    assert "Dataset acme" in read.text
    assert "Observed until 2026-02-01 UTC. An exit is the end of the last open" in read.text
    assert "Not there: customers, attribute_changes," in read.text


def test_a_study_shows_what_differs_from_the_defaults():
    read = Reader(Study(seed=9, alerts=Alerts(q=0.01))._repr_html_())

    assert read.rows[:3] == [
        ["changed", "here", "default"], ["alerts.q", "0.01", "0.02"], ["seed", "9", "7"],
    ]  # fmt: skip
    assert "Every choice is the default." in Reader(Study()._repr_html_()).text


def folds(train_days=None) -> ForwardFolds:
    window = LabelWindow(21, 28, delay_days=1)
    return ForwardFolds(window, (T, T + 50 * DAY), T + 100 * DAY, train_days, T - 100 * DAY)


def test_folds_are_strips_of_time_trained_purged_tested():
    display = folds()._repr_html_()
    read = Reader(display)

    assert read.rows[1] == ["1", "2025-11-16", "2026-01-05", "2026-02-24", ""]
    assert "label closes 50 days after" in read.text
    first, second = display.split("<svg")[1:]
    places = re.findall(r'<rect x="([\d.]+)" y="3.5" width="([\d.]+)"', first)
    # 200 days on 460 points: trained 50 days, purged 50, tested 50
    assert places == [("0.0", "115.0"), ("115.0", "115.0"), ("230.0", "115.0")]
    assert 'aria-label="trained before 2026-01-05, tested from 2026-02-24' in second


def test_a_rolling_training_begins_where_it_rolls():
    display = folds(train_days=75)._repr_html_()

    assert re.findall(r'<rect x="([\d.]+)" y="3.5" width="([\d.]+)"', display)[0] == (
        "57.5",
        "57.5",
    )
    assert "rolling" in display


def test_an_evaluation_shows_figures_intervals_and_chance():
    read = Reader(evaluation()._repr_html_())

    assert read.rows[1:3] == [
        ["exits alerted 21 to 84 days ahead", "50%", "[40%, 60%]"],
        ["average precision", "0.2", ""],
    ]
    assert read.rows[-2] == ["this score", *["50%"] * 8]
    assert read.rows[-1] == ["chance", *["10%"] * 8]
    assert (
        "1,000 rows of 80 customers, 25 churned (2.5%). At a load of 2.0%: 41 exits." in read.text
    )


def test_scores_side_by_side_begin_with_the_model_then_the_best():
    judged = {"rule": evaluation(0.1), "model": evaluation(0.2), "oracle": evaluation(0.3)}
    read = Reader(comparison_html(judged, title="Proof", said="", first="model"))

    assert [row[0] for row in read.rows[:4]] == ["score", "model", "oracle", "rule"]


def test_an_explanation_shows_signals_with_bars_and_the_sum_by_family():
    display = explanation()._repr_html_()
    read = Reader(display)

    assert read.rows[1:3] == [["Logins", "3", "", "−0.5"], ["Open tickets", "–", "", "0.25"]]
    assert "Customer a" in read.text
    assert "Risk 12.3% at 2026-01-05." in read.text
    assert explanation().families.to_dict() == {"usage": -0.5, "support": 0.25}
    left, right = display.split("<svg")[1:3]
    assert 'x="0.0" y="2" width="90.0"' in left
    assert 'x="90.0" y="2" width="45.0"' in right


@pytest.fixture
def explained(monkeypatch):
    keys = pd.MultiIndex.from_product(
        [["a", "b"], [T, T + 7 * DAY]], names=["customer_id", "as_of"]
    )
    features = pd.DataFrame({"days_since_activity": [1.0, 2.0, 3.0, 4.0]}, index=keys)
    found = features.assign(bias=-2.0)
    monkeypatch.setattr(customer, "explain", lambda _, rows: found.loc[rows.index])
    ensemble = SimpleNamespace(predict=lambda rows: pd.Series(0.5, index=rows.index))
    return lambda *names, **more: explain_customer(
        ensemble, features, *names, catalogue=catalogue(Description()), **more
    )


def test_the_newest_snapshot_of_a_customer_is_explained_unless_another_is_asked_for(explained):
    newest, first = explained("a"), explained("a", as_of=T)

    assert (newest.as_of, first.as_of) == (T + 7 * DAY, T)
    assert newest.signals.loc["days_since_activity", "value"] == 2.0
    assert (newest.bias, newest.probability) == (-2.0, 0.5)


@pytest.mark.parametrize(
    ("wrong", "said"), [(("z",), "there are a, b"), (("a", T - DAY), "2026-01-05 to 2026-01-12")]
)
def test_who_is_not_there_is_named_with_who_is(explained, wrong, said):
    name, *as_of = wrong
    with pytest.raises(InputError, match=said):
        explained(name, as_of=as_of[0] if as_of else None)


def test_a_catalogue_shows_families_and_is_picked_from_by_name():
    features = catalogue(Description())
    read = Reader(features._repr_html_())

    assert f"{len(features)} features" in read.text
    assert features.pick("days_since_activity").frame().index.tolist() == ["days_since_activity"]
    assert len(read.rows) == len(features) + features.frame()["family"].nunique()
    with pytest.raises(InputError, match="No feature is called active"):
        features.pick("active")


def test_alerts_show_who_is_to_be_called_and_what_was_kept_back():
    read = Reader(desk(customer_id="a", tier="high", reasons_en="Logins fell")._repr_html_())

    assert read.rows[1] == ["a", "–", "high", "30%", "Logins fell", "2026-01-05"]
    assert "1 new alert, 1 open" in read.text
    assert "Kept back: quiet 2." in read.text


def test_a_check_shows_errors_first_and_folds_the_rest():
    findings = (
        Finding("events", "r", 3, "warning", "odd"),
        Finding("events", "r", 2, "error", "bad"),
    )
    display = CheckReport((), findings, ())._repr_html_()

    assert display.index("bad") < display.index("<details>") < display.index("odd")
    assert "Not fit for training" in display


def test_a_training_shows_the_verdict_and_the_rules_beside_the_model():
    read = Reader(training_html(trained()))

    assert read.rows[:3] == [
        ["out of time", "exits alerted 21 to 84 days ahead", "average precision"],
        ["model", "86%", "0.24"],
        ["random", "–", "0.02"],
    ]
    assert read.text.startswith("PromotedPromoted: the first model.A signal was found.")


@pytest.fixture
def pictures(monkeypatch):
    """What a notebook would show, picture after picture."""
    drawn = []

    class Handle:
        def display(self, bundle, *, raw):
            drawn.append(bundle)

        update = display

    monkeypatch.setattr("IPython.display.DisplayHandle", Handle)
    return drawn


def test_stages_in_a_notebook_are_one_output_that_is_redrawn(pictures):
    stages = NotebookStages()
    with stages.stage("read [b]"):
        stages.say("[bold]12[/bold] rows <b>")
        stages.notices([EVIL])
    with stages.stage("tuning"), stages.bar(2) as advance:
        advance(1, 0.25)
        advance(2, 0.5)

    assert set(stages.seconds) == {"read [b]", "tuning"}
    read = Reader(pictures[-1]["text/html"])
    assert read.rows[1][0::2] == ["read [b]", "12 rows <b>"]
    assert any("2 of 2" in picture["text/html"] for picture in pictures)
    assert "best average precision" not in read.text
    assert "<script" not in pictures[-1]["text/html"]


def test_stages_are_written_where_we_are(pictures, monkeypatch):
    assert type(stages_for(None)) is Stages
    monkeypatch.setattr(notebook, "Console", lambda **_: SimpleNamespace(is_jupyter=True))
    assert type(stages_for(None)) is NotebookStages


def test_what_is_not_there_takes_no_room():
    assert markup.folded("nothing", markup.listed(())) == ""
    assert "chance" not in evaluation(lead_recall=None)._repr_html_()


def test_large_objects_say_in_a_line_what_they_are(dataset_of):
    content = {"promoted": False, "run_id": "r1", "model": "model", "metrics": {"x": [0] * 9_999}}
    bundle = Bundle(
        ensemble=None, dataset="acme", study={"x": [0] * 9_999}, feature_names=("a", "b"),
        feature_digest="", data_digest="", data_from=T, data_until=pd.Timestamp("2026-11-01"),
        metrics={}, digest="0123456789",
    )  # fmt: skip

    dataset = dataset_of({"customers": []}, until="2026-11-01", description={"name": "acme"})
    found = Finding("events", "r", 3, "error", "odd")

    assert repr(dataset) == "<Dataset acme: 1 table until 2026-11-01, contract churn>"
    assert repr(CheckReport((), (found,), ())) == (
        "<CheckReport: not fit for training, 0 tables, 1 finding>"
    )
    assert repr(evaluation()) == "<Evaluation: average precision 0.200, 25 of 1000 rows>"
    assert repr(explanation()) == "<CustomerExplanation: a at 2026-01-05, risk 12.3%>"
    assert repr(TrainingResult(content)) == "<TrainingResult: run r1, not in use, model>"
    assert repr(bundle) == "<Bundle 01234567: acme until 2026-11-01, 2 features>"
