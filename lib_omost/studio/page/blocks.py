"""The two places where gradio is made stricter: whatever fails in an event reaches the person as a sentence, and a
picture may be shown without a file.
"""

from __future__ import annotations

import base64
import io
from abc import ABCMeta
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image

from lib_omost.characters import whole_data
from lib_omost.studio.sentences import sentence

JPEG_QUALITY = 85  # of previews


class Page(gr.Blocks):  # type: ignore[misc]  # gradio has no types
    """Blocks whose events take only text that UTF-8 can hold, and end in an answer or in a sentence."""

    async def process_api(self, block_fn: Any, inputs: list[Any], *more: Any, **named: Any) -> dict[str, Any]:
        """As gradio's. A failure within it is gr.Error, of which gradio tells the browser more than that it was one."""
        event = named.get("event_data")
        if event is not None and getattr(event, "_data", None) is not None:
            event._data = whole_data(event._data)
        try:
            done: dict[str, Any] = await super().process_api(block_fn, whole_data(inputs), *more, **named)
            return done
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(sentence(error), print_exception=False) from error


def _postprocess(self: gr.Image, value: Any) -> Any:
    if isinstance(value, bytes):
        return ImageData(url=_data_url(value, "png"), orig_name="omost.png", mime_type="image/png")
    if isinstance(value, Image.Image):
        file = io.BytesIO()
        value.convert("RGB").save(file, format="JPEG", quality=JPEG_QUALITY)
        return ImageData(url=_data_url(file.getvalue(), "jpeg"), orig_name="preview.jpg", mime_type="image/jpeg")
    return gr.Image.postprocess(self, value)


#: Shows a file as gradio does; a PNG that is no file (bytes) and a preview (of PIL) go to the browser as they are, so
#: that a full disk hides neither and previews leave no files behind. No class statement: of one, gradio's metaclass
#: writes an interface file beside this file.
Picture = ABCMeta.__new__(
    type(gr.Image),
    "Picture",
    (gr.Image,),
    {"postprocess": _postprocess, "is_template": True, "__module__": __name__},
)


def _data_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
