"""Messages that are no picture, or not English, and the one short sentence that answers each kind of them."""

from __future__ import annotations

import random

from training import nouns
from training.language import lexicon

HELLO = "Hello! Tell me what you would like to see, and I will plan the picture."
WELCOME = "You are welcome. Tell me what to change, or what to draw next."
ENGLISH = "I only understand English so far. Please describe the picture in English."
UNCLEAR = "I did not understand that. Please describe a picture in a few English words."
ABOUT = "I can only plan pictures. Describe one in a sentence, such as: a red boat on a lake at sunset."

_HELLO = ("hi", "hello hello", "hey", "hello there", "good morning", "good evening", "hi there!", "hey you", "yo",
    "hello you", "anybody home?", "hi, how are you?", "how are you today", "howdy", "good afternoon", "greetings",
    "are you awake?", "is someone there?", "nice to meet you", "testing")  # fmt: skip
_THANKS = ("thanks", "thank you", "thank you so much", "great", "perfect", "very nice", "i love it", "wow, lovely",
    "cool, thanks", "awesome!", "that is beautiful", "good job", "well done", "ok", "fine, thank you", "lovely",
    "that's it", "nice work", "bye", "see you later", "goodbye", "ok thanks bye", "amazing",
    "no more changes")  # fmt: skip
_ABOUT = (
    "who are you?", "what are you", "what is this?", "how does this work?", "what can i do here", "help",
        "can you help me?", "what should i type", "which model is this", "are you a robot?", "are you chatgpt?",
        "how old are you", "do you speak german?",
    "where is my picture?", "why does it take so long", "how long does it take?", "can i download it?",
        "how do i print this", "is this free?", "what does it cost", "who owns the pictures?",
        "where are my files saved", "how big can the image be?",
    "tell me a joke", "what time is it", "what's the weather like tomorrow", "sing a song",
        "what is the capital of france?", "what is 7 plus 5", "how much is 30 divided by 6?", "solve x + 3 = 10",
        "write a python function", "give me a recipe", "who won the game last night?", "what day is today?",
    "translate this for me", "tell me a story", "can you write an email for me", "what is love?",
        "what do you think about politics", "i am bored", "i am hungry", "i don't know what to write",
        "do you like me?", "the program crashed", "it does not work", "i hate this", "this is wrong",
    "can you see me?", "do you remember me?", "how do i change the settings", "how can i install it?",
        "what is a canvas?", "what does the seed do?", "explain the settings", "why are hands so hard to draw?",
        "is my data safe?", "can you search the internet", "do my homework",
)  # fmt: skip
_ASKED = (
    "what is a {n}?", "why do {ns} {v}?", "how many {ns} are there in the world?", "who invented the {n}?",
        "tell me about {ns}", "write a poem about {n}", "tell me a joke about {ns}", "where can i buy a {n}?",
        "is a {n} dangerous?", "how do i {v} a {n}?", "what does {a} mean?", "how do you spell {n}?",
    "what is the difference between a {n} and a {m}?", "do {ns} {v}?", "write an essay about the {n}",
        "how old can {ns} get?", "how much does a {n} cost?", "what rhymes with {n}?", "can {ns} {v}?",
        "explain how a {n} works", "my {n} is broken, what should i do?", "what do {ns} eat?",
        "should i buy a {n} or a {m}?", "summarize the history of the {n}",
)  # fmt: skip
#: language -> (ways to say it, things, places): none of it is English
_FOREIGN: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (("{a} {p}", "zeichne {a} {p}", "bitte {a} und {b}", "ich möchte ein Bild von {a}", "{a} neben {b}, {p}",
        "mach das bitte größer", "und jetzt in Blau", "wie geht das?", "kannst du {a} malen?"),
     ("eine Katze", "ein rotes Haus", "drei Vögel", "ein alter Mann", "einen Drachen", "die Sonne", "ein Schiff",
         "ein kleines Mädchen"), ("im Wald", "am Strand", "in der Nacht", "auf dem Berg", "in der Küche",
         "vor dem Haus", "im Winter")),
    (("{a} {p}", "dessine {a} {p}", "je voudrais {a} et {b}", "une image de {a} {p}", "{a} à côté de {b}",
        "peux-tu faire {a} ?", "plus grand s'il te plaît", "merci beaucoup", "comment ça marche ?"),
     ("un chien", "une maison jaune", "trois oiseaux", "un vieil homme", "un dragon vert", "le soleil", "un bateau",
         "une petite fille"), ("dans la forêt", "sur la plage", "au bord de la mer", "dans la cuisine",
         "devant la maison", "en hiver", "sous la pluie")),
    (("{a} {p}", "dibuja {a} {p}", "quiero {a} y {b}", "una imagen de {a} {p}", "{a} al lado de {b}",
        "hazlo más grande", "¿puedes pintar {a}?", "muchas gracias", "ahora de noche"),
     ("un gato", "una casa roja", "tres pájaros", "un anciano", "un dragón verde", "el sol", "un barco", "una niña"),
         ("en el bosque", "en la playa", "de noche", "en la cocina", "delante de la casa", "en invierno",
         "bajo la lluvia")),
    (("{a} {p}", "disegna {a} {p}", "vorrei {a} e {b}", "un'immagine di {a} {p}", "{a} accanto a {b}",
        "più grande per favore", "puoi fare {a}?", "grazie mille"),
     ("un gatto", "una casa rossa", "tre uccelli", "un vecchio", "un drago", "il sole", "una barca", "una bambina"),
         ("nel bosco", "sulla spiaggia", "di notte", "in cucina", "davanti alla casa", "in inverno")),
    (("{a} {p}", "desenhe {a} {p}", "quero {a} e {b}", "uma imagem de {a} {p}", "{a} ao lado de {b}",
        "maior por favor", "obrigado"),
     ("um gato", "uma casa vermelha", "três pássaros", "um velho", "um dragão", "o sol", "um barco"), ("na floresta",
         "na praia", "à noite", "na cozinha", "no inverno")),
    (("{a} {p}", "teken {a} {p}", "ik wil {a} en {b}", "een plaatje van {a} {p}", "{a} naast {b}",
        "kun je dat groter maken?", "dank je wel"),
     ("een kat", "een rood huis", "drie vogels", "een oude man", "een draak", "de zon", "een boot"), ("in het bos",
         "op het strand", "in de nacht", "in de keuken", "voor het huis")),
    (("{a} {p}", "narysuj {a} {p}", "chcę {a} i {b}", "obraz: {a} {p}", "proszę {a}", "dziękuję"),
     ("kota", "czerwony dom", "trzy ptaki", "starego człowieka", "smoka", "słońce", "statek"), ("w lesie", "na plaży",
         "w nocy", "w kuchni", "zimą")),
    (("{a} {p}", "нарисуй {a} {p}", "я хочу {a} и {b}", "картинка: {a} {p}", "сделай больше", "спасибо",
        "как это работает?"),
     ("собака", "красный дом", "три птицы", "старик", "дракон", "солнце", "корабль"), ("в лесу", "на пляже", "ночью",
         "на кухне", "зимой")),
    (("{a} {p}", "rita {a} {p}", "jag vill ha {a} och {b}", "en bild av {a} {p}", "kan du göra den större?",
        "tack så mycket"),
     ("en katt", "ett rött hus", "tre fåglar", "en gammal man", "en drake", "solen", "en båt"), ("i skogen",
         "på stranden", "på natten", "i köket")),
    (("{p} {a}", "{p} {a} çiz", "{a} ve {b} istiyorum", "lütfen {a}", "teşekkürler"),
     ("bir kedi", "kırmızı bir ev", "üç kuş", "yaşlı bir adam", "bir ejderha", "güneş"), ("ormanda", "sahilde",
         "gece", "mutfakta", "kışın")),
    (("{p}{a}", "画{a}", "我想要{a}和{b}", "请画{p}{a}", "谢谢", "大一点"),
     ("一只猫", "红色的房子", "三只鸟", "一位老人", "一条龙", "太阳"),
     ("森林里",
        "海滩上", "夜晚", "厨房里")),
    (("{p}{a}", "{a}を描いて", "{a}と{b}", "{p}{a}をお願いします", "ありがとう"),
     ("猫", "赤い家", "三羽の鳥", "老人", "竜", "太陽"),
     ("森の中の",
        "海辺の", "夜の", "台所の")),
    (("{a} {p}", "ارسم {a} {p}", "أريد {a} و{b}", "شكرا"), ("قطة", "بيت أحمر", "ثلاثة طيور", "رجل عجوز", "الشمس"),
        ("في الغابة", "على الشاطئ", "في الليل")),
    (("{p} {a}", "{a} बनाओ", "मुझे {a} और {b} चाहिए", "धन्यवाद"), ("एक बिल्ली", "लाल घर", "तीन पक्षी", "सूरज"),
        ("जंगल में", "रात में", "रसोई में")),
)  # fmt: skip
_KEYS = ("asdfghjkl", "qwertyuiop", "zxcvbnm", "jkl;uio", "fghjrty", "1234567890", "?!.,")


def random_talk(r: random.Random) -> tuple[str, str]:
    """(a message that is no picture, the answer to it)."""
    kind = r.choices([HELLO, WELCOME, ABOUT, ENGLISH, UNCLEAR], [1, 1, 3.5, 3.5, 0.8])[0]
    text = {HELLO: _hello, WELCOME: _thanks, ABOUT: _about, ENGLISH: _foreign, UNCLEAR: _unclear}[kind](r)
    if kind not in (ENGLISH, UNCLEAR) and r.random() < 0.4:
        text = text[0].upper() + text[1:]
    return text.rstrip("?.!") if r.random() < 0.2 and kind != UNCLEAR else text, kind


def _hello(r: random.Random) -> str:
    return r.choice(_HELLO)


def _thanks(r: random.Random) -> str:
    return r.choice(_THANKS)


def _about(r: random.Random) -> str:
    if r.random() < 0.5:
        return r.choice(_ABOUT)
    n, m = (lexicon.random_noun(r, nouns.DRAWN) for _ in range(2))
    return r.choice(_ASKED).format(
        n=n, m=m, ns=nouns.plural(n), v=r.choice(lexicon.VERBS), a=r.choice(lexicon.ADJECTIVES)
    )


def _foreign(r: random.Random) -> str:
    weights = [4, 4, 4, 2, 2, 1.5, 1.5, 2, 1, 1, 1.5, 1.5, 0.7, 0.7]
    ways, things, places = r.choices(_FOREIGN, weights)[0]
    a, b = r.sample(things, 2)
    text = r.choice((ways[0], *ways)).format(a=a, b=b, p=r.choice(places)).strip()
    return text[0].upper() + text[1:] if r.random() < 0.4 else text


def _unclear(r: random.Random) -> str:
    row = r.choice(_KEYS)
    words = ["".join(r.choice(row) for _ in range(r.randint(3, 7))) for _ in range(r.randint(1, 3))]
    return " ".join(words)
