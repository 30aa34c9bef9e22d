"""Modules and functions stay small, and what hides faults stays out of the package."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "churnml"
MODULE_LINES = 400
FUNCTION_LINES = 40
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in MODULES]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def body_lines(function: Function) -> int:
    """Lines from the signature to the end, the docstring left out."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    spoken = ast.get_docstring(function) is not None
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1 if spoken else 0)


def forbidden(tree: ast.AST) -> list[str]:
    """Calls and handlers that hide faults: print, fillna, a handler for everything."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            found.append(f"line {node.lineno}: print")
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "fillna":
            found.append(f"line {node.lineno}: fillna")
        if isinstance(node, ast.ExceptHandler) and catches_everything(node):
            found.append(f"line {node.lineno}: except for everything")
    return found


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether any error ends here; clearing up and raising it again hides nothing."""
    if isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None:
        return False
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {getattr(kind, "id", None) for kind in caught if kind is not None}
    return handler.type is None or bool(names & {"Exception", "BaseException"})


@pytest.fixture(params=MODULES, ids=NAMES)
def source(request: pytest.FixtureRequest) -> str:
    return request.param.read_text(encoding="utf-8")


def test_a_module_has_at_most_four_hundred_lines(source: str):
    assert len(source.splitlines()) <= MODULE_LINES


def test_a_function_has_at_most_forty_lines_beside_its_docstring(source: str):
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]

    assert [f.name for f in functions if body_lines(f) > FUNCTION_LINES] == []


def test_a_module_says_its_job_in_the_first_line(source: str):
    assert ast.get_docstring(ast.parse(source))


def test_nothing_prints_swallows_every_error_or_fills_unknown_values(source: str):
    assert forbidden(ast.parse(source)) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("print('here')", ["line 1: print"]),
        ("frame.fillna(0)", ["line 1: fillna"]),
        ("try:\n    f()\nexcept Exception:\n    pass", ["line 3: except for everything"]),
        (
            "try:\n    f()\nexcept (OSError, BaseException):\n    pass",
            ["line 3: except for everything"],
        ),
        ("try:\n    f()\nexcept:\n    pass", ["line 3: except for everything"]),
        ("try:\n    f()\nexcept (OSError, KeyError):\n    pass", []),
        ("try:\n    f()\nexcept BaseException:\n    close()\n    raise", []),
        ("blueprint('plan')", []),
    ],
)
def test_what_hides_faults_is_seen(source: str, expected: list[str]):
    assert forbidden(ast.parse(source)) == expected


def test_the_docstring_does_not_count_as_lines_of_a_function():
    function = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1').body[0]

    assert isinstance(function, ast.FunctionDef)
    assert body_lines(function) == 2
