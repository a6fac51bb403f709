"""The wheel: all that belongs in it, and the command `omost` of an installed one in a folder of its own.

Its environment is new, but for the libraries, which are those of the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from lib_omost import Canvas, __version__
from lib_omost.studio.store.images import read_png

pytestmark = pytest.mark.package
ROOT = Path(__file__).parents[1]
NEEDED = (
    *("lib_omost", "default_models", "gradio_app.py", "chat_interface.py", "pyproject.toml", "setup.py", "MANIFEST.in"),
    *("requirements.txt", "requirements-mcp.txt", "README.md", "LICENSE"),
)
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing of it lies about in the checkout."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    done = run(*PIP, "wheel", ".", "--no-deps", "--no-build-isolation", "-w", made, cwd=source)
    assert done.returncode == 0, done.stderr
    (found,) = made.iterdir()
    return found


@pytest.fixture(scope="module")
def omost(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in a virtual environment of its own."""
    home = tmp_path_factory.mktemp("environment") / "venv"
    assert run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent).returncode == 0
    programs = home / ("Scripts" if sys.platform == "win32" else "bin")
    (packages,) = home.rglob("site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = programs / Path(sys.executable).name
    done = run(*PIP, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=home.parent)
    assert done.returncode == 0, done.stderr
    return programs / "omost"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    canvas = Canvas()
    canvas.set_global_description("a meadow", [], "", "skyblue")
    canvas.add_local_description(
        *("in the center", "no offset", "a medium-sized square area", 1.0, "a kitten", []),
        *("", "", "", "", "orange"),
    )
    path = tmp_path / "plan.txt"
    path.write_text(canvas.to_code())
    return path


def test_every_file_of_the_library_and_of_the_default_models_is_in_the_wheel(wheel: Path) -> None:
    assert wheel.name.startswith(f"omost-{__version__}-py3")
    found = {name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name}
    library = {file.relative_to(ROOT) for file in (ROOT / "lib_omost").rglob("*") if file.is_file()}
    models = {file.relative_to(ROOT) for file in (ROOT / "default_models").rglob("*") if file.is_file()}
    wanted = {str(file) for file in library if "__pycache__" not in file.parts}
    wanted |= {f"lib_omost/{file}" for file in models} | {"gradio_app.py", "chat_interface.py"}
    assert found == wanted and "lib_omost/py.typed" in found


def test_its_dependencies_are_the_pinned_ones(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        text = archive.read(name).decode()
    wanted = [line.removeprefix("Requires-Dist: ") for line in text.splitlines() if line.startswith("Requires-Dist: ")]
    pinned = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in wanted if "extra ==" not in line] == [line for line in pinned if line[0] not in "#-"]


def test_the_command_reads_and_lists_models_of_the_folder_that_it_is_called_in(omost: Path, plan: Path) -> None:
    folder = plan.parent
    done = run(omost, "read", "plan.txt", cwd=folder)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "accept")
    loras = folder / "models_dir" / "loras"
    loras.mkdir(parents=True)
    (loras / "ink.safetensors").write_bytes(b"")
    done = run(omost, "models", cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    (default,) = (row for row in rows if row[:2] == ["default", "sdxl"])
    assert "yes" in default and any(row[:2] == ["ink", "lora"] for row in rows)
    assert run(omost, "--version", cwd=folder).stdout == f"omost {__version__}\n"


def test_the_command_renders_with_the_default_model_into_the_folder_that_it_is_called_in(
    omost: Path, plan: Path
) -> None:
    options = ("--sdxl", "default", "--device", "cpu", "--steps", "2")
    done = run(omost, "render", "plan.txt", *options, cwd=plan.parent)
    assert (done.returncode, done.stdout) == (0, f"{Path('outputs') / 'plan.png'}\n"), done.stderr
    saved = read_png(plan.parent / "outputs" / "plan.png")
    assert saved.notes == ("“kitten” is new to this image model; it painted “cat” instead.",)
    done = run(omost, "convert", "outputs/plan.png", "--to", "svg", cwd=plan.parent)
    assert done.stdout.startswith('<svg xmlns="http://www.w3.org/2000/svg" width="256"')


def test_alone_the_command_is_the_page_and_its_own_files_are_where_it_looks(omost: Path, plan: Path) -> None:
    done = run(omost, "--auth", "nobody", cwd=plan.parent)
    assert (done.returncode, done.stdout) == (2, "Cannot start: --auth wants USER:PASSWORD.\n"), done.stderr
    code = (
        "import gradio_app, lib_omost; from lib_omost.runtime import Engine, catalog; from pathlib import Path;"
        "gradio_app.build(Engine('default', 'default'), Path('outputs').resolve());"
        "print(lib_omost.__file__); print(catalog.llm('default').adapter.is_dir())"
    )
    done = run(omost.with_name(Path(sys.executable).name), "-c", code, cwd=plan.parent)
    assert done.returncode == 0, done.stderr
    file, here = done.stdout.splitlines()
    assert here == "True" and str(omost.parents[1]) in file
