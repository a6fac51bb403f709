from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib_omost.runtime import catalog
from lib_omost.runtime.device import GIB, LLM_ACTIVATION_BYTES, LLM_WORK_BYTES, group_bytes, llm_work_bytes
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


@pytest.mark.parametrize(
    ("own", "folder", "names"),
    [
        ("0::/app", "app", ("memory.max", "memory.current")),
        ("0::/elsewhere", "", ("memory.max", "memory.current")),
        ("3:cpu:/\n2:memory:/app", "memory/app", ("memory.limit_in_bytes", "memory.usage_in_bytes")),
    ],
)
def test_a_container_has_its_limit_less_what_is_taken_and_no_cache_of_files(
    tmp_path: Path, own: str, folder: str, names: tuple[str, str]
) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "own").write_text(own)
    for name, value in zip((*names, "memory.stat"), ("1000", "700", "active_file 100\ninactive_file 200"), strict=True):
        (tmp_path / folder / name).write_text(value)
    assert group_bytes(tmp_path, tmp_path / "own") == (600, 1000)
    (tmp_path / folder / names[0]).write_text("max")
    assert group_bytes(tmp_path, tmp_path / "own") is None


def test_a_system_without_control_groups_has_no_such_limit(tmp_path: Path) -> None:
    assert group_bytes(tmp_path, tmp_path / "own") is None
