"""Draws the word lists of the training from WordNet's files, once; `words.ini` is what the training reads.

    apt-get download wordnet-base wordnet-sense-index && dpkg -x ... folder
    python -m training.language.wordlist folder/usr/share/wordnet

Words whose commonest sense is a thing that can be seen, in order of how common they are; rude words and names are left
out. A word that the base model's tokenizer cuts into more than three pieces is too rare to be worth its tokens.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from pathlib import Path

OUT = Path(__file__).with_name("words.ini")
#: number of a lexicographer file -> section of words.ini, and the most words that it may hold
NOUNS = {
    "05": ("animal", 700),
    "06": ("artifact", 1800),
    "13": ("food", 400),
    "17": ("landscape", 120),
    "18": ("person", 450),
    "20": ("plant", 350),
}
VERBS = {"29", "34", "35", "36", "38", "39"}
MOST_VERBS, MOST_ADJECTIVES = 350, 900
_RUDE = re.compile(
    r"slur|offensive|derogat|disparag|obscen|vulgar|contempt|sexual|genital|prostitut|excret|feces|nazi|"
    r"narcotic|drug|slave|torture|naked|nude|erotic|intercourse|urin|rape|murder|kill|racial|ethnic|jew|negro|gypsy|"
    r"taxonomic|microorganism|bacteri|virus|disease|cancer|suicid|breast|buttock|anus|penis|vagina|hitler|terroris",
    re.I,
)


def glosses(folder: Path, kind: str) -> tuple[dict[str, str], set[str]]:
    """(word -> the glosses of all its senses, words that are written with a capital or digit somewhere)."""
    found: dict[str, str] = defaultdict(str)
    names: set[str] = set()
    for line in (folder / f"data.{kind}").read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue
        head, _, gloss = line.partition(" | ")
        fields = head.split()
        for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2]:
            found[word.lower()] += f" {gloss}"
            if not re.fullmatch(r"[a-z_]+(\([a-z]+\))?", word):
                names.add(word.lower())
    return found, names


def senses(folder: Path) -> list[tuple[str, str, str, int, int]]:
    """(word, type, lexicographer file, number of the sense, how often it was met)."""
    found = []
    for line in (folder / "index.sense").read_text(encoding="utf-8").splitlines():
        key, _, number, count = line.split()
        word, _, rest = key.partition("%")
        kind, file, *_ = rest.split(":")
        found.append((word, kind, file, int(number), int(count)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", type=Path, help="folder of the base model (default: the cache folder's)")
    args = parser.parse_args()
    from transformers import AutoTokenizer

    from lib_omost.runtime.default_model import default_language_model

    tokenizer = AutoTokenizer.from_pretrained(args.base or default_language_model())

    def pieces(word: str) -> int:
        return len(tokenizer(f" {word}", add_special_tokens=False).input_ids)

    everything = senses(args.folder)
    lists = {
        name: chosen(args.folder, "noun", everything, {file}, most, pieces) for file, (name, most) in NOUNS.items()
    }
    lists["verb"] = chosen(args.folder, "verb", everything, VERBS, MOST_VERBS, pieces)
    lists["adjective"] = chosen(args.folder, "adj", everything, {"00"}, MOST_ADJECTIVES, pieces)
    head = "; Words of WordNet 3.0, drawn by training/language/wordlist.py; licence: WORDNET_LICENSE.txt\n"
    OUT.write_text(head + "".join(f"\n[{name}]\nwords = {', '.join(words)}\n" for name, words in lists.items()))
    print({name: len(words) for name, words in lists.items()})


def chosen(folder, kind, everything, files, most, pieces):  # type: ignore[no-untyped-def]
    """The commonest words of a kind whose first sense is in one of `files`."""
    said, names = glosses(folder, kind)
    types = {"noun": "1", "verb": "2", "adj": "35"}[kind]
    counts: dict[str, int] = {}
    for word, type_, file, number, count in everything:
        if type_ in types and number == 1 and file in files:
            counts[word] = max(counts.get(word, 0), count)
    fits = []
    for word, count in counts.items():
        plain = word.replace("_", " ")
        if len(word) < 3 or word in names or not re.fullmatch(r"[a-z]+(_[a-z]+)?", word) or _RUDE.search(said[word]):
            continue
        cost = pieces(plain)
        if cost <= 3 and (kind == "noun" or "_" not in word) and (count or kind == "noun"):
            fits.append((-min(count, 20) + 8 * cost + 4 * ("_" in word), word, plain))
    return sorted(plain for *_, plain in sorted(fits)[:most])


if __name__ == "__main__":
    main()
