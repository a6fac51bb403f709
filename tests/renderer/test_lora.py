from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lib_omost.errors import BrokenWeightsError
from lib_omost.renderer import StableDiffusionXLOmostPipeline
from lib_omost.renderer.lora import modules, unmatched_modules

Pipe = StableDiffusionXLOmostPipeline
KNOWN = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k"


def lora(pipe: Pipe, *paths: str) -> dict[str, Tensor]:
    """Rank-1 weights for the projections at `paths`, all of the size of a known one."""
    module = pipe.unet.get_submodule(KNOWN)
    a, b = torch.ones(1, module.in_features), torch.ones(module.out_features, 1)
    return {f"{path}.lora_{x}.weight": weight for path in paths for x, weight in (("A", a), ("B", b))}


def test_modules_are_named_once_whatever_their_weights_are_called() -> None:
    keys = ["unet.a.to_k.lora_A.weight", "unet.a.to_k.lora_B.weight", "unet.a.to_k.alpha", "unet.b.lora.up.weight"]
    assert modules(keys) == ["unet.a.to_k", "unet.b"]


def test_kohyas_keys_as_diffusers_reads_them_match_its_modules(pipe: Pipe) -> None:
    block, layer = "mid_block.attentions.0.transformer_blocks.0", "text_model.encoder.layers.0"
    keys = [
        f"unet.{block}.attn1.processor.to_q_lora.down.weight",
        f"unet.{block}.attn2.processor.to_out_lora.up.weight",
        f"unet.{block}.ff.net.0.proj.lora.down.weight",
        "unet.mid_block.attentions.0.proj_in.lora.up.weight",
        f"text_encoder.{layer}.self_attn.to_k_lora.down.weight",
        f"text_encoder.{layer}.self_attn.to_out_lora.down.weight",
        f"text_encoder_2.{layer}.mlp.fc1.lora_linear_layer.up.weight",
    ]
    assert unmatched_modules(pipe, keys) == []


def test_text_encoders_of_both_layouts_match_its_modules(pipe: Pipe) -> None:
    path = "encoder.layers.0.self_attn.q_proj"
    keys = [
        f"{part}.{level}{path}.lora_A.weight"
        for part in ("text_encoder", "text_encoder_2")
        for level in ("", "text_model.")
    ]
    assert unmatched_modules(pipe, keys) == []
    assert unmatched_modules(pipe, ["text_encoder_3.x.lora_A.weight"]) == ["text_encoder_3.x"]


def test_parts_that_match_no_module_are_named_and_the_others_loaded(fresh_pipe: Pipe) -> None:
    said: list[str] = []
    fresh_pipe.notify = said.append
    fresh_pipe.load_lora_weights(lora(fresh_pipe, f"unet.{KNOWN}", "unet.no.such.layer"), adapter_name="test")
    assert said == ["1 part of this LoRA has no place in the model and does nothing: unet.no.such.layer."]
    assert fresh_pipe.get_list_adapters() == {"unet": ["test"]}


def test_a_lora_of_another_model_is_a_clear_error(fresh_pipe: Pipe) -> None:
    with pytest.raises(BrokenWeightsError, match="No part of this LoRA fits"):
        fresh_pipe.load_lora_weights(lora(fresh_pipe, "transformer.blocks.0.to_q"))
