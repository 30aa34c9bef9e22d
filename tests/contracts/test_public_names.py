"""`import churnml as ch`: every name is there, is what it says, and is seen by completion."""

from __future__ import annotations

import ast
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import jedi
import pytest

import churnml as ch

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "src" / "churnml" / "__init__.py").read_text(encoding="utf-8")
NAMES = [name for name in ch.__all__ if name != "__version__"]


def for_type_checkers() -> dict[str, str]:
    """Public name -> where the block for type checkers imports it from."""
    block = next(node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    found, aliases = {}, {}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                found[name.asname] = f"{node.module}:{name.name}"
        elif isinstance(node, ast.Assign):
            aliases[node.targets[0].id] = node.value.id
    return {name: home for name, home in found.items() if not name.startswith("_")} | {
        name: found[private] for name, private in aliases.items()
    }


def test_type_checkers_and_python_see_the_same_names():
    assert for_type_checkers() == ch._PUBLIC


def test_no_public_name_is_that_of_a_module():
    assert set(NAMES) & {module.name for module in pkgutil.iter_modules(ch.__path__)} == set()


def test_every_name_is_the_same_however_and_whenever_it_is_imported():
    # in a process of its own, where nothing has been imported yet
    code = """
import importlib, pkgutil, sys
import churnml as ch
assert set(ch.__all__) == set(dir(ch))
names = [name for name in ch.__all__ if name != "__version__"]
assert not set(names) & set(vars(ch)), "lazy"
first = {name: getattr(ch, name) for name in names}
for module in pkgutil.walk_packages(ch.__path__, "churnml."):
    if not module.name.startswith(("churnml.__main__", "churnml.commands")):
        importlib.import_module(module.name)
for name, found in first.items():
    scope = {}
    exec(f"from churnml import {name}", scope)
    assert getattr(ch, name) is found is scope[name], name
    assert type(found) is not type(sys), f"{name} is a module"
    assert callable(found) and (found.__doc__ or "").strip(), f"{name} says nothing"
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_nothing_heavy_is_loaded_before_a_verb_is_used():
    code = "import sys, churnml, churnml as ch; dir(ch); print('pandas' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert answer.stdout.strip() == "False"


def test_a_name_that_is_not_there_brings_the_nearest():
    with pytest.raises(AttributeError, match="Did you mean compute_features"):
        ch.compute_feature  # noqa: B018


@pytest.fixture
def project() -> jedi.Project:
    return jedi.Project(ROOT, added_sys_path=[str(ROOT / "src")])


def test_completion_offers_every_name_and_the_arguments_of_a_verb(project):
    offered = jedi.Script("import churnml as ch\nch.", project=project).complete(2, 3)
    called = jedi.Script("import churnml as ch\nch.take_snapshots(", project=project)

    assert {one.name for one in offered} >= set(NAMES)
    (signature,) = called.get_signatures(2, 18)
    assert [one.name for one in signature.params] == ["dataset", "as_ofs"]
    assert signature.docstring().strip()


def test_the_guide_lists_every_name_and_no_other():
    text = (ROOT / ".github" / "guide" / "notebook.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in text.splitlines() if line.startswith("| "))

    assert set(re.findall(r"`([^`]+)`", table)) == set(NAMES)


def test_every_name_has_an_example_that_the_suite_runs():
    silent = {name for name in NAMES if ">>>" not in (getattr(ch, name).__doc__ or "")}

    assert not silent
