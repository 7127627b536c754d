"""The tastes of the simulated shoppers: what each kind of person looks for and spends."""

from dataclasses import dataclass

from recommender.demo.products import Product, is_under


@dataclass(frozen=True, slots=True)
class Interest:
    """A part of the store, and how often somebody turns to it.

    Attributes:
        category: a category path; everything below it belongs to the interest.
        weight: relative to the other interests of the same taste.
        words: when given, only products with one of them in title or description.
    """

    category: str
    weight: float
    words: tuple[str, ...] = ()

    def covers(self, product: Product) -> bool:
        """Whether a product is what this interest is about."""
        if not is_under(product, self.category):
            return False
        text = f"{product['title']} {product['description']}".lower()
        return not self.words or any(word in text for word in self.words)


@dataclass(frozen=True, slots=True)
class Taste:
    """A kind of shopper.

    Attributes:
        name: what a person would call it.
        shoppers: how many of the simulated shoppers have it as their first taste.
        price_level: where in a category's range of prices they buy; 0 cheapest, 1 dearest.
        interests: what they look at.
    """

    name: str
    shoppers: int
    price_level: float
    interests: tuple[Interest, ...]

    def covers(self, product: Product) -> bool:
        """Whether a product belongs to any interest of this taste."""
        return any(interest.covers(product) for interest in self.interests)


TASTES: tuple[Taste, ...] = (
    Taste(
        "coffee lover",
        18,
        0.6,
        (
            Interest("Food & Drink/Coffee", 5),
            Interest(
                "Kitchen/Coffee & Tea",
                4,
                (
                    "espresso",
                    "coffee",
                    "pour",
                    "grind",
                    "shot",
                    "filter",
                    "moka",
                    "pitcher",
                    "tamp",
                ),
            ),
            Interest("Kitchen/Tableware", 1, ("espresso", "latte")),
            Interest("Food & Drink/Chocolate & Sweets", 0.7, ("dark chocolate", "caramel")),
            Interest("Books/Cookery", 0.5, ("barista",)),
        ),
    ),
    Taste(
        "tea drinker",
        8,
        0.5,
        (
            Interest("Food & Drink/Tea", 5),
            Interest("Kitchen/Coffee & Tea", 2, ("teapot", "kettle")),
            Interest("Home/Candles & Scent", 1.5),
            Interest("Books/Crime", 1.5),
            Interest("Food & Drink/Pantry", 0.7, ("honey", "miso")),
        ),
    ),
    Taste(
        "home cook",
        18,
        0.6,
        (
            Interest("Kitchen/Cookware", 4),
            Interest("Kitchen/Knives & Boards", 2.5),
            Interest("Food & Drink/Pantry", 3.5),
            Interest("Books/Cookery", 1.5, ("recipes", "dinners", "sharpen")),
            Interest("Kitchen/Small appliances", 1),
            Interest("Kitchen/Tableware", 1, ("pasta", "salad", "napkins")),
        ),
    ),
    Taste(
        "home baker",
        8,
        0.45,
        (
            Interest("Kitchen/Baking", 4),
            Interest("Food & Drink/Pantry", 3, ("flour", "honey")),
            Interest("Food & Drink/Chocolate & Sweets", 1.5),
            Interest("Books/Cookery", 1, ("sourdough",)),
            Interest("Kitchen/Knives & Boards", 1, ("bread",)),
            Interest("Kitchen/Cookware", 0.5, ("bread",)),
        ),
    ),
    Taste(
        "new parent",
        15,
        0.5,
        (
            Interest("Baby", 8),
            Interest("Books/Parenting", 1),
            Interest("Books/Children's", 0.8, ("sleep",)),
            Interest("Toys & Games/Soft toys", 0.8),
        ),
    ),
    Taste(
        "parent of school children",
        9,
        0.4,
        (
            Interest("Toys & Games/Building", 2.5),
            Interest("Toys & Games/Crafts", 2.5),
            Interest("Books/Children's", 2),
            Interest("Toys & Games/Wooden toys", 2),
            Interest("Toys & Games/Board games", 1, ("first board game", "dragons")),
            Interest("Books/Fantasy", 0.5, ("read aloud",)),
        ),
    ),
    Taste(
        "trail runner",
        13,
        0.65,
        (
            Interest("Sport/Running", 6),
            Interest("Sport/Nutrition", 3),
            Interest("Electronics/Wearables", 1.5, ("running", "intervals")),
            Interest("Electronics/Audio", 0.7, ("sports",)),
            Interest("Books/Nature & Travel", 0.5, ("runners", "on foot")),
            Interest("Outdoor/Camping/Lighting", 0.5, ("headlamp",)),
        ),
    ),
    Taste(
        "camper",
        12,
        0.55,
        (
            Interest("Outdoor/Camping", 6),
            Interest("Outdoor/Hiking", 3),
            Interest("Electronics/Charging", 0.6, ("solar", "power bank")),
            Interest("Garden/Outdoor living", 0.5, ("fire", "hammock")),
            Interest("Books/Nature & Travel", 0.5, ("walking",)),
        ),
    ),
    Taste(
        "cyclist and swimmer",
        6,
        0.5,
        (
            Interest("Sport/Cycling", 4),
            Interest("Sport/Swimming", 3),
            Interest("Sport/Nutrition", 1.5),
            Interest("Electronics/Wearables", 0.7),
            Interest("Sport/Yoga & Pilates", 0.5),
            Interest("Beauty/Bath & Body", 0.5, ("salt",)),
        ),
    ),
    Taste(
        "reader of science fiction",
        12,
        0.4,
        (
            Interest("Books/Science fiction", 6),
            Interest("Books/Fantasy", 1),
            Interest("Books/Crime", 0.5),
            Interest("Toys & Games/Board games", 1, ("space", "colony")),
            Interest("Toys & Games/Puzzles", 0.3),
            Interest("Electronics/Photo & Optics", 0.4, ("saturn",)),
            Interest("Electronics/E-readers", 0.5),
        ),
    ),
    Taste(
        "board gamer",
        8,
        0.55,
        (
            Interest("Toys & Games/Board games", 5),
            Interest("Toys & Games/Card games", 2.5),
            Interest("Toys & Games/Puzzles", 1.5),
            Interest("Books/Fantasy", 0.5),
            Interest("Books/Puzzles & Games", 0.7),
        ),
    ),
    Taste(
        "cat owner",
        12,
        0.5,
        (
            Interest("Pets/Cat food & Litter", 6),
            Interest("Pets/Cats", 4),
            Interest("Home/Textiles", 0.8),
            Interest("Home/Candles & Scent", 0.5),
            Interest("Books/Crime", 0.5),
        ),
    ),
    Taste(
        "dog owner",
        9,
        0.5,
        (
            Interest("Pets/Dog food", 5),
            Interest("Pets/Dogs", 4),
            Interest("Outdoor/Hiking", 0.6, ("rain", "bottle")),
        ),
    ),
    Taste(
        "gardener",
        11,
        0.5,
        (
            Interest("Garden", 8),
            Interest("Books/Nature & Travel", 0.8, ("garden", "hedgerow")),
            Interest("Books/Crime", 0.3, ("gardening",)),
        ),
    ),
    Taste(
        "nest maker",
        10,
        0.65,
        (
            Interest("Home", 7),
            Interest("Kitchen/Tableware", 1),
            Interest("Garden/Pots & Planters", 0.7),
        ),
    ),
    Taste(
        "lover of knitwear",
        8,
        0.6,
        (
            Interest("Fashion/Knitwear", 5),
            Interest("Fashion/Outerwear", 1.5),
            Interest("Fashion/Shirts & Tops", 1),
            Interest("Fashion/Shoes", 1, ("wool", "suede")),
            Interest("Home/Textiles", 0.7, ("lambswool", "linen")),
        ),
    ),
    Taste(
        "skincare devotee",
        8,
        0.5,
        (
            Interest("Beauty/Skincare", 5),
            Interest("Beauty/Bath & Body", 2),
            Interest("Beauty/Hair", 1.5),
            Interest("Beauty/Fragrance", 1),
            Interest("Home/Bath", 0.6),
        ),
    ),
    Taste(
        "stationery collector",
        8,
        0.55,
        (
            Interest("Office & Stationery/Notebooks", 3),
            Interest("Office & Stationery/Pens & Ink", 4),
            Interest("Office & Stationery/Paper & Cards", 2.5),
            Interest("Office & Stationery/Desk", 1),
        ),
    ),
    Taste(
        "listener to records",
        7,
        0.6,
        (
            Interest("Electronics/Audio", 6),
            Interest("Electronics/Charging", 1),
            Interest("Electronics/Smart home", 0.7),
            Interest("Home/Lighting", 0.6),
        ),
    ),
)
