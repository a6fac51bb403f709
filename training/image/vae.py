"""The VAE of the image model: its shape, a closed-form start that is already a thumbnail, its loss, and a fifth level.

A random start is far too slow on a CPU (13 dB after 350 steps); the closed form starts at 19 dB. In the first half of
the training everything learns, on crops. Then the latent space is whitened and fixed, and the decoder alone learns to
turn slightly wrong latents, as a UNet makes them, into whole pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import Tensor

CHANNELS = (16, 32, 64, 128)
LATENTS = 4


def new_vae(size: int, channels: Sequence[int] = CHANNELS) -> AutoencoderKL:
    """For pictures of `size` pixels. One norm group, which the closed-form start relies on."""
    levels = len(channels)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels,
        block_out_channels=list(channels),
        layers_per_block=1,
        latent_channels=LATENTS,
        norm_num_groups=1,
        sample_size=size,
        scaling_factor=1.0,
    )


def scale_factor(vae: AutoencoderKL) -> int:
    """Pixels of the picture a side of one latent pixel: 8 with four levels, 16 with five."""
    return int(2 ** (len(vae.config.block_out_channels) - 1))


# ---- closed-form start

_SAME = ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0))
_BOX = ((0.25, 0.25, 0.0), (0.25, 0.25, 0.0), (0.0, 0.0, 0.0))
_WIDE = ((0.0625, 0.125, 0.0625), (0.125, 0.25, 0.125), (0.0625, 0.125, 0.0625))
_SMOOTH = ((0.04, 0.12, 0.04), (0.12, 0.36, 0.12), (0.04, 0.12, 0.04))
#: the last norm multiplies by this and lifts the three colours by that, into the nearly straight part of SiLU
_GAIN, _LIFT = 3.535, 4.0
#: log-variance of the latents at the start: almost no noise
_QUIET = -6.0


@torch.no_grad()
def warm_start(vae: AutoencoderKL) -> AutoencoderKL:
    """Let the skip path carry a box thumbnail down and its smooth enlargement up; residual branches are nearly off.

    Two large constant channels hold the last norms steady, so that norm and SiLU are close to linear for the colours.
    """
    for module in vae.modules():
        if type(module).__name__ == "ResnetBlock2D":
            _quiet(module.conv2)
            if module.conv_shortcut is not None:
                _pass_on(module.conv_shortcut)
        elif type(module).__name__ == "Attention":
            _quiet(module.to_out[0])
    _carry(vae.encoder.conv_in, _SAME)
    _carry(vae.decoder.conv_in, _SAME)
    for block in vae.encoder.down_blocks:
        for sampler in block.downsamplers or ():
            _carry(sampler.conv, _BOX)
    for block in vae.decoder.up_blocks:
        for sampler in block.upsamplers or ():
            _carry(sampler.conv, _SMOOTH)
    _linear_end(vae.encoder.mid_block.resnets[-1], vae.encoder)
    _linear_end(vae.decoder.up_blocks[-1].resnets[-1], vae.decoder)
    vae.encoder.conv_out.weight[LATENTS:].zero_()
    vae.encoder.conv_out.bias[LATENTS:] = _QUIET
    for conv in (vae.quant_conv, vae.post_quant_conv):
        conv.weight.copy_(torch.eye(conv.weight.shape[0])[:, :, None, None])
        conv.bias.zero_()
    return vae


def _quiet(layer: Any) -> None:
    """A residual branch that hardly adds anything, and nothing to the colours."""
    layer.weight.mul_(0.05)
    layer.weight[:3].zero_()
    layer.bias.zero_()


def _pass_on(shortcut: Any) -> None:
    """Channels on through a change of their number: every output copies an input."""
    outputs, inputs = shortcut.weight.shape[:2]
    shortcut.weight.zero_()
    shortcut.bias.zero_()
    for channel in range(outputs):
        shortcut.weight[channel, channel % inputs] = 1


def _carry(conv: Any, kernel: Sequence[Sequence[float]], scale: float = 1.0, bias: float = 0.0) -> None:
    """Each of the three colours through `kernel` and nothing else."""
    conv.weight[:3].zero_()
    conv.bias[:3] = bias
    for color in range(3):
        conv.weight[color, color] = torch.tensor(kernel) * scale


def _linear_end(last: Any, half: Any) -> None:
    """The norm, SiLU and convolution at the end of encoder or decoder as a nearly linear map of the colours."""
    norm, out = half.conv_norm_out, half.conv_out
    channels = norm.weight.numel()
    last.conv2.bias[channels - 2] = _GAIN * math.sqrt(channels / 2)
    last.conv2.bias[channels - 1] = -_GAIN * math.sqrt(channels / 2)
    norm.weight.fill_(_GAIN)
    norm.bias.zero_()
    norm.bias[:3] = _LIFT
    out.weight.mul_(0.1)
    out.weight[:, channels - 2 :] = 0
    lifted = _LIFT / (1 + math.exp(-_LIFT))
    _carry(out, _SAME, 1 / 1.05, -lifted / 1.05)


@torch.no_grad()
def whiten(vae: AutoencoderKL, images: Tensor) -> None:
    """Fold the mean and deviation of each latent channel into the two 1x1 convolutions; reconstructions stay the same.

    images: `(n, 3, H, W)` in -1..1. Afterwards latents have mean 0 and deviation 1, and scaling_factor 1 is right.
    """
    latents = torch.cat([vae.encode(part).latent_dist.mean for part in torch.split(images, 32)])
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    encode, decode = vae.quant_conv, vae.post_quant_conv
    encode.weight[:LATENTS] /= deviation[:, None, None, None]
    encode.bias[:LATENTS] = (encode.bias[:LATENTS] - mean) / deviation
    encode.bias[LATENTS:] -= 2 * deviation.log()
    decode.bias += decode.weight[:, :, 0, 0] @ mean
    decode.weight *= deviation[None, :, None, None]


# ---- a level more


@torch.no_grad()
def grown(vae: AutoencoderKL) -> AutoencoderKL:
    """A VAE of one level more, which paints twice the side from the same latents.

    At first it enlarges what `vae` paints and reads a picture at half its size, nearly as `vae` does. A UNet that was
    trained on the latents of `vae` paints larger pictures with it, at no cost of its own.
    """
    first, *_ = channels = vae.config.block_out_channels
    large = new_vae(2 * vae.config.sample_size, (first, *channels)).to(vae.device)
    for name in ("quant_conv", "post_quant_conv"):
        _copy(vae, large, name)
    for name in ("conv_in", "mid_block", "conv_norm_out", "conv_out"):
        _copy(vae.encoder, large.encoder, name)
        _copy(vae.decoder, large.decoder, name)
    for old, new in zip(vae.encoder.down_blocks, large.encoder.down_blocks[1:], strict=True):
        new.load_state_dict(old.state_dict())
    *inner, last = vae.decoder.up_blocks
    for old, new in zip(inner, large.decoder.up_blocks, strict=False):
        new.load_state_dict(old.state_dict())
    large.decoder.up_blocks[-2].resnets.load_state_dict(last.resnets.state_dict())
    for resnet in (*large.encoder.down_blocks[0].resnets, *large.decoder.up_blocks[-1].resnets):
        resnet.conv2.weight.mul_(0.05)
        resnet.conv2.bias.zero_()
    _each_alone(large.encoder.down_blocks[0].downsamplers[0].conv, _BOX)
    _each_alone(large.decoder.up_blocks[-2].upsamplers[0].conv, _WIDE)
    return large


def _copy(old: Any, new: Any, name: str) -> None:
    getattr(new, name).load_state_dict(getattr(old, name).state_dict())


def _each_alone(conv: Any, kernel: Sequence[Sequence[float]]) -> None:
    """Every channel through `kernel`, none into another."""
    conv.weight.zero_()
    conv.bias.zero_()
    for channel in range(len(conv.weight)):
        conv.weight[channel, channel] = torch.tensor(kernel)


# ---- loss


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """loss: what is minimised. error: mean squared error of -1..1 colours."""

    loss: Tensor
    error: Tensor

    @property
    def decibels(self) -> float:
        return psnr(self.error)


def psnr(error: Tensor) -> float:
    """Peak signal to noise ratio of a mean squared error of -1..1 colours, in dB."""
    return -10 * math.log10(max(error.item() / 4, 1e-9))


def reconstruct(vae: AutoencoderKL, images: Tensor, decoder_only: bool) -> Reconstruction:
    """Encode with noise and decode. `decoder_only`: from latents with noise of up to a fifth, the encoder fixed."""
    with torch.set_grad_enabled(not decoder_only):
        posterior = vae.encode(images).latent_dist
    noise = torch.randn_like(posterior.mean)
    if decoder_only:
        noise = noise * torch.rand(len(images), 1, 1, 1, device=images.device) * 0.2
    else:
        noise = noise * torch.exp(0.5 * posterior.logvar)
    off = vae.decode(posterior.mean + noise).sample.float() - images
    edges = (off.diff(dim=-1) ** 2).mean() + (off.diff(dim=-2) ** 2).mean()
    error = (off * off).mean()
    spread = posterior.logvar.float()
    divergence = 0.5 * (posterior.mean.float() ** 2 + spread.exp() - 1 - spread).mean()
    return Reconstruction(error + 0.2 * off.abs().mean() + 0.2 * edges + 1.2e-4 * divergence, error.detach())
