"""Proposed categories accepted and refused, on the sample store."""

import pytest

from recommender.catalog import catalogs, upsert
from recommender.demo.products import load_products
from recommender.insight import decisions
from recommender.insight.decisions import ACCEPTED, REFUSED, SKIPPED, UNCHANGED
from recommender.models import Catalog, CategoryDecision, InsightRun, Product
from tests.recommender.insight.insights import find_out
from tests.shop import Shop

BEANS = "foo-001"


@pytest.fixture
def store(db: None) -> Shop:
    """The sample store, of which three products have lost their categories."""
    shop = Shop(catalogs.create_catalog("store", clock=Catalog.Clock.NOW, model="wordllama-256"))
    products = [dict(product) for product in load_products()]
    lost = {product["id"] for product in products[:3]}
    shop.put(
        *({**one, "category": "" if one["id"] in lost else one["category"]} for one in products)
    )
    return shop


def proposals(run: InsightRun) -> dict[str, str]:
    """The proposed categories, by product."""
    rows = run.findings.select_related("product")
    return {one.product.external_id: one.data["category"] for one in rows if one.product}


def said(run: InsightRun, **accepts: bool) -> dict[str, str]:
    """What became of decisions, by product; `_` stands for `-` in ids."""
    given = {key.replace("_", "-"): accept for key, accept in accepts.items()}
    return {one.product: one.status for one in decisions.decide(run, given, "ann")}


def category(shop: Shop, key: str) -> str:
    return shop.product(key).category


@pytest.fixture
def run(store: Shop) -> InsightRun:
    return find_out(store, "classify", depth=1)


def first(run: InsightRun) -> str:
    return min(proposals(run))


def test_an_accepted_category_is_written_and_its_product_is_embedded_anew(
    store: Shop, run: InsightRun
) -> None:
    key = first(run)
    before = store.product(key).content_hash
    (one,) = decisions.decide(run, {key: True}, "ann")

    assert one.status == ACCEPTED
    assert category(store, key) == proposals(run)[key]
    assert store.product(key).content_hash != before
    assert CategoryDecision.objects.get().decided_by == "ann"


def test_to_say_the_same_again_changes_nothing(store: Shop, run: InsightRun) -> None:
    one, other = sorted(proposals(run))[:2]
    assert said(run, **{one: True, other: False}) == {one: ACCEPTED, other: REFUSED}
    changed = store.product(one).updated_at
    assert said(run, **{one: True, other: False}) == {one: UNCHANGED, other: UNCHANGED}
    assert store.product(one).updated_at == changed
    assert CategoryDecision.objects.count() == 2


def test_a_product_that_got_a_category_meanwhile_keeps_it(store: Shop, run: InsightRun) -> None:
    key = first(run)
    upsert.upsert(store.catalog, [{"id": key, "category": "Pets/Parrots"}], ("category",))

    (one,) = decisions.decide(run, {key: True}, "ann")

    assert (one.status, one.reason) == (
        SKIPPED,
        "It has the category 'Pets/Parrots', which the run did not see.",
    )
    assert category(store, key) == "Pets/Parrots"
    assert not CategoryDecision.objects.exists()


def test_what_cannot_be_decided_on_says_why(store: Shop, run: InsightRun) -> None:
    known = Product.objects.exclude(category="").first()
    assert known is not None
    told = decisions.decide(run, {"nothing": True, known.external_id: False}, "ann")
    assert [one.reason for one in told] == [
        "There is no product 'nothing'.",
        "The run proposes no category for it.",
    ]


def test_what_was_accepted_is_not_refused_and_what_was_refused_may_be_accepted(
    store: Shop, run: InsightRun
) -> None:
    one, other = sorted(proposals(run))[:2]
    said(run, **{one: True, other: False})
    assert said(run, **{one: False, other: True}) == {one: SKIPPED, other: ACCEPTED}
    assert category(store, other) == proposals(run)[other]


def test_all_of_a_confidence_are_accepted_and_counted_before(store: Shop, run: InsightRun) -> None:
    scores = sorted(run.findings.values_list("score", flat=True))
    assert decisions.open_count(run, scores[1]) == sum(score >= scores[1] for score in scores)
    told = decisions.accept_all(run, scores[1], "ann")
    assert {one.status for one in told} == {ACCEPTED}
    assert decisions.open_count(run, scores[1]) == 0
    assert decisions.accept_all(run, scores[1], "ann") == []


def test_a_refused_category_is_not_proposed_again(store: Shop, run: InsightRun) -> None:
    key = first(run)
    said(run, **{key: False})

    again = find_out(store, "classify", depth=1)

    assert again.figures["refused"] == 1
    assert proposals(again).get(key) != proposals(run)[key]
    finding = again.findings.get(product=store.product(key))
    assert finding.data["second"] != proposals(run)[key]


def test_what_is_like_a_refused_product_is_told_the_category_with_less_confidence(
    store: Shop,
) -> None:
    key = min(Product.objects.filter(category="").values_list("external_id", flat=True))
    store.put({"id": "twin", "title": store.product(key).title, "category": ""})
    before = find_out(store, "classify", depth=1)
    said(before, **{key: False})

    after = find_out(store, "classify", depth=1)

    twin = store.product("twin")
    was, now = before.findings.get(product=twin), after.findings.get(product=twin)
    assert was.data["category"] == proposals(before)[key]
    assert now.score < was.score or now.data["category"] != was.data["category"]


def test_an_accepted_category_is_an_example_though_the_shop_sends_none(
    store: Shop, run: InsightRun
) -> None:
    key = first(run)
    said(run, **{key: True})
    store.put({"id": key, "title": store.product(key).title, "category": ""})

    again = find_out(store, "classify", depth=1)

    assert again.figures["accepted"] == 1
    assert again.figures["labelled"] == run.figures["labelled"] + 1
    assert proposals(again)[key] == proposals(run)[key]


def test_one_class_whose_only_other_is_refused_is_proposed_no_more(shop: Shop) -> None:
    shop.put(
        *({"id": f"m{n}", "title": f"mug {n}", "category": "Mugs"} for n in range(4)),
        *({"id": f"l{n}", "title": f"lamp {n}", "category": "Lamps"} for n in range(4)),
        {"id": "new", "title": "mug new", "category": ""},
    )
    for _ in range(2):
        run = find_out(shop, "classify")
        assert said(run, new=False) == {"new": REFUSED}
    assert proposals(find_out(shop, "classify")) == {}
