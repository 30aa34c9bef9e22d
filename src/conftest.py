"""What the examples in docstrings start from: the names of a notebook, on a company made small."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

#: Functions whose examples fit several models, or make a store: seconds each.
SLOW = {"late_arrivals", "learning_curve", "window_sufficiency", "label_sensitivity", "split_gap",
        "prove", "train", "recalibrate", "make_report"}  # fmt: skip
TABLES = ("customers", "subscriptions", "events", "tickets")
KEPT = ("active_days_7d", "active_days_28d", "logins_7d", "logins_28d", "logins_change_28d",
        "days_since_activity", "tenure_days", "days_since_ticket")  # fmt: skip


class Notebook:
    """The names that an example uses, each made when the first example asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.made:
            self.made[name] = getattr(self, f"_{name}")()
        return self.made[name]

    def _ch(self) -> Any:
        import churnml

        return churnml

    def _pd(self) -> Any:
        import pandas

        return pandas

    def _data(self) -> Path:
        world = self.folder / "world"
        self["ch"].simulate(world, customers=120, weeks=52, seed=7)
        for path in (world / "data").glob("*.parquet"):
            if path.stem not in TABLES:
                path.unlink()
        return world / "data"

    def _dataset(self) -> Any:
        return self["ch"].open_dataset(self["data"])

    def _study(self) -> Any:
        from churnml.config import Study, parse

        dropped = [one.name for one in self["ch"].catalogue(self["dataset"])
                   if one.name not in KEPT]  # fmt: skip
        content = {
            "data": str(self["data"]), "features": {"drop": dropped}, "tuning": {"trials": 0},
            "baselines": {"rank_sum": {"logins_28d": -1}}, "folds": {"blocks": 1},
            "model": {"final_seeds": 1},
        }  # fmt: skip
        return parse(Study, content, where="the examples")

    def _prepared(self) -> Any:
        return self["ch"].prepare(self["dataset"], study=self["study"], cache=self.folder / "cache")

    def _examples(self) -> Any:
        return self["prepared"][0]

    def _folds(self) -> Any:
        return self["prepared"][1]

    def _fitting(self) -> Any:
        return self["ch"].Fitting.of(self["study"], parameters=None)

    def _proof(self) -> Any:
        return self["ch"].prove(
            self["dataset"], self["examples"], folds=self["folds"], fitting=self["fitting"],
            study=self["study"], data=self["data"],
        )  # fmt: skip

    def _model(self) -> Any:
        return self["fitting"].fit(
            self["examples"], folds=self["folds"], tested=self["dataset"].observed_until
        )

    def _newest(self) -> Any:
        as_ofs = self["examples"].as_ofs
        return self["examples"].features.loc[as_ofs == as_ofs.max()]

    def _contributions(self) -> Any:
        return self["ch"].explain(self["model"], self["newest"])

    def _bundle(self) -> Any:
        from churnml.features import feature_digest

        examples, until = self["examples"], self["dataset"].observed_until
        return self["ch"].Bundle(
            ensemble=self["model"], dataset="small", study=self["study"].model_dump(mode="json"),
            feature_names=tuple(examples.features.columns),
            feature_digest=feature_digest(examples.catalogue), data_digest="small",
            data_from=examples.as_ofs.min(), data_until=until, metrics={},
        )  # fmt: skip


def _made() -> set[str]:
    """The names that a notebook makes."""
    return {name[1:] for name in vars(Notebook) if re.fullmatch("_[a-z]+", name)}


@pytest.fixture(scope="session")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    """One for all examples."""
    return Notebook(tmp_path_factory.mktemp("notebook"))


@pytest.fixture(autouse=True)
def _as_in_a_notebook(
    request: pytest.FixtureRequest,
    doctest_namespace: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every example works in a folder of its own, with the names it uses."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    examples = request.node.dtest.examples
    used = set(re.findall(r"\w+", "".join(one.source for one in examples)))
    doctest_namespace["Path"] = Path
    if "ch" not in used:
        return
    notebook = request.getfixturevalue("notebook")
    doctest_namespace.update({name: notebook[name] for name in _made() & used})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the examples that fit several models as slow."""
    for item in items:
        if item.name.rsplit(".", 1)[-1] in SLOW and hasattr(item, "dtest"):
            item.add_marker(pytest.mark.slow)
