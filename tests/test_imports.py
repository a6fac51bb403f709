"""The rooms know each other in one direction only, torch stays where it computes, and nothing executes or prints."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "lib_omost"
FILES = sorted(LIBRARY.rglob("*.py"))
MAY_IMPORT = {  # room -> the rooms below it
    "errors": set(),
    "canvas": {"errors"},
    "composer": {"canvas", "errors"},
    "renderer": {"canvas", "errors"},
    "runtime": {"composer", "renderer", "canvas", "errors"},
    "studio": {"runtime", "composer", "renderer", "canvas", "errors"},
    "__main__": {"studio", "runtime", "composer", "renderer", "canvas", "errors"},
    "__init__": {"runtime", "composer", "renderer", "canvas", "errors"},
}
#: The one import that runs up: `Canvas.from_json` and `Canvas.from_bot_response`, constructors that need a parser.
UPWARD = {("canvas.canvas", "canvas.reader")}
HEAVY = {"torch", "transformers", "diffusers", "peft", "accelerate", "bitsandbytes", "llguidance"}
HEAVY_FILES = {"composer/local.py", "composer/cached_model.py", "composer/rules.py"}
HEAVY_ROOMS = {"renderer", "runtime"}
FORBIDDEN_CALLS = {"exec", "eval", "print", "__import__", "compile"}


def room(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, wherever in it, as a dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module(path: Path) -> str:
    """`canvas.reader` for canvas/reader/__init__.py, `canvas.colors` for canvas/colors.py."""
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def graph() -> dict[str, set[str]]:
    """Every file of the library and the files that it imports, the imports inside of functions included."""
    files = {module(path) for path in FILES}
    found: dict[str, set[str]] = {}
    for path in FILES:
        names = [
            n.removeprefix("lib_omost.") for n in imported(ast.parse(path.read_text())) if n.startswith("lib_omost.")
        ]
        targets = {name if name in files else name.rpartition(".")[0] for name in names}
        found[module(path)] = {t for t in targets if t in files and (module(path), t) not in UPWARD} - {module(path)}
    return found


def test_no_file_imports_itself_by_way_of_others() -> None:
    tuple(graphlib.TopologicalSorter(graph()).static_order())  # raises CycleError and names the circle


def test_the_upward_import_would_close_a_circle() -> None:
    for file, target in UPWARD:
        closed = graph()[file] | {target}
        with pytest.raises(graphlib.CycleError):
            graphlib.TopologicalSorter(graph() | {file: closed}).prepare()


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_a_file_imports_only_from_its_own_room_and_those_below(path: Path) -> None:
    here = room(path)
    rooms = {name.split(".")[1] for name in imported(ast.parse(path.read_text())) if name.startswith("lib_omost.")}
    assert rooms <= MAY_IMPORT[here] | {here}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_torch_and_its_kin_are_imported_only_where_tensors_are(path: Path) -> None:
    heavy = {name.split(".")[0] for name in imported(ast.parse(path.read_text()))} & HEAVY
    assert not heavy or room(path) in HEAVY_ROOMS or str(path.relative_to(LIBRARY)) in HEAVY_FILES


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_no_file_executes_text_or_prints(path: Path) -> None:
    allowed = {"print"} if path.name == "__main__.py" else set()
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & (FORBIDDEN_CALLS - allowed)


def test_an_engine_and_settings_cost_no_torch() -> None:
    code = (
        "import sys; from lib_omost.runtime import Engine, entries;"
        "from lib_omost import RenderSettings, ComposeSettings, read_canvas;"
        "Engine('default', 'default').render_defaults; RenderSettings(); ComposeSettings(); entries();"
        "sys.exit(', '.join(sorted({'torch', 'transformers', 'diffusers'} & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=LIBRARY.parent, check=False)
    assert (done.returncode, done.stderr) == (0, "")
