"""What lands on the desks: new alerts from scores, the open ones, and what was suppressed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from churnml import markup
from churnml.alerting.ledger import (
    FILE,
    Ledger,
    from_text,
    locked,
    read_ledger,
    records,
    to_text,
    write_ledger,
)
from churnml.alerting.policy import Policy
from churnml.alerting.queue import TREATMENT, advance
from churnml.alerting.surroundings import surroundings
from churnml.alerting.telling import (
    alert_text,
    evidence_in,
    problem_in,
    reasons_in,
)
from churnml.alerting.tiers import SLA_HOURS, tiers
from churnml.config import Tiers
from churnml.errors import InputError
from churnml.features import catalogue
from churnml.labels import spells
from churnml.sources.dataset import Dataset
from churnml.spoken import LANGUAGES, counted, percent

#: An alert without an exit is over after so many days.
EXPIRES_DAYS = 84
OPEN, CLOSED = "open", "closed"
#: So many open alerts a notebook shows.
_SHOWN = 12
EXITED, EXPIRED = "exit", "expired"
#: The file of alerts; ``arm`` stays in the ledger.
COLUMNS = (
    "alert_id", "customer_id", "name", "owner", "as_of", "probability", "rank", "tier", "health",
    "value_at_risk", "priority", "exit_days_p25", "exit_days_p50", "exit_days_p75", "reasons_en",
    "reasons_ru", "play", "deadline", "status", "closed_by", "open_problem_en", "open_problem_ru",
    "evidence", "text_en", "text_ru",
)  # fmt: skip
_KEPT = (
    "alert_id", "customer_id", "owner", "as_of", "probability", "score", "rank", "tier", "health",
    "value_at_risk", "priority", "exit_days_p25", "exit_days_p50", "exit_days_p75", "reasons_en",
    "reasons_ru", "play", "deadline", "arm", "open_problem_en", "open_problem_ru", "evidence",
)  # fmt: skip
NUMBERS = (
    "probability", "health", "value_at_risk", "priority", "exit_days_p25", "exit_days_p50",
    "exit_days_p75",
)  # fmt: skip
#: Columns of a score file that an alert carries on.
CARRIED = (*NUMBERS[1:], "tier", "reasons", "open_problem")


@dataclass(frozen=True)
class Desk:
    """The state after a run.

    Parameters
    ----------
    alerts : DataFrame
        ``COLUMNS`` of every alert that was delivered, open ones first, most urgent first.
    new : int
        Alerts raised and delivered by this run.
    suppressed : mapping of str to int
        Who scored above the lowest alert of these as_ofs and was not alerted, by reason.
    notices : tuple of str
    """

    alerts: pd.DataFrame
    new: int
    suppressed: Mapping[str, int]
    notices: tuple[str, ...]

    @property
    def open(self) -> pd.DataFrame:
        """The open alerts."""
        return self.alerts[self.alerts["status"] == OPEN]

    def as_json(self) -> dict[str, Any]:
        """The JSON document of ``churnml alerts``."""
        return {
            "new": self.new,
            "open": len(self.open),
            "suppressed": sum(self.suppressed.values()),
            "suppressed_by": dict(self.suppressed),
            "closed": len(self.alerts) - len(self.open),
            "notices": list(self.notices),
        }

    def _repr_html_(self) -> str:
        """How a notebook shows it: the most urgent open alerts, and why others were kept back."""
        held = ", ".join(f"{reason} {count}" for reason, count in self.suppressed.items())
        rows = [
            (
                one["name"] or one["customer_id"], one["owner"], one["tier"],
                percent(one["probability"]), one["reasons_en"], markup.date(one["deadline"]),
            )
            for one in self.open.head(_SHOWN).to_dict("records")
        ]  # fmt: skip
        head = ("customer", "owner", "tier", "risk", "reasons", "deadline")
        more = len(self.open) - len(rows)
        return markup.card(
            f"{counted(self.new, 'new alert')}, {len(self.open)} open",
            markup.table(rows, head=head) if rows else markup.EMPTY,
            markup.paragraph(f"And {more} more in `.open`.") if more else markup.EMPTY,
            markup.listed(self.notices),
            said=f"Kept back: {held}." if held else "",
        )


def raise_alerts(
    scores: pd.DataFrame, dataset: Dataset, *, policy: Policy, choice: Tiers, state: Path
) -> Desk:
    """Move the queue on by the as_ofs that the ledger does not hold yet.

    The same call twice changes nothing: an as_of is processed once. Alerts of the control arm stay
    in the ledger and are delivered to nobody.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of (naive UTC), probability or score; optional: health, tier,
        value_at_risk, priority, reasons.
    dataset : Dataset
        Owners, names, exits, and what the policy's options look at.
    policy : Policy
    choice : Tiers
        Tiers of scores that bring none.
    state : Path
        Folder of the ledger.

    Raises
    ------
    InputError
        If the data has none of the customers, or the ledger is damaged or in use.

    Examples
    --------
    >>> scores = model.predict(newest).rename("probability").reset_index()
    >>> desk = ch.raise_alerts(
    ...     scores, dataset, policy=ch.Policy(), choice=study.tiers, state=Path("ledger")
    ... )
    >>> again = ch.raise_alerts(
    ...     scores, dataset, policy=ch.Policy(), choice=study.tiers, state=Path("ledger")
    ... )
    >>> desk.as_json()["new"] > 0, again.as_json()["new"]
    (True, 0)
    """
    known = _of_the_data(scores, dataset)
    with locked(state):
        before = read_ledger(state)
        fresh, notices = _fresh(scores, before)
        notices = [*known, *notices]
        after = before
        if len(fresh):
            after, more = _moved(before, fresh, dataset, policy=policy, choice=choice)
            notices += more
            write_ledger(state, after)
    here = [to_text(moment) for moment in sorted(scores["as_of"].unique())]
    counts = [after.processed[moment]["suppressed"] for moment in here if moment in after.processed]
    suppressed = pd.DataFrame(counts).sum().astype(int).to_dict() if any(counts) else {}
    added = [alert for alert in after.alerts[len(before.alerts) :] if alert["arm"] == TREATMENT]
    told = _delivered(after, dataset, now=after.until)
    return Desk(told, len(added), suppressed, tuple(notices))


def desk_at(state: Path, dataset: Dataset, *, as_of: pd.Timestamp) -> Desk:
    """What lay on the desks at an instant, read from a ledger; nothing is raised.

    Parameters
    ----------
    state : Path
        Folder of a ledger that ``raise_alerts`` wrote.
    dataset : Dataset
        Names and exits, as known at the as_of.
    as_of : Timestamp
        Alerts raised later are not told; those 84 days old are over.

    Returns
    -------
    Desk
        ``new`` and ``suppressed`` are those of the newest run until then.

    Raises
    ------
    InputError
        If the folder has no ledger, it begins later, it is damaged, or it is of other data.

    Examples
    --------
    >>> scores = model.predict(newest).rename("probability").reset_index()
    >>> raised = ch.raise_alerts(
    ...     scores, dataset, policy=ch.Policy(), choice=study.tiers, state=Path("desks")
    ... )
    >>> read = ch.desk_at(Path("desks"), dataset, as_of=scores["as_of"].max())
    >>> read.alerts.equals(raised.alerts)
    True
    """
    ledger = read_ledger(state)
    if not ledger.processed:
        raise InputError(
            f"{state} holds no ledger of alerts ({FILE}). Give the folder that `churnml alerts "
            "--state` writes, or leave --state out: then the queue is replayed."
        )
    then = ledger.at(as_of)
    if not then.processed:
        first = min(map(from_text, ledger.processed))
        raise InputError(
            f"The ledger in {state} begins on {first:%Y-%m-%d}, after the as_of "
            f"{as_of:%Y-%m-%d}. Take a later as_of, or leave --state out."
        )
    if then.alerts:
        _of_the_data(then.raised(), dataset)
    newest = to_text(max(map(from_text, then.processed)))
    new = sum(one["as_of"] == newest and one["arm"] == TREATMENT for one in then.alerts)
    told = _delivered(then, dataset, now=as_of)
    return Desk(told, new, then.processed[newest]["suppressed"], ())


def _of_the_data(scores: pd.DataFrame, dataset: Dataset) -> list[str]:
    """A notice of scored customers that the data does not have; refused where it has none."""
    customers = dataset.connection.cursor().sql("select customer_id from customers").df()
    strange = ~scores["customer_id"].isin(customers["customer_id"])
    if strange.all():
        raise InputError(
            "None of the scored customers is in the data, so no alert can be told. Check that "
            "customer_id is written as in the data (leading zeros)."
        )
    n = scores.loc[strange, "customer_id"].nunique()
    return [f"{n} scored customers are not in the data; alerts of them have no owner."] * bool(n)


def _fresh(scores: pd.DataFrame, ledger: Ledger) -> tuple[pd.DataFrame, list[str]]:
    """Rows of as_ofs after the newest that was processed."""
    if ledger.until is None:
        return scores, []
    past = scores["as_of"] <= ledger.until
    strange = {to_text(moment) for moment in scores.loc[past, "as_of"].unique()}
    strange -= set(ledger.processed)
    notices = []
    if strange:
        notices.append(
            f"{len(strange)} as_ofs lie before {ledger.until:%Y-%m-%d}, up to which alerts were "
            "raised already; they are left out: the queue only moves forward."
        )
    return scores[~past], notices


def _moved(
    before: Ledger, scores: pd.DataFrame, dataset: Dataset, *, policy: Policy, choice: Tiers
) -> tuple[Ledger, list[str]]:
    scores = scores.reset_index(drop=True)
    digest = _digest(policy)
    same = before.policy in ("", digest)
    around = surroundings(dataset, scores, policy=policy)
    moved = advance(
        scores, policy, earlier=before.raised(), surroundings=around,
        memory=before.memory_frame() if same else None,
    )  # fmt: skip
    alerts = _described(moved.alerts, scores.assign(owner=around["owner"]), dataset,
                        choice=choice, seed=policy.seed)  # fmt: skip
    processed = dict(before.processed)
    for moment in sorted(scores["as_of"].unique()):
        kept = moved.kept.loc[moved.kept["as_of"] == moment, "reason"]
        processed[to_text(moment)] = {
            "new": int((moved.alerts["as_of"] == moment).sum()),
            "suppressed": {str(why): int(n) for why, n in kept.value_counts().items()},
        }
    ledger = Ledger(
        (*before.alerts, *records(alerts, _KEPT)), processed,
        records(moved.memory, tuple(moved.memory.columns)), digest,
    )  # fmt: skip
    changed = "The policy has changed since the last run: who is inside a band is forgotten."
    return ledger, [] if same or not before.memory else [changed]


def _digest(policy: Policy) -> str:
    """Changes with any choice of the policy that the memory depends on."""
    bands = {"enter": policy.enter, "exit": policy.exit, "persist": policy.persist}
    return hashlib.sha256(json.dumps(bands).encode()).hexdigest()[:16]


def _described(
    alerts: pd.DataFrame, scores: pd.DataFrame, dataset: Dataset, *, choice: Tiers, seed: int
) -> pd.DataFrame:
    """The alerts with what the scores and the data say of them."""
    rows = scores.reindex(columns=["customer_id", "as_of", "owner", "probability", *CARRIED])
    if "tier" not in scores:
        score = scores.get("score", scores.get("probability"))
        by = choice if "probability" in scores else _by_capacity(choice)
        rows["tier"] = tiers(scores.assign(probability=score), by, seed=seed)
    keys = ["customer_id", "as_of"]
    found = alerts.merge(rows, on=keys, how="left", validate="one_to_one")
    said = [reasons_in(value) for value in found["reasons"]]
    problems = [problem_in(value) for value in found["open_problem"]]
    plays = {feature.name: feature.play for feature in catalogue(dataset)}
    hours = found["tier"].map(SLA_HOURS)
    return found.assign(
        alert_id=[_identity(row) for row in found[keys].itertuples(index=False)],
        reasons_en=["; ".join(str(one["text_en"]) for one in each) or None for each in said],
        reasons_ru=["; ".join(str(one["text_ru"]) for one in each) or None for each in said],
        play=[_play(each[0], plays) if each else None for each in said],
        open_problem_en=[problem.get("text_en") for problem in problems],
        open_problem_ru=[problem.get("text_ru") for problem in problems],
        evidence=[evidence_in(each) for each in said],
        deadline=found["as_of"] + pd.to_timedelta(hours, unit="h"),
    )


def _by_capacity(choice: Tiers) -> Tiers:
    """The same tiers by capacity: a score that is no probability has no cuts."""
    return choice.model_copy(update={"by": "capacity"})


def _identity(row: Any) -> str:
    text = f"{row.customer_id}|{to_text(row.as_of)}"
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _play(reason: Mapping[str, Any], plays: Mapping[str, str]) -> str | None:
    """The play of a reason; of a file without plays that of its feature."""
    said = reason.get("play")
    return str(said) if said else plays.get(str(reason["feature"]))


def _delivered(ledger: Ledger, dataset: Dataset, *, now: pd.Timestamp | None) -> pd.DataFrame:
    """The alerts of the treatment arm with name and status, the open and urgent first."""
    frame = pd.DataFrame([a for a in ledger.alerts if a["arm"] == TREATMENT], columns=list(_KEPT))
    for name in ("as_of", "deadline"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.tz_localize(None)
        frame[name] = frame[name].astype("datetime64[us]")
    frame = frame.astype(dict.fromkeys(NUMBERS, "float64"))
    names = dataset.connection.cursor().sql("select customer_id, name from customers").df()
    known = names.set_index("customer_id")["name"]
    frame["name"] = frame["customer_id"].map(known).astype("object")
    frame["closed_by"] = pd.Series(_closed_by(frame, dataset, now=now), dtype="object")
    frame["status"] = [OPEN if why is None else CLOSED for why in frame["closed_by"]]
    for language in LANGUAGES:
        told = [alert_text(alert, language=language) for alert in frame.to_dict("records")]
        frame[f"text_{language}"] = pd.Series(told, index=frame.index, dtype="object")
    urgent = frame["priority"].where(frame["priority"].notna(), frame["probability"])
    order = pd.DataFrame(
        {"closed": frame["status"] != OPEN, "urgent": -urgent, "rank": frame["rank"]}
    )
    places = order.sort_values(["closed", "urgent", "rank"], kind="stable").index
    return frame.loc[places, list(COLUMNS)].reset_index(drop=True)


def _closed_by(
    frame: pd.DataFrame, dataset: Dataset, *, now: pd.Timestamp | None
) -> list[str | None]:
    """``exit`` once an exit after the alert is certain, ``expired`` after 84 days, else None."""
    ends = spells(dataset).dropna(subset=["exit_at"])
    certain = ends["exit_at"] + pd.Timedelta(days=dataset.description.churn.delay_days)
    ends = ends[certain <= now] if now is not None else ends.iloc[:0]
    exits = ends.groupby("customer_id")["exit_at"].max()
    last = exits.reindex(frame["customer_id"]).astype("datetime64[us]").to_numpy()
    over = frame["as_of"] + pd.Timedelta(days=EXPIRES_DAYS)
    gone = last >= frame["as_of"].to_numpy()
    return [
        EXITED if left else EXPIRED if now is not None and end <= now else None
        for left, end in zip(gone, over, strict=True)
    ]
