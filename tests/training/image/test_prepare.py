from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from transformers import CLIPTokenizer

from training.image.prepare import build_tokenizer, read_icon_set, svg, typical_color

ICONS = {
    "width": 32,
    "height": 32,
    "icons": {"red-apple": {"body": "<path d='M0 0'/>"}, "wide": {"body": "<g/>", "width": 64}},
    "aliases": {"apple": {"parent": "red-apple"}},
}


def test_an_icon_is_drawn_in_its_own_box_and_an_alias_is_its_parent() -> None:
    assert 'viewBox="0 0 64 32"' in svg(ICONS, "wide")
    assert svg(ICONS, "apple") == svg(ICONS, "red-apple")


def test_an_icon_set_is_read_from_the_archive_of_npm(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "iconify-json-noto-1.2.9.tgz", "w:gz") as archive:
        for name, content in (("icons", ICONS), ("info", {"name": "Noto"})):
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(f"package/{name}.json")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert read_icon_set(tmp_path, "noto") == (ICONS, {"name": "Noto"})


def test_the_typical_color_is_that_of_most_opaque_pixels() -> None:
    sprite = np.zeros((20, 20, 4), np.uint8)
    sprite[:15] = (250, 5, 5, 255)
    sprite[15:] = (0, 0, 255, 255)
    sprite[:, :3, 3] = 0
    assert typical_color(sprite) == "red"


def test_a_few_merges_make_a_clip_tokenizer(tmp_path: Path) -> None:
    build_tokenizer(["c a", "ca t</w>"], tmp_path)
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path)
    assert tokenizer.tokenize("cat") == ["cat</w>"]
    assert tokenizer.model_max_length == 77
    ids = tokenizer("cat").input_ids
    assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert len(tokenizer) == 512 + 2 + 2
