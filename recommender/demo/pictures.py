"""What the sample store's products look like: a drawing a kind of product, in a colour.

The drawings are symbols of `static/recommender/shop/kinds.svg`.
"""

from collections.abc import Mapping
from zlib import crc32

OTHER = "parcel"

# By category path, the most particular first.
_KINDS: Mapping[str, str] = {
    "Kitchen/Coffee & Tea": "cup",
    "Kitchen/Knives & Boards": "knife",
    "Kitchen/Tableware": "bowl",
    "Kitchen": "pot",
    "Food & Drink/Coffee": "bag",
    "Food & Drink/Tea": "bag",
    "Food & Drink/Drinks": "bottle",
    "Food & Drink": "jar",
    "Outdoor/Camping/Tents": "tent",
    "Outdoor/Camping/Sleeping": "textile",
    "Outdoor/Camping/Lighting": "lamp",
    "Outdoor/Camping/Cooking": "pot",
    "Outdoor/Hiking": "backpack",
    "Outdoor": "tent",
    "Sport/Running": "shoe",
    "Sport/Cycling": "bicycle",
    "Sport/Nutrition": "bottle",
    "Sport": "ball",
    "Books": "book",
    "Home/Lighting": "lamp",
    "Home/Candles & Scent": "candle",
    "Home/Textiles": "textile",
    "Home/Bath": "bottle",
    "Home": "chest",
    "Baby": "bear",
    "Garden/Tools": "spade",
    "Garden/Wildlife": "house",
    "Garden": "plant",
    "Toys & Games/Soft toys": "bear",
    "Toys & Games/Puzzles": "puzzle",
    "Toys & Games": "die",
    "Office & Stationery/Pens & Ink": "pen",
    "Office & Stationery/Desk": "lamp",
    "Office & Stationery": "notebook",
    "Electronics/Audio": "headphones",
    "Electronics/Photo & Optics": "camera",
    "Electronics/Wearables": "watch",
    "Electronics": "plug",
    "Fashion/Shoes": "shoe",
    "Fashion/Accessories": "textile",
    "Fashion": "jumper",
    "Beauty": "bottle",
    "Pets/Dogs": "paw",
    "Pets": "paw",
}

# Of the category whose things look least alike: what a title names.
_WORDS: Mapping[str, str] = {
    "grinder": "grinder",
    "machine": "machine",
    "pitcher": "jug",
    "kettle": "jug",
    "teapot": "jug",
    "moka": "jug",
    "press": "jug",
    "dripper": "jug",
    "powder": "bag",
    "papers": "bag",
    "tamper": "pen",
}
_WORDY = "Kitchen/Coffee & Tea"

# The tones, and words that the names of their colours hold.
_TONES: Mapping[str, tuple[str, ...]] = {
    "red": ("red", "burgundy", "oxblood", "coral", "rust", "terracotta", "plum"),
    "orange": ("orange", "amber", "honey", "saffron", "peach", "clay", "brass"),
    "yellow": ("yellow", "mustard", "lemon", "ochre"),
    "green": ("green", "olive", "sage", "moss", "pine", "mint"),
    "teal": ("teal", "petrol", "sea"),
    "blue": ("blue", "navy", "indigo", "slate", "ink"),
    "brown": ("brown", "tan", "tobacco", "cognac", "walnut", "oak", "camel", "chestnut", "snuff"),
    "grey": ("grey", "graphite", "charcoal", "black", "anthracite", "steel", "silver", "titanium"),
    "sand": ("white", "cream", "ivory", "natural", "sand", "ecru", "oat", "chalk", "kraft"),
}
_OF_NO_COLOUR = ("red", "orange", "green", "teal", "blue", "brown", "purple")


def kind_of(category: str, title: str = "") -> str:
    """The name of the drawing for what is in a category, or what the title names there."""
    words = title.lower().replace(",", " ").split()
    if category == _WORDY:
        for word, kind in _WORDS.items():
            if word in words:
                return kind
    path = category
    while path:
        if path in _KINDS:
            return _KINDS[path]
        path = path.rpartition("/")[0]
    return OTHER


def tone_of(colour: str, other: str) -> str:
    """The tone of a colour by its name; of none, one that follows from another text."""
    words = colour.lower()
    for tone, names in _TONES.items():
        if any(name in words for name in names):
            return tone
    return _OF_NO_COLOUR[crc32(other.encode()) % len(_OF_NO_COLOUR)]
