"""What a person can set for a render, checked. Knows no torch: the page and the command line import it cheaply."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lib_omost.errors import SettingsError
from lib_omost.renderer.presets import check_preset
from lib_omost.renderer.styles import checked_style

SIDE_STEP = 64  # the UNet halves an 8x smaller latent twice; one spare factor of two keeps the coarsest level whole
NEGATIVE_PROMPT = "lowres, bad anatomy, bad hands, cropped, worst quality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """How strictly regions bind. Every default leaves the formula of the region-masked attention exact.

    A strength multiplies the attention odds of a text: 2 doubles the weight of its tokens before normalisation, 0
    leaves a region out. `region_strengths` follow the order in which the canvas names its regions; regions beyond its
    end have strength 1. `region_steps` and `guidance_steps` are the shares of the steps, from the first, in which
    region texts and guidance are active. `canvas_start` is the share of the canvas's colours in the start latent,
    `canvas_blur` softens them (radius in 90ths of the canvas), and `centred_noise` takes the mean out of each channel
    of the noise, which small latents otherwise read as a background colour.
    """

    global_strength: float = 1.0
    region_strengths: tuple[float, ...] = ()
    region_steps: float = 1.0
    guidance_steps: float = 1.0
    canvas_start: float = 0.0
    canvas_blur: float = 0.0
    centred_noise: bool = False

    def __post_init__(self) -> None:
        check_range("global_strength", self.global_strength, 0.01, 100)
        for strength in self.region_strengths:
            check_range("region_strengths", strength, 0, 100)
        check_range("region_steps", self.region_steps, 0, 1)
        check_range("guidance_steps", self.guidance_steps, 0, 1)
        check_range("canvas_start", self.canvas_start, 0, 10)
        check_range("canvas_blur", self.canvas_blur, 0, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings(Steering):
    """Everything that, with a canvas and a model, decides a picture. Sizes in pixels; raises SettingsError for unusable
    values.

    `few_steps`: a name in PRESETS, whose scheduler the render uses; `with_preset` sets steps and guidance with it.
    `style`: a name in STYLES, whose words are added to the whole picture's; "" for none.
    """

    width: int = 896
    height: int = 1152
    images: int = 1
    steps: int = 25
    guidance: float = 5.0
    seed: int = 12345
    negative_prompt: str = NEGATIVE_PROMPT
    highres_scale: float = 1.0
    highres_steps: int = 20
    highres_denoise: float = 0.4
    few_steps: str = ""
    style: str = ""

    def __post_init__(self) -> None:
        Steering.__post_init__(self)
        check_side("width", self.width)
        check_side("height", self.height)
        check_range("images", self.images, 1, 64)
        check_range("steps", self.steps, 1, 1000)
        check_range("guidance", self.guidance, 0, 100)
        check_range("seed", self.seed, 0, 2**63 - 1)
        check_range("highres_scale", self.highres_scale, 1, 4)
        check_range("highres_steps", self.highres_steps, 1, 1000)
        check_range("highres_denoise", self.highres_denoise, 0.01, 1)
        check_preset(self.few_steps)
        object.__setattr__(self, "style", checked_style(self.style))  # of two names for none, one
        for field in fields(self):
            if field.name in WHOLE_NUMBERS and not isinstance(getattr(self, field.name), int):
                raise SettingsError(f"{field.name} is {getattr(self, field.name)!r}; it wants a whole number.")


WHOLE_NUMBERS = {"width", "height", "images", "steps", "seed", "highres_steps"}


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises SettingsError unless `low <= value <= high`."""
    if not isinstance(value, int | float) or not low <= value <= high:
        raise SettingsError(f"{name} is {value!r}; it wants a number from {low:g} to {high:g}.")


def check_side(name: str, pixels: int) -> None:
    """Raises SettingsError unless `pixels` is a positive multiple of 64; names the nearest one that is."""
    check_range(name, pixels, 1, 2**16)
    if pixels % SIDE_STEP:
        nearest = max(1, round(pixels / SIDE_STEP)) * SIDE_STEP
        raise SettingsError(f"{name} is {pixels}; it wants a multiple of {SIDE_STEP} pixels, for example {nearest}.")
