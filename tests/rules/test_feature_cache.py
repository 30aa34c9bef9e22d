"""Features are kept for a rerun, and made anew when a word of the company's own lists changes."""

from __future__ import annotations

import pandas as pd
import pytest

from churnml.features import cache as feature_cache
from churnml.features import compute_features
from churnml.features.cache import cached_features
from churnml.features.tone import tone
from churnml.sources import open_dataset

NAME = "said_ultimatum_28d"


@pytest.fixture
def company(tmp_path, monkeypatch):
    """A company with one customer and one message; its description lies elsewhere."""
    monkeypatch.chdir(tmp_path)  # where scores of texts are kept
    data = tmp_path / "data"
    (data / "words").mkdir(parents=True)
    tables = {
        "customers": {"customer_id": "a", "signed_up_at": "2025-01-01"},
        "subscriptions": {"subscription_id": "s", "customer_id": "a", "started_at": "2025-01-01"},
        "messages": {
            "message_id": "m", "customer_id": "a", "sent_at": "2026-05-20", "author": "customer",
            "text": "Ждём шерифа",
        },
    }  # fmt: skip
    for name, row in tables.items():
        pd.DataFrame([row]).to_csv(data / f"{name}.csv", index=False)
    (tmp_path / "described.toml").write_text(
        'observed_until = 2026-06-01\n[text]\nlists = "words"\n', encoding="utf-8"
    )
    return tmp_path


def said_after(company, words: str, *, fitted: str = "") -> float:
    """The feature after the list of ultimatums was saved with these words."""
    (company / "data" / "words" / "own.toml").write_text(
        f'[markers.ultimatum]\nfind = ["{words}"]\n', encoding="utf-8"
    )
    dataset = open_dataset(company / "data", dataset_file=company / "described.toml")
    snapshots = pd.DataFrame({"customer_id": ["a"], "as_of": [pd.Timestamp("2026-05-25")]})
    table = cached_features(
        dataset, snapshots, features=[one for one in tone() if one.name == NAME],
        kept=pd.Series([True]), folder=company / "cache", fitted=fitted,
    )  # fmt: skip
    return float(table[NAME].iloc[0])


def test_an_edited_word_list_makes_other_features(company, monkeypatch):
    computed = []

    def counted(*arguments, **options):
        computed.append(1)
        return compute_features(*arguments, **options)

    monkeypatch.setattr(feature_cache, "compute_features", counted)
    found = [said_after(company, words) for words in ("рак на горе", "ждем шерифа", "ждем шерифа")]

    assert found == [0, 1, 1]
    assert len(computed) == 2


def test_another_fitted_model_makes_other_features(company, monkeypatch):
    computed = []

    def counted(*arguments, **options):
        computed.append(1)
        return compute_features(*arguments, **options)

    monkeypatch.setattr(feature_cache, "compute_features", counted)
    for fitted in ("", "1f2e3d4c", "1f2e3d4c", "99887766"):
        said_after(company, "ждем шерифа", fitted=fitted)

    assert len(computed) == 3
