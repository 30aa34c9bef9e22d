"""What moved a score, and what would lower it: on a model small enough to reckon by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from churnml.explanation.changes import Change
from churnml.explanation.past import WEEKS, Past, past_in, past_of
from churnml.explanation.score_change import score_change
from churnml.explanation.setting_back import would_lower
from churnml.explanation.topics import Topic
from churnml.explanation.wording import Voice
from churnml.features import Family, Feature, Unit, catalogue
from churnml.features.algebra import LAST_4_WEEKS, Rows
from churnml.features.operators import attribute, count
from churnml.features.row_sources import EVENTS
from churnml.scoring import features_at
from churnml.sources.description import Description

NOW, THEN = pd.Timestamp("2026-03-02"), pd.Timestamp("2026-02-02")
WEIGHTS = pd.Series({"logins": -0.2, "key_use": -0.1, "exports": 0.5, "sector": 0.0})
VOICES = {language: Voice(language, "UTC", "EUR") for language in ("en", "ru")}


def feature(name, play, risk, unit=Unit.COUNT):
    value = attribute("industry") if unit is Unit.CATEGORY else count(Rows(EVENTS), LAST_4_WEEKS)
    return Feature(name, value, {"en": name.capitalize(), "ru": name.capitalize()}, unit,
                   Family.USAGE, risk, play)  # fmt: skip


FEATURES = (
    feature("logins", "coach", -1), feature("key_use", "coach", -1), feature("exports", "talk", 1),
    feature("sector", "call", 0, Unit.CATEGORY),
)  # fmt: skip


class Straight:
    """Log-odds are a weighted sum: shares are the addends."""

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        numbers = features.assign(sector=0.0).astype("float64")
        return (numbers * WEIGHTS).assign(bias=-1.0)

    def logit(self, features: pd.DataFrame) -> np.ndarray:
        return self.contributions(features).sum(axis=1).to_numpy()

    def predict(self, features: pd.DataFrame) -> pd.Series:
        return pd.Series(1 / (1 + np.exp(-self.logit(features))), index=features.index)


MODEL = SimpleNamespace(ensemble=Straight(), predict=Straight().predict)


def row(as_of, **values):
    index = pd.MultiIndex.from_tuples([("ann", as_of)], names=["customer_id", "as_of"])
    return pd.DataFrame([{**values, "sector": "bank"}], index=index)


def test_the_differences_of_the_topics_add_up_to_that_of_the_score():
    then = row(THEN, logins=12.0, key_use=5.0, exports=0.0)
    now = row(NOW, logins=2.0, key_use=6.0, exports=1.0)
    found = score_change(MODEL, then, now, features=FEATURES, voices=VOICES).set_index("play")

    # -0.2 * -10 - 0.1 * 1, and 0.5 * 1
    assert found["difference"].to_dict() == pytest.approx({"coach": 1.9, "talk": 0.5, "call": 0.0})
    total = MODEL.ensemble.logit(now) - MODEL.ensemble.logit(then)
    assert found["difference"].sum() == pytest.approx(total[0])
    assert list(found.index) == ["coach", "talk", "call"]
    assert found.loc["coach", ["feature", "then", "now"]].tolist() == ["logins", 12.0, 2.0]
    assert found.loc["coach", "text_en"] == "Logins: 12 before, 2 now, goes with a higher risk"
    assert found.loc["coach", "text_ru"] == "Logins: было 12, стало 2, связано с ростом риска"


def test_what_counts_other_signals_stands_for_itself_where_a_score_moved():
    known = {one.name: one for one in catalogue(Description())}
    features = (known["signals_together"], known["events_28d"])
    model = SimpleNamespace(ensemble=Plain())
    moved = score_change(
        model, counted(NOW, 1.0), counted(NOW, 3.0), features=features, voices=VOICES
    )

    assert moved[["feature", "then", "now"]].iloc[0].to_list() == ["signals_together", 1.0, 3.0]


class Plain:
    """Log-odds are the sum of the values."""

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        return features.assign(bias=0.0)

    def logit(self, features: pd.DataFrame) -> np.ndarray:
        return features.sum(axis=1).to_numpy()


def counted(as_of, signals):
    index = pd.MultiIndex.from_tuples([("ann", as_of)], names=["customer_id", "as_of"])
    return pd.DataFrame({"signals_together": [signals], "events_28d": [9.0]}, index=index)


def test_a_change_that_does_not_add_up_is_refused():
    class Parted(Straight):
        def logit(self, features: pd.DataFrame) -> np.ndarray:
            return 1.5 * super().logit(features)

    then = row(THEN, logins=12.0, key_use=5.0, exports=0.0)
    with pytest.raises(ArithmeticError):
        score_change(SimpleNamespace(ensemble=Parted()), then, then, features=FEATURES,
                     voices=VOICES)  # fmt: skip


def past(**lives):
    pairs = pd.MultiIndex.from_tuples([("ann", NOW)], names=["customer_id", "as_of"])
    return Past(pairs, tuple(lives), np.array(list(lives.values()), dtype="float64").T[None])


COACH = Topic("usage", "coach", 1.9, ("logins",))


def test_setting_a_topic_back_takes_all_its_features_to_before_the_change():
    now = row(NOW, logins=2.0, key_use=1.0, exports=1.0)
    lives = past(logins=[12] * 10 + [2] * 3, key_use=[4, 5, 6] + [5] * 7 + [1] * 3)
    change = Change(12.0, 2.0, NOW - pd.Timedelta(days=14), WEEKS)
    found = would_lower(MODEL, now, lives, [(0, COACH, change)], features=FEATURES)

    back = row(NOW, logins=12.0, key_use=5.0, exports=1.0)
    assert found == [pytest.approx(float((MODEL.predict(now) - MODEL.predict(back)).iloc[0]))]


def test_what_did_not_change_or_would_not_help_lowers_nothing():
    now = row(NOW, logins=12.0, key_use=5.0, exports=1.0)
    lives = past(logins=[2] * 10 + [12] * 3)
    told = [(0, COACH, Change(12.0, 12.0, None, WEEKS)),
            (0, COACH, Change(2.0, 12.0, NOW, WEEKS))]  # fmt: skip

    assert would_lower(MODEL, now, lives, told, features=FEATURES) == [None, None]


def test_each_earlier_week_holds_what_was_known_then(dataset_of):
    def ago(days):
        return NOW - pd.Timedelta(days=days)

    def login(days, known=None):
        at = ago(days)
        return {"customer_id": "ann", "event_time": at, "name": "login",
                "known_at": at if known is None else ago(known)}  # fmt: skip

    everyday = [{**login(days), "customer_id": "bob"} for days in range(1, 99, 3)]
    data = dataset_of(
        {
            "customers": [{"customer_id": who, "signed_up_at": ago(700)} for who in ("ann", "bob")],
            "subscriptions": [{"subscription_id": who, "customer_id": who, "mrr": 1.0,
                               "started_at": ago(45)} for who in ("ann", "bob")],
            "events": [login(15), login(16), login(17, known=9), login(1, known=0), *everyday],
        },
        until="2027-01-01", description={"events": {"login": ["login"]}},
    )  # fmt: skip
    chosen = [f for f in catalogue(data) if f.name in ("logins_7d", "events_28d_percentile")]
    pairs = pd.MultiIndex.from_tuples([("ann", NOW)], names=["customer_id", "as_of"])
    found = past_of(data, pairs, features=chosen)
    weeks = found.values[0, :, 0]

    # At risk from 45 days ago on; the third login of that week came in a week later.
    assert np.isnan(weeks[: WEEKS - 6]).all()
    assert weeks[WEEKS - 6 :].tolist() == [0, 0, 0, 0, 2, 0, 0]
    assert found.values[0, -1, 1] == 0.25

    # Whoever has the weeks of everyone in hand reads the same from them.
    weekly = features_at(data, found.times(0), features=chosen)
    np.testing.assert_array_equal(past_in(weekly, pairs, features=chosen).values, found.values)
