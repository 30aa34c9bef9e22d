"""Imports point down the house, and MLflow is known to one module. Needs nothing but Python."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "churnml"

# From the roof to the ground; a part may import what stands below it, and its own modules.
HOUSE = (
    "__init__",
    "__main__",
    "reference",
    "commands",
    "train",
    "recalibration",
    "prepared",
    "tracking",
    "report",
    "project",
    "delivery",
    "monitoring",
    "retention",
    "support",
    "journey",
    "playbooks",
    "explanation",
    "scoring",
    "evaluation",
    "model",
    "alerting",
    "health",
    "splits",
    "labels",
    "features",
    "snapshots",
    "text",
    "sources",
    "contract",
    "windows",
    "arguments",
    "config",
    "address",
    "markup",
    "spoken",
    "errors",
)


def part_of(name: str) -> str:
    """``churnml.model.bundle`` belongs to ``model``, ``churnml`` itself to ``__init__``."""
    return name.split(".")[1] if "." in name else "__init__"


def imported_from_churnml(name: str) -> str:
    """What `from churnml import name` reads: a part, or the public names of ``__init__``."""
    return f"churnml.{name}" if name in HOUSE else "churnml"


def imported_names(source: str, *, module: str, is_package: bool) -> set[str]:
    """Every module imported anywhere in the source, inside functions too, as absolute names.

    A bare `import churnml` (for its version or folder) says nothing; what is read from it does.
    """
    package = module.split(".") if is_package else module.split(".")[:-1]
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names} - {"churnml"}
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "churnml":
            names |= set() if node.attr.startswith("__") else {imported_from_churnml(node.attr)}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            inside = {imported_from_churnml(alias.name) for alias in node.names}
            names |= inside if origin == "churnml" else {origin}
    return names


def upward(module: str, imports: set[str]) -> list[str]:
    """The imports of a module that do not point down."""
    here = part_of(module)
    ours = {name for name in imports if name == "churnml" or name.startswith("churnml.")}
    return sorted(
        n for n in ours if part_of(n) != here and HOUSE.index(part_of(n)) <= HOUSE.index(here)
    )


def modules() -> list[tuple[str, Path]]:
    paths = sorted(PACKAGE.rglob("*.py"))
    dotted = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in paths]
    return [
        (name.removesuffix(".__init__"), path) for name, path in zip(dotted, paths, strict=True)
    ]


def imports_of(module: str, path: Path) -> set[str]:
    source = path.read_text(encoding="utf-8")
    return imported_names(source, module=module, is_package=path.name == "__init__.py")


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_imports_point_down_only(module: str, path: Path):
    assert upward(module, imports_of(module, path)) == []


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_mlflow_is_imported_in_tracking_only(module: str, path: Path):
    uses = {name for name in imports_of(module, path) if name.split(".")[0] == "mlflow"}

    assert not uses or part_of(module) == "tracking"


def test_every_part_of_the_package_has_its_place_in_the_house():
    assert {part_of(module) for module, _ in modules()} <= set(HOUSE)


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("churnml.labels", "from churnml.windows import LabelWindow", []),
        ("churnml.model.bundle", "from churnml.model import boosting", []),
        ("churnml.labels", "from churnml.features import engine", []),
        ("churnml.features.engine", "import churnml.labels", ["churnml.labels"]),
        ("churnml.features.engine", "def f():\n    from churnml import labels", ["churnml.labels"]),
        ("churnml.features.engine", "from ..model import bundle", ["churnml.model"]),
        ("churnml.windows", "from churnml import open_dataset", ["churnml"]),
        ("churnml.windows", "import churnml; churnml.fit()", ["churnml"]),
        ("churnml.windows", "import churnml; churnml.__version__", []),
    ],
)
def test_an_import_that_points_up_is_seen(module: str, source: str, expected: list[str]):
    seen = imported_names(source, module=module, is_package=False)

    assert upward(module, seen) == expected
