"""Every feature says what it is, in two languages, and exists once."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from churnml.contract import TABLES
from churnml.errors import InputError
from churnml.features import Family, Unit, catalogue, describe, feature_digest
from churnml.sources.description import Description

ROLES = {"login": ("login",), "key": ("report",), "export": ("export",), "pricing": ("prices",)}
FEATURES = catalogue(Description(events=ROLES))


def test_every_feature_is_titled_in_english_and_russian():
    for feature in FEATURES:
        assert re.search("[a-z]", feature.title["en"]), feature.name
        assert not re.search("[а-яё]", feature.title["en"].lower()), feature.name
        assert re.search("[а-яё]", feature.title["ru"].lower()), feature.name


@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_two_features_carry_the_same_title(language):
    titles = [feature.title[language] for feature in FEATURES]

    assert sorted({title for title in titles if titles.count(title) > 1}) == []


def test_names_are_unique_and_every_family_has_features():
    names = [feature.name for feature in FEATURES]

    assert len(names) == len(set(names))
    assert {feature.family for feature in FEATURES} == set(Family)


def test_features_read_canonical_tables_only():
    for feature in FEATURES:
        assert set(feature.tables) <= set(TABLES), feature.name
        assert "interventions" not in feature.tables, "what we did is no signal of the customer"
        assert "calendar" not in feature.tables, "the season is the same for everyone"


def test_the_digest_follows_order_names_and_definitions():
    renamed = (replace(FEATURES[0], name="other"), *FEATURES[1:])
    redefined = (replace(FEATURES[0], value=FEATURES[1].value), *FEATURES[1:])
    digests = {
        feature_digest(features)
        for features in (FEATURES, FEATURES[::-1], renamed, redefined,
                         catalogue(Description(events={**ROLES, "key": ("other",)})))
    }  # fmt: skip

    assert len(digests) == 5
    assert feature_digest(FEATURES) == feature_digest(catalogue(Description(events=ROLES)))


def test_the_data_dictionary_is_plain_json():
    entries = json.loads(json.dumps(describe(FEATURES)))

    assert [entry["name"] for entry in entries] == [feature.name for feature in FEATURES]
    assert set(entries[0]) == {
        "name", "title", "unit", "family", "risk", "play", "tables", "columns", "definition",
    }  # fmt: skip
    assert entries[0]["tables"] == ["events"]


@pytest.mark.parametrize(
    "wrong", [{"name": "Bad Name"}, {"title": {"en": "x"}}, {"risk": 2}, {"play": ""}]
)
def test_a_feature_without_meaning_is_refused(wrong):
    with pytest.raises(InputError):
        replace(FEATURES[0], **wrong)


def test_immutable_columns_become_categories():
    described = Description.model_validate({"customers": {"immutable": ["region", "imd_band"]}})
    profile = {f.name: f for f in catalogue(described) if f.family is Family.PROFILE}

    assert profile["profile_region"].unit is Unit.CATEGORY
    assert profile["profile_imd_band"].is_category
