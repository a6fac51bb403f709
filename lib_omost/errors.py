"""Every exception that this library raises on purpose. Says nothing about how a page or a terminal shows them.

OmostError                    a sentence that a person can act on: what we got, what we wanted, what to do next
├── CanvasError               the text holds no canvas, or breaks a rule in strict mode; carries the notes
│   └── VocabularyError       one word or value of a canvas cannot be used
├── ComposerError             the language model could not answer
│   ├── ContextError          the conversation does not fit into the model's context
│   └── RemoteError           a language-model server refused, failed or went silent
├── RenderError               this canvas cannot be rendered with these settings
├── ModelError                a model cannot be used
│   ├── UnknownModelError     no model of that name, and no file or folder either
│   ├── MissingWeightsError   the files are not here and cannot be fetched
│   ├── BrokenWeightsError    a file is there but truncated, altered, or not what its name says
│   └── VersionError          an installed library is too old for this model
├── DeviceMemoryError         the device is full, after everything that could leave it has left
├── SettingsError             a setting or a command-line option has an unusable value
├── BusyError                 more is asked for than is kept waiting, or the server is about to stop
├── StorageError              a picture or a session cannot be written or read
└── Stopped                   the person pressed Stop; not a fault, callers show nothing
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


class OmostError(Exception):
    """Base of all; `str(error)` is fit to be shown to a person as it stands."""


class CanvasError(OmostError):
    """No canvas could be read. `notes` are the reader's `Note`s, each with line and column."""

    def __init__(self, message: str, notes: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.notes = tuple(notes)


class VocabularyError(CanvasError):
    """A word or value of a canvas that cannot be used and cannot be mapped."""


class ComposerError(OmostError):
    """The language model could not answer."""


class ContextError(ComposerError):
    """The conversation does not fit into the model's context."""


class RemoteError(ComposerError):
    """A language-model server refused, failed or went silent. `offered`: the models that it has, where it said so."""

    def __init__(self, message: str, offered: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.offered = tuple(offered)


class RenderError(OmostError):
    """This canvas cannot be rendered with these settings."""


class ModelError(OmostError):
    """A model cannot be used."""


class UnknownModelError(ModelError):
    """No model of that name, and no file or folder either."""


class MissingWeightsError(ModelError):
    """The files are not here and cannot be fetched."""


class BrokenWeightsError(ModelError):
    """A file is there but truncated, altered, or not what its name says."""


class VersionError(ModelError):
    """An installed library is too old for this model."""


class DeviceMemoryError(OmostError):
    """The device is full, after everything that could leave it has left."""


class SettingsError(OmostError):
    """A setting or a command-line option has an unusable value."""


class BusyError(OmostError):
    """More is asked for than is kept waiting, or the server is about to stop."""


class StorageError(OmostError):
    """A picture or a session cannot be written or read."""


class Stopped(OmostError):
    """The person pressed Stop."""


_FULL = re.compile(r"out of memory|can't allocate memory|not enough memory|STATUS_ALLOC_FAILED", re.IGNORECASE)


def device_is_full(error: BaseException) -> bool:
    """Whether an error of torch says that memory ran out.

    CUDA's own allocator raises torch.OutOfMemoryError; cuBLAS, cuDNN, the driver, MPS and the CPU say it in the text
    of a RuntimeError.
    """
    known = type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError)
    return known or (isinstance(error, RuntimeError) and bool(_FULL.search(str(error))))
