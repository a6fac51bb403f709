"""Names, paths, URLs and hub ids become entries; what is unknown gets a sentence with the next step."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.numpy import save_file

from lib_omost.composer import SYSTEM_PROMPT
from lib_omost.errors import BrokenWeightsError, MissingWeightsError, UnknownModelError
from lib_omost.runtime import catalog, hub

PUBLISHED_LLMS = {
    "lllyasviel/omost-llama-3-8b",
    "lllyasviel/omost-dolphin-2.9-llama3-8b",
    "lllyasviel/omost-phi-3-mini-128k",
    "lllyasviel/omost-llama-3-8b-4bits",
    "lllyasviel/omost-dolphin-2.9-llama3-8b-4bits",
    "lllyasviel/omost-phi-3-mini-128k-8bits",
    "lllyasviel/omost-phi-3-mini-128k-4bits",
}


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalog, "MODELS_DIR", tmp_path)
    for folder in ("llms", "checkpoints", "loras"):
        (tmp_path / folder).mkdir()
    return tmp_path


def weights(path: Path) -> Path:
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"a": np.ones(3, np.float32)}, path)
    return path


def test_the_published_models_are_there_with_what_a_person_must_know() -> None:
    entries = {name: catalog.llm(name) for name in PUBLISHED_LLMS}
    assert PUBLISHED_LLMS | {"default"} == {entry.name for entry in catalog.LLMS}
    for name, entry in entries.items():
        assert entry.source == name and entry.place == "hub"
        assert entry.profile.context_tokens == 8192 and entry.profile.system_prompt == SYSTEM_PROMPT
        assert ("safety" in entry.warning) == ("dolphin" in name)
        assert entry.precision == ("int8" if "phi-3" in name and "4bits" not in name else "nf4")
        # of one no public source tells a revision: it is pinned when it is first used
        assert (entry.revision is None) == (name == "lllyasviel/omost-phi-3-mini-128k-4bits")
        assert len(entry.revision or "") in (0, 40) or entry.revision in hub.SUMS
    assert catalog.llm(catalog.PUBLISHED[0]) and catalog.sdxl(catalog.PUBLISHED[1])
    for name in ("SG161222/RealVisXL_V4.0", "stabilityai/stable-diffusion-xl-base-1.0"):
        assert len(catalog.sdxl(name).revision or "") == 40


def test_another_revision_of_a_published_model_keeps_what_a_person_must_know() -> None:
    name = "lllyasviel/omost-dolphin-2.9-llama3-8b-4bits"
    entry = catalog.llm(f"{name}@{'a' * 40}")
    assert (entry.source, entry.revision) == (name, "a" * 40)
    assert "safety" in entry.warning and entry.profile == catalog.OMOST


def test_the_default_models_are_two_entries_of_one_name() -> None:
    llm, sdxl = catalog.llm("default"), catalog.sdxl("default")
    assert llm.adapter is not None and (llm.adapter / "adapter_config.json").is_file()
    assert Path(sdxl.source, "model_index.json").is_file()
    assert sdxl.defaults.width in (128, 256) and 10e6 < (sdxl.size_bytes or 0) < 60e6
    assert (sdxl.defaults.steps, sdxl.defaults.guidance, sdxl.defaults.centred_noise) == (20, 4.0, True)


def test_a_name_may_be_given_without_its_owner() -> None:
    assert catalog.llm("omost-llama-3-8b-4bits").name == "lllyasviel/omost-llama-3-8b-4bits"


def test_a_hub_id_a_url_a_folder_and_a_file_are_entries_too(tmp_path: Path, tiny_llm: Path) -> None:
    assert catalog.llm("someone/some-llm").place == "hub"
    assert catalog.sdxl("someone/some-sdxl.v2").place == "hub"
    assert catalog.llm("http://127.0.0.1:8000/v1#model").place == "server"
    served = catalog.llm("http://127.0.0.1:8000/v1#/srv/cache/omost/default-language-0-bfloat16")
    assert served.profile == catalog.llm("default").profile
    assert catalog.llm(str(tiny_llm)).place == "folder"
    assert catalog.sdxl(str(weights(tmp_path / "juggernaut.safetensors"))).place == "file"


def test_a_trained_folder_gets_the_words_that_it_was_trained_on(tiny_llm: Path, tmp_path: Path) -> None:
    assert "omost" in tiny_llm.name and catalog.llm(str(tiny_llm)).profile.words_only
    (tmp_path / "config.json").write_text("{}")
    assert not catalog.llm(str(tmp_path)).profile.words_only


def test_what_lies_in_the_models_folder_is_listed_by_its_file_name(models_dir: Path) -> None:
    weights(models_dir / "checkpoints" / "juggernaut.safetensors")
    weights(models_dir / "loras" / "ink.safetensors")
    (models_dir / "checkpoints" / "old.ckpt").write_bytes(b"pickle")
    assert "juggernaut.safetensors" in catalog.names("sdxl") and "old.ckpt" not in catalog.names("sdxl")
    assert catalog.sdxl("juggernaut.safetensors").place == "file"
    assert list(catalog.loras()) == ["ink"]


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("omost-lama-3-8b", "llm", "Did you mean 'lllyasviel/omost-llama-3-8b'"),
        ("no such thing", "sdxl", "no image model named 'no such thing'.*python -m lib_omost models"),
        ("http://127.0.0.1/v1", "sdxl", "rendered on this machine"),
    ],
)
def test_an_unknown_name_is_answered_with_the_next_step(name: str, kind: catalog.Kind, message: str) -> None:
    with pytest.raises(UnknownModelError, match=message):
        catalog.entry(name, kind)


def test_a_folder_that_is_no_model_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"no config\.json"):
        catalog.llm(str(tmp_path))
    with pytest.raises(UnknownModelError, match=r"no model_index\.json"):
        catalog.sdxl(str(tmp_path))


def test_a_language_model_in_one_file_has_to_be_gguf(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"has to be a \.gguf file"):
        catalog.llm(str(weights(tmp_path / "llama.safetensors")))


def test_locating_a_model_sees_that_its_files_are_whole(tmp_path: Path) -> None:
    path = weights(tmp_path / "juggernaut.safetensors")
    entry = catalog.sdxl(str(path))
    assert catalog.locate(entry) == path and catalog.is_here(entry)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BrokenWeightsError, match="truncated"):
        catalog.locate(entry)
    path.unlink()
    assert not catalog.is_here(entry)
    with pytest.raises(MissingWeightsError, match="not there any more"):
        catalog.locate(entry)


def test_a_published_model_that_is_not_here_is_refused_in_one_sentence_without_a_network() -> None:
    entry = catalog.sdxl("SG161222/RealVisXL_V4.0")  # the tests run with HF_HUB_OFFLINE=1
    if catalog.is_here(entry):
        pytest.skip("this machine has the model")
    with pytest.raises(MissingWeightsError, match=r"not on this machine and could not be fetched.*--sdxl default"):
        catalog.locate(entry)
