"""What a shop lacks, and what nobody meets in it, as a run tells."""

from datetime import timedelta

import pytest

from recommender.history.ingest import NewEvent
from recommender.insight import runs
from recommender.insight.kind import InsightError
from recommender.insight.kinds import KINDS
from recommender.models import Catalog, InsightFinding, InsightRun, Product
from recommender.retrieval import vocabulary
from tests.recommender.insight.insights import find_out
from tests.shop import NOON, Shop, event

MINUTE = timedelta(minutes=1)


@pytest.fixture
def visited(db: None) -> Shop:
    """Lamps that everybody wants and of which one is in stock, mugs, and a book that nobody met."""
    shop = Shop.open("visited", clock=Catalog.Clock.LAST_EVENT)
    lamps = [
        {"id": f"lamp{n}", "title": f"Desk lamp {n}", "category": "Lamps", "in_stock": n == 0}
        for n in range(8)
    ]
    mugs = [{"id": f"mug{n}", "title": f"Mug {n}", "category": "Mugs"} for n in range(20)]
    shop.put(*lamps, *mugs, {"id": "book", "title": "A book of maps", "category": "Books"})
    vocabulary.count(shop.catalog)
    for user in range(12):
        shop.visit(f"u{user}", *(f"lamp{n}" for n in range(8)), *(f"mug{n}" for n in range(20)))
    return shop


def search(shop: Shop, text: str, users: int, then: str | None = None) -> None:
    for user in range(users):
        at = NOON + user * 60 * MINUTE
        name = f"searcher-{text}-{user}"
        shop.post(NewEvent(type="search", user=name, product=None, at=at, query=text))
        if then:
            shop.post(event(name, then, at=at + MINUTE))


def found(shop: Shop, group: str, **parameters: int) -> list[InsightFinding]:
    run = find_out(shop, "gaps", **parameters)
    assert run.status == "done", run.error
    return list(run.findings.filter(group=group).select_related("product"))


def test_searches_without_a_product_are_told_by_how_many_users_asked(visited: Shop) -> None:
    search(visited, "Hammock", 3)
    search(visited, " hammock ", 2, then="mug1")
    search(visited, "mug", 6, then="mug1")
    search(visited, "kayak", 1)
    told = found(visited, "search")
    assert [one.data["text"] for one in told] == ["hammock", "kayak"]
    assert (told[0].data["searches"], told[0].data["products"]) == (5, 0)
    assert told[0].data["went_on"] == pytest.approx(0.4)
    assert "no product in stock has these words" in told[0].data["reason"]


def test_a_search_that_nobody_follows_is_told_though_products_have_its_words(
    visited: Shop,
) -> None:
    search(visited, "book", 6)
    search(visited, "maps", 4)
    (one,) = found(visited, "search")
    assert (one.data["text"], one.data["products"]) == ("book", 1)
    assert "hardly anybody goes on" in one.data["reason"]


def test_a_category_with_much_demand_and_little_stock_is_told(visited: Shop) -> None:
    (one,) = found(visited, "category")
    assert one.data["category"] == "Lamps"
    assert one.data["reason"].startswith("Lamps: 96 events and 1 of 8 products in stock")
    assert (one.data["products"], one.data["in_stock"], one.data["events"]) == (8, 1, 96)
    assert one.score > 2


def test_a_cluster_of_the_latest_run_is_told_too(visited: Shop) -> None:
    described = [{"group": "c-Lamps", "name": "lamp, brass"}]
    run = InsightRun.objects.create(
        catalog=visited.catalog, kind="clusters", status="done", figures={"described": described}
    )
    rows = Product.objects.filter(catalog=visited.catalog).values_list("pk", "category")
    InsightFinding.objects.bulk_create(
        InsightFinding(run=run, product_id=key, group=f"c-{category}", score=1)
        for key, category in rows
    )
    (one,) = found(visited, "cluster")
    assert one.data["cluster"] == "cluster c-Lamps (lamp, brass)"


def test_what_nobody_met_is_told(visited: Shop) -> None:
    (one,) = found(visited, "never-met")
    assert one.product.external_id == "book"
    assert "nobody has met it" in one.data["reason"]


def test_what_is_shown_and_never_clicked_is_told(visited: Shop) -> None:
    rows = [
        event(f"viewer{n}", key, type="impression", at=NOON + n * MINUTE)
        for n in range(60)
        for key in ("book", "mug1")
    ]
    visited.post(*rows)
    (one,) = found(visited, "never-clicked")
    assert one.product.external_id == "book"
    assert one.data["shown"] == 60
    assert found(visited, "never-met") == []


def test_what_is_long_ago_is_left_out(visited: Shop) -> None:
    search(visited, "hammock", 3)
    visited.post(event("late", "mug1", at=NOON + timedelta(days=40)))
    assert found(visited, "search", days=30) == []
    assert found(visited, "search", days=60)


def test_without_products_or_events_it_is_said(shop: Shop) -> None:
    kind = KINDS["gaps"]
    with pytest.raises(InsightError, match="no products"):
        runs.request(shop.catalog, kind, kind.read({}))
    shop.stock(mug="Mug")
    with pytest.raises(InsightError, match="no events"):
        runs.request(shop.catalog, kind, kind.read({}))
