"""The alert policy: how much a team can carry, and whom it does not want to hear of again yet."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Self

from churnml.config import Alerts, Study, parse, read_toml
from churnml.errors import InputError


@dataclass(frozen=True, slots=True)
class Policy:
    """How much a team can carry, and how long a customer stays quiet after an alert.

    Everything but the load, the quiet time and the seed is off by default. Options only keep
    alerts back: the load is always that of the customers at risk whose quiet time is over.

    Parameters
    ----------
    q : float
        Share of the eligible customers alerted at every as_of, rounded up to whole customers.
    quiet_days : int
        A customer is eligible again when the last alert lies at least so many days back.
    seed : int
        Of the hash of customer_id that breaks ties between equal scores and draws the control arm.
    load_days : int, optional
        The load is for so many days: alerts raised less than so long ago count against it.
    enter : float, optional
        Alert a customer once for each time of entering this top share of an as_of from below.
    exit : float, optional
        Who has entered must leave this (wider) top share before entering counts again.
    persist : tuple of (int, int, float), optional
        (m, n, top): in the top share at m or more of the last n as_ofs, this one included.
    suppress : tuple of str
        Hold alerts back during an open ``intervention``, an ``outage``, a ``holiday``, or while the
        feed of events is dead (``dead_feed``).
    suppress_days : int
        An outage or a holiday holds back until so many days after its end.
    owner_capacity : int, optional
        Most alerts of one owner at one as_of.
    control_share : float
        Share of the customers whose alerts are kept in the ledger but delivered to nobody.

    Examples
    --------
    >>> ch.Policy(q=0.05, quiet_days=28).quiet_days
    28
    """

    q: float = 0.02
    quiet_days: int = 56
    seed: int = 0
    load_days: int | None = None
    enter: float | None = None
    exit: float | None = None
    persist: tuple[int, int, float] | None = None
    suppress: tuple[str, ...] = ()
    suppress_days: int = 7
    owner_capacity: int | None = None
    control_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a load or a quiet time that means nothing."""
        if not isinstance(self.q, Real) or not 0 < self.q <= 1:
            raise InputError(f"q is {self.q!r}; expected a share above 0 and up to 1, e.g. 0.02.")
        if self.quiet_days < 0:
            raise InputError(f"quiet_days is {self.quiet_days}; expected 0 or more days.")

    @classmethod
    def of(cls, alerts: Alerts, *, seed: int) -> Self:
        """The policy of a study's [alerts]."""
        persist = alerts.persist
        content = alerts.model_dump(exclude={"persist", "seed"})
        return cls(
            **content,
            seed=seed if alerts.seed is None else alerts.seed,
            persist=None if persist is None else (persist.weeks, persist.of, persist.top),
        )

    @property
    def has_bands(self) -> bool:
        """Whether something must be remembered of a customer beside the last alert."""
        return self.enter is not None or self.persist is not None

    @property
    def has_gates(self) -> bool:
        """Whether anything but load and quiet time keeps alerts back."""
        return bool(self.has_bands or self.suppress or self.owner_capacity or self.control_share)

    def load(self, eligible: int) -> int:
        """How many of the eligible are alerted: ``ceil(q * eligible)``.

        Examples
        --------
        >>> Policy(q=0.07).load(100), Policy(q=0.02).load(1), Policy().load(0)
        (7, 1, 0)
        """
        return share_of(self.q, eligible)

    def in_control(self, customer: str) -> bool:
        """Whether the alerts of this customer are delivered to nobody; the same for ever."""
        if not self.control_share:
            return False
        text = f"control:{self.seed}:{customer}".encode()
        draw = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
        return draw < self.control_share * 2**64


def share_of(share: float, count: int) -> int:
    """The share of so many customers, rounded up to whole ones.

    Rounded to nine places first: 0.07 * 100 is 7.000000000000001 in binary and would alert an
    eighth.
    """
    return math.ceil(round(share * count, 9))


def read_policy(path: Path | None, *, study: Study) -> Policy:
    """The policy of a TOML file: the keys of [alerts], alone or in that section.

    Parameters
    ----------
    path : Path, optional
        None: the study's [alerts].
    study : Study
        Its seed counts where the file names none.

    Raises
    ------
    InputError
        If the file is unusable or holds an unknown key or an impossible value.
    """
    if path is None:
        return Policy.of(study.alerts, seed=study.seed)
    content = read_toml(path)
    if "alerts" in content:
        whole = parse(Study, content, where=str(path))
        return Policy.of(whole.alerts, seed=whole.seed if "seed" in content else study.seed)
    return Policy.of(parse(Alerts, content, where=str(path)), seed=study.seed)
