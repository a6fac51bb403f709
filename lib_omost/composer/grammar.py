"""The canvas language as a Lark grammar for llguidance, made from the vocabulary. Text only: knows no tokenizer.

The layout is the one that the published models were trained on, with the freedom they use: either kind of quote, own
words in the comment before a region, a trailing comma or none. All else is dictated, so a decoder need not ask for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lib_omost.canvas.colors import COLORS
from lib_omost.canvas.vocabulary import AREAS, GLOBAL_FIELDS, LOCATIONS, OFFSETS, TAUGHT_FIELDS

MAX_REGIONS = 12
MAX_DETAILS = 9

# A sentence starts with a letter or a digit and holds no control character, no backslash and no backtick (the fence).
_SENTENCE = r"[\p{L}\p{N}](?:[^\x00-\x1f\x7f-\x9f\u2028\u2029\\`QUOTE]ESCAPE){1,400}"


def canvas_grammar(*, prose: bool) -> str:
    """Lark text (llguidance dialect) of a reply: one fenced canvas; with `prose`, also prose, around it or alone.

    Every text that it accepts and that holds a fence is a program which `read_canvas` accepts without a repair.
    """
    rules = [_reply(prose), "program: single_program | double_program"]
    rules += [rule for name, quote in (("single", "'"), ("double", '"')) for rule in _program(name, quote)]
    rules += [
        r"NAME: /[^\s`#][^\x00-\x1f\x7f-\x9f\u2028\u2029`]{0,99}/",
        r"DISTANCE: /[1-9][0-9]{0,2}(\.[0-9]{1,2})?|0\.[0-9]?[1-9]/",
    ]
    return "\n".join(rules) + "\n"


def _reply(prose: bool) -> str:
    if not prose:
        return 'start: "```python\\n" program "\\n```"'
    # Prose may quote a `word`; it holds no fence of its own and no call, which a reader would take for code.
    word = r"(?:[^`\x00-\x08\x0b-\x1f\x7f-\x9f]|`[^`\x00-\x1f\x7f-\x9f]{1,80}`)"
    no_call = r"~/(?s:.*)_description\((?s:.*)/"
    return "\n".join(
        [
            'start: PROSE | OPENING program "\\n```" ("\\n" PROSE)?',
            f"OPENING: /(?:{word}*\\n)? ?```python\\n/ & {no_call}",
            f"PROSE: /{word}+/ & {no_call}",
        ]
    )


def _program(name: str, quote: str) -> list[str]:
    """The rules of a program whose strings all stand between `quote`s."""
    sentence = _SENTENCE.replace("QUOTE", quote).replace("ESCAPE", rf"|\\{quote}")
    lists = {"location": LOCATIONS, "offset": OFFSETS, "area": AREAS, "HTML_web_color_name": tuple(COLORS)}
    values = {field: f"{name}_{field.lower()}" for field in lists}
    values |= {"distance_to_viewer": "DISTANCE", "detailed_descriptions": f"{name}_items"}
    head = "# Initialize the canvas\\ncanvas = Canvas()\\n\\n# "
    return [
        f'{name}_program: "{head}" ("Describe the picture" | "Set a global description for the canvas") "\\n" '
        f"{name}_global {name}_local{{1,{MAX_REGIONS}}}",
        f"{name}_global: {_call('set_global_description', GLOBAL_FIELDS, values, f'{name.upper()}_TEXT')}",
        f'{name}_local: "\\n\\n# Add " NAME "\\n" '
        f"{_call('add_local_description', TAUGHT_FIELDS, values, f'{name.upper()}_TEXT')}",
        f'{name}_items: "[\\n" {name}_item{{1,{MAX_DETAILS}}} "    ]"',
        f'{name}_item: "        " {name.upper()}_TEXT ",\\n"',
        f"{name.upper()}_TEXT: /{quote}{sentence}{quote}/",
        *(f"{values[field]}: {_words(words, quote)}" for field, words in lists.items()),
    ]


def _call(method: str, fields: Sequence[str], values: Mapping[str, str], text: str) -> str:
    """One call, an argument a line; fields without a rule of their own in `values` hold a `text`."""
    arguments = ' ",\\n" '.join(f'"    {field}=" {values.get(field, text)}' for field in fields)
    return f'"canvas.{method}(\\n" {arguments} ","? "\\n)"'


def _words(words: Iterable[str], quote: str) -> str:
    escape = '\\"' if quote == '"' else quote
    return " | ".join(f'"{escape}{word}{escape}"' for word in words)
