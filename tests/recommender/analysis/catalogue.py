"""A generated catalogue of any size: families of variants in 40 categories, the same every time."""

from pathlib import Path
from random import Random

from recommender.analysis.items import Item

# Of each category the things in it, what is said of them, and a usual price.
_CATEGORIES = {
    category: (things, said, float(usual))
    for category, things, said, usual in (
        line.split("\t")
        for line in Path(__file__).with_name("catalogue.tsv").read_text().splitlines()
    )
}
_MADE = "classic,compact,premium,everyday,artisan,slim,sturdy,travel,heritage,studio,urban,nordic"
_COLOURS = "blue,red,green,black,white,grey,yellow,pink"
_SIZES = "small,medium,large"
_GRAMS = (100, 250, 500, 1000)
_CONSONANTS, _VOWELS = "bdfgklmnprstv", "aeiou"
_SHARED = "Free delivery on all orders over fifty euros to every address."


def generate(count: int, seed: int = 14) -> list[Item]:
    """So many products: families of colours, sizes or weights, each with a name of its own."""
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
