from datetime import timedelta

import pytest

from recommender.insight import findings
from recommender.insight.findings import FoundRow
from recommender.models import InsightRun
from tests.recommender import goods
from tests.recommender.insight.insights import find_out
from tests.shop import NOON, Shop, event


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """Things of a few kinds in a few colours."""
    goods.stock(shop)
    return shop


def placed(run: InsightRun, shop: Shop, key: str) -> list[FoundRow]:
    return findings.page(run, limit=10, product=shop.product(key))


def test_each_product_is_in_a_cluster_with_a_name(stocked: Shop) -> None:
    run = find_out(stocked, "clusters", k=4)

    described = run.figures["described"]
    assert run.figures["products"] == sum(one["products"] for one in described)
    assert sum(one["share"] for one in described) == pytest.approx(1, abs=0.001)
    assert all(one["name"] for one in described)
    assert all(one["typical"][0].keys() == {"id", "title"} for one in described)
    groups = set(run.findings.values_list("group", flat=True))
    assert groups == {one["group"] for one in described}
    assert run.summary.startswith(
        f"{run.figures['products']} products in 4 clusters; the largest, "
    )


def test_the_number_of_clusters_is_chosen_and_what_was_tried_is_told(stocked: Shop) -> None:
    run = find_out(stocked, "clusters")

    tried = {one["k"] for one in run.figures["tried"]}
    assert run.figures["clusters"] <= max(tried, default=2)


def test_sales_of_the_latest_months_are_told(stocked: Shop) -> None:
    keys = list(stocked.catalog.products.values_list("external_id", flat=True))
    for number, key in enumerate(keys):
        bought = {"type": "purchase", "at": NOON - timedelta(days=3)}
        stocked.post(event(f"u{number}", key, **bought))  # type: ignore[arg-type]
    early = [event("u0", key, type="purchase", at=NOON - timedelta(days=40)) for key in keys[:6]]
    stocked.post(*early)

    run = find_out(stocked, "clusters", k=3)

    described = run.figures["described"]
    assert run.figures["sales_of"] == "purchases"
    assert sum(one["sales"] for one in described) == len(keys)
    assert sum(one["sales_share"] for one in described) == pytest.approx(1, abs=0.001)
    assert any(one["growth"] is not None for one in described)


def test_where_nothing_is_sold_it_is_events_that_are_counted(stocked: Shop) -> None:
    key = stocked.catalog.products.values_list("external_id", flat=True)[0]
    stocked.visit("anna", key)

    run = find_out(stocked, "clusters", k=3)

    assert run.figures["sales_of"] == "events"
    assert sum(one["sales"] for one in run.figures["described"]) == 1


def test_a_product_that_joins_later_is_placed_where_it_would_have_been(stocked: Shop) -> None:
    run = find_out(stocked, "clusters", k=4)
    known = stocked.catalog.products.first()
    assert known is not None
    (of_known,) = placed(run, stocked, known.external_id)

    stocked.put({"id": "late", "title": known.title, "description": known.description})
    assert placed(run, stocked, "late") == []
    stocked.embed()
    (late,) = placed(run, stocked, "late")

    assert (late.group, late.product) == (of_known.group, "late")
    assert '"newcomer":true' in late.data


def test_nobody_is_placed_by_a_run_that_has_not_ended_well(stocked: Shop) -> None:
    run = InsightRun.objects.create(catalog=stocked.catalog, kind="clusters", status="failed")

    assert placed(run, stocked, stocked.catalog.products.all()[0].external_id) == []


def test_deleted_products_are_in_no_cluster(stocked: Shop) -> None:
    first = stocked.catalog.products.first()
    assert first is not None
    first.deleted_at = NOON
    first.save()

    run = find_out(stocked, "clusters", k=3)

    assert not run.findings.filter(product=first).exists()
