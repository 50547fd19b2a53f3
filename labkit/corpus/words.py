"""The words that fill the slots: hand-picked lists, real words by frequency, invented ones; a fifth of the rarer held out.

`wordfreq` and `lemminflect` are needed for building only (`pip install -e .[build]`).
"""

from __future__ import annotations

import functools
import random
import re
import zlib
from pathlib import Path

FIRST_NAMES = """Adam Agnes Ahmed Aisha Alan Albert Alice Amara Amelia Amir Andrea Andrew Angela Anita Anna Anton Arthur Asha Ben
Bernard Bettina Brian Bruno Callum Carla Carlos Carmen Caroline Cecil Celia Chloe Clara Colin Daisy Dan Daniel David Deepa Derek
Diana Dimitri Donna Doris Dylan Edith Edward Elena Eli Ella Emil Emma Eric Esther Ethan Eva Farah Felix Fiona Flora Frances Frank
Fred George Gemma Gita Gloria Grace Graham Greta Hannah Harold Harry Hassan Hazel Heidi Helen Henry Hugo Ian Ida Imran Ines Ingrid
Irene Iris Isaac Ivan Jack Jacob Jade James Jane Jasmine Jean Jenny Jerome Joan Joe Joel Jonas Joyce Julia Jun Karen Karl Kate Keith
Ken Kim Kofi Lars Laura Leila Lena Leo Lewis Lily Linda Lorna Louis Lucas Lucy Luis Lydia Mabel Magda Malik Marco Maria Marion Mark
Martha Martin Mary Maud Max Maya Mei Mia Mick Mike Milo Mina Miriam Mona Muriel Nadia Naomi Neil Nell Nina Noah Noel Nora Norman
Olga Oliver Olivia Omar Oscar Owen Pablo Pam Patrick Paul Paula Penny Peter Petra Philip Phoebe Priya Rachel Ralph Ravi Rebecca Rita
Robert Rosa Rosie Roy Ruby Ruth Sally Sam Samira Sandra Sara Sean Selma Sheila Silas Simon Sofia Sonia Stan Stella Steve Sue Sven
Tamar Tara Ted Teresa Theo Tim Toby Tom Tony Ursula Vera Vic Victor Viola Walter Wanda Wendy Will Winnie Yara Yasmin Yusuf Zach Zoe""".split()
OBJECTS = """accordion alarm anchor apron armchair awning badge bag banjo barrel basin basket bath beaker bell belt bench bicycle binder
blanket blender board boiler bookcase bookend boot bottle bowl box bracelet brooch broom brush bucket buggy bulb cabinet cage camera
candle canoe canvas cap carafe card carpet cart cello chain chair charger chest chisel clamp clarinet clip cloak clock coat colander
collar comb compass cooker corkscrew cot counter cradle crate cup cupboard curtain cushion desk dish doll door doorbell drawer dress
dresser drill drum dustpan easel envelope fan fence fiddle figurine filter flag flask flute folder footstool frame freezer fridge fork
fountain funnel garland gate glass globe glove goblet grater grill guitar hairdryer hammer hammock handbag handle harp hat headlamp
heater helmet hinge hook hoover hose iron jacket jar jug juicer kettle keyring kite knife label ladder ladle lamp lantern lawnmower
leash lens letterbox lighter lock locker loom mallet mandolin map mask mat mattress medal microphone microwave mirror mitten mixer mop
mower mug nail napkin necklace needle net notebook oboe ottoman oven paddle padlock paintbrush painting pan parasol parcel pen pencil
pendant piano pillow pin pipe pitcher plaque plate pliers plug pot press printer projector pump purse puzzle quilt racket radiator radio
raft rake rattle razor recorder ribbon ring robe rope rucksack rug ruler saddle satchel saucepan saw saxophone scale scanner scarf
scooter screen screwdriver sewing-kit shawl shears shelf shirt shovel shower sieve sink skirt sledge slipper sock sofa spade spanner
speaker spoon stamp stapler statue stepladder stool stove strainer suitcase sundial sweater swing table tablecloth tambourine tankard
tap teapot telescope tent thermometer thermos thimble tie toaster toolbox torch towel tower toy tractor tray tricycle tripod trolley
trophy trowel trumpet trunk tub tumbler turntable typewriter ukulele umbrella urn vacuum vase violin waistcoat walking-stick wallet
wardrobe watch wheel wheelbarrow whisk whistle windmill wok wreath wrench xylophone""".split()
LOOKS = """amber antique bamboo beige big black blue brass bright broken bronze brown carved ceramic checked cheap chrome clay copper
cork cotton cream crimson crystal curved denim double electric enamel flat floral folding fragile glass gold golden green grey
handmade heavy hollow huge iron ivory jade knitted lacquered large leather light linen little long low marble maroon matt metal mini
narrow navy new oak old olive orange oval painted pale paper patterned pewter pine pink plaid plain plastic pocket polished portable
purple quilted red rosewood round rubber rustic satin scarlet second-hand shiny short silk silver simple slate slim small soft spare
spotted square steel stone straw striped suede tall tartan teak thick thin tin tiny turquoise vintage violet walnut warm waterproof
wax white wicker wide wine-red wireless wooden woollen woven yellow""".split()
COLOURS = "amber beige black blue bronze brown cream crimson gold green grey indigo ivory lilac maroon mauve navy olive orange pink plum purple red rust scarlet silver teal turquoise violet white yellow".split()
KITCHEN = """almond apple apricot artichoke asparagus aubergine avocado bacon barley basil bean beef beetroot butternut cabbage carrot
cauliflower celery cheese cherry chestnut chicken chickpea chilli coconut cod courgette crab cranberry duck egg fennel fig fish garlic
ginger goat halibut ham hazelnut honey kale lamb leek lemon lentil lime lobster mackerel mango mint mushroom mussel mustard noodle
nutmeg oat olive onion orange oyster parsnip pea peach pear pepper pesto plum pork potato prawn pumpkin quail quince radish raisin
raspberry rhubarb rice rosemary saffron sage salmon sesame shallot shrimp spinach squash strawberry sweetcorn thyme tofu tomato trout
tuna turkey turnip vanilla venison walnut watercress""".split()
DISHES = "biscuits bread broth burger cake casserole chowder crumble curry dumplings fritters gratin hotpot kebab lasagne muffins noodles omelette pancakes pasta pastry pie pizza pudding quiche rice risotto roast salad sandwich sauce skewers soup stew stir-fry tart toast wrap".split()
PLACES = "Arms Bakery Bar Bookshop Café Centre Chapel Cinema Clinic Club College Deli Gallery Garage Gardens Grill Gym Hall Hotel House Inn Kitchen Library Lodge Lounge Market Museum Park Pavilion Pharmacy Restaurant School Stadium Station Studio Tavern Theatre Workshop".split()
STREETS = (
    "Avenue Close Court Crescent Drive Gardens Grove Hill Lane Place Road Row Square Street Terrace Walk Way".split()
)
FIRMS = "& Co|& Daughters|& Sons|Brothers|Builders|Consulting|Design|Electrics|Express|Foods|Group|Insurance|Interiors|Legal|Logistics|Media|Motors|Packaging|Partners|Plumbing|Press|Print|Removals|Supplies|Systems|Textiles|Tools|Travel".split(
    "|"
)
STARTS = """Ald All Ash Ather Bal Bank Barn Beck Bex Birch Black Blen Bol Bram Bray Brack Brock Brom Brook Brun Buck Bur Cald Cam Can
Carl Cart Chad Chat Ches Clay Cold Col Cor Cran Craw Cros Cul Dar Daw Dean Der Dray Dun East El Elm Em Fair Farn Fen Fern Finch Fos Ful
Gar Glen Gold Gran Gray Green Had Hal Ham Har Has Hather Hazel Heath Hen Hind Hol Horn Hurst Ing Kel Kem Ken Kes Kin Kirk Lan Lang Law Leather
Lin Long Lud Lyn Mal Mar Mart May Mel Mer Mid Mill Mor Moss Nether New Nor North Oak Old Or Ox Pem Pen Pick Pres Quen Rad Rams Raven
Red Ren Ring Rock Rom Ros Roth Row Rush Rut Sal San Sax Sed Sel Shel Sher Ship Sil Spar Stain Stan Stave Stock Stour Strat Sud Sum
Sut Swan Tam Tar Tel Thorn Til Tor Tre Tun Up Wad Wal Ware War Wat Wel Wen West Whit Wid Wil Win Wit Wol Wood Wor Wren Yar Yel""".split()
PLACE_ENDS = "borough bourne bridge brook bury by combe cote croft dale den field ford gate ham hill hurst land ley low mere more ridge shaw side stead stone ton wall water way well wick wood worth".split()
ONSETS = "B Br C Ch Cl Cr D Dr F Fl Fr G Gl Gr H J K Kn L M N P Pl Pr Qu R S Sh Sk Sl Sp St Str Sw T Th Tr V W Wh Y Z".split()
VOWELS = "a e i o u a e i o ai au ay ea ee ia ie oa oo ou".split()
MIDDLES = "b ck d dd f g gg l ll lm ln lt m mb mp n nd ng nk nn nt p pp r rd rk rl rm rn rr rst s sk ss st t th tt v x z".split()
ENDS = "ack am an ard as ber by by cott dale den der don el en er ert ett ey ford gate ham in is ka kin la ley lin low man mere mont na nell ner ny o on or ora ow ra ridge ris ro row s sa ser sey son stead ston ta ter tis to ton ty us vale ver ville wick wood worth y".split()
BANNED = """abort abuse addict anal anus arse ass bastard bitch blood bomb boob breast brothel bugger bullet butt cancer cannib cock coffin
coke condom corpse cocaine crap crime cult cum cunt damn dead death demon devil dick dope drug dung erot execut faec fag fanny fart fascis fetish fuck
geno genit gun hate heroin hitler holocaust homo hooker hostage idiot incest infer inject islam jew jihad kill knife knob lesbi lynch massacre
masturb meth molest moron murder muslim naked nazi negro nigg nipple nud opium orgasm orgy pants paed pedo penis pig piss pistol poison
poo porn prison prostit puss queer racis rape rapist rectum refugee retard rifle satan scum semen sex shit skull slag slave slut sperm
spic stalin suicid terror testic tit toilet tortur tranny trump turd urin vagina victim virgin war weapon weed whore witch womb""".split()

DROPPED = Path(__file__).parent / "dropped_words.txt"  # read one by one, and better not met at random

# parts of words that the generator may draw, in dialogues that are drawn again if one turns up
UNFIT = """abduct bedridden brutal enslave eugenic insurg mastect miscarr obes phall sensual striptease underwear uter""".split()


def held_out(word: str) -> bool:
    """A fifth of all words, by their checksum: kept from training and tokenizer where they are not among the common ones."""
    return zlib.crc32(word.lower().encode()) % 5 == 0


def unfit(text: str) -> bool:
    """Whether a word of the text starts like one of `UNFIT`: no such dialogue is shipped."""
    return bool(re.search(rf"\b(?:{'|'.join(UNFIT)})", text.lower()))


@functools.cache
def wide_words() -> dict[str, list[str]]:
    """Real English words, mild ones only, the commonest first: can be a noun ('NOUN'), only an adjective, adverb or verb."""
    import lemminflect
    import wordfreq

    found: dict[str, list[str]] = {"NOUN": [], "ADJ": [], "ADV": [], "VERB": []}
    dropped = set(DROPPED.read_text("utf-8").split())
    for word in wordfreq.top_n_list("en", 330_000):
        if not (word.isascii() and word.isalpha() and 3 < len(word) < 15):
            continue
        if word in dropped or word.startswith(tuple(BANNED)):
            continue
        lemmas = {kind: forms[0] for kind, forms in lemminflect.getAllLemmas(word).items()}
        if lemmas.get("NOUN") == word and not lemmas.keys() & {"ADV", "AUX", "PROPN"}:
            found["NOUN"].append(word)
        elif lemmas.get("ADJ") == word and not lemmas.keys() & {"ADV", "VERB"}:
            found["ADJ"].append(word)
        elif len(lemmas) == 1 and word in (lemmas.get("ADV"), lemmas.get("VERB")):
            found[next(iter(lemmas))].append(word)
    return found


def always_noun(word: str) -> bool:
    """Whether a word is nothing but a noun in the singular."""
    import lemminflect

    return bool(lemminflect.getAllLemmas(word) == {"NOUN": (word,)})


def compound(rng: random.Random) -> str:
    """A surname or town put together as English ones are: 'Brackwell', 'Fenshaw'."""
    return rng.choice(STARTS) + rng.choice(PLACE_ENDS)


def invented(rng: random.Random, syllables: int = 1) -> str:
    """A word that exists nowhere, capitalised: 'Trelby', 'Quandish'."""
    word = rng.choice(ONSETS)
    for _ in range(syllables - 1):
        word += rng.choice("aeiou") + rng.choice("bdfgklmnprstvz")
    return word + rng.choice(VOWELS) + rng.choice(MIDDLES) + rng.choice(ENDS)
