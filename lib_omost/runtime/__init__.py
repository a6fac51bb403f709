"""Which models, where, and under whose lock. Importing this room costs no torch: an Engine imports it when it works."""

from lib_omost.runtime.catalog import LlmEntry, SdxlEntry, about, choices, entries, entry, is_here, loras, names, size
from lib_omost.runtime.doctor import report
from lib_omost.runtime.engine import Engine
from lib_omost.runtime.known_words import words_of

__all__ = [
    "Engine",
    "LlmEntry",
    "SdxlEntry",
    "about",
    "choices",
    "entries",
    "entry",
    "is_here",
    "loras",
    "names",
    "report",
    "size",
    "words_of",
]
