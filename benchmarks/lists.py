"""What is asked for beside similar products and recommendations: a kind of request by its name."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import numpy as np

from benchmarks import figures
from benchmarks.generated import CATEGORIES
from recommender.models import Catalog, Product, User

_SEED = 21
# Half of the products pass; relevance is changed by a filter and a price; no list of one brand.
_RULES = {
    "filter": json.dumps({"bucket": {"lt": 50}}),
    "boost": json.dumps(
        [
            {"when": {"price": {"lte": 20}}, "times": 1.3},
            {"decay": "price", "origin": 15, "half_life": 20, "weight": 0.5},
        ]
    ),
    "diversity": "0.3",
    "max_per": json.dumps({"brand": 2}),
    "explain": "true",
}
_TYPED = 4  # letters of a word that is completed


def paths(catalog: Catalog, number: int, count: int) -> Mapping[str, Sequence[str]]:
    """So many addresses of each kind of request, drawn at random, for lists of `count` products."""
    rng = np.random.default_rng(_SEED)
    products = list(Product.objects.filter(catalog=catalog).values_list("external_id", "title"))
    users = list(User.objects.filter(catalog=catalog).values_list("external_id", flat=True))
    drawn = [products[place] for place in rng.integers(len(products), size=number)]
    asking = [users[place] for place in rng.integers(len(users), size=number)]
    words = [title.split() for _, title in drawn]
    listed = {"count": str(count)}
    two_words = [{"q": f"{of_cluster} {own}"} for _, of_cluster, own, *_ in words]
    categories = [
        {"filter": json.dumps({"category": category})}
        for category in rng.choice(CATEGORIES, size=number)
    ]
    return {
        figures.SEARCH: [_path("search", listed | q) for q in two_words],
        "search, for a user": [
            _path("search", listed | q | {"user": user})
            for q, user in zip(two_words, asking, strict=True)
        ],
        "search, with facets": [
            _path("search", listed | q | {"facets": "brand,category,price"}) for q in two_words
        ],
        "search, misspelt": [
            _path("search", listed | {"q": f"{own[:2]}{own[3:]}"}) for _, _, own, *_ in words
        ],
        figures.SUGGEST: [_path("suggest", {"q": own[:_TYPED]}) for _, _, own, *_ in words],
        figures.RULED: [_path(f"users/{user}/recommendations", listed | _RULES) for user in asking],
        "recommendations, explained": [
            _path(f"users/{user}/recommendations", listed | {"explain": "true"}) for user in asking
        ],
        "similar, rules": [_path(f"products/{key}/similar", listed | _RULES) for key, _ in drawn],
        "bought together": [_path(f"products/{key}/bought-together", listed) for key, _ in drawn],
        "popular in a category": [_path("popular", listed | category) for category in categories],
    }


def _path(address: str, parameters: Mapping[str, str]) -> str:
    return f"/v1/{address}?{urlencode(parameters)}"
