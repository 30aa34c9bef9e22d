"""What the word lists hear on labelled messages, beside VADER and AFINN where these apply."""

from __future__ import annotations

import argparse
import ast
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.sources.description import Description
from churnml.text.cleaning import clean
from churnml.text.columns import MARKERS
from churnml.text.files import read_rows
from churnml.text.judging import judge, labels_of
from churnml.text.lexicon import lexicon_of
from churnml.text.scoring import score_messages

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import put, rounded  # noqa: E402
from tables import block  # noqa: E402

log = logging.getLogger("text")
LISTS = lexicon_of(Description())
#: Texts timed, and how often; the quickest pass counts, since other work only slows it down.
TIMED, PASSES = 1_500, 5


def messages(texts: Sequence[str]) -> pd.DataFrame:
    """Texts with numbers for ids."""
    return pd.DataFrame({"message_id": [str(n) for n in range(len(texts))], "text": list(texts)})


def own_labels(name: str) -> dict[str, Any]:
    """Labelled messages of this folder."""
    table = read_rows(HERE / name)
    numbered = table.assign(message_id=[str(row) for row in range(len(table))])
    return judge(score_messages(numbered, LISTS), labels_of(table))


def locked(before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was said of the locked half so far, and what these lists reach on it."""
    about = {"date": datetime.now(UTC).date().isoformat(), "lists": LISTS.version}
    return [*before, {**about, "judged": own_labels("labels_test.csv")}]


def cedr(folder: Path) -> pd.DataFrame:
    """Emotions read as tone: only joy is positive; sadness, fear or anger without joy negative."""
    table = pd.read_csv(folder / "cedr" / "test.csv")
    emotions = table["labels"].map(
        lambda text: set(ast.literal_eval(re.sub(r"(?<=\d)\s+(?=\d)", ", ", text)))
    )
    tone = [1 if e == {0} else -1 if 0 not in e and e & {1, 3, 4} else 0 for e in emotions]
    return messages(table["text"]).assign(tone=tone)


def uci(folder: Path) -> pd.DataFrame:
    """Sentences of reviews, good or bad; an answer "neutral" is an error."""
    rows = [
        line.rsplit("\t", 1)
        for path in sorted((folder / "uci_sentences").glob("*.txt"))
        for line in path.read_text(encoding="utf-8").split("\n")
        if "\t" in line
    ]
    tone = [1 if label.strip() == "1" else -1 for _, label in rows]
    return messages([text for text, _ in rows]).assign(tone=tone)


def tones(table: pd.DataFrame, rivals: dict[str, Callable[[str], float]]) -> dict[str, Any]:
    """Tone by the lists and by the others on the same texts."""
    labels = pd.DataFrame({"tone": table["tone"]})
    found = {"lexicon": judge(score_messages(table, LISTS), labels)["tone"]}
    for name, tone in rivals.items():
        scores = pd.DataFrame({"tone": table["text"].map(tone).astype(float)})
        found[name] = judge(scores, labels)["tone"]
    return found


def banking(folder: Path) -> dict[str, Any]:
    """Closing an account among 77 intents, and how often calm questions sound hostile."""
    table = pd.read_csv(folder / "banking77" / "test.csv")
    scores = score_messages(messages(table["text"]), LISTS)
    labels = pd.DataFrame(
        {"cancellation_intent": (table["category"] == "terminate_account").astype("boolean")}
    )
    return {
        "n": len(table),
        "terminate_account": judge(scores, labels)["cancellation_intent"],
        "share_marked": {name: float(scores[name].mean()) for name in MARKERS},
    }


def complaints(folder: Path) -> dict[str, Any]:
    """Long complaints to an authority: nearly all are negative."""
    table = pd.read_csv(folder / "cfpb" / "complaints_sample.csv")
    texts = table["Consumer complaint narrative"].dropna()
    scores = score_messages(messages(texts), LISTS)
    return {"n": len(texts), "negative_share": float((scores["tone"] <= -0.15).mean())}


def speed(folder: Path, rivals: dict[str, Callable[[str], float]]) -> dict[str, Any]:
    """Messages a second of one core, and how many times as many as the others score."""
    own = read_rows(HERE / "labels_dev.csv")
    calm = pd.read_csv(folder / "banking77" / "test.csv")
    english = [*own.loc[own["lang"] == "en", "text"], *calm["text"][:TIMED]][:TIMED]
    texts = [clean(text) for text in english]
    quickest = {"lexicon": _quickest(lambda: LISTS.score(texts))}
    for name, tone in rivals.items():
        quickest[name] = _quickest(lambda tone=tone: [tone(text.text) for text in texts])
    rates = {name: len(texts) / seconds for name, seconds in quickest.items()}
    ratios = {name: rates["lexicon"] / rate for name, rate in rates.items() if name != "lexicon"}
    return {"messages_per_second": rates, "times_as_quick_as": ratios, "n": len(texts)}


def _quickest(work: Callable[[], object]) -> float:
    work()
    seconds = []
    for _ in range(PASSES):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return min(seconds)


def others() -> dict[str, Callable[[str], float]]:
    """VADER and AFINN on a scale from -1 to 1, where they are installed."""
    found: dict[str, Callable[[str], float]] = {}
    if find_spec("vaderSentiment"):
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        vader = SentimentIntensityAnalyzer()
        found["vader"] = lambda text: vader.polarity_scores(text)["compound"]
    else:
        log.warning("VADER is not measured: pip install vaderSentiment")
    if find_spec("afinn"):
        from afinn import Afinn

        afinn = Afinn()
        found["afinn"] = lambda text: max(-1.0, min(1.0, afinn.score(text) / 5))
    else:
        log.warning("AFINN is not measured: pip install afinn")
    return found


def main() -> None:
    """Measure everything and keep it beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--locked", action="store_true", help="judge the locked half once more")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder, path = options.data / "text", HERE / "results.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    rivals = others()
    own = read_rows(HERE / "labels_dev.csv")
    english = own[own["lang"] == "en"].reset_index(drop=True)
    english = english.assign(tone=english["tone"].astype(int))
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": "python experiments/text/run.py",
        "lists": LISTS.version,
        "own_labels": own_labels("labels_dev.csv"),
        "locked": locked(before["locked"]) if options.locked else before["locked"],
        "own_labels_english": tones(english, rivals),
        "cedr_test": tones(cedr(folder), {}),
        "uci_sentences": tones(uci(folder), rivals),
        "banking77_test": banking(folder),
        "cfpb": complaints(folder),
        "speed": speed(folder, rivals),
    }
    found = rounded(found)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    put(block(found), into=HERE / "README.md")


if __name__ == "__main__":
    main()
