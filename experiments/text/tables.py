"""The results of the word lists as Markdown, between the marks of the README."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from isolated import BEGIN, END

SCORERS = {"lexicon": "lexicon", "vader": "VADER", "afinn": "AFINN"}
TEXTS = {
    "cedr_test": "CEDR test, Russian, three classes",
    "uci_sentences": "UCI sentences, English reviews, two classes (neutral is an error)",
    "own_labels_english": "own labels, English part",
}
HARMLESS = ("passive_aggression", "ultimatum", "escalation", "price_complaint", "repeat_contact")


def block(found: dict[str, Any]) -> str:
    """All tables with the marks around them."""
    about = f"{found['date']}, lists {found['lists']}. Command: `{found['command']}`."
    parts = (about, _tone(found), _markers(found), _calm(found), _speed(found["speed"]))
    return "\n\n".join((BEGIN, *parts, END))


def _tone(found: dict[str, Any]) -> str:
    rows = [
        (words, str(found[name]["lexicon"]["n"]),
         *(_said(found[name].get(scorer)) for scorer in SCORERS))
        for name, words in TEXTS.items()
    ]  # fmt: skip
    both = found["own_labels"]["tone"]
    rows.append(("own labels, both languages", str(both["n"]), _said(both), "–", "–"))
    heading = "## Tone: macro-F1 [95 % interval] / Spearman"
    return f"{heading}\n\n{_table(('texts', 'n', *SCORERS.values()), rows)}"


def _said(tone: dict[str, Any] | None) -> str:
    if tone is None:
        return "–"
    low, high = tone["interval"]
    return f"{tone['macro_f1']:.3f} [{low:.3f}, {high:.3f}] / {tone['spearman']:.3f}"


def _markers(found: dict[str, Any]) -> str:
    """Development half beside the locked half as it was judged last."""
    own, locked = found["own_labels"], found["locked"][-1]["judged"]
    names = [name for name, part in own.items() if "precision" in part]
    rows = [
        (name, *(f"{part[figure]:.2f}" for part in (own[name], locked[name])
                 for figure in ("precision", "recall")), f"{own[name]['n']} / {locked[name]['n']}")
        for name in names
    ]  # fmt: skip
    columns = ("marker", "precision", "recall", "locked: precision", "locked: recall", "labelled")
    return (
        f"## Markers on the own labels\n\n{_table(columns, rows)}\n\n"
        f"The development half: {_whole(own)}.\n\n### The locked half, each time it was judged\n\n"
        f"{_table(('date', 'lists', 'figures'), _history(found['locked']))}"
    )


def _history(locked: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [(one["date"], one["lists"], _whole(one["judged"])) for one in locked]


def _whole(judged: dict[str, Any]) -> str:
    macro, tone = judged["markers_macro_f1"], judged["tone"]
    subtle = judged["passive_aggression"]
    return (
        f"macro-F1 of the markers {macro['value']:.2f} [{macro['low']:.2f}, {macro['high']:.2f}] "
        f"(passive aggression: precision {subtle['precision']:.2f}, recall {subtle['recall']:.2f});"
        f" tone {_said(tone)}; category {judged['category']['accuracy']:.2f}"
    )


def _calm(found: dict[str, Any]) -> str:
    bank = found["banking77_test"]
    closing, shares = bank["terminate_account"], bank["share_marked"]
    raised = ", ".join(f"{name} {shares[name]:.2%}" for name in HARMLESS)
    long = found["cfpb"]
    return (
        f"## Messages nobody wrote rules for\n\nbanking77 test, {bank['n']:,} calm questions to a "
        f"bank: closing an account is found with precision {closing['precision']:.3f} and recall "
        f"{closing['recall']:.3f} among 77 intents ({closing['n']} are of that intent). Raised "
        f"where they hardly occur: {raised}.\n\nOf {long['n']:,} long complaints to an authority "
        f"{long['negative_share']:.0%} get a negative tone: the rest tell facts in formal words."
    )


def _speed(speed: dict[str, Any]) -> str:
    rates = speed["messages_per_second"]
    ratios = [f"{ratio:.1f} times {SCORERS[name]}"
              for name, ratio in speed["times_as_quick_as"].items()]  # fmt: skip
    rivals = f": {' and '.join(ratios)}, neither of which looks for markers" if ratios else ""
    return (
        f"## Speed\n\n{rates['lexicon']:,.0f} short messages a second of one core (processor time, "
        f"{speed['n']:,} English messages, quickest of five passes){rivals}. More under "
        "[benchmarks](../benchmarks/text.md)."
    )


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(columns)]
    lines += [("---",) * len(lines[0]), *map(tuple, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
