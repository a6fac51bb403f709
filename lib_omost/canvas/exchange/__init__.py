"""The door of the exchange: canvases to and from the formats of other programs and models."""

from lib_omost.canvas.exchange.comfy import from_comfy, to_comfy
from lib_omost.canvas.exchange.fibo import from_fibo, to_fibo
from lib_omost.canvas.exchange.flux import from_flux, to_flux
from lib_omost.canvas.exchange.ideogram import from_ideogram, to_ideogram

__all__ = [
    "from_comfy",
    "from_fibo",
    "from_flux",
    "from_ideogram",
    "to_comfy",
    "to_fibo",
    "to_flux",
    "to_ideogram",
]
