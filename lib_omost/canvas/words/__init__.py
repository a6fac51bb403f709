"""English, as people write descriptions and requests: phrases, forms, mentions, word lists. By rules; knows no canvas.

noun_phrase       a description as number, adjectives, noun and what follows
   │  word_forms      inflections, synonyms, compounds, slips of the pen
   │  mentions        mentions of a thing in a text, said of another thing
   ▼
request_words, wish_words, thing_colors   plain lists: words by what they do, and the colours that things usually have
"""

from lib_omost.canvas.words.mentions import mentions_of
from lib_omost.canvas.words.noun_phrase import COLOR_WORDS, NUMBERS, Phrase, phrase_of, plural, singular, with_article
from lib_omost.canvas.words.thing_colors import color_of
from lib_omost.canvas.words.word_forms import bases

__all__ = [
    "COLOR_WORDS",
    "NUMBERS",
    "Phrase",
    "bases",
    "color_of",
    "mentions_of",
    "phrase_of",
    "plural",
    "singular",
    "with_article",
]
