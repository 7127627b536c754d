"""Categories of products without one, as a run proposes them, on the sample store."""

from typing import Any

import pytest

from recommender.catalog import catalogs
from recommender.demo.products import load_products
from recommender.insight import runs
from recommender.insight.kind import InsightError
from recommender.insight.kinds import KINDS
from recommender.models import Catalog, Product
from tests.recommender.insight.insights import find_out
from tests.shop import Shop

CLASSIFY = KINDS["classify"]


@pytest.fixture
def store(db: None) -> Shop:
    """The sample store's products in a catalog of the model that it has."""
    shop = Shop(catalogs.create_catalog("store", clock=Catalog.Clock.NOW, model="wordllama-256"))
    shop.put(*(dict(product) for product in load_products()))
    return shop


@pytest.fixture
def kitchen(store: Shop) -> dict[str, str]:
    """The departments of forty products whose categories were taken away, by id."""
    some = Product.objects.filter(catalog=store.catalog).order_by("external_id")[::10][:40]
    departments = {one.external_id: one.category.split("/")[0] for one in some}
    Product.objects.filter(pk__in=[one.pk for one in some]).update(category="")
    return departments


def refused(shop: Shop, **parameters: Any) -> str:
    with pytest.raises(InsightError) as caught:
        runs.request(shop.catalog, CLASSIFY, CLASSIFY.read(parameters))
    return f"{caught.value.code}: {caught.value.detail}"


def test_products_without_a_category_get_the_likeliest_department(
    store: Shop, kitchen: dict[str, str]
) -> None:
    run = find_out(store, "classify", depth=1, compare=True, precision=0.9)
    assert run.status == "done", run.error
    found = {one.product.external_id: one for one in run.findings.select_related("product")}
    assert found.keys() == kitchen.keys()
    right = [found[key].data["category"] == department for key, department in kitchen.items()]
    assert sum(right) >= 30
    held_out, compared = run.figures["held_out"], run.figures["compared"]
    assert held_out["accuracy"] > 0.8
    assert held_out["coverage"] > 0.2
    assert compared["is_better_than_both"]
    assert run.figures["asked"] == 40
    known = [key for key, one in found.items() if one.data["known"]]
    assert run.figures["known"] == len(known) > 5
    assert run.summary.startswith(f"Of 40 products the category of {len(known)} is known")
    wrong = [key for key in known if found[key].data["category"] != kitchen[key]]
    assert len(wrong) <= 3
    assert {found[key].group for key in kitchen if key not in known} == {""}


def test_what_is_not_known_says_so_with_the_next_likely_one(
    store: Shop, kitchen: dict[str, str]
) -> None:
    run = find_out(store, "classify", precision=0.999)
    unknown = [one.data for one in run.findings.all() if not one.data["known"]]
    assert unknown
    assert unknown[0]["reason"].startswith("I do not know: ")
    assert unknown[0]["second"] in unknown[0]["reason"]
    scores = list(run.findings.values_list("score", flat=True))
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)


def test_labels_alone_are_zero_shot_and_nobody_knows_how_right(store: Shop) -> None:
    labels = ["Coffee beans", "Tents and sleeping bags", "Cat food"]
    run = find_out(store, "classify", labels=labels)
    assert run.figures["sure_from"] is None
    by_category: dict[str, list[str]] = {}
    for one in run.findings.select_related("product"):
        assert one.data["known"] is None
        by_category.setdefault(one.product.category, []).append(one.group)
    coffee = by_category["Food & Drink/Coffee"]
    assert coffee.count("Coffee beans") > len(coffee) * 0.8
    assert "nobody knows" in run.summary


def test_a_few_examples_of_labels_are_learnt_from(store: Shop) -> None:
    products = Product.objects.filter(catalog=store.catalog).order_by("pk")
    examples = {
        label: list(products.filter(category__startswith=under).values_list(
            "external_id", flat=True)[:6])
        for label, under in {"to eat": "Food & Drink", "for animals": "Pets"}.items()
    }  # fmt: skip
    run = find_out(store, "classify", examples=examples)
    assert run.figures["labelled"] == 12
    found = {one.product.external_id: one.group for one in run.findings.select_related("product")}
    assert not found.keys() & {key for ids in examples.values() for key in ids}
    told = [
        (one.data["category"], one.product.category.split("/")[0])
        for one in run.findings.select_related("product")
    ]
    pets = [label for label, department in told if department == "Pets"]
    assert pets.count("for animals") > 0.7 * len(pets)


def test_a_category_that_does_not_fit_is_proposed_anew(store: Shop) -> None:
    beans = Product.objects.filter(catalog=store.catalog, category="Food & Drink/Coffee").first()
    Product.objects.filter(pk=beans.pk).update(category="Pets/Cat food & Litter")
    run = find_out(store, "classify", depth=1, every=True)
    one = run.findings.get(product=beans.pk)
    assert one.data["category"] == "Food & Drink"
    assert one.data["now"] == "Pets"
    assert not run.findings.filter(data__category=""), "and of those that fit nothing is said"


def test_where_every_product_has_a_category_nothing_is_proposed(store: Shop) -> None:
    run = find_out(store, "classify")
    assert run.findings.count() == 0
    assert run.summary == "No product lacks a category; `every` judges those that have one."
    assert run.figures["held_out"]["accuracy"] > 0.5


@pytest.mark.parametrize(
    ("parameters", "categories", "why"),
    [
        ({}, [], "no-products"),
        ({}, ["", ""], "no-categories"),
        ({}, ["Mugs", "Mugs"], "one-class"),
        ({"depth": 1}, ["Home/Mugs", "Home/Lamps"], "one-class"),
        ({"labels": ["Mugs"]}, ["", ""], "one-class"),
        ({"labels": ["Mugs", "Mugs"]}, ["", ""], "one-class"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(
    shop: Shop, parameters: dict[str, Any], categories: list[str], why: str
) -> None:
    shop.put(
        *({"id": f"p{n}", "title": "Mug", "category": path} for n, path in enumerate(categories))
    )
    assert refused(shop, **parameters).startswith(f"{why}: ")


def test_an_unknown_example_and_one_of_no_label_are_refused(store: Shop) -> None:
    with pytest.raises(ValueError, match="no label: c"):
        CLASSIFY.read({"labels": ["a", "b"], "examples": {"c": []}})
    run = find_out(store, "classify", examples={"a": ["nobody"], "b": []})
    assert (run.status, run.error_code) == ("failed", "unknown-product")


@pytest.mark.parametrize("title", ["", "!", "<b></b>", "mug " * 5000])
def test_products_with_hardly_any_words_are_answered(shop: Shop, title: str) -> None:
    rows = [{"id": f"p{n}", "title": f"mug {n}", "category": "ab"[n % 2]} for n in range(8)]
    shop.put(*rows, {"id": "odd", "title": title or "x"})
    Product.objects.filter(external_id="odd").update(title=title)
    run = find_out(shop, "classify")
    assert run.status == "done"
    assert run.findings.count() == 1
    assert run.findings.get().data["known"] is False
