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
BASE = {
    "characters",
    "errors",
    "atomic",
    "settings",
    "_lazy",
    "_version",
}  # files beside the rooms, which know none of them
MAY_IMPORT = {  # room -> the rooms below it
    **{file: {"errors"} - {file} for file in BASE},
    "canvas": {"errors"},
    "composer": {"canvas", *BASE},
    "renderer": {"canvas", *BASE},
    "runtime": {"composer", "renderer", "canvas", *BASE},
    "studio": {"runtime", "composer", "renderer", "canvas", *BASE},
    "__main__": {"studio", "runtime", "composer", "renderer", "canvas", *BASE},
    "__init__": {"runtime", "composer", "renderer", "canvas", *BASE},
}
#: The one import that runs up: `Canvas.from_json` and `Canvas.from_bot_response`, constructors that need a parser.
UPWARD = {("canvas.canvas", "canvas.reader")}
HEAVY = {"torch", "transformers", "diffusers", "peft", "accelerate", "bitsandbytes", "llguidance"}
HEAVY_FILES = {"composer/local.py", "composer/cached_model.py", "composer/grammar.py"}
COSTLY = {"torch", "transformers", "diffusers", "openai", "huggingface_hub", "llguidance"}  # seconds to import
HEAVY_ROOMS = {"renderer", "runtime"}
LONGEST = 60  # lines of a function
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
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from names


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


COMMANDS = [LIBRARY / "__main__.py", *sorted((LIBRARY.parent / "bench").glob("*.py"))]
DRIVES_THE_PAGE = {"page.py", "shots.py"}


@pytest.mark.parametrize("path", [path for path in COMMANDS if path.name not in DRIVES_THE_PAGE], ids=lambda p: p.name)
def test_the_command_line_and_the_benches_import_nothing_from_the_page(path: Path) -> None:
    assert not [name for name in imported(ast.parse(path.read_text())) if name.startswith("lib_omost.studio.page")]


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


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_no_function_is_longer_than_sixty_lines(path: Path) -> None:
    functions = [
        n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {one.name: (one.end_lineno or 0) - one.lineno + 1 for one in functions}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_an_engine_its_diagnostics_and_settings_cost_no_torch() -> None:
    code = (
        "import sys; from lib_omost.runtime import Engine, entries, report;"
        "from lib_omost.composer import checked_key;"
        "from lib_omost import RenderSettings, ComposeSettings, read_canvas;"
        "Engine('default', 'default').render_defaults; RenderSettings(); ComposeSettings(); entries();"
        f"sys.exit(', '.join(sorted({COSTLY} & sys.modules.keys())) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=LIBRARY.parent, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_two_types_of_the_library_share_a_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(module(path))
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id  # a type alias is written in capitals and small letters, a constant is not
                if name[0].isupper() and not name.isupper():
                    homes.setdefault(name, []).append(module(path))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}
