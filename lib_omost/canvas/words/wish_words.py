"""Words of messages by what they do: they name, remove, place, speak of the scene. English; plain sets."""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Usual words for the same thing. A plan that has the very word means that one.
ALIKE = [
    word_set(line)
    for line in """man guy gentleman fellow dude|woman lady gal|kid child boy girl toddler
dog puppy doggy pup hound pooch|baby infant|cat kitty kitten|house home cottage cabin hut building|bunny rabbit hare
boat ship sailboat vessel|car automobile auto vehicle truck|sofa couch|mug cup|rock stone boulder
ocean sea|bike bicycle|pig piglet
plane airplane aeroplane aircraft jet|tv television|grandma grandmother granny|grandpa grandfather|hen chicken
mom mother|dad father|lamp lantern|wood forest woods|carpet rug|bird birdie|horse pony|road street path
hill mountain|chick duckling|cup glass|picture painting|ball football|robot android|tree pine oak birch palm
monster creature|king queen prince princess knight|wizard witch magician|river stream creek|lake pond|shore coast beach
background backdrop""".replace("\n", "|").split("|")
]
#: Nouns that mean a thing of the plan without naming it.
GENERAL = word_set(
    """one thing item object stuff animal creature person people guy man woman kid fruit vehicle plant building pet bird
    figure character furniture food vegetable toy fellow lady beast subject other element piece part"""
)
PRONOUNS = word_set("it he she him her his hers its this that")
SOMEONE = word_set("he she him her his hers")
PLURAL_PRONOUNS = word_set("they them their both these those all everything everyone everybody each things animals")
REMOVE = word_set(
    """remove delete erase without no drop lose gone rid away minus hide scrap kill unwanted unnecessary forget vanish
    disappear eliminate exclude cut skip instead replace replaced rather substitute"""
)
SWAP = word_set("swap swapped switch switched exchange trade places")
ADD = word_set("add another extra also plus additional include give insert again more with")
MANY = word_set("more another extra second third both pair couple several many few some lots")
#: Season, time, weather, style and the whole: what is said of no single thing.
SCENE = word_set(
    """winter summer spring autumn snow snowy snowing rain rainy raining rains sunny sunset sunrise dusk dawn night day
    evening morning noon midnight moonlight moonlit fog foggy mist misty storm stormy windy cloudy overcast
    thunderstorm daylight daytime nighttime twilight christmas halloween easter season weather mood atmosphere vibe
    style watercolor watercolour painting oil sketch drawing photo photograph photorealistic realistic cartoon anime
    pixel minimalist abstract vintage retro noir comic render 3d poster grayscale monochrome
    background backdrop scene setting place picture image whole sky surroundings environment landscape location
    outdoors outside indoors lighting world"""
)
#: Said of a thing where one is named, else of the scene.
MOOD = word_set(
    """dark darker darkness bright brighter light lighter lit sun clouds wind cheerful happy happier sad sadder gloomy
    scary scarier spooky spookier creepy cozy cosy romantic dreamy dramatic mysterious peaceful calm calmer quiet epic
    magical moody feel feeling friendly friendlier fun funny funnier birthday festive pastel colorful colourful vivid
    muted warm warmer cold colder cool cooler soft softer sharp sharper contrast saturated fantasy futuristic medieval
    steampunk cyberpunk underwater space fall nicer prettier beautiful simpler simple busier busy detailed detail"""
)
TONES = word_set(
    """colorful colourful pastel grayscale monochrome vivid muted warm warmer cold colder cool cooler saturated color
    colour colors colours colored coloured noir sepia neon dark darker bright brighter light lighter tone tones"""
)
#: Said of no thing, these move all of them.
MOVES = word_set(
    """move moved shift swap swapped closer together apart bigger smaller larger zoom spread rearrange mirror flip
    higher
    lower line row size grow shrink farther further space"""
)
BACKDROP = word_set("background backdrop sky wall ground")
#: A thing named after one of these is another one than that of the plan.
ANOTHER = word_set("another extra second third more")
PLACING = word_set(
    """move moved moving swap swapped switch exchange left right up down top bottom middle center centre closer close
    near nearer next beside between behind front above below under over on onto in inside into farther further far away
    apart together bigger smaller larger big small tiny huge large little taller shorter tall wide wider higher lower
    upper size grow grown shrink shrunk zoom scale corner side edge row line stand sit lie space
    position swapped rotate flip mirror mirrored around across toward towards giant half double twice spread"""
)
LANDMARK = word_set(
    """on in under beneath underneath behind above below over beside near by between inside onto upon against around
    to from at than past across through toward towards along atop alongside within with of off like"""
)
#: "of" after these does not say where something is.
OF_A_TARGET = word_set(
    "instead rid because one all each both color colour size version kind none most some half more number"
)
DETERMINERS = word_set(
    "the a an this that these those my his her its their our your some one two three all both and or"
)
FILLERS = word_set(
    """please can could you would should will shall i i'd id i'll we let let's lets want like need to be is are was were
    make makes making made it its the a an and or of for now ok okay hmm hm well so then just maybe bit little much very
    really quite way too also more less him her he she they them this that these those there here my me your some
    have has had get give put change turn do does did don't not no yes nah nope hey thanks thank great good nice
    actually instead think looks look as at in on with by into from up down out"""
)
#: A word that the plan does not have, after one of these, is a place: "put it in a forest".
WHERE = word_set("in on at inside into onto to through across under by")
THE = word_set("the this that these those both all each my your his her")
#: Whom "he" and "she" mean before anything else.
PEOPLE = word_set(
    """man guy gentleman fellow woman lady gal kid child boy girl toddler baby infant grandma grandmother granny grandpa
    grandfather mom mother dad father king queen prince princess knight wizard witch magician farmer sailor pirate
    teacher doctor nurse chef cook soldier dancer singer painter artist astronaut cowboy clown fisherman hunter robot
    snowman bride groom student scientist person dog puppy cat kitten horse"""
)
