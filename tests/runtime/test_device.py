from __future__ import annotations

import json
from pathlib import Path

from lib_omost.runtime import catalog
from lib_omost.runtime.device import GIB, LLM_ACTIVATION_BYTES, LLM_WORK_BYTES, llm_work_bytes
from lib_omost.runtime.machine import Machine

LLAMA = {"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096}
PHI = {"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "hidden_size": 3072}


def test_keys_and_values_are_counted_from_the_config() -> None:
    assert llm_work_bytes(LLAMA, 8192) == LLM_WORK_BYTES == GIB + LLM_ACTIVATION_BYTES
    assert llm_work_bytes(PHI, 8192) == 3 * GIB + LLM_ACTIVATION_BYTES
    assert llm_work_bytes(LLAMA | {"head_dim": 64}, 8192) == GIB // 2 + LLM_ACTIVATION_BYTES


def test_a_config_with_other_names_counts_as_an_8b_model() -> None:
    assert llm_work_bytes({"n_layer": 12}, 8192) == LLM_WORK_BYTES


def test_the_machine_counts_those_of_the_model_that_it_has(tiny_llm: Path) -> None:
    machine = Machine("cpu")
    composer = machine.load_llm(catalog.llm(str(tiny_llm)))
    config = json.loads((tiny_llm / "config.json").read_text())
    assert machine._llm_work_bytes == llm_work_bytes(config, composer.profile.context_tokens) < LLM_WORK_BYTES
