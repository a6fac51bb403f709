"""The words of requests that ask for no thing of their own, and words that mean the same. Word lists, no rules."""

from __future__ import annotations

from lib_omost.canvas.words.noun_phrase import word_set

#: Between two of these stands a phrase.
FUNCTION_WORDS = word_set(
    """a an the this that these those some any another other each every all both either neither one's of in on at
    to for from with within without by into onto upon over under above below behind beside between among around
    across along through near next against inside outside off out up down about after before during while as
    like than then so too also very much more most less least quite really rather just only even still again
    away there here it its it's they them their he him his she her hers we us our you your i i'd i'll i'm me my
    mine who whom whose which what where when why how and or but nor not no yes if else because is are was were
    be been being am do does did done doing has have had having can could will would shall should may might must
    let lets let's get got gets give gives goes go going gone come comes toward towards top- atop together
    everything something nothing anything everywhere somewhere someone somebody nobody everybody thing things
    way kind sort type bit lot lots many several few couple pair row group bunch pile set number amount full
    made shaped covered filled surrounded called named vs versus style don't doesn't didn't can't couldn't isn't
    aren't won't wouldn't shouldn't that's there's what's here's i've we'd you'd wear wears worn hold holds held
    sit sits stand stands lie lies lean leans hang hangs carry carries carried piece pieces slice slices flock
    herd swarm dozens hundreds now today later soon once first second third finally next last already yet ever
    always sometimes often almost nearly slightly exactly clearly barely whole entire own part parts feel feels
    seem seems appear appears stay stays use uses using come comes coming says say think thinks know visible
    based inspired themed fashioned various different wherever whatever such per via plus minus e.g etc"""
)
#: Verbs of saying and wanting, and what joins sentences.
COMMON = word_set(
    """appear ask asked become becomes begin believe bring call care choose come consider continue contain
    contains cover covers decide describe enjoy enjoying ensure expect feature features fill find finish
    follow forget happen happening help hope imagine imagining include includes including involve know learn
    live lives mean means meet mention mind miss notice offer pick prefer preferably present provide reach
    remember remind represent require say said send share start stick stop suggest suppose talk tell tells
    think thought understand wait wonder wondering id ill im ive dont cant doesnt isnt didnt wont id'd until
    till since whilst although though unless whether otherwise thus hence however therefore moreover besides
    except amid amidst throughout ahead aside nearby beyond past alongside apart straight shot taken viewed
    onto atop twice once"""
)
#: Words in -ly that are no adverbs.
NO_ADVERBS = word_set(
    """butterfly dragonfly firefly family lily jelly holly belly bully ally assembly anomaly monopoly lovely lonely
    friendly ugly curly chilly hilly silly early elderly ghostly deadly heavenly jolly scaly woolly wooly"""
)
#: Kinds that people put behind the name of a thing: a rocket ship, an oak tree.
KINDS = word_set("ship tree bird fish flower plant animal car boat dog cat bear bug fruit cake bread")
#: What people say to a person who draws, and how pictures are talked of.
TALK = word_set(
    """please pls thanks thank hi hello hey ok okay sure well oh hmm want wants wanted like likes love need needs
    see show shows draw draws drawn paint paints painted create creates make makes making made generate render
    design sketch give picture pictures image images photo photograph pic scene view shot closeup close-up macro
    composition canvas version drawing artwork art illustration depiction rendering plan nice good great cool
    awesome amazing beautiful pretty lovely super maybe perhaps possible possibly else anyway actually possibly
    could'nt looks look looking seen wish try something kindly featuring showing depicting containing where
    setting atmosphere mood vibe vibes feeling feel theme environment area spot object objects subject character
    angle perspective example request prompt text idea fun interesting"""
)
#: What is said to a painter about a whole that exists.
OPERATIONS = word_set(
    """add adds put puts place places move moves swap swaps change changes changed turn turns replace replaces
    remove removes delete erase drop rid keep keeps leave start over undo redo bring take instead switch rotate
    shift resize position positions new different same bigger larger smaller taller shorter wider nearer closer
    farther further higher lower brighter darker lighter warmer colder better size color colors colour colours
    background foreground recolor recolour increase decrease reduce enlarge shrink stay stays back everything"""
)
#: Where a thing is; the boxes say that.
PLACES = word_set(
    """left right top bottom middle center centre central upper lower corner corners side sides edge front rear
    distance far close upside hand right-hand left-hand horizon ground air beneath underneath overhead alone
    empty"""
)
#: What is said of quality and technique and shows in no plan of its own.
QUALITY = word_set(
    """8k 4k 2k hd uhd hdr masterpiece quality best highly high ultra detailed details detail intricate sharp focus
    resolution realistic photorealistic hyperrealistic professional trending artstation lighting light render
    unreal engine octane wallpaper simple plain blank styled funny soft"""
)
#: Postures and states that a description says by a preposition, or need not say.
POSTURES = word_set(
    """standing sitting lying leaning wearing holding having looking facing growing hanging flying floating
    balancing carrying containing staying resting waiting shining going playing parked seated standing hung
    placed spread crossing asleep awake alone afloat adrift aglow ablaze alive"""
)
#: Grounds, rooms, weather and events: what is around things, so that the whole picture's text may hold it alone.
SURROUNDINGS = word_set(
    """forest wood woods woodland jungle rainforest park garden yard backyard meadow field lawn grass grassland pasture
    prairie savanna countryside farmland farm vineyard orchard beach shore coast seaside desert dune sand sea ocean
    lake water river harbor harbour valley canyon landscape scenery nature city town village street road alley market
    downtown neighborhood suburb square room bedroom bathroom kitchen office classroom library museum hall studio cafe
    restaurant bar shop store garage workshop attic cellar basement station airport stadium arena stage theater theatre
    gym hospital school church temple cave space cosmos universe galaxy planet mars sky heaven air background backdrop
    ground floor wall foreground horizon scene world snow snowfall rain rainfall drizzle fog mist haze storm
    thunderstorm blizzard wind breeze weather light sunlight sunshine daylight moonlight candlelight starlight lighting
    darkness shadow shade reflection party wedding concert festival parade picnic dinner breakfast lunch tea race game
    war battle dream fantasy adventure season day time atmosphere mood style view aerial perspective corner side"""
)
#: What is on or of a thing: its own text says it, if any does.
PARTS = word_set(
    """hand arm leg foot feet head face eye ear nose mouth hair beard mustache moustache fur skin tail wing paw horn
    feather teeth smile tear back top armor armour clothes clothing outfit costume uniform dress shirt coat raincoat
    jacket sweater suit vest apron robe cape cloak skirt trousers pants jeans shorts pyjamas pajamas glasses sunglasses
    spectacles scarf glove mitten belt tie bowtie mask hood stripe spot dot pattern color colour"""
)
#: Of these there is no "a".
MASS = word_set(
    """bread steam smoke ramen tea coffee water milk juice rain snow ice grass sand hair fire lava moss ivy rice pasta
    soup cheese hay straw mud dirt furniture food money gold silver armor luggage laundry"""
)
#: Asked for as "make it …".
OF_THE_WHOLE = word_set(
    """night dawn dusk evening morning noon midday afternoon midnight sunset sunrise twilight daytime winter spring
    summer autumn fall halloween christmas easter birthday spooky gloomy cheerful epic romantic lonely peaceful
    calm scary happy sad angry cozy dramatic magical mysterious dreamy festive quiet busy cinematic watercolor
    watercolour pastel tapestry medieval vintage underwater rainy stormy snowy foggy misty windy sunny cloudy
    dark bright cold hot warm funny haunted"""
)
_SAME = """
dog puppy pup doggy hound; cat kitten kitty; rabbit bunny hare; bicycle bike; car automobile auto; airplane plane
aeroplane jet; forest woods wood woodland; child kid; house cottage cabin home hut; sea ocean; sunset dusk evening
twilight sundown nightfall; dawn sunrise morning daybreak; night midnight nighttime moonlit moonlight starlit
starry; snow snowy winter wintry; rain rainy raining rainfall; fog foggy mist misty; storm stormy thunderstorm; gray
grey; color colour colored colorful colourful; woman lady female; man guy male gentleman grandpa; woman grandma;
girl daughter; boy son; meadow field pasture; photo photograph; sofa couch; street road alley; ship boat; sheep
lamb; autumn fall; happy cheerful joyful; sad gloomy; scary spooky creepy haunted; big large huge giant enormous
gigantic; small little tiny miniature; moon moonlight; sun sunshine sunny; star starry; wind windy; cloud cloudy;
gold golden; silver silvery; wood wooden; rock stone; mountain hill peak; plant flower; flower blossom bloom; chick
chicken; mug cup; donut doughnut; fire campfire flame fireplace hearth; spaceship spacecraft rocket; calm peaceful
serene quiet; cozy cosy warm; cheerful festive party; purple violet; grass lawn; river stream; beach shore seaside
coast; harbor harbour port; space cosmos; golden~hour sunset; bee honeybee; watercolor watercolour; city town urban;
village town; glasses spectacles sunglasses; grandpa grandfather; grandma grandmother; mum mother mom; dad father;
fridge refrigerator; robot android; ghost spirit; picture image; policeman cop; toad frog; ladybird ladybug; puma
cougar; hippo hippopotamus; rhino rhinoceros; pc computer; tv television; phone telephone; bush shrub; stone pebble;
ice icy; path trail road; boulder rock; lightning thunder; pine fir; pot pan; jungle rainforest; temple shrine;
store shop; aircraft airplane; bunny hare; infant baby; hedgehog porcupine; lamp lantern light; dinner meal; truck
lorry; pavement sidewalk; crimson red; scarlet red; navy blue; teal turquoise
"""
#: A kind of thing, then what is one: who asks for a bird and gets a robin has it.
_KINDS = """
bird robin sparrow owl eagle parrot seagull gull crow raven swan duck goose pigeon dove hummingbird penguin flamingo
tree oak pine palm birch willow maple fir cypress cherry; flower rose tulip daisy sunflower lily poppy orchid daffodil
fish goldfish salmon trout shark koi clownfish; dog terrier retriever poodle corgi labrador husky dachshund spaniel
boat sailboat canoe rowboat yacht ship ferry kayak gondola; car taxi jeep van cab convertible limousine
person man woman boy girl child people; people man woman crowd children couple villagers; animal dog cat horse cow
building house tower church castle skyscraper barn; fruit apple pear banana orange grape strawberry lemon
water sea ocean lake river pond puddle stream waves waterfall; insect bee butterfly beetle ant ladybug dragonfly
food cake pizza bread soup; toy doll teddy; weapon sword spear bow; plant cactus fern ivy bush; hat cap sombrero helmet
clothes dress coat shirt jacket; coat jacket raincoat parka; sweater jumper pullover; shoes boots sneakers
sky clouds sunset stars; berries strawberries blueberries raspberries; vehicle car truck bus van; house mansion villa
"""
#: Each word with those that may stand for it.
SAME: dict[str, frozenset[str]] = {}
for _group in _SAME.replace("\n", " ").split(";"):
    for _word in _group.split():
        SAME[_word] = SAME.get(_word, frozenset()) | word_set(_group)
for _group in _KINDS.strip().replace("\n", ";").split(";"):
    _kind, *_members = _group.split()
    SAME[_kind] = SAME.get(_kind, frozenset()) | frozenset(_members)
#: Words that say attributes of one thing, which another thing's do not answer for.
OF_A_THING = word_set("big large huge giant enormous small little tiny old young tall short long new")
