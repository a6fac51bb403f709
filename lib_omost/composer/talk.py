"""Messages that are no picture: a question, thanks, a greeting, another language, an empty wish. By rules, no model.

For language models that can write nothing but plans: a sentence that helps. What is not clearly one of these is a
request, which the model gets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lib_omost.composer.settings import Message

HELLO = "Hello! Tell me what you would like to see, for example: a red boat on a lake at sunset."
WELCOME = "You are welcome! Tell me what to change, or what to draw next."
ABOUT = (
    "I plan pictures and cannot answer questions. Describe what you would like to see, for example: a cat on a blue "
    "sofa, a lamp on the right. Then say what to change, or move the boxes by hand."
)
PAGE = (
    "I only plan pictures. Everything else is on this page: Render paints the plan, the arrow at a picture saves it, "
    "Settings has models, size and speed. Tell me what you would like to see."
)
EMPTY = "What would you like to see? Name a thing or two and where they are, for example: a dog on a beach, evening."
UNCLEAR = "I did not understand that. Please describe a picture in a few English words."
ENGLISH = "I only understand English so far. Please describe the picture in English."
_ENGLISH_TOO = {
    "de": "Ich verstehe bisher nur Englisch.",
    "fr": "Je ne comprends que l'anglais pour l'instant.",
    "es": "De momento solo entiendo inglés.",
    "it": "Per ora capisco solo l'inglese.",
    "pt": "Por enquanto só entendo inglês.",
    "nl": "Ik begrijp voorlopig alleen Engels.",
}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_GREETINGS = _set(
    """hi hello hey hiya yo howdy greetings good morning evening afternoon day there you all everyone everybody omost
    how are doing today nice to meet is anybody anyone someone home here awake still testing test ping sup
    whats what's up
    again friend my dear and welcome"""
)
_GREETS = _set(
    "hi hello hey hiya yo howdy greetings morning evening afternoon anybody anyone someone testing ping sup meet"
)
_PRAISE = _set(
    """thanks thank thx ty cheers great perfect nice lovely awesome cool wow amazing excellent wonderful beautiful
    brilliant fantastic superb love good well bye goodbye ok okay fine alright done goodnight appreciated appreciate
    neat super sweet impressive gorgeous congrats congratulations haha lol yay yes yeah yep ciao"""
)
_PRAISES = _PRAISE | _set(
    """you so much very a lot it i this that is are looks look looked really that's thats it's its job work works one
    result picture image plan like just what wanted for the help all now then later see no more changes many
    again to me
    indeed my oh too pretty quite i'm happy with how good-looking be absolutely totally exactly your we were been
    everything"""
)
#: Words of a wish that names nothing.
_NOTHING = _set(
    """something anything whatever surprise me idk dunno draw paint make create generate show give a an the please
    picture image photo drawing painting art artwork you want like decide choose pick up to random some any nice
    beautiful cool good pretty can could i would want one for just do your best thing things stuff what hmm hm um uh
    well so don't dont know not sure and or of it new another"""
)
_SAYS_NOTHING = _set(
    "something anything whatever surprise idk dunno random picture image photo drawing painting art artwork hmm hm um"
)
_WISHES = (
    r"make|add|put|move|remove|turn|change|draw|paint|have|give|get|show|create|generate|replace|swap|use|place|"
    r"delete|"
    r"take|bring|let|set|try|do (?:it|that|this|the)|be|look|stand|sit|hold|wear|include|need|want|like|render|"
    r"go|more"
)
_HOW_ABOUT = re.compile(
    r"^(?:how|what) (?:about|if)\b|^why (?:not|don't (?:you|we)|is there (?:no|still))|^what an? |^how would|"
    r"^what would .* look|^how to\b|^who(?:ever)? (?:is|are)? ?(?:riding|holding)|^when .*,|^where .*,"
)
_ASKS = re.compile(
    r"^(?:and |but |so |ok |hey |hi |hello |sorry |please |um |btw )*(?:what|whats|why|how|who|whose|when|where|"
    r"which)\b"
)
_ASKS_OF_YOU = re.compile(
    r"^(?:hey |hi |hello |so |but |and )*(?:are|do|did|were|have) (?:you|u)\b|"
    r"^(?:hey |hi |hello |so |but |and )*(?:can|could|will|would) (?:you|u) (?:also |please |even |really )*"
    r"(?:see|speak|talk|hear|help|explain|tell|remember|understand|read|think|feel|work|search|translate|write|sing|"
    r"recommend|answer|teach|send|code|calculate|solve)\b|"
    r"^(?:can|could|may|should|shall|do|am|must) i "
    r"(?!(?:please |just |also )*(?:have|get|see|add|put|make|change|replace)\b)|"
    r"^can you (?:give|get|show|make) me (?:some )?(?:a )?(?:advice|recipe|tips|joke|the (?:code|link|news|"
    r"weather|time))"
)
_IS_ASKED = re.compile(
    r"^is (?:this|it) (?:free|safe|legal|you|real)\b|what (?:should|shall|can|do) i do\b|"
    r"^(?:can|do) (?!you|we|i|it|he|she|they|this|that|there|these|those|us)\w+s \w+\W*$|"
    rf"^(?:is|are|does|do|did|was|were|has|have|isn't|aren't|doesn't) (?!.*\b(?:{_WISHES})\b).*\?\s*$"
)
_ORDERS = re.compile(
    r"^(?:please |can you |could you |now |hey |would you |just )*(?:tell (?:me|us)|explain|translate|summari[sz]e|"
    r"solve|calculate|compute|define|spell|recommend|search (?:for|the)|google|sing|help(?: me)?\s*$|"
    r"help me (?:with|to|out)|"
    r"(?:write|compose|recite|make up) (?:me |us )?(?:an? |the |some |another )?(?:\w+ ){0,2}(?:poem|story|"
    r"essay|email|e-mail|song|"
    r"letter|joke|function|program|script|code|article|haiku|speech|cv|resume|report|recipe|review|text|"
    r"sentence|query)\b|"
    r"give me (?:an? |some |the )?(?:recipe|advice|joke|tips?|code|example of|list)|do my homework|call |remind me|"
    r"play (?:a |some |the )?(?:song|music|game)|open (?:the )?(?:settings|menu))\b"
)
_FEELS = re.compile(
    r"^(?:i am|i'm|im|i feel|we are) (?:so |very |really |a bit )?(?:bored|hungry|tired|sad|lost|confused|stuck|"
    r"back|here|"
    r"new here|hungry|lonely|angry|sick|sorry)\W*$|^(?:it|this|that|the \w+) (?:does not|doesn't|did not|didn't|"
    r"won't|"
    r"isn't|is not) work(?:ing)?\b|\bcrash(?:ed|es)\b|^i (?:hate|don't like) (?:this|it|you|ai)\W*$|^(?:this|"
    r"that|it) is "
    r"(?:wrong|bad|terrible|ugly|stupid|broken)\W*$|^(?:sorry|never ?mind|nothing|wait|stop|cancel|exit|quit)\W*$|"
    r"^what\W*$|^i don'?t (?:know|understand)\b"
)
_OF_THE_PAGE = re.compile(
    r"\b(?:save|download|export|print|install|settings?|seed|slow|fast|long does|gpu|price|cost|free|files?|"
    r"model|canvas|"
    r"button|app|program|render|server|update|account|login|size|resolution)\b"
)
_CODE = re.compile(
    r"^\s*(?:def \w+\(|class \w+[:(]|import \w+|from \w+ import|print\(|#include|#!/|function \w*\(|"
    r"const \w+ ?=|let \w+ ?=|"
    r"var \w+ ?=|select .+ from |for ?\(|while ?\(|if ?\(|console\.|public (?:static|class)|<\?php|<html|"
    r"<!doctype|sudo |"
    r"pip install|git \w+|curl |\w+\([^)]*\);?\s*$)",
    re.IGNORECASE,
)
_ARITHMETIC = re.compile(r"^[\d\s+*/x=().,^%-]*[+*/=^%-][\d\s+*/x=().,^%?-]*$")
_KEY_ROWS = ("qwer", "tyuiop", "asdfghjkl", "zxcvbnm", "poiuytrewq", "lkjhgfdsa", "mnbvcxz")
_ENGLISH_WORDS = _set(
    """the a an of on in with and is are at to for it this that my his her make put add from by under over one
    two three
    please behind near next no not i want as into up down left right more"""
)
#: Words that are the language's own and no English ones.
_FOREIGN = {
    "de": """der das ein eine einen einem einer und mit auf im ist nicht ich bitte mach mache zeichne male bild
    von zu vor
    unter über ueber neben hund katze haus baum rot rote roten roter rotes blau grün größer kleiner danke wie
    geht kannst
    du mir den dem zum zur wald strand nacht hinter links rechts schön jetzt noch aber auch kein keine mann frau kind
    vogel vögel drei zwei sonne meer berg schnee möchte füge hinzu gelb gelbe schwarz schwarze weiß daneben""",
    "fr": """les une des du et avec dans sur est pas je veux dessine dessiner fais moi aux mer chien chat maison arbre
    rouge bleu bleue vert verte grand petit petite merci s'il vous plaît plait peux tu il elle sous devant
    derrière nuit
    jour qui voudrais d'un d'une très comment ça homme femme oiseau oiseaux trois deux soleil forêt plage
    montagne noir
    noire blanc blanche jaune vieil cuisine pluie hiver ajoute bateau""",
    "es": """los las una unos con y quiero dibuja dibujar haz hazlo perro gato árbol rojo roja azul verde más grande
    pequeño pequeña gracias muchas puedes junto del sobre debajo detrás delante noche mar montaña pinta imagen ahora
    hombre mujer pájaro pájaros tres dos sol bosque playa negro negra blanco blanca amarillo anciano cocina lluvia
    invierno añade pon barco niña niño""",
    "it": """gli uno una di voglio disegna disegnare cane gatto albero rosso rossa blu più grande piccolo grazie puoi
    accanto della sul sulla sotto dietro notte nel nella vorrei montagna uomo donna uccello uccelli tre sole bosco
    spiaggia nero nera bianco bianca giallo vecchio cucina pioggia inverno aggiungi barca bambina davanti alla
    un'immagine alle""",
    "pt": """os uma um com em quero desenhe desenha faça cachorro gato árvore vermelho vermelha azul verde mais
    pequeno
    obrigado obrigada favor pode lado sobre noite dia na mar montanha homem mulher pássaro pássaros três dois sol
    floresta praia preto preta branco amarelo velho cozinha chuva inverno adicione barco menina ao""",
    "nl": """het een niet ik wil teken maak hond kat huis boom rood rode blauw blauwe groen groter kleiner dank je wel
    alsjeblieft kun naast voor onder nacht dag plaatje bos zee en met op drie twee vogels oude maken strand keuken""",
    "other": """ett och med jag vill rita på är inte hus röd tack bir ve istiyorum lütfen çiz chcę narysuj
    proszę w kot
    kota dziękuję pies som hvid rød hund koira talo ja se trzy dwa ptaki plaży lesie nocy zimą obraz czerwony
    dom statek
    tre fåglar skogen stranden natten köket kedi ev kuş rumah merah kucing dan di gambar yang saya mau""",
}
#: One of these is enough.
_THANKS = {
    "de": _set("danke dankeschön bitte zeichne"),
    "fr": _set("merci dessine dessine-moi bonjour voudrais"),
    "es": _set("gracias hola dibuja quiero puedes"),
    "it": _set("grazie disegna vorrei buongiorno"),
    "pt": _set("obrigado obrigada desenhe maior"),
    "nl": _set("alsjeblieft bedankt plaatje"),
    "other": _set("dziękuję proszę narysuj teşekkürler tack istiyorum"),
}
_ALSO_ENGLISH = _set(
    """in no on is die me do as i e o y a da se am son pies casa con an at plus en grand art de la max image
    male mare tu
    al van per bos es blues comment w sol barco pot dan ev dom sole mar mer arc pat rot boom wild gambit dank
    uno kat mann
    gatos chat du des verde azul"""
)
_TONGUES = {tongue: _set(words) - _ALSO_ENGLISH for tongue, words in _FOREIGN.items()}
_OPENS = _set("ein eine einen un une una uno um uma le la les el los il lo een het ett bir der das den")
_ENGLISH_ONLY = _ENGLISH_WORDS - _set("a in on at i no as me do")


def answer_to(messages: Sequence[Message]) -> str | None:
    """What to say to the newest message of a conversation."""
    has_plan = any(message["role"] == "assistant" and "Canvas(" in message["content"] for message in messages)
    return answer(messages[-1]["content"], has_plan) if messages else None


def answer(message: str, has_plan: bool = False) -> str | None:
    """What to say to a message that asks for no picture; None for a request. `has_plan`: a plan stays, and is
    said to."""
    found = _kind(message.strip())
    return f"{found} The plan stays as it is." if found and has_plan and found != WELCOME else found


def _kind(message: str) -> str | None:
    text = " ".join(message.lower().replace("’", "'").split())
    words = re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*", text)
    if not words:
        return ABOUT if _ARITHMETIC.search(text) and re.search(r"\d", text) else EMPTY
    if _CODE.search(message) and "canvas" not in text:
        return ABOUT
    if (foreign := _of_another_tongue(text, words)) is not None:
        return foreign
    if _all_in(words, _GREETINGS) and _GREETS.intersection(words) and len(words) <= 8:
        return HELLO
    if text.strip(" .!") in ("that's it", "no more changes", "that is all", "that's all", "that is it"):
        return WELCOME
    if _all_in(words, _PRAISES) and _PRAISE.intersection(words) and words[0] != "more":
        return WELCOME
    if _all_in(words, _NOTHING) and _SAYS_NOTHING.intersection(words):
        return EMPTY
    if all(map(_is_mash, words)):
        return UNCLEAR
    return _of_a_question(text)


def _of_a_question(text: str) -> str | None:
    plain = re.sub(r"^\W+", "", text)
    asks = (
        _ASKS.search(plain)
        and not _HOW_ABOUT.search(plain)
        and not re.search(r"[.!?,;] *\w+.*\b(?:make|put|add|move|remove)\b", plain)
    )
    if asks or any(rule.search(plain) for rule in (_ASKS_OF_YOU, _IS_ASKED, _ORDERS, _FEELS)):
        return PAGE if _OF_THE_PAGE.search(plain) else ABOUT
    return None


def _of_another_tongue(text: str, words: list[str]) -> str | None:
    letters = [c for c in text if c.isalpha()]
    if sum(c > "ʯ" for c in letters) > 0.5 * len(letters):
        return ENGLISH
    words = [part for word in words for part in word.split("-")]
    english = sum(word in _ENGLISH_ONLY for word in words)
    scores = {tongue: sum(word in own for word in words) for tongue, own in _TONGUES.items()}
    tongue = max(scores, key=lambda name: scores[name])
    if tongue_of := next((name for name, own in _THANKS.items() if own.intersection(words)), None):
        return f"{_ENGLISH_TOO[tongue_of]} {ENGLISH}" if tongue_of in _ENGLISH_TOO else ENGLISH
    found = sum(any(word in own for own in _TONGUES.values()) or any(c > "\x7f" for c in word) for word in words)
    if found > english and (found >= 2 or (words[0] in _OPENS and not english)):
        return f"{_ENGLISH_TOO[tongue]} {ENGLISH}" if tongue in _ENGLISH_TOO and scores[tongue] else ENGLISH
    return None


def _all_in(words: list[str], some: frozenset[str]) -> bool:
    return all(word in some for word in words)


def _is_mash(word: str) -> bool:
    """Whether no word looks like it: no vowel, five consonants in a row, or neighbours on the keyboard."""
    if len(word) < 3:
        return not re.search("[aeiouy]", word)
    rows = any(word in row or any(row[at : at + 4] in word for at in range(len(row) - 3)) for row in _KEY_ROWS)
    hard = not re.search("[aeiou]", word) and ("y" not in word or re.search("[^aeiouy]{3}", word))
    return rows or bool(hard) or bool(re.search(r"[^aeiouy]{5}|[aeiou]{5}|(.)\1\1", word))
