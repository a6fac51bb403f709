"""The colours that things usually have, for a region whose description names no colour. Knows no canvas."""

from __future__ import annotations

from lib_omost.canvas.words.noun_phrase import singular

_TABLE = """
red: apple, strawberry, cherry, tomato, chili, rose, poppy, balloon, heart, ladybug, fire truck, mushroom, lobster
red: crab
crimson: car, rocket, guitar, book, barn, gift, telephone, mailbox, lipstick
coral: fox, sunset, octopus, shrimp, flamingo, salmon, sunrise
orange: carrot, pumpkin, tangerine, basketball, tiger, goldfish, clownfish, cat, giraffe, fire, autumn
gold: sun, crown, star, key, bell, trophy, coin, medal, ring, trumpet, treasure, bee, lamp, lantern
yellow: lemon, banana, duckling, chick, sunflower, taxi, school bus, canary, corn, daffodil, cheese
khaki: moon, wheat field, straw, hay, grapefruit
sandybrown: desert, beach, sand, pizza, camel, bread, croissant, pie, hamster, dune, pancake, cookie, burger
sandybrown: hamburger
wheat: cake, pasta, sheepdog, puppy, wedding cake, sandwich
peru: dog, bear, horse, teddy bear, kangaroo, eagle, moose, deer, otter, basket, table, boat, cello, violin
peru: squirrel
saddlebrown: monkey, lion, owl, beaver, boar, hedgehog, turkey, chair, wooden table, log, chocolate, coffee, bison
saddlebrown: room
forestgreen: tree, pine tree, palm tree, forest, bush, cactus, christmas tree, jungle, cucumber, broccoli, park
forestgreen: garden
limegreen: frog, crocodile, dragon, dinosaur, lizard, snake, alien, caterpillar, lime, grasshopper, clover, lettuce
lightgreen: meadow, field, lawn, grass, valley, pasture
yellowgreen: pear, yard, hill, avocado, grape
teal: turtle, parrot, peacock
steelblue: whale, dolphin, shark, fish, ocean, sea, lake, river, water, wave, jeans
deepskyblue: bus, kite, sailboat, bird, train
skyblue: sky, cloudy sky, airplane, plane, helicopter, ice, waterfall, diamond, snowflake
midnightblue: night, night sky, space, midnight, umbrella, starry sky, galaxy, evening
purple: grapes, plum, eggplant, wizard, violet, lavender field
orchid: tulip, orchid, butterfly, cherry blossom, flower, hyacinth
pink: pig, piglet, cupcake, donut, doughnut, ice cream, unicorn, candy, peony
gray: elephant, rock, stone, mountain, hippo, rhino, wolf, koala, street, road, city, mouse, robot, donkey, rat
gray: cave, fog
silver: castle, knight, sword, spoon, fork, knife, airship, spaceship, ship, truck, snail, house, skyscraper, tower
silver: statue
white: snowman, swan, polar bear, ghost, sheep, goose, rabbit, goat, daisy, lily, milk, cloud, plate, lighthouse
white: igloo
snow: snow, winter, iceberg, snowfield
black: penguin, panda, raven, crow, spider, ant, bat, piano, top hat, bomb, bicycle, gorilla, tire, skunk, orca
"""
COLOR_OF = {
    thing: color
    for color, things in reversed(
        [(line.partition(":")[0], line.partition(":")[2].split(",")) for line in _TABLE.split("\n") if line]
    )
    for thing in (singular(name.strip()) for name in things)
}


def color_of(noun: str) -> str | None:
    """The usual colour of a thing, by the longest end of its name: of "old pine tree" that of a pine tree."""
    words = singular(noun.lower()).split()
    ends = (" ".join(words[at:]) for at in range(len(words)))
    return next((COLOR_OF[end] for end in ends if end in COLOR_OF), None)
