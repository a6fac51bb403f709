"""Which models there are: where their weights come from, size, licence, warning, and how they like to be used.

Torch-free. Bringing weights here is default_model.py's and hub.py's work, loading them load_llm.py's and
load_sdxl.py's.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lib_omost.composer import EXAMPLES, SYSTEM_PROMPT, Profile
from lib_omost.errors import MissingWeightsError, UnknownModelError
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import checks, default_model, hub
from lib_omost.runtime.made_for import suiting, weight_bytes

Kind = Literal["llm", "sdxl"]
Place = Literal["embedded", "hub", "folder", "file", "server"]
Precision = Literal["nf4", "int8", "16 bits", "as stored"]

PACKAGE = Path(__file__).resolve().parents[1]
PROJECT = PACKAGE.parent
INSTALLED = (PACKAGE / "default_models").is_dir()  # in a checkout they lie beside the package
DEFAULT_MODELS = (PACKAGE if INSTALLED else PROJECT) / "default_models"
# What a person drops in: llms/, checkpoints/, loras/.
MODELS_DIR = (Path.cwd() if INSTALLED else PROJECT) / "models_dir"


@dataclass(frozen=True, slots=True)
class LlmEntry:
    """A language model. `precision`: the recommended one. `revision`: a commit hash or its beginning, None = the one
    that was first used here."""

    name: str
    source: str  # a hub id, a path, or a server's base URL with its model's name after "#"
    place: Place
    profile: Profile
    precision: Precision
    size_bytes: int | None = None  # of what is fetched, about
    licence: str = "not known here"
    warning: str = ""
    revision: str | None = None
    adapter: Path | None = None
    kind: Literal["llm"] = "llm"


@dataclass(frozen=True, slots=True)
class SdxlEntry:
    """An image model of SDXL's architecture. `defaults` are the settings that suit it."""

    name: str
    source: str
    place: Place
    defaults: RenderSettings
    precision: Precision = "16 bits"
    size_bytes: int | None = None
    licence: str = "not known here"
    warning: str = ""
    revision: str | None = None
    kind: Literal["sdxl"] = "sdxl"


OMOST = Profile(system_prompt=SYSTEM_PROMPT, context_tokens=8192, words_only=True, mixed_quotes=True)
# A model that was never trained on the language is shown two examples, and may as well use free boxes.
GENERAL = replace(OMOST, words_only=False, examples=EXAMPLES)
SMALL = Profile(
    system_prompt="You compose images by writing Python code for the Canvas class.",
    context_tokens=8192,
    words_only=True,
    recent_only=True,
    brief=True,
    covers=True,
)

_LLAMA = "Meta Llama 3 Community License"
_PHI = "MIT (Phi-3)"
_DOLPHIN = "Trained on unfiltered data, it follows any request. Whoever serves it to others must add a safety layer."


def _omost(
    name: str, precision: Precision, size_bytes: int, licence: str, revision: str | None, warning: str = ""
) -> LlmEntry:
    name = f"lllyasviel/{name}"
    return LlmEntry(name, name, "hub", OMOST, precision, size_bytes, licence, warning, revision)


# Sizes follow from parameter counts (8.03 G, 3.82 G; embeddings stay in 16 bits). Where each revision was found stands
# in docs/models.md; the one without is pinned on this machine when it is first used.
LLMS = (
    LlmEntry(
        "default",
        f"PyPI {default_model.WHEEL}",
        "embedded",
        SMALL,
        "as stored",
        default_model.WHEEL_BYTES,
        "Apache-2.0 (SmolLM2-135M-Instruct and our adapter)",
        "A small stand-in: it knows simple scenes of a few things.",
        adapter=DEFAULT_MODELS / "language",
    ),
    _omost("omost-llama-3-8b-4bits", "nf4", 5_700_000_000, _LLAMA, "6412af9"),
    _omost("omost-llama-3-8b", "nf4", 16_060_000_000, _LLAMA, "596a5a55a1dea599afd7b379ca16687c52c74c99"),
    _omost(
        "omost-dolphin-2.9-llama3-8b-4bits",
        "nf4",
        5_700_000_000,
        _LLAMA,
        "c8cd1dac1c1af36032a8c0e673699020aa04836c",
        _DOLPHIN,
    ),
    _omost(
        "omost-dolphin-2.9-llama3-8b",
        "nf4",
        16_060_000_000,
        _LLAMA,
        "2dd77437d3d1a94fdab780ed4fcd200387c19f40",
        _DOLPHIN,
    ),
    _omost("omost-phi-3-mini-128k-8bits", "int8", 4_020_000_000, _PHI, "8263ac19351b7f0a6036f63a594d4f3e0f06180d"),
    _omost("omost-phi-3-mini-128k", "int8", 7_640_000_000, _PHI, "7ed7100ba800f4e8c685a15fc1df2f86a5ee44e3"),
    _omost(
        "omost-phi-3-mini-128k-4bits",
        "nf4",
        2_300_000_000,
        _PHI,
        None,
        "A last resort: 4 bits cost this small model much.",
    ),
)
_IMAGE_SETTINGS = suiting(DEFAULT_MODELS / "image")
SDXLS = (
    SdxlEntry(
        "default",
        str(DEFAULT_MODELS / "image"),
        "embedded",
        _IMAGE_SETTINGS,
        size_bytes=weight_bytes(DEFAULT_MODELS / "image"),
        licence="MIT (our weights; drawings of Fluent Emoji, MIT)",
        warning=f"A small stand-in: it paints 64 nouns at {_IMAGE_SETTINGS.width} x {_IMAGE_SETTINGS.height}.",
    ),
    SdxlEntry(
        "SG161222/RealVisXL_V4.0",
        "SG161222/RealVisXL_V4.0",
        "hub",
        RenderSettings(),
        size_bytes=6_940_000_000,
        licence="CreativeML Open RAIL++-M",
        revision="26dfe44930964cd70d0a817b6d1cc945c130e38d",
    ),
    SdxlEntry(
        hub.SDXL_BASE,
        hub.SDXL_BASE,
        "hub",
        RenderSettings(),
        size_bytes=6_940_000_000,
        licence="CreativeML Open RAIL++-M",
        revision=hub.SDXL_BASE_REVISION,
    ),
)
PUBLISHED = ("lllyasviel/omost-llama-3-8b-4bits", "SG161222/RealVisXL_V4.0")


def entries(kind: Kind | None = None) -> list[LlmEntry | SdxlEntry]:
    """The catalog, then what lies in models_dir/."""
    found = [*LLMS, *SDXLS, *_dropped_in()]
    return [entry for entry in found if kind in (None, entry.kind)]


def names(kind: Kind) -> list[str]:
    return [entry.name for entry in entries(kind)]


def choices(kind: Kind) -> list[tuple[str, str]]:
    """For a picker: what a person must know to choose, and the name."""
    return [(f"{entry.name} · {facts(entry)}", entry.name) for entry in entries(kind)]


def facts(entry: LlmEntry | SdxlEntry) -> str:
    """Size, whether it is here, licence."""
    here = "here" if is_here(entry) else "not here"
    return " · ".join(part for part in (size(entry), here, licence(entry)) if part)


def size(entry: LlmEntry | SdxlEntry) -> str:
    """In GB or MB, nothing where it is not known."""
    if not entry.size_bytes:
        return ""
    if entry.size_bytes < 1e6:
        return "under 1 MB"
    return f"{entry.size_bytes / 1e9:.1f} GB" if entry.size_bytes >= 1e9 else f"{entry.size_bytes / 1e6:.0f} MB"


def licence(entry: LlmEntry | SdxlEntry) -> str:
    return "licence not known here" if entry.licence == "not known here" else entry.licence


def about(name: str, kind: Kind) -> str:
    """Of the model of that name: what happens when it is used, and its warning. Raises UnknownModelError."""
    found = entry(name, kind)
    fetched = "" if is_here(found) else f"It is fetched when it is first used{_how_much(found)}."
    return " ".join(part for part in (fetched, found.warning) if part)


def _how_much(entry: LlmEntry | SdxlEntry) -> str:
    return f" ({size(entry)})" if size(entry) else ""


def loras() -> dict[str, Path]:
    """The LoRA files in models_dir/loras: name -> path."""
    return {path.stem: path for path in sorted((MODELS_DIR / "loras").glob("*.safetensors"))}


def _dropped_in() -> Iterator[LlmEntry | SdxlEntry]:
    for path in sorted((MODELS_DIR / "llms").glob("*")):
        if path.suffix == ".gguf" or (path / "config.json").is_file():
            yield replace(_from_path(path, "llm"), name=path.name)
    for path in sorted((MODELS_DIR / "checkpoints").glob("*")):
        if path.suffix == ".safetensors" or (path / "model_index.json").is_file():
            yield replace(_from_path(path, "sdxl"), name=path.name)


def entry(name: str, kind: Kind) -> LlmEntry | SdxlEntry:
    """The entry for a catalog name, a name in models_dir/, a path, a server's URL or a hub id."""
    for known in entries(kind):
        if name in (known.name, known.name.rpartition("/")[2]):
            return known
    if re.match(r"https?://", name):
        return _server(name, kind)
    path = _existing(name)
    if path:
        return _from_path(path, kind)
    on_hub = re.fullmatch(r"([\w.-]+/[\w.-]+)(?:@([0-9a-f]{7,40}))?", name)
    if on_hub and Path(on_hub[1]).suffix not in checks.PICKLES | {".safetensors", ".gguf"}:
        return _from_hub(name, on_hub[1], on_hub[2], kind)
    name = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
    near = difflib.get_close_matches(name, names(kind), n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise UnknownModelError(
        f"There is no {_WHAT[kind]} named {name!r}, and no file or folder either. {hint}"
        f"`python -m lib_omost models` lists the names."
    )


LONGEST_NAME = 120  # that is repeated in an error


def _existing(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, a home of nobody, a character that no path has
        return None


_WHAT = {"llm": "language model", "sdxl": "image model"}


def llm(name: str) -> LlmEntry:
    found = entry(name, "llm")
    assert isinstance(found, LlmEntry)  # for the type checker: `kind` decides the class
    return found


def sdxl(name: str) -> SdxlEntry:
    found = entry(name, "sdxl")
    assert isinstance(found, SdxlEntry)
    return found


def _from_hub(name: str, repository: str, revision: str | None, kind: Kind) -> LlmEntry | SdxlEntry:
    known = [entry for entry in (*LLMS, *SDXLS) if (entry.kind, entry.source) == (kind, repository)]
    if known:  # another revision of a published model: its profile and its licence hold
        return replace(known[0], name=name, revision=revision)
    if kind == "llm":
        return LlmEntry(name, repository, "hub", GENERAL, "as stored", revision=revision)
    return SdxlEntry(name, repository, "hub", RenderSettings(), revision=revision)


def _server(url: str, kind: Kind) -> LlmEntry:
    if kind != "llm":
        raise UnknownModelError(
            f"{url!r}: pictures are rendered on this machine; give an image model's name, folder or file."
        )
    model = url.partition("#")[2].lower()
    profile = SMALL if "default-language" in model else OMOST if "omost" in model else GENERAL
    return LlmEntry(url, url, "server", profile, "as stored", licence="as its server says")


def _from_path(path: Path, kind: Kind) -> LlmEntry | SdxlEntry:
    place: Place = "folder" if path.is_dir() else "file"
    if kind == "llm":
        if place == "folder" and not (path / "config.json").is_file():
            raise UnknownModelError(f"{path.name}/ has no config.json: it is not the folder of a language model.")
        if place == "file" and path.suffix != ".gguf":
            raise UnknownModelError(f"{path.name}: a language model in a single file has to be a .gguf file.")
        profile = OMOST if "omost" in path.name.lower() else GENERAL
        return LlmEntry(str(path), str(path), place, profile, "as stored", weight_bytes(path))
    if place == "folder" and not (path / "model_index.json").is_file():
        raise UnknownModelError(
            f"{path.name}/ has no model_index.json: it is not the folder of an image model (diffusers layout)."
        )
    return SdxlEntry(str(path), str(path), place, suiting(path), size_bytes=weight_bytes(path))


def is_here(entry: LlmEntry | SdxlEntry) -> bool:
    """Whether the weights are on this machine; asks no network, so a server always counts as there."""
    if entry.place == "embedded" and entry.kind == "llm":
        return default_model.language_folder().is_dir()
    if entry.place == "hub":
        return hub.local_hub_folder(entry.source, entry.kind, entry.revision) is not None
    return entry.place == "server" or Path(entry.source).exists()


def check_local(entry: LlmEntry | SdxlEntry) -> None:
    """Looks at the headers of a model's files that are given by their path. Raises as `locate` does."""
    if entry.place in ("folder", "file"):
        locate(entry)


def locate(entry: LlmEntry | SdxlEntry) -> Path:
    """The folder or file with the entry's weights: fetched if need be, and seen to be whole.

    Raises MissingWeightsError or BrokenWeightsError, naming the file.
    """
    if entry.place == "embedded" and entry.kind == "llm":
        path = default_model.default_language_model()
    elif entry.place == "hub":
        path = hub.hub_folder(entry.source, entry.kind, entry.revision)
    else:
        path = Path(entry.source).expanduser()
    if not path.exists():
        raise MissingWeightsError(f"{path.name}, the weights of {entry.name!r}, is not there any more. Check the path.")
    (checks.check_folder if path.is_dir() else checks.check_file)(path)
    return path
