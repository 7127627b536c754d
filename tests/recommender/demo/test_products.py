"""The sample store's products look like those of a shop."""

import re
from collections import defaultdict
from datetime import datetime, timedelta

from recommender.demo import Product
from recommender.demo.products import restock_days


def test_the_store_has_three_hundred_products_in_ten_departments(products: list[Product]) -> None:
    assert len(products) >= 300
    assert len({product["category"].split("/")[0] for product in products}) >= 10
    assert len({product["brand"] for product in products}) >= 30


def test_every_department_has_enough_to_browse(products: list[Product]) -> None:
    departments = defaultdict(set)
    for product in products:
        departments[product["category"].split("/")[0]].add(product["id"])
    assert min(map(len, departments.values())) >= 20


def test_no_two_products_share_an_id_a_title_or_a_description(products: list[Product]) -> None:
    for field in ("id", "title", "description"):
        assert len({product[field] for product in products}) == len(products), field


def test_ids_are_readable_and_name_their_department(products: list[Product]) -> None:
    prefixes = defaultdict(set)
    for product in products:
        assert re.fullmatch(r"[a-z]{3}-\d{3}", product["id"])
        prefixes[product["id"][:3]].add(product["category"].split("/")[0])
    assert all(len(departments) == 1 for departments in prefixes.values())


def test_every_description_tells_something_that_the_title_does_not(
    products: list[Product],
) -> None:
    for product in products:
        known = set(re.findall(r"\w+", product["title"].lower()))
        told = set(re.findall(r"\w+", product["description"].lower())) - known
        assert len(told) >= 8, product["id"]


def test_prices_are_believable_and_in_one_currency(products: list[Product]) -> None:
    assert {product["currency"] for product in products} == {"EUR"}
    assert all(3 <= product["price"] <= 700 for product in products)
    assert all(round(product["price"], 2) == product["price"] for product in products)


def test_a_few_products_are_sold_out(products: list[Product]) -> None:
    assert 0.01 < sum(not product["in_stock"] for product in products) / len(products) < 0.1


def test_products_came_into_the_store_over_two_years(products: list[Product]) -> None:
    released = [datetime.fromisoformat(product["released_at"]) for product in products]
    assert all(moment.tzinfo for moment in released)
    assert timedelta(days=650) < max(released) - min(released) < timedelta(days=740)


def test_an_attribute_has_one_type_in_the_whole_store(products: list[Product]) -> None:
    types = defaultdict(set)
    for product in products:
        for name, value in product["attributes"].items():
            types[name].add(type(value))
    assert len(types) >= 20
    assert all(len(kinds) == 1 for kinds in types.values()), types


def test_coffee_runs_out_and_an_espresso_machine_lasts(by_id: dict[str, Product]) -> None:
    beans, machine = by_id["foo-001"], by_id["kit-001"]
    assert (beans["brand"], machine["brand"]) == ("Cordwain Roasters", "Tamsel")
    assert restock_days(beans) == 21
    assert restock_days(machine) is None
