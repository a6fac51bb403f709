"""The models part of the settings: language model, image model, LoRAs with their weights. The choice is everyone's who
uses this page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

import gradio as gr

from lib_omost.errors import OmostError
from lib_omost.runtime import (
    Engine,
    LlmEntry,
    SdxlEntry,
    about,
    choices,
    entries,
    entry,
    fits,
    is_here,
    loras,
    words_of,
)
from lib_omost.runtime.keys import typed_key
from lib_omost.studio.page.events import QUIET, UNCHANGED, Update
from lib_omost.studio.page.examples import words_value
from lib_omost.studio.page.server_panel import ServerPanel, checked_url, is_server
from lib_omost.studio.page.settings_panel import SettingsPanel
from lib_omost.studio.sentences import plain

NOT_YOURS = "The models of this page are its operator's to choose."
EVERYWHERE, SERVER = "Anywhere", "Server"
#: Where a model may come from -> which of the catalog are there.
SOURCES: dict[str, Callable[[LlmEntry | SdxlEntry], bool]] = {
    EVERYWHERE: lambda model: True,
    "This machine": is_here,
    "Hub": lambda model: model.place == "hub",
    SERVER: lambda model: False,
}
KINDS: tuple[Literal["llm", "sdxl"], ...] = ("llm", "sdxl")
OPEN_PICKER = """() => {
  document.querySelector('#settings-bar:not(.open) .toggle-button')?.click();
  const from = document.querySelector('#models-from');
  from?.scrollIntoView({block: 'start'});
  setTimeout(() => from?.querySelector('input:checked')?.focus(), 350);
}"""
MIN_WEIGHT, MAX_WEIGHT = -2.0, 2.0


class ModelsPanel:
    """The widgets that choose models, in the sidebar `bar`. `outputs` are filled by `show`; two lines that the page has
    elsewhere are among them: which models are at work, and which words the image model knows.
    """

    def __init__(
        self,
        engine: Engine,
        drawer: SettingsPanel,
        bar: gr.Sidebar,
        models_line: gr.Markdown,
        words: gr.HTML,
        local: bool,
        operator: Callable[[str], bool] = lambda user: False,
    ) -> None:
        """`local`: only then may a person name files of this machine as models, and everyone choose them; else only
        users whom `operator` names.
        """
        self._local, self._operator = local, operator
        self.engine, self.drawer, self.models_line, self.words = engine, drawer, models_line, words
        self.way_in = gr.Button("Use a real model", size="sm", min_width=60, elem_id="use-real", render=False)
        gr.Markdown("### Models")
        self.source = _place_picker()
        self.not_yours = gr.Markdown(NOT_YOURS, visible=False, elem_id="models-not-yours")
        self.llm = gr.Dropdown(
            _with(_choices("llm"), engine.llm_entry.name),
            value=engine.llm_entry.name,
            label="Language model",
            allow_custom_value=local,
            info="Writes the plan. A name, a folder, a .gguf file, or a server's URL.",
            elem_id="llm",
        )
        self.server = ServerPanel(engine, self.llm, self.may_choose)
        self.sdxl = gr.Dropdown(
            _with(_choices("sdxl"), engine.sdxl_entry.name),
            value=engine.sdxl_entry.name,
            label="Image model",
            allow_custom_value=local,
            info="Paints the plan. A name, a folder, or an SDXL file.",
            elem_id="sdxl",
        )
        self.about = gr.Markdown(about_text(engine.llm_entry.name, engine.sdxl_entry.name), elem_id="models-about")
        self.loras = gr.Dropdown(
            list(loras()),
            value=list(engine.loras),
            multiselect=True,
            label="LoRAs",
            info="Small additions to the image model: .safetensors files in models_dir/loras.",
            elem_id="loras",
        )
        self.weights = gr.State(dict(engine.loras))
        gr.render([self.loras, self.weights], triggers=[self.loras.change])(self._sliders)
        self.use = gr.Button("Use these models", size="sm", elem_id="use-models")
        self.keep_llm = gr.Checkbox(
            engine.keep_llm,
            label="Keep the language model loaded",
            info="The next reply starts sooner; a card of up to 12 GB has less room for the picture. Takes effect at "
            "once.",
            elem_id="keep-llm",
        )
        chosen = [self.llm, self.sdxl, self.loras, self.weights]
        here = [self.server.box, models_line, words, self.not_yours, self.use, self.way_in, self.source]
        self.outputs = [*chosen, self.keep_llm, *here]
        self._wire(bar, [*chosen, self.server.key, self.server.typed_for])

    def _wire(self, bar: gr.Sidebar, chosen: list[gr.components.Component]) -> None:
        used = self.use.click(
            self.use_models,
            chosen,
            [*self.outputs, *self.drawer.outputs],
            api_visibility="private",
            concurrency_limit=None,
        )
        few = self.drawer.few
        used.then(few.text, few.picker, few.line, **QUIET)
        self.way_in.click(None, js=OPEN_PICKER, **QUIET)
        self.source.input(self.from_, [self.source, self.llm], [self.llm, self.sdxl, self.server.box], **QUIET)
        self.words.typed(self.typed, None, self.words, trigger_mode="always_last", **QUIET)
        self.server.offered.input(self.picked, self.server.offered, self.llm, **QUIET)
        shown = [self.server.box, self.server.line, self.server.offered]
        self.llm.change(self.server.changed, [self.llm, self.server.line], shown, **QUIET)
        for picker in (self.llm, self.sdxl):
            picker.change(about_text, [self.llm, self.sdxl], self.about, **QUIET)
        self.keep_llm.input(self.keep, self.keep_llm, self.keep_llm, **QUIET)
        bar.expand(self.show, None, self.outputs, **QUIET)

    def show(self, request: gr.Request | None = None) -> Update:
        """The models at work, whoever chose them, and what there is to choose from now; then the page's two lines. Who
        may not choose sees them, and whose they are to choose.
        """
        may = self.may_choose(request)
        llm, sdxl, chosen = self.engine.llm_entry, self.engine.sdxl_entry, self.engine.loras
        return {
            self.llm: gr.update(choices=_with(_choices("llm"), llm.name), value=llm.name, interactive=may),
            self.sdxl: gr.update(choices=_with(_choices("sdxl"), sdxl.name), value=sdxl.name, interactive=may),
            self.loras: gr.update(choices=sorted({*loras(), *chosen}), value=list(chosen), interactive=may),
            self.weights: dict(chosen),
            self.keep_llm: gr.update(value=self.engine.keep_llm, interactive=may),
            **self.server.shown_for(llm.name),
            self.models_line: models_text(self.engine),
            self.words: words_value(sdxl),
            self.not_yours: gr.update(visible=not may),
            self.use: gr.update(visible=may),
            self.way_in: gr.update(visible=may and "embedded" in (llm.place, sdxl.place)),
            self.source: EVERYWHERE,
        }

    def from_(self, source: str, llm: str | None) -> Update:
        """The pickers with what there is in that place; of a server the address is typed."""
        present, painter = self.engine.llm_entry.name, self.engine.sdxl_entry.name
        if source == SERVER:
            known = [llm] if llm and is_server(llm) else []
            first = {self.llm: gr.update(choices=known, value=llm if known else None)}
            return {**first, self.sdxl: gr.update(choices=_with(_choices("sdxl"), painter)), **self.server.asked_for()}
        llms, sdxls = (_choices(kind, source) for kind in KINDS)
        value = llm if llm in [name for _, name in llms] else present
        return {
            self.llm: gr.update(choices=_with(llms, value), value=value),
            self.sdxl: gr.update(choices=_with(sdxls, painter)),
            **self.server.shown_for(value),
        }

    def typed(self, event: gr.EventData) -> Update:
        """What the image model does not know of the message so far."""
        return {self.words: words_value(self.engine.sdxl_entry, str(event._data.get("text") or ""))}

    def use_models(
        self,
        llm: str,
        sdxl: str,
        chosen: list[str],
        weights: Mapping[str, float],
        key: str = "",
        typed_for: str = "",
        request: gr.Request | None = None,
    ) -> Update:
        """Switches models; the picture's settings go to what suits another image model. `key`: of a server, that of
        `typed_for`.
        """
        if not self.may_choose(request):
            gr.Warning(NOT_YOURS)
            return self.show(request)
        before = self.engine.sdxl_entry.name
        try:
            self._switch(llm, sdxl, {name: float(weights.get(name, 1.0)) for name in chosen or []}, key, typed_for)
        except OmostError as error:
            gr.Warning(html.escape(str(error)))
        if before == self.engine.sdxl_entry.name:
            return self.show(request)
        return {**self.show(request), **dict(zip(self.drawer.outputs, self.drawer.view({}), strict=True))}

    def _switch(self, llm: str, sdxl: str, chosen: dict[str, float], key: str, typed_for: str) -> None:
        """Raises OmostError's kinds and keeps what was not switched yet. The same server is used anew with a key."""
        key = typed_key(key, typed_for, llm) if is_server(llm) else ""
        if llm != self.engine.llm_entry.name or key:
            if is_server(llm):  # one that does not answer is not taken
                self.engine.test_server(checked_url(llm), key)
            self.engine.use_llm(checked_url(llm) if is_server(llm) else llm, key)
            gr.Info(f"{html.escape(llm)} is loaded with your next message.")
        if sdxl != self.engine.sdxl_entry.name or chosen != self.engine.loras:
            self.engine.use_sdxl(sdxl, chosen)
            gr.Info(f"{html.escape(sdxl)} is loaded with your next picture.")

    def keep(self, keep_llm: bool, request: gr.Request | None = None) -> bool:
        """What holds now."""
        if self.may_choose(request):
            self.engine.keep_llm = bool(keep_llm)
        return self.engine.keep_llm

    def may_choose(self, request: gr.Request | None) -> bool:
        """Whether whoever asks may choose models for all."""
        return self._local or bool(request and request.username and self._operator(request.username))

    def picked(self, name: str | None) -> Update:
        """A model that a server offers, into the picker."""
        return {self.llm: gr.update(choices=_with(_choices("llm"), name), value=name)} if name else UNCHANGED

    def _sliders(self, chosen: list[str], weights: Mapping[str, float]) -> None:
        """A weight for each chosen LoRA; they are drawn anew when the choice changes."""
        for name in chosen or []:
            slider = gr.Slider(
                MIN_WEIGHT,
                MAX_WEIGHT,
                weights.get(name, 1.0),
                step=0.05,
                label=f"Weight of {name}",
                info="1 as it was made, 0 without it; below 0 it does the opposite.",
                interactive=True,  # not left to gradio, which drew it disabled
                key=name,
                elem_classes="lora-weight",
            )
            slider.change(partial(_weighed, name), [slider, self.weights], self.weights, **QUIET)


def _place_picker() -> gr.Radio:
    """Where the models come from that the pickers offer."""
    return gr.Radio(
        [*SOURCES],
        value=EVERYWHERE,
        label="Where from",
        info="What is on this machine starts at once, what is on the hub is fetched at its first use, a server "
        "writes plans elsewhere.",
        elem_id="models-from",
    )


def models_text(engine: Engine) -> str:
    """One calm line: which models are at work and what to expect of them."""
    llm, sdxl = engine.llm_entry, engine.sdxl_entry
    demo = llm.place == sdxl.place == "embedded" and not engine.loras
    weighed = [f"{_plain(name)} × {weight:g}" for name, weight in engine.loras.items()]
    with_loras = f" with {', '.join(weighed)}" if weighed else ""
    return " ".join(
        part
        for part in (
            f"**Demo models**: {len(words_of(sdxl).nouns)} things, small pictures."
            if demo
            else f"**{_plain(llm.name)}** writes, **{_plain(sdxl.name)}**{with_loras} paints.",
            "" if demo else sdxl.warning,
            plain(engine.device_note),
            *(plain(note) for note in engine.notes),  # a model that was chosen last time and is gone
        )
        if part
    )


def _plain(name: str) -> str:
    """A model's name as Markdown that shows it letter by letter; a server as its model and host, which is no link."""
    server = re.fullmatch(r"https?://([^/]+)/[^#]*#?(.*)", name)
    shown = " at ".join(part for part in (server[2], server[1]) if part) if server else name
    return plain(shown)


def _weighed(name: str, weight: float, weights: Mapping[str, float]) -> dict[str, float]:
    return {**weights, name: float(weight)}


def about_text(llm: str | None, sdxl: str | None) -> str:
    """What the two pickers' models want to be known before they are used, nothing where there is nothing to say."""
    return "\n\n".join(text for text in (_about(llm, "llm"), _about(sdxl, "sdxl")) if text)


def _about(name: str | None, kind: Literal["llm", "sdxl"]) -> str:
    try:
        parts = (about(name, kind), fits.sentence(entry(name, kind), fits.card_room())) if name else ()
    except OmostError as error:
        return html.escape(str(error), quote=False)
    text = " ".join(part for part in parts if part)
    return html.escape(f"{name}: {text}", quote=False) if text else ""


def _choices(kind: Literal["llm", "sdxl"], source: str = EVERYWHERE) -> list[tuple[str, str]]:
    """For a picker: what a person must know to choose, its memory too, and the name."""
    there = {one.name: one for one in entries(kind)}
    wanted = SOURCES[source]
    return [(_needing(label, there[name]), name) for label, name in choices(kind) if wanted(there[name])]


def _needing(label: str, model: LlmEntry | SdxlEntry) -> str:
    """The label of a model with what it takes of a card, where that is known: of a small one it is little."""
    known = (model.size_bytes or 0) >= fits.SMALL_BYTES
    return f"{label} · takes {fits.needed_gib(model):.1f} GiB of a card" if known else label


def _with(known: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    return known if name in [value for _, value in known] else [(name, name), *known]
