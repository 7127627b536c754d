"""A generated catalogue of any size: families of variants in 40 categories, the same every time."""

from random import Random

from recommender.analysis.items import Item

# Of each category the things in it, what is said of them, and a usual price.
_CATEGORIES: dict[str, tuple[str, str, float]] = {
    "Kitchen/Cookware": ("frying pan,saucepan,casserole,wok,stockpot,griddle", "even heat on gas and induction,riveted handle,oven safe to 230 degrees,non-stick coating", 45),
    "Kitchen/Knives": ("chef's knife,paring knife,bread knife,cleaver,carving knife,knife block", "forged blade,holds its edge,full tang,balanced in the hand", 60),
    "Kitchen/Baking": ("cake tin,muffin tray,rolling pin,pastry brush,loaf tin,baking mat", "for bread and pastry,releases cakes cleanly,dough does not stick,proving and baking", 16),
    "Kitchen/Tableware": ("dinner plate,cereal bowl,mug,serving platter,salad bowl,gravy boat", "glazed stoneware,stacks neatly,for breakfast and supper,dishwasher safe", 14),
    "Food/Coffee": ("espresso beans,filter coffee,decaf beans,ground coffee,coffee capsules,cold brew", "roasted weekly,notes of chocolate and cherry,arabica from one farm,crema and body", 12),
    "Food/Tea": ("green tea,earl grey,chamomile infusion,oolong,rooibos,breakfast tea", "loose leaf,steep for three minutes,first flush,fragrant and mild", 8),
    "Food/Chocolate": ("dark chocolate,truffles,milk chocolate,nougat,cocoa nibs,pralines", "single origin cocoa,melts slowly,hazelnut filling,bean to bar", 6),
    "Food/Pantry": ("olive oil,basmati rice,spaghetti,sea salt,tomato passata,chickpeas", "from a small mill,for soups and stews,cooks in nine minutes,harvested in autumn", 5),
    "Outdoor/Tents": ("dome tent,tunnel tent,tarp,bivvy bag,groundsheet,family tent", "waterproof flysheet,pitches in minutes,aluminium poles,two vestibules", 220),
    "Outdoor/Hiking": ("rucksack,trekking pole,hiking boots,gaiters,compass,daypack", "for long trails,load lifters and hip belt,grips on wet rock,light on the mountain", 90),
    "Outdoor/Climbing": ("harness,climbing rope,carabiner,chalk bag,belay device,helmet", "for sport routes and crags,screw gate,dynamic and certified,gear loops", 55),
    "Outdoor/Camp cooking": ("gas stove,billy can,spork,camping kettle,fire steel,cool box", "boils a litre in three minutes,packs into itself,for trips by canoe,wind shield", 35),
    "Sport/Running": ("running shoes,running vest,running socks,split shorts,arm band,race belt", "for marathon training,breathable mesh,cushioned midsole,reflective at night", 70),
    "Sport/Cycling": ("bike helmet,cycling jersey,bike pump,saddle bag,bike light,bib shorts", "for road and gravel rides,padded chamois,fits any handlebar,presta and schrader", 50),
    "Sport/Yoga": ("yoga mat,yoga block,meditation cushion,yoga strap,bolster,pilates ring", "grips in every pose,for stretching and breath,cork and natural rubber,rolls up small", 28),
    "Sport/Swimming": ("swim goggles,swimming cap,kickboard,pull buoy,swim fins,swimsuit", "anti-fog lenses,chlorine resistant,for lengths in the pool,hydrodynamic", 22),
    "Books/Crime": ("detective novel,murder mystery,noir thriller,spy story,courtroom drama,cold case", "an inspector and a body,clues in the harbour town,the killer leaves a letter,paperback", 11),
    "Books/Cookery": ("vegetarian cookbook,bread book,curry cookbook,pasta recipes,preserving guide,cake recipes", "a hundred recipes,with photographs,for weeknight suppers,chapters by season", 24),
    "Books/Fantasy": ("dragon saga,wizard chronicle,elven trilogy,sword epic,faerie tale,realm novel", "a prophecy and a throne,magic with a price,maps on the endpapers,the last mage", 12),
    "Books/Travel": ("city guide,walking guide,island memoir,railway journey,sailing diary,desert travelogue", "routes with maps,museums and cafes,two months across the steppe,harbours and ferries", 17),
    "Home/Lighting": ("table lamp,pendant light,floor lamp,wall sconce,desk lamp,string lights", "dimmable warm light,linen shade,touch switch,E27 bulb included", 65),
    "Home/Bedding": ("duvet cover,pillowcase,fitted sheet,quilt,mattress topper,bedspread", "woven percale,soft against the skin,for cool nights,buttons and corner ties", 48),
    "Home/Candles": ("scented candle,tealights,reed diffuser,pillar candle,wax melts,incense", "burns for forty hours,cedar and fig fragrance,soy wax,cotton wick", 15),
    "Home/Storage": ("storage basket,shoe rack,shelf unit,laundry hamper,coat hooks,storage box", "tidies the hallway,stackable with lid,holds toys and towels,folds flat", 32),
    "Baby/Feeding": ("baby bottle,weaning spoon,high chair,bib,breast pump,steriliser", "from six months,anti-colic valve,wipes clean after purees,for nursing", 20),
    "Baby/Sleeping": ("cot,baby sleeping bag,night light,moses basket,swaddle,crib mobile", "for newborns and naps,2.5 tog,lullaby and white noise,safe sleep", 40),
    "Garden/Tools": ("secateurs,garden fork,spade,hoe,pruning saw,hand trowel", "for beds and borders,ash handle,cuts branches cleanly,sharpened carbon steel", 30),
    "Garden/Seeds": ("tomato seeds,lettuce seeds,sunflower seeds,basil seeds,carrot seeds,poppy seeds", "sow from march indoors,germinates in ten days,heirloom variety,thin the seedlings", 3.5),
    "Garden/Wildlife": ("bird feeder,nest box,bee hotel,hedgehog house,bird bath,bat box", "for robins and tits,hang it in a tree,attracts pollinators,fill with sunflower hearts", 25),
    "Toys/Board games": ("strategy game,dice game,cooperative game,trivia game,tile game,auction game", "for two to five players,ninety minutes,cards and wooden tokens,roll and bluff", 33),
    "Toys/Puzzles": ("jigsaw,wooden puzzle,3D puzzle,puzzle cube,floor puzzle,maze ball", "a thousand pieces,pieces fit snugly,poster of the picture,hours of sorting edges", 19),
    "Toys/Soft toys": ("teddy bear,plush rabbit,cuddly fox,rag doll,stuffed elephant,hand puppet", "cuddly and washable,embroidered eyes,for bedtime hugs,soft plush fur", 21),
    "Office/Pens": ("fountain pen,rollerball,ink bottle,mechanical pencil,brush pen,highlighter", "medium nib,writes without skipping,converter and cartridges,for letters and sketches", 18),
    "Office/Notebooks": ("dotted notebook,sketchbook,weekly planner,ruled journal,memo pad,ring binder", "paper that takes ink,lies flat,numbered pages,ribbon and pocket", 13),
    "Electronics/Audio": ("headphones,bluetooth speaker,turntable,earbuds,soundbar,microphone", "deep bass and clear treble,thirty hours of battery,noise cancelling,pairs by bluetooth", 130),
    "Electronics/Charging": ("usb charger,power bank,charging cable,wireless charger,travel adapter,solar panel", "charges a phone and a laptop,usb-c power delivery,short circuit protection,braided cable", 34),
    "Fashion/Knitwear": ("wool jumper,cardigan,beanie,knitted scarf,roll neck,mittens", "merino from one flock,ribbed cuffs,warm in winter,hand wash cold", 75),
    "Fashion/Shoes": ("leather boots,loafers,sandals,sneakers,brogues,slippers", "resoled by a cobbler,calfskin upper,cushioned insole,rubber heel", 120),
    "Beauty/Skincare": ("face cream,cleanser,serum,sunscreen,clay mask,eye cream", "hydrates dry skin,hyaluronic acid,no perfume,morning and evening", 26),
    "Pets/Dogs": ("dog lead,dog bed,chew toy,dog bowl,dog harness,puppy treats", "for walks with big dogs,survives chewing,reflective collar,for puppies and seniors", 23),
}  # fmt: skip
_MADE = "classic,compact,premium,everyday,artisan,slim,sturdy,travel,heritage,studio,urban,nordic"
_COLOURS = "blue,red,green,black,white,grey,yellow,pink"
_SIZES = "small,medium,large"
_GRAMS = (100, 250, 500, 1000)
_CONSONANTS, _VOWELS = "bdfgklmnprstv", "aeiou"
_SHARED = "Free delivery on all orders over fifty euros to every address."


def generate(count: int, seed: int = 14) -> list[Item]:
    """So many products; a family differs in colour, size or weight, and a name tells families apart."""
    rng = Random(seed)
    items: list[Item] = []
    categories = list(_CATEGORIES)
    while len(items) < count:
        items += _family(len(items), categories[rng.randrange(len(categories))], rng)
    return items[:count]


def _family(number: int, category: str, rng: Random) -> list[Item]:
    things, said, usual = _CATEGORIES[category]
    thing, made = rng.choice(things.split(",")), rng.choice(_MADE.split(","))
    name = "".join(rng.choice(letters) for letters in (_CONSONANTS, _VOWELS) * 3).capitalize()
    phrases = rng.sample(said.split(","), 2)
    text = f"{phrases[0].capitalize()}, {phrases[1]}. The {name} {thing} is {made}."
    price = usual * rng.lognormvariate(0, 0.4)
    variants = _variants(category, rng)
    return [
        Item(
            id=f"p-{number + n:06d}",
            title=f"{name} {made} {thing}{mark}",
            description=f"{text} {_SHARED}",
            own_text=text,
            category=category,
            brand=f"Brand {rng.randrange(60)}",
            price=round(price * factor, 2),
            currency="EUR",
            attributes=attributes,
        )
        for n, (mark, factor, attributes) in enumerate(variants)
    ]


def _variants(category: str, rng: Random) -> list[tuple[str, float, dict[str, str | int]]]:
    """Up to three: what the title says more, how much dearer, and attributes."""
    count = rng.randrange(1, 4)
    if category.startswith(("Food", "Garden/Seeds")):
        grams = rng.sample(_GRAMS, count)
        return [(f", {g} g", (g / 250) ** 0.8, {"weight_g": g}) for g in grams]
    if category.startswith("Books"):
        return [("", 1.0, {"pages": rng.randrange(120, 700)})]
    if rng.random() < 0.3:
        return [(f", {s}", 1.0, {"size": s}) for s in rng.sample(_SIZES.split(","), count)]
    return [(f", {c}", 1.0, {"colour": c}) for c in rng.sample(_COLOURS.split(","), count)]
