"""BG/NBD: how likely a silent customer is gone, from repeat purchases, recency and age alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from churnml.errors import InputError

Floats = npt.NDArray[np.float64]

# Starts for (r, alpha / mean age, a, b): heavy and light buyers, dropout early and late. The
# likelihood has flat ridges, and one start alone can end on one.
_STARTS = ((0.25, 0.15, 0.8, 2.5), (1.0, 1.0, 1.0, 1.0), (0.5, 0.5, 0.2, 5.0), (2.0, 0.3, 2.0, 8.0))
_LOG_BOUND = 12.0
_NODES = 32


@dataclass(frozen=True, slots=True)
class BgNbd:
    """A fitted BG/NBD model: buying at gamma rates, dropping out after a purchase at beta odds.

    A customer buys at a Poisson rate drawn from Gamma(r, alpha) and after each repeat purchase
    drops out for good with a probability drawn from Beta(a, b). Times are in the unit of the fit,
    which is days wherever an argument says days.

    Parameters
    ----------
    r, alpha : float
        Shape and rate of the gamma distribution of purchase rates.
    a, b : float
        Parameters of the beta distribution of dropout probabilities.

    References
    ----------
    .. [1] P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting your customers" the easy way: an
       alternative to the Pareto/NBD model, Marketing Science 24 (2), 2005.
    """

    r: float
    alpha: float
    a: float
    b: float

    def p_alive(self, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> Floats:
        """Probability of not having dropped out yet; 1 for customers without a repeat purchase.

        Parameters
        ----------
        x : array_like, shape (n_customers,)
            Repeat purchase days (purchase days minus one).
        t_x : array_like, shape (n_customers,)
            Days from the first to the last purchase.
        T : array_like, shape (n_customers,)
            Days from the first purchase to the as_of.

        Returns
        -------
        ndarray of float, shape (n_customers,)
            NaN where an input is NaN.
        """
        bought, last, age = _histories(x, t_x, T)
        log_odds = self._log_odds_gone(bought, last, age)
        alive = np.where(bought > 0, special.expit(-log_odds), 1.0)
        return _unknown_stays_unknown(alive, bought, last, age)

    def p_no_purchase(
        self,
        x: npt.ArrayLike,
        t_x: npt.ArrayLike,
        T: npt.ArrayLike,
        *,
        lead_days: float,
        horizon_days: float,
    ) -> Floats:
        """Probability of no purchase in ``[as_of + lead, as_of + lead + horizon)``.

        Without a lead the first purchase comes before any further dropout, so that the answer is
        closed. With a lead the customer must survive it first: one integral over the posterior
        Beta(a, b + x) of the dropout probability, by Gauss-Jacobi quadrature.

        Parameters
        ----------
        x, t_x, T : array_like, shape (n_customers,)
            As in :meth:`p_alive`.
        lead_days : float
            Days between the as_of and the window.
        horizon_days : float
            Length of the window.

        Returns
        -------
        ndarray of float, shape (n_customers,)
            NaN where an input is NaN.

        Examples
        --------
        >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> model.p_no_purchase([2], [30.43], [38.86], lead_days=0, horizon_days=39).round(2)
        array([0.45])
        """
        if lead_days < 0 or horizon_days <= 0:
            raise InputError(
                f"A window of {horizon_days} days that opens after {lead_days} is impossible: "
                "expected lead_days >= 0 and horizon_days > 0."
            )
        bought, last, age = _histories(x, t_x, T)
        if lead_days == 0:
            buys = -np.expm1(self._log_silence(bought, age, horizon_days))
        else:
            buys = self._buys_after(bought, age, lead_days=lead_days, horizon_days=horizon_days)
        return 1.0 - self.p_alive(bought, last, age) * buys

    def as_json(self) -> dict[str, float]:
        """The four parameters, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, float]) -> BgNbd:
        """The model of :meth:`as_json`."""
        return cls(**{name: float(content[name]) for name in ("r", "alpha", "a", "b")})

    def _log_odds_gone(self, bought: Floats, last: Floats, age: Floats) -> Floats:
        odds = np.log(self.a) - np.log(self.b + np.maximum(bought, 1) - 1)
        waited = np.log((self.alpha + age) / (self.alpha + last))
        return np.asarray(odds + (self.r + bought) * waited)

    def _log_silence(self, bought: Floats, age: Floats, days: npt.ArrayLike) -> Floats:
        """Log probability that someone alive neither buys nor is tried for so many days."""
        return np.asarray(-(self.r + bought) * np.log1p(np.asarray(days) / (self.alpha + age)))

    def _buys_after(
        self, bought: Floats, age: Floats, *, lead_days: float, horizon_days: float
    ) -> Floats:
        """Probability that someone alive survives the lead and then buys within the horizon."""
        known = np.isfinite(bought)
        counts, position = np.unique(np.where(known, bought, 0.0), return_inverse=True)
        nodes, weights = _beta_quadrature(self.a, self.b + counts)
        buys = np.zeros(len(bought))
        for node, weight in zip(nodes.T, weights.T, strict=True):
            effort = node[position] * lead_days
            survives = np.exp(self._log_silence(bought, age, effort))
            silent = np.exp(self._log_silence(bought, age, effort + horizon_days))
            buys += weight[position] * (survives - silent)
        return buys


def fit_bg_nbd(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> BgNbd:
    """The BG/NBD model of greatest likelihood for these purchase histories.

    Parameters
    ----------
    x : array_like, shape (n_customers,)
        Repeat purchase days (purchase days minus one).
    t_x : array_like, shape (n_customers,)
        Time from the first to the last purchase; 0 where x is 0.
    T : array_like, shape (n_customers,)
        Time from the first purchase to the end of the observation.

    Returns
    -------
    BgNbd
        In the unit of ``t_x`` and ``T``.

    Raises
    ------
    InputError
        If a history is impossible, or if nobody ever bought twice.

    References
    ----------
    .. [1] Fader, Hardie, Lee (2005), equation 6; the sum of the two terms is taken in logs.
    """
    bought, last, age = _histories(x, t_x, T)
    _check(bought, last, age)
    scale = float(age.mean())
    arguments = (bought, last / scale, age / scale)
    found = [
        optimize.minimize(
            _negative_log_likelihood,
            np.log(start),
            args=arguments,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_LOG_BOUND, _LOG_BOUND)] * 4,
            options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9},
        )
        for start in _STARTS
    ]
    r, alpha, a, b = np.exp(min(found, key=lambda result: float(result.fun)).x)
    return BgNbd(r=float(r), alpha=float(alpha * scale), a=float(a), b=float(b))


def _negative_log_likelihood(
    logs: Floats, bought: Floats, last: Floats, age: Floats
) -> tuple[float, Floats]:
    """Minus the mean log-likelihood and its gradient, both in the logs of the parameters."""
    r, alpha, a, b = np.exp(logs)
    to_end, to_last = np.log(alpha + age), np.log(alpha + last)
    tried = np.maximum(bought, 1) - 1 + b
    alive = -(r + bought) * to_end
    gone = np.where(bought > 0, np.log(a / tried) - (r + bought) * to_last, -np.inf)
    either = np.logaddexp(alive, gone)
    share = np.exp(gone - either)
    value = (
        special.gammaln(r + bought) - special.gammaln(r) + r * np.log(alpha)
        + special.betaln(a, b + bought) - special.betaln(a, b) + either
    )  # fmt: skip
    both = special.digamma(a + b) - special.digamma(a + b + bought)
    gradient = np.array([
        np.mean(special.digamma(r + bought) - special.digamma(r) + np.log(alpha)
                - (1 - share) * to_end - share * to_last) * r,
        np.mean(r / alpha - (r + bought) * ((1 - share) / (alpha + age) + share / (alpha + last)))
        * alpha,
        np.mean(both + share / a) * a,
        np.mean(both + special.digamma(b + bought) - special.digamma(b) - share / tried) * b,
    ])  # fmt: skip
    return -float(np.mean(value)), -gradient


def _beta_quadrature(a: float, b: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights of the mean over Beta(a, b), one row for each b.

    Golub and Welsch: eigenvalues of the Jacobi matrix, weights from the first components of the
    eigenvectors. They sum to one by themselves, where the library's weights overflow for b > 1000.
    """
    upper, lower = b[:, None] - 1.0, a - 1.0
    total = upper + lower
    order = np.arange(1, _NODES, dtype=np.float64)[None, :]
    step = 2 * order + total
    first = (lower - upper) / (total + 2)
    rest = (lower - upper) * total / (step * (step + 2))
    # The last factor is 1 at order 1, written out because it is 0 / 0 where a + b = 1.
    last_factor = np.where(order == 1, 1.0, (order + total) / np.where(order == 1, 1.0, step - 1))
    squares = 4 * order * (order + upper) * (order + lower) / (step**2 * (step + 1)) * last_factor
    matrices = np.zeros((len(b), _NODES, _NODES))
    diagonal = np.arange(_NODES)
    matrices[:, diagonal, diagonal] = np.concatenate([first, rest], axis=1)
    matrices[:, diagonal[1:], diagonal[:-1]] = np.sqrt(squares)
    values, vectors = np.linalg.eigh(matrices)
    return np.asarray((values + 1) / 2), np.asarray(vectors[:, 0, :] ** 2)


def _histories(
    x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    bought, last, age = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (x, t_x, T))
    )
    return bought, last, age


def _unknown_stays_unknown(values: Floats, *inputs: Floats) -> Floats:
    known = np.logical_and.reduce([np.isfinite(column) for column in inputs])
    return np.where(known, values, np.nan)


def _check(bought: Floats, last: Floats, age: Floats) -> None:
    possible = (bought >= 0) & (last >= 0) & (last <= age) & np.isfinite(age)
    if not possible.all():
        at = int(np.flatnonzero(~possible)[0])
        raise InputError(
            f"{int((~possible).sum())} of {len(bought)} purchase histories are impossible; the "
            f"first has x = {bought[at]}, t_x = {last[at]}, T = {age[at]}. Expected x >= 0 and "
            "0 <= t_x <= T, without missing values."
        )
    if not len(bought) or bought.sum() == 0 or age.mean() == 0:
        raise InputError(
            f"BG/NBD needs repeat purchases to learn from; none of the {len(bought)} customers "
            "bought on two days. Check [churn] activity or bring a longer history."
        )
