"""Which models were chosen last, remembered in a small file from one start to the next. Loads none of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lib_omost import atomic
from lib_omost.errors import UnknownModelError
from lib_omost.runtime import catalog
from lib_omost.runtime.catalog import LlmEntry, SdxlEntry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """Names as catalog.entry takes them, None for what was never chosen; LoRAs with their weights."""

    llm: str | None = None
    sdxl: str | None = None
    loras: Mapping[str, float] = field(default_factory=dict)
    keep_llm: bool = False

    def still_there(self) -> tuple[Choice, list[str]]:
        """This choice without the models that are gone, and a sentence for each of them."""
        kept, notes = self, list[str]()
        if self.llm and not _known(self.llm, "llm"):
            kept = replace(kept, llm=None)
            notes.append(_gone(self.llm))
        if self.sdxl and not _known(self.sdxl, "sdxl"):
            kept = replace(kept, sdxl=None, loras={})
            notes.append(_gone(self.sdxl))
        lost = [name for name in kept.loras if name not in catalog.loras()]
        if lost:
            kept = replace(kept, loras={name: w for name, w in kept.loras.items() if name not in lost})
            notes.append(
                f"Of the LoRAs chosen last time, {', '.join(lost)} left models_dir/loras/; the others are used."
            )
        return kept, notes


def _known(name: str, kind: catalog.Kind) -> bool:
    try:
        catalog.entry(name, kind)
    except UnknownModelError:
        return False
    return True


def _gone(name: str) -> str:
    short = Path(name).name if Path(name).is_absolute() else name
    return f"{short}, chosen last time, is not here any more; the usual model takes its place."


def name_for_later(entry: LlmEntry | SdxlEntry) -> str:
    """The entry's name, or the whole path of what lies outside models_dir/: a next start may be in another folder."""
    if entry.place in ("folder", "file") and entry.name not in catalog.names(entry.kind):
        return str(Path(entry.source).expanduser().absolute())
    return entry.name


def load(file: Path) -> Choice:
    """The choice in `file`; an empty one where there is none, and for a file that cannot be read, with a warning."""
    try:
        return _choice(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Choice()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read (%s); the usual models are used.", file.name, error)
        return Choice()


def _choice(found: dict[str, Any]) -> Choice:
    llm, sdxl = (found.get(kind) if isinstance(found.get(kind), str) else None for kind in ("llm", "sdxl"))
    loras = {str(name): float(weight) for name, weight in dict(found.get("loras") or {}).items()}
    return Choice(llm, sdxl, loras, bool(found.get("keep_llm")))


def save(file: Path, choice: Choice) -> None:
    """Writes the choice, whole or not at all. A folder that cannot be written costs only the memory of it."""
    try:
        text = json.dumps(asdict(choice), indent=2) + "\n"
        atomic.write_bytes(file, text.encode("utf-8"), mode=0o600)
    except OSError as error:
        log.warning("The choice of models could not be kept (%s).", error.strerror)
