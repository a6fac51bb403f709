"""Engine: compose() and render(), one at a time in order of arrival, each with its own stop flag.

Cheap to make: torch is imported and models are loaded when they are first needed, or by warm_up() in a thread.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from lib_omost.canvas import Canvas
from lib_omost.composer import ComposeSettings, ComposeStats, Message, checked_key
from lib_omost.composer.talk import answer_to
from lib_omost.errors import OmostError, Stopped, UnknownModelError
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import catalog, fits, remembered
from lib_omost.runtime.card import no_cuda_reason
from lib_omost.runtime.catalog import LlmEntry, SdxlEntry
from lib_omost.runtime.fair_lock import FairLock
from lib_omost.runtime.keys import key_of_environment
from lib_omost.runtime.known_shapes import in_squares
from lib_omost.runtime.known_words import in_known_words, words_of
from lib_omost.runtime.last_error import keep_error
from lib_omost.runtime.remembered import Choice

if TYPE_CHECKING:
    import torch

    from lib_omost.composer import LocalComposer, RemoteComposer
    from lib_omost.renderer import OnStep, Previous
    from lib_omost.runtime.machine import Machine

log = logging.getLogger(__name__)


class Engine:
    """A language model and an image model on one device.

    `llm`, `sdxl`: names, paths or hub ids (catalog.entry); None = the published ones that fit on CUDA, else "default".
    `device`: torch's name for it, None = the best there is. `vram_gib` caps the memory taken of it.
    `keep_llm`: the language model stays on a card of up to 12 GB after a reply. `remember`: a file that keeps what
    use_llm and use_sdxl chose for the next engine; `llm` and `sdxl` win over it. `compile_llm`: on CUDA, the language
    model's short passes are compiled, minutes once and faster from then on. `attention`: a back end of the image
    model's attention by name. `precision`: "llm" and "sdxl" -> "fp16", "bf16" or "fp32" in place of what suits the
    device. `status` says what goes on, `notes` what the start had to change. Raises UnknownModelError, SettingsError.
    """

    def __init__(
        self,
        llm: str | None = None,
        sdxl: str | None = None,
        *,
        device: str | None = None,
        vram_gib: float | None = None,
        keep_llm: bool = False,
        remember: Path | None = None,
        compile_llm: bool = False,
        attention: str = "auto",
        precision: Mapping[str, str] | None = None,
    ) -> None:
        if device or vram_gib is not None:  # a mistake in them is an error now, not at the first message
            from lib_omost.runtime import device as devices

            devices.limit_bytes(vram_gib)
            device = str(devices.named_device(device)) if device else None
        self._remember = remember
        self._choice, self.notes = (remembered.load(remember) if remember else Choice()).still_there()
        wanted = (llm or self._choice.llm, sdxl or self._choice.sdxl)
        self._llm = catalog.llm(wanted[0]) if wanted[0] else None
        self._sdxl = catalog.sdxl(wanted[1]) if wanted[1] else None
        self.device, self._vram_gib, self._compile_llm = device, vram_gib, compile_llm
        self._attention, self._precision = attention, dict(precision or {})
        self._api_key = ""  # of the server; kept nowhere else
        self._start_llm = llm  # the only server but OPENAI_BASE_URL's that gets the environment's key
        self._lock = FairLock()  # of the device
        self._switching = threading.Lock()  # of the language model: entry, key and composer belong together
        self._making = threading.Lock()
        self._made: Machine | None = None
        self._word_notes: tuple[str, ...] = ()  # of the last render
        self._remembers = bool((self._choice.llm and not llm) or (self._choice.sdxl and not sdxl))
        self._keep_llm = keep_llm or self._choice.keep_llm
        self.loras: dict[str, float] = {} if sdxl else dict(self._choice.loras)
        self.status = ""
        self.last_error: str | None = None
        self._was_asked = True  # whether the last reply is the language model's

    # --- which models ---

    @property
    def llm_entry(self) -> LlmEntry:
        if self._llm is None:
            self._llm = fits.published_llm(self._room()) if self._has_cuda() else catalog.llm("default")
        return self._llm

    @property
    def sdxl_entry(self) -> SdxlEntry:
        if self._sdxl is None:
            self._sdxl = fits.published_sdxl(self._room()) if self._has_cuda() else catalog.sdxl("default")
        return self._sdxl

    def _has_cuda(self) -> bool:
        return self._torch_device().type == "cuda"

    def _room(self) -> int | None:
        """What models may take of the device, by which the published ones are chosen."""
        from lib_omost.runtime import device as devices

        return devices.total_bytes(self._torch_device(), devices.limit_bytes(self._vram_gib))

    def _torch_device(self) -> torch.device:
        import torch

        from lib_omost.runtime import device as devices

        return torch.device(self.device) if self.device else devices.choose_device()

    @property
    def device_note(self) -> str:
        """Why a card that is there is not used, and the next command; nothing where it is, or where none is there."""
        return "" if self.device else no_cuda_reason()

    @property
    def render_defaults(self) -> RenderSettings:
        """Settings that suit the chosen image model."""
        return self.sdxl_entry.defaults

    def use_llm(self, name: str, api_key: str = "") -> None:
        """Another language model from the next message on; raises ModelError's kinds and keeps the present one.

        api_key: of a server; it is never written down. Without one, OPENAI_API_KEY holds it for the server that it was
        set for (runtime/keys.py).
        """
        entry = catalog.llm(name)
        catalog.check_local(entry)
        with self._lock.hold(), self._switching:
            self.machine.drop_llm()
            self._llm, self._api_key = entry, api_key
        self._chose(llm=remembered.name_for_later(entry))

    def test_server(self, name: str, api_key: str = "") -> tuple[str, list[str]]:
        """Whether the server of a name like http://host:port/v1#model answers with this key and has the model.

        A sentence for the person, and the models that it offers. Raises RemoteError that says what is wrong (with the
        models that it offers, where only the one asked for is missing), UnknownModelError for a name that is no
        server's, SettingsError for what cannot be a key. Nothing waits for the device, and nothing is switched.
        """
        entry = catalog.llm(name)
        if entry.place != "server":
            raise UnknownModelError(f"{name!r} is not a server's address, as http://127.0.0.1:8000/v1#model is.")
        from lib_omost.runtime.load_llm import connect

        return connect(entry, self._key(entry, api_key)).test()

    def use_sdxl(self, name: str, loras: Mapping[str, float] | None = None) -> None:
        """Another image model, with these LoRAs (names in models_dir/loras -> weights), from the next render on."""
        entry = catalog.sdxl(name)
        catalog.check_local(entry)
        with self._lock.hold():
            self.machine.drop_sdxl()
            self._sdxl, self.loras = entry, dict(loras or {})
        self._chose(sdxl=remembered.name_for_later(entry), loras=self.loras)

    @property
    def remembers(self) -> bool:
        """Whether a model was chosen in an earlier run."""
        return self._remembers

    @property
    def keep_llm(self) -> bool:
        return self._keep_llm

    @keep_llm.setter
    def keep_llm(self, keep: bool) -> None:
        if keep != self._keep_llm:
            self._keep_llm = keep
            self._chose(keep_llm=keep)

    def _chose(self, **changes: Any) -> None:
        """Keeps a choice for the next start; what the last one had to leave out is no news any more."""
        self._choice, self.notes = replace(self._choice, **changes), []
        if self._remember:
            remembered.save(self._remember, self._choice)

    # --- work ---

    def compose(self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event) -> Iterator[str]:
        """The reply in pieces, as they come; ends early when `stop` is set. To what is clearly no picture a model that
        writes nothing but plans is not asked: the reply is a sentence that helps.

        Raises ComposerError, ModelError or DeviceMemoryError.
        """
        said = answer_to(messages) if self.llm_entry.place == "embedded" else None
        self._was_asked = said is None
        if said is not None:
            yield said
            return
        with contextlib.suppress(Stopped):
            while True:  # until the model is of the kind that it was when it was looked at: a switch may come between
                if self.llm_entry.place == "server":  # not on this device, so it need not wait for it
                    with self._noted("Writing …"):
                        if server := self._server():
                            yield from server.stream(messages, settings, stop)
                            return
                    continue
                with self._lock.hold(stop):
                    if (entry := self.llm_entry).place != "server":
                        with self._noted("Writing …"):
                            yield from self.machine.compose(entry, messages, settings, stop, self.keep_llm)
                        return

    def _server(self) -> LocalComposer | RemoteComposer | None:
        """The client of the server that is chosen now; None where a local model is."""
        with self._switching:
            return self._load_llm() if self.llm_entry.place == "server" else None

    def render(
        self,
        canvas: Canvas,
        settings: RenderSettings,
        on_step: OnStep,
        stop: threading.Event,
        keep: Previous | None = None,
        on_wait: Callable[[int], None] = lambda ahead: None,
        on_note: Callable[[str], None] = lambda sentence: None,
    ) -> list[Image.Image]:
        """The pictures. `on_step(step, steps, preview)` is called after each step; `keep`: what an edit starts from;
        `on_wait(ahead)` is called with how many runs come first while it waits for the device; `on_note(sentence)` at
        the end with what this render changed or left out, also where it fails. What a small model does not know is
        painted as a near thing that it does.

        Raises Stopped, RenderError, ModelError or DeviceMemoryError.
        """
        with self._lock.hold(stop, on_wait), self._noted("Painting …"):
            self._load_sdxl()
            canvas, keep = self._in_known_words(canvas, keep)
            try:
                return self.machine.render(canvas, settings, on_step, stop, keep)
            finally:
                for sentence in self.render_notes:
                    on_note(sentence)

    def _in_known_words(self, canvas: Canvas, keep: Previous | None) -> tuple[Canvas, Previous | None]:
        """Both as this image model knows them; what that changes of the words is noted."""
        words = words_of(self.sdxl_entry)
        canvas, self._word_notes = in_known_words(canvas, words)
        for sentence in self._word_notes:
            log.warning("%s", sentence)
        before = in_squares(in_known_words(keep.canvas, words)[0], words) if keep else None
        return in_squares(canvas, words), replace(keep, canvas=before) if keep and before else None

    def warm_up(self) -> None:
        """Loads both models; meant for a thread at the start. A problem is logged, and raised at the first use."""
        for what, load in (("language", self._load_llm), ("image", self._load_sdxl)):
            try:
                with self._lock.hold(), self._noted(f"Loading the {what} model …"):
                    load()
            except OmostError as error:
                log.warning("%s", error)

    def _load_llm(self) -> LocalComposer | RemoteComposer:
        entry = self.llm_entry
        return self.machine.load_llm(entry, self._key(entry, self._api_key))

    def _key(self, entry: LlmEntry, api_key: str) -> str:
        """What a server gets; "" for a model that is none. Raises SettingsError."""
        if entry.place != "server":
            return ""
        return checked_key(api_key) or key_of_environment(entry.source, self._start_llm)

    def _load_sdxl(self) -> None:
        self.machine.load_sdxl(self.sdxl_entry, self.loras)

    # --- what is going on ---

    @property
    def compose_stats(self) -> ComposeStats | None:
        """Counts of the last reply; None where no model wrote it."""
        return self.machine.compose_stats if self._was_asked else None

    @property
    def render_notes(self) -> tuple[str, ...]:
        """What the last render had to change or leave out, in sentences."""
        return (*self._word_notes, *self.machine.render_notes)

    @property
    def waiting(self) -> int:
        """How many runs hold or wait for the device."""
        return self._lock.queued

    def device_memory(self) -> tuple[int, int] | None:
        """Used and total memory of the device in MiB; None on a CPU."""
        return self.machine.memory_mib()

    def machine_memory(self) -> tuple[int, int]:
        """Used and total memory of the machine itself in MiB."""
        from lib_omost.runtime import device as devices

        free, total = devices.machine_bytes()
        return (total - free) >> 20, total >> 20

    @property
    def machine(self) -> Machine:
        """The models and their device. Made at the first use: this is what imports torch."""
        with self._making:
            if self._made is None:
                from lib_omost.runtime.machine import Machine

                self._made = Machine(
                    self.device,
                    self._vram_gib,
                    compile_llm=self._compile_llm,
                    attention=self._attention,
                    precision=self._precision,
                )
            return self._made

    @contextlib.contextmanager
    def _noted(self, status: str) -> Iterator[None]:
        """Shows `status` while it lasts, and keeps what went wrong for the diagnostics."""
        self.status = status
        try:
            yield
        except (Stopped, GeneratorExit):
            raise
        except Exception as error:
            self.last_error = f"{type(error).__name__}: {error}"
            if self._remember:
                keep_error(self._remember.parent, self.last_error)
            raise
        finally:
            self.status = ""
