from dataclasses import replace

import pytest

from recommender.analysis.items import Item
from recommender.catalog import catalogs
from tests.recommender.analysis.catalogue import generate
from tests.recommender.insight.insights import find_out
from tests.shop import Shop


@pytest.fixture
def shop(db: None) -> Shop:
    """With a model that understands."""
    return Shop(catalogs.create_catalog("shop", model="wordllama-256"))


def put(shop: Shop, *items: Item) -> None:
    shop.put(
        *(
            {
                "id": item.id,
                "title": item.title,
                "description": item.description,
                "category": item.category,
                "brand": item.brand,
                "price": item.price,
                "attributes": dict(item.attributes),
            }
            for item in items
        )
    )
    shop.embed()


def test_odd_products_are_found_with_reason_evidence_and_mend(shop: Shop) -> None:
    items = generate(600)
    tents = [item for item in items if item.category == "Outdoor/Tents"]
    put(shop, *items)
    put(
        shop,
        replace(tents[0], category="Food/Tea"),
        replace(tents[1], price=tents[1].price * 100),
        replace(tents[2], title="Kuppelzelt für zwei", description="Schnell aufgebaut."),
        replace(tents[3], title="", description=""),
    )
    run = find_out(shop, "anomalies")

    def of(item: Item) -> dict[str, dict[str, object]]:
        rows = run.findings.filter(product=shop.product(item.id).pk)
        return {row.group: row.data for row in rows}

    moved, dear, german, empty = map(of, tents[:4])
    assert moved["category"]["mend"] == "Move it to Outdoor/Tents."
    assert "like the products of Outdoor/Tents" in str(moved["category"]["reason"])
    assert "times dearer" in str(dear["price"]["reason"])
    assert german["language"]["evidence"]["language"] == "de"  # type: ignore[index]
    assert empty["empty_text"]["reason"] == "It has neither title nor description."
    assert run.figures["by_code"]["language"] == 1
    assert run.figures["odd"] < 20
    scores = list(run.findings.order_by("-score", "id").values_list("score", flat=True))
    assert scores == sorted(scores, reverse=True)


def test_a_description_of_shared_sentences_alone_says_nothing(shop: Shop) -> None:
    items = generate(40)
    put(shop, *items)
    shared = items[0].description.removeprefix(items[0].own_text)
    put(shop, replace(items[0], description=shared))
    run = find_out(shop, "anomalies")
    (row,) = run.findings.filter(group="boilerplate_text")
    assert row.product_id == shop.product(items[0].id).pk


def test_of_one_category_it_says_what_was_not_asked(shop: Shop) -> None:
    put(shop, *(item for item in generate(2_000) if item.category == "Food/Tea"))
    run = find_out(shop, "anomalies")
    assert run.figures["not_asked"]["category"] == "Fewer than two categories have two products."
    assert "category" not in run.figures["by_code"]
    assert "price" in run.figures["thresholds"]


def test_a_handful_of_products_is_too_few_to_tell_what_is_usual(shop: Shop) -> None:
    put(shop, *generate(6))
    run = find_out(shop, "anomalies")
    assert run.figures["not_asked"]["price"] == "Fewer than 20 products can be compared."


@pytest.mark.parametrize("false_alarms", [0, 0.5, "many"])
def test_a_rate_out_of_range_is_refused(shop: Shop, false_alarms: object) -> None:
    with pytest.raises(ValueError, match="false_alarms"):
        find_out(shop, "anomalies", false_alarms=false_alarms)
