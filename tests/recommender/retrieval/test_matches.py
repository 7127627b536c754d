from recommender.retrieval import filters, matches, product_fields, vocabulary
from recommender.retrieval.matches import Matches, SortKey
from tests.recommender import goods
from tests.shop import Shop


def of(shop: Shop, text: str, *, has_all: bool = True, given: tuple[str, ...] = ()) -> Matches:
    words = vocabulary.look_up(shop.catalog, text)
    return matches.of(
        shop.catalog,
        words,
        has_all=has_all,
        given=[shop.product(key).pk for key in given],
        filter=filters.parse({"price": {"lt": 30}}, {}),
    )


def in_order(shop: Shop, found: Matches, *names: str, limit: int = 50) -> list[str]:
    keys = []
    for name in names:
        field = product_fields.find(name.removeprefix("-"), goods.DECLARED)
        assert field is not None
        keys.append(SortKey(field, name.startswith("-")))
    return [external_id for _, external_id in matches.in_order(found, keys, limit).products]


def test_what_has_all_words_or_any_or_is_given_matches_and_passes(shelved):
    assert in_order(shelved, of(shelved, "red mugs"), "id") == ["mug-red"]
    either = in_order(shelved, of(shelved, "red mugs", has_all=False), "id")
    assert either == ["lamp-red", "mug-blue", "mug-green", "mug-red", "mug-white", "puzzle-red",
                      "spade-red"]  # fmt: skip
    given = of(shelved, "red mugs", given=("lamp-blue", "lamp-yellow"))
    assert in_order(shelved, given, "id") == ["lamp-blue", "mug-red"]
    assert in_order(shelved, of(shelved, "the"), "id") == []


def test_products_come_in_order_those_without_a_value_last(shelved):
    shelved.catalog.products.filter(external_id="mug-green").update(attributes={}, brand="")
    mugs = of(shelved, "mugs")
    assert in_order(shelved, mugs, "-grams") == ["mug-white", "mug-blue", "mug-red", "mug-green"]
    assert in_order(shelved, mugs, "brand", "-price") == [
        "mug-white", "mug-blue", "mug-red", "mug-green",
    ]  # fmt: skip
    assert in_order(shelved, mugs, "fragile", limit=2) == ["mug-blue", "mug-red"]
