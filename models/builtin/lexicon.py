"""The words that the corpus generator draws from. Data only; `corpus.py` gives it grammar.

One word in eight of every list is held out of training; `corpus.py` decides which by a checksum of the word, so adding
a word here does not move the others between the splits.
"""

# Who a story can be about, and who can help.
CHARACTERS = """
fox|bear|rabbit|hedgehog|mouse|owl|cat|dog|puppy|kitten|duck|duckling|goose|hen|rooster|pig|piglet|cow|calf|horse|pony|
donkey|goat|lamb|sheep|squirrel|badger|otter|beaver|mole|frog|toad|newt|lizard|snake|turtle|tortoise|snail|ant|bee|
beetle|ladybug|butterfly|moth|spider|cricket|firefly|crow|raven|robin|sparrow|swallow|pigeon|seagull|pelican|penguin|
parrot|peacock|swan|eagle|hawk|heron|stork|crane|bat|deer|fawn|moose|wolf|lion|tiger|leopard|panther|elephant|giraffe|
zebra|hippo|rhino|monkey|gorilla|panda|koala|kangaroo|camel|llama|seal|walrus|whale|dolphin|octopus|crab|lobster|
starfish|fish|salmon|shark|eel|worm|caterpillar|hamster|weasel|ferret|skunk|raccoon|lynx|yak|ox|bull|dragon|unicorn|
griffin|phoenix|troll|ogre|giant|gnome|elf|fairy|wizard|witch|ghost|mermaid|goblin|dwarf|robot|snowman|scarecrow|alien|
knight|king|queen|prince|princess|pirate|sailor|captain|fisherman|farmer|baker|cook|miller|tailor|cobbler|weaver|potter|
painter|singer|dancer|drummer|piper|clown|juggler|carpenter|blacksmith|clockmaker|shepherd|gardener|teacher|doctor|nurse|
pilot|driver|postman|librarian|inventor|explorer|astronaut|scientist|detective|hunter|monk|soldier|guard|merchant|
shopkeeper|beekeeper|lighthouse keeper|sea captain|tooth fairy|polar bear|fennec|field mouse|tree frog|mountain goat|
mailman|chef|boy|girl|child|grandmother|grandfather|old man|old woman|student|nomad|ranger|barber|plumber|firefighter|
train driver|bus driver|lion cub|baby elephant|baby dragon|stray dog|barn owl|sea turtle|cloud|star|teapot|toy soldier|
""".replace("\n", "").strip("|").split("|")

# Who and what a story adds of its own accord: common words only, so that choosing costs little and copying is learned.
HELPERS = """
owl|bear|rabbit|hedgehog|mouse|squirrel|badger|frog|turtle|duck|dog|sheep|hen|bee|fox|deer|otter|mole|beaver|swan|
farmer|baker|fisherman|gardener|teacher|sailor|shepherd|tailor|grandmother|old man|postman|wizard|fairy|giant
""".replace("\n", "").strip("|").split("|")
HELPER_ADJECTIVES = "old|kind|wise|friendly|little|young|gentle|big".split("|")
HELPER_NAMES = "Anna|Rosa|Lily|Nora|Ella|Clara|Tom|Ben|Max|Leo|Finn|Hugo|Emil|Toby".split("|")
COMMON_THINGS = "lantern|kite|key|ring|coin|hat|scarf|bell|drum|flute|book|map|shell|ball|basket|lamp|clock|mirror|doll|cup".split("|")
COMMON_COLORS = "red|blue|green|golden|silver|little|old|shiny".split("|")

# What a hero is like, and how it looks: at most one of each, in this order ("a brave little fox").
MANNERS = """
brave|shy|clever|kind|curious|lazy|hungry|sleepy|lonely|cheerful|grumpy|gentle|proud|quiet|noisy|patient|careful|clumsy|
friendly|honest|busy|poor|rich|wise|silly|funny|happy|sad|nervous|stubborn|polite|dreamy|timid|cheeky|thoughtful|lost|
tired|forgetful|playful|quick|slow|strong|wild|merry|bored|greedy|calm|jolly|lucky
""".replace("\n", "").strip("|").split("|")
LOOKS = """
little|small|tiny|big|young|old|white|black|gray|brown|golden|spotted|striped|fluffy|skinny|round|tall|short|purple|blue|
green|red|one-eyed|three-legged|yellow|pink|silver|orange|huge|wet|dusty
""".replace("\n", "").strip("|").split("|")

SHE_NAMES = """
Mira|Anna|Lily|Rosa|Nora|Ella|Ivy|Luna|Mila|Zoe|Clara|Hazel|Ruby|Daisy|Poppy|Willow|Olive|Tessa|Maya|Leila|Sofia|Greta|
Frida|Ida|Elsa|Wanda|Tilda|Bella|Cora|Dina|Fern|Gina|Hanna|June|Kira|Lena|Mina|Nina|Opal|Penny|Queenie|Rita|Sara|Tara|
Una|Vera|Yara|Zara|Amina|Bianca|Celia|Delia|Edith|Flora|Gemma|Hilda|Iris|Jade|Katya|Lola|Marta|Nadia|Olga|Paula|
Renata|Selma|Thea|Ursula|Violet|Wilma|Xenia|Yuki|Zelda|Alice|Beth|Carmen|Dora|Emma|Fiona|Grace|Helen|Inga|Jana|Kim|Lucy|
Maria|Nell|Petra|Rosie|Sally|Trudy|Nila|Asha|Priya|Mei|Aiko|Fatima|Zuri|Imani|Chloé|Zoë
""".replace("\n", "").strip("|").split("|")

HE_NAMES = """
Tom|Ben|Max|Leo|Finn|Oscar|Hugo|Milo|Otto|Felix|Theo|Noah|Sam|Jack|Toby|Rufus|Bruno|Hector|Igor|Jonas|Karl|Lars|Marco|
Nils|Omar|Pablo|Quinn|Rolf|Sven|Tim|Ulf|Victor|Walter|Xavier|Yusuf|Zack|Adam|Boris|Carl|David|Emil|Frank|George|Henry|
Ivan|Jacob|Kurt|Louis|Martin|Nico|Oliver|Peter|Ravi|Simon|Tariq|Uri|Vito|Will|Yanni|Zeno|Arlo|Basil|Cyrus|Duke|Ernie|
Fred|Gus|Hank|Ike|Jasper|Kip|Lenny|Monty|Ned|Ollie|Pip|Rex|Sid|Ted|Wally|Ziggy|Amir|Bilal|Chen|Diego|Eli|Farid|Goran|
Hiro|Ismail|Jun|Kofi|Luca|Mateo|Nikhil|Paolo|Rohan|Sami|Tenzin|Bob|Bill|Joe|Dan|Alex|René|José
""".replace("\n", "").strip("|").split("|")

# Small things that can be lost, found, made, carried and shared.
THINGS = """
lantern|kite|key|ring|coin|hat|scarf|glove|mitten|boot|shoe|sock|coat|cloak|button|needle|thimble|ribbon|bell|drum|flute|
whistle|trumpet|violin|guitar|harp|horn|book|map|letter|pencil|brush|pen|feather|shell|pebble|stone|marble|pearl|crystal|
gem|crown|necklace|bracelet|brooch|mirror|comb|candle|lamp|torch|matchbox|clock|watch|compass|telescope|spyglass|
umbrella|basket|bucket|bag|backpack|purse|box|chest|jar|bottle|cup|mug|bowl|plate|spoon|fork|teapot|kettle|pot|pan|pillow|
blanket|quilt|doll|teddy bear|ball|balloon|top|yo-yo|puzzle|toy boat|toy car|toy train|wagon|sled|bicycle|scooter|
skateboard|swing|ladder|rope|net|fishing rod|hook|anchor|paddle|oar|boat|raft|sail|flag|shield|sword|helmet|wand|broom|
mop|rake|shovel|spade|hammer|saw|nail|screw|wrench|magnet|wheel|gear|spring|battery|radio|camera|phone|robot|rocket|
seed|acorn|nut|apple|pear|plum|peach|cherry|berry|banana|orange|lemon|melon|pumpkin|carrot|potato|turnip|onion|cabbage|
mushroom|leaf|flower|rose|tulip|sunflower|daisy|cake|pie|cookie|muffin|bun|loaf of bread|sandwich|pizza|pancake|cheese|
honey pot|egg|snowball|icicle|snow globe|music box|picture|painting|photograph|stamp|postcard|ticket|diary|notebook|
treasure map|treasure chest|magic carpet|flying broom|crystal ball|birdhouse|bird cage|nest|paper boat|paper crane|
paper plane|lucky charm|wooden spoon|sun hat|rain boot|tea cup|toothbrush|pocket watch|song book|bow tie|hourglass|
snow shovel|wind chime|spinning wheel|garden gnome|chess piece|dinosaur bone|star|moonstone|feather pen|jewel|locket|
bead|thread|sponge|soap|towel|tent|hammock|chair|stool|table|door|wallet|passport|banjo|accordion|trombone|microscope
""".replace("\n", "").strip("|").split("|")

THING_ADJECTIVES = """
red|blue|green|yellow|white|black|purple|pink|orange|brown|gray|golden|silver|copper|wooden|paper|glass|iron|stone|
woolen|leather|velvet|tiny|small|big|huge|round|square|long|old|new|shiny|rusty|broken|magic|secret|lucky|favorite|
precious|beautiful|strange|heavy|soft|warm|striped|spotted|colorful|sparkling|glowing|plain|crooked|painted|handmade|
borrowed|little|bright|dark blue|bright red|pale green|snow-white|singing|talking|invisible|enchanted|clay|silk|bamboo
""".replace("\n", "").strip("|").split("|")

# Preposition and place, so that a place can be searched ("under the bridge") and visited ("the bridge").
PLACES = [
    tuple(entry.split("+"))
    for entry in """
under+the bridge|behind+the barn|in+the tall grass|beside+the pond|near+the old mill|under+the big oak|in+the forest|
by+the river|on+the hill|in+the garden|behind+the waterfall|inside+the cave|at+the market|in+the cellar|in+the attic|
under+the bed|behind+the sofa|on+the roof|in+the kitchen|at+the harbor|on+the beach|near+the lighthouse|in+the meadow|
between+the rocks|under+the stairs|in+the library|at+the train station|in+the school|near+the windmill|by+the well|
at+the bakery|in+the stable|behind+the church|on+the island|in+the swamp|at+the edge of the wood|under+the apple tree|
in+the cornfield|behind+the curtain|in+the toy shop|near+the castle|inside+the tower|at+the crossroads|in+the valley|
by+the campfire|in+the snow|under+the willow|on+the old ship|in+the greenhouse|near+the beehives|behind+the fence|
in+the hollow log|at+the playground|by+the fountain|in+the hay|under+the table|in+the shed|at+the post office|
near+the volcano|in+the desert|on+the moon|in+the museum|at+the fair|in+the clock tower
""".replace("\n", "").strip("|").split("|")
]

SETTINGS = """
in a village by the sea|in a quiet valley|at the edge of a great forest|in a little town|on a small island|
near a wide river|in a house with a green door|on a farm|high in the mountains|in a big noisy city|in a cozy cottage|
beside a silver lake|in a land of tall trees|at the end of a long road|in a castle on a hill|behind a row of old houses|
in a warm burrow|next to a windmill|in a desert of golden sand|under a hill|in the north, where it often snowed
""".replace("\n", "").strip("|").split("|")

TIMES = """
One morning|One day|One evening|One afternoon|One windy day|One rainy day|One sunny morning|One cold morning|
One summer day|One autumn evening|One winter day|One spring morning|On a foggy morning|On a quiet Sunday|Early one day
""".replace("\n", "").strip("|").split("|")

SAD = "sad|worried|upset|miserable|very sad|a little afraid|heartbroken|gloomy|lost and sad|unhappy".split("|")
GLAD = "happy|glad|very happy|proud|full of joy|relieved|thankful|delighted|cheerful".split("|")
MATERIALS = (
    "paper and string|old wood|clay|wool|leaves and twigs|tin and wire|cloth and thread|shells|straw|cardboard|glass|"
    "stones and mud|silk|copper wire|feathers"
).split("|")
FEARS = (
    "the dark|thunder|the deep water|high places|the big dog|the wind|loud noises|shadows|the forest at night|spiders|"
    "the sea|ghosts|being alone|snakes|fire|the old house|big waves|heights|monsters|bees"
).split("|")
SKILLS = (
    "swim|fly|sing|dance|read|write|paint|cook|bake bread|juggle|whistle|ride a bicycle|climb trees|skate|knit|fish|"
    "play the drum|play the flute|tie knots|tell jokes|count to one hundred|sail a boat|do a somersault|grow flowers|"
    "draw|ski|jump rope|play chess|cast spells|make soup"
).split("|")
REWARDS = (
    "a warm bun|a cup of tea|a silver coin|a big smile|a jar of honey|a song|a bowl of soup|a slice of cake|a basket of apples|"
    "a new ribbon|a shiny button|a hug"
).split("|")
FOODS = (
    "apples|bread|cheese|soup|honey|pancakes|berries|carrots|pizza|cake|noodles|rice|cherries|chocolate|plums|nuts|tea|cookies"
).split("|")
HOBBIES = (
    "music|books|the sea|trains|football|chess|painting|gardens|stars|cooking|long walks|old maps|dancing|puzzles|birds|boats"
).split("|")

# Small facts, asked in the corpus as questions.
SOUNDS = dict(
    entry.split("+")
    for entry in "cow+moo|dog+woof|cat+meow|duck+quack|sheep+baa|pig+oink|horse+neigh|lion+roar|bee+buzz|owl+hoot|"
    "mouse+squeak|snake+hiss|rooster+cock-a-doodle-doo|frog+ribbit|wolf+howl|crow+caw|hen+cluck|bird+tweet".split("|")
)
OPPOSITES = dict(
    entry.split("+")
    for entry in "hot+cold|big+small|up+down|day+night|fast+slow|old+young|happy+sad|light+dark|open+closed|full+empty|"
    "hard+soft|wet+dry|high+low|near+far|left+right|rich+poor|loud+quiet|strong+weak|early+late|long+short|clean+dirty|"
    "good+bad|first+last|heavy+light|sweet+sour".split("|")
)
COLORS = dict(
    entry.split("+")
    for entry in "the sky+blue|grass+green|snow+white|a lemon+yellow|a strawberry+red|coal+black|a carrot+orange|"
    "chocolate+brown|a banana+yellow|the sun+yellow|a leaf+green|milk+white|an elephant+gray|a plum+purple|blood+red|"
    "a frog+green|the sea+blue|a tomato+red".split("|")
)
DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday".split("|")
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December".split("|")
NUMBERS = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty"
).split("|")

# What the model must decline, as "do ..." phrases and as questions.
CANNOT_DO = """
write Python code|write a program|translate this into French|translate a text into German|browse the web|
search the internet|read my mail|send a message|tell me the news|give medical advice|give legal advice|
tell me the weather|book a flight|solve this equation|prove a theorem|explain quantum physics|write an essay about history|
draw a picture|recommend a film|predict the future|summarize a scientific paper|fix my computer|write a business plan|
do my homework|plan my holiday|compare two phones|explain the tax law|review my code|write a regular expression|
calculate an integral|give me stock tips|play a video|set an alarm|call my mother|write a cover letter
""".replace("\n", "").strip("|").split("|")
CANNOT_ANSWER = """
What is the capital of France?|What is the capital of Japan?|Who is the president?|What is the weather today?|What time is it?|
Who won the world cup?|How does a computer work?|What is the meaning of life?|Why is the sky blue?|How far away is the moon?|
Who wrote Hamlet?|What is photosynthesis?|How do I cook rice?|What is machine learning?|What is the price of gold?|
How old is the universe?|What is a black hole?|Who invented the telephone?|What happened in 1945?|Can you explain gravity?|
How do vaccines work?|What is WebGPU?|How do I install Linux?|What is the best phone?|What is the population of India?|
Who was Napoleon?|What is the speed of light?|How do airplanes fly?|What is inflation?|What is the largest ocean?|
What causes earthquakes?|Who painted the Mona Lisa?|What is DNA?|How tall is Mount Everest?|What is democracy?|
""".replace("\n", "").strip("|").split("|")
UNICODE = "☕|🌞|🦊|é|ü|ñ|ß|ø|🎈|❤️|🚀|😀|…|“|”|–|日本|Привет|ça|naïve|café|über|señor|👍|🌙|✨|中文|α|€|°".split("|")
