"""Language models from folders, GGUF files and quantised checkpoints; what cannot run here is refused."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFWriter
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaForCausalLM

from lib_omost.composer import ComposeSettings
from lib_omost.errors import BrokenWeightsError, DeviceMemoryError, ModelError, VersionError
from lib_omost.runtime import catalog, checks, manifest
from lib_omost.runtime import device as devices
from lib_omost.runtime.device import GIB
from lib_omost.runtime.load_llm import load_composer, may_rest, quantise_to, refuse_too_large

CPU = torch.device("cpu")
GREEDY = ComposeSettings(max_new_tokens=12, temperature=0.0, grammar=False, speculate=False)


def reply(path: Path) -> str:
    composer = load_composer(catalog.llm(str(path)), CPU, None)
    return "".join(composer.stream([{"role": "user", "content": "a cat"}], GREEDY, threading.Event()))


@pytest.mark.parametrize("fault", ["missing", "left over"])
def test_a_folder_with_a_tensor_missing_or_left_over_is_refused_by_its_name(
    tiny_llm: Path, tmp_path: Path, fault: str
) -> None:
    folder = Path(shutil.copytree(tiny_llm, tmp_path / "copy"))
    tensors = load_file(folder / "model.safetensors")
    name = "model.layers.1.mlp.up_proj.weight"
    changed = (
        {k: v for k, v in tensors.items() if k != name}
        if fault == "missing"
        else tensors | {"odd.weight": tensors[name] * 1}
    )
    save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BrokenWeightsError, match=name if fault == "missing" else r"odd\.weight"):
        reply(folder)


def test_a_truncated_shard_is_named_with_both_sizes(tiny_llm: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_llm, tmp_path / "copy"))
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-100])
    with pytest.raises(BrokenWeightsError, match=rf"model\.safetensors is truncated: {len(data):,} bytes expected"):
        reply(folder)


def test_a_folder_with_pickles_only_is_refused(tiny_llm: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_llm, tmp_path / "copy"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BrokenWeightsError, match=r"pytorch_model\.bin is a pickle"):
        reply(folder)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", "{", r"config\.json is not readable as JSON"),
        ("config.json", "{}", r"names no model_type"),
        ("config.json", '{"model_type": "frobnicate"}', r"copy cannot be loaded as a language model: [^\n]+\.$"),
        ("tokenizer.json", None, r"copy/ holds no tokenizer"),
        ("tokenizer.json", "{", r"copy cannot be loaded as a language model: [^\n]+\.$"),
        ("model.safetensors.index.json", "[]", r"index\.json holds a list, not an object"),
    ],
)
def test_a_folder_that_is_damaged_anywhere_is_one_sentence_without_its_place(
    tiny_llm: Path, tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    folder = Path(shutil.copytree(tiny_llm, tmp_path / "copy"))
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    with pytest.raises(ModelError, match=message) as refusal:
        reply(folder)
    assert str(tmp_path) not in str(refusal.value)


def test_code_that_comes_with_a_model_is_never_run(tiny_llm: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_llm, tmp_path / "copy"))
    config = json.loads((folder / "config.json").read_text())
    auto = {"AutoModelForCausalLM": "theirs.Model", "AutoConfig": "theirs.Config"}
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": auto}))
    (folder / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert reply(folder)  # llama is known without it
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": auto, "model_type": "theirs"}))
    with pytest.raises(BrokenWeightsError, match="cannot be loaded as a language model"):
        reply(folder)
    assert not (tmp_path / "ran").exists()


# --- quantised ---


@pytest.fixture(scope="module", params=["nf4", "int8"])
def quantised(request: pytest.FixtureRequest, tiny_llm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a published quantised checkpoint is: saved by bitsandbytes with its states."""
    folder = tmp_path_factory.mktemp(f"omost-{request.param}")
    config = (
        BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
        if request.param == "nf4"
        else BitsAndBytesConfig(load_in_8bit=True)
    )
    model = AutoModelForCausalLM.from_pretrained(
        tiny_llm, quantization_config=config, dtype=torch.bfloat16, device_map={"": "cpu"}
    )
    model.save_pretrained(folder)  # before its first forward pass, which repacks nf4 for the CPU
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(tiny_llm / name, folder)
    return folder


def test_a_quantised_checkpoint_runs_on_the_cpu_back_end_of_bitsandbytes(quantised: Path) -> None:
    composer = load_composer(catalog.llm(str(quantised)), CPU, None)
    weights = {type(module).__name__ for module in composer.model.modules()}  # type: ignore[union-attr]
    assert weights & {"Linear4bit", "Linear8bitLt"}
    assert reply(quantised)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_a_quantised_checkpoint_computes_in_the_format_that_is_asked_for(quantised: Path, dtype: torch.dtype) -> None:
    model = load_composer(catalog.llm(str(quantised)), CPU, None, dtype=dtype).model  # type: ignore[union-attr]
    floating = {parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()}
    layers = [module for module in model.modules() if type(module).__name__ == "Linear4bit"]
    assert floating == {dtype}
    assert {layer.compute_dtype for layer in layers} <= {dtype}
    assert {layer.weight.quant_state.dtype for layer in layers} <= {dtype}
    assert model.model.rotary_emb.inv_freq.dtype == torch.float32
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[1, 2, 3]])).logits
        plain = load_composer(catalog.llm(str(quantised)), CPU, None).model  # type: ignore[union-attr]
        assert (
            logits.dtype == dtype
            and (logits.float() - plain(torch.tensor([[1, 2, 3]])).logits.float()).abs().max() < 0.1
        )


def test_a_quantised_checkpoint_moves_by_plain_to(quantised: Path) -> None:
    composer = load_composer(catalog.llm(str(quantised)), CPU, None)
    composer.model.to("cpu")  # type: ignore[union-attr]
    assert "".join(composer.stream([{"role": "user", "content": "a cat"}], GREEDY, threading.Event())) == reply(
        quantised
    )


def test_a_model_waits_on_the_cpu_if_it_can_be_moved_from_there(quantised: Path, tiny_llm: Path) -> None:
    settings = json.loads((quantised / "config.json").read_text())["quantization_config"]
    assert may_rest(quantised) == settings["load_in_4bit"] and may_rest(tiny_llm)
    composer = load_composer(catalog.llm(str(tiny_llm)), torch.device("meta"), None, resting=True)
    assert composer.model.device == CPU
    assert not may_rest(tiny_llm / "model.gguf")


def test_a_quantised_checkpoint_without_its_library_is_refused(
    quantised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.metadata.version

    def version(package: str) -> str:
        if package == "bitsandbytes":
            raise importlib.metadata.PackageNotFoundError(package)
        return real(package)

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(VersionError, match=r"needs bitsandbytes 0\.50 or newer, which is not installed"):
        reply(quantised)


def test_a_quantised_checkpoint_that_lost_its_config_is_refused_and_not_noise(quantised: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(quantised, tmp_path / "copy"))
    config = json.loads((folder / "config.json").read_text())
    del config["quantization_config"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BrokenWeightsError, match="would load as noise"):
        reply(folder)


def test_on_a_mac_a_quantised_model_is_refused_with_the_alternatives_before_any_download() -> None:
    entry = catalog.llm("lllyasviel/omost-llama-3-8b-4bits")
    with pytest.raises(ModelError, match=r"not used on Apple GPU.*unquantised version, a GGUF file, a server's URL"):
        load_composer(entry, torch.device("mps"), None)


def as_large_as(billions: float, folder: Path, name: str = "model.safetensors") -> Path:
    """A folder whose weights' header tells of so many numbers; the file has a hole in the place of its data."""
    count = int(billions * 1e9)
    header = json.dumps({"w": {"dtype": "BF16", "shape": [count], "data_offsets": [0, 2 * count]}}).encode()
    with (folder / name).open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 2 * count)
    (folder / "config.json").write_text("{}")
    return folder


def test_weights_in_16_bits_are_quantised_where_they_do_not_fit_as_recommended_or_else_to_nf4(tmp_path: Path) -> None:
    llama, phi = catalog.llm("lllyasviel/omost-llama-3-8b"), catalog.llm("lllyasviel/omost-phi-3-mini-128k")
    folder, cuda = as_large_as(8.03, tmp_path), torch.device("cuda")
    assert quantise_to(llama, folder, cuda, 8 * GIB) == "nf4"
    assert quantise_to(phi, folder, cuda, 8 * GIB) == "int8"
    assert quantise_to(catalog.llm("someone/some-llama"), folder, cuda, 8 * GIB) == "nf4"
    assert quantise_to(llama, folder, cuda, 24 * GIB) is None
    assert quantise_to(llama, folder, CPU, None) is None


def test_a_model_that_cannot_fit_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    entry = catalog.llm("someone/some-llama")
    refuse_too_large(entry, as_large_as(2, tmp_path), torch.device("meta"), 8 * GIB)
    as_large_as(8.03, tmp_path)
    with pytest.raises(DeviceMemoryError, match=r"needs 15\.0 GiB in 16 bits, and .* has 8\.0\. Give the server's URL"):
        refuse_too_large(entry, tmp_path, torch.device("meta"), 8 * GIB)
    if devices.machine_bytes():
        as_large_as(4000, tmp_path)
        with pytest.raises(DeviceMemoryError, match=r"needs 7450\.6 GiB in 16 bits, and CPU has"):
            refuse_too_large(entry, tmp_path, CPU, None)


@pytest.mark.skipif(importlib.util.find_spec("kernels") is not None, reason="with kernels a GGUF stays packed")
def test_a_gguf_file_that_cannot_fit_unpacked_is_sent_to_a_server(tiny_llm: Path, tmp_path: Path) -> None:
    write_gguf(tiny_llm, tmp_path / "tiny.gguf")
    count = checks.elements(tmp_path / "tiny.gguf")
    assert count == sum(p.numel() for p in LlamaForCausalLM.from_pretrained(tiny_llm).parameters())
    entry = catalog.llm(str(tmp_path / "tiny.gguf"))
    with pytest.raises(DeviceMemoryError, match=r"unpacked to 16 bits here: serve it with llama\.cpp"):
        refuse_too_large(entry, tmp_path / "tiny.gguf", torch.device("meta"), 2 * count - 1)


# --- GGUF ---


def write_gguf(source: Path, path: Path) -> None:
    """The tiny model as llama.cpp writes it: its tensor names, query and key rows interleaved, the tokenizer inside."""
    model = LlamaForCausalLM.from_pretrained(source)
    config, tokenizer = model.config, json.loads((source / "tokenizer.json").read_text())
    vocabulary = {token: number for token, number in tokenizer["model"]["vocab"].items()}
    vocabulary |= {added["content"]: added["id"] for added in tokenizer["added_tokens"]}
    tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    tokens += ["<|endoftext|>"]  # transformers adds it to a GGUF's tokenizer where it is absent
    tokens += [f"<unused{n}>" for n in range(config.vocab_size - len(tokens))]
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<|") else 1 for token in tokens])
    writer.add_token_merges(
        [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    )
    writer.add_bos_token_id(vocabulary["<|im_start|>"])
    writer.add_eos_token_id(vocabulary["<|im_end|>"])
    writer.add_chat_template((source / "chat_template.jinja").read_text())
    parts = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
    }
    parts |= {"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
    parts |= {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "model.layers": "blk"}
    parts |= {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    for name, tensor in model.state_dict().items():
        for heads, part in ((config.num_attention_heads, "q_proj"), (config.num_key_value_heads, "k_proj")):
            if part in name:
                tensor = tensor.view(heads, 2, -1, tensor.shape[1]).transpose(1, 2).reshape(tensor.shape)
        for ours, theirs in parts.items():
            name = name.replace(ours, theirs)
        writer.add_tensor(name, tensor.numpy().astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_gives_the_weights_of_the_folder_it_was_made_from_and_writes(
    tiny_llm: Path, tmp_path: Path
) -> None:
    write_gguf(tiny_llm, tmp_path / "tiny-omost.gguf")
    states = [
        load_composer(catalog.llm(str(path)), CPU, None).model.state_dict()  # type: ignore[union-attr]
        for path in (tmp_path / "tiny-omost.gguf", tiny_llm)
    ]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert reply(tmp_path / "tiny-omost.gguf")


# --- an adapter ---


@pytest.fixture
def adapter(tiny_llm: Path, tmp_path: Path) -> Path:
    """A LoRA on the tiny model that changes what it says."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules=["q_proj", "up_proj"], init_lora_weights=False)
    get_peft_model(LlamaForCausalLM.from_pretrained(tiny_llm), config).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_an_adapter_is_merged_once_and_the_next_start_reads_the_same_model(
    tiny_llm: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, days in (("default-language-of-before", 8), ("default-language-of-another", 1)):
        (tmp_path / "omost" / name).mkdir(parents=True)
        os.utime(tmp_path / "omost" / name, (time.time() - days * 86400,) * 2)
    entry = replace(catalog.llm(str(tiny_llm)), adapter=adapter)
    first = load_composer(entry, CPU, None)
    *kept, another = sorted((tmp_path / "omost").glob("default-language-*"))
    assert another.name == "default-language-of-another"  # which another version may use now
    assert len(kept) == 1 and kept[0].name.endswith("-bfloat16")  # the older one is gone
    written = (kept[0] / "model.safetensors").stat().st_mtime_ns
    second = load_composer(entry, CPU, None)
    assert (kept[0] / "model.safetensors").stat().st_mtime_ns == written
    states, plain = (
        [c.model.state_dict() for c in (first, second)],
        load_composer(replace(entry, adapter=None), CPU, None),
    )
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    name = "model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(states[0][name], plain.model.state_dict()[name])


@pytest.mark.parametrize("harm", ["cut", "flipped", "a file gone", "the manifest gone and the rest cut"])
def test_a_damaged_merged_model_is_made_anew_by_itself(tiny_llm: Path, adapter: Path, cache: Path, harm: str) -> None:
    entry = replace(catalog.llm(str(tiny_llm)), adapter=adapter)
    load_composer(entry, CPU, None)
    (folder,) = cache.glob("default-language-*")
    weights = folder / "model.safetensors"
    good = weights.read_bytes()
    if harm == "a file gone":
        (folder / "tokenizer.json").unlink()
    else:
        weights.write_bytes(good[:-500] if "cut" in harm else good[:-500] + bytes(500))
    if "manifest" in harm:
        (folder / "sha256.json").unlink()
    load_composer(entry, CPU, None)
    assert weights.read_bytes() == good and (folder / "tokenizer.json").is_file()
    assert {path.name for path in cache.iterdir()} == {folder.name, ".lock"}


STARTS = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
from lib_omost.runtime import catalog
from lib_omost.runtime.load_llm import load_composer
entry = replace(catalog.llm(sys.argv[1]), adapter=Path(sys.argv[2]))
load_composer(entry, torch.device("cpu"), None)
"""


@pytest.mark.slow
def test_two_first_starts_at_once_both_come_up(tiny_llm: Path, adapter: Path, cache: Path) -> None:
    command = [sys.executable, "-c", STARTS, str(tiny_llm), str(adapter)]
    both = [subprocess.Popen(command, cwd=Path(__file__).parents[2]) for _ in range(2)]
    assert [one.wait(240) for one in both] == [0, 0]
    (folder,) = cache.glob("default-language-*")
    assert manifest.intact(folder)
    assert {path.name for path in cache.iterdir()} == {folder.name, ".lock"}


# --- before and beside the loading ---


def test_a_library_that_is_too_old_is_told_before_any_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda package: "4.41.1")
    entry = catalog.llm("lllyasviel/omost-llama-3-8b")
    with pytest.raises(
        VersionError, match=r"^lllyasviel/\S+ needs transformers 5\.0 or newer, 4\.41\.1 is installed: pip"
    ):
        load_composer(entry, CPU, None)


WITHOUT_NETWORK = """
import sys
asked = []
sys.addaudithook(lambda event, args: asked.append(args) if event in ("socket.connect", "socket.getaddrinfo") else None)
from lib_omost.runtime import Engine
engine = Engine(sys.argv[1], "default", device="cpu")
engine.warm_up()
sys.exit(f"{asked} {engine.last_error}" if asked or engine.last_error else 0)
"""


@pytest.mark.slow
def test_models_on_this_machine_are_loaded_without_a_network_call_even_where_there_is_a_network(tiny_llm: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    command = [sys.executable, "-c", WITHOUT_NETWORK, str(tiny_llm)]
    done = subprocess.run(command, env=environment, cwd=catalog.PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "loading says nothing to a terminal that does not listen to the library's log"
