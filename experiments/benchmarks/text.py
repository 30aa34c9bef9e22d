"""How quickly messages are read, in times of a bare pass over the same texts in the same run."""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.sources.description import Description
from churnml.text.cleaning import clean
from churnml.text.files import read_rows
from churnml.text.lexicon import lexicon_of
from churnml.text.scoring import score_messages
from churnml.text.style import style

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import BEGIN, END, put  # noqa: E402

log = logging.getLogger("benchmarks")
PASSES, MESSAGES = 7, 2_000
LISTS = lexicon_of(Description())
_WORD = re.compile(r"\w+")


def bare(texts: list[str]) -> object:
    """The least that reading words takes: lower case, and the words found."""
    return [_WORD.findall(text.lower()) for text in texts]


def whole(texts: list[str]) -> object:
    """All that happens to a message that was never seen before."""
    numbers = [str(number) for number in range(len(texts))]
    return score_messages(pd.DataFrame({"message_id": numbers, "text": texts}), LISTS)


#: Parts of reading, the whole of it last.
STEPS: dict[str, Callable[[list[str]], object]] = {
    "cleaning, language": lambda texts: [clean(text) for text in texts],
    "style": lambda texts: [style(text) for text in texts],
    "word lists": lambda texts: LISTS.score([clean(text) for text in texts]),
    "everything": whole,
}


def corpora(folder: Path) -> dict[str, list[str]]:
    """Short texts: calm English, Russian, and dense with what the lists look for."""
    dense = list(read_rows(HERE / "../text/labels_dev.csv")["text"])
    calm = pd.read_csv(folder / "text" / "banking77" / "test.csv")["text"]
    feeling = pd.read_csv(folder / "text" / "cedr" / "test.csv")["text"]
    numbered = [f"{text} {number}" for number in range(7) for text in dense]
    texts = {"questions to a bank, English": list(calm), "sentences with emotions, Russian":
             list(feeling), "own labels, both languages, full of markers": numbered}  # fmt: skip
    return {name: found[:MESSAGES] for name, found in texts.items()}


def measured(texts: list[str]) -> dict[str, Any]:
    """Seconds of every step for the texts, quickest pass, steps by turns."""
    work = {"bare": bare, **STEPS}
    quickest = dict.fromkeys(work, float("inf"))
    for _ in range(PASSES):
        for name, step in work.items():
            begun = time.process_time()
            step(texts)
            quickest[name] = min(quickest[name], time.process_time() - begun)
    n = len(texts)
    return {
        "n": n,
        "characters": round(sum(map(len, texts)) / n, 1),
        "times_the_bare_pass": {s: round(quickest[s] / quickest["bare"], 1) for s in STEPS},
        "messages_per_second": {s: round(n / quickest[s]) for s in work},
    }


def block(found: dict[str, Any]) -> str:
    """The table with the marks around it."""
    lines = [
        f"| texts | characters | {' | '.join(STEPS)} | everything, messages a second |",
        "| --- " * (len(STEPS) + 3) + "|",
    ]
    for name, one in found["texts"].items():
        times = " | ".join(f"{one['times_the_bare_pass'][step]:.1f}" for step in STEPS)
        rate = one["messages_per_second"]["everything"]
        lines.append(f"| {name} | {one['characters']:.0f} | {times} | {rate:,} |")
    about = f"{found['date']}. Command: `{found['command']}`. Times of the bare pass:"
    return "\n\n".join((BEGIN, about, "\n".join(lines), END))


def main() -> None:
    """Measure, and keep the figures beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    folder = parser.parse_args().data
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    found: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": "python experiments/benchmarks/text.py",
        "texts": {},
    }
    for name, texts in corpora(folder).items():
        found["texts"][name] = measured(texts)
        log.info("%s: %s", name, found["texts"][name]["messages_per_second"])
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (HERE / "text.json").write_text(text + "\n", encoding="utf-8")
    put(block(found), into=HERE / "text.md")


if __name__ == "__main__":
    main()
