"""The study: every choice of a training run, read from TOML. Unknown keys are refused."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from churnml import markup
from churnml.address import holds_secret, is_address
from churnml.errors import InputError
from churnml.spoken import percent

DEFAULT_STUDY = Path("experiments/studies/default.toml")

#: Kind of error whose input is never repeated.
_SECRET = "holds_secret"
Share = Annotated[float, Field(gt=0, lt=1)]
Sampler = Literal["none", "scale_pos_weight", "smote", "undersample", "easy_ensemble"]
DeviceChoice = Literal["cpu", "auto", "cuda"]


class Section(BaseModel):
    """A table of a TOML file; frozen, and a typo in a key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The same choices but for these, checked as in a file; of a table only those named."""
        changed = dict(update or {})
        for name, value in changed.items():
            if isinstance(value, Mapping) and isinstance(part := getattr(self, name, 0), Section):
                changed[name] = part.model_copy(update=value)
        return parse(type(self), {**dict(self), **changed}, where="update")


class Label(Section):
    """The label window ``[as_of + lead, as_of + lead + horizon)``."""

    lead_days: Annotated[int, Field(ge=0)] = 21
    """Days from the as_of to the first exit that counts: the warning that is wanted."""
    horizon_days: Annotated[int, Field(gt=0)] = 28
    """Length of the label window, in days."""


class Population(Section):
    """Whose snapshots train and test. Scoring covers everyone at risk."""

    min_tenure_days: Annotated[int, Field(ge=0)] = 28
    """Younger customers neither train nor test."""
    active_within_days: Annotated[int, Field(gt=0)] | None = None
    """Only customers with an event in so many days; none: everybody."""
    min_active_days: Annotated[int, Field(gt=0)] | None = None
    """Only customers with events on so many days; none: everybody."""


class Folds(Section):
    """Forward folds. Without dates: the last ``blocks`` test blocks whose labels are closed."""

    scheme: Literal["expanding", "rolling"] = "expanding"
    """Whether training grows from fold to fold, or keeps the last ``train_days``."""
    train_from: date | datetime | None = None
    """First as_of of training; none: where the history begins."""
    test_from: date | datetime | None = None
    """First as_of of the first test block; none: by ``blocks``."""
    test_until: date | datetime | None = None
    """End of the last test block; none: the last closed label."""
    test_every_days: Annotated[int, Field(gt=0)] = 61
    """Length of a test block, in days."""
    blocks: Annotated[int, Field(gt=0)] = 3
    """Number of test blocks, where no dates are given."""
    train_days: Annotated[int, Field(gt=0)] | None = None
    """Days of training of a rolling scheme."""


class Model(Section):
    """The learner. ``heads`` are label windows [lead_days, horizon_days]; empty: the recipe's."""

    heads: tuple[tuple[int, int], ...] = ()
    """Label windows [lead_days, horizon_days] learnt together; empty: the recipe's."""
    seeds: Annotated[int, Field(gt=0)] = 1
    """Fits whose scores are averaged in every fold."""
    final_seeds: Annotated[int, Field(gt=0)] = 2
    """Fits whose scores are averaged in the model that is put into use."""
    sampler: Sampler = "none"
    """Rebalancing of classes inside the fold; measured, and none is better."""
    max_rows: Annotated[int, Field(gt=0)] = 500_000
    """More training rows are thinned out to so many."""
    proof_rows: Annotated[int, Field(gt=0)] = 2_000_000
    """On Spark: rows of the customers drawn for the proof, held on this machine."""
    device: DeviceChoice = "cpu"
    """Where boosters are fitted: ``cuda`` only a GPU, ``auto`` a GPU where there is one."""


class Tuning(Section):
    """How many settings are tried beside the recipe; 0 keeps the recipe."""

    trials: Annotated[int, Field(ge=0)] = 10
    """Settings of the learner that are tried; 0 keeps the recipe, and is quick."""


class Persist(Section):
    """In the top share at ``weeks`` or more of the last ``of`` as_ofs."""

    weeks: Annotated[int, Field(gt=0)]
    """At so many as_ofs."""
    of: Annotated[int, Field(gt=0)]
    """Of so many as_ofs in a row."""
    top: Share
    """Share of the customers that counts as the top."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.weeks > self.of:
            raise ValueError("weeks is more than of")
        return self


class Alerts(Section):
    """The alert queue: weekly load and quiet time. The options keep alerts back; all are off."""

    q: Share = 0.02
    """Share of those not quiet that is alerted at each as_of: the load."""
    quiet_days: Annotated[int, Field(ge=0)] = 56
    """So long after an alert there is no other for the same customer."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of the order of equal scores; none: the study's."""
    load_days: Annotated[int, Field(gt=0)] | None = None
    """The load is for so many days together, for who scores daily."""
    enter: Share | None = None
    """Only who newly entered this top share is alerted."""
    exit: Share | None = None
    """Who left this top share may enter anew."""
    persist: Persist | None = None
    """Only who was in the top share at several as_ofs is alerted."""
    suppress: tuple[Literal["intervention", "outage", "holiday", "dead_feed"], ...] = ()
    """When alerts are held back."""
    suppress_days: Annotated[int, Field(ge=0)] = 7
    """Days after an outage or a holiday."""
    owner_capacity: Annotated[int, Field(gt=0)] | None = None
    """Most alerts for one owner at an as_of."""
    control_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of customers never alerted, to compare calls with no calls."""

    @model_validator(mode="after")
    def _bands(self) -> Self:
        if self.exit is not None and (self.enter is None or self.exit < self.enter):
            raise ValueError("exit needs enter, and may not be narrower")
        return self


class Tiers(Section):
    """Tiers by ``capacity`` (shares of an as_of from the top) or by ``probability`` (cuts)."""

    by: Literal["capacity", "probability"] = "capacity"
    """Tiers by rank, or by the probability itself."""
    shares: tuple[Share, Share, Share] = (0.01, 0.02, 0.07)
    """Shares of an as_of from the top that are critical, high and medium."""
    cuts: tuple[Share, Share, Share] = (0.8, 0.6, 0.3)
    """Least probabilities of critical, high and medium."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if list(self.cuts) != sorted(self.cuts, reverse=True) or sum(self.shares) > 1:
            raise ValueError("expected falling cuts, and shares that sum to at most 1")
        return self


class Features(Section):
    """Features left out by name, and packs of a field switched on."""

    drop: tuple[str, ...] = ()
    """Features left out, by name."""
    packs: tuple[str, ...] = ()
    """Packs of features of a field switched on, by name."""


class Baselines(Section):
    """Features of the rank-sum rule with the sign of risk; empty: the obvious signals."""

    rank_sum: dict[str, Literal[-1, 1]] = {}
    """Feature and sign (1: more is riskier) of the rule of summed ranks; empty: obvious ones."""


class Health(Section):
    """Preset of the health score: a shipped name or the path of a TOML file."""

    preset: str = "default"
    """``default``, ``small_business``, ``seed_points`` or the path of a TOML file."""


class Money(Section):
    """What a contact costs and may win, in the currency of the dataset.

    The chance to accept, Beta(6, 14), is that of Verbraken, Verbeke and Baesens (2013), incentive
    and contact cost are those of Janssens et al. (2022) for companies as customers. They are
    assumptions: put your own here.
    """

    years: Annotated[float, Field(gt=0)] = 1.0
    """Years of its recurring revenue that a saved customer is worth."""
    accept_alpha: Annotated[float, Field(gt=0)] = 6.0
    """First parameter of the chance to accept an offer, Beta(alpha, beta)."""
    accept_beta: Annotated[float, Field(gt=0)] = 14.0
    """Second parameter of that chance."""
    incentive_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Cost of the offer, as a share of the customer's value."""
    contact_cost: Annotated[float, Field(ge=0)] = 15.0
    """Cost of one contact."""
    value_without_mrr: Annotated[float, Field(gt=0)] = 3000.0
    """Value of every customer where no recurring revenue is known."""


class Promotion(Section):
    """How much worse a challenger may be, as a share of the champion's average precision."""

    margin: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """How much worse a new model may be, as a share of average precision."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.90
    """How sure that must be."""


class Treated(Section):
    """How rows count that a save play reached: ``keep``, ``exclude`` or ``weight``.

    ``weight`` leaves treated rows out and lets the control arm of the same experiment stand in
    for them. ``effect_days``: so long after it was assigned a play may still work.
    """

    rows: Literal["keep", "exclude", "weight"] = "keep"
    """Keep, exclude or reweight rows of customers that a save play reached."""
    effect_days: Annotated[int, Field(ge=0)] = 84
    """So many days after it was assigned a play may still work."""


class Study(Section):
    """All choices of one training run."""

    model_config = ConfigDict(hide_input_in_errors=True)

    data: str = "data/demo/data"
    """Folder of tables, a DuckDB file or an address of PostgreSQL without its password."""
    label: Label = Label()
    """What counts as leaving."""
    population: Population = Population()
    """Whose snapshots train and test."""
    folds: Folds = Folds()
    """Splits by time."""
    model: Model = Model()
    """The learner."""
    tuning: Tuning = Tuning()
    """The search for settings."""
    alerts: Alerts = Alerts()
    """The alert queue."""
    tiers: Tiers = Tiers()
    """Tiers of urgency."""
    features: Features = Features()
    """Which features."""
    baselines: Baselines = Baselines()
    """Simple rules beside."""
    health: Health = Health()
    """The health score."""
    promotion: Promotion = Promotion()
    """When a new model replaces the old."""
    treated: Treated = Treated()
    """Customers that were called."""
    money: Money = Money()
    """What contacts cost and win."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    """Same seed, same numbers."""

    @field_validator("data")
    @classmethod
    def _without_secret(cls, data: str) -> str:
        if is_address(data) and holds_secret(data):
            raise PydanticCustomError(
                _SECRET, "holds a password; give it in PGPASSWORD or in ~/.pgpass instead"
            )
        return data

    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with any choice."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _repr_html_(self) -> str:
        """How a notebook shows it: what differs from the defaults, then every choice."""
        chosen, usual = _choices(self), dict(_choices(Study()))
        first, end = self.label.lead_days, self.label.lead_days + self.label.horizon_days
        changed = [(key, value, usual.get(key)) for key, value in chosen if value != usual.get(key)]
        return markup.card(
            f"Study {self.digest()}",
            markup.table(changed, head=("changed", "here", "default"))
            if changed
            else markup.paragraph("Every choice is the default."),
            markup.folded(f"All {len(chosen)} choices", markup.table(chosen)),
            said=f"Exits {first} to {end} days ahead on {self.data}; "
            f"alerts for {percent(self.alerts.q, digits=1)} a week.",
        )


def _choices(study: Study) -> list[tuple[str, str]]:
    """Key and value of every choice, in the order of the file."""
    found: list[tuple[str, str]] = []
    for name, value in study.model_dump(mode="json").items():
        if isinstance(value, dict):
            found += [(f"{name}.{key}", json.dumps(each)) for key, each in value.items()]
        else:
            found.append((name, json.dumps(value)))
    return found


Parsed = TypeVar("Parsed", bound=BaseModel)


def parse(model: type[Parsed], content: dict[str, Any], *, where: str) -> Parsed:
    """The content checked against the model.

    Raises
    ------
    InputError
        Naming the file, the key, what came and what was expected.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(_sentence(model, fault) for fault in error.errors())
        raise InputError(f"{where}: {faults}") from None


def _sentence(model: type[BaseModel], error: Any) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key '{path}'; known here: {', '.join(_known(model, error['loc'][:-1]))}"
    message = error["msg"]
    if error["type"] == _SECRET:
        return f"'{path}' {message}"
    return f"'{path}' is {error['input']!r}: {message[:1].lower()}{message[1:]}"


def _known(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part))
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ["see the documentation of this table"]
        model = annotation
    return sorted(field.alias or name for name, field in model.model_fields.items())


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises
    ------
    InputError
        If the file is absent, unreadable or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist. Give the path of a TOML file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}). Expected a UTF-8 TOML file.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from None


def read_study(path: Path | str | None = None) -> Study:
    """The study of a TOML file; without a path ``experiments/studies/default.toml`` if it is there.

    Raises
    ------
    InputError
        If the file is unusable or holds an unknown key or an impossible value.

    Examples
    --------
    >>> _ = Path("study.toml").write_text("label = { lead_days = 14 }")
    >>> ch.read_study(Path("study.toml")).label
    Label(lead_days=14, horizon_days=28)
    """
    if path is None:
        return read_study(DEFAULT_STUDY) if DEFAULT_STUDY.exists() else Study()
    return parse(Study, read_toml(Path(path)), where=str(path))
