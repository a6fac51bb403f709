"""The Engine over real models: streams, renders, waits its turn, stops, switches, and survives a full device."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageChops

from bench._server import text_server
from lib_omost.canvas import Canvas
from lib_omost.composer import ComposeSettings, Message
from lib_omost.errors import BrokenWeightsError, DeviceMemoryError, Stopped, UnknownModelError
from lib_omost.runtime import Engine, catalog

MESSAGES: list[Message] = [{"role": "user", "content": "a red apple"}]
FREE = ComposeSettings(max_new_tokens=8, grammar=False, temperature=0.0)
Step = Callable[[int, int, Callable[[], Image.Image]], None]


def nothing(step: int, steps: int, preview: Callable[[], Image.Image]) -> None:
    """A render's on_step that looks at nothing."""


def write(engine: Engine, settings: ComposeSettings = FREE) -> str:
    return "".join(engine.compose(MESSAGES, settings, threading.Event()))


def paint(engine: Engine, canvas: Canvas, on_step: Step = nothing, **changes: Any) -> list[Image.Image]:
    settings = replace(engine.render_defaults, **({"width": 64, "height": 64, "steps": 2} | changes))
    return engine.render(canvas, settings, on_step, threading.Event())


FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4.50 GiB. GPU 0 has a total capacity of 8 GiB.")


@contextmanager
def full_device(module: torch.nn.Module, at_call: int, times: int = 1, error: Exception = FULL) -> Iterator[list[int]]:
    """Calls `at_call` to `at_call + times - 1` of `module` find the device full: a hook before a real forward."""
    calls = [0]

    def hook(*args: object) -> None:
        calls[0] += 1
        if at_call <= calls[0] < at_call + times:
            raise type(error)(str(error))

    handle = module.register_forward_pre_hook(hook)
    try:
        yield calls
    finally:
        handle.remove()


def pipe(engine: Engine) -> Any:
    engine.warm_up()
    return engine.machine.pipe


def same(a: list[Image.Image], b: list[Image.Image], levels: int = 0) -> bool:
    """Whether no colour differs by more than `levels` of 255: sums over a batch round otherwise than alone."""
    pairs = zip(a, b, strict=True)
    return max(high for x, y in pairs for _, high in ImageChops.difference(x, y).getextrema()) <= levels


def test_a_reply_streams_and_is_counted(engine: Engine) -> None:
    assert write(engine)
    assert engine.compose_stats is not None and engine.compose_stats.new_tokens == 8
    assert engine.waiting == 0 and engine.status == ""


def test_a_canvas_becomes_a_picture_of_the_size_that_suits_the_model(engine: Engine, canvas: Canvas) -> None:
    steps = []
    images = paint(engine, canvas, lambda step, of, preview: steps.append((step, of)), width=128, height=128)
    assert [image.size for image in images] == [(128, 128)]
    assert steps == [(1, 2), (2, 2)]


def test_what_a_render_leaves_out_is_told_and_told_for_that_render_only(loaded: Engine, canvas: Canvas) -> None:
    long = Canvas()
    long.set_global_description("a very long road " * 40, [], "", "gray")
    settings = replace(loaded.render_defaults, steps=1)
    loaded.render(long, settings, lambda *_: None, threading.Event())
    assert loaded.render_notes
    loaded.render(canvas, settings, lambda *_: None, threading.Event())
    assert loaded.render_notes == ()


def test_without_cuda_the_default_models_are_chosen() -> None:
    engine = Engine(device="cpu")
    assert (engine.llm_entry.name, engine.sdxl_entry.name) == ("default", "default")


def test_stop_ends_a_stream_without_an_error_and_the_next_one_works(loaded: Engine) -> None:
    stop = threading.Event()
    stream = loaded.compose(MESSAGES, replace(FREE, max_new_tokens=500), stop)
    next(stream)
    stop.set()
    assert len(list(stream)) <= 1
    assert loaded.waiting == 0
    assert write(loaded)


def test_stop_ends_a_render_at_the_next_step_and_the_same_seed_still_gives_the_same_picture(
    loaded: Engine, canvas: Canvas
) -> None:
    before = paint(loaded, canvas)
    stop, seen = threading.Event(), []

    def on_step(step: int, steps: int, preview: object) -> None:
        seen.append(step)
        stop.set()

    with pytest.raises(Stopped):
        loaded.render(canvas, replace(loaded.render_defaults, width=64, height=64, steps=2), on_step, stop)
    assert seen == [1] and "Stopped" not in str(loaded.last_error)
    assert same(paint(loaded, canvas), before)


def test_a_render_waits_for_the_reply_that_came_first(loaded: Engine, canvas: Canvas) -> None:
    loaded.warm_up()
    order: list[str] = []
    stream = loaded.compose(MESSAGES, FREE, threading.Event())
    next(stream)
    thread = threading.Thread(target=lambda: paint(loaded, canvas, lambda *a: order.append("painted")))
    thread.start()
    for _ in stream:
        order.append("wrote")
    thread.join(30)
    assert not thread.is_alive()
    assert order == sorted(order, reverse=True) and "painted" in order


def test_a_reply_that_nobody_reads_to_its_end_frees_the_device_when_it_is_closed(loaded: Engine) -> None:
    stream = loaded.compose(MESSAGES, FREE, threading.Event())
    next(stream)
    assert loaded.waiting == 1
    stream.close()  # type: ignore[attr-defined]
    assert loaded.waiting == 0


def test_models_are_switched_without_a_new_engine_and_an_unknown_name_changes_nothing(
    engine: Engine, tiny_llm: Path
) -> None:
    write(engine)
    with pytest.raises(UnknownModelError, match="no language model named 'gibberish'"):
        engine.use_llm("gibberish")
    assert engine.llm_entry.source == str(tiny_llm) and write(engine)
    engine.use_llm("default")
    assert engine.llm_entry.name == "default" and engine.compose_stats is None


def test_a_model_that_cannot_be_loaded_is_told_at_the_start_and_again_when_it_is_used(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"<html>not found</html>")
    with pytest.raises(BrokenWeightsError, match="is a web page"):
        engine.use_llm(str(tmp_path))
    assert engine.llm_entry.name != str(tmp_path)  # the present one stays
    engine = Engine(str(tmp_path), "default", device="cpu")
    engine.warm_up()
    assert "is a web page" in caplog.text
    assert engine.last_error is not None and "is a web page" in engine.last_error
    with pytest.raises(Exception, match="is a web page"):
        write(engine)
    assert engine.waiting == 0


# --- a switch in the middle of something ---


def test_a_reply_that_waited_while_a_server_was_chosen_is_the_servers_and_leaves_the_device_to_others(
    engine: Engine, tiny_llm: Path
) -> None:
    holder = engine.compose(MESSAGES, FREE, threading.Event())
    next(holder)  # holds the device
    with text_server("words of a server") as server:
        switch = threading.Thread(target=engine.use_llm, args=(server.name,), daemon=True)
        switch.start()
        wait_until(lambda: engine.waiting == 2)
        replies, during = list[str](), list[int]()

        def reply() -> None:
            for piece in engine.compose(MESSAGES, FREE, threading.Event()):
                replies.append(piece)
                during.append(engine.waiting)

        waiting = threading.Thread(target=reply, daemon=True)  # a local model is chosen when it begins to wait
        waiting.start()
        wait_until(lambda: engine.waiting == 3)
        list(holder)
        for thread in (switch, waiting):
            thread.join(30)
            assert not thread.is_alive()
    assert "".join(replies).startswith("words of a server") and set(during) == {0}


def test_a_reply_while_the_model_is_switched_is_of_the_one_model_or_the_other(engine: Engine) -> None:
    with text_server("one") as one, text_server("other") as other:
        engine.use_llm(one.name)

        def switch() -> None:
            for server in (other, one) * 3:
                engine.use_llm(server.name)

        switching, replies = threading.Thread(target=switch, daemon=True), set[str]()
        switching.start()
        deadline = time.monotonic() + 60
        while switching.is_alive() and time.monotonic() < deadline:
            replies.add(write(engine))
    words = {tuple(sorted(set(reply.split()))) for reply in replies}  # no canvas, so it is asked for twice
    assert words <= {("one",), ("other",)} and engine.last_error is None and not switching.is_alive()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


# --- a full device ---


@pytest.mark.parametrize("at_call", [1, 2, 5])
def test_a_full_device_in_the_language_model_is_one_sentence_and_the_next_message_works(
    loaded: Engine, at_call: int
) -> None:
    expected = write(loaded)
    settings, threads = replace(FREE, speculate=False), threading.enumerate()
    with full_device(loaded.machine.composer.model, at_call), pytest.raises(DeviceMemoryError, match=r"4\.50 GiB"):
        write(loaded, settings)
    assert loaded.waiting == 0 and threading.enumerate() == threads
    assert write(loaded) == expected


def test_a_library_that_says_out_of_memory_in_its_own_words_is_understood(loaded: Engine, canvas: Canvas) -> None:
    words = RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
    with (
        full_device(loaded.machine.composer.model, 1, error=words),
        pytest.raises(DeviceMemoryError, match="no room for one more tensor"),
    ):
        write(loaded, replace(FREE, speculate=False))
    with full_device(pipe(loaded).vae.decoder, 1, error=words):
        assert paint(loaded, canvas)


def test_python_s_own_memory_error_is_a_full_device_too(loaded: Engine, canvas: Canvas) -> None:
    settings, unet, decoder = replace(FREE, speculate=False), pipe(loaded).unet, pipe(loaded).vae.decoder
    expected, picture = write(loaded), paint(loaded, canvas)
    with (
        full_device(loaded.machine.composer.model, 2, error=MemoryError()),
        pytest.raises(DeviceMemoryError, match="no room for one more tensor"),
    ):
        write(loaded, settings)
    assert write(loaded) == expected
    for part in (unet, decoder):
        with (
            full_device(part, 1, times=99, error=MemoryError()),
            pytest.raises(DeviceMemoryError, match="The canvas is kept"),
        ):
            paint(loaded, canvas)
    with full_device(decoder, 1, error=MemoryError()):
        assert same(paint(loaded, canvas), picture)


@pytest.fixture(scope="module")
def two_pictures(loaded: Engine, canvas: Canvas) -> list[Image.Image]:
    """What comes of a render of two pictures that nothing disturbs."""
    return paint(loaded, canvas, images=2)


@pytest.mark.parametrize("at_call", range(1, 5))
def test_a_full_device_at_any_step_of_the_unet_costs_one_try_and_changes_no_picture(
    loaded: Engine, canvas: Canvas, two_pictures: list[Image.Image], at_call: int
) -> None:
    unet = pipe(loaded).unet  # two calls a step: with the prompt, and without
    with full_device(unet, at_call) as calls:
        assert same(paint(loaded, canvas, images=2), two_pictures, levels=2)
    assert calls[0] > at_call


@pytest.mark.parametrize("part", ["text_encoder", "text_encoder_2"])
def test_a_full_device_in_a_text_encoder_ends_in_one_sentence_on_a_machine_with_nothing_to_move(
    loaded: Engine, canvas: Canvas, part: str
) -> None:
    encoder = getattr(pipe(loaded), part)
    unread = replace(canvas, global_description=f"Not read before by {part}.")  # read texts are remembered
    with full_device(encoder, 1, times=99), pytest.raises(DeviceMemoryError, match="The canvas is kept"):
        paint(loaded, unread)
    assert paint(loaded, unread)


def test_a_full_device_in_the_vae_switches_tiles_on_and_keeps_the_latents(loaded: Engine, canvas: Canvas) -> None:
    expected = paint(loaded, canvas)
    steps = []
    with full_device(pipe(loaded).vae.decoder, 1):
        images = paint(loaded, canvas, lambda step, of, preview: steps.append(step))
        assert pipe(loaded).vae.use_tiling
    assert steps == [1, 2]  # not painted again from the start
    assert same(images, expected)  # one tile holds all of it
    paint(loaded, canvas)
    assert not pipe(loaded).vae.use_tiling  # the next picture starts afresh


def test_a_device_that_stays_full_ends_in_one_sentence_and_frees_everything(loaded: Engine, canvas: Canvas) -> None:
    unet = pipe(loaded).unet
    with (
        full_device(unet, 3, times=99),
        pytest.raises(DeviceMemoryError, match="even in tiles and one picture at a time"),
    ):
        paint(loaded, canvas, images=2)
    assert loaded.waiting == 0 and loaded.machine.offloader.on_device() in (
        [],
        ["unet", "vae", "text_encoder", "text_encoder_2"],
    )
    assert loaded.last_error is not None and "The device is full" in loaded.last_error
    assert paint(loaded, canvas)


@pytest.mark.parametrize(
    ("part", "at_call", "done"),
    [("unet", 3, [1]), ("unet", 7, [1, 2, 3]), ("decoder", 1, [1, 2]), ("decoder", 2, [1, 2, 3, 4])],
)
def test_after_a_failure_that_stays_the_same_render_goes_on_with_the_latents_that_were_kept(
    loaded: Engine, canvas: Canvas, part: str, at_call: int, done: list[int]
) -> None:
    settings = {"highres_scale": 1.5, "highres_steps": 2, "highres_denoise": 0.5, "seed": 7}
    expected = paint(loaded, canvas, **settings)
    steps: list[int] = []
    note: Step = lambda step, of, preview: steps.append(step)  # noqa: E731
    full = {"unet": pipe(loaded).unet, "decoder": pipe(loaded).vae.decoder}[part]
    kept = f"what was painted in {done[-1]} step"
    with full_device(full, at_call, times=99), pytest.raises(DeviceMemoryError, match=kept):
        paint(loaded, canvas, note, **settings)
    assert steps == done
    assert same(paint(loaded, canvas, note, **settings), expected)
    assert steps == [1, 2, 3, 4]  # none twice
    steps.clear()
    paint(loaded, canvas, note, **settings)
    assert steps == [1, 2, 3, 4]  # what is finished is not kept


def test_another_picture_does_not_go_on_from_what_was_left(loaded: Engine, canvas: Canvas) -> None:
    expected = paint(loaded, canvas, seed=8)
    with full_device(pipe(loaded).unet, 3, times=99), pytest.raises(DeviceMemoryError):
        paint(loaded, canvas, seed=7)
    assert same(paint(loaded, canvas, seed=8), expected)


def test_a_full_device_in_the_second_pass_is_survived_too(loaded: Engine, canvas: Canvas) -> None:
    settings = {"highres_scale": 1.5, "highres_steps": 2, "highres_denoise": 0.5}
    expected = paint(loaded, canvas, **settings)
    encoder = pipe(loaded).vae.encoder
    with full_device(encoder, 2):  # the first call encodes the canvas's colours
        assert same(paint(loaded, canvas, **settings), expected)


# --- the choice of models ---


def test_the_models_that_were_chosen_are_there_at_the_next_start(
    engine: Engine, tiny_llm: Path, tmp_path: Path
) -> None:
    file = tmp_path / "outputs" / "models.json"
    first = Engine("default", "default", device="cpu", remember=file)
    assert not first.remembers and not file.exists()
    first.use_llm(str(tiny_llm))
    first.keep_llm = True
    second = Engine(device="cpu", remember=file)
    assert (second.llm_entry.source, second.keep_llm, second.remembers) == (str(tiny_llm), True, True)
    assert second.sdxl_entry.name == "default" and second.notes == []


def test_the_command_line_wins_over_the_choice_and_does_not_change_it(tiny_llm: Path, tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    Engine("default", "default", device="cpu", remember=file).use_llm(str(tiny_llm))
    written = file.read_text()
    assert Engine("default", device="cpu", remember=file).llm_entry.name == "default"
    assert file.read_text() == written


def test_a_chosen_model_that_is_gone_gives_way_with_a_note(tiny_llm: Path, tmp_path: Path) -> None:
    file, copy = tmp_path / "models.json", tmp_path / "my-llama"
    copy.symlink_to(tiny_llm)
    Engine("default", "default", device="cpu", remember=file).use_llm(str(copy))
    copy.unlink()
    engine = Engine(device="cpu", remember=file)
    assert engine.llm_entry.name == "default"
    assert engine.notes == ["my-llama, chosen last time, is not here any more; the usual model takes its place."]


def test_chosen_loras_are_remembered_with_their_weights_and_a_lost_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MODELS_DIR", tmp_path)
    (tmp_path / "loras").mkdir()
    for name in ("ink", "wash"):
        (tmp_path / "loras" / f"{name}.safetensors").write_bytes(b"")
    file = tmp_path / "models.json"
    Engine("default", "default", device="cpu", remember=file).use_sdxl("default", {"ink": 0.5, "wash": 0.8})
    assert Engine(device="cpu", remember=file).loras == {"ink": 0.5, "wash": 0.8}
    (tmp_path / "loras" / "wash.safetensors").unlink()
    engine = Engine(device="cpu", remember=file)
    assert engine.loras == {"ink": 0.5} and "wash left models_dir/loras/" in engine.notes[0]


@pytest.mark.parametrize("content", ["", "[]", '{"loras": 3}', '{"llm": 7, "loras": {"ink": "much"}}'])
def test_a_choice_that_cannot_be_read_is_no_choice(content: str, tmp_path: Path) -> None:
    (tmp_path / "models.json").write_text(content)
    assert Engine(device="cpu", remember=tmp_path / "models.json").llm_entry.name == "default"


def test_a_choice_that_cannot_be_written_is_told_and_the_switch_holds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    engine = Engine("default", "default", device="cpu", remember=tmp_path / "file" / "models.json")
    engine.keep_llm = True
    assert engine.keep_llm and "could not be kept" in caplog.text


def test_a_model_that_writes_only_plans_is_not_asked_what_is_no_picture() -> None:
    engine = Engine("default", "default")
    began = time.monotonic()
    said = "".join(engine.compose([{"role": "user", "content": "thanks!"}], FREE, threading.Event()))
    assert said.startswith("You are welcome") and engine.compose_stats is None
    assert time.monotonic() - began < 1 and engine.machine.composer is None
