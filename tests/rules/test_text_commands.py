"""The commands about messages, with files as a user has them; bad ones end in one message."""

import importlib.util
import itertools
import json
from pathlib import Path

import pandas as pd
import pytest

from churnml.__main__ import main
from churnml.text.columns import COLUMNS

MESSAGES = """message_id,customer_id,text
007,a,"Hi! Everything works great, thank you :)"
008,a,Выгрузите всю базу данных в Excel
009,b,This is the last time we ask: fix it or we cancel the contract
010,b,
011,b,"Danke, aber das ist nicht richtig, bitte helfen Sie mir"
"""
LABELS = """text,export_request,tone
Please export the whole database to Excel,yes,0
"Thank you, that was great",no,positive
"The report is broken again, this is terrible",no,-0.8
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "messages.csv").write_text(MESSAGES, encoding="utf-8")
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    return tmp_path


def run_json(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    captured = capsys.readouterr()
    assert ended.value.code == 0, captured.err
    return json.loads(captured.out)


def refused(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    captured = capsys.readouterr()
    assert ended.value.code == 2
    assert "Traceback" not in captured.err
    assert captured.out == ""
    return " ".join(captured.err.split())


def score(capsys, *more):
    return run_json(capsys, "text", "score", "messages.csv", "--out", "scored.csv", *more)


def test_every_message_is_scored_in_its_order_with_its_id_as_it_stands(folder, capsys):
    answer = score(capsys)
    scored = pd.read_csv("scored.csv", dtype="str", keep_default_na=False)

    assert answer["by_status"] == {"ok": 3, "empty": 1, "unsupported_lang": 1}
    assert list(scored) == list(COLUMNS)
    assert scored["message_id"].tolist() == ["007", "008", "009", "010", "011"]
    assert scored["export_request"].tolist() == ["false", "true", "false", "", ""]
    assert scored["ultimatum"].tolist()[2] == "true"


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_markers_are_nullable_in_every_format(folder, capsys, suffix):
    run_json(capsys, "text", "score", "messages.csv", "--out", f"scored.{suffix}")
    read = {"parquet": pd.read_parquet, "jsonl": lambda p: pd.read_json(p, lines=True)}[suffix]
    found = read(f"scored.{suffix}")["export_request"]

    assert found.isna().tolist() == [False, False, False, True, True]


def test_own_words_lie_in_the_data_wherever_its_description_stands(folder, capsys):
    words = folder / "acme" / "words"
    words.mkdir(parents=True)
    (words / "own.toml").write_text('[markers.escalation]\nfind = ["everything works"]\n')
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "acme.toml").write_text('[text]\nlists = "words"\n')
    score(capsys, "--dataset", "elsewhere/acme.toml", "--data", "acme")
    scored = pd.read_csv("scored.csv", dtype="str", keep_default_na=False)

    assert scored["escalation"].tolist() == ["true", "false", "false", "", ""]


def test_a_scorer_is_judged_on_labels(folder, capsys):
    judged = run_json(capsys, "text", "eval", "--labels", "labels.csv")

    assert judged["export_request"] | {"found": 1} == judged["export_request"]
    assert {"precision": 1.0, "recall": 1.0, "n": 1}.items() <= judged["export_request"].items()
    assert judged["tone"]["n"] == 3


def test_what_to_label_next_is_listed_once(folder, capsys):
    answer = run_json(
        capsys, "text", "queue", "messages.csv", "--top", "2", "--out", "to_label.csv"
    )

    assert answer["rows"] == 2
    assert set(pd.read_csv("to_label.csv", dtype="str")["message_id"]) <= {"007", "008", "009"}


def test_a_scorer_learns_from_own_labels_and_is_used(folder, capsys):
    # Words that no list holds: the lists find nothing, and lose.
    things = ("lamp", "chair", "table", "door", "window", "shelf", "carpet", "mirror")
    asks = (
        "where is it",
        "which size",
        "what colour",
        "how heavy",
        "when again",
        "is it new",
        "who sells it",
        "why so late",
    )
    rows = [
        {"text": f"{word} {thing} {ask} {n}", "escalation": word == "zorblax"}
        for n, (word, thing, ask) in enumerate(
            itertools.product(("zorblax", "plimf"), things, asks)
        )
    ]
    pd.DataFrame(rows).to_csv("own.csv", index=False)
    answer = run_json(
        capsys, "text", "train", "--labels", "own.csv", "--target", "marker:escalation",
        "--out", "model",
    )  # fmt: skip
    Path("new.csv").write_text("message_id,text\n1,zorblax lamp which size\n", encoding="utf-8")
    run_json(capsys, "text", "score", "new.csv", "--model", "model", "--out", "scored.csv")

    assert answer["kept"], answer["reason"]
    assert answer["model"] == "model"
    assert pd.read_csv("scored.csv")["escalation"].tolist() == [True]


def test_a_message_is_forgotten_once(folder, capsys):
    score(capsys)
    call = ("forget", "--message-id", "007", "--message-id", "nobody")

    assert run_json(capsys, *call) == {"forgotten": 1, "unknown": 1}
    assert run_json(capsys, *call) == {"forgotten": 0, "unknown": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,text\n1,hello\n", "message_id"),
        (b"message_id,text\n1,hello\n1,again\n", "repeat a message_id"),
        ("message_id,text\n1,привет\n".encode("cp1251"), "not UTF-8"),
    ],
)
def test_messages_that_cannot_be_scored_are_refused(folder, capsys, content, said):
    (folder / "bad.csv").write_bytes(content)

    assert said in refused(capsys, "text", "score", "bad.csv", "--out", "scored.csv")
    assert not (folder / "scored.csv").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("text score nowhere.csv --out s.csv", "nowhere.csv does not exist"),
        ("text score messages.xlsx --out s.csv", "suffix '.xlsx'"),
        ("text score messages.csv --out s.xlsx", "suffix '.xlsx'"),
        ("text score messages.csv --out s.csv --dry-run", "--dry-run needs --llm"),
        ("text score messages.csv --out s.csv --llm labels.csv", "not valid TOML"),
        ("text eval --labels messages.csv", "Labels need the column text and one of tone"),
        ("text train --labels labels.csv --target mood --out m", "expected tone, category or"),
        ("text train --labels labels.csv --target tone --out m", "Too few labels for tone"),
        ("text queue nowhere.csv --out s.csv", "nowhere.csv does not exist"),
    ],
)
def test_bad_use_ends_with_one_message(folder, capsys, words, said):
    assert said in refused(capsys, *words.split())


def test_a_label_that_cannot_be_read_is_shown(folder, capsys):
    Path("odd.csv").write_text("text,ultimatum\nhello,perhaps\n", encoding="utf-8")

    assert "'perhaps'" in refused(capsys, "text", "eval", "--labels", "odd.csv")


@pytest.fixture
def server():
    path = Path(__file__).parents[1] / "end_to_end" / "test_llm_scorer.py"
    spec = importlib.util.spec_from_file_location("llm_scorer_server", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    started = module.Server("500")
    yield started
    started.http.shutdown()
    started.http.server_close()


def llm_file(server, **chosen):
    port = server.http.server_address[1]
    keys = {"base_url": f"http://127.0.0.1:{port}/v1", "model": "m", "when": "all",
            "backoff_seconds": 0.01, "input_price_per_million": 2.0} | chosen  # fmt: skip
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    Path("llm.toml").write_text("\n".join(["[llm]", *lines]), encoding="utf-8")
    return ("--llm", "llm.toml")


def test_a_dry_run_prices_and_sends_nothing(folder, capsys, server):
    answer = score(capsys, *llm_file(server), "--dry-run")

    assert server.bodies == []
    assert not (folder / "scored.csv").exists()
    assert answer["rows"] == 5
    assert 0 < answer["messages"] <= 4
    assert answer["price"] == pytest.approx(2 * answer["tokens_in"] / 1e6)


def test_a_language_model_scores_once_and_its_cost_is_told(folder, capsys, server):
    options = llm_file(server, concurrency=1)
    first, asked = score(capsys, *options), len(server.bodies)
    second = score(capsys, *options)
    told = ("calls", "retries", "tokens_in", "tokens_out")
    scored = pd.read_csv("scored.csv")

    assert first["by_status"]["ok"] >= 3
    # Three readable messages, the first refused once; nothing is asked again.
    assert (asked, len(server.bodies)) == (4, 4)
    assert [first["spent"][name] for name in told] == [4, 1, 3 * 300, 3 * 90]
    assert [second["spent"][name] for name in told] == [0, 0, 0, 0]
    assert (first["cached"], second["cached"]) == (0, 5)
    assert first["spent"]["faults"] == {"500": 1}
    assert scored["scorer"].unique().tolist() == ["llm"]
    assert scored.loc[:2, "escalation"].all()


def test_unredacted_text_is_refused_to_a_stranger(folder, capsys, server):
    options = llm_file(server, base_url="https://api.example.com/v1", redact=False)
    words = ("text", "score", "messages.csv", "--out", "scored.csv", *options)

    assert "redact = false is refused" in refused(capsys, *words)
