"""The models on one device: loads them when they are needed, offloads them, survives a full device.

Not safe for two callers at once; engine.py lets in one at a time. transformers and diffusers are imported by what needs
them: diffusers takes seconds, which the first reply should not wait for.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from PIL import Image

from lib_omost.canvas import Canvas
from lib_omost.composer import ComposeSettings, ComposeStats, Message
from lib_omost.errors import DeviceMemoryError, device_is_full
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import device as devices
from lib_omost.runtime.catalog import LlmEntry, SdxlEntry
from lib_omost.runtime.device import GIB, LLM_WORK_BYTES
from lib_omost.runtime.hub import SDXL_PARTS
from lib_omost.runtime.logs import quiet_diffusers, quiet_transformers
from lib_omost.runtime.offload import Offloader, asked_for, host_has_room, may_have_copies, module_bytes
from lib_omost.runtime.stops import stops_inside

if TYPE_CHECKING:
    from lib_omost.composer import LocalComposer, RemoteComposer
    from lib_omost.renderer import OnStep, Previous, ResumePoint, StableDiffusionXLOmostPipeline

log = logging.getLogger(__name__)

SMALL_CARD_BYTES = 12 * GIB
TEXT_WORK_BYTES = GIB // 4
# Peak activations per million pixels, 16 bits, measured on meta tensors with SDXL's exact configs (fused attention).
UNET_WORK_PER_MP = 0.3 * GIB
UNET_WORK_BYTES = GIB // 2  # cached keys and values of six regions
VAE_WORK_PER_MP = 1.44 * GIB
VAE_TILED_WORK_BYTES = GIB // 2


class Machine:
    """`device` None = the best there is; `vram_gib` caps what all models together may take of it.

    `compile_llm`: the language model's short passes are compiled, on CUDA. `attention` and `precision` are Engine's.

    Raises SettingsError for a device that is not here or a cap that holds no model.
    """

    def __init__(
        self,
        device: str | None = None,
        vram_gib: float | None = None,
        *,
        compile_llm: bool = False,
        attention: str = "auto",
        precision: Mapping[str, str] | None = None,
    ) -> None:
        self._compile_llm, self._attention = compile_llm, attention
        self._precision = {kind: devices.named_dtype(name) for kind, name in (precision or {}).items()}
        self.device = devices.named_device(device) if device else devices.choose_device()
        self.limit_bytes = devices.limit_bytes(vram_gib)
        if self.limit_bytes:
            devices.cap_process(self.device, self.limit_bytes)
        self.offloader = Offloader(self.device, lambda: devices.free_bytes(self.device, self.limit_bytes))
        self.composer: LocalComposer | RemoteComposer | None = None
        self.pipe: StableDiffusionXLOmostPipeline | None = None
        self._resume_point: ResumePoint | None = None  # what this pipeline had no room to finish
        self.render_notes: list[str] = []
        self._loras: tuple[str, ...] = ()  # names of those in the pipeline's weights
        self._load_notes: list[str] = []  # of the pipeline's loading, until a render reports them
        self._llm_bytes, self._llm_work_bytes = 0, LLM_WORK_BYTES
        self.settings = RenderSettings()  # of the render that is running

    # --- language ---

    def load_llm(self, entry: LlmEntry, api_key: str = "") -> LocalComposer | RemoteComposer:
        """The language model that is here, else that of `entry`. `api_key` is a server's.

        Raises ModelError's kinds, DeviceMemoryError when it does not fit even alone.
        """
        if self.composer is not None:
            return self.composer
        quiet_transformers()
        from lib_omost.runtime.load_llm import connect, load_composer

        if entry.place == "server":
            self.composer = connect(entry, api_key)
            return self.composer
        composer, problem = None, ""
        self.offloader.make_room((entry.size_bytes or 0) + LLM_WORK_BYTES)
        try:
            total = devices.total_bytes(self.device, self.limit_bytes)
            composer = load_composer(
                entry,
                self.device,
                total,
                compiled=self._compile_llm,
                dtype=self._precision.get("llm"),
                resting=not host_has_room(entry.size_bytes or 0),
            )
        except (RuntimeError, MemoryError) as error:
            if not device_is_full(error):
                raise
            problem = asked_for(error)
        if composer is None:  # outside the except block, whose traceback holds what filled the device
            self._clear()
            raise DeviceMemoryError(
                f"{entry.name} does not fit on the device: {problem} Choose a smaller or a quantised language model, "
                f"close other programs on the device, or use --device cpu."
            )
        self.adopt_llm(composer)
        return composer

    def adopt_llm(self, composer: LocalComposer) -> None:
        """This is the language model from now on."""
        self.composer = composer
        self._llm_bytes = module_bytes(composer.model)
        config = composer.model.config.get_text_config().to_dict()
        self._llm_work_bytes = devices.llm_work_bytes(config, composer.profile.context_tokens)
        # beside a model that was loaded to the device, copies would take memory that is short
        pinned, rests = host_has_room(self._llm_bytes), composer.model.device.type == "cpu"
        copies = may_have_copies(composer.model) and (pinned or rests)
        self.offloader.add("llm", composer.model, copies=copies, pinned=pinned, on_refusal=self.drop_llm)

    def drop_llm(self) -> None:
        self.composer = None
        self.offloader.drop("llm")
        self._clear()
        devices.empty_host_cache(self.device)

    def compose(
        self,
        entry: LlmEntry,
        messages: Sequence[Message],
        settings: ComposeSettings,
        stop: threading.Event,
        keep_llm: bool,
    ) -> Iterator[str]:
        """A local model's reply in pieces. Raises DeviceMemoryError when the device is full, and leaves it empty."""
        composer = self.load_llm(entry)
        full: DeviceMemoryError | None = None
        try:
            self.offloader.load(["llm"], self._llm_work_bytes)
            yield from self._on_threads(composer.stream(messages, settings, stop))
        except (RuntimeError, MemoryError) as error:
            if not device_is_full(error):
                raise
            # without the traceback, whose frames hold the tensors that filled the device
            full = DeviceMemoryError(f"The device is full: {asked_for(error)} Try a shorter chat or fewer new tokens.")
        finally:
            self._after_reply(keep_llm)
        if full:
            self._drop_kv_cache()
            self.offloader.evict()
            raise full

    def _on_threads(self, pieces: Iterator[str]) -> Iterator[str]:
        """The pieces, each made with the right number of threads whichever thread asks for it."""
        while True:
            devices.use_threads(self.device, self._llm_bytes)
            piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    def _after_reply(self, keep_llm: bool) -> None:
        """On a small card the model is evicted after each reply, and its KV cache with it."""
        total = devices.total_bytes(self.device, self.limit_bytes)
        if total is not None and total <= SMALL_CARD_BYTES and not keep_llm and "llm" in self.offloader.on_device():
            self._drop_kv_cache()
            self.offloader.evict(["llm"])

    def _drop_kv_cache(self) -> None:
        """Drops the keys and values of the chat so far."""
        from lib_omost.composer import LocalComposer

        if isinstance(self.composer, LocalComposer):
            self.composer.release()

    @property
    def compose_stats(self) -> ComposeStats | None:
        return self.composer.stats if self.composer else None

    # --- pictures ---

    def load_sdxl(self, entry: SdxlEntry, loras: Mapping[str, float]) -> None:
        if self.pipe is not None:
            return
        quiet_transformers()  # before diffusers is imported, which imports what complains
        quiet_diffusers()
        from lib_omost.runtime.load_sdxl import load_pipeline, store_in_fp8

        self._load_notes = []
        try:
            pipe = load_pipeline(entry, self.device, loras, _noting(self._load_notes), self._precision.get("sdxl"))
            if self._wants_fp8(module_bytes(pipe.unet)):
                store_in_fp8(pipe.unet)
        except (RuntimeError, MemoryError) as error:
            if not device_is_full(error):
                raise
            raise DeviceMemoryError(
                f"{entry.name} does not fit in the machine's memory: {asked_for(error)} "
                f"Close other programs, or choose a smaller image model."
            ) from None
        self.adopt_sdxl(pipe)
        self._loras = tuple(loras)

    def adopt_sdxl(self, pipe: StableDiffusionXLOmostPipeline) -> None:
        """This is the image model from now on; its parts are on the CPU and are loaded when they are needed."""
        from lib_omost.renderer import ResumePoint, named_back_end

        pipe.attend = named_back_end(self._attention)
        parts = {name: getattr(pipe, name) for name in SDXL_PARTS}
        pinned = host_has_room(sum(map(module_bytes, parts.values())))
        for name, part in parts.items():
            self.offloader.add(name, part, copies=True, pinned=pinned)
        pipe.onload, pipe.on_full = self.onload, self._step_down
        self.pipe, self._resume_point = pipe, ResumePoint()

    def _wants_fp8(self, unet_bytes: int) -> bool:
        """Where the UNet, with the work of one picture of the usual size, is larger than what models may take."""
        total = devices.total_bytes(self.device, self.limit_bytes)
        if total is None or unet_bytes + UNET_WORK_BYTES + UNET_WORK_PER_MP <= total:
            return False
        self._load_notes.append(
            f"The UNet's weights are kept in fp8: in 16 bits they take {unet_bytes / GIB:.1f} GiB beside their work, "
            f"and models may take {total / GIB:.1f} of this device. Pictures differ a little, and steps take longer."
        )
        return True

    def drop_sdxl(self) -> None:
        self.pipe, self._resume_point, self._loras = None, None, ()
        for name in SDXL_PARTS:
            self.offloader.drop(name)
        self._clear()
        devices.empty_host_cache(self.device)

    def render(
        self,
        canvas: Canvas,
        settings: RenderSettings,
        on_step: OnStep,
        stop: threading.Event,
        keep: Previous | None,
    ) -> list[Image.Image]:
        """Raises DeviceMemoryError when the device is full even after the step down; Stopped when `stop` was set. What
        was painted until the device was full is kept for the next render of the same."""
        from lib_omost.renderer import missing_lora, render

        assert self.pipe is not None
        self.settings = settings
        self.render_notes, self._load_notes = self._load_notes, []
        note = self.pipe.notify = _noting(self.render_notes)
        if missing := missing_lora(settings.few_steps, self._loras):
            note(missing)
        self.pipe.one_at_a_time = False
        devices.use_threads(self.device, module_bytes(self.pipe.unet))
        self._tile(self._wants_tiles())
        try:
            with stops_inside([getattr(self.pipe, name) for name in SDXL_PARTS], stop):
                return render(self.pipe, canvas, settings, on_step, stop, keep, self._resume_point)
        except (RuntimeError, MemoryError) as error:
            if not device_is_full(error):
                raise
            sentence = asked_for(error)
        finally:
            self._clear_young()
        self._clear()
        self.offloader.evict()
        raise DeviceMemoryError(
            f"The device is full, even in tiles and one picture at a time: {sentence} "
            f"Try a smaller picture, a smaller second pass, or close other programs on the device. {self._kept()}"
        )

    def _kept(self) -> str:
        """A sentence on what a render left."""
        run = self._resume_point.run if self._resume_point else None
        if run is None or not run.steps:
            return "The canvas is kept."
        count = f"{run.steps} step{'s' * (run.steps > 1)}"
        return f"The canvas is kept, and what was painted in {count}: the same render goes on from there."

    def onload(self, names: tuple[str, ...]) -> None:
        """What a pipeline calls with the parts that its next phase needs."""
        self.offloader.load(names, self.work_bytes(names))
        if self.device.type != "cpu" and "llm" not in self.offloader.on_device():
            self._drop_kv_cache()  # evicted to make room: its KV cache goes too

    def work_bytes(self, names: tuple[str, ...]) -> int:
        """What a phase of a pipeline with these parts takes beside its weights."""
        if "unet" in names:
            pictures = 1 if self.pipe is not None and self.pipe.one_at_a_time else self.settings.images
            return int(UNET_WORK_BYTES + UNET_WORK_PER_MP * self._megapixels() * pictures)
        if "vae" in names:
            return VAE_TILED_WORK_BYTES if self.pipe is not None and self.pipe.vae.use_tiling else self._untiled_bytes()
        return TEXT_WORK_BYTES

    def _megapixels(self) -> float:
        """Of the larger pass."""
        settings = self.settings
        return settings.width * settings.height * settings.highres_scale**2 / 1e6

    def _untiled_bytes(self) -> int:
        assert self.pipe is not None
        return int(VAE_WORK_PER_MP * self._megapixels() * self.pipe.vae.dtype.itemsize / 2)

    def _wants_tiles(self) -> bool:
        """Where the VAE would take over a quarter of the device: from 1.4 megapixels on 8 GiB, 4 on 24."""
        total = devices.total_bytes(self.device, self.limit_bytes)
        return total is not None and self._untiled_bytes() > total / 4

    def _tile(self, on: bool) -> None:
        """512-pixel tiles: they decode within 0.4 GiB at any size, where diffusers' 1024-pixel ones save little."""
        assert self.pipe is not None
        vae = self.pipe.vae
        vae.use_tiling = on
        if on:
            vae.tile_sample_min_size = 512
            vae.tile_latent_min_size = 512 // 2 ** (len(vae.config.block_out_channels) - 1)

    def _step_down(self, names: tuple[str, ...]) -> bool:
        """Makes room after a piece of work found the device full; False when there is nothing left to give."""
        assert self.pipe is not None
        others = [name for name in self.offloader.on_device() if name not in names]
        tiles = "vae" in names and not self.pipe.vae.use_tiling
        fewer = "unet" in names and not self.pipe.one_at_a_time and self.settings.images > 1
        if not (others or tiles or fewer):
            return False
        done = (
            ["other models leave it"] * bool(others) + ["512-pixel tiles"] * tiles + ["one picture at a time"] * fewer
        )
        log.warning("The device is full: trying once more with %s.", ", ".join(done))
        if tiles:
            self._tile(True)
        self.pipe.one_at_a_time = True
        self._clear()
        self.offloader.evict(others)
        return True

    def _clear(self) -> None:
        gc.collect()
        devices.empty_cache(self.device)

    def _clear_young(self) -> None:
        """The same after a render, of what it made: all there is takes seconds where a million objects are on a busy
        machine, and whoever waits for the device waits for it too.
        """
        gc.collect(1)
        devices.empty_cache(self.device)

    def memory_mib(self) -> tuple[int, int] | None:
        """Used (by all programs) and total memory of the device, None on a CPU."""
        if self.device.type == "cuda":
            free, total = torch.cuda.mem_get_info(self.device)
            return (total - free) >> 20, total >> 20
        total_mps = devices.total_bytes(self.device)
        return None if total_mps is None else (devices.used_bytes(self.device) >> 20, total_mps >> 20)


def _noting(notes: list[str]) -> Callable[[str], None]:
    """What a pipeline calls with a sentence for the person: it goes to the log and into `notes`."""

    def note(sentence: str) -> None:
        log.warning("%s", sentence)
        notes.append(sentence)

    return note
