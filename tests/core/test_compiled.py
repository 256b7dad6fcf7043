"""The folder of compiled code belongs to the sources as they are, and Python calls what has a way in for it alone."""

from __future__ import annotations

import ast
import doctest
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import riskcontrol

ROOT = Path(riskcontrol.__file__).parent.parent
IMPORT = re.compile(r"^from ((?:riskcontrol|ingestion)[\w.]*) import", re.MULTILINE)
CLOSED_WAYS = ("inner", "bare", "inlined", "pasted")
WAYS = ("njit", "entry", *CLOSED_WAYS)
COMPILED = re.compile(rf"^@(?:{'|'.join(WAYS)})\b", re.MULTILINE)
MODULES = sorted(
    path
    for folder in ("riskcontrol", "ingestion")
    for path in (ROOT / folder).rglob("*.py")
    if COMPILED.search(path.read_text())
)


NOT_FROZEN = {"riskcontrol.errors", "ingestion.calendar"}
"""Asked around the compiled loops, not in them."""

IMPORTED = sorted(
    path
    for name in {name for module in MODULES for name in IMPORT.findall(module.read_text())} - NOT_FROZEN
    if (path := ROOT / f"{name.replace('.', '/')}.py").is_file()
)
"""Modules that compiled ones take constants, or nothing but types, from."""


def test_there_are_compiled_modules() -> None:
    assert ROOT / "riskcontrol" / "triggers.py" in MODULES


@pytest.mark.parametrize("path", sorted({*MODULES, *IMPORTED}), ids=lambda path: path.stem)
def test_a_change_of_a_compiled_module_or_of_a_frozen_constant_leads_to_another_folder(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = riskcontrol._numba_cache()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + (b"\n" if self == path else b""))
    assert riskcontrol._numba_cache() != before


FOLDERS = ("riskcontrol", "ingestion", "spark", "database", "frontend", "bench", "examples", "jars", "tests")


def name_of(path: Path) -> str:
    """Return a module's name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def decorated(node: ast.AST, ways: tuple[str, ...]) -> bool:
    """Say whether a node is a function that is compiled in one of these ways."""
    if not isinstance(node, ast.FunctionDef):
        return False
    return any(ast.unparse(each).rpartition(".")[2] in ways for each in node.decorator_list)


@functools.cache  # and not when tests are collected
def closed_functions() -> dict[str, set[str]]:
    """Return, by module, the names of functions that have no way in for Python, wherever they were imported to."""
    trees = {name_of(path): ast.parse(path.read_text()) for path in MODULES}
    found = {
        name: {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and decorated(node, CLOSED_WAYS)}
        for name, tree in trees.items()
    }
    more = True
    while more:  # what one imports, another may import from it
        before = sum(map(len, found.values()))
        for name, tree in trees.items():
            found[name] |= imported(tree, found)
        more = sum(map(len, found.values())) > before
    return found


def imported(tree: ast.AST, closed: dict[str, set[str]]) -> set[str]:
    """Return by which names a module has functions without a way in for Python."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                own = each.asname or each.name
                if each.name in closed.get(node.module or "", ()):
                    names.add(own)
                names |= {f"{own}.{name}" for name in closed.get(f"{node.module}.{each.name}", ())}
        elif isinstance(node, ast.Import):
            for each in node.names:
                names |= {f"{each.asname or each.name}.{name}" for name in closed.get(each.name, ())}
    return names


def of_python(node: ast.AST) -> Iterator[str]:
    """Give the names that are used outside of what is compiled."""
    for child in ast.iter_child_nodes(node):
        if decorated(child, WAYS):
            continue
        yield dotted(child)
        yield from of_python(child)


def dotted(node: ast.AST) -> str:
    """Return a name, or names with points between them, as text; nothing for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    whose = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{whose}.{node.attr}" if whose and isinstance(node, ast.Attribute) else ""


def called(text: str, own: set[str]) -> set[str]:
    """Return what a module's Python, its examples included, uses of what has no way in for it."""
    tree = ast.parse(text)
    found = used(tree, own)
    if ">>>" not in text:
        return found
    documented = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    docs = [ast.get_docstring(node) or "" for node in documented]
    examples = "".join(each.source for doc in docs for each in doctest.DocTestParser().get_examples(doc))
    return found | used(ast.parse(examples), own)


def used(tree: ast.AST, own: set[str]) -> set[str]:
    """Return what Python uses of what has no way in for it: of the module itself, and of what it imports."""
    known = imported(tree, closed_functions()) | own
    return known & set(of_python(tree)) if known else known


@pytest.mark.parametrize("folder", FOLDERS)
def test_python_calls_nothing_that_has_no_way_in_for_it(folder: str) -> None:
    """It would end the process."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    found = {path.name: called(path.read_text(), closed_functions().get(name_of(path), set())) for path in paths}
    assert not any(found.values()), {name: used for name, used in found.items() if used}


@pytest.mark.parametrize(
    "text",
    [
        "from riskcontrol.orders import fee\nfee(1)",
        "from riskcontrol.orders import fee as charged\nsorted([], key=charged)",
        "from riskcontrol import orders\norders.fee(1)",
        "from riskcontrol import orders as o\ndef f():\n    return o.fee(1)",
        "import riskcontrol.orders\nriskcontrol.orders.fee(1)",
        "import riskcontrol.orders as o\no.fee(1)",
        "from riskcontrol.cohorts import execute\nexecute()",
        '"""Say.\n\n>>> from riskcontrol.orders import fee\n>>> fee(1)\n"""',
    ],
)
def test_a_call_from_python_is_seen(text: str) -> None:
    assert len(called(text, set())) == 1


def test_calls_among_what_is_compiled_are_none() -> None:
    assert called("from riskcontrol.orders import fee\n@njit\ndef f():\n    return fee(1)", set()) == set()
