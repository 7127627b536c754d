from datetime import UTC, datetime

import pytest
from psycopg import sql

from recommender import database
from recommender.retrieval import filters
from tests.recommender import goods
from tests.recommender.retrieval.filter_reference import holds
from tests.recommender.retrieval.filtering import passing
from tests.shop import Shop

EARLY, LATE = "2024-01-01T00:00:00+00:00", "2025-06-01T12:30:00+02:00"
NASTY = [
    "'; DROP TABLE recommender_product; --",
    '"',
    "\\",
    "100%",
    "%s",
    "%(catalog)s",
    "{condition}",
    "$1",
    "a_b%",
    "日本語 🫖",
    "line\nbreak\ttab",
    "\u202e\ufeff",
]


def everything(shop: Shop) -> set[str]:
    return set(shop.catalog.products.values_list("external_id", flat=True))


REDS = {"mug-red", "lamp-red", "spade-red", "puzzle-red"}
MUGS = {f"mug-{colour}" for colour in goods.COLOURS}
LAMPS = {f"lamp-{colour}" for colour in goods.COLOURS}
GIFTS = {f"{kind}-{colour}" for kind in goods.KINDS for colour in goods.COLOURS[1::2]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"id": "mug-red"}, {"mug-red"}),
        ({"id": ["mug-red", "lamp-red", "nothing"]}, {"mug-red", "lamp-red"}),
        ({"id": {"in": ["mug-red"]}}, {"mug-red"}),
        ({"title": {"eq": "Red mug"}}, {"mug-red"}),
        ({"title": "red mug"}, set()),
        ({"brand": "Mug Works"}, MUGS),
        ({"category": "Home/Kitchen/Mugs"}, MUGS),
        ({"category": {"under": "Home"}}, MUGS | LAMPS),
        ({"category": {"under": "Home/Kitchen/"}}, MUGS),
        ({"category": {"under": "Home/Kit"}}, set()),
        ({"category": {"under": ["Home/Kitchen", "Garden", "Nowhere"]}},
         MUGS | {f"spade-{colour}" for colour in goods.COLOURS}),
        ({"id": {"prefix": "mug-"}}, MUGS),
        ({"colour": {"prefix": "re"}}, REDS),
        ({"brand": {"prefix": "mug"}}, set()),
        ({"title": {"text": "mugs red"}}, {"mug-red"}),
        ({"title": {"text": "like every other"}}, set()),
        ({"description": {"text": "other mugs"}}, MUGS),
        ({"category": {"text": "kitchen"}}, MUGS),
        ({"brand": {"text": "lamps works"}}, LAMPS),
        ({"colour": {"text": "RED"}}, REDS),
        ({"tags": {"text": "gifts"}}, GIFTS),
        ({"title": {"text": "the"}}, set()),
        ({"price": 10}, REDS),
        ({"price": 10.0}, REDS),
        ({"price": {"lt": 15}}, REDS),
        ({"price": {"lte": 10, "gte": 10}}, REDS),
        ({"price": {"gt": 10, "lt": 10.01}}, set()),
        ({"price": [10, 11]}, REDS),
        ({"brand": "Mug Works", "price": {"lt": 15}}, {"mug-red"}),
        ({"colour": "red"}, REDS),
        ({"attributes.colour": "red"}, REDS),
        ({"colour": {"in": ["red", "mauve"]}}, REDS),
        ({"grams": 100}, REDS),
        ({"grams": 100.0}, REDS),
        ({"grams": {"lt": 200}}, REDS),
        ({"grams": {"lte": 100}}, REDS),
        ({"grams": {"gt": 100, "lte": 100}}, set()),
        ({"grams": [100, 101]}, REDS),
        ({"fragile": True}, MUGS | LAMPS),
        ({"fragile": [True]}, MUGS | LAMPS),
        ({"tags": "gift"}, GIFTS),
        ({"tags": {"contains": "gift"}}, GIFTS),
        ({"tags": ["mug", "lamp"]}, MUGS | LAMPS),
        ({"tags": {"contains_any": ["mug", "lamp"]}}, MUGS | LAMPS),
        ({"tags": {"contains_all": ["mug", "gift"]}}, MUGS & GIFTS),
        ({"all": [{"brand": "Mug Works"}, {"colour": "red"}]}, {"mug-red"}),
        ({"any": [{"id": "mug-red"}, {"id": "lamp-red"}]}, {"mug-red", "lamp-red"}),
        ({"not": {"any": [{"brand": "Mug Works"}, {"tags": "gift"}]}, "colour": "red"},
         REDS - MUGS),
    ],
)  # fmt: skip
def test_a_filter_lets_through_what_it_says(shelved, document, expected):
    assert passing(shelved, document) == expected


@pytest.mark.parametrize(
    ("document", "opposite"),
    [
        ({"colour": {"eq": "red"}}, {"colour": {"ne": "red"}}),
        ({"colour": {"in": ["red", "blue"]}}, {"colour": {"not_in": ["red", "blue"]}}),
        ({"fragile": True}, {"fragile": {"ne": True}}),
        ({"grams": {"exists": True}}, {"grams": {"exists": False}}),
        ({"price": {"eq": 10}}, {"price": {"ne": 10}}),
        ({"price": {"in": [10, 20]}}, {"price": {"not_in": [10, 20]}}),
        ({"price": {"exists": True}}, {"price": {"exists": False}}),
        ({"released_at": {"eq": EARLY}}, {"released_at": {"ne": EARLY}}),
        ({"released_at": {"in": [EARLY]}}, {"released_at": {"not_in": [EARLY]}}),
        ({"released_at": {"exists": True}}, {"released_at": {"exists": False}}),
        ({"brand": {"exists": True}}, {"brand": {"exists": False}}),
    ],
)
def test_a_product_without_a_value_is_found_by_the_opposite(shelved, document, opposite):
    shelved.put(
        {"id": "bare"},
        {"id": "null", "attributes": {"colour": None, "grams": None, "fragile": None}},
        {"id": "early", "released_at": EARLY},
    )
    passed, failed = passing(shelved, document), passing(shelved, opposite)
    assert "bare" in failed
    assert "null" in failed
    assert passed
    assert passed | failed == everything(shelved)
    assert not passed & failed
    assert failed == passing(shelved, {"not": document})


def test_a_time_is_compared_as_a_moment_and_not_as_text(shelved):
    shelved.put({"id": "early", "released_at": EARLY}, {"id": "late", "released_at": LATE})
    assert passing(shelved, {"released_at": "2025-06-01T10:30:00Z"}) == {"late"}
    assert passing(shelved, {"released_at": "2025-06-01T10:30:00"}) == {"late"}
    assert passing(shelved, {"released_at": {"lt": "2024-01-02"}}) == {"early"}
    assert passing(shelved, {"created_at": {"gt": "2024-01-01"}}) == everything(shelved)


def test_a_category_lies_under_its_ancestors_and_no_others(shop):
    paths = ["", "Ho", "Home", "Home/", "Home/Bath", "Home/Bath/Tub", "Home.", "Home0", "Homes"]
    shop.put(*({"id": path or "none", "category": path} for path in paths))
    assert passing(shop, {"category": {"under": "Home"}}) == {
        "Home", "Home/", "Home/Bath", "Home/Bath/Tub",
    }  # fmt: skip
    assert passing(shop, {"category": {"under": "Home/Bath"}}) == {"Home/Bath", "Home/Bath/Tub"}


def test_places_are_near_by_great_circle_distance(shop):
    shop.put(
        {"id": "berlin", "attributes": {"at": {"lat": 52.52, "lon": 13.405}}},
        {"id": "potsdam", "attributes": {"at": {"lat": 52.39, "lon": 13.065}}},
        {"id": "sydney", "attributes": {"at": {"lat": -33.87, "lon": 151.21}}},
        {"id": "nowhere"},
    )
    kinds = {"at": "geo"}
    alexanderplatz = {"lat": 52.5219, "lon": 13.4132}

    def near(within: object) -> set[str]:
        return passing(shop, {"at": {"near": alexanderplatz | {"within": within}}}, kinds)

    assert near("500m") == set()
    assert near("1km") == near(1000) == {"berlin"}
    assert near("20mi") == {"berlin", "potsdam"}
    assert near("20000km") == {"berlin", "potsdam", "sydney"}
    assert passing(shop, {"at": {"exists": False}}, kinds) == {"nowhere"}
    like = {"at": {"near": {"product": "at", "within": "30km"}}}
    assert passing(shop, like, kinds, product="berlin") == {"berlin", "potsdam"}


def test_near_places_are_found_through_an_index(shop):
    shop.put(
        *({"id": f"p{n}", "attributes": {"at": {"lat": n / 50 - 20, "lon": n / 20}}}
          for n in range(2000))
    )  # fmt: skip
    database.execute("ANALYZE recommender_product")
    near = filters.parse({"at": {"near": {"lat": 0, "lon": 50, "within": "5km"}}}, {"at": "geo"})
    query = sql.SQL("SELECT p.id FROM recommender_product p WHERE {}").format(near.condition)
    assert len(database.fetch(query, near.parameters)) == 1
    plan = database.fetch(sql.SQL("EXPLAIN {}").format(query), near.parameters)
    assert any("product_places" in line for (line,) in plan), plan


def test_a_declared_time_is_compared_as_a_moment(shop):
    shop.put(
        {"id": "early", "attributes": {"at": "2024-01-01"}},
        {"id": "late", "attributes": {"at": "2025-06-01T12:30:00+02:00"}},
        {"id": "never", "attributes": {"at": "soon"}},
    )
    kinds = {"at": "time"}
    assert passing(shop, {"at": "2025-06-01T10:30:00Z"}, kinds) == {"late"}
    assert passing(shop, {"at": {"lt": "2024-01-01T00:00:01"}}, kinds) == {"early"}
    year = {"at": {"within": "1y"}}
    assert passing(shop, year, kinds, as_of=datetime(2025, 7, 1, tzinfo=UTC)) == {"late"}


def test_in_stock_can_be_asked_for(shelved):
    shelved.put({"id": "gone", "in_stock": False})
    assert passing(shelved, {"in_stock": False}) == {"gone"}


def test_an_attribute_named_like_a_field_is_reached_by_its_full_name(shop):
    shop.put(
        {"id": "a", "price": 1, "attributes": {"price": 2, "all": "x"}},
        {"id": "b", "price": 2, "attributes": {"price": 1, "all": "y"}},
    )
    assert passing(shop, {"price": 1}, {"price": "number", "all": "string"}) == {"a"}
    assert passing(shop, {"attributes.price": 1}, {"price": "number", "all": "string"}) == {"b"}
    assert passing(shop, {"attributes.all": "x"}, {"price": "number", "all": "string"}) == {"a"}


@pytest.mark.parametrize("text", NASTY)
def test_a_hostile_value_is_only_a_value(shop, text):
    shop.put(
        {"id": text, "title": text, "brand": text, "category": text,
         "attributes": {"colour": text, "tags": [text]}},
        {"id": "other", "title": "x", "attributes": {"colour": "x", "tags": ["x"]}},
    )  # fmt: skip
    for document in (
        *({name: text} for name in ("id", "title", "brand", "category", "colour", "tags")),
        {"category": {"under": text}},
        {"brand": [text, "%"]},
        {"colour": {"in": [text, "%"]}},
        {"tags": {"contains_all": [text]}},
    ):
        assert passing(shop, document) == {text}
    assert passing(shop, {"colour": {"ne": text}}) == {"other"}


@pytest.mark.parametrize("name", [*NASTY, "", " ", "$", "a.b", "attributes.x"])
def test_a_hostile_attribute_name_is_only_a_name(shop, name):
    shop.put(
        {"id": "one", "attributes": {name: 1}},
        {"id": "two", "attributes": {name: 2}},
        {"id": "none"},
    )
    kinds = {name: "number"}
    field = f"attributes.{name}"
    assert passing(shop, {field: 1}, kinds) == {"one"}
    assert passing(shop, {field: {"gt": 1}}, kinds) == {"two"}
    assert passing(shop, {field: {"exists": True}}, kinds) == {"one", "two"}
    assert passing(shop, {field: [1, 2]}, kinds) == {"one", "two"}


@pytest.mark.parametrize("operator", ["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in"])
@pytest.mark.parametrize("number", [2**63, -(2.0**70), 1e30, 1e308, -1e-300, 0.1, -0.0, 10**18 + 1])
def test_a_huge_or_tiny_number_is_compared_exactly(shop, operator, number):
    shop.put(
        {"id": "same", "price": 1, "attributes": {"grams": number}},
        {"id": "one", "price": 1, "attributes": {"grams": 1}},
    )
    operand = [number] if operator.endswith("in") else number
    passed = passing(shop, {"grams": {operator: operand}})
    assert ("same" in passed) == (operator in {"eq", "lte", "gte", "in"})
    in_price = passing(shop, {"price": {operator: operand}})
    assert in_price == ({"same", "one"} if holds(operator, 1.0, operand) else set())
