import json
import math

import numpy as np
import pytest
from scipy import integrate, stats

from churnml.errors import InputError
from churnml.model.bg_nbd import BgNbd, _negative_log_likelihood, fit_bg_nbd

#: Published for the 2,357 customers of the CDNOW sample, in weeks (Fader, Hardie, Lee 2005).
PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)


def histories(model: BgNbd, *, customers: int, seed: int) -> tuple[np.ndarray, ...]:
    """Buying lives drawn purchase by purchase: (x, t_x, T) and whether still alive at T."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(customers):
        rate, drop = rng.gamma(model.r, 1 / model.alpha), rng.beta(model.a, model.b)
        age = rng.uniform(27, 39)
        bought, last, now, alive = 0, 0.0, 0.0, True
        while alive:
            now += rng.exponential(1 / rate) if rate > 0 else math.inf
            if now > age:
                break
            bought, last, alive = bought + 1, now, rng.random() >= drop
        rows.append((bought, last, age, alive))
    x, t_x, ages, alive = zip(*rows, strict=True)
    return np.array(x), np.array(t_x), np.array(ages), np.array(alive)


def plain_log_likelihood(model: BgNbd, x: int, t_x: float, T: float) -> float:
    """The product form of equation 6, one customer at a time, without any care for overflow."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b

    def beta(first: float, second: float) -> float:
        return math.gamma(first) * math.gamma(second) / math.gamma(first + second)

    rate = math.gamma(r + x) * alpha**r / math.gamma(r)
    alive = beta(a, b + x) / beta(a, b) * rate / (alpha + T) ** (r + x)
    gone = 0.0
    if x > 0:
        gone = beta(a + 1, b + x - 1) / beta(a, b) * rate / (alpha + t_x) ** (r + x)
    return math.log(alive + gone)


def test_the_likelihood_is_equation_6_of_the_paper():
    x, t_x, T, _ = histories(PUBLISHED, customers=40, seed=1)
    expected = -np.mean(
        [plain_log_likelihood(PUBLISHED, *row) for row in zip(x, t_x, T, strict=True)]
    )
    logs = np.log([PUBLISHED.r, PUBLISHED.alpha, PUBLISHED.a, PUBLISHED.b])
    value, _ = _negative_log_likelihood(logs, x.astype(float), t_x, T)
    assert value == pytest.approx(expected, rel=1e-12)


def test_the_gradient_is_the_slope_of_the_likelihood():
    x, t_x, T, _ = histories(PUBLISHED, customers=60, seed=2)
    logs = np.log([0.5, 3.0, 0.6, 1.9])
    _, gradient = _negative_log_likelihood(logs, x.astype(float), t_x, T)
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-6
        above, _ = _negative_log_likelihood(logs + step, x.astype(float), t_x, T)
        below, _ = _negative_log_likelihood(logs - step, x.astype(float), t_x, T)
        assert gradient[place] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_the_fit_finds_the_parameters_that_made_the_lives():
    x, t_x, T, _ = histories(PUBLISHED, customers=12_000, seed=3)
    fitted = fit_bg_nbd(x, t_x, T)
    assert fitted.r == pytest.approx(PUBLISHED.r, rel=0.08)
    assert fitted.alpha == pytest.approx(PUBLISHED.alpha, rel=0.12)
    assert fitted.a / (fitted.a + fitted.b) == pytest.approx(0.793 / 3.219, rel=0.1)


def test_days_instead_of_weeks_change_the_rate_parameter_alone():
    x, t_x, T, _ = histories(PUBLISHED, customers=800, seed=4)
    weeks, days = fit_bg_nbd(x, t_x, T), fit_bg_nbd(x, 7 * t_x, 7 * T)
    assert days.alpha == pytest.approx(7 * weeks.alpha, rel=1e-4)
    assert (days.r, days.a, days.b) == pytest.approx((weeks.r, weeks.a, weeks.b), rel=1e-4)


def test_someone_who_never_came_back_counts_as_alive_and_p_alive_falls_with_silence():
    alive = PUBLISHED.p_alive([0, 3, 3, 3], [0, 30, 20, 10], [39, 39, 39, 39])
    assert alive[0] == 1.0
    assert alive[1] > alive[2] > alive[3] > 0


def test_p_alive_is_the_share_still_alive_among_drawn_lives():
    x, t_x, T, alive = histories(PUBLISHED, customers=12_000, seed=5)
    assert PUBLISHED.p_alive(x, t_x, T).mean() == pytest.approx(alive.mean(), abs=0.01)


def test_without_a_lead_the_answer_is_the_closed_form():
    p_alive = PUBLISHED.p_alive([2], [30.43], [38.86])[0]
    silent = ((4.414 + 38.86) / (4.414 + 38.86 + 13)) ** (0.243 + 2)
    found = PUBLISHED.p_no_purchase([2], [30.43], [38.86], lead_days=0, horizon_days=13)
    assert found[0] == pytest.approx(1 - p_alive * (1 - silent), rel=1e-12)


@pytest.mark.parametrize("x", [0, 1, 7, 60])
@pytest.mark.parametrize(
    "model", [PUBLISHED, BgNbd(0.7, 66.0, 0.15, 3.5), BgNbd(2.0, 5.0, 0.4, 0.6)]
)
def test_with_a_lead_the_answer_is_the_integral_over_the_dropout_probability(model, x):
    t_x, age, lead, horizon = (0.0 if x == 0 else 200.0), 230.0, 21.0, 90.0
    posterior = stats.beta(model.a, model.b + x)

    def buys(p: float) -> float:
        power = model.r + x
        survived = ((model.alpha + age) / (model.alpha + age + p * lead)) ** power
        silent = ((model.alpha + age) / (model.alpha + age + p * lead + horizon)) ** power
        return survived - silent

    expected, _ = integrate.quad(lambda u: buys(posterior.ppf(u)), 0, 1, epsabs=1e-11, limit=200)
    alive = model.p_alive([x], [t_x], [age])[0]
    found = model.p_no_purchase([x], [t_x], [age], lead_days=lead, horizon_days=horizon)[0]
    assert found == pytest.approx(1 - alive * expected, abs=1e-8)


def test_a_vanishing_lead_joins_the_closed_form():
    arguments = ([0, 4, 4], [0.0, 150.0, 10.0], [200.0, 200.0, 200.0])
    closed = PUBLISHED.p_no_purchase(*arguments, lead_days=0, horizon_days=90)
    nearly = PUBLISHED.p_no_purchase(*arguments, lead_days=1e-9, horizon_days=90)
    assert nearly == pytest.approx(closed, abs=1e-10)


def test_thousands_of_purchases_neither_overflow_nor_leave_the_unit_interval():
    found = PUBLISHED.p_no_purchase(
        [0, 5_000, 20_000], [0, 399, 10], [400, 400, 400], lead_days=21, horizon_days=90
    )
    assert np.all((found >= 0) & (found <= 1))
    assert found[2] == pytest.approx(1.0)


def test_an_unknown_history_has_an_unknown_answer():
    found = PUBLISHED.p_no_purchase(
        [2, np.nan, 2], [30, 30, np.nan], [39, 39, 39], lead_days=21, horizon_days=28
    )
    assert np.isnan(found).tolist() == [False, True, True]


def test_the_model_survives_json_bit_for_bit():
    model = fit_bg_nbd(*histories(PUBLISHED, customers=300, seed=6)[:3])
    assert BgNbd.from_json(json.loads(json.dumps(model.as_json()))) == model


@pytest.mark.parametrize(
    ("x", "t_x", "T", "words"),
    [
        ([0, 0], [0, 0], [9, 9], "repeat purchases"),
        ([], [], [], "repeat purchases"),
        ([1, 2], [3, 10], [9, 9], "1 of 2 purchase histories are impossible"),
        ([1, np.nan], [3, 3], [9, 9], "impossible"),
    ],
)
def test_histories_that_cannot_be_learnt_from_are_refused_in_words(x, t_x, T, words):
    with pytest.raises(InputError, match=words):
        fit_bg_nbd(x, t_x, T)


def test_an_impossible_window_is_refused():
    with pytest.raises(InputError, match="lead_days >= 0"):
        PUBLISHED.p_no_purchase([1], [1], [2], lead_days=-1, horizon_days=7)
