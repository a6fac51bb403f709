"""How an image model was trained: what it predicts, and whether its noise ends at pure noise. From keys, metadata and
configs alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from lib_omost.errors import BrokenWeightsError

EDM = ("edm_mean", "edm_std", "edm_vpred.", "EDM")  # keys of one file, and how diffusers' schedulers of it begin


@dataclass(frozen=True, slots=True)
class Trained:
    """`prediction_type` in diffusers' words; `zero_snr`: the last timestep is noise alone (arXiv 2305.08891)."""

    prediction_type: str = "epsilon"
    zero_snr: bool = False


def trained_by_config(config: Mapping[str, Any], model: str) -> Trained:
    """As a folder's scheduler_config.json says. Raises BrokenWeightsError for what is sampled otherwise here."""
    _refuse_edm(model, [str(config.get("_class_name", ""))])
    return Trained(config.get("prediction_type", "epsilon"), bool(config.get("rescale_betas_zero_snr", False)))


def trained_by_keys(path: Path, names: Collection[str]) -> Trained:
    """As the keys "v_pred" and "ztsnr" say, which trainers put beside the tensors, or the file's own description.

    Raises BrokenWeightsError for what is sampled otherwise here.
    """
    _refuse_edm(path.name, names)
    with safe_open(path, framework="numpy") as file:
        described = (file.metadata() or {}).get("modelspec.prediction_type", "")
    velocity = "v_pred" in names or described in ("v", "v_prediction")
    return Trained("v_prediction" if velocity else "epsilon", "ztsnr" in names)


def _refuse_edm(model: str, names: Collection[str]) -> None:
    if any(name.startswith(EDM) for name in names):
        raise BrokenWeightsError(
            f"{model} was trained with EDM's noise schedule, which is not sampled here: its pictures would be wrong. "
            f"Choose an SDXL model with the ordinary schedule or with v-prediction."
        )
