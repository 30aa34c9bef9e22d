"""Commands about messages: score them, judge a scorer, train one, list what to label next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnml.commands.base import (
    QUICK_HELP,
    AsJson,
    Out,
    app,
    present,
    print_json,
    print_table,
    stderr,
    stdout,
)
from churnml.errors import InputError
from churnml.spoken import counted, percent

if TYPE_CHECKING:
    import pandas as pd

    from churnml.sources.description import Description
    from churnml.text.redaction import Person
    from churnml.text.scoring import TextScorer

text = typer.Typer(
    name="text", no_args_is_help=True,
    help="What messages say: tone, formality, markers, category.",
    rich_markup_mode=None, context_settings=QUICK_HELP,
)  # fmt: skip
app.add_typer(text)

Messages = Annotated[
    Path, typer.Argument(help="File with message_id and text (.parquet, .csv, .jsonl).")
]
Labels = Annotated[
    Path,
    typer.Option("--labels", help="File with text and label columns: markers, tone, category."),
]
DescriptionFile = Annotated[
    Path | None,
    typer.Option(
        "--dataset", help="dataset.toml with [competitors] and [text]: names and own lists."
    ),
]
Model = Annotated[
    Path | None, typer.Option("--model", help="Folder that `churnml text train` wrote.")
]
CompanyData = Annotated[
    str | None,
    typer.Option(
        "--data", help="Data with customers and contacts, whose names are redacted.",
        callback=present,
    ),
]  # fmt: skip
CacheFolder = Annotated[
    Path | None,
    typer.Option("--cache", help="Folder of scores already known; default: mlruns/cache/text."),
]
Llm = Annotated[
    Path | None, typer.Option("--llm", help="TOML file with [llm]: ask a language model.")
]


@text.command(epilog="Example: churnml text score messages.csv --out scored.parquet")
def score(
    messages: Messages,
    out: Out,
    dataset: DescriptionFile = None,
    model: Model = None,
    llm: Llm = None,
    data: CompanyData = None,
    cache: CacheFolder = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --llm: count and price, send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what messages tell. Status, language, tone, formality, markers, category."""
    from churnml.delivery import check_suffix, write_rows
    from churnml.text.cache import ScoreCache
    from churnml.text.files import read_rows
    from churnml.text.hearing import CACHE
    from churnml.text.scoring import score_and_count

    check_suffix(out)
    table = read_rows(messages)
    scorer = _scorer(dataset, model, data)
    if llm is not None:
        people = {} if data is None else _people_by_text(table, data, dataset)
        asked = _llm_scorer(llm, scorer, people)
        if dry_run:
            _quote(asked, table, as_json=as_json)
            return
        scorer = asked
    elif dry_run:
        raise InputError("--dry-run needs --llm FILE; without a language model nothing is sent.")
    found, cached = score_and_count(table, scorer, cache=ScoreCache(cache or CACHE))
    write_rows(found, out)
    answer = {"rows": len(found), "cached": cached, "out": str(out)}
    answer |= {} if llm is None else {"spent": _spent(scorer)}
    _show_scored(answer, found["status"].value_counts().to_dict(), as_json=as_json)


@text.command(name="eval", epilog="Example: churnml text eval --labels labels.csv --json")
def evaluate(
    labels: Labels,
    dataset: DescriptionFile = None,
    model: Model = None,
    llm: Llm = None,
    as_json: AsJson = False,
) -> None:
    """Judge a scorer on messages that you labelled. Precision, recall and F1 of markers, tone."""
    from churnml.text.files import read_rows
    from churnml.text.judging import judge, labels_of
    from churnml.text.scoring import score_messages

    table = read_rows(labels)
    truth = labels_of(table)
    scorer = _scorer(dataset, model)
    if llm is not None:
        scorer = _llm_scorer(llm, scorer, {})
    numbered = table.assign(message_id=[str(row) for row in range(len(table))])
    judged = judge(score_messages(numbered, scorer), truth)
    judged |= {"n": len(table), "scorer": scorer.name}
    if as_json:
        print_json(judged)
    else:
        _show_judged(judged)


@text.command(
    epilog="Example: churnml text train --labels labels.csv --target tone --out tone_model"
)
def train(
    labels: Labels,
    target: Annotated[
        str,
        typer.Option(
            help="What to learn: tone, category, or marker:NAME such as marker:ultimatum."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the model.")],
    dataset: DescriptionFile = None,
    precision: Annotated[
        float,
        typer.Option(
            min=0.5, max=1.0, help="Wanted share of right categories; less sure ones stay unknown."
        ),
    ] = 0.9,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same numbers.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Train a scorer on your labels. Kept only if it beats the word lists on unseen ones."""
    from churnml.text.files import read_rows
    from churnml.text.linear import train_text

    trained = train_text(
        read_rows(labels), target=target, lexicon=_scorer(dataset, None), precision=precision,
        seed=seed,
    )  # fmt: skip
    if trained.better:
        trained.model.save(out)
    place = str(out) if trained.better else None
    answer = {**trained.report, "kept": trained.better, "model": place}
    if as_json:
        print_json(answer)
        return
    stdout.print(answer["reason"], soft_wrap=True)
    shares = answer["accuracy_at_coverage"].items()
    rows = [(percent(float(share)), percent(right, digits=1)) for share, right in shares]
    print_table("Right answers among the surest", ("coverage", "accuracy"), rows)
    kept = f"Kept in {out}." if trained.better else "Not kept: the word lists stay in use."
    stdout.print(kept, soft_wrap=True)


@text.command(epilog="Example: churnml text queue messages.csv --top 50 --out to_label.csv")
def queue(
    messages: Messages,
    out: Out,
    top: Annotated[int, typer.Option(min=1, help="How many messages.")] = 50,
    dataset: DescriptionFile = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """List the messages whose labels would teach most."""
    from churnml.delivery import check_suffix, write_rows
    from churnml.text.files import read_rows
    from churnml.text.labelling import label_next
    from churnml.text.linear import LinearText

    check_suffix(out)
    known = LinearText.load(model) if model is not None else None
    found = label_next(read_rows(messages), lexicon=_scorer(dataset, None), model=known, most=top)
    write_rows(found, out)
    if as_json:
        print_json({"rows": len(found), "out": str(out)})
    else:
        stdout.print(f"{counted(len(found), 'message')} to label in {out}", soft_wrap=True)


@app.command(epilog="Example: churnml forget --message-id M-17 --message-id M-18")
def forget(
    message_id: Annotated[
        list[str], typer.Option("--message-id", help="Message to forget; may be repeated.")
    ],
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Forget what is remembered of these messages' scores."""
    from churnml.text.cache import ScoreCache
    from churnml.text.hearing import CACHE

    folder = cache or CACHE
    gone = ScoreCache(folder).forget(message_id)
    if as_json:
        print_json({"forgotten": gone, "unknown": len(set(message_id)) - gone})
    else:
        stdout.print(f"{gone} of {counted(len(set(message_id)), 'message')} forgotten in {folder}.")


def _description(dataset: Path | None, data: str | None) -> Description:
    """The file given, else the one beside the data; its relative paths lie where the data is."""
    from churnml.sources import read_description
    from churnml.sources.place import place_of

    if data is None:
        return read_description(dataset)
    return place_of(data, dataset).description()


def _scorer(dataset: Path | None, model: Path | None, data: str | None = None) -> TextScorer:
    from churnml.text.lexicon import lexicon_of
    from churnml.text.linear import LinearScorer, LinearText

    lists = lexicon_of(_description(dataset, data))
    return lists if model is None else LinearScorer(LinearText.load(model), lists)


def _llm_scorer(path: Path, gate: TextScorer, people: dict[str, tuple[Person, ...]]) -> Any:
    from churnml.text.llm import LlmScorer, read_llm_settings

    return LlmScorer(read_llm_settings(path), gate, people=people, progress=_progress())


def _people_by_text(
    table: pd.DataFrame, data: str, dataset: Path | None
) -> dict[str, tuple[Person, ...]]:
    """Contacts and name of the customer behind each text, for redaction."""
    from churnml.sources import open_dataset
    from churnml.text.cleaning import clean
    from churnml.text.redaction import people_of

    if "customer_id" not in table:
        raise InputError("--data redacts a customer's contacts; the messages need customer_id.")
    opened = open_dataset(data, dataset_file=dataset)
    names = opened.frame("customers").set_index("customer_id")["name"].dropna()
    contacts = opened.frame("contacts")[["customer_id", "name", "email", "phone"]]
    rows = {key: part.to_dict("records") for key, part in contacts.groupby("customer_id")}
    found: dict[str, tuple[Person, ...]] = {}
    for customer, raw in zip(table["customer_id"].astype("str"), table["text"], strict=True):
        company = str(names[customer]) if customer in names.index else None
        known = people_of(rows.get(customer, []), company=company)
        words = clean(raw).text
        found[words] = (*found.get(words, ()), *known)
    return found


def _progress() -> Callable[[int], None]:
    def say(done: int) -> None:
        if done % 25 == 0:
            stderr.print(f"{done:,} messages answered", highlight=False)

    return say


def _quote(asked: Any, table: pd.DataFrame, *, as_json: bool) -> None:
    from churnml.text.cleaning import clean

    texts = {found.text: found for found in map(clean, table["text"])}
    quote = asked.quote(list(texts.values()))
    answer = {
        "messages": quote.messages, "tokens_in": quote.tokens_in, "tokens_out": quote.tokens_out,
        "price": quote.price, "rows": len(table),
    }  # fmt: skip
    if as_json:
        print_json(answer)
    else:
        stdout.print(
            f"{quote.messages:,} of {counted(len(table), 'message')} would be sent: about "
            f"{quote.tokens_in:,} tokens in, {quote.tokens_out:,} out, price {quote.price:.2f}. "
            "Nothing was sent.",
            soft_wrap=True,
        )


def _show_scored(answer: dict[str, Any], by_status: dict[str, int], *, as_json: bool) -> None:
    if as_json:
        print_json({**answer, "by_status": by_status})
        return
    said = ", ".join(f"{count:,} {status}" for status, count in by_status.items())
    stdout.print(
        f"{counted(answer['rows'], 'message')} in {answer['out']}: {said or 'none'}; "
        f"{answer['cached']:,} were known.",
        soft_wrap=True,
    )


def _spent(scorer: Any) -> dict[str, Any]:
    from dataclasses import asdict

    spent = asdict(scorer.spent)
    return {name: value for name, value in spent.items() if name != "reserved"}


def _show_judged(judged: dict[str, Any]) -> None:
    from churnml.text.columns import MARKERS

    def shown(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    rows = [
        (name, *(shown(judged[name][figure]) for figure in ("precision", "recall", "f1")),
         str(judged[name]["n"]))
        for name in MARKERS if name in judged
    ]  # fmt: skip
    if rows:
        print_table("Markers", ("marker", "precision", "recall", "F1", "labelled"), rows)
        macro = judged["markers_macro_f1"]
        within = f"[{shown(macro['low'])}, {shown(macro['high'])}]"
        stdout.print(f"Markers: macro-F1 {shown(macro['value'])} {within}.", highlight=False)
    if "tone" in judged:
        tone = judged["tone"]
        stdout.print(
            f"Tone of {counted(tone['n'], 'message')}: macro-F1 {shown(tone['macro_f1'])}, "
            f"Spearman {shown(tone['spearman'])}.",
            highlight=False,
        )
    if "category" in judged:
        part = judged["category"]
        stdout.print(
            f"Category: {shown(part['accuracy'])} right, coverage {shown(part['coverage'])}.",
            highlight=False,
        )
